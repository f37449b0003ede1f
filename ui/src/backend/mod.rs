//! The only room that knows how the daemon is reached. Pages call [`call`], [`watch_head`], [`picture`] and
//! [`sign_in`]; today these speak HTTP to the page's own origin.

mod asks;
mod events;
mod http;
mod json;
mod parse;
mod proof;
mod session;
mod shapes;
mod wire;

use protocol::id::{BlobId, ClientId};
use protocol::{ApiError, Request};

pub use session::{remember, remembered};
pub use wire::Answer;

/// What the live connection has to say. It never carries data: a reader pulls after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nudge {
    /// The newest entry's number. It may be the same as before: then something changed that is read live.
    Head(u64),
    /// The connection is gone; it is tried again by itself.
    Lost,
    SignedOut,
}

/// Asks the daemon.
pub async fn call(request: &Request) -> Result<Answer, ApiError> {
    http::call(request).await
}

/// A live connection that can be ended.
pub struct Watch {
    end: Option<web_sys::AbortController>,
}

impl Watch {
    pub fn stop(&self) {
        if let Some(end) = &self.end {
            end.abort();
        }
    }
}

/// Hears of every new entry until it is stopped.
pub fn watch_head(on: impl Fn(Nudge) + 'static) -> Watch {
    let end = web_sys::AbortController::new().ok();
    leptos::task::spawn_local(http::watch_head(on, end.as_ref().map(web_sys::AbortController::signal)));
    Watch { end }
}

/// A blob as an address that an `img` can show.
pub async fn picture(blob: &BlobId) -> Result<String, ApiError> {
    http::picture(blob).await
}

/// Trades the one-time key of a sign-in link for a session, which is remembered.
pub async fn sign_in(key: &str) -> Result<(), ApiError> {
    let token = http::session(key).await?;
    session::keep(&token);
    Ok(())
}

/// Whether there is a session to try. The daemon may still refuse it.
pub fn signed_in() -> bool {
    session::token().is_some()
}

pub fn sign_out() {
    session::drop_token();
}

/// A fresh id for something that is asked, so that asking it twice is asking it once.
pub fn new_client() -> Option<ClientId> {
    let random = js_sys::Math::random().to_bits();
    let again = js_sys::Math::random().to_bits();
    ClientId::new(format!("ui-{:x}-{random:x}{again:x}", js_sys::Date::now() as u64)).ok()
}
