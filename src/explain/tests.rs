//! Explanations of plain cases.

use std::time::Duration;

use jiff::Timestamp;
use oauth2::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::*;
use crate::api::CallError;
use crate::api::refusal::Refusal;
use crate::api::request::Request;
use crate::api::response::Response;
use crate::auth::log_out::EndSessionError;
use crate::auth::login::LoginError;
use crate::auth::loopback::Refusal as ProviderRefusal;
use crate::auth::session::Session;
use crate::auth::session::{Obtained, User};
use crate::auth::tokens::TokenError;
use crate::body::Body;
use crate::config::Profile;
use crate::http::{HttpError, NoAnswer};
use crate::secret::Secret;

fn profile() -> Profile {
    Profile::demo("https://op/", "c", "https://api", &Url::parse("https://api.example.com/").unwrap())
}

fn session(granted: &[&str]) -> Session {
    Session {
        issuer: "https://op/".to_owned(),
        client_id: "c".to_owned(),
        access_token: Secret::new("a"),
        refresh_token: None,
        id_token: None,
        asked: vec!["openid".to_owned(), "read:messages".to_owned()],
        granted: granted.iter().map(|&scope| scope.to_owned()).collect(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        user: User { subject: "s".to_owned(), name: None, email: None, picture: None },
        obtained: Obtained::ByLogin,
        step_up: StepUp::default(),
        acr: None,
        auth_time: None,
    }
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn of_answer(
    response: &Response,
    session: Option<&Session>,
    expired: bool,
    now: Timestamp,
) -> Option<Explanation> {
    let (profile, clock_ahead) = (&profile(), SignedDuration::ZERO);
    super::response(response, &Caller { profile, session, expired, now, clock_ahead })
}

fn answered(status: u16, with_token: bool, challenge: &'static str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    let (body, progress) = Body::whole(&headers, b"");
    Response {
        request: Request {
            method: Method::GET,
            url: Url::parse("https://api.example.com/x").unwrap(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        },
        with_token,
        status: StatusCode::from_u16(status).unwrap(),
        took: Duration::ZERO,
        length: None,
        cut: None,
        content_type: None,
        headers: Vec::new(),
        elsewhere: None,
        refusal: Some(Refusal::read(&headers, b"")),
        body,
        progress,
        rows: Vec::new(),
        beginning: Secret::new(String::new()),
    }
}

fn values(explanation: &Explanation, label: &str) -> Vec<(String, bool)> {
    let evidence = explanation.evidence.iter().find(|evidence| evidence.label == label);
    evidence
        .map(|evidence| evidence.values.iter().map(|value| (value.text.clone(), value.amiss)).collect())
        .unwrap_or_default()
}

#[test]
fn a_missing_scope_is_named_beside_those_that_are_there() {
    let challenge = r#"Bearer error="insufficient_scope", scope="openid read:messages""#;
    let explained =
        of_answer(&answered(403, true, challenge), Some(&session(&["openid"])), false, NOW).unwrap();
    assert_eq!(explained.headline, "Your token lacks the scope read:messages");
    assert_eq!(
        values(&explained, "The API needs"),
        [("openid".to_owned(), false), ("read:messages".to_owned(), true)]
    );
    assert_eq!(values(&explained, "You have"), [("openid".to_owned(), false)]);
    assert_eq!(explained.remedy, Some(Remedy::LogIn));
}

fn step_up(scopes: &[&str], acr_values: Option<&str>, max_age: Option<u64>) -> StepUp {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    StepUp { scopes, acr_values: acr_values.map(str::to_owned), max_age }
}

#[test]
fn a_scope_that_was_never_asked_for_can_be_asked_for_beside_what_was_asked_for_earlier() {
    let challenge = r#"Bearer error="insufficient_scope", scope="write:messages""#;
    let refused = answered(403, true, challenge);
    let session = session(&["openid"]);
    let explained = of_answer(&refused, Some(&session), false, NOW).unwrap();
    assert_eq!(explained.remedy, Some(Remedy::LogInAsking(step_up(&["write:messages"], None, None))));

    let strong = Session { step_up: step_up(&["other"], Some("strong"), Some(300)), ..session };
    let explained = of_answer(&refused, Some(&strong), false, NOW).unwrap();
    let both = step_up(&["write:messages", "other"], Some("strong"), Some(300));
    assert_eq!(explained.remedy, Some(Remedy::LogInAsking(both)));
}

#[test]
fn a_scope_that_was_asked_for_in_vain_is_not_asked_for_again() {
    let challenge = r#"Bearer error="insufficient_scope", scope="write:messages""#;
    let session = session(&["openid"]);
    let asked = Session {
        asked: vec!["openid".to_owned(), "write:messages".to_owned()],
        step_up: step_up(&["write:messages"], None, None),
        ..session
    };
    let explained = of_answer(&answered(403, true, challenge), Some(&asked), false, NOW).unwrap();
    assert!(explained.cause.contains("the provider did not grant it"), "{}", explained.cause);
    assert_eq!(explained.remedy, None);
}

const STRONGER: &str =
    r#"Bearer error="insufficient_user_authentication", acr_values="strong stronger", max_age=300"#;

#[test]
fn a_stronger_login_is_asked_for_with_what_the_api_wants_beside_what_there_is() {
    let session = Session {
        acr: Some("weak".to_owned()),
        auth_time: Some(Timestamp::from_second(-1000).unwrap()),
        ..session(&["openid"])
    };
    let explained = of_answer(&answered(401, true, STRONGER), Some(&session), false, NOW).unwrap();
    assert_eq!(explained.headline, "The API wants you to log in again, more strongly");
    let text = |text: &str, amiss| (text.to_owned(), amiss);
    assert_eq!(
        values(&explained, "The API needs"),
        [text("strong", true), text("stronger", true), text("a login at most 5 minutes ago", true)]
    );
    assert_eq!(values(&explained, "You have"), [text("weak", false), text("a login 16 minutes ago", false)]);
    let asking = Remedy::LogInAsking(step_up(&[], Some("strong stronger"), Some(300)));
    assert_eq!(explained.remedy, Some(asking));
}

#[test]
fn a_login_of_late_is_asked_for_by_its_own_name() {
    let challenge = r#"Bearer error="insufficient_user_authentication", max_age="1", scope="a""#;
    let earlier = step_up(&["b"], Some("strong"), None);
    let session = Session { step_up: earlier, ..session(&["openid"]) };
    let explained = of_answer(&answered(401, true, challenge), Some(&session), false, NOW).unwrap();
    assert_eq!(explained.headline, "The API wants you to log in again, more recently");
    assert_eq!(values(&explained, "You have")[1].0, "a login at an unknown time");
    let all = step_up(&["a", "b"], Some("strong"), Some(1));
    assert_eq!(explained.remedy, Some(Remedy::LogInAsking(all)));
}

#[test]
fn a_login_that_was_asked_for_in_vain_is_not_asked_for_again() {
    let asked = Session {
        step_up: step_up(&[], Some("strong stronger"), Some(300)),
        acr: Some("weak".to_owned()),
        auth_time: Some(NOW),
        ..session(&["openid"])
    };
    let explained = of_answer(&answered(401, true, STRONGER), Some(&asked), false, NOW).unwrap();
    assert!(explained.cause.contains("logged you in otherwise"), "{}", explained.cause);
    assert_eq!(values(&explained, "You have")[0].0, "weak");
    assert_eq!(explained.remedy, None);

    let strong = Session { acr: Some("strong".to_owned()), ..asked };
    let explained = of_answer(&answered(401, true, STRONGER), Some(&strong), false, NOW).unwrap();
    assert!(explained.cause.contains("The access token must say so too"), "{}", explained.cause);
    assert_eq!(explained.remedy, None);

    let later = Timestamp::from_second(301).unwrap();
    let explained = of_answer(&answered(401, true, STRONGER), Some(&strong), false, later).unwrap();
    assert!(matches!(explained.remedy, Some(Remedy::LogInAsking(_))), "it has become too old since");
}

#[test]
fn a_stronger_login_is_no_matter_of_a_call_without_a_token() {
    let explained =
        of_answer(&answered(401, false, STRONGER), Some(&session(&["openid"])), false, NOW).unwrap();
    assert_eq!(explained.headline, "The API wants to know who you are");
}

#[test]
fn a_refusal_without_a_scope_is_told_in_the_apis_words_and_not_guessed_at() {
    let challenge = r#"Bearer error="access_denied", error_description="Not on Sundays""#;
    let explained =
        of_answer(&answered(403, true, challenge), Some(&session(&["openid"])), false, NOW).unwrap();
    assert_eq!(explained.headline, "The API knows you, and refuses this");
    assert_eq!(values(&explained, "In words"), [("Not on Sundays".to_owned(), false)]);
    assert_eq!(explained.remedy, None);
}

#[test]
fn a_401_is_told_apart_by_whether_a_token_went_along_and_whether_it_had_expired() {
    let headline = |with_token, expired| {
        let response = answered(401, with_token, r#"Bearer realm="api""#);
        of_answer(&response, Some(&session(&[])), expired, NOW).unwrap().headline
    };
    assert_eq!(headline(false, false), "The API wants to know who you are");
    assert_eq!(headline(true, true), "Your token has expired");
    assert_eq!(headline(true, false), "The API did not accept your token");
}

#[test]
fn a_success_needs_no_explanation() {
    assert_eq!(of_answer(&answered(200, true, ""), None, false, NOW), None);
}

#[test]
fn a_redirect_to_another_origin_names_both_and_offers_the_other() {
    let there = Url::parse("https://elsewhere.example/v2/x").unwrap();
    let redirected = Response { elsewhere: Some(there), ..answered(302, true, "") };
    let explained = of_answer(&redirected, None, false, NOW).unwrap();
    assert_eq!(values(&explained, "To"), [("https://elsewhere.example".to_owned(), true)]);
    assert!(
        matches!(explained.remedy, Some(Remedy::UseUrl(url)) if url.starts_with("https://elsewhere.example/v2"))
    );
}

#[test]
fn declining_is_no_failure_and_an_unknown_api_is_named() {
    let refused = |error: &str, description: &str| {
        let refusal =
            ProviderRefusal { error: error.to_owned(), description: Some(description.to_owned()), uri: None };
        login(&LoginError::Refused(refusal), &profile(), SignedDuration::ZERO)
    };
    let declined = refused("access_denied", "User did not authorize the request");
    assert_eq!((declined.tone, declined.headline.as_str()), (Tone::Refused, "You were not logged in"));
    let unknown = refused("access_denied", "Service not found: https://api");
    assert_eq!(values(&unknown, "Audience"), [("https://api".to_owned(), true)]);
    let rule = refused("unauthorized", "Only on weekdays\u{1b}[2J");
    assert_eq!(values(&rule, "It said"), [("Only on weekdays\u{fffd}[2J".to_owned(), false)]);
}

#[test]
fn a_shared_secret_as_signing_key_is_told_from_other_algorithms() {
    let cause = |problem: &str| {
        let rejected = crate::auth::id_token::Rejected { check: "alg", problem: problem.to_owned() };
        login(&LoginError::IdToken(rejected), &profile(), SignedDuration::ZERO).cause
    };
    assert!(cause("algorithm `HS256` is not one of: RS256").contains("RS256 at the provider"));
    assert!(!cause("algorithm `none` is not one of: RS256").contains("RS256 at the provider"));
}

#[test]
fn nobody_coming_back_offers_the_callback_urls() {
    let error = LoginError::TimedOut {
        after: Duration::from_mins(3),
        redirect_uri: "http://127.0.0.1:8710/callback".to_owned(),
    };
    let explained = login(&error, &profile(), SignedDuration::ZERO);
    assert!(explained.cause.contains("3 minutes"));
    assert_eq!(explained.remedy, Some(Remedy::CopyUrls(profile().redirect_uris())));
}

#[test]
fn a_log_out_url_is_doubted_only_where_the_provider_was_reached() {
    let explained = |left| {
        let return_to = "http://127.0.0.1:8710/logged-out".to_owned();
        let error = EndSessionError::NoReturn { after: Duration::from_mins(2), return_to, left };
        session_not_ended(&error, &profile())
    };
    assert!(explained(true).cause.contains("not registered"));
    assert_eq!(explained(true).remedy, Some(Remedy::CopyUrls(profile().logged_out_uris())));
    assert!(explained(false).cause.contains("2 minutes") && explained(false).remedy.is_none());
    assert_eq!(
        values(&explained(false), "Waited at"),
        [("http://127.0.0.1:8710/logged-out".to_owned(), false)]
    );
}

#[test]
fn an_application_with_a_secret_is_recognised_by_what_the_token_endpoint_says() {
    for (error, description) in [("access_denied", "Unauthorized"), ("invalid_client", "no secret")] {
        let error =
            TokenError::Refused { error: error.to_owned(), description: Some(description.to_owned()) };
        assert!(login(&LoginError::Token(error), &profile(), SignedDuration::ZERO).cause.contains("Native"));
    }
}

#[test]
fn each_way_of_not_answering_has_its_own_headline() {
    let ways = [
        NoAnswer::Dns,
        NoAnswer::Refused,
        NoAnswer::NoRoute,
        NoAnswer::Reset,
        NoAnswer::NoConnection(Duration::from_secs(8)),
        NoAnswer::TimedOut(Duration::from_secs(30)),
        NoAnswer::Tls("invalid peer certificate: UnknownIssuer".to_owned()),
        NoAnswer::NotTls,
        NoAnswer::Unencrypted,
        NoAnswer::TooLarge(1 << 20),
        NoAnswer::Other("?".to_owned()),
    ];
    let headlines: std::collections::BTreeSet<_> = ways
        .into_iter()
        .map(|why| {
            no_response(&CallError::NoAnswer(HttpError { to: "host:1".to_owned(), why }), None).headline
        })
        .collect();
    assert_eq!(headlines.len(), 11);
    assert!(headlines.iter().all(|headline| headline.contains("host:1")));
}
