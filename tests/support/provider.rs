//! A sound `OpenID` provider, of which any answer can be bent.
//!
//! Its endpoints have unusual paths, so that only who reads its metadata finds them. A request that no sound client
//! sends is a fault: it fails the test when the provider is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::config::{Profile, ProfileForm};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::keys::{Key, RSA};
use super::server::{self, Seen, Server};

/// The one client.
pub const CLIENT: &str = "the-client";
/// The one person.
pub const SUBJECT: &str = "alice";

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/the-keys";
const AUTHORIZE: &str = "/sign-in";
const TOKENS: &str = "/tokens";
const USER_INFO: &str = "/who";
const REVOKE: &str = "/forget";
const END_SESSION: &str = "/bye";
/// Where Auth0 has what is elsewhere above.
const AUTH0: [&str; 3] = ["/authorize", "/oauth/token", "/v2/logout"];

/// The parameters of a query or form.
pub type Pairs = Vec<(String, String)>;

/// A change to an answer in JSON.
pub type Bend = Box<dyn Fn(&mut Value) + Send + Sync>;

/// Makes a change of a closure.
pub fn bend(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Bend {
    Box::new(change)
}

/// What the provider answers. It is sound until a test changes it.
pub struct Script {
    /// Ends in `/`.
    pub issuer: String,
    /// The metadata.
    pub discovery: Bend,
    /// The keys, for each time that they are fetched; the last ones stay.
    pub keys: Vec<Vec<Value>>,
    /// The parameters of the callback: `code`, `state` and `iss`.
    pub callback: Box<dyn Fn(&mut Pairs) + Send + Sync>,
    /// The header of the ID token.
    pub header: Bend,
    /// The claims of the ID token.
    pub claims: Bend,
    /// What signs the ID token.
    pub signer: Signer,
    /// The ID token as it is sent.
    pub id_token: Box<dyn Fn(String) -> String + Send + Sync>,
    /// The token endpoint's answer.
    pub tokens: Bend,
    /// The claims of user info.
    pub user_info: Bend,
    /// Whether the token endpoint's answers break off: tokens are issued, and lost on the way.
    pub loses_tokens: bool,
    /// How far its clock is ahead of this computer's.
    pub clock_ahead: SignedDuration,
    /// Whether its endpoints are named as Auth0 names them, of which an older tenant has no `end_session_endpoint`.
    pub as_auth0: bool,
    /// Whether the code may come with another verifier than it was made for: an attacker's code.
    pub expects_a_foreign_verifier: bool,
    /// Answers in the place of the provider's own, by path.
    pub instead: HashMap<&'static str, Box<dyn Fn() -> Response + Send + Sync>>,
}

/// What signs an ID token.
pub enum Signer {
    /// One of the keys of this binary, with its own algorithm.
    Key(&'static Key),
    /// HS256 with this secret.
    Shared(Vec<u8>),
    /// Nothing.
    Nothing,
}

impl Script {
    fn sound(issuer: String) -> Self {
        Self {
            issuer,
            discovery: bend(|_| {}),
            keys: vec![vec![RSA.public.clone()]],
            callback: Box::new(|_| {}),
            header: bend(|_| {}),
            claims: bend(|_| {}),
            signer: Signer::Key(&RSA),
            id_token: Box::new(|token| token),
            tokens: bend(|_| {}),
            user_info: bend(|_| {}),
            loses_tokens: false,
            clock_ahead: SignedDuration::ZERO,
            as_auth0: false,
            expects_a_foreign_verifier: false,
            instead: HashMap::new(),
        }
    }

    /// Answers requests to `path` with what `answer` makes.
    pub fn instead(&mut self, path: &'static str, answer: impl Fn() -> Response + Send + Sync + 'static) {
        self.instead.insert(path, Box::new(answer));
    }

    /// The time by its clock.
    fn now(&self) -> Timestamp {
        Timestamp::now() + self.clock_ahead
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{}", self.issuer.trim_end_matches('/'), path);
        let mut metadata = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at(AUTHORIZE),
            "token_endpoint": at(TOKENS),
            "userinfo_endpoint": at(USER_INFO),
            "jwks_uri": at(KEYS),
            "revocation_endpoint": at(REVOKE),
            "end_session_endpoint": at(END_SESSION),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        if self.as_auth0 {
            metadata["authorization_endpoint"] = json!(at(AUTH0[0]));
            metadata["token_endpoint"] = json!(at(AUTH0[1]));
            metadata.as_object_mut().unwrap().remove("end_session_endpoint");
        }
        (self.discovery)(&mut metadata);
        metadata
    }

    fn id_token(&self, access_token: &str, nonce: Option<&str>) -> String {
        let now = self.now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "sub": SUBJECT, "aud": CLIENT, "iat": now, "exp": now + 300,
            "at_hash": URL_SAFE_NO_PAD.encode(&sha256(access_token)[..16]),
            "name": "Alice of the token",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        (self.claims)(&mut claims);

        let (mut header, key) = match &self.signer {
            Signer::Key(key) => (
                json!({ "alg": key.algorithm, "kid": key.public["kid"] }),
                Some((key.private.clone(), key.algorithm)),
            ),
            Signer::Shared(secret) => {
                (json!({ "alg": "HS256" }), Some((EncodingKey::from_secret(secret), Algorithm::HS256)))
            }
            Signer::Nothing => (json!({ "alg": "none" }), None),
        };
        (self.header)(&mut header);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature =
            key.map(|(key, algorithm)| jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm));
        (self.id_token)(format!("{message}.{}", signature.map(Result::unwrap).unwrap_or_default()))
    }
}

/// The provider.
pub struct Provider {
    /// What it is asked.
    pub server: Server,
    desk: Arc<Desk>,
}

/// What its handlers share.
struct Desk {
    script: Mutex<Script>,
    /// What was asked at the authorization endpoint, by code.
    codes: Mutex<HashMap<String, Pairs>>,
    issued: Mutex<usize>,
    id_tokens: Mutex<Vec<String>>,
    fetched_keys: Mutex<usize>,
    faults: Mutex<Vec<String>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults = self.desk.faults.lock().unwrap();
            assert!(faults.is_empty(), "no sound client does this: {faults:?}");
        }
    }
}

impl Provider {
    /// Starts a sound provider with these changes.
    pub async fn start(change: impl FnOnce(&mut Script)) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), change)
    }

    /// Starts one on a port that is held already.
    pub fn on(listener: TcpListener, change: impl FnOnce(&mut Script)) -> Self {
        let mut script = Script::sound(server::url_of(listener.local_addr().unwrap()).to_string());
        change(&mut script);
        let desk = Arc::new(Desk {
            script: Mutex::new(script),
            codes: Mutex::default(),
            issued: Mutex::default(),
            id_tokens: Mutex::default(),
            fetched_keys: Mutex::default(),
            faults: Mutex::default(),
        });
        let behind = Arc::clone(&desk);
        let answer = move |seen: Seen| {
            let answer = behind.answer(&seen);
            async move { answer }
        };
        Self { server: Server::on(listener, answer), desk }
    }

    /// Changes what it answers from now on.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.desk.script.lock().unwrap());
    }

    /// Forgets the tokens after the `issued` first ones: the refresh token of then is good again.
    pub fn rewind(&self, issued: usize) {
        *self.desk.issued.lock().unwrap() = issued;
    }

    /// The profile for it, on any free redirect port.
    pub fn profile(&self) -> Profile {
        let form = ProfileForm {
            name: "Bent".to_owned(),
            issuer: self.server.url.to_string(),
            client_id: CLIENT.to_owned(),
            scopes: "openid profile offline_access read:messages".to_owned(),
            redirect_ports: "0".to_owned(),
            ..ProfileForm::default()
        };
        form.check().unwrap()
    }

    /// How often each endpoint was asked: discovery, keys, authorization, token, user info.
    pub fn asked(&self) -> [usize; 5] {
        [DISCOVERY, KEYS, AUTHORIZE, TOKENS, USER_INFO].map(|path| self.server.count(path))
    }
}

impl Desk {
    fn answer(&self, seen: &Seen) -> Response {
        let script = self.script.lock().unwrap();
        let mut answer = match script.instead.get(seen.path.as_str()) {
            Some(instead) => instead(),
            None => self.own_answer(&script, seen),
        };
        answer.headers_mut().entry("date").or_insert_with(|| server::date(script.now()));
        answer
    }

    fn own_answer(&self, script: &Script, seen: &Seen) -> Response {
        let [authorize, tokens, log_out] =
            if script.as_auth0 { AUTH0 } else { [AUTHORIZE, TOKENS, END_SESSION] };
        match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", DISCOVERY) => server::json(200, &script.metadata()),
            ("GET", KEYS) => self.keys(script),
            ("GET", path) if path == authorize => self.authorize(script, seen),
            ("POST", path) if path == tokens => self.tokens(script, seen),
            ("GET", path) if path == log_out => self.log_out(script, seen),
            ("GET", USER_INFO) => self.user_info(script, seen),
            ("POST", REVOKE) => server::json(200, &json!({})),
            (method, path) => self.fault(format!("{method} {path}")),
        }
    }

    fn fault(&self, what: String) -> Response {
        self.faults.lock().unwrap().push(what);
        server::json(500, &json!({ "error": "a fault of the client" }))
    }

    fn keys(&self, script: &Script) -> Response {
        let mut fetched = self.fetched_keys.lock().unwrap();
        let keys = &script.keys[(*fetched).min(script.keys.len() - 1)];
        *fetched += 1;
        server::json(200, &json!({ "keys": keys }))
    }

    /// Nobody has to press a button here.
    fn authorize(&self, script: &Script, seen: &Seen) -> Response {
        let get = |name| value(&seen.query, name);
        for (name, expected) in
            [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")]
        {
            if get(name) != Some(expected) {
                return self.fault(format!("{name} {:?} at the authorization endpoint", get(name)));
            }
        }
        let (Some(redirect_uri), Some(state)) = (get("redirect_uri"), get("state")) else {
            return self.fault("no redirect_uri or state at the authorization endpoint".to_owned());
        };
        let mut codes = self.codes.lock().unwrap();
        let code = format!("the-code-{}", codes.len());
        let mut parameters: Vec<_> = [("code", code.as_str()), ("state", state), ("iss", &script.issuer)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        codes.insert(code, seen.query.clone());
        (script.callback)(&mut parameters);
        let mut callback = Url::parse(redirect_uri).unwrap();
        callback.query_pairs_mut().extend_pairs(&parameters);
        server::answer(303, ("location", callback.as_str()), "")
    }

    fn tokens(&self, script: &Script, seen: &Seen) -> Response {
        let form = seen.form();
        if seen.header("authorization").is_some() || value(&form, "client_id") != Some(CLIENT) {
            return self.fault("a secret, or no client_id, at the token endpoint".to_owned());
        }
        let mut names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let refusal = json!({ "error": "invalid_grant", "error_description": "Invalid authorization code" });
        let nonce = match value(&form, "grant_type") {
            Some("authorization_code") => {
                if names != ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"] {
                    return self.fault(format!("{names:?} at the token endpoint"));
                }
                let code = value(&form, "code").unwrap();
                let Some(asked) = self.codes.lock().unwrap().remove(code) else {
                    return server::json(403, &refusal);
                };
                if value(&asked, "redirect_uri") != value(&form, "redirect_uri") {
                    return self.fault("another redirect_uri at the token endpoint".to_owned());
                }
                let challenge = URL_SAFE_NO_PAD.encode(sha256(value(&form, "code_verifier").unwrap()));
                if value(&asked, "code_challenge") != Some(&challenge) {
                    if script.expects_a_foreign_verifier {
                        return server::json(403, &refusal);
                    }
                    return self.fault("a verifier that does not fit its challenge".to_owned());
                }
                value(&asked, "nonce").map(str::to_owned)
            }
            Some("refresh_token") => {
                let current = format!("refresh-token-{}", self.issued.lock().unwrap());
                if value(&form, "refresh_token") != Some(&current) {
                    return server::json(403, &refusal);
                }
                None
            }
            other => return self.fault(format!("grant type {other:?}")),
        };
        let mut issued = self.issued.lock().unwrap();
        *issued += 1;
        let access_token = format!("access-token-{issued}");
        let id_token = script.id_token(&access_token, nonce.as_deref());
        self.id_tokens.lock().unwrap().push(id_token.clone());
        let mut tokens = json!({
            "access_token": access_token,
            "refresh_token": format!("refresh-token-{issued}"),
            "id_token": id_token,
            "token_type": "Bearer",
            "expires_in": 300,
        });
        (script.tokens)(&mut tokens);
        if script.loses_tokens { server::broken("{") } else { server::json(200, &tokens) }
    }

    /// Sends back whom it may, and keeps the others on a page of its own.
    fn log_out(&self, script: &Script, seen: &Seen) -> Response {
        let get = |name| value(&seen.query, name);
        let hint = get("id_token_hint");
        if get("client_id") != Some(CLIENT)
            || hint.is_some_and(|hint| !self.id_tokens.lock().unwrap().iter().any(|issued| issued == hint))
        {
            return self.fault("no client_id, or not the ID token, at the log-out endpoint".to_owned());
        }
        let (back, state) = if script.as_auth0 {
            (get("returnTo"), None)
        } else {
            (get("post_logout_redirect_uri"), get("state"))
        };
        let Some(back) = back else { return server::answer(200, ("x", "y"), "You are logged out") };
        let mut back = Url::parse(back).unwrap();
        if back.path() != "/logged-out" || back.query().is_some() {
            return self.fault(format!("a way back that is not registered: {back}"));
        }
        if let Some(state) = state {
            back.query_pairs_mut().append_pair("state", state);
        }
        server::answer(303, ("location", back.as_str()), "")
    }

    fn user_info(&self, script: &Script, seen: &Seen) -> Response {
        let current = format!("Bearer access-token-{}", self.issued.lock().unwrap());
        if seen.header("authorization") != Some(&current) {
            return self.fault("not the access token at user info".to_owned());
        }
        let mut claims =
            json!({ "sub": SUBJECT, "name": "Alice of user info", "email": "alice@example.com" });
        (script.user_info)(&mut claims);
        server::json(200, &claims)
    }
}

/// The value of the one parameter of this name.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
}

fn sha256(text: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
