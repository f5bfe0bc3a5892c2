//! What is said of each failure that people really meet, and of others of the same kinds: headline, the cause's key
//! fact, remedy and evidence. The names begin with the number of the failure; those without one are further cases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a failure is a panic")]

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::api::CallError;
use hallpass::api::refusal::Refusal;
use hallpass::api::request::{Draft, Request};
use hallpass::api::response::Response;
use hallpass::auth::id_token::Rejected;
use hallpass::auth::login::LoginError;
use hallpass::auth::loopback::{PortsBusy, Refusal as Refused};
use hallpass::auth::provider::ProviderError;
use hallpass::auth::renewal::RenewalError;
use hallpass::auth::session::{Obtained, Session, StepUp, User};
use hallpass::auth::tokens::TokenError;
use hallpass::body::Body;
use hallpass::config::{Field, Profile};
use hallpass::explain::{self, Caller, Explanation, Remedy, Tone};
use hallpass::http::{HttpError, NoAnswer};
use hallpass::secret::Secret;
use hallpass::store::Unavailable;
use jiff::{SignedDuration, Timestamp};
use oauth2::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://op.example/";
const API: &str = "https://api.example/";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn profile() -> Profile {
    let api = Url::parse("https://api.example/v1/").unwrap();
    Profile { name: "Mine".to_owned(), ..Profile::demo(ISSUER, "client", API, &api) }
}

fn without_audience() -> Profile {
    Profile { audience: None, ..profile() }
}

/// A token of this profile's provider for this profile's API, which ends in five minutes, but for `bent`.
fn jwt(bent: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "sub": "s", "aud": [API, "https://op.example/userinfo"], "iat": NOW - 60, "exp": NOW + 300,
        "scope": "openid read:messages",
    });
    for (name, value) in bent.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJlLWNhbmFyeQ", part(&json!({ "alg": "RS256", "kid": "key-1" })), part(&claims))
}

fn session(token: &str) -> Session {
    let scopes = |scopes: &[&str]| scopes.iter().map(|&scope| scope.to_owned()).collect();
    Session {
        issuer: ISSUER.to_owned(),
        client_id: "client".to_owned(),
        access_token: Secret::new(token),
        refresh_token: Some(Secret::new("refresh-canary-0123456789")),
        id_token: None,
        asked: scopes(&["openid", "offline_access", "read:messages"]),
        granted: scopes(&["openid", "offline_access", "read:messages"]),
        issued_at: Timestamp::from_second(NOW - 60).unwrap(),
        expires_at: Timestamp::from_second(NOW + 300).ok(),
        user: User { subject: "s".to_owned(), name: None, email: None, picture: None },
        obtained: Obtained::ByLogin,
        step_up: StepUp::default(),
        acr: None,
        auth_time: None,
    }
}

/// A call and its answer; what a case does not say is as it is where all is well.
struct Call {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    url: &'static str,
    method: &'static str,
    sent: Vec<(&'static str, &'static str)>,
    sent_body: &'static str,
    with_token: bool,
    token: String,
    profile: Profile,
    clock_ahead: i64,
    expired: bool,
    elsewhere: Option<&'static str>,
    logged_in: bool,
}

fn answered(status: u16) -> Call {
    Call {
        status,
        headers: Vec::new(),
        body: String::new(),
        url: "https://api.example/v1/messages",
        method: "GET",
        sent: Vec::new(),
        sent_body: "",
        with_token: true,
        token: jwt(&json!({})),
        profile: profile(),
        clock_ahead: 0,
        expired: false,
        elsewhere: None,
        logged_in: true,
    }
}

impl Call {
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn challenge(self, value: impl Into<String>) -> Self {
        self.header("www-authenticate", value)
    }

    fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    fn html(self, body: &str) -> Self {
        self.header("content-type", "text/html; charset=utf-8").body(body)
    }

    fn says(self, description: &str) -> Self {
        self.challenge(format!(r#"Bearer error="invalid_token", error_description="{description}""#))
    }

    fn token(self, bent: &Value) -> Self {
        Self { token: jwt(bent), ..self }
    }

    fn raw_token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    fn explained(&self) -> Option<Explanation> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut sent = HeaderMap::new();
        for (name, value) in &self.sent {
            sent.insert(*name, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(self.status).unwrap();
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).split(';').next().unwrap().to_owned());
        let failed = status.is_client_error() || status.is_server_error();
        let (body, progress) = Body::whole(&headers, self.body.as_bytes());
        let response = Response {
            request: Request {
                method: Method::from_bytes(self.method.as_bytes()).unwrap(),
                url: Url::parse(self.url).unwrap(),
                headers: sent,
                body: self.sent_body.as_bytes().to_vec(),
            },
            with_token: self.with_token,
            status,
            took: Duration::ZERO,
            length: None,
            cut: None,
            content_type,
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            elsewhere: self.elsewhere.map(|url| Url::parse(url).unwrap()),
            refusal: failed.then(|| Refusal::read(&headers, self.body.as_bytes())),
            body,
            progress,
            rows: Vec::new(),
            beginning: Secret::new(self.body.clone()),
        };
        let session = session(&self.token);
        let caller = Caller {
            profile: &self.profile,
            session: Some(&session).filter(|_| self.logged_in),
            expired: self.expired,
            now: now(),
            clock_ahead: SignedDuration::from_secs(self.clock_ahead),
        };
        explain::response(&response, &caller)
    }
}

/// What is to be said of a case.
struct Case {
    name: &'static str,
    explained: Explanation,
    headline: &'static str,
    /// Words that must stand in the cause.
    cause: &'static str,
    remedy: Option<Remedy>,
    /// A label and a value that must stand in the evidence; no label where there is none to show.
    evidence: (&'static str, &'static str),
}

fn case(
    name: &'static str,
    explained: impl Into<Option<Explanation>>,
    headline: &'static str,
    cause: &'static str,
    remedy: impl Into<Option<Remedy>>,
    evidence: (&'static str, &'static str),
) -> Case {
    let Some(explained) = explained.into() else { panic!("{name}: nothing was said") };
    Case { name, explained, headline, cause, remedy: remedy.into(), evidence }
}

fn call(
    name: &'static str,
    call: Call,
    headline: &'static str,
    cause: &'static str,
    remedy: impl Into<Option<Remedy>>,
    evidence: (&'static str, &'static str),
) -> Case {
    case(name, call.explained(), headline, cause, remedy, evidence)
}

fn login(error: &LoginError) -> Explanation {
    explain::login(error, &profile(), SignedDuration::ZERO)
}

fn refused(error: &str, description: &str) -> Explanation {
    let description = (!description.is_empty()).then(|| description.to_owned());
    login(&LoginError::Refused(Refused { error: error.to_owned(), description, uri: None }))
}

fn provider(error: ProviderError) -> Explanation {
    login(&LoginError::Provider(error))
}

fn another_issuer(issuer: &str, theirs: &str) -> Explanation {
    provider(ProviderError::AnotherIssuer {
        issuer: issuer.to_owned(),
        calls_itself: Some(theirs.to_owned()),
        problem: String::new(),
    })
}

fn not_an_issuer(issuer: &str, status: u16) -> Explanation {
    provider(ProviderError::Status {
        issuer: issuer.to_owned(),
        status: StatusCode::from_u16(status).unwrap(),
    })
}

fn token_refused(error: &str, description: &str) -> TokenError {
    let description = (!description.is_empty()).then(|| description.to_owned());
    TokenError::Refused { error: error.to_owned(), description }
}

fn exchange(error: &str, description: &str) -> Explanation {
    login(&LoginError::Token(token_refused(error, description)))
}

fn renewal(error: &str, description: &str) -> Explanation {
    explain::renewal(&RenewalError::Token(token_refused(error, description)))
}

fn no_answer(to: &str, why: NoAnswer, url: Option<&str>) -> Explanation {
    let error = CallError::NoAnswer(HttpError { to: to.to_owned(), why });
    explain::no_response(&error, url.map(|url| Url::parse(url).unwrap()).as_ref())
}

fn rejected(check: &'static str, problem: &str, ahead: i64) -> Explanation {
    let error = LoginError::IdToken(Rejected { check, problem: problem.to_owned() });
    explain::login(&error, &profile(), SignedDuration::from_secs(ahead))
}

fn fill_in(field: Field, value: &str) -> Remedy {
    Remedy::FillIn(field, value.to_owned())
}

fn use_url(url: &str) -> Remedy {
    Remedy::UseUrl(url.to_owned())
}

fn again_in(seconds: i64) -> Remedy {
    Remedy::CallAgainAt(Timestamp::from_second(NOW + seconds).unwrap())
}

fn copy(what: &'static str, text: &str) -> Remedy {
    Remedy::Copy(what, text.to_owned())
}

fn asking(scope: &str) -> Remedy {
    Remedy::LogInAsking(StepUp { scopes: vec![scope.to_owned()], ..StepUp::default() })
}

const ENCRYPTED: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.dGV4dC1jYW5hcnk.dGFn";
const REALM: &str = r#"Bearer realm="api""#;

/// The failures that people really meet, by their numbers.
fn listed() -> Vec<Case> {
    let busy = PortsBusy(vec![(8710, "in use by node (4711)".to_owned())]);
    let timed_out = LoginError::TimedOut {
        after: Duration::from_mins(3),
        redirect_uri: "http://127.0.0.1:8710/callback".to_owned(),
    };
    let no_scheme =
        Draft { method: "GET".to_owned(), url: "localhost:8080/secure".to_owned(), ..Draft::default() };
    let offline = RenewalError::Token(TokenError::NoAnswer(HttpError {
        to: "op.example:443".to_owned(),
        why: NoAnswer::NoRoute,
    }));
    let without_refresh = Session {
        refresh_token: None,
        granted: vec!["openid".to_owned(), "read:messages".to_owned()],
        ..session("t")
    };
    let fewer = Session { granted: vec!["openid".to_owned()], ..session("t") };
    vec![
        call("1 encrypted token, no audience", Call { profile: without_audience(), ..answered(401).challenge(REALM).raw_token(ENCRYPTED) },
            "Your token is not for this API", "The login named no API", Remedy::EditProfile, ("Your token is", "encrypted (five parts, alg dir)")),
        call("1 opaque token, the API names itself", Call { profile: without_audience(), ..answered(401).challenge(r#"Bearer realm="x", resource_metadata="https://api.example/.well-known/oauth-protected-resource/v1""#).raw_token("gho_opaque") },
            "Your token is not for this API", "Put the API's identifier into the profile", fill_in(Field::Audience, "https://api.example/v1"), ("The API is called", "https://api.example/v1")),
        call("2 audience with a slash too many", answered(401).says("jwt audience invalid. expected: https://api.example"),
            "Your token is for another API", "differ by a slash", fill_in(Field::Audience, "https://api.example"), ("Your token is for", "https://api.example/")),
        case("3 issuer without its slash", another_issuer("https://op.example", "https://op.example/"),
            "The issuer is not spelled as the provider spells it", "a slash at the end", fill_in(Field::Issuer, "https://op.example/"), ("It calls itself", "https://op.example/")),
        case("4 no callback for 20 s", explain::no_callback_yet(Duration::from_secs(20), "http://127.0.0.1:8710/callback", &profile()),
            "Does the browser show an error instead of a login?", "not registered", Remedy::CopyUrls(profile().redirect_uris()), ("Waiting at", "http://127.0.0.1:8710/callback")),
        case("4 no callback at all", login(&timed_out), "Nobody came back from the browser", "3 minutes", Remedy::CopyUrls(profile().redirect_uris()), ("Waited at", "http://127.0.0.1:8710/callback")),
        case("5 unknown API", refused("access_denied", "Service not found: https://api.example/"),
            "The provider does not know this API", "Register it, or correct the audience", Remedy::EditProfile, ("Audience", API)),
        case("6 declined", refused("access_denied", "User did not authorize the request"),
            "You were not logged in", "declined", Remedy::LogIn, ("It said", "User did not authorize")),
        case("7 a rule", refused("unauthorized", "Only on weekdays"), "The provider did not let you in", "rules", Remedy::LogIn, ("It said", "Only on weekdays")),
        case("8 not a public client", exchange("access_denied", "Unauthorized"), "The provider did not exchange the code", "Native", Remedy::LogIn, ("It said", "Unauthorized")),
        case("9 code of another login", exchange("invalid_grant", "Failed to verify code verifier"), "The provider did not exchange the code", "two programs share the redirect port", Remedy::LogIn, ("It said", "Failed to verify")),
        case("10 reuse", renewal("invalid_grant", "Unsuccessful Refresh Token exchange, reused refresh token detected"), "Your session was ended: a refresh token was used twice", "theft", Remedy::LogIn, ("It said", "reused")),
        case("10 account gone", renewal("invalid_grant", "The refresh_token was generated for a user who doesn't exist anymore."), "Your session was ended: the account is gone", "no longer knows", Remedy::LogIn, ("It said", "doesn't exist")),
        case("11 no refresh token", explain::not_granted(&without_refresh, now()), "You stay logged in for one token's life only", "offline_access was asked for", None, ("", "")),
        call("12 scope lacking", Call { ..answered(403).challenge(r#"Bearer error="insufficient_scope", scope="write:messages""#) },
            "Your token lacks the scope write:messages", "not asked for", asking("write:messages"), ("The API needs", "write:messages")),
        case("13 scope not granted", explain::not_granted(&fewer, now()), "Asked for, and not granted: read:messages", "will be refused", None, ("", "")),
        call("14 expired", Call { expired: true, ..answered(401).says("The token has expired").token(&json!({ "exp": NOW - 10 })) },
            "Your token has expired", "that time is over", Remedy::Renew, ("Good until", "2027-01-15 07:59:50 UTC")),
        call("15 our clock is behind", Call { clock_ahead: -3600, ..answered(401).says("The token has expired") },
            "Your token has expired", "60 min behind", Remedy::Renew, ("Your clock", "08:00:00")),
        case("15 ID token, our clock is ahead", rejected("iat", "it was issued at", 86_400 * 3), "The ID token was rejected", "Set the clock right", Remedy::SeeChecks, ("Clock", "72 h ahead")),
        case("16 port busy", login(&LoginError::PortsBusy(busy)), "No port is free for the way back", "give the profile another port", Remedy::EditProfile, ("Tried", "8710: in use by node (4711)")),
        case("17 no browser", explain::no_browser("xdg-open was not found"), "Your browser did not open", "Copy the login link", None, ("It said", "xdg-open")),
        case("18 unknown name", no_answer("api.exmaple:443", NoAnswer::Dns, None), "api.exmaple:443 was not found", "misspelled, or this computer is offline", Remedy::CallAgain, ("Name", "api.exmaple")),
        case("18 refused", no_answer("127.0.0.1:8080", NoAnswer::Refused, None), "Nothing listens at 127.0.0.1:8080", "No program on this computer", Remedy::CallAgain, ("", "")),
        case("18 reset", no_answer("api.example:443", NoAnswer::Reset, None), "api.example:443 broke off", "closed the connection", Remedy::CallAgain, ("", "")),
        case("18 time-out", no_answer("api.example:443", NoAnswer::TimedOut(Duration::from_secs(30)), None), "api.example:443 did not answer in time", "30 seconds", Remedy::CallAgain, ("", "")),
        case("18 no route", no_answer("api.example:443", NoAnswer::NoRoute, None), "api.example:443 cannot be reached", "offline", Remedy::CallAgain, ("", "")),
        case("19 unknown issuer", no_answer("api.example:443", NoAnswer::Tls("invalid peer certificate: UnknownIssuer".to_owned()), None), "Nobody known vouches for api.example:443", "operating system", Remedy::CallAgain, ("It said", "UnknownIssuer")),
        case("19 expired", no_answer("api.example:443", NoAnswer::Tls("invalid peer certificate: certificate expired: verification time 1800000000 (UNIX), but certificate is not valid after 1799740800 (259200 seconds ago)".to_owned()), None), "The certificate of api.example:443 has expired", "3 days ago", Remedy::CallAgain, ("Ended", "2027-01-12")),
        case("19 wrong host", no_answer("api.example:443", NoAnswer::Tls("invalid peer certificate: certificate not valid for name \"api.example\"; certificate is only valid for x.example".to_owned()), None), "The certificate of api.example:443 is for another name", "api.example", Remedy::CallAgain, ("It said", "x.example")),
        case("19 https to a plain port", no_answer("127.0.0.1:8080", NoAnswer::NotTls, Some("https://127.0.0.1:8080/secure?x=1")), "127.0.0.1:8080 does not speak TLS", "plain http", use_url("http://127.0.0.1:8080/secure?x=1"), ("Meant", "http://127.0.0.1:8080/secure")),
        case("20 no scheme", explain::draft(&no_scheme.check(&profile()).unwrap_err()), "This request cannot be sent", "http://", use_url("http://localhost:8080/secure"), ("Meant", "http://localhost:8080/secure")),
        call("21 wrong path", Call { url: "https://api.example/v1/api/privat", ..answered(404) }, "There is nothing at this address", "spelled almost like it", use_url("https://api.example/v1/api/private"), ("You called", "api/privat")),
        call("21 wrong method", Call { method: "DELETE", ..answered(405).header("allow", "HEAD, GET, POST") }, "This address takes no DELETE", "says which methods", Remedy::UseMethod("GET".to_owned()), ("It takes", "POST")),
        call("22 too many, seconds", answered(429).header("retry-after", "30"), "The API wants to be left alone for a while", "30 seconds", again_in(30), ("Not before", "08:00:30")),
        call("22 too many, reset as a time", answered(429).header("x-ratelimit-reset", (NOW + 90).to_string()).header("x-ratelimit-limit", "60"), "The API wants to be left alone for a while", "90 seconds", again_in(90), ("Its limit", "60")),
        call("23 failed", answered(500).header("x-request-id", "abc-123").json(&json!({ "message": "boom" })), "The API failed", "not with your login", copy("request id", "x-request-id: abc-123, 2027-01-15 08:00:00 UTC"), ("Request id", "abc-123")),
        call("24 redirect elsewhere", Call { elsewhere: Some("https://other.example/v1/messages"), ..answered(302) }, "The API redirects to another place", "was not sent on", use_url("https://other.example/v1/messages"), ("To", "https://other.example")),
        call("25 a web app", answered(200).html("<!doctype html><title>Shop</title><div id=\"root\"></div>"), "A web app answered, not the API", "for every path", None, ("Page", "Shop")),
        call("25 a login page", answered(200).html("<html><title>Welcome</title><input type=\"password\">"), "A login page answered, not the API", "asks for a login", None, ("It is", "text/html")),
        case("26 keyring", explain::not_kept(&Unavailable::new("the collection is locked")), "Your session could not be kept", "until you close this window", Remedy::KeepAgain, ("The keyring", "locked")),
        case("27 not an issuer", not_an_issuer("https://keycloak.example", 404), "There is no provider at this issuer", "/realms/NAME", Remedy::EditProfile, ("It answered", "404 Not Found")),
        case("27 HTML", provider(ProviderError::NotMetadata { issuer: "https://tenant.okta.com/login".to_owned(), problem: "expected value at line 1".to_owned() }), "There is no provider at this issuer", "https://NAME.okta.com", Remedy::EditProfile, ("Found", "expected value")),
        case("28 shared secret", rejected("alg", "algorithm `HS256` is not one of: RS256", 0), "The ID token was rejected", "RS256 at the provider", Remedy::SeeChecks, ("Found", "HS256")),
        case("29 offline at renewal", explain::renewal(&offline), "Your token was not renewed", "op.example:443 cannot be reached", Remedy::Renew, ("", "")),
        case("30 step-up at renewal", renewal("mfa_required", "Multifactor authentication required"), "The provider wants to see you", "second factor", Remedy::LogIn, ("It said", "Multifactor")),
    ]
}

/// Further failures of the same kinds: other wordings, odd shapes, evidence that contradicts or is missing.
fn further() -> Vec<Case> {
    let did_not = "The API did not accept your token";
    let another = "Your token is for another API";
    vec![
        case("renewal not answered", explain::renewal(&RenewalError::NotAnswered), "The provider did not answer", "You are still logged in", Remedy::Renew, ("", "")),
        case("renewal's answer lost", explain::renewal(&RenewalError::AnswerLost("It broke off.".to_owned())), "Your session was lost on the way", "log in again", Remedy::LogIn, ("What happened", "broke off")),
        case("renewed elsewhere, not kept", explain::renewal(&RenewalError::NotKept), "Your session was renewed, and could not be kept", "log in again", Remedy::LogIn, ("", "")),
        case("renewed elsewhere, keyring locked", explain::renewal(&RenewalError::Unreadable(Unavailable::new("it is locked"))), "Your token was not renewed", "cannot be read", Remedy::Renew, ("The keyring", "locked")),
        case("not forgotten", explain::not_forgotten(&Unavailable::new("it is locked").into()), "The session may still be kept on this computer", "try again", Remedy::Forget, ("It said", "locked")),
        case("not called", explain::not_called(), "This call was not made", "could not be renewed", Remedy::CallAgain, ("", "")),
        call("the API's clock by its own word", Call { clock_ahead: -7200, ..answered(401).header("date", "Fri, 15 Jan 2027 09:00:00 GMT").says("The token has expired") },
            "Your token has expired", "60 min behind", Remedy::Renew, ("The API's clock", "09:00:00")),
        call("a cache's answer tells no time", answered(401).header("date", "Fri, 15 Jan 2027 09:00:00 GMT").header("age", "7").says("The token has expired"),
            "The API takes your token for expired", "By its own word the token is still good", Remedy::Renew, ("Now", "08:00:00")),
        call("ASP.NET, audience not named", answered(401).says("The audience 'https://api.example/' is invalid"), another, "does not name", Remedy::EditProfile, ("You asked for", API)),
        call("Spring, audience", answered(401).says("The aud claim is not valid"), another, "does not name", Remedy::EditProfile, ("In words", "aud claim")),
        call("express-oauth2-jwt-bearer, audience", answered(401).says("Unexpected 'aud' value"), another, "does not name", Remedy::EditProfile, ("Your token is for", API)),
        call("Graph, audience in a nested body", answered(401).json(&json!({ "error": { "code": "InvalidAuthenticationToken", "message": "Access token validation failure. Invalid audience." } })), another, "does not name", Remedy::EditProfile, ("The API said", "InvalidAuthenticationToken")),
        call("audience in a member of the body", answered(401).json(&json!({ "code": "invalid_audience", "expected_audience": "urn:orders" })), another, "must be the same", fill_in(Field::Audience, "urn:orders"), ("The API wants", "urn:orders")),
        call("no audience asked, Keycloak's own", Call { profile: without_audience(), ..answered(401).challenge(REALM).token(&json!({ "aud": "account" })) }, "Your token may be for another API", "The login named no API", Remedy::EditProfile, ("Your token is for", "account")),
        call("no audience asked, Entra's Graph", Call { profile: without_audience(), ..answered(401).token(&json!({ "aud": "00000003-0000-0000-c000-000000000000" })) }, "Your token may be for another API", "a scope instead", Remedy::EditProfile, ("You asked for", "no audience")),
        call("the provider ignored the audience", answered(401).token(&json!({ "aud": "https://else.example" })), "Your token may be for another API", "another audience than the profile asks for", Remedy::LogIn, ("You asked for", API)),
        call("audience or issuer", answered(401).json(&json!({ "code": "invalid_claims", "description": "incorrect claims, please check the audience and issuer" })), "Your token may be for another API", "Or the API trusts another provider", Remedy::EditProfile, ("Issued by", ISSUER)),
        call("resource in the place of an audience", Call { profile: Profile { audience: None, resource: Some(API.to_owned()), ..profile() }, ..answered(401).says("aud should be 'https://b.example'") }, another, "must be the same", fill_in(Field::Resource, "https://b.example"), ("The API wants", "https://b.example")),
        call("Keycloak, issuer", answered(401).says("Invalid token issuer. Expected 'https://op.example', but was 'https://op.example/'"), "The API trusts another provider", "slash at the end", copy("issuer of the token", ISSUER), ("The API wants", "https://op.example")),
        call("Spring, issuer", answered(401).says("The iss claim is not valid"), "The API trusts another provider", "another spelling", copy("issuer of the token", ISSUER), ("Issued by", ISSUER)),
        call("issuer of another name, nothing said", answered(401).token(&json!({ "iss": "https://sts.example/v1" })), "The API may trust another provider", "two names", copy("issuer of the token", "https://sts.example/v1"), ("You logged in at", ISSUER)),
        call("Spring, key", answered(401).says("Signed JWT rejected: Another algorithm expected, or no matching key(s) found"), "The API does not know the key that signed your token", "fetch them anew", None, ("Key", "key-1")),
        call("signature", answered(401).json(&json!({ "message": "invalid signature" })), "The API could not verify the signature of your token", "other keys", None, ("Signed with", "RS256")),
        call("algorithm", answered(401).says("invalid algorithm"), "The API does not take the way your token is signed", "RS256", None, ("Signed with", "RS256")),
        call("PyJWT says signature, means expiry", Call { clock_ahead: 0, ..answered(401).json(&json!({ "detail": "Signature has expired" })) }, "The API takes your token for expired", "By its own word the token is still good", Remedy::Renew, ("Good until", "08:05:00")),
        call("Keycloak, not active, and of the future", answered(401).says("Token is not active").token(&json!({ "nbf": NOW + 30 })), "The API takes your token for one of the future", "30 seconds", again_in(30), ("Good from", "08:00:30")),
        call("expired by us, another clock disagrees", Call { expired: true, clock_ahead: 7200, ..answered(401).token(&json!({ "exp": NOW - 60 })) }, "Your token seems to have expired", "the API may have had another reason", Remedy::Renew, ("The API's clock", "06:00:00")),
        call("expired, and the API names the audience", Call { expired: true, ..answered(401).says("Invalid audience") }, another, "does not name", Remedy::EditProfile, ("Your token is for", API)),
        call("nothing is said at all", answered(401), did_not, "What can be seen from here is in order", Remedy::EditProfile, ("In order", "it has not expired")),
        call("plain text", answered(401).body("Unauthorized"), did_not, "does not say what is wrong", Remedy::EditProfile, ("In words", "Unauthorized")),
        call("opaque, though an audience was asked for", answered(401).challenge(REALM).raw_token("v2.local.opaque"), did_not, "introspection", None, ("Asked for", API)),
        call("opaque, and a JWT is wanted", answered(401).says("The token is not a JWT").raw_token("v2.local.opaque"), "The API cannot read your token", "wants a JWT", None, ("Your token is", "opaque")),
        call("expired by its own word, against the provider's", answered(401).says("The token has expired").token(&json!({ "exp": NOW - 60 })), "Your token has expired", "the provider said that it was good for longer", Remedy::Renew, ("Good until", "07:59:00")),
        call("not a JWT, says the API, and it is one", answered(401).says("jwt malformed"), did_not, "well-formed JWT", Remedy::EditProfile, ("In words", "jwt malformed")),
        call("revoked", answered(401).says("The token was revoked"), "Your token was withdrawn", "no longer good", Remedy::LogIn, ("In words", "revoked")),
        call("the header was lost", answered(401).header("server", "Apache").json(&json!({ "code": "authorization_header_missing", "description": "Authorization header is expected" })), "Your token did not reach the API", "something in between removed", None, ("Answered by", "Apache")),
        call("Basic", answered(401).challenge(r#"Basic realm="Staging""#), "The API wants other credentials than a token", "a name and a password", None, ("It wants", "Basic")),
        call("DPoP", answered(401).challenge(r#"DPoP algs="ES256", error="use_dpop_nonce""#), "The API wants other credentials than a token", "bound to a key", None, ("It wants", "DPoP")),
        call("DPoP beside Bearer, and the token is bound", answered(401).challenge("DPoP algs=\"ES256\", Bearer error=\"invalid_token\"").token(&json!({ "cnf": { "jkt": "x" } })), "A token alone is not enough for this API", "DPoP", None, ("The token says", "bound to a key")),
        call("mTLS", answered(401).says("The token is bound to a client certificate"), "A token alone is not enough for this API", "mTLS", None, ("In words", "certificate")),
        call("Negotiate", answered(401).challenge("Negotiate").challenge("NTLM"), "The API wants other credentials than a token", "company's network", None, ("It wants", "NTLM")),
        call("own credentials", Call { with_token: false, sent: vec![("authorization", "Basic eA==")], ..answered(401) }, "The API did not accept your own credentials", "Remove that header", None, ("", "")),
        call("without the token, though logged in", Call { with_token: false, ..answered(401) }, "The API wants to know who you are", "as you chose", Remedy::CallAgain, ("", "")),
        call("FastAPI, 403 without a token", Call { with_token: false, logged_in: false, ..answered(403).json(&json!({ "detail": "Not authenticated" })) }, "The API wants to know who you are", "without a token", Remedy::LogIn, ("In words", "Not authenticated")),
        call("403 for an expired token", Call { expired: true, ..answered(403).json(&json!({ "message": "The incoming token has expired" })) }, "Your token has expired", "time is over", Remedy::Renew, ("In words", "incoming token")),
        call("AWS, no such route", answered(403).header("x-amzn-errortype", "MissingAuthenticationTokenException").json(&json!({ "message": "Missing Authentication Token" })), "There is nothing at this address", "not about", None, ("Path", "/v1/messages")),
        call("scope as a permission", answered(403).json(&json!({ "error": "insufficient_scope", "required_scopes": ["write:x"] })).token(&json!({ "permissions": ["write:x"] })), "Your token lacks the scope write:x", "as a permission", asking("write:x"), ("As permissions", "write:x")),
        call("scope that is there", answered(403).challenge(r#"Bearer error="insufficient_scope", scope="read:messages""#), "The API misses a scope that your token has", "another claim", Remedy::EditProfile, ("In the token", "read:messages")),
        call("granted, and not in the token", answered(403).challenge(r#"Bearer error="insufficient_scope", scope="read:messages""#).token(&json!({ "scope": "openid" })), "The API misses a scope that was granted", "does not hold it", Remedy::EditProfile, ("The API needs", "read:messages")),
        call("scope that is not named", answered(403).json(&json!({ "error": "insufficient_scope", "message": "Insufficient scope" })), "Your token lacks a scope that the API does not name", "documentation", Remedy::EditProfile, ("In the token", "openid")),
        call("Cognito, scopes in words", answered(403).json(&json!({ "message": "Access Token does not have required scopes" })), "Your token lacks a scope that the API does not name", "documentation", Remedy::EditProfile, ("In words", "required scopes")),
        call("roles", answered(403).json(&json!({ "message": "The role admin is required" })).token(&json!({ "realm_access": { "roles": ["user"] } })), "Your account lacks a role or permission", "do not allow this", Remedy::LogIn, ("You have", "user")),
        call("role that is there", answered(403).json(&json!({ "message": "Requires role admin" })).token(&json!({ "https://x.example/roles": ["admin"] })), "Your account lacks a role or permission", "another claim", Remedy::LogIn, ("You have", "admin")),
        call("no role in the token", answered(403).json(&json!({ "error": { "code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation." } })), "Your account lacks a role or permission", "holds no role", Remedy::LogIn, ("You have", "none in the token")),
        call("CSRF", answered(403).body("CSRF verification failed. Request aborted."), "The API takes this for a form of a web page", "switch it off", None, ("In words", "CSRF")),
        call("a firewall", answered(403).header("server", "cloudflare").header("cf-ray", "8a1-FRA").html("<html><title>Attention Required! | Cloudflare</title>"), "Something in front of the API refused this", "firewall", copy("request id", "cf-ray: 8a1-FRA, 2027-01-15 08:00:00 UTC"), ("Answered by", "cloudflare")),
        call("403 without a word", answered(403), "The API knows you, and refuses this", "does not permit", None, ("", "")),
        call("below the API's path", Call { url: "https://api.example/messages", ..answered(404) }, "There is nothing at this address", "longer path", use_url("https://api.example/v1/messages"), ("It may be", "https://api.example/v1/messages")),
        call("404 that hides", answered(404).json(&json!({ "title": "Not Found", "status": 404 })), "There is nothing at this address", "does not let you know", None, ("You called", "GET /v1/messages")),
        call("405 without Allow", Call { method: "POST", ..answered(405) }, "This address takes no POST", "does not say which", None, ("You used", "POST")),
        call("406", Call { sent: vec![("accept", "text/csv")], ..answered(406) }, "The API cannot answer in the form that was asked for", "Accept", Remedy::UseHeader("Accept", "*/*".to_owned()), ("You asked for", "text/csv")),
        call("415, JSON without a type", Call { method: "POST", sent_body: "{\"a\":1}", ..answered(415) }, "The API does not take this kind of body", "Content-Type is missing", Remedy::UseHeader("Content-Type", "application/json".to_owned()), ("It looks like", "JSON")),
        call("413", Call { method: "POST", sent_body: "12345", ..answered(413) }, "The body is too large for the API", "smaller", None, ("You sent", "5 bytes")),
        call("431, a long token", answered(431).raw_token(&"x".repeat(9000)), "The request's headers are too large", "Your token is long", None, ("Your token", "9000 bytes")),
        call("431, a short token", answered(431).raw_token("short"), "The request's headers are too large", "not long", None, ("Your token", "5 bytes")),
        call("407", answered(407).header("proxy-authenticate", "Basic"), "A proxy wants to know who you are", "proxy", None, ("It wants", "Basic")),
        call("409", answered(409).json(&json!({ "detail": "Version 3 is newer" })), "The request does not fit the state that things are in", "Read it anew", None, ("In words", "Version 3")),
        call("410", answered(410), "It was here, and is gone for good", "will not come back", None, ("", "")),
        call("421", answered(421), "The call came to the wrong server", "not set up for this name", None, ("You called", "api.example")),
        call("426", answered(426).header("upgrade", "websocket"), "The API wants another protocol", "WebSocket", None, ("It wants", "websocket")),
        call("451", answered(451), "The law forbids to show this here", "No login", None, ("", "")),
        call("408", answered(408), "The API did not get the whole request in time", "too slow", Remedy::CallAgain, ("", "")),
        call("an unknown status of the request's fault", answered(418), "The API refused the request", "documentation", None, ("", "")),
        call("a problem document", answered(422).json(&json!({ "errors": [{ "detail": "name is missing" }] })), "The API does not understand the request", "not about your login", None, ("In words", "name is missing")),
        call("plain http to a TLS port", Call { url: "http://api.example:8443/x", ..answered(400).html("<html><title>400 The plain HTTP request was sent to HTTPS port</title>") }, "This address wants https", "TLS", use_url("https://api.example:8443/x"), ("Meant", "https://api.example:8443/x")),
        call("Go says so, too", Call { url: "http://127.0.0.1:8443/", ..answered(400).body("Client sent an HTTP request to an HTTPS server.") }, "This address wants https", "TLS", use_url("https://127.0.0.1:8443/"), ("It said", "Client sent an HTTP request")),
        call("429 with a date", answered(429).header("date", "Fri, 15 Jan 2027 07:00:00 GMT").header("retry-after", "Fri, 15 Jan 2027 07:01:00 GMT"), "The API wants to be left alone for a while", "60 seconds", again_in(60), ("Not before", "08:01:00")),
        call("429 by the newer header", answered(429).header("ratelimit", "\"default\";r=0;t=45"), "The API wants to be left alone for a while", "45 seconds", again_in(45), ("Not before", "08:00:45")),
        call("429 without a word", answered(429), "The API wants to be left alone for a while", "does not say", Remedy::CallAgain, ("", "")),
        call("429 for days is not counted down", answered(429).header("retry-after", "172800"), "The API wants to be left alone for a while", "2 days", None, ("Not before", "2027-01-17")),
        call("429 with nonsense", answered(429).header("retry-after", "soon").header("x-ratelimit-reset", "-5"), "The API wants to be left alone for a while", "does not say", Remedy::CallAgain, ("", "")),
        call("502", answered(502).header("server", "nginx").html("<html><title>502 Bad Gateway</title>"), "The API behind the gateway did not answer well", "down or starting", Remedy::CallAgain, ("Answered by", "nginx")),
        call("503 with a time", answered(503).header("retry-after", "20").header("x-request-id", "r1"), "The API is out of service just now", "20 seconds", again_in(20), ("Request id", "r1")),
        call("504", answered(504), "The API behind the gateway did not answer in time", "may still have been done", Remedy::CallAgain, ("", "")),
        call("500, AWS's id", answered(500).header("x-amzn-requestid", "c0ffee"), "The API failed", "Its operator", copy("request id", "x-amzn-requestid: c0ffee, 2027-01-15 08:00:00 UTC"), ("Request id", "c0ffee")),
        call("500, a trace", answered(500).header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), "The API failed", "Its operator", copy("request id", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, 2027-01-15 08:00:00 UTC"), ("Request id", "4bf92f3577b34da6")),
        call("511", answered(511), "This network wants you to log in to it first", "hotel", None, ("", "")),
        call("522", answered(522).header("cf-ray", "x-1"), "The API cannot be reached from what stands in front of it", "Cloudflare", copy("request id", "cf-ray: x-1, 2027-01-15 08:00:00 UTC"), ("", "")),
        call("redirect to https", Call { url: "http://api.example/v1/x", elsewhere: Some("https://api.example/v1/x"), ..answered(301) }, "The API wants https", "never travels readable", use_url("https://api.example/v1/x"), ("To", "https://api.example")),
        call("redirect to a login page", Call { elsewhere: Some("https://login.example/authorize?client_id=x"), ..answered(302) }, "The API sends you to a login page", "did not look at the token", None, ("To", "https://login.example")),
        call("redirect to a file", Call { elsewhere: Some("file:///etc/passwd"), ..answered(302) }, "The API redirects to another place", "not sent on", None, ("To", "file:")),
        call("a page of another kind, without its type", answered(200).body("<!DOCTYPE html><html><title>Hello</title>"), "A web page answered, not an API", "Check the URL", None, ("Page", "Hello")),
        case("custom domain", another_issuer("https://login.mine.example/", "https://tenant.op.example/"), "The issuer is not spelled as the provider spells it", "custom domain", fill_in(Field::Issuer, "https://tenant.op.example/"), ("Your profile says", "https://login.mine.example/")),
        case("Entra's common", another_issuer("https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/{tenantid}/v2.0"), "The issuer is not spelled as the provider spells it", "tenant's id", Remedy::EditProfile, ("It calls itself", "{tenantid}")),
        case("an issuer that nobody should use", another_issuer("https://op.example/", "http://evil.example/"), "The issuer is not spelled as the provider spells it", "own", Remedy::EditProfile, ("It calls itself", "http://evil.example/")),
        case("the whole document as issuer", not_an_issuer("https://op.example/realms/x/.well-known/openid-configuration", 404), "There is no provider at this issuer", "in front of /.well-known", fill_in(Field::Issuer, "https://op.example/realms/x"), ("Meant", "https://op.example/realms/x")),
        case("Entra without v2.0", not_an_issuer("https://login.microsoftonline.com/tenant", 400), "There is no provider at this issuer", "lacks its end", fill_in(Field::Issuer, "https://login.microsoftonline.com/tenant/v2.0"), ("It answered", "400")),
        case("the provider is down", not_an_issuer("https://op.example/", 503), "The provider is in trouble", "in trouble itself", Remedy::LogIn, ("It answered", "503")),
        case("the provider redirects", not_an_issuer("https://op.example/", 302), "There is no provider at this issuer", "redirects", Remedy::EditProfile, ("It answered", "302")),
        case("the person or a rule", refused("access_denied", ""), "You were not logged in", "does not say which", Remedy::LogIn, ("It said", "access_denied")),
        case("Okta, not assigned", refused("access_denied", "User is not assigned to the client application."), "The provider did not let you in", "rules", Remedy::LogIn, ("It said", "not assigned")),
        case("Entra, admin consent", refused("access_denied", "AADSTS90094: The grant requires admin permission. admin consent"), "An administrator must allow this app first", "administrator", Remedy::LogIn, ("It said", "AADSTS90094")),
        case("Entra, unknown resource", refused("invalid_resource", "AADSTS500011: The resource principal named https://api was not found"), "The provider does not know this API", "audience", Remedy::EditProfile, ("It said", "AADSTS500011")),
        case("unknown scope", refused("invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid"), "The provider does not know one of the scopes", "scopes", Remedy::EditProfile, ("Asked for", "openid")),
        case("an error that nobody knows", refused("weird_error", ""), "The provider refused the login", "about the request", Remedy::LogIn, ("It said", "weird_error")),
        case("Entra, a secret is wanted", exchange("invalid_client", "AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'."), "The provider did not exchange the code", "Native", Remedy::LogIn, ("Error", "invalid_client")),
        case("Entra, a single-page app", exchange("invalid_request", "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests."), "The provider did not exchange the code", "Mobile and desktop", Remedy::LogIn, ("It said", "AADSTS9002327")),
        case("grant not allowed", exchange("unauthorized_client", "Grant type 'authorization_code' not allowed for the client."), "The provider did not exchange the code", "Allow it the grants", Remedy::LogIn, ("It said", "not allowed")),
        case("callback differs", exchange("invalid_grant", "Incorrect redirect_uri"), "The provider did not exchange the code", "callback URL", Remedy::LogIn, ("It said", "redirect_uri")),
        case("Keycloak, session over", renewal("invalid_grant", "Session not active"), "Your session was ended: it is too old", "so long", Remedy::LogIn, ("It said", "Session not active")),
        case("Entra, password changed", renewal("invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."), "Your session was ended: your password was changed", "old one", Remedy::LogIn, ("It said", "AADSTS50173")),
        case("Entra, second factor at renewal", renewal("invalid_grant", "AADSTS50076: Due to a configuration change you must use multi-factor authentication"), "The provider wants to see you", "second factor", Remedy::LogIn, ("It said", "AADSTS50076")),
        case("no signature", rejected("alg", "algorithm `none` is not one of: RS256", 0), "The ID token was rejected", "not signed", Remedy::SeeChecks, ("Check", "alg")),
        case("another application's ID token", rejected("aud", "it is for x", 0), "The ID token was rejected", "client ID", Remedy::EditProfile, ("Check", "aud")),
        case("times, and nothing known of clocks", rejected("exp", "too late", 0), "The ID token was rejected", "compare both", Remedy::SeeChecks, ("Check", "exp")),
        case("https elsewhere never falls back to http", no_answer("api.example:443", NoAnswer::NotTls, Some("https://api.example/")), "api.example:443 does not speak TLS", "must not travel", Remedy::CallAgain, ("", "")),
        case("the URL was changed meanwhile", no_answer("127.0.0.1:8080", NoAnswer::NotTls, Some("https://127.0.0.1:9/x")), "127.0.0.1:8080 does not speak TLS", "Try http://", Remedy::CallAgain, ("", "")),
        case("a proxy", no_answer("api.example:443", NoAnswer::Other("tunnel error: proxy authorization required".to_owned()), None), "api.example:443 could not be asked through the proxy", "HTTPS_PROXY", Remedy::CallAgain, ("It said", "tunnel error")),
        case("a name without a dot", no_answer("api:8080", NoAnswer::Dns, None), "api:8080 was not found", "container", Remedy::CallAgain, ("Name", "api")),
        case("a client certificate", no_answer("api.example:443", NoAnswer::Tls("received fatal alert: CertificateRequired".to_owned()), None), "api.example:443 wants a client certificate", "mTLS", Remedy::CallAgain, ("It said", "CertificateRequired")),
        case("an old TLS", no_answer("api.example:443", NoAnswer::Tls("received fatal alert: ProtocolVersion".to_owned()), None), "api.example:443 speaks another kind of TLS", "TLS 1.2", Remedy::CallAgain, ("It said", "ProtocolVersion")),
        case("a reset over plain http", no_answer("api.example:80", NoAnswer::Reset, Some("http://api.example/")), "api.example:80 broke off", "Or the port speaks TLS only", Remedy::CallAgain, ("", "")),
    ]
}

#[test]
fn each_failure_is_explained_by_its_cause_with_its_evidence_and_the_remedy() {
    let mut wrong = Vec::new();
    for case in listed().into_iter().chain(further()) {
        let Case { name, explained, headline, cause, remedy, evidence: (label, value) } = case;
        let stands = label.is_empty()
            || explained.evidence.iter().any(|evidence| {
                evidence.label == label && evidence.values.iter().any(|known| known.text.contains(value))
            });
        if explained.headline != headline
            || !explained.cause.contains(cause)
            || explained.remedy != remedy
            || !stands
        {
            wrong.push(format!("{name}: {explained:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases are told otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn all_thirty_failures_are_there_and_at_least_forty_more() {
    let numbers: BTreeSet<u32> =
        listed().iter().filter_map(|case| case.name.split(' ').next()?.parse().ok()).collect();
    assert_eq!(numbers, (1..=30).collect());
    assert!(further().len() >= 40);
}

#[test]
fn texts_are_short_sentences() {
    for case in listed().into_iter().chain(further()) {
        let Explanation { headline, cause, .. } = &case.explained;
        assert!(headline.chars().count() <= 80 && !headline.ends_with('.'), "{headline}");
        assert!(cause.chars().count() <= 420, "{} characters: {cause}", cause.chars().count());
        assert!(cause.ends_with(['.', '?']) && !cause.contains("  "), "{cause}");
        assert!(!cause.contains(".."), "{cause}");
    }
}

#[test]
fn declining_and_being_rate_limited_are_no_failures() {
    assert_eq!(refused("access_denied", "User did not authorize the request").tone, Tone::Refused);
    assert_eq!(answered(429).explained().unwrap().tone, Tone::Refused);
    assert_eq!(answered(500).explained().unwrap().tone, Tone::Failed);
}

#[test]
fn what_went_well_needs_no_words() {
    assert_eq!(answered(200).json(&json!({ "a": 1 })).explained(), None);
    assert_eq!(answered(204).explained(), None);
    assert_eq!(answered(304).explained(), None);
    let wanted = Call { sent: vec![("accept", "text/html")], ..answered(200).html("<html>") };
    assert_eq!(wanted.explained(), None);
    assert_eq!(explain::no_callback_yet(Duration::from_secs(19), "", &profile()), None);
    assert_eq!(explain::not_granted(&session("t"), now()), None);
}

#[test]
fn the_part_in_which_two_names_differ_is_marked() {
    let explained = answered(401).says("expected: https://api.example").explained().unwrap();
    let marked: Vec<_> = explained.evidence[..2]
        .iter()
        .map(|evidence| &evidence.values[0])
        .map(|value| (value.amiss, value.text[value.differs.clone().unwrap()].to_owned()))
        .collect();
    assert_eq!(marked, [(true, "/".to_owned()), (false, String::new())]);
}

#[test]
fn the_built_in_profile_has_no_settings_to_fill_in() {
    let demo = Profile { name: hallpass::config::DEMO.to_owned(), ..profile() };
    let explained =
        Call { profile: demo, ..answered(401).says("expected audience: urn:x") }.explained().unwrap();
    assert_eq!(explained.remedy, Some(Remedy::EditProfile));
}

#[test]
fn a_page_about_an_error_is_shown_and_no_way_leads_there() {
    let refusal = Refused {
        error: "access_denied".to_owned(),
        description: None,
        uri: Some("https://op.example/why\u{202e}".to_owned()),
    };
    let explained = login(&LoginError::Refused(refusal));
    assert!(format!("{:?}", explained.evidence).contains("https://op.example/why\u{fffd}"));
    assert_eq!(explained.remedy, Some(Remedy::LogIn));
}

// ---- hostile text ----

/// All that a person can see or copy of an explanation.
fn all_of(explained: &Explanation) -> String {
    format!("{explained:?}")
}

#[test]
fn no_explanation_ever_holds_a_token() {
    let access = jwt(&json!({ "sub": "canary" }));
    let [header, claims, signature] = access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let refresh = "refresh-canary-0123456789";
    for secret in [access.as_str(), claims, signature, &access[..60], refresh] {
        let echo = format!("token {secret} is bad, Bearer {secret}; access_token={secret}");
        for status in [200, 302, 400, 401, 403, 404, 405, 406, 415, 418, 429, 431, 500, 503] {
            let call = answered(status)
                .raw_token(&access)
                .challenge(format!(r#"Bearer realm="{secret}", error="{secret}", error_description="{echo}", scope="{secret} x", error_uri="https://h/{secret}", resource_metadata="https://h/.well-known/oauth-protected-resource/{secret}""#))
                .header("allow", secret)
                .header("x-request-id", secret)
                .header("server", secret)
                .header("accept", secret)
                .header("content-type", "text/html")
                .body(format!("<html><title>{echo}</title>"));
            let said: String = call.explained().iter().map(all_of).collect();
            assert!(
                !said.contains(secret) && !said.contains(signature) && !said.contains(claims),
                "{status}: {said}"
            );
        }
        let call = answered(401)
            .raw_token(&access)
            .json(&json!({ "error": secret, "message": echo, "expected_audience": secret }));
        let said = all_of(&call.explained().unwrap());
        assert!(!said.contains(secret), "{said}");
    }
    // Where no session is known, what looks like a token is hidden all the same.
    for explained in [
        refused("access_denied", &format!("no {access}")),
        exchange("invalid_grant", &format!("refresh_token={refresh}")),
        renewal("invalid_grant", &format!("Bearer {access}")),
        rejected("iss", &access, 0),
        explain::no_browser(&access),
        no_answer("h:1", NoAnswer::Other(access.clone()), None),
    ] {
        let said = all_of(&explained);
        assert!(!said.contains(signature) && !said.contains(refresh) && !said.contains(header), "{said}");
    }
}

#[test]
fn a_description_without_end_is_cut_and_takes_no_time() {
    let long = "é\u{1b}[2J\u{202e} ".repeat(1 << 17);
    for explained in [
        answered(401).json(&json!({ "error": "x", "message": long })).explained().unwrap(),
        answered(500).html(&format!("<html><title>{long}</title>")).explained().unwrap(),
        refused(&long, &long),
        exchange(&long, &long),
        renewal("invalid_grant", &long),
    ] {
        let shown = all_of(&explained);
        assert!(shown.len() < 16_000, "{}", shown.len());
        assert!(
            !shown.contains(['\u{1b}', '\u{202e}'])
                && !shown.contains("\\u{1b}")
                && !shown.contains("\\u{202e}")
        );
    }
}

#[test]
fn evidence_of_any_kind_is_met_without_a_panic() {
    for status in 100..=999 {
        for odd in [
            "",
            "\u{7f}",
            ",,,",
            "é",
            "=",
            "\"",
            "-1",
            "1e400",
            "9999999999999999",
            "NaN",
            "Bearer",
            "Bearer =,=\"",
        ] {
            let mut call = answered(status).body(odd);
            for name in [
                "www-authenticate",
                "retry-after",
                "x-ratelimit-reset",
                "ratelimit",
                "allow",
                "date",
                "content-type",
                "x-amzn-errortype",
            ] {
                call = call.header(name, odd.replace('\u{7f}', "?"));
            }
            let _ = call.explained();
        }
    }
    for token in ["", ".", "..", "a.b.c", "....", "é.é.é"] {
        let _ = answered(401).raw_token(token).explained();
        let _ = answered(403).raw_token(token).explained();
    }
    for claims in [
        json!({ "aud": 1, "iss": [], "exp": "x", "nbf": 1e300 }),
        json!({ "aud": [], "cnf": 1, "resource_access": [1] }),
    ] {
        for status in [401, 403] {
            let _ = answered(status).token(&claims).says("Invalid audience, role, scope").explained();
        }
    }
}
