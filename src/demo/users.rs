//! Who can log in at the demo, and what there is to be asked of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The scope of the API's third endpoint, which Bob may not have.
pub const READ_MESSAGES: &str = "read:messages";

/// A person with an account at the demo provider. Nobody needs a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum User {
    /// May read messages.
    Alice,
    /// May not.
    Bob,
}

impl User {
    /// The subject identifier, in Auth0's form: where the account lives, then which it is.
    pub fn sub(self) -> &'static str {
        match self {
            Self::Alice => "demo|alice",
            Self::Bob => "demo|bob",
        }
    }

    /// The user with this subject identifier.
    pub fn from_sub(sub: &str) -> Option<Self> {
        [Self::Alice, Self::Bob].into_iter().find(|user| user.sub() == sub)
    }

    /// Of the scopes that were asked for, those that this user can grant.
    pub fn grant(self, asked: &Scopes) -> Scopes {
        asked.keep(|name| name != READ_MESSAGES || self == Self::Alice)
    }

    /// The claims about this user that the scopes open up (OIDC Core 5.4), for ID tokens and user info.
    pub fn claims(self, scopes: &Scopes, issuer: &str) -> Map<String, Value> {
        let (nickname, given_name, family_name) = match self {
            Self::Alice => ("alice", "Alice", "Adams"),
            Self::Bob => ("bob", "Bob", "Brown"),
        };
        let mut claims = Map::new();
        claims.insert("sub".into(), self.sub().into());
        if scopes.contain("profile") {
            claims.extend([
                ("name".into(), format!("{given_name} {family_name}").into()),
                ("given_name".into(), given_name.into()),
                ("family_name".into(), family_name.into()),
                ("nickname".into(), nickname.into()),
                ("picture".into(), format!("{issuer}picture/{nickname}.png").into()),
                // Auth0 sends text here, where OIDC Core has seconds.
                ("updated_at".into(), "2026-01-01T00:00:00.000Z".into()),
            ]);
        }
        if scopes.contain("email") {
            claims.insert("email".into(), format!("{nickname}@hallpass.demo").into());
            claims.insert("email_verified".into(), json!(true));
        }
        claims
    }
}

/// Something an app can be allowed to do.
pub struct Scope {
    /// As the protocol names it.
    pub name: &'static str,
    /// As the login page explains it.
    pub words: &'static str,
}

/// Every scope that the demo knows, in the order the login page shows them.
pub const SCOPES: [Scope; 5] = [
    Scope { name: "openid", words: "Know who you are" },
    Scope { name: "profile", words: "See your name and picture" },
    Scope { name: "email", words: "See your e-mail address" },
    Scope { name: "offline_access", words: "Keep you logged in" },
    Scope { name: READ_MESSAGES, words: "Read your messages" },
];

/// A set of known scopes; one that the demo does not know is dropped without a word, as Auth0 does.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(Vec<&'static Scope>);

impl Scopes {
    /// Reads a space-separated list (RFC 6749 3.3).
    pub fn parse(list: &str) -> Self {
        Self(SCOPES.iter().filter(|scope| list.split(' ').any(|name| name == scope.name)).collect())
    }

    /// Whether the scope of this name is among them.
    pub fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    /// Those whose name passes the test.
    pub fn keep(&self, test: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().copied().filter(|scope| test(scope.name)).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static Scope> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<_> = self.iter().map(|scope| scope.name).collect();
        f.write_str(&names.join(" "))
    }
}

impl From<String> for Scopes {
    fn from(list: String) -> Self {
        Self::parse(&list)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}
