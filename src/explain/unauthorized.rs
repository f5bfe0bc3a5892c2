//! 401: why the API did not take the token, or wants another (RFC 6750, section 3.1; RFC 9470).

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::call::{Case, said};
use super::words::{self, Complaint};
use super::{Caller, Explanation, Remedy, at, clock, fill_in, span};
use crate::api::refusal::Refusal;
use crate::auth::jwt::{Jwt, Token};
use crate::auth::session::{Session, StepUp};
use crate::config::Field;

/// The rules, from what is certain to what can only be narrowed down.
const RULES: [fn(&Case) -> Option<Explanation>; 13] = [
    own_credentials,
    no_token,
    too_weak,
    other_scheme,
    bound_to_a_key,
    expired,
    not_yet,
    unreadable,
    audience,
    issuer,
    signature,
    revoked,
    not_received,
];

/// Why the API answered 401.
pub(super) fn explain(case: &Case) -> Explanation {
    RULES.iter().find_map(|rule| rule(case)).unwrap_or_else(|| unknown(case))
}

/// The person's own `Authorization` header went in the place of the token.
fn own_credentials(case: &Case) -> Option<Explanation> {
    case.sent("authorization").filter(|_| !case.response.with_token)?;
    let explanation = Explanation::failed(
        "The API did not accept your own credentials",
        "The request has an Authorization header of your own, so the token was not sent. Remove that header to call \
         with the token, or correct it.",
    );
    Some(case.told(explanation).reference("RFC 9110, section 11.6.2"))
}

fn no_token(case: &Case) -> Option<Explanation> {
    if case.response.with_token {
        return None;
    }
    let (cause, remedy) = match case.caller.session {
        None => ("This call went without a token. Log in, then call again.", Remedy::LogIn),
        Some(_) => (
            "You are logged in, and this call went without your token, as you chose. Call again with it.",
            Remedy::CallAgain,
        ),
    };
    let explanation = Explanation::failed("The API wants to know who you are", cause);
    Some(case.told(explanation).remedy(remedy).reference("RFC 6750, section 3"))
}

/// The API wants to know more surely, or as of later, who calls (RFC 9470).
fn too_weak(case: &Case) -> Option<Explanation> {
    let Caller { session: Some(session), .. } = *case.caller else { return None };
    // When somebody logged in is told, and judged, by other clocks than this computer's.
    let now = case.caller.their_now();
    let refusal = Some(&case.refusal).filter(|refusal| refusal.wants_step_up())?;
    let wanted = wanted(refusal, &session.granted);
    let acr = session.acr.as_deref();
    let ago = session.authenticated_ago(now);
    let headline = match wanted.acr_values {
        Some(_) => "The API wants you to log in again, more strongly",
        None => "The API wants you to log in again, more recently",
    };
    let asked = session.has_asked_for(&wanted, now);
    let cause = match (asked, wanted.is_met_by(acr)) {
        (false, _) => {
            "Your token is good, but for this request the API has to know more surely that it is you. Log in again; \
             the provider will be asked for what the API wants."
        }
        (true, false) => {
            "You asked for it when you logged in, and the provider logged you in otherwise, so asking again will not \
             help. It must be set up at the provider, or the API must want what the provider has. Or log in as \
             somebody to whom the provider offers it."
        }
        (true, true) => {
            "You asked for it when you logged in, and the ID token says that you got it, so asking again will not \
             help. The access token must say so too: that is set up at the provider. Or the clock of the API is wrong."
        }
    };
    let acr = acr.map_or("no acr in the ID token".to_owned(), str::to_owned);
    let ago = ago.map_or("a login at an unknown time".to_owned(), |ago| format!("a login {} ago", span(ago)));
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, Some(session), now))
        .evidence("You have", [(acr, false), (ago, false)]);
    let explanation = said(explanation, &Refusal { scopes: Vec::new(), ..refusal.clone() });
    let again = (!asked).then(|| Remedy::LogInAsking(wanted.and(&session.step_up)));
    Some(explanation.remedy(again).reference("RFC 9470, section 3"))
}

/// What the API needs, each beside whether the session lacks it.
pub(super) fn needs(refusal: &Refusal, session: Option<&Session>, now: Timestamp) -> Vec<(String, bool)> {
    let granted = session.map(|session| session.granted.as_slice()).unwrap_or_default();
    let scopes = refusal.scopes.iter().map(|scope| (scope.clone(), !granted.contains(scope)));
    let acr = session.and_then(|session| session.acr.as_ref());
    let weak = !acr.is_some_and(|acr| refusal.acr_values.contains(acr));
    let strength = refusal.acr_values.iter().map(|value| (value.clone(), weak));
    let ago = session.and_then(|session| session.authenticated_ago(now));
    let age = refusal
        .max_age
        .map(Duration::from_secs)
        .map(|most| (format!("a login at most {} ago", span(most)), ago.is_none_or(|ago| ago > most)));
    scopes.chain(strength).chain(age).collect()
}

/// What the API wants beyond what was granted.
pub(super) fn wanted(refusal: &Refusal, granted: &[String]) -> StepUp {
    let missing = refusal.scopes.iter().filter(|scope| !granted.contains(scope));
    StepUp {
        scopes: missing.cloned().collect(),
        acr_values: (!refusal.acr_values.is_empty()).then(|| refusal.acr_values.join(" ")),
        max_age: refusal.max_age,
    }
}

/// The challenges name other ways to authenticate, and not Bearer.
fn other_scheme(case: &Case) -> Option<Explanation> {
    let schemes = &case.refusal.schemes;
    let is = |name: &str| schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(name));
    if schemes.is_empty() || is("Bearer") {
        return None;
    }
    let (cause, reference) = if is("DPoP") {
        (
            "It wants a token that is bound to a key of this computer, with a proof of that key in each request. Hallpass \
             sends Bearer tokens only, so this API cannot be called with it unless it is set to take those too.",
            "RFC 9449, section 7.1",
        )
    } else if is("Basic") || is("Digest") {
        (
            "It wants a name and a password, not a token: another part of the server may have answered, or something \
             in front of the API. Check the URL; or put the credentials into an Authorization header of your own.",
            "RFC 9110, section 11.6.1",
        )
    } else if is("Negotiate") || is("NTLM") {
        (
            "It wants the login of a company's network (Kerberos or NTLM), not a token. Something in front of the API may \
             have answered, such as a web server that is set to Windows authentication.",
            "RFC 4559",
        )
    } else {
        (
            "It names another way to authenticate than a Bearer token. Its documentation says what to send; put that \
             into an Authorization header of your own.",
            "RFC 9110, section 11.6.1",
        )
    };
    let explanation = Explanation::failed("The API wants other credentials than a token", cause)
        .evidence("It wants", schemes.iter().map(|scheme| (scheme, true)))
        .evidence("You sent", [("Bearer", false)]);
    Some(case.told(explanation).reference(reference))
}

/// The token says that it is good only with a proof of a key (RFC 7800).
fn bound_to_a_key(case: &Case) -> Option<Explanation> {
    let confirmation = case.jwt().and_then(|jwt| jwt.claims.get("cnf"));
    let words = case.words();
    let dpop = confirmation.is_some_and(|cnf| cnf.get("jkt").is_some()) || words.contains("dpop");
    let certificate = confirmation.is_some_and(|cnf| cnf.get("x5t#S256").is_some())
        || words.contains("client certificate")
        || words.contains("mtls");
    let (how, reference) = match (dpop, certificate) {
        (true, _) => ("a proof of a key in each request (DPoP)", "RFC 9449, section 7"),
        (_, true) => ("a client certificate on the connection (mTLS)", "RFC 8705, section 3"),
        _ => return None,
    };
    let explanation = Explanation::failed(
        "A token alone is not enough for this API",
        format!(
            "It also wants {how}, which Hallpass does not have. Set the application or the API to plain Bearer tokens."
        ),
    );
    let explanation = match confirmation {
        Some(_) => explanation.evidence("The token says", [("cnf: it is bound to a key", true)]),
        None => explanation,
    };
    Some(case.told(explanation).reference(reference))
}

/// When the token ends, by its own word or the provider's.
fn end(case: &Case) -> Option<Timestamp> {
    let session = case.caller.session?;
    case.jwt().and_then(|jwt| jwt.time("exp")).or(session.expires_at)
}

/// Whether the API names a cause that a new token of the same kind would not cure.
fn names_another_cause(case: &Case) -> bool {
    use Complaint as C;
    !matches!(case.complaint, None | Some(C::Expired | C::NotActive | C::Revoked | C::Missing | C::Form))
}

fn expired(case: &Case) -> Option<Explanation> {
    if names_another_cause(case) {
        return None;
    }
    let Caller { now, session, .. } = *case.caller;
    let end = end(case);
    let theirs = case.caller.their_now();
    let by_ours = case.caller.expired || end.is_some_and(|end| end <= now);
    let by_theirs = end.is_some_and(|end| end <= theirs);
    let wrong_clock = clock(case.caller.clock_ahead);
    // The provider's word of it, at the token's coming, against the token's own.
    let promised = !case.caller.expired && session.is_some_and(|session| session.expires_at > Some(now));
    let (headline, cause) = match (by_ours, by_theirs, &wrong_clock) {
        (true, true, None) if promised => (
            "Your token has expired",
            "By its own word its time is over; the provider said that it was good for longer. If a new one ends as early, \
             the provider is set up wrongly."
                .to_owned(),
        ),
        (true, true, _) | (true, false, None) => (
            "Your token has expired",
            "It was good for a limited time, and that time is over.".to_owned(),
        ),
        (true, false, Some(clock)) => (
            "Your token seems to have expired",
            format!(
                "By this computer's clock it has, by the API's it has not: {clock}. So the API may have had another \
                 reason to refuse it."
            ),
        ),
        (false, true, clock) => (
            "Your token has expired",
            format!(
                "By the API's clock its time is over, by this computer's it is not{}.",
                clock.as_ref().map(|clock| format!(": {clock}")).unwrap_or_default()
            ),
        ),
        (false, false, _) if case.complaint == Some(Complaint::Expired) => (
            "The API takes your token for expired",
            "By its own word the token is still good. Either the clock that the API checks it with is wrong, or the API \
             takes tokens only for a shorter time than they say."
                .to_owned(),
        ),
        _ => return None,
    };
    let explanation =
        Explanation::failed(headline, cause).evidence("Good until", end.map(|end| (at(end), true)));
    let explanation = clocks(explanation, case);
    let renewable = session.is_some_and(|session| session.refresh_token.is_some());
    let remedy = if renewable { Remedy::Renew } else { Remedy::LogIn };
    Some(case.told(explanation).remedy(remedy).reference("RFC 7519, section 4.1.4"))
}

/// The clocks, where they differ.
fn clocks(explanation: Explanation, case: &Case) -> Explanation {
    match clock(case.caller.clock_ahead) {
        None => explanation.evidence("Now", [(at(case.caller.now), false)]),
        Some(_) => explanation
            .evidence("The API's clock", [(at(case.caller.their_now()), false)])
            .evidence("Your clock", [(at(case.caller.now), true)]),
    }
}

fn not_yet(case: &Case) -> Option<Explanation> {
    let jwt = case.jwt();
    let from = jwt.and_then(|jwt| jwt.time("nbf").max(jwt.time("iat")));
    let theirs = case.caller.their_now();
    let early = from.is_some_and(|from| from > theirs);
    let complains = matches!(case.complaint, Some(Complaint::NotYet | Complaint::NotActive));
    if !complains && (!early || names_another_cause(case)) {
        return None;
    }
    let wait = from.filter(|_| early).map(|from| from.duration_since(theirs).unsigned_abs());
    let cause = match wait {
        Some(wait) => format!(
            "By the API's clock it becomes good in {}. The provider's clock and the API's differ: set the wrong one right, \
             or wait.",
            span(wait)
        ),
        None => "The provider's clock is ahead of the API's, perhaps by a few seconds only. Call again in a moment; if it \
                 stays so, set the wrong one right."
            .to_owned(),
    };
    let explanation = Explanation::failed("The API takes your token for one of the future", cause)
        .evidence("Good from", from.map(|from| (at(from), true)));
    let explanation = clocks(explanation, case);
    let again = case.caller.now.checked_add(wait.unwrap_or(Duration::from_secs(5))).ok();
    let soon = wait.is_none_or(|wait| wait < Duration::from_hours(1));
    let remedy = again.filter(|_| soon).map(Remedy::CallAgainAt);
    Some(case.told(explanation).remedy(remedy).reference("RFC 7519, section 4.1.5"))
}

/// Nobody but its issuer can read the token: it is encrypted, or a reference.
fn unreadable(case: &Case) -> Option<Explanation> {
    let kind = match case.token.as_ref()? {
        Token::Signed(_) => return None,
        Token::Encrypted(header) => {
            let text = |name: &str| header.get(name).and_then(serde_json::Value::as_str).unwrap_or("?");
            format!("encrypted (five parts, alg {}): only its issuer can read it", text("alg"))
        }
        Token::Opaque => "opaque: no JWT, so only its issuer knows what it means".to_owned(),
    };
    if matches!(case.complaint, Some(Complaint::Revoked)) {
        return None;
    }
    let profile = case.caller.profile;
    let asked = profile.audience.as_ref().or(profile.resource.as_ref());
    let token = [(kind, true)];
    let Some(asked) = asked else {
        let (called, wants) = wants(case);
        let explanation = Explanation::failed(
            "Your token is not for this API",
            "The login named no API, so the provider issued a token for its own use, which the API cannot check. Put the \
             API's identifier into the profile as its audience, and log in again.",
        )
        .evidence("Your token is", token)
        .evidence("Asked for", [("no audience", true)])
        .evidence(called, wants.iter().map(|wants| (wants, false)));
        let remedy = wants.map_or(Remedy::EditProfile, |wants| fill_in(profile, Field::Audience, &wants));
        return Some(case.told(explanation).remedy(remedy).reference("RFC 9068, section 4"));
    };
    let (headline, cause, reference) = match case.complaint {
        Some(Complaint::Form) => (
            "The API cannot read your token",
            "It checks tokens itself and wants a JWT, and the provider issues another kind for this API: that is set at the \
             provider.",
            "RFC 9068, section 4",
        ),
        _ => (
            "The API did not accept your token",
            "The token is not a JWT. Either the API checks tokens itself and wants a JWT, which is set at the provider; or \
             it asks a provider about each token (introspection), and asks another one, or is not allowed to.",
            "RFC 7662, section 2",
        ),
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("Your token is", token)
        .evidence("Asked for", [(asked, false)]);
    Some(case.told(explanation).reference(reference))
}

/// Which audience the API wants, as far as it says so, and where it says so.
fn wants(case: &Case) -> (&'static str, Option<String>) {
    let refusal = &case.refusal;
    let about_audience = !matches!(case.complaint, Some(Complaint::Issuer));
    let named = words::expected(refusal).filter(|_| about_audience).or_else(|| refusal.audience.clone());
    if named.is_some() {
        return ("The API wants", named);
    }
    let described = refusal.resource_metadata.as_deref().and_then(described_resource);
    if described.is_some() {
        return ("The API is called", described);
    }
    // A realm is any text; one that is a URI, and not the provider's, is most often the API's identifier.
    let realm = refusal.realm.as_ref().filter(|realm| {
        Url::parse(realm).is_ok_and(|url| url.has_host() || url.scheme() == "urn")
            && realm.trim_end_matches('/') != case.caller.profile.issuer.trim_end_matches('/')
    });
    ("The API's realm is", realm.cloned())
}

/// The resource that a metadata document is about: its URL without the well-known part (RFC 9728, section 3.1).
fn described_resource(metadata: &str) -> Option<String> {
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let (origin, path) = metadata.split_once(WELL_KNOWN)?;
    Some(format!("{origin}{path}"))
}

fn audience(case: &Case) -> Option<Explanation> {
    let complains = matches!(case.complaint, Some(Complaint::Audience | Complaint::AudienceOrIssuer));
    let jwt = case.jwt()?;
    let is = jwt.texts("aud");
    let profile = case.caller.profile;
    let asked = profile.audience.as_ref().or(profile.resource.as_ref());
    let (called, wants) = wants(case);
    let lacks = |wants: &String| !is.contains(&wants.as_str());
    let named = wants.filter(|wants| lacks(wants) && (complains || case.complaint.is_none()));
    // A realm alone accuses nobody.
    let named = named.filter(|_| complains || called != "The API's realm is");
    let not_as_asked = asked.filter(|asked| lacks(asked));
    let none_asked = asked.is_none() && is_the_providers_own(&is, case);
    if !complains && named.is_none() && (case.complaint.is_some() || not_as_asked.is_none() && !none_asked) {
        return None;
    }
    let both = case.complaint == Some(Complaint::AudienceOrIssuer);
    let certain = complains && !both || named.is_some();
    let headline =
        if certain { "Your token is for another API" } else { "Your token may be for another API" };
    let cause = match (&named, not_as_asked, asked) {
        (Some(wants), ..) if is.iter().any(|is| is.trim_end_matches('/') == wants.trim_end_matches('/')) => {
            "The two names differ by a slash at the end, and must be the same to the letter.".to_owned()
        }
        (Some(_), ..) => {
            "The audience of the token is not the one that the API wants. They must be the same to the letter."
                .to_owned()
        }
        (None, Some(_), _) => "The provider issued a token for another audience than the profile asks for. Log in again; \
             if it stays so, the API is registered under another name there."
            .to_owned(),
        (None, None, None) => "The login named no API, so the token is for the provider's own. Put the API's identifier \
             into the profile as its audience (some providers take it as a scope instead), and log in again."
            .to_owned(),
        (None, None, Some(_)) => "The token is for the audience that the profile asks for, and the API wants another one, \
             which it does not name. Compare with the identifier that the API is set to: a slash at the end counts."
            .to_owned(),
    };
    let cause =
        if both { format!("{cause} Or the API trusts another provider: it names both.") } else { cause };
    let mut explanation = Explanation::failed(headline, cause);
    let nearest = is.first().copied().unwrap_or("no audience");
    explanation = match (&named, not_as_asked) {
        (Some(wants), _) => explanation.beside(("Your token is for", nearest), (called, wants)),
        (None, Some(asked)) => explanation.beside(("Your token is for", nearest), ("You asked for", asked)),
        (None, None) => {
            let is = if is.is_empty() { vec![nearest] } else { is.clone() };
            let explanation = explanation.evidence("Your token is for", is.iter().map(|is| (is, true)));
            explanation
                .evidence("You asked for", [(asked.map_or("no audience", |asked| asked), asked.is_none())])
        }
    };
    explanation = explanation
        .evidence("It is also for", is.iter().skip(1).filter(|_| named.is_some()).map(|is| (is, false)));
    if both {
        explanation = explanation.evidence("Issued by", jwt.text("iss").map(|iss| (iss, false)));
    }
    let field = if profile.resource.is_some() && profile.audience.is_none() {
        Field::Resource
    } else {
        Field::Audience
    };
    let remedy = match (named, not_as_asked) {
        (Some(wants), _) => fill_in(profile, field, &wants),
        (None, Some(_)) => Remedy::LogIn,
        (None, None) => Remedy::EditProfile,
    };
    Some(case.told(explanation).remedy(remedy).reference("RFC 7519, section 4.1.3; RFC 9068, section 4"))
}

/// Whether all of a token's audiences are the provider's own: its user info, its account page, the application itself,
/// or Microsoft Graph.
fn is_the_providers_own(audiences: &[&str], case: &Case) -> bool {
    let profile = case.caller.profile;
    let issuer = profile.issuer.trim_end_matches('/');
    audiences.iter().all(|audience| {
        audience.starts_with(issuer)
            || *audience == profile.client_id
            || matches!(
                *audience,
                "account" | "00000003-0000-0000-c000-000000000000" | "https://graph.microsoft.com"
            )
    })
}

fn issuer(case: &Case) -> Option<Explanation> {
    let jwt = case.jwt()?;
    let complains = case.complaint == Some(Complaint::Issuer);
    let is = jwt.text("iss");
    let profile = &case.caller.profile.issuer;
    let not_the_profiles = is.is_some_and(|is| is != profile);
    if !complains && (case.complaint.is_some() || !not_the_profiles) {
        return None;
    }
    let is = is.unwrap_or("no issuer");
    let expected = words::expected(&case.refusal).filter(|expected| complains && expected != is);
    let headline =
        if complains { "The API trusts another provider" } else { "The API may trust another provider" };
    let slash = |other: &str| is.trim_end_matches('/') == other.trim_end_matches('/') && is != other;
    let cause = match &expected {
        Some(expected) if slash(expected) => {
            "The issuer of the token and the one that the API is set to differ by a slash at the end. They must be the \
             same to the letter: correct the API's setting."
        }
        Some(_) => {
            "The token was issued by another provider than the API is set to. Either the API's setting is wrong, or this \
             profile logs in at the wrong provider."
        }
        None if not_the_profiles => {
            "The token names another issuer than the provider that you logged in at: some providers have two names, such \
             as a version or a domain of your own. The API must be set to the one in the token, or the provider to issue \
             the other."
        }
        None => {
            "The token was issued by the provider that you logged in at, and the API is set to another one, or to another \
             spelling of it: a slash at the end counts."
        }
    };
    let explanation = Explanation::failed(headline, cause);
    let explanation = match &expected {
        Some(expected) => explanation.beside(("Issued by", is), ("The API wants", expected)),
        None if not_the_profiles => explanation.beside(("Issued by", is), ("You logged in at", profile)),
        None => explanation.evidence("Issued by", [(is, true)]),
    };
    let remedy = Remedy::Copy("issuer of the token", is.to_owned());
    Some(case.told(explanation).remedy(remedy).reference("RFC 7519, section 4.1.1"))
}

/// The API did not find the token's signature good.
fn signature(case: &Case) -> Option<Explanation> {
    let jwt = case.jwt()?;
    let header = |name: &str| jwt.header.get(name).and_then(serde_json::Value::as_str);
    let (headline, cause) = match case.complaint? {
        Complaint::Key => (
            "The API does not know the key that signed your token",
            "Either it trusts another provider, or it has kept keys that the provider has changed since. Restarting the API \
             makes it fetch them anew.",
        ),
        Complaint::Algorithm => (
            "The API does not take the way your token is signed",
            "The API is set to other signing algorithms than the provider uses for its tokens. Set both to the same one: \
             RS256 is understood everywhere.",
        ),
        Complaint::Signature => (
            "The API could not verify the signature of your token",
            "The token came from the provider just as it was sent. The API checks it with other keys: of another provider, \
             of a shared secret, or with ones that the provider has changed since. Check which provider it is set to.",
        ),
        _ => return None,
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("Signed with", [header("alg").unwrap_or("(no alg)")].map(|alg| (alg, true)))
        .evidence("Key", header("kid").map(|kid| (kid, false)))
        .evidence("Issued by", jwt.text("iss").map(|iss| (iss, false)));
    Some(case.told(explanation).reference("RFC 7515, section 5.2"))
}

fn revoked(case: &Case) -> Option<Explanation> {
    if case.complaint != Some(Complaint::Revoked) {
        return None;
    }
    let explanation = Explanation::failed(
        "Your token was withdrawn",
        "It has not expired, but the API says that it is no longer good: somebody logged you out or ended the session at \
         the provider. Log in again.",
    );
    Some(case.told(explanation).remedy(Remedy::LogIn).reference("RFC 7009; RFC 7662, section 2.2"))
}

/// The API says that no token came, and one was sent.
fn not_received(case: &Case) -> Option<Explanation> {
    let none_seen = case.complaint == Some(Complaint::Missing);
    if !none_seen {
        return None;
    }
    let explanation = Explanation::failed(
        "Your token did not reach the API",
        "It was sent in the Authorization header, and the API says that none came. Either something in between removed \
         the header, such as a proxy or a web server's setting; or the API looks for it elsewhere, as in a cookie or in a \
         header of its own.",
    )
    .evidence("You sent", [("Authorization: Bearer ••••", false)])
    .evidence("Answered by", case.header("server").or(case.header("via")).map(|by| (by, false)));
    Some(case.told(explanation).reference("RFC 6750, section 2.1"))
}

/// No rule found the cause: what can be ruled out is said, and what is left.
fn unknown(case: &Case) -> Explanation {
    let ruled_out = case.jwt().map(|jwt| ruled_out(jwt, case)).unwrap_or_default();
    let cause = match case.complaint {
        Some(Complaint::Form) if case.jwt().is_some() => {
            "The API says that it cannot read the token, though it is a well-formed JWT. Either the API expects another kind \
             of token, or something in between changed it."
        }
        _ if ruled_out.is_empty() => {
            "The token was sent, and has not expired by this computer's clock. The API does not say what is wrong: it \
             may expect another audience or issuer, or ask another provider about the token."
        }
        _ => {
            "The API does not say what is wrong. What can be seen from here is in order, so what is left is how the API is \
             set up: it may expect another audience or issuer, or not have the provider's keys."
        }
    };
    let explanation = Explanation::failed("The API did not accept your token", cause)
        .evidence("In order", (!ruled_out.is_empty()).then(|| (ruled_out.join(", "), false)))
        .evidence(
            "Token is for",
            case.jwt().iter().flat_map(|jwt| jwt.texts("aud")).map(|aud| (aud.to_owned(), false)),
        )
        .evidence("Issued by", case.jwt().and_then(|jwt| jwt.text("iss")).map(|iss| (iss.to_owned(), false)));
    case.told(explanation).remedy(Remedy::EditProfile).reference("RFC 6750, section 3.1")
}

/// What is found to be in order.
fn ruled_out(jwt: &Jwt, case: &Case) -> Vec<&'static str> {
    let profile = case.caller.profile;
    let asked = profile.audience.as_deref().or(profile.resource.as_deref());
    let (now, theirs) = (case.caller.now, case.caller.their_now());
    let is = |holds: Option<bool>, what| holds.filter(|holds| *holds).map(|_| what);
    [
        is(jwt.time("exp").map(|end| end > now && end > theirs), "it has not expired"),
        is(Some(clock(case.caller.clock_ahead).is_none()), "the clocks agree"),
        is(asked.map(|asked| jwt.texts("aud").contains(&asked)), "it is for the audience of this profile"),
        is(jwt.text("iss").map(|iss| iss == profile.issuer), "its issuer is this profile's"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
