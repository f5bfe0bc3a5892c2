//! 403: why the API does not let the token do this (RFC 6750, section 3.1; RFC 9110, section 15.5.4).

use serde_json::Value;

use super::call::Case;
use super::unauthorized::{self, needs, wanted};
use super::words::Complaint;
use super::{Explanation, Remedy, status};
use crate::auth::jwt::Jwt;
use crate::auth::session::StepUp;

/// The most roles that are listed.
const MOST: usize = 30;

/// The rules, from what is certain to what can only be narrowed down.
const RULES: [fn(&Case) -> Option<Explanation>; 8] = [
    no_such_route,
    wants_a_form,
    token_is_wrong,
    lacks_scopes,
    stopped_before,
    without_token,
    lacks_roles,
    scope_is_there,
];

/// Why the API answered 403.
pub(super) fn explain(case: &Case) -> Explanation {
    RULES.iter().find_map(|rule| rule(case)).unwrap_or_else(|| {
        let explanation = Explanation::failed(
            "The API knows you, and refuses this",
            "The token was accepted, but does not permit this request.",
        );
        let roles = case.jwt().map(roles).unwrap_or_default();
        let explanation = explanation.evidence("Your roles", roles.into_iter().map(|role| (role, false)));
        case.told(explanation).reference("RFC 9110, section 15.5.4")
    })
}

/// AWS's gateway answers so where nothing is deployed at the path.
fn no_such_route(case: &Case) -> Option<Explanation> {
    let kind = case.header("x-amzn-errortype")?;
    if !kind.starts_with("MissingAuthenticationToken") {
        return None;
    }
    let explanation = Explanation::failed(
        "There is nothing at this address",
        "The gateway in front of the API answers so where no such path, or no such method, is deployed: it is not about \
         your token. Check the path, its first part (the stage) included.",
    )
    .evidence("Path", [(case.response.request.url.path(), true)])
    .evidence("It answered", [(kind, false)]);
    Some(case.told(explanation))
}

/// Some APIs say with 403 what others say with 401.
fn token_is_wrong(case: &Case) -> Option<Explanation> {
    let invalid = case.refusal.error.as_deref() == Some("invalid_token");
    let about_it = case.complaint.is_some_and(|complaint| {
        invalid || !matches!(complaint, Complaint::Revoked | Complaint::Form | Complaint::Missing)
    });
    let none = case.complaint == Some(Complaint::Missing) && !case.response.with_token;
    (invalid || none || about_it && case.refusal.scopes.is_empty()).then(|| unauthorized::explain(case))
}

/// The API names scopes, and not all of them were granted.
fn lacks_scopes(case: &Case) -> Option<Explanation> {
    let session = case.caller.session?;
    let (refusal, now) = (&case.refusal, case.caller.their_now());
    let wanted = wanted(refusal, &session.granted);
    if wanted.scopes.is_empty() || !case.response.with_token {
        return None;
    }
    let asked = session.has_asked_for(&wanted, now);
    // What the token holds as a permission or a role, the provider did grant, and the API does not see as a scope.
    let elsewhere: Vec<_> = case.jwt().map(roles).unwrap_or_default();
    let elsewhere = wanted.scopes.iter().all(|scope| elsewhere.contains(scope));
    let cause = match (asked, elsewhere) {
        (_, true) => {
            "The token has it as a permission or a role, and not as a scope, and the API looks at the scopes. Set the API to \
             read the other claim, or ask for the scope at login."
        }
        (true, false) => {
            "You asked for it when you logged in, and the provider did not grant it: this account may not have it. \
             Log in as somebody who may, or have the permission added."
        }
        (false, false) => {
            "It was not asked for when you logged in. Log in again, and it will be; the provider decides whether it is \
             granted. To ask for it each time, add it to the profile's scopes."
        }
    };
    let headline = match wanted.scopes.as_slice() {
        [scope] => format!("Your token lacks the scope {scope}"),
        _ => "Your token lacks scopes that the API needs".to_owned(),
    };
    let remedy = if asked {
        // As somebody else; but not where a plain login would ask for less, and lead here again.
        (session.step_up == StepUp::default()).then_some(Remedy::LogIn)
    } else {
        Some(Remedy::LogInAsking(wanted.and(&session.step_up)))
    };
    let roles = case.jwt().filter(|_| elsewhere).map(roles).unwrap_or_default();
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", needs(refusal, Some(session), now))
        .evidence("You have", session.granted.iter().map(|scope| (scope, false)))
        .evidence("As permissions", roles.into_iter().map(|role| (role, false)))
        .says("In words", refusal.description.as_deref());
    Some(explanation.remedy(remedy).reference("RFC 6750, section 3.1"))
}

/// A protection of web forms stands in the way.
fn wants_a_form(case: &Case) -> Option<Explanation> {
    let words = case.words();
    if !["csrf", "xsrf", "anti-forgery", "antiforgery"].iter().any(|sign| words.contains(sign)) {
        return None;
    }
    let explanation = Explanation::failed(
        "The API takes this for a form of a web page",
        "It wants the secret of a form (a CSRF token), which only its own pages have. An API that is called with a token \
         needs no such protection: switch it off there for requests with a token.",
    );
    Some(case.told(explanation))
}

/// A page, where an API would answer with data: something in front of it said no.
fn stopped_before(case: &Case) -> Option<Explanation> {
    if !status::is_html(case.response) {
        return None;
    }
    let explanation = Explanation::failed(
        "Something in front of the API refused this",
        "The answer is a web page, not an API's: a firewall, a proxy or a web server stopped the call before it came to the \
         API. It may not let in your network, this path, or programs that are no browsers. Your token may be fine.",
    )
    .evidence("Page", status::title(case.response).map(|title| (title, false)))
    .evidence("Answered by", case.header("server").map(|server| (server, true)));
    let (explanation, id) = status::request_id(explanation, case);
    Some(explanation.remedy(id).reference("RFC 9110, section 15.5.4"))
}

fn without_token(case: &Case) -> Option<Explanation> {
    if case.response.with_token {
        return None;
    }
    let (cause, remedy) = match (case.sent("authorization"), case.caller.session) {
        (Some(_), _) => (
            "The request has an Authorization header of your own, so the token was not sent. Remove it to call with the token.",
            None,
        ),
        (None, None) => ("This call went without a token. Log in, then call again.", Some(Remedy::LogIn)),
        (None, Some(_)) => {
            ("This call went without your token, as you chose. Call again with it.", Some(Remedy::CallAgain))
        }
    };
    let explanation = Explanation::failed("The API refuses this to strangers", cause);
    Some(case.told(explanation).remedy(remedy).reference("RFC 9110, section 15.5.4"))
}

/// The API speaks of roles, groups or permissions.
fn lacks_roles(case: &Case) -> Option<Explanation> {
    let words = case.words();
    let wants = &case.refusal.permissions;
    let speaks =
        ["role", "group", "permission", "privilege", "authorit"].iter().any(|sign| words.contains(sign));
    if wants.is_empty() && !speaks {
        return None;
    }
    let has = case.jwt().map(roles).unwrap_or_default();
    let named = has.iter().filter(|role| role.len() > 2 && words.contains(&role.to_lowercase()));
    let there: Vec<_> = named.chain(wants.iter().filter(|role| has.contains(role))).cloned().collect();
    let all_there =
        if wants.is_empty() { !there.is_empty() } else { wants.iter().all(|role| has.contains(role)) };
    let cause = match (all_there, has.is_empty()) {
        (true, _) => {
            "The token has what the API names, so the API may read it from another claim than the one it is in, or want more \
             than it says."
        }
        (false, true) => {
            "The token was accepted, and holds no role or permission. Either none is given to this account, or the provider \
             is not set to put them into the token. A new one counts from the next login or renewal on."
        }
        (false, false) => {
            "The token was accepted, and its roles or permissions do not allow this. Whoever manages the API can give them to \
             this account; they count from the next login or renewal on."
        }
    };
    let explanation = Explanation::failed("Your account lacks a role or permission", cause)
        .evidence("The API needs", wants.iter().map(|role| (role, !has.contains(role))))
        .evidence(
            "You have",
            if has.is_empty() { vec!["none in the token".to_owned()] } else { has.clone() }
                .into_iter()
                .map(|role| (role, false)),
        )
        .evidence("The API said", case.refusal.error.iter().map(|error| (error, true)))
        .evidence("In words", case.refusal.description.iter().map(|text| (text, false)));
    Some(explanation.remedy(Remedy::LogIn).reference("RFC 9068, section 2.2.3.1"))
}

/// The API says that a scope is missing, and it is there, or the API does not say which.
fn scope_is_there(case: &Case) -> Option<Explanation> {
    let words = case.words();
    let insufficient = words.contains("insufficient_scope") || words.contains("scope");
    if !insufficient {
        return None;
    }
    let session = case.caller.session?;
    let in_token: Vec<String> =
        case.jwt().map(|jwt| jwt.scopes()).unwrap_or_default().iter().map(|&s| s.to_owned()).collect();
    let has = if case.jwt().is_some() { &in_token } else { &session.granted };
    let (headline, cause) = if case.refusal.scopes.is_empty() {
        (
            "Your token lacks a scope that the API does not name",
            "The API's documentation says which one this request needs. Add it to the profile's scopes, and log in again.",
        )
    } else if case.refusal.scopes.iter().all(|scope| has.contains(scope)) {
        (
            "The API misses a scope that your token has",
            "The provider granted it, and it is in the token. So the API reads the scopes from another claim, or wants more \
             than it says.",
        )
    } else {
        (
            "The API misses a scope that was granted",
            "The provider said at login that it is granted, and the token itself does not hold it: the provider is not set to \
             put the API's scopes into its tokens, or grants them for another API.",
        )
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("The API needs", case.refusal.scopes.iter().map(|scope| (scope, !has.contains(scope))))
        .evidence("In the token", has.iter().map(|scope| (scope, false)))
        .says("In words", case.refusal.description.as_deref());
    Some(explanation.remedy(Remedy::EditProfile).reference("RFC 6750, section 3.1"))
}

/// The permissions, roles and groups that a token holds, under the names that providers give them.
fn roles(jwt: &Jwt) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
        several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut roles = Vec::new();
    for (name, value) in &jwt.claims {
        // Claims of one's own are named by a URI at some providers: https://example.com/roles.
        let last = name.rsplit(['/', ':']).next().unwrap_or(name);
        match last {
            "permissions" | "roles" | "groups" | "role" | "authorities" => {
                roles.extend(texts(value));
                roles.extend(value.as_str().map(str::to_owned));
            }
            "realm_access" => roles.extend(texts(&value["roles"])),
            "resource_access" => {
                let clients = value.as_object().into_iter().flatten();
                roles.extend(clients.flat_map(|(_, client)| texts(&client["roles"])));
            }
            _ => {}
        }
    }
    roles.truncate(MOST);
    roles
}
