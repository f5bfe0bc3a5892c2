//! The checks of a login and of a renewal as they are told: by the code that makes them, with what was expected and what
//! came, and without a secret.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::sync::Mutex;

use hallpass::auth::Step;
use hallpass::auth::login::{Attempt, LoginError};
use hallpass::auth::session::{Session, StepUp};
use hallpass::auth::verification::{Check, Name, Occasion, Outcome, Verification};
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::http::Http;
use serde_json::json;
use support::keys::NEXT_RSA;
use support::provider::{CLIENT, Provider, Script, Signer, bend};
use support::{DEADLINE, browser};

/// Logs in, and gives what came of it, the checks, and everything that was told.
async fn log_in(profile: &Profile, step_up: &StepUp) -> (Result<Session, LoginError>, Verification, String) {
    let steps = Mutex::new(Vec::new());
    let report = |step| steps.lock().unwrap().push(step);
    let http = Http::new(|_| {});
    let open = browser::scripted(Choice::Alice);
    let attempt = Attempt { profile, step_up, http: &http, open, report: &report, patience: DEADLINE };
    let outcome = Box::pin(attempt.run()).await;
    let steps = steps.into_inner().unwrap();
    let told = format!("{steps:?} {outcome:?}");
    let mut checked = steps.into_iter().filter_map(|step| match step {
        Step::Checked(checks) => Some(checks),
        _ => None,
    });
    let checks = checked.next().unwrap_or_else(Verification::of_login);
    assert!(checked.next().is_none(), "the checks are told once");
    (outcome, checks, told)
}

async fn play(change: impl FnOnce(&mut Script)) -> (Result<Session, LoginError>, Verification) {
    let provider = Provider::start(change).await;
    let (outcome, checks, _) = log_in(&provider.profile(), &StepUp::default()).await;
    (outcome, checks)
}

fn claim(script: &mut Script, name: &'static str, value: serde_json::Value) {
    script.claims = bend(move |claims| {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    });
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn a_login_tells_every_check_with_what_was_expected_and_what_came() {
    let provider = Provider::start(|script| claim(script, "azp", json!(CLIENT))).await;
    let issuer = provider.profile().issuer;
    let step_up = StepUp { max_age: Some(300), ..StepUp::default() };
    provider.change(|script| {
        script.claims = bend(|claims| (claims["azp"], claims["auth_time"]) = (json!(CLIENT), json!(now())));
    });
    let (outcome, checks, _) = log_in(&provider.profile(), &step_up).await;
    assert!(outcome.is_ok());
    assert_eq!(checks.passed().collect::<Vec<_>>(), Name::ALL, "{checks:#?}");
    assert_eq!(checks.occasion, Occasion::Login);
    let told = |name| {
        let Check { expected, actual, .. } = checks.get(name);
        (expected.as_str(), actual.as_str())
    };
    assert_eq!(told(Name::Issuer), (issuer.as_str(), issuer.as_str()));
    assert_eq!(told(Name::CallbackIssuer), (issuer.as_str(), issuer.as_str()));
    assert_eq!(told(Name::Audience), ("the-client, and nobody else", CLIENT));
    assert_eq!(told(Name::AuthorizedParty), (CLIENT, CLIENT));
    assert_eq!(told(Name::Algorithm).1, "RS256");
    assert_eq!(told(Name::Signature), ("the provider's key rsa", "kid rsa"));
    assert_eq!(told(Name::Subject), ("somebody", "alice"));
    assert_eq!(told(Name::Pkce), ("••••, 43 characters", "taken by the provider"));
    assert_eq!(told(Name::State), ("••••, 22 characters", "the same, 22 characters"));
    assert_eq!(told(Name::Nonce), ("••••, 22 characters", "the same, 22 characters"));
    assert_eq!(told(Name::AccessTokenHash).0, told(Name::AccessTokenHash).1);
    assert!(told(Name::AuthTime).0.ends_with("(max_age 300)"), "{checks:#?}");
}

#[tokio::test]
async fn a_check_that_there_is_no_cause_for_says_why_it_is_not_made() {
    let (outcome, checks) = play(|script| {
        claim(script, "at_hash", json!(null));
        script.callback = Box::new(|parameters| parameters.retain(|(name, _)| name != "iss"));
        script.discovery =
            bend(|metadata| metadata["authorization_response_iss_parameter_supported"] = json!(false));
    })
    .await;
    assert!(outcome.is_ok() && checks.is_complete());
    for name in [Name::CallbackIssuer, Name::AuthTime, Name::AuthorizedParty, Name::AccessTokenHash] {
        assert!(
            matches!(&checks.get(name).outcome, Outcome::NotMade(why) if why.ends_with('.')),
            "{checks:#?}"
        );
    }
}

/// A bend of the ID token, the check that it fails, and a part of what came.
type Bent = (&'static str, fn(&mut Script), Name, &'static str);

#[tokio::test]
async fn a_bent_id_token_is_told_by_the_check_that_it_fails_and_no_later_one_is_reached() {
    let cases: [Bent; 21] = [
        ("iss", |s| claim(s, "iss", json!("https://evil.example/")), Name::Issuer, "https://evil.example/"),
        ("no iss", |s| claim(s, "iss", json!(null)), Name::Issuer, "missing"),
        ("aud", |s| claim(s, "aud", json!(["another"])), Name::Audience, "another"),
        ("two aud", |s| claim(s, "aud", json!([CLIENT, "b"])), Name::Audience, "the-client, b"),
        ("no aud", |s| claim(s, "aud", json!(null)), Name::Audience, "missing"),
        ("none", |s| s.signer = Signer::Nothing, Name::Algorithm, "none"),
        ("HS256", |s| s.signer = Signer::Shared(CLIENT.into()), Name::Algorithm, "HS256"),
        (
            "another's key",
            |s| {
                s.signer = Signer::Key(&NEXT_RSA);
                s.header = bend(|h| h["kid"] = json!("rsa"));
            },
            Name::Signature,
            "kid rsa",
        ),
        ("an unknown key", |s| s.signer = Signer::Key(&NEXT_RSA), Name::Signature, "kid next-rsa"),
        ("exp", |s| claim(s, "exp", json!(now() - 360)), Name::Expiry, ":"),
        ("exp as text", |s| claim(s, "exp", json!("never")), Name::Expiry, "never"),
        ("no exp", |s| claim(s, "exp", json!(null)), Name::Expiry, "missing"),
        ("iat", |s| claim(s, "iat", json!(now() - 7 * 86400)), Name::IssuedAt, " on "),
        ("nonce", |s| claim(s, "nonce", json!("of-another-login")), Name::Nonce, "another, 16 characters"),
        ("no nonce", |s| claim(s, "nonce", json!(null)), Name::Nonce, "missing"),
        ("no sub", |s| claim(s, "sub", json!(null)), Name::Subject, "missing"),
        ("an empty sub", |s| claim(s, "sub", json!("")), Name::Subject, "empty"),
        ("azp", |s| claim(s, "azp", json!("another")), Name::AuthorizedParty, "another"),
        ("at_hash", |s| claim(s, "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")), Name::AccessTokenHash, "AAAA"),
        ("typ", |s| s.header = bend(|h| h["typ"] = json!("at+jwt")), Name::Form, "typ at+jwt"),
        ("text", |s| s.id_token = Box::new(|_| "nonsense".to_owned()), Name::Form, "no JWT"),
    ];
    for (what, bent, name, came) in cases {
        let (outcome, checks) = play(bent).await;
        let Err(LoginError::IdToken(rejected)) = outcome else { panic!("{what}: {outcome:?}") };
        let Some(failed) = checks.failed() else { panic!("{what}: {checks:#?}") };
        assert_eq!((failed.name, rejected.check), (name, name.term()), "{what}");
        assert_eq!(failed.outcome, Outcome::Failed(rejected.problem), "{what}");
        assert!(failed.actual.contains(came) && !failed.expected.is_empty(), "{what}: {failed:?}");
        for check in checks.checks() {
            let before = [Name::State, Name::CallbackIssuer, Name::Pkce].contains(&check.name);
            assert!(!before || check.outcome == Outcome::Passed, "{what}: {check:?}");
            let later = check.name as usize > name as usize;
            assert!(!later || check.outcome != Outcome::Passed, "{what}: {check:?}");
        }
        assert!(!checks.is_complete());
    }
}

#[tokio::test]
async fn of_two_faults_the_one_that_is_checked_first_is_told() {
    // Each of these claims is wrong; each time the first of them is put right.
    let faults = [Name::Issuer, Name::Audience, Name::Algorithm, Name::Expiry, Name::IssuedAt, Name::Nonce];
    for (index, name) in faults.into_iter().enumerate() {
        let right: Vec<_> = faults[..index].iter().map(|fault| fault.term()).collect();
        let (_, checks) = play(move |script| {
            if !right.contains(&"alg") {
                script.signer = Signer::Shared(CLIENT.into());
            }
            script.claims = bend(move |claims| {
                for (claim, value) in [
                    ("iss", json!("https://evil.example/")),
                    ("aud", json!("another")),
                    ("exp", json!(1)),
                    ("iat", json!(1)),
                    ("nonce", json!("another")),
                ] {
                    if !right.contains(&claim) {
                        claims[claim] = value;
                    }
                }
            });
        })
        .await;
        assert_eq!(checks.failed().map(|failed| failed.name), Some(name), "{checks:#?}");
        let passed: Vec<_> = checks.passed().collect();
        let before: Vec<_> = Name::ALL.into_iter().take_while(|before| *before != name).collect();
        assert_eq!(passed, before);
    }
}

#[tokio::test]
async fn an_answer_of_another_issuer_fails_its_check_and_nothing_after_it_is_reached() {
    let (outcome, checks) = play(|script| {
        script.callback = Box::new(|parameters| {
            parameters.retain(|(name, _)| name != "iss");
            parameters.push(("iss".to_owned(), "https://evil.example/".to_owned()));
        });
    })
    .await;
    assert!(matches!(outcome, Err(LoginError::WrongIssuer { .. })));
    assert_eq!(checks.failed().map(|check| check.actual.as_str()), Some("https://evil.example/"));
    assert_eq!(checks.passed().collect::<Vec<_>>(), [Name::State]);
    assert_eq!(checks.get(Name::Pkce).outcome, Outcome::NotReached);
}

#[tokio::test]
async fn a_code_that_is_refused_leaves_open_whether_for_its_verifier() {
    let (_, checks) = play(|script| {
        script.instead("/tokens", || {
            support::server::json(403, &json!({ "error": "invalid_grant", "error_description": "No" }))
        });
    })
    .await;
    let pkce = &checks.get(Name::Pkce).outcome;
    assert!(matches!(pkce, Outcome::NotMade(why) if why.contains("invalid_grant")), "{pkce:?}");
}

#[tokio::test]
async fn a_renewal_checks_that_the_person_is_the_same() {
    for (subject, same) in [("alice", true), ("bob", false)] {
        let provider = Provider::start(|_| {}).await;
        let (session, ..) = log_in(&provider.profile(), &StepUp::default()).await;
        provider.change(move |script| claim(script, "sub", json!(subject)));
        let steps = Mutex::new(Vec::new());
        let report = |step| steps.lock().unwrap().push(step);
        let renewed = session.unwrap().renewed(&Http::new(|_| {}), &report).await;
        assert_eq!(renewed.is_ok(), same);
        let steps = steps.into_inner().unwrap();
        let [Step::Checked(checks)] = &steps[..] else { panic!("told once") };
        assert_eq!((checks.occasion, checks.is_complete()), (Occasion::Renewal, same));
        let check = checks.get(Name::Subject);
        assert_eq!((check.expected.as_str(), check.actual.as_str()), ("alice", subject));
        assert!(matches!(checks.get(Name::Nonce).outcome, Outcome::NotMade(_)));
    }
}

#[tokio::test]
async fn no_secret_is_told_however_the_login_ends() {
    let bends: [fn(&mut Script); 4] = [
        |_| {},
        |s| claim(s, "nonce", json!("canary-nonce")),
        |s| claim(s, "exp", json!(null)),
        |s| s.id_token = Box::new(|token| format!("{token}-broken.x.y")),
    ];
    for bent in bends {
        let provider = Provider::start(bent).await;
        let (_, _, told) = log_in(&provider.profile(), &StepUp::default()).await;
        let mut secrets = vec!["canary-nonce".to_owned(), "access-token-1".to_owned()];
        for seen in provider.server.seen() {
            let pairs = seen.query.iter().cloned().chain(seen.form());
            let secret = ["state", "nonce", "code", "code_challenge", "code_verifier"];
            secrets.extend(pairs.filter(|(name, _)| secret.contains(&name.as_str())).map(|(_, value)| value));
        }
        assert!(secrets.len() >= 7, "{secrets:?}");
        for secret in secrets {
            assert!(!told.contains(&secret), "{secret} in {told}");
        }
        assert!(!told.contains("eyJ"), "a token in {told}");
    }
}
