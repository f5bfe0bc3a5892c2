//! The system browser: scripted, or in the test's own hand.

use std::sync::Arc;

use hallpass::auth::login::{Attempt, OpenBrowser};
use hallpass::auth::session::{Session, StepUp};
use hallpass::config::Profile;
use hallpass::demo::person::{self, Choice};
use hallpass::http::Http;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use url::Url;

use super::{DEADLINE, raw, within};

/// A browser with a person in it, who goes where it is sent and makes this choice.
pub fn scripted(choice: Choice) -> OpenBrowser {
    let runtime = Handle::current();
    Arc::new(move |link| {
        let link = link.to_string();
        // An attempt that gives up leaves the person at a closed door, which is no failure of theirs.
        runtime.spawn(async move { person::visit(&link, choice).await });
        Ok(())
    })
}

/// The session of a person who makes this choice.
pub async fn log_in(profile: &Profile, choice: Choice) -> Session {
    let http = Http::new(|_| {});
    let attempt = Attempt {
        profile,
        step_up: &StepUp::default(),
        http: &http,
        open: scripted(choice),
        report: &|_| {},
        patience: DEADLINE,
    };
    Box::pin(attempt.run()).await.unwrap()
}

/// A browser that shows nothing: the test gets the links that it was opened with.
pub fn by_hand() -> (OpenBrowser, mpsc::UnboundedReceiver<Link>) {
    let (sender, links) = mpsc::unbounded_channel();
    let open = Arc::new(move |link: &Url| sender.send(Link(link.clone())).map_err(|error| error.to_string()));
    (open, links)
}

/// The link of an attempt that now waits for its callback.
pub async fn opened(links: &mut mpsc::UnboundedReceiver<Link>) -> Link {
    within(links.recv()).await.expect("the attempt opens the browser")
}

/// An authorization request.
#[derive(Clone)]
pub struct Link(pub Url);

impl Link {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> String {
        let mut values = self.0.query_pairs().filter(|(its, _)| its == name).map(|(_, value)| value);
        let value = values.next().unwrap_or_else(|| panic!("{name} in the authorization request"));
        assert!(values.next().is_none(), "{name} comes once");
        value.into_owned()
    }

    /// The issuer whose authorization endpoint this is.
    pub fn issuer(&self) -> String {
        self.0.join("/").unwrap().to_string()
    }

    /// The callback with these parameters; `state` is put in front where it is not among them.
    pub fn callback(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&self.get("redirect_uri")).unwrap();
        if !parameters.iter().any(|(name, _)| *name == "state") {
            url.query_pairs_mut().append_pair("state", &self.get("state"));
        }
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    /// Calls the callback with these parameters, and gives the status.
    pub async fn come_back(&self, parameters: &[(&str, &str)]) -> u16 {
        raw().get(self.callback(parameters)).send().await.unwrap().status().as_u16()
    }

    /// The person goes on from here.
    pub async fn visit(&self, choice: Choice) -> person::Visit {
        person::visit(self.0.as_str(), choice).await.unwrap()
    }
}
