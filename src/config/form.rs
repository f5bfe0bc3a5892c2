//! A profile as a person types it: text in every field, and the one check that turns it into a profile.

use std::fmt;

use url::form_urlencoded;

use super::check::{self, Mistake};
use super::{DEFAULT_REDIRECT_PATH, DEFAULT_REDIRECT_PORTS, DEFAULT_SCOPES, Profile, ReadyRequest};

/// A setting of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// [`Profile::name`]
    Name,
    /// [`Profile::issuer`]
    Issuer,
    /// [`Profile::client_id`]
    ClientId,
    /// [`Profile::audience`]
    Audience,
    /// [`Profile::resource`]
    Resource,
    /// [`Profile::scopes`]
    Scopes,
    /// [`Profile::api`]
    Api,
    /// [`Profile::requests`] as a whole
    Requests,
    /// A field of the request at this index of [`Profile::requests`]
    Request(usize, RequestField),
    /// [`Profile::redirect_ports`]
    RedirectPorts,
    /// [`Profile::redirect_path`]
    RedirectPath,
    /// [`Profile::authorize_params`]
    AuthorizeParams,
}

/// A setting of a ready-made request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestField {
    /// [`ReadyRequest::name`]
    Name,
    /// [`ReadyRequest::method`]
    Method,
    /// [`ReadyRequest::url`]
    Url,
    /// [`ReadyRequest::headers`]
    Headers,
    /// [`ReadyRequest::body`]
    Body,
}

/// The settings of a profile, each with what it means: the order of the file, the help and the window.
pub(super) const SETTINGS: [(Field, &str); 11] = [
    (Field::Name, "what the profile is called"),
    (Field::Issuer, "the provider, such as https://TENANT.eu.auth0.com/"),
    (Field::ClientId, "the application's id at the provider; its type is Native"),
    (Field::Audience, "the API that the access token is for"),
    (Field::Resource, "the same, for providers that follow RFC 8707"),
    (Field::Scopes, "what to ask for, separated by spaces; openid is one"),
    (Field::Api, "the API's address; only its origin is given the token"),
    (Field::Requests, "ready-made requests: \"Name=GET /path; Other=POST /path\""),
    (Field::RedirectPorts, "loopback ports, tried in order; 0 is any: \"8710, 8711\""),
    (Field::RedirectPath, "the path of the callback: \"/callback\""),
    (Field::AuthorizeParams, "more for the authorization request: \"prompt=consent&max_age=0\""),
];

impl Field {
    /// The key in the file, such as `client_id` or `request.url`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Issuer => "issuer",
            Field::ClientId => "client_id",
            Field::Audience => "audience",
            Field::Resource => "resource",
            Field::Scopes => "scopes",
            Field::Api => "api",
            Field::Requests => "request",
            Field::Request(_, RequestField::Name) => "request.name",
            Field::Request(_, RequestField::Method) => "request.method",
            Field::Request(_, RequestField::Url) => "request.url",
            Field::Request(_, RequestField::Headers) => "request.headers",
            Field::Request(_, RequestField::Body) => "request.body",
            Field::RedirectPorts => "redirect_ports",
            Field::RedirectPath => "redirect_path",
            Field::AuthorizeParams => "authorize_params",
        }
    }

    /// The environment variable that sets it.
    pub(super) fn variable(self) -> String {
        match self {
            Field::Requests | Field::Request(..) => "HALLPASS_REQUESTS".to_owned(),
            field => format!("HALLPASS_{}", field.key().to_uppercase()),
        }
    }
}

/// One mistake in a form: the field, and what to say beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field to mark.
    pub field: Field,
    /// The value as typed, or the part of it that is wrong, without what may be secret.
    pub value: String,
    /// What is wrong, as a sentence.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// A profile as a person types it, one text a setting. `default()` is a blank one to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileForm {
    /// The name.
    pub name: String,
    /// The issuer; the scheme may be missing, and the final slash of an `auth0.com` address.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The audience, or nothing.
    pub audience: String,
    /// The resource, or nothing.
    pub resource: String,
    /// The scopes, separated by spaces.
    pub scopes: String,
    /// The API's address, or nothing.
    pub api: String,
    /// The ready-made requests.
    pub requests: Vec<RequestForm>,
    /// The ports, separated by commas or spaces.
    pub redirect_ports: String,
    /// The path of the redirect.
    pub redirect_path: String,
    /// `key=value` pairs, separated by `&` or line ends; `%26` stands for an `&` within a value.
    pub authorize_params: String,
}

/// A ready-made request as a person types it. `default()` is a blank one.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestForm {
    /// The name.
    pub name: String,
    /// The method.
    pub method: String,
    /// A path that begins with `/`, or a whole URL.
    pub url: String,
    /// `Name: value` lines.
    pub headers: String,
    /// The body, or nothing.
    pub body: String,
}

impl Default for ProfileForm {
    fn default() -> Self {
        ProfileForm {
            name: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            audience: String::new(),
            resource: String::new(),
            scopes: DEFAULT_SCOPES.join(" "),
            api: String::new(),
            requests: Vec::new(),
            redirect_ports: ports_text(&DEFAULT_REDIRECT_PORTS),
            redirect_path: DEFAULT_REDIRECT_PATH.to_owned(),
            authorize_params: String::new(),
        }
    }
}

impl Default for RequestForm {
    fn default() -> Self {
        RequestForm {
            name: String::new(),
            method: "GET".to_owned(),
            url: String::new(),
            headers: String::new(),
            body: String::new(),
        }
    }
}

impl fmt::Debug for RequestForm {
    /// Leaves out the headers and the body: either may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestForm")
            .field("name", &self.name)
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl From<&Profile> for ProfileForm {
    fn from(profile: &Profile) -> Self {
        // `Url` writes a bare origin with a final slash, which nobody types.
        let api = profile.api.as_ref().map_or("", |api| match api.path() {
            "/" => api.as_str().trim_end_matches('/'),
            _ => api.as_str(),
        });
        ProfileForm {
            name: profile.name.clone(),
            issuer: profile.issuer.clone(),
            client_id: profile.client_id.clone(),
            audience: profile.audience.clone().unwrap_or_default(),
            resource: profile.resource.clone().unwrap_or_default(),
            scopes: profile.scopes.join(" "),
            api: api.to_owned(),
            requests: profile.requests.iter().map(RequestForm::from).collect(),
            redirect_ports: ports_text(&profile.redirect_ports),
            redirect_path: profile.redirect_path.clone(),
            authorize_params: params_text(&profile.authorize_params),
        }
    }
}

impl From<&ReadyRequest> for RequestForm {
    fn from(request: &ReadyRequest) -> Self {
        RequestForm {
            name: request.name.clone(),
            method: request.method.clone(),
            url: request.url.clone(),
            headers: headers_text(&request.headers),
            body: request.body.clone().unwrap_or_default(),
        }
    }
}

impl ProfileForm {
    /// Makes the profile, or says what is wrong with which field: every mistake, not only the first.
    ///
    /// # Errors
    /// At least one problem, in the order of the fields.
    pub fn check(&self) -> Result<Profile, Vec<FieldProblem>> {
        let mut problems = Problems(Vec::new());
        let name = problems.take(Field::Name, check::profile_name(&self.name));
        let issuer = problems.take(Field::Issuer, check::issuer(&self.issuer));
        let client_id = problems.take(Field::ClientId, check::client_id(&self.client_id));
        let audience = problems.take(Field::Audience, check::audience(&self.audience));
        let resource = problems.take(Field::Resource, check::resource(&self.resource));
        let scopes = problems.take(Field::Scopes, check::scopes(&self.scopes));
        let api = problems.take(Field::Api, check::api(&self.api));
        let redirect_ports = problems.take(Field::RedirectPorts, check::redirect_ports(&self.redirect_ports));
        let redirect_path = problems.take(Field::RedirectPath, check::redirect_path(&self.redirect_path));
        let params = params_pairs(&self.authorize_params);
        let authorize_params = problems.take(Field::AuthorizeParams, check::authorize_params(params));
        let mut requests: Vec<ReadyRequest> = Vec::new();
        for (index, form) in self.requests.iter().enumerate() {
            let request = form.check(index, !self.api.trim().is_empty(), &mut problems);
            if !request.name.is_empty() && requests.iter().any(|other| other.name == request.name) {
                let twice = Err::<(), _>(check::request_name_twice(&request.name));
                problems.take(Field::Request(index, RequestField::Name), twice);
            }
            requests.push(request);
        }
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        Ok(Profile {
            name,
            issuer,
            client_id,
            audience,
            resource,
            scopes,
            api,
            requests,
            redirect_ports,
            redirect_path,
            authorize_params,
        })
    }

    /// The issuer as it will be used, while it is right.
    #[must_use]
    pub fn issuer_url(&self) -> Option<String> {
        check::issuer(&self.issuer).ok()
    }

    /// The callback URLs of the ports and the path, while both are right.
    pub fn redirect_uris(&self) -> Option<Vec<String>> {
        let ports = check::redirect_ports(&self.redirect_ports).ok()?;
        Some(super::redirect_uris(&ports, &check::redirect_path(&self.redirect_path).ok()?))
    }

    /// The log-out URLs of the ports, while these are right.
    pub fn logged_out_uris(&self) -> Option<Vec<String>> {
        let ports = check::redirect_ports(&self.redirect_ports).ok()?;
        Some(super::redirect_uris(&ports, super::LOGGED_OUT_PATH))
    }

    /// The text of a setting; `None` for [`Field::Requests`] and its parts, which are more than one text.
    pub fn text_mut(&mut self, field: Field) -> Option<&mut String> {
        Some(match field {
            Field::Name => &mut self.name,
            Field::Issuer => &mut self.issuer,
            Field::ClientId => &mut self.client_id,
            Field::Audience => &mut self.audience,
            Field::Resource => &mut self.resource,
            Field::Scopes => &mut self.scopes,
            Field::Api => &mut self.api,
            Field::RedirectPorts => &mut self.redirect_ports,
            Field::RedirectPath => &mut self.redirect_path,
            Field::AuthorizeParams => &mut self.authorize_params,
            Field::Requests | Field::Request(..) => return None,
        })
    }
}

impl RequestForm {
    fn check(&self, index: usize, api_is_set: bool, problems: &mut Problems) -> ReadyRequest {
        let mut take = |field, checked| problems.take(Field::Request(index, field), checked);
        let name = take(RequestField::Name, check::request_name(&self.name));
        let method = take(RequestField::Method, check::method(&self.method));
        let url = take(RequestField::Url, check::request_url(&self.url, api_is_set));
        let headers = check::headers(&self.headers);
        let headers = problems.take(Field::Request(index, RequestField::Headers), headers);
        let body = (!self.body.is_empty()).then(|| self.body.clone());
        ReadyRequest { name, method, url, headers, body }
    }
}

/// Collects mistakes while the checks go on.
struct Problems(Vec<FieldProblem>);

impl Problems {
    /// The value; or its default, once the mistake is noted: nothing is made of it then.
    fn take<T: Default>(&mut self, field: Field, checked: Result<T, Mistake>) -> T {
        checked.unwrap_or_else(|Mistake { value, what, fix }| {
            self.0.push(FieldProblem { field, value, what, fix });
            T::default()
        })
    }
}

/// Ports as typed.
pub(super) fn ports_text<T: ToString>(ports: &[T]) -> String {
    ports.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Parameters as typed: only what would be taken for a separator is encoded, so that it stays readable.
pub(super) fn params_text(params: &[(String, String)]) -> String {
    let encode = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('\n', "%0A");
    let pair =
        |(key, value): &(String, String)| format!("{}={}", encode(key).replace('=', "%3D"), encode(value));
    params.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The pairs of such a text.
fn params_pairs(text: &str) -> Vec<(String, String)> {
    // A form would read `+` as a space; here it is what it looks like, as in `login_hint=a+b@example.com`.
    let text = text.replace('+', "%2B").replace('\n', "&");
    let pairs = form_urlencoded::parse(text.as_bytes());
    let pairs = pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    pairs.filter(|(key, value)| !(key.is_empty() && value.is_empty())).collect()
}

/// Headers as typed: a line each.
pub(super) fn headers_text(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}
