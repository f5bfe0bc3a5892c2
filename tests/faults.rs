//! What goes wrong while a session is renewed, one fault a test: the person stays logged in or is told the truth, and
//! what is kept is a whole session or none.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::Response;
use hallpass::auth::Step;
use hallpass::auth::renewal::{Prospect, Renewal, RenewalError, Renewed};
use hallpass::auth::session::{Obtained, Session, Why};
use hallpass::config::Profile;
use hallpass::demo::person::Choice;
use hallpass::explain;
use hallpass::http::{Exchange, Http, Purpose};
use hallpass::secret::Secret;
use hallpass::store::{Kept, Store, Unavailable};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::browser;
use support::provider::{Provider, bend};
use support::server;
use support::vault::{Files, Full};
use support::worker::{self, Order, Place, Said, Worker};
use support::{demo, until, within};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// A computer on which Alice is logged in.
struct Home {
    dir: TempDir,
    place: Place,
    session: Session,
}

/// What a renewal came to, and the steps on the way.
type Outcome = (Result<Renewed, RenewalError>, Vec<Step>);

impl Home {
    async fn of(profile: &Profile) -> Self {
        let session = browser::log_in(profile, Choice::Alice).await;
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(profile, Some(dir.path()));
        let mut home = Self { dir, place, session };
        home.keep(home.session.clone()).await;
        home
    }

    /// Keeps this session, made so large that it takes more than one entry.
    async fn keep(&mut self, session: Session) {
        self.session = session;
        self.session.user.picture = Some("x".repeat(4000));
        assert_eq!(self.store().save(&self.place.account(), &self.session).await, Kept::InKeyring);
    }

    fn store(&self) -> Store {
        self.place.store()
    }

    /// A store in the same place whose vault takes no more than so many entries.
    fn full_after(&self, room: usize) -> Store {
        let full = || Err(Unavailable::new("no space is left on the device"));
        Store::over(Full::after(room, Files::at(self.dir.path()), full), self.dir.path().join("locks"))
    }

    async fn renew(&self) -> Outcome {
        self.renew_with(&self.store(), &Http::new(|_| {})).await
    }

    async fn renew_with(&self, store: &Store, http: &Http) -> Outcome {
        let steps = Mutex::new(Vec::new());
        let report = |step| steps.lock().unwrap().push(step);
        let account = self.place.account();
        let renewal = Renewal { store, account: &account, http, report: &report, why: Why::Asked };
        let outcome = Box::pin(renewal.run(&self.session)).await;
        (outcome, steps.into_inner().unwrap())
    }

    /// What another window finds: never half a session.
    async fn kept(&self) -> Option<Session> {
        let found = self.store().load(&self.place.account()).await;
        found.unwrap().map(|(session, _)| session)
    }

    /// The renewal fails, the old session stays as it is, and the person reads this headline.
    async fn is_told(&self, headline: &str, prospect: Prospect) -> RenewalError {
        let (outcome, _) = self.renew().await;
        let error = outcome.unwrap_err();
        assert_eq!(error.prospect(), prospect, "{error}");
        says(&error, headline);
        assert_eq!(self.kept().await.as_ref(), Some(&self.session));
        error
    }
}

/// The person reads this as the headline, or first of all below it; and whether they are logged in.
fn says(error: &RenewalError, headline: &str) {
    let explained = explain::renewal(error);
    let below = explained.headline == "Your token was not renewed" && explained.cause.starts_with(headline);
    assert!(explained.headline == headline || below, "{explained:?}");
    let still = explained.cause.contains("still logged in");
    assert_eq!(still, !error.is_final(), "{}", explained.cause);
}

/// A home at a provider of which any answer can be bent.
async fn at_provider() -> (Provider, Home) {
    let provider = Provider::start(|_| {}).await;
    let home = Home::of(&provider.profile()).await;
    (provider, home)
}

/// Makes the token endpoint answer so.
fn answers(provider: &Provider, answer: impl Fn() -> Response + Send + Sync + 'static) {
    provider.change(|script| script.instead("/tokens", answer));
}

/// How many refresh tokens were sent; the first exchange was the login's.
fn sent(provider: &Provider) -> usize {
    provider.server.count("/tokens") - 1
}

fn host(provider: &Provider) -> String {
    provider.server.url.authority().to_owned()
}

// ---- no answer ----

#[tokio::test]
async fn offline_nothing_is_lost_and_it_is_tried_again() {
    let (provider, home) = at_provider().await;
    let host = host(&provider);
    drop(provider);
    within(async { while TcpStream::connect(&host).await.is_ok() {} }).await;
    home.is_told(&format!("Nothing listens at {host}"), Prospect::MayPass(None)).await;
}

#[tokio::test]
async fn a_name_that_is_not_found_is_named_and_tried_again() {
    let (_provider, mut home) = at_provider().await;
    // A name that resolvers know to be none (RFC 6761, section 6.4).
    let host = "provider.invalid";
    home.keep(Session { issuer: format!("https://{host}/"), ..home.session.clone() }).await;
    home.is_told(&format!("{host}:443 was not found"), Prospect::MayPass(None)).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_once_more_and_no_more() {
    let (provider, home) = at_provider().await;
    answers(&provider, || server::broken("{"));
    home.is_told(&format!("{} broke off", host(&provider)), Prospect::InDoubt).await;
    assert_eq!(sent(&provider), 2);
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up_after_two_tries() {
    let (provider, home) = at_provider().await;
    answers(&provider, || server::endless("{"));
    let (store, given_up) = (home.store(), Arc::new(Mutex::new(0)));
    let counts = Arc::clone(&given_up);
    let http = Http::new(move |exchange| {
        if exchange.purpose == Purpose::Renewal {
            *counts.lock().unwrap() += 1;
        }
    });
    let hurrying = async {
        for tries in 1..=2 {
            until(|| sent(&provider) == tries).await;
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(61)).await;
            until(|| *given_up.lock().unwrap() == tries).await;
            // The pause between the two.
            tokio::time::advance(Duration::from_secs(3)).await;
            tokio::time::resume();
        }
    };
    let ((outcome, _), ()) = tokio::join!(home.renew_with(&store, &http), hurrying);
    let error = outcome.unwrap_err();
    assert_eq!(error.prospect(), Prospect::InDoubt);
    says(&error, &format!("{} did not answer in time", host(&provider)));
    assert_eq!(home.kept().await.as_ref(), Some(&home.session));
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_rotation_ends_in_a_log_in_and_not_in_a_loop() {
    let (provider, home) = at_provider().await;
    provider.change(|script| script.loses_tokens = true);
    let error = home.is_told("Your session was lost on the way", Prospect::Over).await;
    assert!(matches!(error, RenewalError::AnswerLost(_)), "{error:?}");
    assert_eq!(explain::renewal(&error).remedy, Some(explain::Remedy::LogIn));
    assert_eq!(sent(&provider), 2);
}

// ---- an answer that is none ----

#[tokio::test]
async fn a_provider_that_wants_to_be_left_alone_is_for_as_long_as_it_says() {
    let (provider, home) = at_provider().await;
    let after = |value: String| {
        move || {
            let mut answer = server::json(429, &json!({}));
            answer.headers_mut().insert("retry-after", value.parse().unwrap());
            answer
        }
    };
    answers(&provider, after("7".to_owned()));
    let seven = Prospect::MayPass(Some(Duration::from_secs(7)));
    let error = home.is_told("The provider did not renew the session", seven).await;
    assert!(explain::renewal(&error).cause.contains("7 seconds"));

    let date = server::date(Timestamp::now() + Duration::from_secs(90));
    answers(&provider, after(date.to_str().unwrap().to_owned()));
    let (outcome, _) = home.renew().await;
    let Prospect::MayPass(Some(wait)) = outcome.unwrap_err().prospect() else { panic!("it may pass") };
    assert!((80..=90).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(sent(&provider), 2, "once each time");
}

#[tokio::test]
async fn a_provider_in_trouble_is_told_from_one_that_refuses() {
    // A 503 may be a proxy's, to a request that was heard, unless it says when to come back.
    let later = Prospect::MayPass(Some(Duration::from_secs(9)));
    for (status, after, prospect, sends) in
        [(503, Some("9"), later, 1), (503, None, Prospect::InDoubt, 2), (500, None, Prospect::InDoubt, 2)]
    {
        let (provider, home) = at_provider().await;
        answers(&provider, move || {
            let mut answer = server::json(status, &json!({ "error": "invalid_grant" }));
            let header = after.map(|after| ("retry-after".parse().unwrap(), after.parse().unwrap()));
            answer.headers_mut().extend(header.map(|(name, value)| (Some(name), value)));
            answer
        });
        let error = home.is_told("The provider did not renew the session", prospect).await;
        assert!(explain::renewal(&error).cause.contains("It is in trouble itself"), "{status}");
        assert_eq!(sent(&provider), sends, "{status}");
    }
}

#[tokio::test]
async fn a_provider_whose_discovery_is_in_trouble_is_not_called_missing() {
    let (provider, home) = at_provider().await;
    for status in [429, 500, 503, 511] {
        provider.change(|script| {
            script.instead("/.well-known/openid-configuration", move || server::json(status, &json!({})));
        });
        let error = home.is_told("The provider is in trouble", Prospect::MayPass(None)).await;
        assert!(!explain::renewal(&error).cause.contains("Keycloak"), "{status}");
    }
    assert_eq!(sent(&provider), 0);
}

#[tokio::test]
async fn the_page_of_a_hotel_is_no_reason_to_log_anybody_out() {
    let page =
        |status| move || server::answer(status, ("content-type", "text/html"), "<html>Welcome to the Wi-Fi");
    let (provider, home) = at_provider().await;
    answers(&provider, page(200));
    let error = home.is_told("The provider did not renew the session", Prospect::InDoubt).await;
    assert!(explain::renewal(&error).cause.contains("no tokens"));
    assert_eq!(sent(&provider), 2);

    let discovery = "/.well-known/openid-configuration";
    provider.change(|script| script.instead(discovery, page(200)));
    home.is_told("Something else answers in the provider's place", Prospect::MayPass(None)).await;
    provider.change(|script| script.instead(discovery, || server::answer(302, ("location", "/welcome"), "")));
    home.is_told("Something else answers in the provider's place", Prospect::MayPass(None)).await;
    assert_eq!(sent(&provider), 2);
}

// ---- an answer that must not be believed, or says less, or more ----

#[tokio::test]
async fn tokens_of_somebody_else_or_of_another_issuer_are_not_kept() {
    let rejected = "The renewed session was rejected";
    for (member, value) in [("sub", "mallory"), ("iss", "https://evil.example/")] {
        let (provider, home) = at_provider().await;
        provider.change(|script| script.claims = bend(move |claims| claims[member] = json!(value)));
        home.is_told(rejected, Prospect::Refused).await;
        assert_eq!(sent(&provider), 1, "{member}");
    }
}

#[tokio::test]
async fn what_the_answer_leaves_out_stays_as_it_was() {
    let (provider, home) = at_provider().await;
    provider.change(|script| {
        script.tokens = bend(|tokens| {
            for name in ["refresh_token", "id_token"] {
                tokens.as_object_mut().unwrap().remove(name);
            }
        });
    });
    let (outcome, _) = home.renew().await;
    let renewed = outcome.unwrap().session;
    assert_eq!(renewed.access_token.expose(), "access-token-2");
    assert_eq!(
        (&renewed.refresh_token, &renewed.id_token),
        (&home.session.refresh_token, &home.session.id_token)
    );
    assert_eq!(home.kept().await, Some(renewed));
}

#[tokio::test]
async fn scopes_that_change_are_told_and_kept() {
    let (provider, home) = at_provider().await;
    provider.change(|script| script.tokens = bend(|tokens| tokens["scope"] = json!("openid profile")));
    let (outcome, steps) = home.renew().await;
    let renewed = outcome.unwrap().session;
    assert_eq!(renewed.granted, ["openid", "profile"]);
    let [Step::ScopesChanged { before, now }] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((before, now), (&home.session.granted, &renewed.granted));
    assert_eq!(home.kept().await, Some(renewed));
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_an_hour_costs_nobody_their_session() {
    for ahead in [SignedDuration::from_hours(1), SignedDuration::from_hours(-1)] {
        let provider = Provider::start(|script| script.clock_ahead = ahead).await;
        let home = Home::of(&provider.profile()).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&told);
        let http = Http::new(move |exchange: Exchange| book.lock().unwrap().push(exchange.clock_ahead));
        let renewed = home.renew_with(&home.store(), &http).await.0.unwrap().session;
        assert_eq!(home.kept().await.as_ref(), Some(&renewed));
        let left = renewed.time_left(Timestamp::now()).unwrap();
        assert!(left > Duration::from_secs(290), "it lives as long as it was issued for: {left:?}");
        for told in told.lock().unwrap().iter() {
            let off = (told.unwrap() + ahead).abs();
            assert!(off < SignedDuration::from_secs(5), "{told:?}");
        }
    }
}

// ---- what the person, or another window, does meanwhile ----

/// A client that does this when the renewal's answer has come, before anything is made of it.
fn once_answered(event: impl AsyncFn() + Send + Sync + 'static) -> Http {
    Http::new(move |exchange| {
        if exchange.purpose == Purpose::Renewal {
            tokio::task::block_in_place(|| Handle::current().block_on(event()));
        }
    })
}

/// The tokens that were revoked.
fn revoked(provider: &Provider) -> Vec<String> {
    let seen = provider.server.seen().into_iter().filter(|seen| seen.path == "/forget");
    seen.map(|seen| support::provider::value(&seen.form(), "token").unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_during_a_renewal_wins_and_the_new_tokens_are_revoked() {
    let (provider, home) = at_provider().await;
    let (store, account) = (home.store(), home.place.account());
    let http = once_answered(async move || assert!(store.delete(&account, None).await.unwrap().is_some()));
    let error = home.renew_with(&home.store(), &http).await.0.unwrap_err();
    assert_eq!(error, RenewalError::EndedHere);
    assert_eq!(explain::renewal(&error).headline, "You were logged out");
    assert_eq!(home.kept().await, None);
    assert_eq!(Files::at(home.dir.path()).count(), 0);
    assert_eq!(revoked(&provider), ["refresh-token-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_of_another_window_during_a_renewal_is_taken_over() {
    let (provider, home) = at_provider().await;
    let anew = Session { access_token: Secret::new("of another window"), ..home.session.clone() };
    let (store, account, theirs) = (home.store(), home.place.account(), anew.clone());
    let http = once_answered(async move || {
        assert_eq!(store.save(&account, &theirs).await, Kept::InKeyring);
    });
    let (outcome, steps) = home.renew_with(&home.store(), &http).await;
    assert_eq!(outcome.unwrap().session, anew);
    assert!(matches!(steps[..], [Step::TookSiblings]), "{steps:?}");
    assert_eq!(home.kept().await, Some(anew));
    assert_eq!(sent(&provider), 1);
}

#[tokio::test]
async fn a_token_that_is_stale_because_another_window_renewed_is_no_reason_to_log_out() {
    let (provider, home) = at_provider().await;
    let renewed = home.renew().await.0.unwrap().session;
    // It still holds the old one.
    let (outcome, steps) = home.renew().await;
    assert_eq!(outcome.unwrap().session, renewed);
    assert!(matches!(steps[..], [Step::TookSiblings]), "{steps:?}");
    assert_eq!(sent(&provider), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_token_that_something_without_a_lock_has_spent_meanwhile_ends_nothing() {
    let (provider, home) = at_provider().await;
    let theirs = Session { access_token: Secret::new("of something else"), ..home.session.clone() };
    let (store, account, session) = (home.store(), home.place.account(), theirs.clone());
    let http = once_answered(async move || {
        assert_eq!(store.save(&account, &session).await, Kept::InKeyring);
    });
    answers(&provider, || server::json(403, &json!({ "error": "invalid_grant" })));
    let (outcome, _) = home.renew_with(&home.store(), &http).await;
    assert_eq!(outcome.unwrap().session, theirs);
    assert_eq!((sent(&provider), revoked(&provider).len()), (1, 0));
}

// ---- the disk, and the end of a process ----

#[tokio::test]
async fn a_disk_that_is_full_anywhere_costs_this_run_nothing_and_no_spent_token_is_sent_again() {
    let (provider, mut home) = at_provider().await;
    let mut cut_short = 0;
    for room in 0.. {
        let full = home.full_after(room);
        let renewed = home.renew_with(&full, &Http::new(|_| {})).await.0.unwrap();
        assert_ne!(renewed.session.refresh_token, home.session.refresh_token);
        let here = full.load(&home.place.account()).await.unwrap().unwrap();
        assert_eq!(here, (renewed.session.clone(), renewed.kept.clone()), "this run has it");
        if renewed.kept == Kept::InKeyring {
            assert_eq!(home.kept().await, Some(renewed.session));
            break;
        }
        // Whatever another window finds, it sends no spent token: that would look like theft.
        let before = sent(&provider);
        match home.kept().await {
            None => {}
            Some(old) if old == home.session => drop(home.is_told(NOT_KEPT, Prospect::Over).await),
            Some(other) => panic!("{room}: {other:?}"),
        }
        assert_eq!(sent(&provider), before, "{room}");
        cut_short += 1;
        home.keep(renewed.session).await;
    }
    assert!(cut_short > 2, "the session takes more than one entry");
}

/// A worker at home.
async fn window(place: &Place) -> Worker {
    let arguments = ["--ignored", "--exact", "another_window", "--nocapture", "--test-threads=1"];
    Worker::start(&arguments, &BTreeMap::new(), place).await
}

#[test]
#[ignore = "is started by the others"]
fn another_window() {
    if worker::is_worker() {
        worker::serve();
    }
}

/// What the person reads where a process spent the session and could not keep what it got: nothing is sent for that.
const NOT_KEPT: &str = "Your session was renewed, and could not be kept";
/// What the person reads where a process spent it and did not get as far as to note so.
const LOST: &str = "Your session was lost on the way";

#[tokio::test]
async fn a_process_that_is_killed_between_answer_and_store_leaves_a_whole_session() {
    let (_demo, profile, _place) = demo().await;
    let mut home = Home::of(&profile).await;
    let mut killed = 0;
    for room in 0.. {
        let mut window = window(&home.place.stuck_after(room)).await;
        assert_eq!(window.restore().await.as_ref(), Some(&home.session));
        window.order(Order::Renew(1)).await;
        match window.hear().await {
            Said::Stuck => window.kill().await,
            Said::Renewed(results, _) => {
                assert_eq!(home.kept().await, results.into_iter().next().unwrap().ok());
                break;
            }
            said => panic!("{said:?}"),
        }
        killed += 1;
        assert_eq!(home.kept().await.as_ref(), Some(&home.session), "{room}");
        home.is_told(NOT_KEPT, Prospect::Over).await;
        home.keep(browser::log_in(&profile, Choice::Alice).await).await;
    }
    assert!(killed > 2, "the session takes more than one entry");
}

#[tokio::test]
async fn processes_that_are_killed_at_any_moment_leave_whole_sessions_and_free_locks() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (_demo, profile, _place) = demo().await;
    let mut home = Home::of(&profile).await;
    let mut renewed = 0;
    for kill in 0..20 {
        let mut window = window(&home.place).await;
        assert!(window.restore().await.is_some());
        window.order(Order::RenewForEver).await;
        assert!(matches!(window.hear().await, Said::Renewed(..)));
        // Any moment of a renewal, which takes a few milliseconds.
        tokio::time::sleep(Duration::from_micros(random.u64(0..15_000))).await;
        window.kill().await;
        let Some(kept) = home.kept().await else { panic!("{kill}: a session is kept") };
        home.session = kept;
        let turn = home.store();
        let turn = tokio::time::timeout(Duration::from_secs(2), turn.turn(&home.place.account())).await;
        drop(turn.expect("its lock is free").unwrap());
        // What it kept is good, or was spent.
        match home.renew().await.0 {
            Ok(now) => {
                renewed += 1;
                assert_eq!(home.kept().await.as_ref(), Some(&now.session), "{kill}");
                home.session = now.session;
            }
            Err(error) => {
                let noted = error == RenewalError::NotKept;
                says(&error, if noted { NOT_KEPT } else { LOST });
                assert!(error.is_final(), "{error}");
                home.keep(browser::log_in(&profile, Choice::Alice).await).await;
            }
        }
    }
    println!("{renewed} of 20 sessions went on");
    home.store().delete(&home.place.account(), None).await.unwrap();
    assert_eq!(Files::at(home.dir.path()).count(), 0, "a log-out finds what they left behind");
}

#[cfg(unix)]
#[tokio::test]
async fn a_window_that_stands_still_in_its_renewal_is_waited_for_and_nothing_is_sent_meanwhile() {
    let (provider, home) = at_provider().await;
    let mut window = window(&home.place.stuck_after(0)).await;
    assert!(window.restore().await.is_some());
    window.order(Order::Renew(1)).await;
    assert!(matches!(window.hear().await, Said::Stuck));
    window.signal("STOP").await;
    window.order(Order::GoOn).await;
    let home = Arc::new(home);
    let renewing = Arc::clone(&home);
    let mut renewing = tokio::spawn(async move { renewing.renew().await });
    let waited = tokio::time::timeout(Duration::from_millis(300), &mut renewing).await;
    assert!(waited.is_err(), "it waits for its turn");
    assert_eq!(sent(&provider), 1);

    window.signal("CONT").await;
    let (results, statuses) = window.renewed().await;
    assert_eq!(statuses, [200]);
    let (outcome, steps) = within(renewing).await.unwrap();
    assert_eq!(outcome.unwrap().session, results[0].clone().unwrap());
    assert!(matches!(steps[..], [Step::TookSiblings]), "{steps:?}");
    assert_eq!(sent(&provider), 1);
}

#[tokio::test]
async fn a_window_that_is_killed_in_its_renewal_leaves_its_turn_to_the_next_one() {
    let (provider, home) = at_provider().await;
    answers(&provider, || server::endless("{"));
    let mut window = window(&home.place).await;
    assert!(window.restore().await.is_some());
    window.order(Order::Renew(1)).await;
    until(|| sent(&provider) == 1).await;
    window.kill().await;
    provider.change(|script| {
        script.instead.remove("/tokens");
    });
    let renewed = home.renew().await.0.unwrap().session;
    assert_eq!(renewed.obtained, Obtained::ByRenewal(Why::Asked));
    assert_eq!(home.kept().await, Some(renewed));
}
