//! The embedded provider and API, met from outside as the app meets them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "in a test a failure is a panic, and the far side is met raw"
)]

use std::{fs, path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass::demo::{
    self, Demo, Options,
    person::{self, Choice, Visit},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{
    Client, Response, StatusCode,
    header::{
        ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE,
    },
    redirect::Policy,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use url::{Url, form_urlencoded::Serializer};

const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
const EVERYTHING: &str = "openid profile email offline_access read:messages";

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn start(home: &TempDir) -> Demo {
    demo::start(Options { ports: [0, 0], ..Options::new(home.path()) }).await.unwrap()
}

fn http() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

fn challenge() -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// A link to the login page: a sound request, with some parameters replaced, or left out when empty.
fn link(demo: &Demo, redirect_uri: &str, changes: &[(&str, &str)]) -> Url {
    let challenge = challenge();
    let mut params = vec![
        ("response_type", "code"),
        ("client_id", &demo.client_id),
        ("redirect_uri", redirect_uri),
        ("scope", EVERYTHING),
        ("audience", &demo.audience),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for change in changes {
        params.retain(|(name, _)| name != &change.0);
        params.push(*change);
    }
    let mut url = demo.issuer.join("authorize").unwrap();
    url.query_pairs_mut().extend_pairs(params.iter().filter(|(_, value)| !value.is_empty()));
    url
}

/// An app's callback: answers whoever calls, for as long as the test runs.
async fn callback() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let head =
                if request[..read].starts_with(b"GET /callback?") { "200 OK" } else { "400 Bad Request" };
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 4\r\nconnection: close\r\n\r\nback");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    uri
}

fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(its, _)| its == name).map(|(_, value)| value.into_owned())
}

/// The `error` and `error_description` that the callback was told.
async fn answer_to(demo: &Demo, changes: &[(&str, &str)]) -> (String, String) {
    let visit = person::visit(link(demo, &callback().await, changes).as_str(), Choice::Alice).await.unwrap();
    let url = visit.callback.expect("the app is told");
    assert_eq!(param(&url, "state").unwrap(), "the state");
    assert_eq!(param(&url, "iss").unwrap(), demo.issuer.as_str());
    (param(&url, "error").unwrap_or_default(), param(&url, "error_description").unwrap_or_default())
}

async fn post(demo: &Demo, path: &str, form: &[(&str, &str)]) -> Response {
    http()
        .post(demo.issuer.join(path).unwrap())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Serializer::new(String::new()).extend_pairs(form).finish())
        .send()
        .await
        .unwrap()
}

async fn body(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

fn refused(status: u16, error: &str, description: &str) -> (u16, Value) {
    (status, json!({ "error": error, "error_description": description }))
}

async fn redeem(demo: &Demo, code: &str, redirect_uri: &str, verifier: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "hallpass-demo"),
        ("code", code),
        ("code_verifier", verifier),
        ("redirect_uri", redirect_uri),
    ];
    body(post(demo, "oauth/token", &form).await).await
}

async fn refresh(demo: &Demo, token: &str) -> (u16, Value) {
    let form = [("grant_type", "refresh_token"), ("client_id", "hallpass-demo"), ("refresh_token", token)];
    body(post(demo, "oauth/token", &form).await).await
}

/// A code and the callback URI it came to.
async fn code(demo: &Demo, choice: Choice, changes: &[(&str, &str)]) -> (String, String) {
    let redirect_uri = callback().await;
    let Visit { callback, status, text } =
        person::visit(link(demo, &redirect_uri, changes).as_str(), choice).await.unwrap();
    assert_eq!((status, text.as_str()), (StatusCode::OK, "back"));
    (param(&callback.unwrap(), "code").unwrap(), redirect_uri)
}

async fn log_in(demo: &Demo, choice: Choice, changes: &[(&str, &str)]) -> Value {
    let (code, redirect_uri) = code(demo, choice, changes).await;
    let (status, tokens) = redeem(demo, &code, &redirect_uri, VERIFIER).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A JWT with other claims or another algorithm, signed with the demo's own key.
fn forge(home: &TempDir, jwt: &str, change: impl Fn(&mut Header, &mut Value)) -> String {
    let mut header = jsonwebtoken::decode_header(jwt).unwrap();
    let mut claims = claims(jwt);
    change(&mut header, &mut claims);
    let memory: Value = serde_json::from_slice(&fs::read(home.path().join("demo.json")).unwrap()).unwrap();
    let der = base64::engine::general_purpose::STANDARD.decode(text(&memory, "key")).unwrap();
    let key = match header.alg {
        Algorithm::HS256 => EncodingKey::from_secret(b"a secret"),
        _ => EncodingKey::from_rsa_der(&der[26..]),
    };
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

async fn call(demo: &Demo, path: &str, authorization: Option<&str>) -> Response {
    let mut request = http().get(demo.api.join(path).unwrap());
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    request.send().await.unwrap()
}

fn challenged(response: &Response) -> (u16, &str) {
    (response.status().as_u16(), response.headers()[WWW_AUTHENTICATE].to_str().unwrap())
}

async fn get_json(url: Url) -> Value {
    body(http().get(url).send().await.unwrap()).await.1
}

async fn kid(demo: &Demo) -> String {
    let keys = get_json(demo.issuer.join(".well-known/jwks.json").unwrap()).await;
    text(&keys["keys"][0], "kid").to_owned()
}

#[tokio::test]
async fn discovery_tells_everything_an_app_needs() {
    let home = home();
    let demo = start(&home).await;
    let issuer = demo.issuer.as_str();
    let known = get_json(demo.issuer.join(".well-known/openid-configuration").unwrap()).await;
    assert_eq!(known, get_json(demo.issuer.join(".well-known/oauth-authorization-server").unwrap()).await);
    for (member, path) in [
        ("issuer", ""),
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "oauth/token"),
        ("userinfo_endpoint", "userinfo"),
        ("jwks_uri", ".well-known/jwks.json"),
        ("revocation_endpoint", "oauth/revoke"),
        ("end_session_endpoint", "oidc/logout"),
    ] {
        assert_eq!(text(&known, member), format!("{issuer}{path}"));
    }
    assert_eq!(known["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(known["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(known["authorization_response_iss_parameter_supported"], json!(true));

    let keys = get_json(Url::parse(text(&known, "jwks_uri")).unwrap()).await;
    let key = &keys["keys"][0];
    assert_eq!((text(key, "kty"), text(key, "use"), text(key, "alg")), ("RSA", "sig", "RS256"));
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn alice_logs_in_and_calls_every_endpoint() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Alice, &[]).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 300);
    assert_eq!(tokens["scope"], EVERYTHING);

    let access = text(&tokens, "access_token");
    let header = jsonwebtoken::decode_header(access).unwrap();
    assert_eq!((header.typ.as_deref(), header.kid), (Some("JWT"), Some(kid(&demo).await)));
    let said = claims(access);
    assert_eq!(said["iss"], demo.issuer.as_str());
    assert_eq!(said["aud"], json!(["https://api.hallpass.demo", format!("{}userinfo", demo.issuer)]));
    assert_eq!((text(&said, "sub"), text(&said, "azp")), ("demo|alice", "hallpass-demo"));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 300);

    let id = claims(text(&tokens, "id_token"));
    assert_eq!((text(&id, "aud"), text(&id, "nonce")), ("hallpass-demo", "the nonce"));
    assert_eq!((text(&id, "name"), text(&id, "email")), ("Alice Adams", "alice@hallpass.demo"));
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 36_000);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access.as_bytes());
    assert_eq!(text(&id, "at_hash"), URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));

    let bearer = format!("Bearer {access}");
    let needs = "Hello from a private endpoint! You need to be authenticated";
    for (path, message) in [
        (
            "api/public",
            "Hello from a public endpoint! You don't need to be authenticated to see this.".to_owned(),
        ),
        ("api/private", format!("{needs} to see this.")),
        ("secure", format!("{needs} to see this.")),
        ("api/private-scoped", format!("{needs} and have a scope of read:messages to see this.")),
    ] {
        let response = call(&demo, path, Some(&bearer)).await;
        assert!(response.headers().contains_key("date") && response.headers().contains_key("x-request-id"));
        assert_eq!(body(response).await, (200, json!({ "message": message })));
    }

    let user = http().get(demo.issuer.join("userinfo").unwrap()).header(AUTHORIZATION, &bearer).send();
    let (status, user) = body(user.await.unwrap()).await;
    assert_eq!((status, text(&user, "sub"), &user["email_verified"]), (200, "demo|alice", &json!(true)));
    let picture = http().get(text(&user, "picture")).send().await.unwrap();
    assert_eq!(picture.headers()[CONTENT_TYPE], "image/png");
}

#[tokio::test]
async fn bob_is_not_granted_messages_and_the_api_turns_him_away() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Bob, &[]).await;
    assert_eq!(tokens["scope"], "openid profile email offline_access");
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));

    assert_eq!(call(&demo, "api/private", Some(&bearer)).await.status(), 200);
    let response = call(&demo, "api/private-scoped", Some(&bearer)).await;
    let expected = r#"Bearer realm="api", error="insufficient_scope", scope="read:messages""#;
    assert_eq!(challenged(&response), (403, expected));
    let (_, why) = body(response).await;
    assert_eq!((text(&why, "error"), text(&why, "scope")), ("insufficient_scope", "read:messages"));
}

#[tokio::test]
async fn the_api_says_what_is_wrong_with_a_token() {
    let home = home();
    let demo = start(&home).await;
    for authorization in [None, Some("Bearer"), Some("Bearer "), Some("Basic YTpi")] {
        let response = call(&demo, "api/private", authorization).await;
        assert_eq!(challenged(&response), (401, r#"Bearer realm="api""#), "{authorization:?}");
    }

    let tokens = log_in(&demo, Choice::Alice, &[]).await;
    let good = text(&tokens, "access_token");
    let issuer = format!("The issuer is not {}", demo.issuer);
    let mut wrong_signature = good.to_owned();
    wrong_signature.replace_range(good.len() - 9..good.len() - 5, "AAAA");
    for (token, why) in [
        ("nonsense".to_owned(), "The token is not a JWT"),
        ("invalid abc".to_owned(), "The Authorization header is more than Bearer and one token"),
        (wrong_signature, "The signature is wrong"),
        (forge(&home, good, |_, claims| claims["exp"] = json!(1_700_000_000)), "The token has expired"),
        (forge(&home, good, |_, claims| claims["iss"] = json!("https://else.where/")), &issuer),
        (
            forge(&home, good, |_, claims| claims["aud"] = json!("https://api.hallpass.demo/")),
            "The audience is not https://api.hallpass.demo",
        ),
        (
            forge(&home, good, |header, _| header.kid = Some("other".into())),
            "The token is signed with an unknown key",
        ),
        (forge(&home, good, |header, _| header.alg = Algorithm::HS256), "The token is not signed with RS256"),
        (unsigned(good), "The token is not signed with RS256"),
        (text(&tokens, "id_token").to_owned(), "The audience is not https://api.hallpass.demo"),
    ] {
        let response = call(&demo, "api/private", Some(&format!("Bearer {token}"))).await;
        let expected = format!(r#"Bearer realm="api", error="invalid_token", error_description="{why}""#);
        assert_eq!(challenged(&response), (401, expected.as_str()));
        assert_eq!(body(response).await, refused(401, "invalid_token", why));
    }
}

/// The same JWT with `alg: none`.
fn unsigned(jwt: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", jwt.split('.').nth(1).unwrap())
}

#[tokio::test]
async fn the_api_knows_its_paths_and_methods() {
    let home = home();
    let demo = start(&home).await;
    assert_eq!(call(&demo, "api/nothing", None).await.status(), 404);
    let response = http().post(demo.api.join("api/private").unwrap()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()[ALLOW]), (405, &"GET,HEAD".parse().unwrap()));
    assert!(body(response).await.1["message"].is_string());
}

#[tokio::test]
async fn without_an_audience_the_access_token_is_opaque() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Alice, &[("audience", "")]).await;
    assert_eq!(tokens["scope"], "openid profile email offline_access");
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    assert!(!bearer.contains('.'));
    assert_eq!(call(&demo, "api/private", Some(&bearer)).await.status(), 401);
    let user = http().get(demo.issuer.join("userinfo").unwrap()).header(AUTHORIZATION, bearer).send();
    assert_eq!(text(&body(user.await.unwrap()).await.1, "name"), "Alice Adams");
}

#[tokio::test]
async fn a_resource_indicator_means_the_same_as_an_audience() {
    let home = home();
    let demo = start(&home).await;
    let resource = demo.audience.clone();
    let tokens = log_in(&demo, Choice::Alice, &[("audience", ""), ("resource", &resource)]).await;
    assert_eq!(claims(text(&tokens, "access_token"))["aud"][0], resource.as_str());
}

#[tokio::test]
async fn only_what_was_asked_for_is_given() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Alice, &[("scope", "read:messages unknown")]).await;
    assert_eq!(tokens["scope"], "read:messages");
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
    let access = text(&tokens, "access_token");
    assert_eq!(claims(access)["aud"], demo.audience.as_str());
}

#[tokio::test]
async fn an_unsound_request_is_answered_with_an_error_that_names_the_cause() {
    let home = home();
    let demo = start(&home).await;
    for (change, error, description) in [
        (("audience", "https://no.where"), "access_denied", "Service not found: https://no.where"),
        (("response_type", "token"), "unsupported_response_type", "Unsupported response type: token"),
        (("response_type", ""), "invalid_request", "Missing required parameter: response_type"),
        (("code_challenge", ""), "invalid_request", "Missing required parameter: code_challenge"),
        (
            ("code_challenge_method", "plain"),
            "invalid_request",
            "Parameter code_challenge_method must be S256",
        ),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "Parameter code_challenge must be a SHA-256 in base64url",
        ),
        (("prompt", "none"), "login_required", "Login required"),
    ] {
        assert_eq!(answer_to(&demo, &[change]).await, (error.to_owned(), description.to_owned()));
    }
}

#[tokio::test]
async fn declining_tells_the_app_so() {
    let home = home();
    let demo = start(&home).await;
    let visit = person::visit(link(&demo, &callback().await, &[]).as_str(), Choice::Decline).await.unwrap();
    let url = visit.callback.unwrap();
    assert_eq!(param(&url, "error").unwrap(), "access_denied");
    assert_eq!(param(&url, "error_description").unwrap(), "User did not authorize the request");
}

#[tokio::test]
async fn a_foreign_callback_url_gets_a_page_and_never_a_redirect() {
    let home = home();
    let demo = start(&home).await;
    for redirect_uri in [
        "https://evil.example/callback",
        "http://localhost:8710/callback",
        "http://127.0.0.1:8710/elsewhere",
        "http://127.0.0.1:8710/callback?a=b",
        "http://127.0.0.1:8710@evil.example/callback",
        "http://127.1:8710/callback",
        "",
    ] {
        let visit = person::visit(link(&demo, redirect_uri, &[]).as_str(), Choice::Alice).await.unwrap();
        assert!(visit.callback.is_none() && visit.status == StatusCode::FORBIDDEN);
        assert!(visit.text.contains("<h1>Callback URL mismatch</h1>"), "{redirect_uri}");
    }
    let visit = person::visit(link(&demo, "\"><script>", &[]).as_str(), Choice::Alice).await.unwrap();
    assert!(!visit.text.contains("<script>"));
}

#[tokio::test]
async fn a_login_page_takes_one_answer() {
    let home = home();
    let demo = start(&home).await;
    let page = http().get(link(&demo, "http://[::1]:9/callback", &[])).send().await.unwrap();
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
        assert_eq!(page.headers()[name], value);
    }
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    let html = page.text().await.unwrap();
    let id = html.split("name=\"interaction\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = [("interaction", id), ("choice", "alice")];

    let first = post(&demo, "decision", &answer).await;
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    assert!(first.headers()[LOCATION].to_str().unwrap().starts_with("http://[::1]:9/callback?code="));
    assert_eq!(post(&demo, "decision", &answer).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(post(&demo, "decision", &[("interaction", "guess"), ("choice", "alice")]).await.status(), 403);
}

#[tokio::test]
async fn a_wrong_verifier_spends_the_code() {
    let home = home();
    let demo = start(&home).await;
    let (code, uri) = code(&demo, Choice::Alice, &[]).await;
    let wrong = redeem(&demo, &code, &uri, "another-verifier-of-forty-three-characters!").await;
    assert_eq!(wrong, refused(403, "invalid_grant", "Failed to verify code verifier"));
    let late = redeem(&demo, &code, &uri, VERIFIER).await;
    assert_eq!(late, refused(403, "invalid_grant", "Invalid authorization code"));
}

#[tokio::test]
async fn a_code_is_bound_to_the_exact_callback_url() {
    let home = home();
    let demo = start(&home).await;
    let (code, uri) = code(&demo, Choice::Alice, &[]).await;
    let (status, why) = redeem(&demo, &code, "http://127.0.0.1:1/callback", VERIFIER).await;
    assert_eq!((status, text(&why, "error")), (403, "invalid_grant"));
    assert!(text(&why, "error_description").contains(&uri));
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let home = home();
    let demo = start(&home).await;
    let (code, uri) = code(&demo, Choice::Alice, &[]).await;
    let (_, tokens) = redeem(&demo, &code, &uri, VERIFIER).await;
    let again = redeem(&demo, &code, &uri, VERIFIER).await;
    assert_eq!(again, refused(403, "invalid_grant", "Invalid authorization code"));
    let renewed = refresh(&demo, text(&tokens, "refresh_token")).await;
    assert_eq!(renewed, refused(403, "invalid_grant", "Unknown or invalid refresh token."));
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_reused_one_ends_its_family() {
    let home = home();
    let demo = start(&home).await;
    let first = log_in(&demo, Choice::Alice, &[]).await;
    let (status, second) = refresh(&demo, text(&first, "refresh_token")).await;
    assert_eq!((status, &second["scope"]), (200, &json!(EVERYTHING)));
    let (before, after) = (claims(text(&first, "id_token")), claims(text(&second, "id_token")));
    assert!(["iss", "sub", "sid", "auth_time"].iter().all(|name| before[name] == after[name]));

    let reused = refresh(&demo, text(&first, "refresh_token")).await;
    let description = "Unsuccessful Refresh Token exchange, reused refresh token detected";
    assert_eq!(reused, refused(403, "invalid_grant", description));
    let heir = refresh(&demo, text(&second, "refresh_token")).await;
    assert_eq!(heir, refused(403, "invalid_grant", "Unknown or invalid refresh token."));
}

#[tokio::test]
async fn a_renewal_can_ask_for_less_but_not_for_more() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Bob, &[]).await;
    let token = text(&tokens, "refresh_token");
    let form = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "hallpass-demo"),
            ("refresh_token", token),
            ("scope", scope),
        ]
    };
    let more = body(post(&demo, "oauth/token", &form("openid read:messages")).await).await;
    assert_eq!(more, refused(400, "invalid_scope", "The scope read:messages was not granted"));
    let (status, less) = body(post(&demo, "oauth/token", &form("openid email")).await).await;
    assert_eq!((status, &less["scope"]), (200, &json!("openid email")));
    let (_, all) = refresh(&demo, text(&less, "refresh_token")).await;
    assert_eq!(all["scope"], tokens["scope"]);
}

#[tokio::test]
async fn the_token_endpoint_refuses_as_auth0_does() {
    let home = home();
    let demo = start(&home).await;
    let grant = ("grant_type", "authorization_code");
    for (form, expected) in [
        (vec![grant, ("client_id", "other")], refused(401, "access_denied", "Unauthorized")),
        (
            vec![grant, ("client_id", "hallpass-demo"), ("client_secret", "x")],
            refused(401, "access_denied", "Unauthorized"),
        ),
        (
            vec![grant, ("client_id", "hallpass-demo")],
            refused(400, "invalid_request", "Missing required parameter: code"),
        ),
        (
            vec![("grant_type", "password"), ("client_id", "hallpass-demo")],
            refused(403, "unsupported_grant_type", "Unsupported grant type: password"),
        ),
    ] {
        let response = post(&demo, "oauth/token", &form).await;
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(body(response).await, expected);
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let home = home();
    let demo = start(&home).await;
    let response = post(&demo, "oauth/token", &[("code", &"x".repeat(100_000))]).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn revoking_ends_the_session_and_says_nothing() {
    let home = home();
    let demo = start(&home).await;
    let tokens = log_in(&demo, Choice::Alice, &[]).await;
    let token = text(&tokens, "refresh_token");
    let json = json!({ "client_id": "hallpass-demo", "token": token }).to_string();
    let url = demo.issuer.join("oauth/revoke").unwrap();
    let response = http().post(url).header(CONTENT_TYPE, "application/json").body(json).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, ""));
    assert_eq!(refresh(&demo, token).await.0, 403);
    let unknown = post(&demo, "oauth/revoke", &[("client_id", "hallpass-demo"), ("token", "unknown")]).await;
    assert_eq!(unknown.status(), 200);
}

#[tokio::test]
async fn logging_out_leads_back_to_the_app_and_nowhere_else() {
    let home = home();
    let demo = start(&home).await;
    let hint = text(&log_in(&demo, Choice::Alice, &[]).await, "id_token").to_owned();
    let out = async |path: &str, params: &[(&str, &str)]| {
        let mut url = demo.issuer.join(path).unwrap();
        url.query_pairs_mut().extend_pairs(params);
        let response = http().get(url).send().await.unwrap();
        let to = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        (response.status().as_u16(), to.unwrap_or_default())
    };
    let back = ("post_logout_redirect_uri", "http://127.0.0.1:9/logged-out");
    let to = "http://127.0.0.1:9/logged-out?state=s".to_owned();
    assert_eq!(out("oidc/logout", &[("id_token_hint", &hint), back, ("state", "s")]).await, (303, to));
    assert_eq!(out("oidc/logout", &[back]).await, (200, String::new()));
    for elsewhere in [
        "https://evil.example/logged-out",
        "http://127.0.0.1:9/",
        "http://127.0.0.1:9/logged-out/x",
        "http://127.0.0.1:9/logged-out?next=x",
        "http://localhost:9/logged-out",
    ] {
        let back = ("post_logout_redirect_uri", elsewhere);
        assert_eq!(out("oidc/logout", &[("id_token_hint", &hint), back]).await, (403, String::new()));
        let old = [("client_id", "hallpass-demo"), ("returnTo", elsewhere)];
        assert_eq!(out("v2/logout", &old).await, (403, String::new()));
    }
    let old = [("client_id", "hallpass-demo"), ("returnTo", back.1)];
    assert_eq!(out("v2/logout", &old).await, (303, back.1.to_owned()));
}

#[tokio::test]
async fn a_foreign_host_is_refused_by_both_servers() {
    let home = home();
    let demo = start(&home).await;
    for base in [&demo.issuer, &demo.api] {
        let port = base.port().unwrap();
        for host in ["evil.example".to_owned(), format!("evil.example:{port}"), format!("localhost:{port}")] {
            let path = base.join("api/public").unwrap();
            let response = http().get(path).header(HOST, host).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
            assert!(!response.headers().contains_key("access-control-allow-origin"));
        }
    }
}

#[tokio::test]
async fn the_strong_endpoint_asks_for_a_strong_login_as_rfc_9470_says() {
    let home = home();
    let demo = start(&home).await;
    let known = get_json(demo.issuer.join(".well-known/openid-configuration").unwrap()).await;
    let strong = known["acr_values_supported"][0].as_str().unwrap().to_owned();
    let path = "api/private-strong";

    let weak = log_in(&demo, Choice::Alice, &[]).await;
    let response = call(&demo, path, Some(&format!("Bearer {}", text(&weak, "access_token")))).await;
    let expected = format!(
        r#"Bearer realm="api", error="insufficient_user_authentication", error_description="This needs a strong login of the last few minutes", acr_values="{strong}", max_age="300""#
    );
    assert_eq!(challenged(&response), (401, expected.as_str()));

    let tokens = log_in(&demo, Choice::Alice, &[("acr_values", &strong), ("max_age", "300")]).await;
    let access = text(&tokens, "access_token");
    for (age, status) in [(0, 200), (290, 200), (310, 401)] {
        let aged = forge(&home, access, |_, claims| {
            claims["auth_time"] = json!(claims["auth_time"].as_i64().unwrap() - age);
        });
        let response = call(&demo, path, Some(&format!("Bearer {aged}"))).await;
        assert_eq!(response.status(), status, "{age} seconds ago");
    }
    assert_eq!(call(&demo, path, None).await.headers()[WWW_AUTHENTICATE], r#"Bearer realm="api""#);
}

#[tokio::test]
async fn a_restart_finds_its_key_its_ports_and_its_sessions() {
    let home = home();
    let first = start(&home).await;
    let strong = "urn:hallpass:demo:strong";
    let tokens = log_in(&first, Choice::Alice, &[("acr_values", strong)]).await;
    let before = (first.issuer.clone(), first.api.clone(), kid(&first).await);
    drop(first);

    let second = start(&home).await;
    until_it_answers(&second).await;
    assert_eq!((second.issuer.clone(), second.api.clone(), kid(&second).await), before);
    let (status, renewed) = refresh(&second, text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200);
    for (name, claim) in
        ["access_token", "id_token"].into_iter().flat_map(|name| [(name, "acr"), (name, "auth_time")])
    {
        let [before, after] = [&tokens, &renewed].map(|tokens| claims(text(tokens, name))[claim].clone());
        assert!(!before.is_null() && before == after, "{claim} of the {name}: {before}, then {after}");
    }
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    assert_eq!(call(&second, "api/private", Some(&bearer)).await.status(), 200);

    let memory = fs::read_to_string(home.path().join("demo.json")).unwrap();
    assert!(!memory.contains(text(&tokens, "refresh_token").rsplit('.').next().unwrap()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(home.path().join("demo.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_second_start_shares_the_first_and_takes_over_when_it_ends() {
    let home = home();
    let first = start(&home).await;
    let tokens = log_in(&first, Choice::Alice, &[]).await;
    let second = start(&home).await;
    assert_eq!((&second.issuer, &second.api), (&first.issuer, &first.api));

    let (_, renewed) = refresh(&second, text(&tokens, "refresh_token")).await;
    drop(first);
    until_it_answers(&second).await;
    assert_eq!(refresh(&second, text(&renewed, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn starts_at_the_same_moment_agree() {
    let home = home();
    let (one, two, three) = tokio::join!(start(&home), start(&home), start(&home));
    assert!(one.issuer == two.issuer && two.issuer == three.issuer);
    assert_eq!(kid(&one).await, kid(&two).await);
}

#[tokio::test]
async fn with_strangers_on_its_ports_it_moves_and_remembers_where() {
    let home = home();
    let before = start(&home).await.issuer.clone();
    let stranger = bind_once_free(before.port().unwrap()).await;
    let moved = start(&home).await.issuer.clone();
    assert_ne!(moved, before);
    drop(stranger);
    let again = start(&home).await;
    assert_eq!(again.issuer, moved);
}

#[tokio::test]
async fn an_unreadable_memory_is_set_aside() {
    let home = home();
    let file = home.path().join("demo.json");
    fs::write(&file, "{ \"ports\": [1, 2]").unwrap();
    let demo = start(&home).await;
    log_in(&demo, Choice::Alice, &[]).await;
    assert!(set_aside(home.path()).starts_with("{ \"ports\""));
}

fn set_aside(home: &Path) -> String {
    fs::read_to_string(home.join("demo.json.unreadable")).unwrap()
}

async fn until_it_answers(demo: &Demo) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while http().get(demo.issuer.join("mark.svg").unwrap()).send().await.is_err() {
        assert!(Instant::now() < deadline, "nobody took over");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn bind_once_free(port: u16) -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return listener,
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

// ---- bodies ----

#[tokio::test]
async fn a_large_body_is_as_long_as_it_says_and_the_same_every_time() {
    let home = home();
    let demo = start(&home).await;
    for kind in ["json", "broken", "line", "text", "binary"] {
        let path = format!("api/large?mb=1&kind={kind}");
        let response = call(&demo, &path, None).await;
        let said = response.content_length().expect("a length");
        assert!(said.abs_diff(1_000_000) < 1_000, "{kind}: {said} bytes");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, said, "{kind}");
        assert_eq!(bytes, call(&demo, &path, None).await.bytes().await.unwrap(), "{kind}");
    }
    let usual = http().head(demo.api.join("api/large").unwrap()).send().await.unwrap();
    let length: u64 = usual.headers()[CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    assert!(length.abs_diff(10_000_000) < 1_000);
}

#[tokio::test]
async fn large_json_is_json_with_numbers_that_go_on() {
    let home = home();
    let demo = start(&home).await;
    for mb in [1, 2, 7] {
        let response = call(&demo, &format!("api/large?mb={mb}"), None).await;
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let (_, value) = body(response).await;
        let people = value["people"].as_array().unwrap();
        assert_eq!(value["count"], people.len());
        for (index, person) in people.iter().enumerate() {
            assert_eq!(person["id"], 100_000_000 + index);
            assert!(text(person, "email").contains(&person["id"].to_string()), "{person}");
        }
        assert!(people.iter().any(|person| !text(person, "name").is_ascii()));
    }
}

#[tokio::test]
async fn the_other_kinds_are_what_they_say() {
    let home = home();
    let demo = start(&home).await;
    let kind = async |kind: &str| {
        let response = call(&demo, &format!("api/large?mb=3&kind={kind}"), None).await;
        (response.headers()[CONTENT_TYPE].clone(), response.bytes().await.unwrap())
    };
    let (json, broken) = kind("broken").await;
    let wrong = serde_json::from_slice::<Value>(&broken).unwrap_err();
    let lines = broken.split(|byte| *byte == b'\n').count();
    assert_eq!(json, "application/json");
    assert!(wrong.line().abs_diff(lines / 2) < 10, "{wrong}, in {lines} lines");

    let (json, line) = kind("line").await;
    assert_eq!(json, "application/json");
    assert!(!line.contains(&b'\n') && serde_json::from_slice::<String>(&line).is_ok());

    let (plain, log) = kind("text").await;
    assert_eq!(plain, "text/plain; charset=utf-8");
    let log = str::from_utf8(&log).unwrap();
    assert!(log.ends_with('\n') && log.lines().all(|line| line.starts_with("2026-")));

    let (octets, binary) = kind("binary").await;
    assert_eq!(octets, "application/octet-stream");
    assert!(binary.contains(&0) && str::from_utf8(&binary).is_err());
}

#[tokio::test]
async fn a_body_beyond_the_limits_is_refused_with_what_can_be_asked_for() {
    let home = home();
    let demo = start(&home).await;
    let mb = "mb can be a number from 1 to 4096";
    for (path, why) in [
        ("large?mb=0", mb),
        ("large?mb=4097", mb),
        ("large?mb=-1", mb),
        ("large?mb=ten", mb),
        ("large?kind=image", "kind can be json, broken, line, text or binary"),
        ("slow?seconds=121", "seconds can be a number from 1 to 120"),
    ] {
        let answer = body(call(&demo, &format!("api/{path}"), None).await).await;
        assert_eq!(answer, (400, json!({ "message": why })), "{path}");
    }
    let most = http().head(demo.api.join("api/large?mb=4096").unwrap()).send().await.unwrap();
    assert_eq!(most.status(), 200);
}

#[tokio::test]
async fn the_slow_answer_comes_part_by_part() {
    let home = home();
    let demo = start(&home).await;
    let start = Instant::now();
    let mut response = call(&demo, "api/slow?seconds=1", None).await;
    assert_eq!(response.content_length(), None);
    assert_eq!(response.chunk().await.unwrap().unwrap(), "[\n");
    assert!(start.elapsed() < Duration::from_millis(400));
    let rest = response.text().await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(900));
    let array: Value = serde_json::from_str(&format!("[{rest}")).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_stream_is_a_json_object_a_line() {
    let home = home();
    let demo = start(&home).await;
    let mut response = call(&demo, "api/stream", None).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
    assert_eq!(response.content_length(), None);
    let (start, mut read) = (Instant::now(), String::new());
    while read.matches('\n').count() < 10 {
        read += str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(start.elapsed() > Duration::from_millis(400));
    for (index, line) in read.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["id"], index + 1);
    }
}

#[tokio::test]
async fn a_body_ends_when_the_client_goes_away() {
    let home = home();
    let demo = start(&home).await;
    let address = demo.api.socket_addrs(|| None).unwrap()[0];
    // Each connection is a task of the runtime that the demo and this test share, beside those of the servers.
    sleep(Duration::from_millis(20)).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for path in ["stream", "slow?seconds=120", "large?mb=4096"] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /api/{path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let read = client.read(&mut [0; 64]).await.unwrap();
        assert!(read > 0 && tasks() > before, "{path}");
        drop(client);
        let deadline = Instant::now() + Duration::from_secs(5);
        while tasks() > before {
            assert!(Instant::now() < deadline, "{path} goes on");
            sleep(Duration::from_millis(20)).await;
        }
    }
}
