//! A token laid out to be looked at: its parts with what each means, and where it is not what was asked for. Nothing is
//! decided by it.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::jwt::Token;
use super::session::Session;
use crate::config::Profile;
use crate::secret::{HIDDEN, Secret};
use crate::untrusted;

/// The tokens of a session that can be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The one for the API.
    #[default]
    Access,
    /// The one that says who logged in.
    Id,
}

/// A token, laid out.
#[derive(Clone)]
pub struct Layout {
    /// How many characters it has.
    pub length: usize,
    /// The parts of its header, where it can be read.
    pub header: Vec<Part>,
    /// Its claims, where they can be read.
    pub claims: Vec<Part>,
    token: Token,
}

impl fmt::Debug for Layout {
    /// Leaves out what is not safe to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Layout {
    /// The texts in it that are about the person.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let texts = self.claims.iter().filter(|part| part.personal).flat_map(|part| match &part.content {
            Content::Text(text) => std::slice::from_ref(text),
            Content::Words(words) => words,
            Content::Time(_) => &[],
        });
        // These would hide what has nothing to do with anybody.
        texts.map(String::as_str).filter(|text| !matches!(*text, "true" | "false" | "null"))
    }
}

/// A part of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name, safe to show.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Whether that is about the person.
    pub personal: bool,
}

/// What a part holds, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A text, a number or some JSON.
    Text(String),
    /// Texts that stand beside each other, such as audiences or scopes.
    Words(Vec<String>),
    /// A time.
    Time(Timestamp),
}

/// Where a token is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The part that differs, which may be missing.
    pub part: &'static str,
    /// How, in a sentence.
    pub text: String,
}

impl Layout {
    /// Lays out a token.
    #[must_use]
    pub fn of(token: &Secret) -> Self {
        let text = token.expose();
        let token = Token::read(text);
        let parts = |members: &serde_json::Map<String, Value>| {
            let part = |(name, value): (&String, &Value)| Part {
                name: untrusted::line(name),
                content: content(name, value),
                personal: !is_technical(name),
            };
            let mut parts: Vec<_> = members.iter().map(part).collect();
            parts.sort_by_key(|part| {
                KNOWN.iter().position(|(name, ..)| *name == part.name).unwrap_or(usize::MAX)
            });
            parts
        };
        let (header, claims) = match &token {
            Token::Signed(jwt) => (parts(&jwt.header), parts(&jwt.claims)),
            Token::Encrypted(header) => (parts(header), Vec::new()),
            Token::Opaque => (Vec::new(), Vec::new()),
        };
        Self { length: text.chars().count(), header, claims, token }
    }

    /// What kind of token it is, and what that means, in two sentences. `asked` says whether an audience was asked for.
    #[must_use]
    pub fn kind(&self, asked: bool) -> (&'static str, &'static str) {
        match (&self.token, asked) {
            (Token::Signed(_), _) => {
                ("A signed JWT", "Whoever holds it can read what stands here. Its signature is not shown.")
            }
            (Token::Encrypted(_), true) => (
                "An encrypted JWT",
                "Only who has the key can read it: the API that it is for, or the provider itself.",
            ),
            (Token::Encrypted(_), false) => (
                "An encrypted JWT",
                "Only the provider can read it. No audience was asked for, so it is for no API: one that expects a \
                 JWT of its own answers 401.",
            ),
            (Token::Opaque, true) => (
                "An opaque token",
                "It means something to the provider only. The API must ask the provider what it is good for \
                 (RFC 7662).",
            ),
            (Token::Opaque, false) => (
                "An opaque token",
                "It means something to the provider only. No audience was asked for, so it is for no API: one that \
                 expects a JWT answers 401.",
            ),
        }
    }

    /// Whether it is one that only its provider can read.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !matches!(self.token, Token::Signed(_))
    }

    /// Where it is not what the profile and the login asked for, at `now`.
    #[must_use]
    pub fn differences(
        &self,
        which: Which,
        session: &Session,
        profile: &Profile,
        now: Timestamp,
    ) -> Vec<Difference> {
        let Token::Signed(jwt) = &self.token else { return Vec::new() };
        let mut found = Vec::new();
        let mut differs = |part, text: String| found.push(Difference { part, text: untrusted::line(&text) });
        if jwt.text("iss") != Some(&session.issuer) {
            differs("iss", format!("It is not from {}, where you logged in.", session.issuer));
        }
        let audiences = jwt.texts("aud");
        let lacks = |wanted: &str| !audiences.contains(&wanted);
        match which {
            Which::Access => {
                for (asked, what) in [(&profile.audience, "audience"), (&profile.resource, "resource")] {
                    if let Some(asked) = asked.as_deref().filter(|asked| lacks(asked)) {
                        differs(
                            "aud",
                            format!("The profile asks for the {what} {asked}, which is not here."),
                        );
                    }
                }
                let missing = session.not_granted();
                if !missing.is_empty() {
                    let part = if jwt.claims.contains_key("scp") { "scp" } else { "scope" };
                    differs(part, format!("Asked for, and not granted: {}.", missing.join(", ")));
                }
                if jwt.time("exp").is_some_and(|at| at <= now) {
                    differs("exp", "It has expired: the API will refuse it.".to_owned());
                }
            }
            Which::Id => {
                if lacks(&session.client_id) {
                    differs("aud", format!("It is not for {}, this app.", session.client_id));
                }
            }
        }
        for part in ["azp", "client_id"] {
            if jwt.text(part).is_some_and(|client| client != session.client_id) {
                differs(
                    part,
                    format!("It was issued to another client than {}, this app.", session.client_id),
                );
            }
        }
        found
    }
}

fn content(name: &str, value: &Value) -> Content {
    match (name, value) {
        // It ties the token to its login, and was a secret of that.
        ("nonce", Value::String(nonce)) => {
            Content::Text(format!("{HIDDEN}, {} characters", nonce.chars().count()))
        }
        ("scope" | "scp", Value::String(scopes)) => {
            Content::Words(scopes.split_whitespace().map(untrusted::line).collect())
        }
        ("exp" | "iat" | "nbf" | "auth_time" | "updated_at", Value::Number(seconds)) => {
            #[expect(clippy::cast_possible_truncation, reason = "what is beyond an i64 is no time")]
            let at = seconds.as_f64().and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
            at.map_or_else(|| Content::Text(untrusted::line(&value.to_string())), Content::Time)
        }
        (_, Value::String(text)) => Content::Text(untrusted::line(text)),
        (_, Value::Array(values)) if !values.is_empty() && values.iter().all(Value::is_string) => {
            Content::Words(values.iter().filter_map(Value::as_str).map(untrusted::line).collect())
        }
        _ => Content::Text(untrusted::line(&value.to_string())),
    }
}

/// What a part of a header or a claim means; `None` where no specification says.
#[must_use]
pub fn meaning(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, ..)| *known == name).map(|(_, _, meaning)| *meaning)
}

/// Whether a part says nothing of the person. One that nobody knows may.
fn is_technical(name: &str) -> bool {
    KNOWN.iter().any(|(known, about, _)| *known == name && *about == Technical)
}

/// Whether what has this name, in snake case, is about a person: in a token, or in what an API answers.
pub(crate) fn is_personal(name: &str) -> bool {
    KNOWN.iter().any(|(known, about, _)| *known == name && *about == Person) || ALSO_PERSONAL.contains(&name)
}

/// What APIs call the same, and the members of an address (OpenID Connect Core 1.0, section 5.1.1).
const ALSO_PERSONAL: [&str; 18] = [
    "username",
    "user_name",
    "user_id",
    "first_name",
    "last_name",
    "full_name",
    "display_name",
    "mail",
    "email_address",
    "phone",
    "mobile",
    "birthday",
    "date_of_birth",
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
];

/// Whom a part is about.
#[derive(PartialEq, Eq)]
enum About {
    Technical,
    Person,
}
use About::{Person, Technical};

/// The parts that specifications and providers define, in the order in which they are shown.
const KNOWN: [(&str, About, &str); 61] = [
    // The header (RFC 7515, section 4.1; RFC 7516, section 4.1).
    ("alg", Technical, "How it is signed, or how the key of its encryption is found (RFC 7515)."),
    ("enc", Technical, "How its content is encrypted (RFC 7516)."),
    ("kid", Technical, "Which of the provider's published keys made the signature (RFC 7515)."),
    ("typ", Technical, "What it is: JWT, or at+jwt for an access token (RFC 7519, RFC 9068)."),
    ("cty", Technical, "What its content is, where that is no claims, such as a JWT in a JWT (RFC 7519)."),
    ("crit", Technical, "Parts of the header that must be understood, or the token be refused (RFC 7515)."),
    ("x5t", Technical, "The SHA-1 fingerprint of the signing certificate (RFC 7515)."),
    ("x5t#S256", Technical, "The SHA-256 fingerprint of the signing certificate (RFC 7515)."),
    ("jku", Technical, "Where the sender says that its keys are. Never to be trusted (RFC 7515)."),
    ("jwk", Technical, "The key that the sender says it signed with. Never to be trusted (RFC 7515)."),
    // Who, for whom, when (RFC 7519, section 4.1; RFC 9068, section 2.2; OpenID Connect Core 1.0, section 2).
    ("iss", Technical, "Issuer: the provider that made it (RFC 7519)."),
    (
        "sub",
        Person,
        "Subject: the person, by an identifier that the provider never gives to anybody else (RFC 7519).",
    ),
    (
        "aud",
        Technical,
        "Audience: whom it is for. An API must refuse a token that does not name it (RFC 7519).",
    ),
    ("azp", Technical, "Authorized party: the client that it was issued to (OpenID Connect Core)."),
    ("client_id", Technical, "The client that it was issued to (RFC 8693, RFC 9068)."),
    ("cid", Technical, "The client that it was issued to, as Okta calls it."),
    ("appid", Technical, "The client that it was issued to, as Entra calls it."),
    ("iat", Technical, "Issued at: when it was made (RFC 7519)."),
    ("nbf", Technical, "Not before: from when it may be used (RFC 7519)."),
    ("exp", Technical, "Expiry: from when it must be refused (RFC 7519)."),
    (
        "auth_time",
        Technical,
        "When the person last proved who they are, which may be long before the login (OpenID Connect Core).",
    ),
    (
        "jti",
        Technical,
        "An identifier of this one token, so that it can be told from others or be revoked (RFC 7519).",
    ),
    // The person (OpenID Connect Core 1.0, section 5.1).
    ("name", Person, "The full name (OpenID Connect Core)."),
    ("given_name", Person, "The given name or names (OpenID Connect Core)."),
    ("family_name", Person, "The family name or names (OpenID Connect Core)."),
    ("middle_name", Person, "The middle name or names (OpenID Connect Core)."),
    ("nickname", Person, "The casual name (OpenID Connect Core)."),
    (
        "preferred_username",
        Person,
        "What the person likes to be called by. It may change, and may not be theirs alone (OpenID Connect Core).",
    ),
    (
        "email",
        Person,
        "The e-mail address. Not to be taken for an identifier: it may change (OpenID Connect Core).",
    ),
    (
        "email_verified",
        Technical,
        "Whether the provider saw that the address is the person's (OpenID Connect Core).",
    ),
    ("phone_number", Person, "The telephone number (OpenID Connect Core)."),
    (
        "phone_number_verified",
        Technical,
        "Whether the provider saw that the number is the person's (OpenID Connect Core).",
    ),
    ("picture", Person, "The address of a picture of the person (OpenID Connect Core)."),
    ("profile", Person, "The address of the person's page (OpenID Connect Core)."),
    ("birthdate", Person, "The date of birth (OpenID Connect Core)."),
    ("zoneinfo", Person, "The time zone (OpenID Connect Core)."),
    ("locale", Technical, "The language and region (OpenID Connect Core)."),
    ("address", Person, "The postal address (OpenID Connect Core)."),
    ("updated_at", Technical, "When what is known of the person last changed (OpenID Connect Core)."),
    // What it is good for, and how it came about.
    ("scope", Technical, "What it is good for: the scopes that were granted (RFC 8693, RFC 9068)."),
    ("scp", Technical, "What it is good for: the scopes that were granted, as Entra and Okta call them."),
    (
        "permissions",
        Technical,
        "What the person may do at the API, where the provider manages roles (Auth0).",
    ),
    ("roles", Technical, "The person's roles (RFC 9068, RFC 7643)."),
    ("groups", Technical, "The person's groups (RFC 9068, RFC 7643)."),
    ("entitlements", Technical, "What the person is entitled to (RFC 9068, RFC 7643)."),
    ("realm_access", Technical, "The person's roles in the realm (Keycloak)."),
    ("resource_access", Technical, "The person's roles at each client (Keycloak)."),
    (
        "acr",
        Technical,
        "Authentication context: how strongly the person proved who they are (OpenID Connect Core).",
    ),
    (
        "amr",
        Technical,
        "Authentication methods: what they proved it with, such as pwd, otp or mfa (RFC 8176).",
    ),
    ("act", Person, "Actor: who acts for the subject (RFC 8693)."),
    ("may_act", Person, "Who may act for the subject (RFC 8693)."),
    ("cnf", Technical, "Confirmation: the key that its bearer must prove to have (RFC 7800)."),
    ("gty", Technical, "The grant that it was issued for (Auth0)."),
    (
        "sid",
        Technical,
        "Session: the provider's session that it belongs to, by which it can end it (OpenID Connect Back-Channel Logout).",
    ),
    (
        "nonce",
        Technical,
        "The secret that ties it to one login: it must be the one that was sent (OpenID Connect Core).",
    ),
    (
        "at_hash",
        Technical,
        "Half of the access token's hash: it ties the two together (OpenID Connect Core).",
    ),
    ("c_hash", Technical, "Half of the code's hash: it ties the two together (OpenID Connect Core)."),
    ("s_hash", Technical, "Half of the state's hash: it ties the token to its login (FAPI 1.0)."),
    ("org_id", Technical, "The organization that the person logged in to (Auth0)."),
    ("tid", Technical, "The tenant that the person belongs to (Entra)."),
    ("ver", Technical, "The version of its form (Entra, Okta)."),
];

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;
    use crate::auth::session::{Obtained, StepUp, User};

    fn layout(claims: &Value) -> Layout {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "kid": "k", "alg": "RS256" });
        Layout::of(&Secret::new(format!("{}.{}.c2ln", part(&header), part(claims))))
    }

    fn session(asked: &[&str], granted: &[&str]) -> Session {
        let list = |list: &[&str]| list.iter().map(|&scope| scope.to_owned()).collect();
        Session {
            issuer: "https://op/".to_owned(),
            client_id: "app".to_owned(),
            access_token: Secret::new("a"),
            refresh_token: None,
            id_token: None,
            asked: list(asked),
            granted: list(granted),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user: User { subject: "alice".to_owned(), name: None, email: None, picture: None },
            obtained: Obtained::ByLogin,
            step_up: StepUp::default(),
            acr: None,
            auth_time: None,
        }
    }

    fn profile() -> Profile {
        let api = url::Url::parse("http://127.0.0.1:1/").unwrap();
        Profile::demo("https://op/", "app", "https://api/", &api)
    }

    fn parts(which: Which, claims: &Value, session: &Session) -> Vec<&'static str> {
        let now = Timestamp::from_second(1000).unwrap();
        layout(claims)
            .differences(which, session, &profile(), now)
            .into_iter()
            .map(|found| found.part)
            .collect()
    }

    #[test]
    fn a_token_that_is_what_was_asked_for_has_no_marks() {
        let access = json!({ "iss": "https://op/", "aud": ["https://api/", "x"], "azp": "app", "exp": 2000 });
        assert_eq!(parts(Which::Access, &access, &session(&[], &[])), [""; 0]);
        let id = json!({ "iss": "https://op/", "aud": "app", "exp": 1 });
        assert_eq!(parts(Which::Id, &id, &session(&[], &[])), [""; 0], "that it has ended matters no more");
    }

    #[test]
    fn what_differs_is_marked_by_its_part() {
        let claims = json!({ "iss": "https://op", "aud": "https://api", "client_id": "other", "exp": 1000 });
        let found = parts(Which::Access, &claims, &session(&["read"], &[]));
        assert_eq!(found, ["iss", "aud", "scope", "exp", "client_id"]);
        assert_eq!(parts(Which::Id, &claims, &session(&["read"], &[])), ["iss", "aud", "client_id"]);
        let with_scp = json!({ "iss": "https://op/", "aud": "https://api/", "scp": "x" });
        assert_eq!(parts(Which::Access, &with_scp, &session(&["read"], &[])), ["scp"]);
    }

    #[test]
    fn times_are_times_scopes_are_words_and_the_nonce_is_not_shown() {
        let claims =
            json!({ "zzz": { "a": [1] }, "nonce": "canary", "scope": "a  b", "aud": ["x", "y"], "exp": 60 });
        let layout = layout(&claims);
        let names: Vec<_> = layout.claims.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["aud", "exp", "scope", "nonce", "zzz"]);
        let contents: Vec<_> = layout.claims.iter().map(|part| part.content.clone()).collect();
        let words = |words: &[&str]| Content::Words(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(contents[0], words(&["x", "y"]));
        assert_eq!(contents[1], Content::Time(Timestamp::from_second(60).unwrap()));
        assert_eq!(contents[2], words(&["a", "b"]));
        assert_eq!(contents[3], Content::Text("••••, 6 characters".to_owned()));
        assert_eq!(contents[4], Content::Text(r#"{"a":[1]}"#.to_owned()));
        assert!(!format!("{:?}", layout.claims).contains("canary"));
        let header: Vec<_> = layout.header.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(header, ["alg", "kid"]);
    }

    #[test]
    fn what_is_about_the_person_is_known_and_what_nobody_knows_may_be() {
        for (name, personal) in [("sub", true), ("email", true), ("https://x/mail", true), ("aud", false)] {
            let layout = layout(&json!({ name: "v" }));
            assert_eq!(layout.claims[0].personal, personal, "{name}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_read_is_told_by_its_kind_and_by_whether_an_api_was_asked_for() {
        let opaque = Layout::of(&Secret::new("abc"));
        assert_eq!((opaque.kind(false).0, opaque.length, opaque.is_closed()), ("An opaque token", 3, true));
        assert!(opaque.kind(false).1.contains("No audience was asked for"));
        assert!(!opaque.kind(true).1.contains("No audience"));
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
        let encrypted = Layout::of(&Secret::new(format!("{header}..iv.text.tag")));
        assert_eq!((encrypted.kind(false).0, encrypted.header.len()), ("An encrypted JWT", 2));
        let now = Timestamp::UNIX_EPOCH;
        assert!(opaque.differences(Which::Access, &session(&[], &[]), &profile(), now).is_empty());
    }

    #[test]
    fn every_known_part_is_known_once_and_explained_in_a_sentence() {
        for (index, (name, _, text)) in KNOWN.iter().enumerate() {
            assert!(text.ends_with('.') && text.len() < 130, "{name}");
            assert!(KNOWN[..index].iter().all(|(other, ..)| other != name), "{name} twice");
        }
        assert!(meaning("exp").is_some() && meaning("https://x/").is_none());
    }
}
