//! Logging in again because an API wants more: further scopes (RFC 6750, section 3.1), a stronger or a more recent login
//! (RFC 9470). What is asked for comes once, is checked, and is not asked for again in vain.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use hallpass::api::request::Draft;
use hallpass::api::response::Response;
use hallpass::api::{self, refusal::Refusal};
use hallpass::auth::login::{Attempt, LoginError, OpenBrowser};
use hallpass::auth::session::{Session, StepUp};
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::explain::{self, Caller, Explanation, Remedy};
use hallpass::http::Http;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::browser::{self, Link};
use support::provider::{Provider, bend};
use support::server::{self, Server};
use support::{DEADLINE, demo, within};

const STRONG: &str = "urn:hallpass:demo:strong";
/// What only some may have.
const SCOPE: &str = "read:messages";

fn http() -> Http {
    thread_local! {
        static HTTP: Http = Http::new(|_| {});
    }
    HTTP.with(Clone::clone)
}

fn step_up(scopes: &[&str], acr_values: Option<&str>, max_age: Option<u64>) -> StepUp {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    StepUp { scopes, acr_values: acr_values.map(str::to_owned), max_age }
}

async fn log_in_with(profile: &Profile, step_up: &StepUp, open: OpenBrowser) -> Result<Session, LoginError> {
    let attempt = Attempt { profile, step_up, http: &http(), open, report: &|_| {}, patience: DEADLINE };
    Box::pin(attempt.run()).await
}

async fn log_in(profile: &Profile, step_up: &StepUp, choice: Choice) -> Result<Session, LoginError> {
    log_in_with(profile, step_up, browser::scripted(choice)).await
}

/// The authorization request of a login that asks for `step_up`.
async fn request(profile: &Profile, step_up: &StepUp) -> Link {
    let (open, mut links) = browser::by_hand();
    let (profile, step_up) = (profile.clone(), step_up.clone());
    let attempt = tokio::spawn(async move { log_in_with(&profile, &step_up, open).await });
    let link = browser::opened(&mut links).await;
    attempt.abort();
    link
}

/// The request's parameters by name, sorted; the same name twice stands there twice.
fn names(link: &Link) -> Vec<String> {
    let mut names: Vec<_> = link.0.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort_unstable();
    names
}

/// Calls `path` of the profile's API, and what is to be said of it.
async fn call(profile: &Profile, path: &str, session: &Session) -> (Response, Option<Explanation>) {
    let draft = Draft { method: "GET".to_owned(), url: path.to_owned(), ..Draft::default() };
    let response =
        within(api::call(draft.check(profile).unwrap(), Some(&session.access_token), &http(), |_| ()))
            .await
            .unwrap();
    let (session, now, clock_ahead) = (Some(session), Timestamp::now(), SignedDuration::ZERO);
    let explanation =
        explain::response(&response, &Caller { profile, session, expired: false, now, clock_ahead });
    (response, explanation)
}

/// What the remedy asks for; `None` where there is nothing more to ask for.
fn asks(explanation: Option<&Explanation>) -> Option<StepUp> {
    match explanation?.remedy.as_ref()? {
        Remedy::LogInAsking(step_up) => Some(step_up.clone()),
        _ => None,
    }
}

/// The demo's profile, for an app that does not ask to read messages.
fn modest(profile: &Profile) -> Profile {
    let scopes = profile.scopes.iter().filter(|scope| *scope != SCOPE).cloned().collect();
    Profile { scopes, ..profile.clone() }
}

fn with_params(profile: &Profile, params: &[(&str, &str)]) -> Profile {
    let params = params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Profile { authorize_params: params, ..profile.clone() }
}

// ---- the authorization request ----

#[tokio::test]
async fn a_plain_login_asks_for_nothing_beyond_the_profile() {
    let provider = Provider::start(|_| {}).await;
    let link = request(&provider.profile(), &StepUp::default()).await;
    assert_eq!(link.get("scope"), "openid profile offline_access read:messages");
    assert!(!names(&link).iter().any(|name| name == "acr_values" || name == "max_age"));
}

#[tokio::test]
async fn what_is_asked_for_beyond_the_profile_comes_once() {
    let provider = Provider::start(|_| {}).await;
    let profile = with_params(
        &provider.profile(),
        &[("acr_values", "the profile's"), ("max_age", "3600"), ("prompt", "login")],
    );
    let more = step_up(&["write:messages", SCOPE, "openid", "write:messages"], Some("a b"), Some(300));
    let link = request(&profile, &more).await;
    assert_eq!(link.get("scope"), "openid profile offline_access read:messages write:messages");
    assert_eq!((link.get("acr_values"), link.get("max_age")), ("a b".to_owned(), "300".to_owned()));
    assert_eq!(link.get("prompt"), "login");
    let mut once = names(&link);
    once.dedup();
    assert_eq!(once, names(&link), "no parameter comes twice");
}

#[tokio::test]
async fn the_smaller_max_age_counts_and_each_parameter_is_overridden_by_itself() {
    let provider = Provider::start(|_| {}).await;
    let profile = with_params(&provider.profile(), &[("acr_values", "own"), ("max_age", "60")]);
    let link = request(&profile, &step_up(&[], None, Some(300))).await;
    assert_eq!((link.get("acr_values"), link.get("max_age")), ("own".to_owned(), "60".to_owned()));
    let link = request(&profile, &step_up(&[], Some("other"), None)).await;
    assert_eq!((link.get("acr_values"), link.get("max_age")), ("other".to_owned(), "60".to_owned()));
    let unreadable = with_params(&profile, &[("max_age", "soon")]);
    assert_eq!(request(&unreadable, &step_up(&[], None, Some(9))).await.get("max_age"), "9");
    assert_eq!(request(&unreadable, &StepUp::default()).await.get("max_age"), "soon");
}

#[tokio::test]
async fn what_a_hostile_api_asks_for_cannot_add_a_parameter_or_break_the_link() {
    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();
    let plain = names(&request(&profile, &StepUp::default()).await);
    let long = "x".repeat(100_000);
    for acr_values in [
        "a&redirect_uri=https://evil.example/&prompt=none#x",
        r#"a\" b\"&client_id=evil\" ?state=x"#,
        "%26prompt%3Dnone %00 +",
        "a\tb \u{e9} \u{202e}",
        &long,
        &"&scope=evil ".repeat(10_000),
    ] {
        let challenge = format!(
            r#"Bearer error="insufficient_user_authentication", acr_values="{acr_values}", scope="{acr_values}", max_age=1"#
        );
        let api = Server::start(move |_| {
            let answer = server::answer(401, ("www-authenticate", &challenge), "");
            async move { answer }
        })
        .await;
        let session = log_in(&profile, &StepUp::default(), Choice::Alice).await.unwrap();
        let its_api = Profile { api: Some(api.url.clone()), ..profile.clone() };
        let (_, explanation) = call(&its_api, "/", &session).await;
        let asked = asks(explanation.as_ref()).unwrap();
        let link = request(&profile, &asked).await;
        let mut expected = plain.clone();
        expected.extend(asked.acr_values.iter().map(|_| "acr_values".to_owned()));
        expected.push("max_age".to_owned());
        expected.sort_unstable();
        assert_eq!(names(&link), expected, "{acr_values:.80}");
        assert_eq!(link.issuer(), profile.issuer);
        assert_eq!((link.get("client_id"), link.0.fragment()), (profile.client_id.clone(), None));
        if let Some(values) = &asked.acr_values {
            assert_eq!(link.get("acr_values"), *values);
            assert!(values.len() < 1000 && !values.contains(['"', '\\', '\t']), "{values}");
        }
        assert!(link.0.as_str().len() < 8_000);
    }
}

#[tokio::test]
async fn a_max_age_that_is_no_number_of_seconds_is_not_asked_for() {
    let provider = Provider::start(|_| {}).await;
    let profile = provider.profile();
    let session = log_in(&profile, &StepUp::default(), Choice::Alice).await.unwrap();
    for max_age in ["-1", "NaN", "1e400", "99999999999999999999", "18446744073709551615", "5;", "0 0"] {
        let challenge = format!(r#"Bearer error="insufficient_user_authentication", max_age="{max_age}""#);
        let api = Server::start(move |_| {
            let answer = server::answer(401, ("www-authenticate", &challenge), "");
            async move { answer }
        })
        .await;
        let its_api = Profile { api: Some(api.url.clone()), ..profile.clone() };
        let (response, explanation) = call(&its_api, "/", &session).await;
        assert!(!response.refusal.as_ref().is_some_and(Refusal::wants_step_up), "{max_age}");
        assert_eq!(asks(explanation.as_ref()), None, "{max_age}");
    }
}

// ---- what comes back ----

#[tokio::test]
async fn a_login_that_must_be_recent_is_rejected_where_it_is_not_or_does_not_say() {
    let now = Timestamp::now().as_second();
    for (auth_time, accepted) in [
        (json!(now), true),
        // The clocks may differ by a minute.
        (json!(now - 340), true),
        (json!(now - 370), false),
        (json!(0), false),
        (json!(null), false),
    ] {
        let said = auth_time.clone();
        let provider = Provider::start(|script| {
            script.claims = bend(move |claims| claims["auth_time"] = said.clone());
        })
        .await;
        let profile = with_params(&provider.profile(), &[("max_age", "3600")]);
        match log_in(&profile, &step_up(&[], None, Some(300)), Choice::Alice).await {
            Ok(session) => {
                assert!(accepted, "{auth_time}");
                assert_eq!(session.step_up.max_age, Some(300));
                assert!(session.auth_time.is_some());
            }
            Err(LoginError::IdToken(rejected)) => {
                assert!(!accepted && rejected.check == "auth_time", "{auth_time}: {rejected}");
                assert_eq!(provider.asked()[4], 0, "user info is not asked");
            }
            Err(error) => unreachable!("{auth_time}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_max_age_beyond_all_measure_does_no_harm() {
    let provider =
        Provider::start(|script| script.claims = bend(|claims| claims["auth_time"] = json!(0))).await;
    for max_age in [u64::MAX, i64::MAX.cast_unsigned(), u64::from(u32::MAX)] {
        let session = log_in(&provider.profile(), &step_up(&[], None, Some(max_age)), Choice::Alice).await;
        assert!(session.is_ok(), "{max_age}: {session:?}");
    }
}

#[tokio::test]
async fn a_session_records_what_was_asked_for_and_what_came_and_its_renewal_keeps_that() {
    let provider = Provider::start(|script| {
        script.claims = bend(|claims| {
            claims["acr"] = json!("wea\u{1b}k");
            claims["auth_time"] = json!(Timestamp::now().as_second());
        });
    })
    .await;
    let more = step_up(&["write:messages"], Some("strong"), Some(300));
    let session = log_in(&provider.profile(), &more, Choice::Alice).await.unwrap();
    let asked = ["openid", "profile", "offline_access", "read:messages", "write:messages"];
    assert_eq!(session.asked, asked);
    assert_eq!(session.granted, asked, "where nothing is said, what was asked for is granted");
    assert_eq!((&session.step_up, session.acr.as_deref()), (&more, Some("wea\u{fffd}k")));

    provider.change(|script| script.claims = bend(|_| {}));
    let renewed = session.renewed(&http(), &|_| {}).await.unwrap();
    assert_ne!(renewed.access_token, session.access_token);
    assert_eq!(
        (&renewed.asked, &renewed.step_up, &renewed.acr, &renewed.auth_time),
        (&session.asked, &session.step_up, &session.acr, &session.auth_time)
    );
}

// ---- with the demo, from the refusal to the answer ----

#[tokio::test]
async fn alice_asks_for_the_scope_that_she_lacked_and_gets_through() {
    let (_demo, profile, _home) = demo().await;
    let profile = modest(&profile);
    let session = log_in(&profile, &StepUp::default(), Choice::Alice).await.unwrap();
    let (response, explanation) = call(&profile, "/api/private-scoped", &session).await;
    assert_eq!(response.status, 403);
    let more = asks(explanation.as_ref()).unwrap();
    assert_eq!(more, step_up(&[SCOPE], None, None));

    let session = log_in(&profile, &more, Choice::Alice).await.unwrap();
    let (response, explanation) = call(&profile, "/api/private-scoped", &session).await;
    assert_eq!((response.status.as_u16(), explanation), (200, None));
    let renewed = session.renewed(&http(), &|_| {}).await.unwrap();
    assert_eq!(call(&profile, "/api/private-scoped", &renewed).await.0.status, 200);
}

#[tokio::test]
async fn bob_asks_for_the_scope_once_and_is_told_that_he_may_not_have_it() {
    let (_demo, profile, _home) = demo().await;
    let profile = modest(&profile);
    let session = log_in(&profile, &StepUp::default(), Choice::Bob).await.unwrap();
    let more = asks(call(&profile, "/api/private-scoped", &session).await.1.as_ref()).unwrap();

    let session = log_in(&profile, &more, Choice::Bob).await.unwrap();
    assert_eq!(session.not_granted(), [SCOPE]);
    let (response, explanation) = call(&profile, "/api/private-scoped", &session).await;
    assert_eq!(response.status, 403);
    let explanation = explanation.unwrap();
    assert!(explanation.cause.contains("this account may not have it"), "{}", explanation.cause);
    assert_eq!(explanation.remedy, None, "no way leads round in a circle");
}

#[tokio::test]
async fn a_strong_login_opens_what_a_plain_one_does_not_and_is_kept_by_a_renewal() {
    let (_demo, profile, _home) = demo().await;
    let profile = modest(&profile);
    let session = log_in(&profile, &StepUp::default(), Choice::Bob).await.unwrap();
    assert_eq!(session.acr, None);
    let (response, explanation) = call(&profile, "/api/private-strong", &session).await;
    assert_eq!(response.status, 401);
    assert!(response.refusal.as_ref().is_some_and(Refusal::wants_step_up));
    let more = asks(explanation.as_ref()).unwrap();
    assert_eq!(more, step_up(&[], Some(STRONG), Some(300)));

    let session = log_in(&profile, &more, Choice::Bob).await.unwrap();
    assert_eq!(session.acr.as_deref(), Some(STRONG));
    assert_eq!(call(&profile, "/api/private-strong", &session).await.0.status, 200);
    let renewed = session.renewed(&http(), &|_| {}).await.unwrap();
    assert_eq!(call(&profile, "/api/private-strong", &renewed).await.0.status, 200);

    // A scope that is asked for next does not give the strength away.
    let more = asks(call(&profile, "/api/private-scoped", &renewed).await.1.as_ref()).unwrap();
    assert_eq!(more, step_up(&[SCOPE], Some(STRONG), Some(300)));
    let session = log_in(&profile, &more, Choice::Alice).await.unwrap();
    for path in ["/api/private-scoped", "/api/private-strong"] {
        assert_eq!(call(&profile, path, &session).await.0.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_provider_that_knows_no_stronger_way_is_asked_once() {
    let (_demo, demos, _home) = demo().await;
    let session = log_in(&demos, &StepUp::default(), Choice::Alice).await.unwrap();
    let more = asks(call(&demos, "/api/private-strong", &session).await.1.as_ref()).unwrap();
    // Between here and the provider, somebody does not pass it on.
    let (open, mut links) = browser::by_hand();
    let (profile, asked) = (demos.clone(), more.clone());
    let attempt = tokio::spawn(async move { log_in_with(&profile, &asked, open).await });
    let mut link = browser::opened(&mut links).await;
    let kept: Vec<_> = link.0.query_pairs().into_owned().filter(|(name, _)| name != "acr_values").collect();
    link.0.query_pairs_mut().clear().extend_pairs(kept);
    link.visit(Choice::Alice).await;
    let session = within(attempt).await.unwrap().unwrap();
    assert_eq!((session.acr.as_deref(), &session.step_up), (None, &more));

    let (response, explanation) = call(&demos, "/api/private-strong", &session).await;
    assert_eq!(response.status, 401);
    let explanation = explanation.unwrap();
    assert!(explanation.cause.contains("the provider logged you in otherwise"), "{}", explanation.cause);
    assert_eq!(explanation.remedy, None);
}

#[tokio::test]
async fn the_demo_knows_one_strong_way_and_takes_no_max_age_that_is_no_number() {
    let (_demo, profile, _home) = demo().await;
    for (acr_values, acr) in [
        ("urn:unknown urn:hallpass:demo:strong", Some(STRONG)),
        ("urn:unknown", None),
        ("urn:hallpass:demo:strong2", None),
    ] {
        let session =
            log_in(&profile, &step_up(&[], Some(acr_values), Some(0)), Choice::Alice).await.unwrap();
        assert_eq!(session.acr.as_deref(), acr, "{acr_values}");
    }
    let unsound = with_params(&profile, &[("max_age", "soon")]);
    let Err(LoginError::Refused(refusal)) = log_in(&unsound, &StepUp::default(), Choice::Alice).await else {
        unreachable!("the demo refuses")
    };
    assert_eq!(refusal.error, "invalid_request");
}
