//! The rules for every setting: one function each, from what was typed to what is meant.

use std::net::IpAddr;

use url::{Host, Url};

use super::DEMO;
use super::problem::{closest, is_visible, shown};

/// What is wrong with a value, and what to do.
pub(super) struct Mistake {
    pub value: String,
    pub what: String,
    pub fix: String,
}

type Checked<T> = Result<T, Mistake>;

fn mistake<T>(value: &str, what: impl Into<String>, fix: impl Into<String>) -> Checked<T> {
    Err(Mistake { value: value.to_owned(), what: what.into(), fix: fix.into() })
}

/// The parameters that the flow itself sets, each with where its value comes from.
const OWNED_BY_THE_FLOW: [(&str, &str); 11] = [
    ("client_id", "set `client_id` of the profile"),
    ("redirect_uri", "set `redirect_ports` and `redirect_path`"),
    ("response_type", "remove it; it is always `code`"),
    ("response_mode", "remove it; the provider's default is used"),
    ("scope", "set `scopes` of the profile"),
    ("state", "remove it; it is made anew for each login"),
    ("nonce", "remove it; it is made anew for each login"),
    ("code_challenge", "remove it; it is made anew for each login"),
    ("code_challenge_method", "remove it; it is always `S256`"),
    ("audience", "set `audience` of the profile"),
    ("resource", "set `resource` of the profile"),
];

const MOST_PORTS: usize = 10;
const LONGEST_NAME: usize = 60;

pub(super) fn profile_name(text: &str) -> Checked<String> {
    let name = name(text, "a profile", "My Auth0")?;
    if name.eq_ignore_ascii_case(DEMO) {
        return mistake(
            &name,
            format!("`{DEMO}` is the name of the built-in profile."),
            "choose another name.",
        );
    }
    Ok(name)
}

pub(super) fn request_name(text: &str) -> Checked<String> {
    name(text, "a request", "Private")
}

fn name(text: &str, of: &str, example: &str) -> Checked<String> {
    let name = text.trim();
    if name.is_empty() {
        return mistake(
            "",
            format!("The name of {of} is missing."),
            format!("give it one, such as `{example}`."),
        );
    }
    if !is_visible(name) || name.chars().count() > LONGEST_NAME {
        return mistake(
            name,
            format!("The name is longer than {LONGEST_NAME} characters, or has some that cannot be seen."),
            "use a short name of visible characters.",
        );
    }
    Ok(name.to_owned())
}

pub(super) fn request_name_twice(name: &str) -> Mistake {
    Mistake {
        value: name.to_owned(),
        what: format!("Another request of this profile is called `{name}`."),
        fix: "give each request a name of its own.".into(),
    }
}

/// Completes what a person left out, checks it, and otherwise keeps it byte for byte.
pub(super) fn issuer(text: &str) -> Checked<String> {
    const EXAMPLE: &str = "https://TENANT.eu.auth0.com/";
    let typed = text.trim();
    if typed.is_empty() {
        return mistake(
            "",
            "The issuer is missing.",
            format!("use the provider's address, such as `{EXAMPLE}`."),
        );
    }
    if typed.split(['/', '.', ':', '?', '#']).any(is_placeholder) {
        return mistake(
            typed,
            "The issuer is still a placeholder.",
            "put your own provider's address in its place; the provider's console shows it.",
        );
    }
    let mut issuer = with_scheme(typed);
    let url = web_address(&issuer, "The issuer", EXAMPLE)?;
    if let Some((before, _)) = issuer.split_once("/.well-known/") {
        let slash = if is_auth0(&url) { "/" } else { "" };
        return mistake(
            typed,
            "This is the address of the provider's metadata, not the issuer.",
            format!("use what comes before it: `{before}{slash}`."),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        let end = issuer.find(['?', '#']).unwrap_or(issuer.len());
        return mistake(
            typed,
            "An issuer has no query and no fragment (OpenID Connect Discovery, section 3).",
            format!("use `{}`.", &issuer[..end]),
        );
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return mistake(
            typed,
            "An issuer off this computer must be encrypted: over http anyone on the way could take the login.",
            format!("use `https{}`.", &issuer["http".len()..]),
        );
    }
    if is_auth0(&url) && url.path() == "/" && !issuer.ends_with('/') {
        issuer.push('/');
    }
    Ok(issuer)
}

pub(super) fn client_id(text: &str) -> Checked<String> {
    let id = text.trim();
    if id.is_empty() {
        return mistake(
            "",
            "The client id is missing.",
            "use the id of your application, of type Native, from the provider's console.",
        );
    }
    if is_placeholder(id) {
        return mistake(
            id,
            "The client id is still a placeholder.",
            "put the id of your application in its place; the provider's console shows it.",
        );
    }
    // RFC 6749 appendix A.1 allows spaces, but no provider issues them: they come from copying too much.
    if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return mistake(
            id,
            "A client id has visible ASCII characters only, and no spaces.",
            "copy it again from the provider's console.",
        );
    }
    Ok(id.to_owned())
}

pub(super) fn audience(text: &str) -> Checked<Option<String>> {
    let audience = text.trim();
    if !is_visible(audience) {
        return mistake(
            audience,
            "The audience has characters that cannot be seen.",
            "copy the API's identifier again from the provider's console.",
        );
    }
    Ok((!audience.is_empty()).then(|| audience.to_owned()))
}

/// RFC 8707 section 2: an absolute URI without a fragment.
pub(super) fn resource(text: &str) -> Checked<Option<String>> {
    let resource = text.trim();
    if resource.is_empty() {
        return Ok(None);
    }
    match Url::parse(resource) {
        Ok(url) if url.fragment().is_none() && is_visible(resource) => Ok(Some(resource.to_owned())),
        _ => mistake(
            resource,
            "A resource is a whole URI without a fragment (RFC 8707, section 2).",
            "use the API's URI, such as `https://api.example.com`; an identifier that is none goes into `audience`.",
        ),
    }
}

/// RFC 6749 section 3.3, and `openid` (OIDC Core section 3.1.2.1).
pub(super) fn scopes(text: &str) -> Checked<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_whitespace() {
        if !scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            return mistake(
                scope,
                format!("`{}` is not a scope (RFC 6749, section 3.3).", shown(scope)),
                "use visible ASCII characters without quotes or backslashes.",
            );
        }
        if !scopes.iter().any(|other| other == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.iter().any(|scope| scope == "openid") {
        return Ok(scopes);
    }
    let fix = if text.contains(',') {
        "separate the scopes with spaces, and have `openid` among them.".to_owned()
    } else {
        format!("add it: `{}`.", ["openid", text.trim()].join(" ").trim())
    };
    mistake(text, "The scope `openid` is missing: without it the provider does not say who logged in.", fix)
}

pub(super) fn api(text: &str) -> Checked<Option<Url>> {
    let typed = text.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let url = web_address(typed, "The API's address", "http://localhost:3010")?;
    if url.query().is_some() || url.fragment().is_some() {
        let end = typed.find(['?', '#']).unwrap_or(typed.len());
        return mistake(
            typed,
            "The API's address is what all of its URLs begin with, so it has no query and no fragment.",
            format!("use `{}`, and put the rest into a request.", &typed[..end]),
        );
    }
    Ok(Some(url))
}

pub(super) fn redirect_ports(text: &str) -> Checked<Vec<u16>> {
    const FIX: &str = "use ports from 1024 to 65535, such as 8710, or 0 for any free one.";
    let mut ports: Vec<u16> = Vec::new();
    for typed in text.split([',', ' ', '\t', '\n']).filter(|typed| !typed.is_empty()) {
        let Ok(port) = typed.parse::<u16>() else {
            return mistake(typed, format!("`{}` is not a port.", shown(typed)), FIX);
        };
        if (1..1024).contains(&port) {
            return mistake(
                typed,
                format!("Port {port} is reserved for the system, as all below 1024 are."),
                FIX,
            );
        }
        if ports.contains(&port) {
            return mistake(typed, format!("Port {port} is there twice."), "name each port once.");
        }
        ports.push(port);
    }
    match ports.len() {
        0 => mistake(text, "There is no port for the redirect.", FIX),
        1..=MOST_PORTS => Ok(ports),
        count => mistake(
            text,
            format!("There are {count} ports; each has to be registered at the provider."),
            format!("use {MOST_PORTS} at most."),
        ),
    }
}

pub(super) fn redirect_path(text: &str) -> Checked<String> {
    let path = text.trim();
    // The provider compares the path as a string, so it must be one that a browser does not rewrite.
    let unchanged = Url::parse(&format!("http://127.0.0.1{path}"))
        .is_ok_and(|url| path.starts_with('/') && url.as_str() == format!("http://127.0.0.1{path}"));
    if !unchanged || path.contains(['?', '#']) {
        return mistake(
            path,
            "The redirect path begins with `/`, and has no query, no fragment and nothing to be encoded.",
            "use a path such as `/callback`.",
        );
    }
    Ok(path.to_owned())
}

pub(super) fn authorize_params(params: Vec<(String, String)>) -> Checked<Vec<(String, String)>> {
    for (index, (key, _)) in params.iter().enumerate() {
        if key == "client_secret" {
            let Mistake { what, fix, .. } = client_secret();
            return mistake(key, what, fix);
        }
        if let Some((_, source)) = OWNED_BY_THE_FLOW.iter().find(|(owned, _)| owned == key) {
            return mistake(key, format!("Hallpass sets `{key}` itself."), format!("{source}."));
        }
        if key.is_empty() || key.contains(char::is_whitespace) || !is_visible(key) {
            return mistake(key, "A parameter has no readable name.", "write it as `prompt=consent`.");
        }
        if params[..index].iter().any(|(other, _)| other == key) {
            return mistake(
                key,
                format!("`{key}` is there twice."),
                "send each parameter once (RFC 6749, section 3.1).",
            );
        }
    }
    Ok(params)
}

/// Why a secret has no place here (RFC 8252 section 8.5). Its value is never repeated.
pub(super) fn client_secret() -> Mistake {
    Mistake {
        value: "(not shown)".into(),
        what: "A native app cannot keep a secret, so it must not have one (RFC 8252, section 8.5): \
               PKCE protects the login instead."
            .into(),
        fix: "remove it here, and set the application's type to Native (a public client) at the provider."
            .into(),
    }
}

pub(super) fn method(text: &str) -> Checked<String> {
    const USUAL: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method = text.trim();
    let upper = method.to_uppercase();
    if method != upper && USUAL.contains(&upper.as_str()) {
        return mistake(
            method,
            "Methods are case-sensitive (RFC 9110, section 9.1).",
            format!("use `{upper}`."),
        );
    }
    if !is_token(method) {
        let fix = closest(method, USUAL).unwrap_or("GET");
        return mistake(method, "This is not an HTTP method.", format!("use one such as `{fix}`."));
    }
    Ok(method.to_owned())
}

pub(super) fn request_url(text: &str, api_is_set: bool) -> Checked<String> {
    let url = text.trim();
    if url.is_empty() {
        return mistake(
            "",
            "The URL of the request is missing.",
            "use a path of the API, such as `/api/private`.",
        );
    }
    if url.starts_with('/') {
        if !api_is_set {
            return mistake(
                url,
                "This path continues the API's address, and the profile has none.",
                format!(
                    "set `api`, such as `http://localhost:3010`, or use a whole URL: `http://localhost:3010{url}`."
                ),
            );
        }
        if url.contains(char::is_whitespace) || !is_visible(url) {
            return mistake(
                url,
                "The URL has spaces or characters that cannot be seen.",
                "encode a space as `%20`.",
            );
        }
        return Ok(url.to_owned());
    }
    let first = url.split('/').next().unwrap_or_default();
    if !url.contains("://") && !first.contains(['.', ':']) && first != "localhost" {
        return mistake(url, "A path begins with `/`.", format!("use `/{url}`."));
    }
    web_address(url, "The URL of the request", "/api/private")?;
    Ok(url.to_owned())
}

/// `Name: value` lines. A value is never repeated in a mistake: it may be a key.
pub(super) fn headers(text: &str) -> Checked<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (name, value) = (name.trim(), value.trim());
        if !line.contains(':') || !is_token(name) {
            let shown = name.split_whitespace().next().unwrap_or_default();
            return mistake(
                shown,
                "This is not the name of a header.",
                "write headers as `Accept: application/json`.",
            );
        }
        // RFC 9110 section 5.5
        if !value.bytes().all(|byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic()) {
            return mistake(
                name,
                format!("The value of `{name}` has characters that a header cannot carry."),
                "use visible ASCII characters.",
            );
        }
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return mistake(name, format!("The header `{name}` is there twice."), "name each header once.");
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

/// A token of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// An http or https address with a host and without credentials; `example` is what to write instead.
fn web_address(text: &str, subject: &str, example: &str) -> Checked<Url> {
    if !text.contains("://") {
        return mistake(text, format!("{subject} has no scheme."), format!("use `{}`.", with_scheme(text)));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            return mistake(
                text,
                format!("{subject} is not a URL: {error}."),
                format!("use one such as `{example}`."),
            );
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return mistake("(not shown)", format!("{subject} holds a user name or password."), "remove it.");
    }
    if !matches!(url.scheme(), "http" | "https") {
        return mistake(
            text,
            format!("{subject} is neither http nor https."),
            format!("use one such as `{example}`."),
        );
    }
    if text.contains(char::is_whitespace) || !is_visible(text) {
        return mistake(
            text,
            format!("{subject} has spaces or characters that cannot be seen."),
            "remove them.",
        );
    }
    Ok(url)
}

/// The address with the scheme that was left out: http on this computer, https elsewhere.
fn with_scheme(text: &str) -> String {
    if text.contains("://") {
        return text.to_owned();
    }
    let scheme = match Url::parse(&format!("http://{text}")) {
        Ok(url) if is_loopback(&url) => "http",
        _ => "https",
    };
    format!("{scheme}://{text}")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn is_auth0(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.ends_with(".auth0.com"))
}

/// Whether a word is one that documentation puts where a value of one's own belongs.
fn is_placeholder(word: &str) -> bool {
    const USUAL: [&str; 6] = ["TENANT", "DOMAIN", "REALM", "CLIENT_ID", "CHANGEME", "CHANGE_ME"];
    // `yourDomain`, `YOUR_TENANT`, `your-tenant`; but not `yourcompany`, which may be a real one.
    let yours = word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("your"))
        && word[4..].starts_with(|next: char| !next.is_ascii_lowercase());
    let crosses = word.len() >= 3 && word.bytes().all(|byte| byte.eq_ignore_ascii_case(&b'x'));
    USUAL.contains(&word) || yours || crosses || word.contains(['<', '>', '{', '}', '…']) || word == "..."
}
