//! The person's picture: fetched once for each session, a one-shot value that the screen waits for.

use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use oauth2::http::Uri;
use poll_promise::Promise;

use super::state::LoggedIn;
use super::tasks::{BoxFuture, Tasks};
use crate::http::{self, Http, Purpose, Request};

/// The largest side that is decoded, in pixels.
const LARGEST: u32 = 2048;

/// The picture of the person who is logged in.
#[derive(Default)]
pub struct Picture {
    url: Option<String>,
    fetching: Option<Promise<Option<ColorImage>>>,
    texture: Option<TextureHandle>,
}

impl Picture {
    /// Fetches the picture of the session, unless that was done.
    pub fn follow(&mut self, logged_in: Option<&LoggedIn>, tasks: &Tasks, context: &Context) {
        let url = logged_in.and_then(|logged_in| logged_in.session.user.picture.as_ref());
        if self.url.as_ref() != url {
            *self = Self::default();
            self.url = url.cloned();
            self.fetching = url.cloned().map(|url| tasks.promise(|http| fetch(url, http)));
        }
        if let Some(image) = self
            .fetching
            .take_if(|promise| promise.ready().is_some())
            .and_then(|promise| promise.try_take().ok())
        {
            self.texture = image.map(|image| context.load_texture("picture", image, TextureOptions::LINEAR));
        }
    }

    /// The picture, once it is here.
    pub fn texture(&self) -> Option<&TextureHandle> {
        self.texture.as_ref()
    }
}

/// `None` where there is no picture to show: the person's initial stands in for it.
fn fetch(url: String, http: Http) -> BoxFuture<Option<ColorImage>> {
    Box::pin(async move {
        let parsed = url::Url::parse(&url).ok().filter(http::is_safe)?;
        let mut request = Request::default();
        *request.uri_mut() = parsed.as_str().parse::<Uri>().ok()?;
        let answer = http
            .send(Purpose::Picture, request)
            .await
            .ok()
            .filter(|answer| answer.response.status().is_success())?;
        tokio::task::spawn_blocking(move || decode(answer.response.body())).await.ok()?
    })
}

fn decode(bytes: &[u8]) -> Option<ColorImage> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LARGEST);
    limits.max_image_height = Some(LARGEST);
    reader.limits(limits);
    let image = reader.decode().ok()?.thumbnail(160, 160).to_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Some(ColorImage::from_rgba_unmultiplied(size, image.as_raw()))
}
