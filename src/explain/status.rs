//! Every other answer that is not what was asked for: other statuses, redirects, and pages where data was expected.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use url::Url;

use super::call::Case;
use super::{Explanation, Remedy, at, span};
use crate::api::response::Response;
use crate::body::Kind;

/// The headers in which servers give a request a name, the most telling first.
const REQUEST_IDS: [&str; 13] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "apigw-requestid",
    "x-ms-request-id",
    "x-auth0-requestid",
    "x-okta-request-id",
    "x-trace-id",
    "traceparent",
    "x-cloud-trace-context",
    "cf-ray",
];

/// How much of a page is looked at, in bytes.
const PAGE: usize = 64 << 10;

/// The longest wait that a button counts down.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why the API did not do what it was asked, by the status.
pub(super) fn explain(case: &Case) -> Option<Explanation> {
    match case.response.status.as_u16() {
        200..300 => page(case),
        300..400 => None,
        429 => Some(too_many(case)),
        400 if plain_http_to_tls(case) => Some(https_wanted(case)),
        status @ 500.. => Some(server(case, status)),
        status => Some(client(case, status)),
    }
}

/// What is amiss with the request, by RFC 9110, section 15.5.
fn client(case: &Case, status: u16) -> Explanation {
    let request = &case.response.request;
    let method = request.method.as_str();
    let (headline, cause, reference) = match status {
        400 | 422 => (
            "The API does not understand the request",
            "Something in it is missing or wrong: a parameter, a header or the body. This is not about your login.",
            "RFC 9110, section 15.5.1",
        ),
        404 => return not_found(case),
        405 => return method_not_allowed(case),
        406 => (
            "The API cannot answer in the form that was asked for",
            "The request's Accept header names forms that the API does not have.",
            "RFC 9110, section 15.5.7",
        ),
        407 => (
            "A proxy wants to know who you are",
            "The call did not come to the API: the proxy of this network wants its own name and password first. They belong \
             into the system's proxy settings.",
            "RFC 9110, section 15.5.8",
        ),
        408 => (
            "The API did not get the whole request in time",
            "The connection was too slow, or something in between held the request back. Call again.",
            "RFC 9110, section 15.5.9",
        ),
        409 => (
            "The request does not fit the state that things are in",
            "Somebody changed or made the same thing meanwhile. Read it anew, then decide.",
            "RFC 9110, section 15.5.10",
        ),
        410 => (
            "It was here, and is gone for good",
            "The API says that this address will not come back. Its documentation may name another.",
            "RFC 9110, section 15.5.11",
        ),
        411 => (
            "The API wants to know the length of the body",
            "It takes no request without a Content-Length. Something in between may have removed it.",
            "RFC 9110, section 15.5.12",
        ),
        412 | 428 => (
            "A condition of the request does not hold",
            "The API changes this only if it is as you know it: read it first, and send its ETag in If-Match.",
            "RFC 9110, section 15.5.13; RFC 6585, section 3",
        ),
        413 => (
            "The body is too large for the API",
            "The API, or something in front of it, takes smaller requests only.",
            "RFC 9110, section 15.5.14",
        ),
        414 => (
            "The URL is too long for the API",
            "Put into the body what is in the query, if the API takes it there.",
            "RFC 9110, section 15.5.15",
        ),
        415 => return unsupported_type(case),
        421 => (
            "The call came to the wrong server",
            "The server that answered is not set up for this name, or takes it for an attempt to be reached under a foreign \
             one. Check host and port of the URL.",
            "RFC 9110, section 15.5.20",
        ),
        423 => (
            "What you want to change is locked",
            "Somebody else works on it. Try again later.",
            "RFC 4918, section 11.3",
        ),
        426 => (
            "The API wants another protocol",
            "It does not speak with this version of HTTP, or wants a WebSocket: then it is not called in this way.",
            "RFC 9110, section 15.5.22",
        ),
        431 => return headers_too_large(case),
        451 => (
            "The law forbids to show this here",
            "The server says that it may not show it, most often in your country. No login changes that.",
            "RFC 7725, section 3",
        ),
        _ => (
            "The API refused the request",
            "It says that the fault is in the request, not in itself. Its documentation says what this status means there.",
            "RFC 9110, section 15.5",
        ),
    };
    let explanation = Explanation::failed(headline, cause);
    let explanation = match status {
        406 => explanation
            .evidence("You asked for", case.sent("accept").map(|accept| (accept, true)))
            .remedy(case.sent("accept").map(|_| Remedy::UseHeader("Accept", "*/*".to_owned()))),
        407 => explanation.evidence("It wants", case.header("proxy-authenticate").map(|wants| (wants, true))),
        408 => explanation.remedy(Remedy::CallAgain),
        413 => explanation.evidence("You sent", [(format!("{} bytes", request.body.len()), true)]),
        414 => {
            explanation.evidence("Its length", [(format!("{} characters", request.url.as_str().len()), true)])
        }
        421 => explanation.evidence("You called", [(request.url.authority(), true)]),
        426 => explanation.evidence("It wants", case.header("upgrade").map(|wants| (wants, true))),
        451 => explanation.evidence("Blocked by", case.header("link").map(|link| (link, false))),
        400 | 422 => explanation.evidence("You sent", [(method, false)]),
        _ => explanation,
    };
    case.told(explanation).reference(reference)
}

fn not_found(case: &Case) -> Explanation {
    let (request, profile) = (&case.response.request, case.caller.profile);
    let (url, path) = (request.url.as_str(), request.url.path());
    let known = profile.requests.iter().map(|ready| profile.request_url(ready)).filter(|known| known != url);
    let nearest = known.map(|known| (strsim::levenshtein(&known, url), known)).min();
    let nearest = nearest.filter(|(distance, _)| *distance <= 3).map(|(_, known)| known);
    // The path of the profile's API stands in front of all of its addresses.
    let base = profile.api.as_ref().filter(|api| api.origin() == request.url.origin()).map(Url::path);
    let outside = base.filter(|base| !path.starts_with(base.trim_end_matches('/')));
    let inside = outside.and_then(|_| profile.url_of(path));
    let cause = match (&nearest, outside) {
        (Some(_), _) => {
            "The API knows no such address. One of this profile's requests is spelled almost like it."
        }
        (None, Some(_)) => "The API knows no such address. This profile's API begins with a longer path.",
        (None, None) if case.response.with_token => {
            "The API knows no such address. Check the path: capitals, a prefix such as /api or /v1, a slash at the end. Some \
             APIs answer so, too, where your token does not let you know that it exists."
        }
        (None, None) => {
            "The API knows no such address. Check the path: capitals, a prefix such as /api or /v1, a slash at the end. Some \
             APIs answer so, too, to those who are not logged in."
        }
    };
    let explanation = Explanation::failed("There is nothing at this address", cause);
    let explanation = match nearest.or(inside) {
        Some(meant) => {
            explanation.beside(("You called", url), ("It may be", &meant)).remedy(Remedy::UseUrl(meant))
        }
        None => explanation.evidence("You called", [(format!("{} {path}", request.method), true)]),
    };
    let explanation = explanation.evidence("Page", title(case.response).map(|title| (title, false)));
    case.told(explanation).reference("RFC 9110, section 15.5.5")
}

fn method_not_allowed(case: &Case) -> Explanation {
    let method = &case.response.request.method;
    let allowed: Vec<_> = case.header("allow").unwrap_or_default().split(',').map(str::trim).collect();
    let allowed: Vec<_> =
        allowed.into_iter().filter(|allowed| !allowed.is_empty() && *allowed != method.as_str()).collect();
    // What only asks about the address is no way to use it.
    let use_it = allowed.iter().find(|allowed| !matches!(**allowed, "HEAD" | "OPTIONS" | "TRACE"));
    let cause = match use_it {
        Some(_) => format!(
            "There is something at this address, and it does not take {method}. It says which methods it takes."
        ),
        None => format!(
            "There is something at this address, and it does not take {method}. It does not say which methods it takes: its \
             documentation will."
        ),
    };
    let explanation = Explanation::failed(format!("This address takes no {method}"), cause)
        .evidence("You used", [(method, true)])
        .evidence("It takes", allowed.iter().map(|allowed| (allowed, false)))
        .remedy(use_it.map(|method| Remedy::UseMethod((*method).to_owned())));
    case.told(explanation).reference("RFC 9110, section 15.5.6")
}

fn unsupported_type(case: &Case) -> Explanation {
    let sent = case.sent("content-type");
    let json = serde_json::from_slice::<serde_json::Value>(&case.response.request.body)
        .is_ok_and(|value| value.is_object() || value.is_array());
    let accepted = case.header("accept-post").or(case.header("accept-patch")).or(case.header("accept"));
    let cause = match sent {
        None => "The request does not say what its body is: its Content-Type is missing.",
        Some(_) => "The API does not take bodies of the kind that the request's Content-Type names.",
    };
    let meant = accepted.and_then(|accepted| accepted.split(',').next()).map(|first| first.trim().to_owned());
    let meant = meant.or_else(|| json.then(|| "application/json".to_owned()));
    let meant =
        meant.filter(|meant| sent != Some(meant.as_str()) && !meant.contains(['*', '\n', '\u{fffd}']));
    let explanation = Explanation::failed("The API does not take this kind of body", cause)
        .evidence("You sent", [(sent.unwrap_or("no Content-Type"), true)])
        .evidence("It takes", accepted.map(|accepted| (accepted, false)))
        .evidence("It looks like", json.then_some(("JSON", false)))
        .remedy(meant.map(|meant| Remedy::UseHeader("Content-Type", meant)));
    case.told(explanation).reference("RFC 9110, section 15.5.16")
}

fn headers_too_large(case: &Case) -> Explanation {
    let token = case.caller.session.filter(|_| case.response.with_token);
    let token = token.map_or(0, |session| session.access_token.expose().len());
    let cause = if token > 4000 {
        "Your token is long, and the server takes smaller headers only. Have fewer roles, groups or claims put into the token, \
         or the server's limit raised."
    } else {
        "The server takes smaller headers only. Look at the headers of your own; your token is not long."
    };
    let explanation = Explanation::failed("The request's headers are too large", cause)
        .evidence("Your token", (token > 0).then(|| (format!("{token} bytes"), token > 4000)));
    case.told(explanation).reference("RFC 6585, section 5")
}

fn too_many(case: &Case) -> Explanation {
    let wait = wait(case);
    let until = wait.and_then(|wait| case.caller.now.checked_add(wait).ok());
    let cause = match wait {
        Some(wait) => format!("It was called too often in a short time. It says to call again in {}.", span(wait)),
        None => "It was called too often in a short time, and does not say for how long to wait. Your login is fine.".to_owned(),
    };
    let limit = ["x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit", "ratelimit-policy"];
    let limit = limit.iter().find_map(|name| case.header(name));
    let explanation = Explanation::refused("The API wants to be left alone for a while", cause)
        .evidence("Not before", until.map(|until| (at(until), true)))
        .evidence("Its limit", limit.map(|limit| (limit, false)));
    let soon = wait.is_some_and(|wait| wait <= LONGEST_WAIT);
    let remedy = until.filter(|_| soon).map(Remedy::CallAgainAt);
    let remedy = if wait.is_none() { Some(Remedy::CallAgain) } else { remedy };
    case.told(explanation).remedy(remedy).reference("RFC 6585, section 4")
}

/// How long the API says to wait: `Retry-After`, or when a limit starts anew, in seconds or as a time.
fn wait(case: &Case) -> Option<Duration> {
    let theirs = case.header("date").and_then(time).unwrap_or(case.caller.their_now());
    let until = |then: Timestamp| Duration::try_from(then.duration_since(theirs)).unwrap_or_default();
    if let Some(after) = case.header("retry-after") {
        return seconds(after).or_else(|| time(after).map(until));
    }
    // `RateLimit: "default";r=0;t=30` is the newer form.
    let newer = case.header("ratelimit").and_then(|limit| {
        limit
            .split([';', ','])
            .find_map(|part| seconds(part.trim().strip_prefix("t=").or(part.trim().strip_prefix("reset="))?))
    });
    let names = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-ratelimit-reset-requests"];
    newer.or_else(|| {
        let reset = names.iter().find_map(|name| case.header(name))?;
        // A large number is a point in time, since 1970, in seconds or thousandths.
        match reset.parse::<i64>() {
            Ok(since) if since >= 1_000_000_000_000 => Some(until(Timestamp::from_millisecond(since).ok()?)),
            Ok(since) if since >= 1_000_000_000 => Some(until(Timestamp::from_second(since).ok()?)),
            Ok(_) => seconds(reset),
            Err(_) => time(reset).or_else(|| reset.parse().ok()).map(until),
        }
    })
}

/// A count of seconds of at most a year, rounded up.
fn seconds(text: &str) -> Option<Duration> {
    const YEAR: f64 = 366.0 * 86_400.0;
    let seconds = text.trim().trim_end_matches('s').parse::<f64>().ok()?;
    let within = (0.0..=YEAR).contains(&seconds);
    within.then(|| Duration::from_secs_f64(seconds.ceil()))
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7).
pub(super) fn time(text: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// The API failed, or something in front of it did.
fn server(case: &Case, status: u16) -> Explanation {
    let (headline, cause, reference) = match status {
        501 => (
            "The API cannot do this",
            "The server does not know the method at all.",
            "RFC 9110, section 15.6.2",
        ),
        502 => (
            "The API behind the gateway did not answer well",
            "Something in front of the API answered: it reached the API, or tried to, and got nothing that it could pass on. \
             The API may be down or starting. Your login is fine.",
            "RFC 9110, section 15.6.3",
        ),
        503 => (
            "The API is out of service just now",
            "It is overloaded, or down for maintenance. Your login is fine.",
            "RFC 9110, section 15.6.4",
        ),
        504 => (
            "The API behind the gateway did not answer in time",
            "Something in front of the API answered: it waited for the API, and gave up. The API is slow or down. Your login is \
             fine. What was asked may still have been done.",
            "RFC 9110, section 15.6.5",
        ),
        507 => (
            "The API has no room left",
            "Its storage is full. Its operator must act.",
            "RFC 4918, section 11.5",
        ),
        511 => (
            "This network wants you to log in to it first",
            "The call did not come to the API: a network such as a hotel's answered. Open any page in your browser, and log in \
             there.",
            "RFC 6585, section 6",
        ),
        520..=530 => (
            "The API cannot be reached from what stands in front of it",
            "A service in front of the API (such as Cloudflare) answered in its place: it has no good connection to the API. \
             Your login is fine.",
            "RFC 9110, section 15.6",
        ),
        _ => (
            "The API failed",
            "Something went wrong inside the API, not with your login or your token. Its operator can find it by the time, and \
             by the request id where there is one.",
            "RFC 9110, section 15.6.1",
        ),
    };
    let wait = case.header("retry-after").and_then(|_| wait(case));
    let cause = match wait {
        Some(wait) => format!("{cause} It says to call again in {}.", span(wait)),
        None => cause.to_owned(),
    };
    let explanation = Explanation::failed(headline, cause)
        .evidence("Called at", [(at(case.caller.now), false)])
        .evidence("Answered by", case.header("server").or(case.header("via")).map(|by| (by, false)))
        .evidence("Page", title(case.response).map(|title| (title, false)));
    let (explanation, id) = request_id(explanation, case);
    let again =
        wait.filter(|wait| *wait <= LONGEST_WAIT).and_then(|wait| case.caller.now.checked_add(wait).ok());
    let passes = matches!(status, 502..=504 | 520..=530).then_some(Remedy::CallAgain);
    let remedy = again.map(Remedy::CallAgainAt).or(id).or(passes);
    case.told(explanation).remedy(remedy).reference(reference)
}

/// Adds the name that the server gave the request, and the way to copy it.
pub(super) fn request_id(explanation: Explanation, case: &Case) -> (Explanation, Option<Remedy>) {
    let id = REQUEST_IDS.iter().find_map(|name| Some((*name, case.header(name)?)));
    let Some((name, id)) = id else { return (explanation, None) };
    let text = format!("{name}: {id}, {}", at(case.caller.now));
    (explanation.evidence("Request id", [(id, false)]), Some(Remedy::Copy("request id", text)))
}

/// What servers say to plain HTTP on a TLS port.
fn plain_http_to_tls(case: &Case) -> bool {
    const SAID: [&str; 4] = [
        "plain http request was sent to https port",
        "http request to an https server",
        "combination of host and port requires tls",
        "speaking plain http to an ssl-enabled server port",
    ];
    let text = beginning(case.response).to_lowercase();
    case.response.request.url.scheme() == "http" && SAID.iter().any(|said| text.contains(said))
}

fn https_wanted(case: &Case) -> Explanation {
    let meant = with_scheme(&case.response.request.url, "https");
    Explanation::failed(
        "This address wants https",
        "The call went over plain http to a port that speaks TLS. The server says so.",
    )
    .evidence(
        "It said",
        title(case.response)
            .or_else(|| beginning(case.response).lines().next().map(str::to_owned))
            .map(|said| (said, false)),
    )
    .evidence("Meant", meant.iter().map(|meant| (meant, false)))
    .remedy(meant.map(Remedy::UseUrl))
    .reference("RFC 9110, section 4.2.2")
}

/// The same URL with another scheme, and with its port where it names one.
pub(super) fn with_scheme(url: &Url, scheme: &str) -> Option<String> {
    let rest = url.as_str().split_once("://")?.1;
    Url::parse(&format!("{scheme}://{rest}")).ok().map(String::from)
}

/// The API redirects to another origin, where the token is not sent.
pub(super) fn elsewhere(case: &Case) -> Option<Explanation> {
    let (from, to) = (&case.response.request.url, case.response.elsewhere.as_ref()?);
    let upgraded = from.scheme() == "http" && to.scheme() == "https" && from.host_str() == to.host_str();
    let path = to.path().to_lowercase();
    let login = ["login", "signin", "sign-in", "authorize", "/auth", "saml", "sso"]
        .iter()
        .any(|sign| path.contains(sign))
        || to.query_pairs().any(|(name, _)| matches!(&*name, "client_id" | "redirect_uri" | "SAMLRequest"));
    let (headline, cause) = if upgraded {
        (
            "The API wants https",
            "It sends plain http calls on to https. Use that address from the start, so that your token never travels readable.",
        )
    } else if login {
        (
            "The API sends you to a login page",
            "It takes the call for a browser's, and wants a login of its own: it did not look at the token, or is a web site and \
             no API. Hallpass did not follow, and your token was not sent on.",
        )
    } else {
        (
            "The API redirects to another place",
            "Hallpass did not follow: your token is for the API that you called, and was not sent on.",
        )
    };
    let web = matches!(to.scheme(), "http" | "https");
    Some(
        Explanation::failed(headline, cause)
            .evidence("From", [(from.origin().ascii_serialization(), false)])
            .evidence(
                "To",
                [(if web { to.origin().ascii_serialization() } else { to.scheme().to_owned() + ":" }, true)],
            )
            .remedy(web.then(|| Remedy::UseUrl(to.to_string())).filter(|_| !login || upgraded))
            .reference("RFC 9110, section 15.4; RFC 6750, section 5.3"),
    )
}

/// A success that is a page, where an API would answer with data.
fn page(case: &Case) -> Option<Explanation> {
    let wants_html = case.sent("accept").is_some_and(|accept| accept.contains("html"));
    if wants_html || !is_html(case.response) {
        return None;
    }
    let text = beginning(case.response).to_lowercase();
    let title_says = title(case.response).map(|title| title.to_lowercase()).unwrap_or_default();
    let login = text.contains("type=\"password\"")
        || text.contains("type='password'")
        || ["log in", "login", "sign in", "anmelden"].iter().any(|sign| title_says.contains(sign));
    let app = ["id=\"root\"", "id=\"app\"", "<app-root", "id=\"__next\"", "enable javascript", "ng-version"]
        .iter()
        .any(|sign| text.contains(sign));
    let (headline, cause) = if login {
        (
            "A login page answered, not the API",
            "The status says that all is well, and what came is a page that asks for a login. The server takes the call for a \
             browser's: it did not look at the token, or this is the address of a web site.",
        )
    } else if app {
        (
            "A web app answered, not the API",
            "What came is the start page of a web app, which many servers send for every path that they do not know. Check the \
             path, and whether the API has another host or port.",
        )
    } else {
        ("A web page answered, not an API", "What came is a page for people, not data. Check the URL.")
    };
    Some(
        Explanation::refused(headline, cause)
            .evidence("Page", title(case.response).map(|title| (title, false)))
            .evidence("It is", [(case.response.content_type.as_deref().unwrap_or("of no named type"), true)])
            .reference("RFC 9110, section 12.5.1"),
    )
}

/// Whether the body is a web page.
pub(super) fn is_html(response: &Response) -> bool {
    let named = response.content_type.as_deref().is_some_and(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind == "text/html" || kind == "application/xhtml+xml"
    });
    let start = beginning(response).trim_start().get(..15).unwrap_or_default().to_ascii_lowercase();
    (response.progress.kind == Kind::Text || response.progress.flaw.is_some())
        && (named || start.starts_with("<!doctype html") || start.starts_with("<html"))
}

/// The title of the page that came.
pub(super) fn title(response: &Response) -> Option<String> {
    if !is_html(response) {
        return None;
    }
    let text = beginning(response);
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let title =
        text[start..start + lower[start..].find('<')?].split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

fn beginning(response: &Response) -> &str {
    let text = response.beginning.expose();
    &text[..text.floor_char_boundary(PAGE)]
}
