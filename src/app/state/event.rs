//! What can happen: what the person does, what tasks report, and the tasks themselves.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::history::Filter;
use super::super::report::Format;
use super::viewer::{Look, LookedUp};
use crate::api::CallError;
use crate::api::request::Draft;
use crate::api::response::Response;
use crate::auth::Step;
use crate::auth::claims::Which;
use crate::auth::log_out::{EndSessionError, Ended, RevocationError};
use crate::auth::login::LoginError;
use crate::auth::renewal::{RenewalError, Renewed};
use crate::auth::session::{Session, StepUp};
use crate::body::{Progress, Search};
use crate::config::{Field, Profile, ProfileFile, ProfileForm, SaveError};
use crate::doctor::Finding;
use crate::http::Exchange;
use crate::secret::Secret;
use crate::store::{Kept, StoreError};

/// A task, told from every other of this run.
pub type TaskId = u64;

/// What a task works at. Of each there is one at a time: a new one replaces the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Starting the embedded provider and API.
    Demo,
    /// Reading the kept session back.
    Restore,
    /// An attempt to log in.
    Login,
    /// Keeping the session that came of it.
    Keep,
    /// A call to the API.
    Call,
    /// A renewal of the access token.
    Renewal,
    /// Removing the session from this computer.
    LogOut,
    /// Revoking its tokens.
    Revocation,
    /// Ending the provider's own session in the browser.
    EndSession,
    /// Writing the timeline into a file.
    Export,
    /// Writing the profile file.
    Save,
    /// Examining the setup.
    Examine,
    /// Looking something up in the body of the answer.
    LookUp,
    /// Searching it.
    Search,
    /// Saving it into a file.
    SaveBody,
    /// Turning a fault of the demo on or off, or looking which one is on.
    Fault,
}

/// Something that the demo can be told to do wrong, in the words of whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultItem {
    /// Its name in the switch.
    pub id: &'static str,
    /// The heading that it stands under.
    pub when: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What goes wrong, and what to do to see it.
    pub explains: &'static str,
}

/// What to do with the demo's faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Look which one is on: another window may have turned it.
    Look,
    /// Turn off whichever is on.
    Off,
    /// Turn this one on.
    On(&'static str),
}

/// What the person did. Drawing a screen returns one of these and changes nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Action {
    /// Log in, and ask for this beyond the profile.
    LogIn(StepUp),
    CancelLogin,
    Copy(String),
    CopyLoginLink(Secret),
    OpenLoginLink(Secret),
    ChooseRequest(usize),
    Edit(Draft),
    CallApi,
    /// Yes, send the token to this origin too.
    SendTokenTo(String),
    CallWithoutToken,
    CancelCall,
    /// Do this with the body of the answer.
    Look(Look),
    ShowTab(Tab),
    ShowToken(Which),
    /// Ask before a token is copied, or ask no more.
    AskToCopyToken(bool),
    CopyToken(Secret),
    /// Show every check of the last login on the Login screen.
    ShowChecks(bool),
    Renew,
    /// Read the kept session once more.
    Restore,
    /// Try once more to keep the session.
    KeepAgain,
    /// Log out of the provider, and forget the session here.
    LogOut,
    /// Forget the session here; the provider is not told.
    Forget,
    ShowSession(bool),
    /// Show the timeline's entries that this lets through.
    FilterTimeline(Filter),
    ClearTimeline,
    /// Open the entry of this number.
    OpenEntry(u64),
    /// Show the secrets of the opened entry, or hide them again.
    Reveal(bool),
    CloseEntry,
    ShowSequence(bool),
    /// Write the timeline into a file.
    Export(Format),
    SwitchProfile(String),
    /// Edit the profile of this name, or a new one.
    OpenSettings(Option<String>),
    /// Edit the current profile, with this field filled in.
    FillIn(Field, String),
    EditForm(ProfileForm),
    SaveProfile,
    RemoveProfile,
    CloseSettings,
    Dismiss,
    ShowTheme(Theme),
    ShowTimeline(bool),
    /// Begin or end the presentation.
    Present(bool),
    /// Begin again, with a clean demo.
    StartOver,
    /// Examine the setup of the profile, and show what is found.
    Examine,
    CloseDoctor,
    TurnFault(Turn),
}

impl Action {
    /// Whether the person shall see something else than what they opened of the timeline.
    pub(super) fn leads_elsewhere(&self) -> bool {
        matches!(
            self,
            Self::LogIn(_)
                | Self::LogOut
                | Self::Forget
                | Self::SwitchProfile(_)
                | Self::OpenSettings(_)
                | Self::FillIn(..)
                | Self::Examine
        )
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The person did something; what it needs of the outside world is already under way.
    Did(Action),
    /// A task began.
    Began(TaskId, Work),
    /// A task exchanged a request and a response.
    Exchanged(TaskId, Exchange),
    /// An attempt to log in took a step.
    Stepped(TaskId, Step),
    /// The demo provider stands, with this profile; or does not, and why.
    DemoStarted(TaskId, Result<Profile, String>),
    /// The kept session was read.
    Restored(TaskId, Result<Option<(Session, Kept)>, StoreError>),
    /// An attempt to log in ended.
    LoggedIn(TaskId, Result<Box<Session>, LoginError>),
    /// The session was put where it is kept.
    Kept(TaskId, Kept),
    /// A call has an answer whose body still comes.
    Answered(TaskId, Box<Response>),
    /// More of the body came, so long after the request was sent.
    Grew(TaskId, Progress, Duration),
    /// Something was looked up in the body, or was not, and why.
    LookedUp(TaskId, Result<LookedUp, String>),
    /// This search found so many hits in so many bytes; or why it did not go on.
    Searched(TaskId, Arc<Mutex<Search>>, Result<(u64, u64), String>),
    /// A search has come to the end of what is there.
    SearchedAll(TaskId),
    /// The body was saved into this file, or was not, and why.
    BodySaved(TaskId, Result<PathBuf, String>),
    /// A call ended.
    Called(TaskId, Result<Box<Response>, CallError>),
    /// A renewal ended.
    Renewed(TaskId, Result<Box<Renewed>, RenewalError>),
    /// The session is gone from this computer, or not, and why.
    Forgotten(TaskId, Result<(), StoreError>),
    /// The provider could not be told yet, and will be told again.
    NotRevokedYet(TaskId, RevocationError),
    /// The provider was told, or need not be; or could not.
    Revoked(TaskId, Result<(), RevocationError>),
    /// The provider's own session ended in the browser, or perhaps not.
    SessionEnded(TaskId, Result<Ended, EndSessionError>),
    /// A task ended without a result, through a fault of Hallpass.
    Died(TaskId),
    /// The timeline was written into this file, or was not, and why.
    Exported(TaskId, Result<PathBuf, String>),
    /// A check of the examination was made.
    Found(TaskId, Finding),
    /// The examination ended.
    Examined(TaskId),
    /// The profile file was written with this profile in the place of the one of the old name.
    Saved(TaskId, Box<Result<Written, SaveError>>),
    /// The fault of the demo that is on after this, by its id; or why that could not be done.
    FaultIs(TaskId, Turn, Result<Option<&'static str>, String>),
}

/// What writing the profile file left.
#[derive(Debug)]
pub struct Written {
    /// The file as it is now.
    pub file: ProfileFile,
    /// The name of the profile before, if it was there.
    pub old: Option<String>,
    /// The profile as it is now; `None` where it was removed.
    pub profile: Option<Profile>,
}

/// The part of the response that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Its body.
    #[default]
    Body,
    /// Its headers.
    Headers,
    /// What was sent.
    Request,
    /// The session's tokens, whatever the response.
    Token,
    /// What was checked before the session was believed.
    Checks,
}

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}
