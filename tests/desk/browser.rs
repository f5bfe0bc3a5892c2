//! A real Chromium without a window, new each time, driven through chromedriver.

use std::process::Stdio;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Desk, PATIENCE, Process, within_patience};

/// A browser on a page. It ends when this is dropped.
pub struct Browser {
    _driver: Process,
    http: Client,
    session: String,
}

impl Desk {
    /// Opens `url` in a new browser, presses the button, and says what the page reads that this leads to.
    pub async fn browse(&self, url: &str, button: &str) -> String {
        let browser = Browser::open(self, url).await;
        browser.press(button).await;
        browser.text().await
    }
}

impl Browser {
    /// A new browser on the page of `url`.
    pub async fn open(desk: &Desk, url: &str) -> Self {
        let mut driver = Process::start(desk.command("chromedriver").arg("--port=0").stdout(Stdio::piped()));
        let line = driver.line_with("successfully on port ");
        let port = line.rsplit(' ').next().unwrap_or_default().trim_end_matches('.');
        let http = Client::builder().no_proxy().timeout(3 * PATIENCE).build().unwrap();
        let mut browser = Self { _driver: driver, http, session: format!("http://127.0.0.1:{port}/session") };

        // The sandbox and its helpers want more than a container grants; the pipe ends the browser with its driver.
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--no-proxy-server",
            "--remote-debugging-pipe",
        ];
        let capabilities = json!({ "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "timeouts": { "implicit": PATIENCE.as_millis() },
        }});
        let session = browser.ask(Method::POST, "", json!({ "capabilities": capabilities })).await;
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser.ask(Method::POST, "/url", json!({ "url": url })).await;
        browser
    }

    /// Opens `url` in the same browser, which still has its cookies.
    pub async fn visit(&self, url: &str) {
        self.ask(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// Waits for the page to read `part`.
    pub async fn wait_for(&self, part: &str) {
        let reads = within_patience(async || self.text().await.contains(part).then_some(()));
        assert!(reads.await.is_some(), "the browser ends on {:?}", self.text().await);
    }

    /// Presses the button or link that reads so, once it is there, and waits for the page that it leads to.
    pub async fn press(&self, text: &str) {
        let here = self.ask(Method::GET, "/url", Value::Null).await;
        let controls = "self::button or self::a or self::input[@type='submit']";
        let element = self
            .find(&format!("//*[{controls}][contains(normalize-space(.), '{text}') or @value='{text}']"))
            .await;
        self.ask(Method::POST, &format!("/element/{element}/click"), json!({})).await;
        let left = within_patience(async || {
            let now = self.ask(Method::GET, "/url", Value::Null).await;
            (now != here).then_some(())
        });
        left.await.unwrap_or_else(|| panic!("{text:?} leads nowhere"));
    }

    /// Types into the field of this name.
    pub async fn fill(&self, field: &str, text: &str) {
        let element = self.find(&format!("//input[@name='{field}']")).await;
        self.ask(Method::POST, &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// What the page reads.
    pub async fn text(&self) -> String {
        let script = json!({ "script": "return document.body.innerText", "args": [] });
        let text = self.ask(Method::POST, "/execute/sync", script).await;
        text.as_str().unwrap().to_owned()
    }

    async fn find(&self, xpath: &str) -> String {
        let by = json!({ "using": "xpath", "value": xpath });
        let element = self.ask(Method::POST, "/element", by).await;
        // The one key of an element is the same for all of them, and says no more than that it is one.
        element.as_object().and_then(|element| element.values().next()?.as_str()).unwrap().to_owned()
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.session));
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await.unwrap();
        let succeeded = response.status().is_success();
        let mut answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(succeeded, "the browser says: {}", answer["value"]["message"]);
        answer["value"].take()
    }
}
