//! The only room that knows how the daemon is reached. Pages call [`call`], [`watch_head`], [`picture`] and
//! [`sign_in`]; these speak HTTP to the page's own origin, or, in the desktop's window, to the desktop program.

mod asks;
#[cfg(feature = "desktop")]
pub mod desk;
mod events;
mod http;
mod json;
mod parse;
mod proof;
mod session;
mod shapes;
#[cfg(feature = "desktop")]
mod tauri;
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
    /// Answers come from the copy on this computer, which is as of then; none: from the daemon again.
    #[cfg(feature = "desktop")]
    Since(Option<protocol::At>),
}

/// Asks the daemon.
pub async fn call(request: &Request) -> Result<Answer, ApiError> {
    #[cfg(feature = "desktop")]
    if desk::there() {
        return desk::call(request).await;
    }
    http::call(request).await
}

/// A live connection that can be ended.
pub enum Watch {
    Http(Option<web_sys::AbortController>),
    #[cfg(feature = "desktop")]
    Desk(tauri::Listening),
}

impl Watch {
    pub fn stop(&self) {
        match self {
            Self::Http(end) => {
                if let Some(end) = end {
                    end.abort();
                }
            }
            #[cfg(feature = "desktop")]
            Self::Desk(listening) => listening.stop(),
        }
    }
}

/// Hears of every new entry until it is stopped.
pub fn watch_head(on: impl Fn(Nudge) + 'static) -> Watch {
    #[cfg(feature = "desktop")]
    if desk::there() {
        return desk::watch_head(on);
    }
    let end = web_sys::AbortController::new().ok();
    leptos::task::spawn_local(http::watch_head(on, end.as_ref().map(web_sys::AbortController::signal)));
    Watch::Http(end)
}

/// A blob as an address that an `img` can show.
pub async fn picture(blob: &BlobId) -> Result<String, ApiError> {
    #[cfg(feature = "desktop")]
    if desk::there() {
        return desk::picture(blob).await;
    }
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
    // The program on this computer is its user's own.
    #[cfg(feature = "desktop")]
    if desk::there() {
        return true;
    }
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
