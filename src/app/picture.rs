//! Pictures: the person's, fetched once for each session, and one that an API answers with. Each is a one-shot value that
//! the screen waits for.

use std::sync::{Arc, Weak};

use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use oauth2::http::Uri;
use poll_promise::Promise;

use super::body::Showing;
use super::state::{LoggedIn, Viewer};
use super::tasks::{BoxFuture, Tasks};
use crate::body::{Body, View};
use crate::http::{self, Http, Purpose, Request};

/// The largest side of a person's picture that is decoded, and of an answer's, in pixels.
const LARGEST: [u32; 2] = [2048, 16_384];
/// The side to which each is made smaller.
const SIDE: [u32; 2] = [160, 2048];
/// The most that decoding one may hold, in bytes.
const MOST_HELD: u64 = 128 << 20;
/// The longest file that a picture is read from, in bytes.
const LONGEST: u64 = 64 << 20;

/// The pictures of the API screen.
#[derive(Default)]
pub struct Pictures {
    person: Picture<String>,
    body: Picture<Key>,
}

/// Which body it is: as long as this is here, no other has its place in memory.
#[derive(Clone)]
struct Key(Weak<Body>);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

/// A picture, on its way or here.
struct Picture<K> {
    of: Option<K>,
    coming: Option<Promise<Option<ColorImage>>>,
    texture: Option<TextureHandle>,
}

impl<K> Default for Picture<K> {
    fn default() -> Self {
        Self { of: None, coming: None, texture: None }
    }
}

impl<K: PartialEq + Clone> Picture<K> {
    /// Gets the picture of this, unless that was done.
    fn follow(
        &mut self,
        of: Option<K>,
        get: impl FnOnce(K) -> Promise<Option<ColorImage>>,
        context: &Context,
    ) {
        if self.of != of {
            *self = Self { of: of.clone(), coming: of.map(get), texture: None };
        }
        let came = self.coming.take_if(|promise| promise.ready().is_some());
        if let Some(image) = came.and_then(|promise| promise.try_take().ok()) {
            self.texture = image.map(|image| context.load_texture("picture", image, TextureOptions::LINEAR));
        }
    }
}

impl Pictures {
    /// Gets the pictures of the session and of the body that is shown.
    pub fn follow(
        &mut self,
        logged_in: Option<&LoggedIn>,
        viewer: Option<&Viewer>,
        tasks: &Tasks,
        context: &Context,
    ) {
        let url = logged_in.and_then(|logged_in| logged_in.session.user.picture.clone());
        self.person.follow(url, |url| tasks.promise(|http| fetch(url, http)), context);
        let shown = viewer.filter(|viewer| viewer.view == View::Picture && viewer.progress.is_over);
        let body = shown.map(|viewer| Arc::clone(&viewer.body));
        let key = body.as_ref().map(|body| Key(Arc::downgrade(body)));
        let read = |_| tasks.promise(|_| Box::pin(async { read(body?).await }));
        self.body.follow(key, read, context);
    }

    /// The person's, once it is here.
    pub fn person(&self) -> Option<&TextureHandle> {
        self.person.texture.as_ref()
    }

    /// The answer's.
    pub fn body(&self) -> Showing<'_> {
        match (&self.body.of, &self.body.texture) {
            (_, Some(texture)) => Showing::Picture(texture),
            (Some(_), None) if self.body.coming.is_none() => Showing::Nothing,
            _ => Showing::Coming,
        }
    }
}

/// `None` where it cannot be shown: its bytes can.
async fn read(body: Arc<Body>) -> Option<ColorImage> {
    let read = move || decode(&body.read(0..LONGEST).ok()?, LARGEST[1], SIDE[1]);
    tokio::task::spawn_blocking(read).await.ok()?
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
        tokio::task::spawn_blocking(move || decode(answer.response.body(), LARGEST[0], SIDE[0])).await.ok()?
    })
}

fn decode(bytes: &[u8], largest: u32, side: u32) -> Option<ColorImage> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(largest);
    limits.max_image_height = Some(largest);
    limits.max_alloc = Some(MOST_HELD);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    let is_larger = image.width() > side || image.height() > side;
    let image = if is_larger { image.thumbnail(side, side) } else { image }.to_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Some(ColorImage::from_rgba_unmultiplied(size, image.as_raw()))
}
