//! A response on its way: its body is taken in as it comes, and what there is of it is told ten times a second.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oauth2::http::response::Parts;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::refusal::{self, Refusal};
use super::request::Request;
use super::response::{self, Cut, Response};
use crate::body::{Body, Intake, Progress};
use crate::http::Incoming;
use crate::secret::Secret;

/// The longest body that is read, in bytes: what never ends must end somewhere.
pub const MOST: u64 = 16 << 30;
/// How much is laid out within the task, in bytes: more would keep others waiting.
const QUICK: u64 = 64 << 10;
/// How often it is told what came.
const EVERY: Duration = Duration::from_millis(100);

/// What there is of a response that is not whole yet.
#[derive(Debug)]
pub enum Arrival {
    /// Its head, and the beginning of its body.
    Answered(Box<Response>),
    /// More of its body.
    Grew(Progress),
}

/// What is known of a response before its body.
pub(super) struct Answer {
    pub request: Request,
    pub with_token: bool,
    pub elsewhere: Option<Url>,
    pub head: Parts,
    pub length: Option<u64>,
}

impl Answer {
    /// Takes in the body; what there is of one that takes a while is told to `report`.
    pub async fn take_in(self, mut incoming: Incoming, report: impl Fn(Arrival)) -> Response {
        let (mut intake, mut answered) = (Intake::new(&self.head.headers), false);
        let (mut next_report, mut is_news) = (Instant::now() + EVERY, false);
        let cut = loop {
            let piece = tokio::select! {
                piece = incoming.piece() => Some(piece),
                () = sleep_until(next_report), if is_news => None,
            };
            match piece {
                Some(Ok(None)) => break None,
                Some(Err(error)) => break Some(Cut::BrokeOff(error)),
                Some(Ok(Some(bytes))) => {
                    let taken;
                    (intake, taken) = take(intake, bytes).await;
                    if let Err(error) = taken {
                        break Some(Cut::Disk(error.to_string()));
                    }
                    is_news = true;
                }
                None => {}
            }
            if Instant::now() < next_report {
                continue;
            }
            let Some((body, progress)) = intake.so_far() else {
                // There is too little to tell anything of.
                is_news = false;
                continue;
            };
            if progress.bytes > MOST {
                break Some(Cut::TooLong);
            }
            report(if answered {
                Arrival::Grew(progress)
            } else {
                let response = self.response((body, progress), incoming.took(), None).await;
                Arrival::Answered(Box::new(response))
            });
            (answered, is_news, next_report) = (true, false, Instant::now() + EVERY);
        };
        let took = incoming.took();
        self.response(intake.end(), took, cut).await
    }

    async fn response(
        &self,
        (body, progress): (Arc<Body>, Progress),
        took: Duration,
        cut: Option<Cut>,
    ) -> Response {
        let (status, headers) = (self.head.status, &self.head.headers);
        let refused = status.is_client_error() || status.is_server_error();
        let read = move || {
            let view = progress.views().first().copied().unwrap_or_default();
            // A disk that does not give them back now is asked again by whoever shows them.
            let rows = body.rows(view, 0..response::FIRST_ROWS).unwrap_or_default();
            let said = if refused { body.beginning(refusal::LONGEST + 1) } else { String::new() };
            (rows, body.beginning(response::BEGINNING), said, body)
        };
        let (rows, beginning, said, body) = off_the_task(progress.bytes, read).await;
        Response {
            request: self.request.clone(),
            with_token: self.with_token,
            status,
            took,
            length: self.length,
            content_type: response::content_type(headers),
            headers: response::shown(headers),
            elsewhere: self.elsewhere.clone(),
            refusal: refused.then(|| Refusal::read(headers, said.as_bytes())),
            body,
            progress,
            rows,
            beginning: Secret::new(beginning),
            cut,
        }
    }
}

async fn take(mut intake: Intake, bytes: Bytes) -> (Intake, io::Result<()>) {
    let size = bytes.len() as u64;
    off_the_task(size, move || {
        let taken = intake.push(&bytes);
        (intake, taken)
    })
    .await
}

/// Does what takes the longer the more bytes it is about where others need not wait for it.
async fn off_the_task<T: Send + 'static>(bytes: u64, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= QUICK {
        return work();
    }
    match spawn_blocking(work).await {
        Ok(result) => result,
        // It panicked, or the runtime ends.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}
