//! What a person sees of the provider: the login page, and notices. No script, nothing from elsewhere.

use askama::Template;
use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
};

use super::users::Scope;

const STYLE: &str = include_str!("../../assets/pages/demo/style.css");
const MARK: &str = include_str!("../../assets/pages/demo/mark.svg");
const ALICE: &[u8] = include_bytes!("../../assets/pages/demo/alice.png");
const BOB: &[u8] = include_bytes!("../../assets/pages/demo/bob.png");

/// Who asks for what, and who answers?
#[derive(Template)]
#[template(path = "demo/login.html")]
pub struct Login<'a> {
    /// The API that the token will be for, if any.
    pub api: Option<&'a str>,
    /// What is asked.
    pub scopes: Vec<&'static Scope>,
    /// Whether Alice's and Bob's answers differ, because messages are among it.
    pub differ: bool,
    /// Whether the app wants a strong login.
    pub strong: bool,
    /// Where the browser goes afterwards: `host:port`.
    pub back_to: &'a str,
    /// The number of this question, good for one answer: another site's form cannot know it.
    pub interaction: &'a str,
}

/// Something to tell the person, where there is nothing to decide.
#[derive(Template)]
#[template(path = "demo/notice.html")]
pub struct Notice<'a> {
    /// In few words.
    pub title: &'a str,
    /// In a sentence or two.
    pub text: &'a str,
    /// The value that it is about, as it was sent.
    pub detail: Option<&'a str>,
}

/// A page, or an honest failure to draw it.
pub fn show(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(e) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the page could not be drawn: {e}")).into_response()
        }
    }
}

/// `GET /style.css`
pub async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// `GET /mark.svg`
pub async fn mark() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], MARK)
}

/// `GET /picture/alice.png`
pub async fn alice() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/png")], ALICE)
}

/// `GET /picture/bob.png`
pub async fn bob() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/png")], BOB)
}
