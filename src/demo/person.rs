//! A scripted person with a browser: opens the login page, presses a button, and lands back at the app.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use url::{Url, form_urlencoded};

/// More redirects than this are a loop.
const REDIRECTS: usize = 10;

/// The button to press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// "Continue as Alice"
    Alice,
    /// "Continue as Bob"
    Bob,
    /// "Decline"
    Decline,
}

impl Choice {
    fn label(self) -> &'static str {
        match self {
            Self::Alice => "Continue as Alice",
            Self::Bob => "Continue as Bob",
            Self::Decline => "Decline",
        }
    }
}

/// Where the person ended up. It has no `Debug`: the callback holds the code.
pub struct Visit {
    /// The app's callback as it was called, or nothing if the provider kept the person on a page of its own.
    pub callback: Option<Url>,
    /// The status of the last page.
    pub status: StatusCode,
    /// The last page.
    pub text: String,
}

/// Why the person could not get through.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The link is not a URL.
    #[error("the login link is not a URL: {0}")]
    Link(#[from] url::ParseError),
    /// A page did not load.
    #[error("a page of the login did not load: {0}")]
    Page(reqwest::Error),
    /// The page does not have that button in a form.
    #[error("the login page has no button \"{0}\"")]
    Button(&'static str),
    /// Page after page sends the person on.
    #[error("the login sends the browser in circles")]
    Circles,
}

impl From<reqwest::Error> for Lost {
    fn from(error: reqwest::Error) -> Self {
        // The URL may hold a code.
        Self::Page(error.without_url())
    }
}

/// Visits the page that the app asked to be opened, and presses a button there.
pub async fn visit(authorize_url: &str, choice: Choice) -> Result<Visit, Lost> {
    let client = client()?;
    let start = Url::parse(authorize_url)?;
    let page = client.get(start.clone()).send().await?;
    if page.status().is_redirection() {
        return follow(&client, &start, page).await;
    }
    let (status, text) = (page.status(), page.text().await?);
    if status != StatusCode::OK {
        return Ok(Visit { callback: None, status, text });
    }

    let form = Form::find(&text, choice.label()).ok_or(Lost::Button(choice.label()))?;
    let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let answer = client
        .post(start.join(&form.action)?)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(fields)
        .send()
        .await?;
    follow(&client, &start, answer).await
}

/// A browser without redirects of its own, proxies or memory.
#[expect(clippy::disallowed_methods, reason = "the person's browser is no part of the app")]
pub(super) fn client() -> reqwest::Result<Client> {
    // Everything here is on this computer, without TLS: there are no certificates to load.
    let client = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none());
    client.timeout(Duration::from_secs(10)).build()
}

/// Goes where each answer sends; the first place that is not the provider's is the app's callback.
async fn follow(client: &Client, provider: &Url, mut answer: Response) -> Result<Visit, Lost> {
    let mut callback = None;
    for _ in 0..REDIRECTS {
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(location) = location.filter(|_| answer.status().is_redirection()) else {
            return Ok(Visit { callback, status: answer.status(), text: answer.text().await? });
        };
        let next = answer.url().join(location)?;
        if callback.is_none() && next.origin() != provider.origin() {
            callback = Some(next.clone());
        }
        answer = client.get(next).send().await?;
    }
    Err(Lost::Circles)
}

/// What pressing a button sends.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// Finds the form around a button. It reads the demo's own page, and no more of HTML than that needs.
    fn find(page: &str, label: &str) -> Option<Self> {
        let (_, form) = page.split_once("<form ")?;
        let (form, _) = form.split_once("</form>")?;
        let action = attribute(form, "action")?;
        let hidden = form.split("<input ").skip(1);
        let button = form.split("<button ").skip(1).find(|button| {
            button.split_once("</button>").is_some_and(|(button, _)| button.ends_with(&format!(">{label}")))
        })?;
        let fields =
            hidden.chain([button]).map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
        Some(Self { action, fields: fields.collect::<Option<_>>()? })
    }
}

/// The value of the first attribute of this name. The demo's values hold nothing that HTML would escape.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag.split_once(&format!("{name}=\""))?;
    value.split_once('"').map(|(value, _)| value.to_owned())
}
