//! The session: what a login leaves behind, how long it is good for, and how it is renewed.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use openidconnect::core::{CoreIdTokenClaims, CoreUserInfoClaims};
use serde::{Deserialize, Serialize};

use super::tokens::Tokens;
use crate::config::Profile;
use crate::secret::Secret;
use crate::untrusted;

/// A token with less than this left might end on its way.
const MARGIN: Duration = Duration::from_mins(1);

/// A session, as it is kept in the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The provider that issued it.
    pub issuer: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// Goes with each call to the API. Its type is Bearer: no other is accepted.
    pub access_token: Secret,
    /// Buys the next access token, where the provider issued one.
    pub refresh_token: Option<Secret>,
    /// Who logged in, as the provider signed it.
    pub id_token: Option<Secret>,
    /// The scopes that were asked for.
    pub asked: Vec<String>,
    /// The scopes that were granted.
    pub granted: Vec<String>,
    /// When the access token was issued, by this computer's clock.
    pub issued_at: Timestamp,
    /// When it ends, where the provider said so.
    pub expires_at: Option<Timestamp>,
    /// Who logged in.
    pub user: User,
    /// How its tokens were come by.
    #[serde(default)]
    pub obtained: Obtained,
    /// What its login asked for beyond the profile.
    #[serde(default)]
    pub step_up: StepUp,
    /// How the person was authenticated, by the ID token's `acr`, safe to show.
    #[serde(default)]
    pub acr: Option<String>,
    /// When the person was last authenticated, by the ID token's `auth_time`.
    #[serde(default)]
    pub auth_time: Option<Timestamp>,
}

/// How a session's tokens were come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obtained {
    /// By logging in.
    #[default]
    ByLogin,
    /// By a renewal, and why.
    ByRenewal(Why),
}

/// Why a session is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The person asked for it.
    Asked,
    /// It had expired when Hallpass was started.
    Restored,
    /// A call is about to be made, and it has less than a minute left.
    BeforeCall,
    /// The API answered 401.
    Refused,
}

/// What a login asks for beyond the profile, because an API wants more (RFC 6750, section 3.1; RFC 9470, section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUp {
    /// Further scopes.
    pub scopes: Vec<String>,
    /// `acr_values`: how the person shall be authenticated, best first, separated by spaces.
    pub acr_values: Option<String>,
    /// `max_age`: how long ago that may be, in seconds.
    pub max_age: Option<u64>,
}

impl StepUp {
    /// The scopes that a login with `profile` asks for: the profile's and these, each once.
    #[must_use]
    pub fn scopes_with(&self, profile: &Profile) -> Vec<String> {
        union(&profile.scopes, &self.scopes)
    }

    /// All of this and all of `earlier`, so that what one API wants does not undo what another one got.
    #[must_use]
    pub fn and(&self, earlier: &Self) -> Self {
        let acr_values = union(self.acr_values(), earlier.acr_values());
        Self {
            scopes: union(&self.scopes, &earlier.scopes),
            acr_values: (!acr_values.is_empty()).then(|| acr_values.join(" ")),
            max_age: self.max_age.into_iter().chain(earlier.max_age).min(),
        }
    }

    /// Whether a login of this `acr` is one that `acr_values` ask for; any is, where they ask for none.
    #[must_use]
    pub fn is_met_by(&self, acr: Option<&str>) -> bool {
        self.acr_values.is_none() || self.acr_values().any(|value| Some(value) == acr)
    }

    /// The values of `acr_values`, best first.
    pub fn acr_values(&self) -> impl Iterator<Item = &str> {
        self.acr_values.iter().flat_map(|values| values.split_whitespace())
    }
}

/// The words of both, in order, each once.
fn union<T: AsRef<str>>(
    first: impl IntoIterator<Item = T>,
    second: impl IntoIterator<Item = T>,
) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in first.into_iter().chain(second) {
        if !words.iter().any(|known| known == word.as_ref()) {
            words.push(word.as_ref().to_owned());
        }
    }
    words
}

/// The person (OpenID Connect Core 1.0, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `sub`.
    pub subject: String,
    /// `name`, safe to show.
    pub name: Option<String>,
    /// `email`, safe to show.
    pub email: Option<String>,
    /// `picture`.
    pub picture: Option<String>,
}

/// Reads the same claims from an ID token and from user info, whose types differ by name only.
macro_rules! user_from {
    ($claims:expr) => {
        User {
            subject: $claims.subject().to_string(),
            name: $claims.name().and_then(|name| name.get(None)).map(|name| untrusted::line(name)),
            email: $claims.email().map(|email| untrusted::line(email)),
            picture: $claims
                .picture()
                .and_then(|picture| picture.get(None))
                .map(|picture| picture.to_string()),
        }
    };
}

impl User {
    /// What the ID token says.
    #[must_use]
    pub fn from_id_token(claims: &CoreIdTokenClaims) -> Self {
        user_from!(claims)
    }

    /// What user info says, and where it is silent what was known before.
    #[must_use]
    pub fn with_user_info(self, claims: &CoreUserInfoClaims) -> Self {
        let said = user_from!(claims);
        Self {
            subject: self.subject,
            name: said.name.or(self.name),
            email: said.email.or(self.email),
            picture: said.picture.or(self.picture),
        }
    }

    /// What to call the person, safe to show: name, else e-mail, else subject.
    #[must_use]
    pub fn called(&self) -> Cow<'_, str> {
        let known = self.name.as_deref().or(self.email.as_deref());
        known.map_or_else(|| untrusted::line(&self.subject).into(), Cow::from)
    }
}

impl Session {
    /// The session that `tokens` open for `user`, whose ID token has these `claims`, after a login that asked for
    /// `step_up` beyond the profile.
    #[must_use]
    pub fn new(
        profile: &Profile,
        step_up: &StepUp,
        tokens: Tokens,
        claims: &CoreIdTokenClaims,
        user: User,
    ) -> Self {
        let issued_at = Timestamp::now();
        let asked = step_up.scopes_with(profile);
        Self {
            issuer: profile.issuer.clone(),
            client_id: profile.client_id.clone(),
            access_token: Secret::new(tokens.access_token.secret()),
            refresh_token: tokens.refresh_token,
            id_token: tokens.id_token.map(|token| Secret::new(token.to_string())),
            granted: tokens.granted.unwrap_or_else(|| asked.clone()),
            asked,
            issued_at,
            expires_at: expiry(issued_at, tokens.expires_in),
            user,
            obtained: Obtained::ByLogin,
            step_up: step_up.clone(),
            acr: claims.auth_context_ref().map(|acr| untrusted::line(acr)),
            auth_time: claims.auth_time().and_then(|at| Timestamp::from_second(at.timestamp()).ok()),
        }
    }

    /// Whether it was issued by the profile's provider to the profile's client.
    #[must_use]
    pub fn belongs_to(&self, profile: &Profile) -> bool {
        self.issuer == profile.issuer && self.client_id == profile.client_id
    }

    /// How long the access token is still good for at `now`: zero once it has ended, `None` where it never says.
    #[must_use]
    pub fn time_left(&self, now: Timestamp) -> Option<Duration> {
        let left = |now: Timestamp| {
            let left = self.expires_at?.as_second().saturating_sub(now.as_second());
            Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
        };
        // It never has more than it had, whatever the clock was set back to.
        left(now).min(left(self.issued_at))
    }

    /// Whether so little is `left` of it that it should be renewed before it is used: less than a minute, or than half
    /// of its life where that is shorter.
    #[must_use]
    pub fn is_due(&self, left: Option<Duration>) -> bool {
        let margin = self.lifetime().map_or(MARGIN, |lifetime| MARGIN.min(lifetime / 2));
        left.is_some_and(|left| left < margin)
    }

    /// How long the access token is good for in all.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.time_left(self.issued_at)
    }

    /// The scopes that were asked for and not granted.
    #[must_use]
    pub fn not_granted(&self) -> Vec<&str> {
        // Some providers list only what the API's token is good for; then the ID token shows that the scopes about the
        // person were granted. Whether offline access was, only a refresh token shows.
        let api_only = self.id_token.is_some() && !self.has("openid");
        let granted = |scope: &str| match scope {
            "offline_access" => self.refresh_token.is_some(),
            "openid" | "profile" | "email" | "address" | "phone" => api_only || self.has(scope),
            _ => self.has(scope),
        };
        self.asked.iter().map(String::as_str).filter(|scope| !granted(scope)).collect()
    }

    /// Whether its login asked for all that is `wanted`, so that asking once more would bring nothing else. If all that
    /// stands in the way is that it has become older than `max_age` by `now`, asking once more does.
    #[must_use]
    pub fn has_asked_for(&self, wanted: &StepUp, now: Timestamp) -> bool {
        let asked_age = |wanted| self.step_up.max_age.is_some_and(|asked| asked <= wanted);
        let aged = |max_age| wanted.is_met_by(self.acr.as_deref()) && !self.is_fresh(max_age, now);
        wanted.max_age.is_none_or(|max_age| asked_age(max_age) && !aged(max_age))
            && wanted.scopes.iter().all(|scope| self.asked.contains(scope))
            && wanted.acr_values().all(|value| self.step_up.acr_values().any(|asked| asked == value))
    }

    /// Whether the person was authenticated at most `max_age` seconds before `now`; a minute ago is always fresh, for
    /// nobody is asked again before that.
    fn is_fresh(&self, max_age: u64, now: Timestamp) -> bool {
        let most = max_age.max(Duration::from_mins(1).as_secs());
        self.authenticated_ago(now).is_none_or(|ago| ago.as_secs() <= most)
    }

    /// How long before `now` the person was authenticated, where the provider said when.
    #[must_use]
    pub fn authenticated_ago(&self, now: Timestamp) -> Option<Duration> {
        let ago = now.as_second().saturating_sub(self.auth_time?.as_second());
        Some(Duration::from_secs(u64::try_from(ago).unwrap_or(0)))
    }

    fn has(&self, scope: &str) -> bool {
        self.granted.iter().any(|granted| granted == scope)
    }
}

pub(super) fn expiry(issued_at: Timestamp, expires_in: Option<Duration>) -> Option<Timestamp> {
    expires_in.and_then(|lifetime| issued_at.checked_add(lifetime).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(granted: &[&str]) -> Session {
        let scopes = |scopes: &[&str]| scopes.iter().map(|&scope| scope.to_owned()).collect();
        Session {
            issuer: "https://op/".to_owned(),
            client_id: "c".to_owned(),
            access_token: Secret::new("a"),
            refresh_token: Some(Secret::new("r")),
            id_token: Some(Secret::new("i")),
            asked: scopes(&["openid", "profile", "offline_access", "read:messages"]),
            granted: scopes(granted),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: expiry(Timestamp::UNIX_EPOCH, Some(Duration::from_mins(5))),
            user: User { subject: "s".to_owned(), name: None, email: None, picture: None },
            obtained: Obtained::ByLogin,
            step_up: StepUp::default(),
            acr: None,
            auth_time: None,
        }
    }

    #[test]
    fn what_was_asked_for_and_not_granted_is_named() {
        assert_eq!(session(&["openid", "profile"]).not_granted(), ["read:messages"]);
        assert_eq!(session(&["openid", "read:messages"]).not_granted(), ["profile"]);
    }

    #[test]
    fn a_provider_that_lists_only_the_apis_scopes_has_granted_the_others() {
        assert!(session(&["read:messages"]).not_granted().is_empty());
    }

    #[test]
    fn offline_access_without_a_refresh_token_was_not_granted_whatever_is_said() {
        let session = session(&["openid", "profile", "offline_access", "read:messages"]);
        assert!(session.not_granted().is_empty());
        assert_eq!(Session { refresh_token: None, ..session }.not_granted(), ["offline_access"]);
    }

    fn step_up(scopes: &[&str], acr_values: Option<&str>, max_age: Option<u64>) -> StepUp {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        StepUp { scopes, acr_values: acr_values.map(str::to_owned), max_age }
    }

    #[test]
    fn what_several_apis_want_is_asked_for_together_and_each_word_once() {
        let first = step_up(&["a"], Some("strong"), Some(300));
        let second = step_up(&["b", "a"], Some("stronger strong"), None);
        let both = step_up(&["b", "a"], Some("stronger strong"), Some(300));
        assert_eq!(second.and(&first), both);
        assert_eq!(step_up(&[], None, Some(60)).and(&both).max_age, Some(60));
        assert_eq!(StepUp::default().and(&StepUp::default()), StepUp::default());
    }

    #[test]
    fn only_what_was_asked_for_counts_as_asked_for() {
        let now = Timestamp::from_second(1000).unwrap();
        let asked = Session {
            step_up: step_up(&[], Some("strong stronger"), Some(300)),
            auth_time: Some(Timestamp::from_second(900).unwrap()),
            ..session(&[])
        };
        for wanted in [
            step_up(&["read:messages"], None, None),
            step_up(&[], Some("stronger"), None),
            step_up(&[], None, Some(300)),
            step_up(&["openid"], Some("strong"), Some(3600)),
        ] {
            assert!(asked.has_asked_for(&wanted, now), "{wanted:?}");
        }
        for wanted in [
            step_up(&["write:messages"], None, None),
            step_up(&[], Some("strong strongest"), None),
            step_up(&[], None, Some(299)),
            step_up(&["openid"], Some("strong"), Some(60)),
        ] {
            assert!(!asked.has_asked_for(&wanted, now), "{wanted:?}");
        }
        assert!(!session(&[]).has_asked_for(&step_up(&[], None, Some(3600)), now));
    }

    #[test]
    fn a_login_that_has_become_too_old_can_be_asked_for_again_but_never_within_a_minute() {
        let asked = |max_age| Session {
            step_up: step_up(&[], None, Some(max_age)),
            auth_time: Some(Timestamp::from_second(1000).unwrap()),
            ..session(&[])
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let strong = |max_age| step_up(&[], Some("strong"), Some(max_age));
        let weak = Session { step_up: strong(300), ..asked(300) };
        assert!(weak.has_asked_for(&strong(300), at(1301)), "what did not come then would not come now");
        let strong_once = Session { acr: Some("strong".to_owned()), ..weak };
        assert!(!strong_once.has_asked_for(&strong(300), at(1301)));
        assert!(asked(300).has_asked_for(&step_up(&[], None, Some(300)), at(1300)));
        assert!(!asked(300).has_asked_for(&step_up(&[], None, Some(300)), at(1301)));
        assert!(asked(0).has_asked_for(&step_up(&[], None, Some(0)), at(1060)));
        assert!(!asked(0).has_asked_for(&step_up(&[], None, Some(0)), at(1061)));
    }

    #[test]
    fn a_token_is_due_in_its_last_minute_or_in_the_second_half_of_a_short_life() {
        let due = |lifetime: u64, left: u64| {
            let expires_at = expiry(Timestamp::UNIX_EPOCH, Some(Duration::from_secs(lifetime)));
            Session { expires_at, ..session(&[]) }.is_due(Some(Duration::from_secs(left)))
        };
        assert_eq!(
            [due(300, 60), due(300, 59), due(60, 30), due(60, 29), due(5, 3), due(5, 2)].map(u8::from),
            [0, 1, 0, 1, 0, 1]
        );
        assert!(!Session { expires_at: None, ..session(&[]) }.is_due(None));
    }

    #[test]
    fn the_time_left_ends_at_zero() {
        let session = session(&[]);
        let at = |seconds| session.time_left(Timestamp::from_second(seconds).unwrap());
        assert_eq!(at(60), Some(Duration::from_mins(4)));
        assert_eq!(at(1000), Some(Duration::ZERO));
        assert_eq!(session.lifetime(), Some(Duration::from_mins(5)));
        assert_eq!(at(-3600), session.lifetime(), "the clock was set back");
    }
}
