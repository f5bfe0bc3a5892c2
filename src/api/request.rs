//! The request: as the person writes it, and as it can be sent.

use std::fmt;

use oauth2::http::{HeaderMap, HeaderName, HeaderValue, Method};
use thiserror::Error;
use url::Url;

use crate::config::{Profile, ReadyRequest};

/// The methods that are offered.
pub const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// A request as it is written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// One of [`METHODS`], or any other token.
    pub method: String,
    /// Absolute, or a path at the profile's API.
    pub url: String,
    /// A header a line: `Name: value`.
    pub headers: String,
    /// The body, sent as UTF-8.
    pub body: String,
}

/// A request that can be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The person's own headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// What of it is secret: an API may repeat it.
    pub fn secrets(&self) -> impl Iterator<Item = String> + use<> {
        crate::http::secrets(&super::message(&self.method, &self.url, self.headers.clone(), &self.body))
    }
}

/// Why a draft cannot be sent, and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DraftError {
    /// There is no URL.
    #[error("There is no URL to call. Choose a ready-made request, or type one.")]
    Empty,
    /// The URL lacks its scheme.
    #[error("{typed} has no http:// or https:// in front.")]
    NoScheme {
        /// What was typed.
        typed: String,
        /// What was probably meant.
        meant: String,
    },
    /// A path, and the profile has no API to put it after.
    #[error("{0} is a path, and the profile names no API that it could be at. Type the whole URL.")]
    NoApi(String),
    /// Not a URL.
    #[error("{typed} is not a URL: {problem}.")]
    NotAUrl {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Not a method.
    #[error("{0:?} is not an HTTP method.")]
    Method(String),
    /// Not a header.
    #[error("The header line {0:?} is not of the form `Name: value`.")]
    Header(String),
}

impl fmt::Debug for Draft {
    /// Leaves out what may hold a key of the person's: query, headers and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} {})", self.method, self.url.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Request {
    /// Leaves out what may hold a key of the person's: query, headers and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {}{})", self.method, self.url.origin().ascii_serialization(), self.url.path())
    }
}

impl Draft {
    /// A ready-made request, as it would be typed.
    #[must_use]
    pub fn ready(ready: &ReadyRequest, profile: &Profile) -> Self {
        Self {
            method: ready.method.clone(),
            url: profile.request_url(ready),
            headers: ready.headers.iter().flat_map(|(name, value)| [name, ": ", value, "\n"]).collect(),
            body: ready.body.clone().unwrap_or_default(),
        }
    }

    /// The same with this header, in the place of one of the same name.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let is_it = |line: &str| {
            line.split_once(':').is_some_and(|(known, _)| known.trim().eq_ignore_ascii_case(name))
        };
        let others = self.headers.lines().filter(|line| !is_it(line) && !line.trim().is_empty());
        let line = format!("{name}: {value}");
        let headers = others.chain([line.as_str()]).flat_map(|line| [line, "\n"]).collect();
        Self { headers, ..self }
    }

    /// The request that the draft stands for.
    ///
    /// # Errors
    /// What cannot be sent, and what was probably meant.
    pub fn check(&self, profile: &Profile) -> Result<Request, DraftError> {
        let method = self.method.trim();
        Ok(Request {
            url: absolute(self.url.trim(), profile)?,
            method: Method::from_bytes(method.as_bytes())
                .map_err(|_| DraftError::Method(method.to_owned()))?,
            headers: headers(&self.headers)?,
            body: self.body.clone().into_bytes(),
        })
    }
}

fn absolute(typed: &str, profile: &Profile) -> Result<Url, DraftError> {
    if typed.is_empty() {
        return Err(DraftError::Empty);
    }
    if typed.starts_with('/') {
        let url = profile.url_of(typed).ok_or_else(|| DraftError::NoApi(typed.to_owned()))?;
        return parse(&url);
    }
    match Url::parse(typed) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        // `localhost:8080/secure` parses, with the scheme `localhost`.
        _ if !typed.contains("://") => {
            let with = |scheme| parse(&format!("{scheme}://{typed}"));
            let meant =
                with("http").map(|url| if crate::http::is_loopback(&url) { Ok(url) } else { with("https") });
            let meant = meant.and_then(|url| url)?.to_string();
            Err(DraftError::NoScheme { typed: typed.to_owned(), meant })
        }
        Ok(url) => {
            let problem = format!("an API is called over http or https, not {}", url.scheme());
            Err(DraftError::NotAUrl { typed: typed.to_owned(), problem })
        }
        Err(error) => Err(DraftError::NotAUrl { typed: typed.to_owned(), problem: error.to_string() }),
    }
}

fn parse(text: &str) -> Result<Url, DraftError> {
    Url::parse(text)
        .map_err(|error| DraftError::NotAUrl { typed: text.to_owned(), problem: error.to_string() })
}

fn headers(lines: &str) -> Result<HeaderMap, DraftError> {
    let mut headers = HeaderMap::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let wrong = || DraftError::Header(line.to_owned());
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_| wrong())?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let mut profile =
            Profile::demo("http://127.0.0.1:1/", "c", "a", &Url::parse("http://127.0.0.1:2/").unwrap());
        profile.api = Some(Url::parse("https://host/v1/").unwrap());
        profile
    }

    fn url_of(typed: &str) -> Result<String, DraftError> {
        let draft = Draft { method: "GET".to_owned(), url: typed.to_owned(), ..Draft::default() };
        draft.check(&profile()).map(|request| request.url.to_string())
    }

    #[test]
    fn a_path_is_put_after_the_profiles_api() {
        assert_eq!(url_of("/users?x=1").unwrap(), "https://host/v1/users?x=1");
    }

    #[test]
    fn a_url_without_a_scheme_is_answered_with_the_one_that_was_meant() {
        for (typed, meant) in [
            ("localhost:8080/secure", "http://localhost:8080/secure"),
            ("127.0.0.1:3010/api", "http://127.0.0.1:3010/api"),
            ("api.example.com/x", "https://api.example.com/x"),
        ] {
            let error = DraftError::NoScheme { typed: typed.to_owned(), meant: meant.to_owned() };
            assert_eq!(url_of(typed), Err(error));
        }
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        assert_eq!(url_of(""), Err(DraftError::Empty));
        assert!(matches!(url_of("ftp://host/x"), Err(DraftError::NotAUrl { .. })));
        assert!(matches!(url_of("http://"), Err(DraftError::NotAUrl { .. })));
    }

    #[test]
    fn headers_are_lines_of_name_and_value() {
        let draft = Draft {
            method: "POST".to_owned(),
            url: "/x".to_owned(),
            headers: "Accept: text/plain\n\nX-Two:  a:b \n".to_owned(),
            body: "é".to_owned(),
        };
        let request = draft.check(&profile()).unwrap();
        assert_eq!(request.headers["accept"], "text/plain");
        assert_eq!(request.headers["x-two"], "a:b");
        assert_eq!(request.body, "é".as_bytes());
        let replaced = draft.clone().with_header("Accept", "*/*").with_header("x-new", "1");
        assert_eq!(replaced.headers, "X-Two:  a:b \nAccept: */*\nx-new: 1\n");
        let draft = Draft { headers: "no colon".to_owned(), ..draft };
        assert_eq!(draft.check(&profile()), Err(DraftError::Header("no colon".to_owned())));
    }
}
