//! Is this still the daemon that the page signed in to? While it is stopped, another program may take its port, and must
//! not get the token. So the daemon has to prove itself first, and again after each connection that was lost.

use super::{http, session};
use protocol::{ApiError, Code};
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Crypto;

thread_local! {
    static PROVEN: Cell<bool> = const { Cell::new(false) };
}

/// A connection broke: whoever answers next has to prove itself.
pub fn doubt() {
    PROVEN.set(false);
}

/// Returns once the daemon has proven that it knows this session; at once when it has, or when there is no session.
pub async fn demand() -> Result<(), ApiError> {
    let Some(token) = session::token() else { return Ok(()) };
    if PROVEN.get() {
        return Ok(());
    }
    let crypto = web_sys::window().and_then(|window| window.crypto().ok()).ok_or_else(no_crypto)?;
    let mut random = [0; 16];
    crypto.get_random_values_with_u8_array(&mut random).map_err(|_| no_crypto())?;
    let nonce = protocol::hex(random);
    let id: String = hash(&crypto, &format!("id:{token}")).await?.chars().take(16).collect();
    let secret = hash(&crypto, &format!("secret:{token}")).await?;
    let expected = hash(&crypto, &format!("{secret}{nonce}")).await?;
    if http::proof(&id, &nonce).await? != expected {
        return Err(ApiError::new(Code::Internal, "another program answers in the daemon's place")
            .next("start the daemon again; this page goes on by itself once it is there"));
    }
    PROVEN.set(true);
    Ok(())
}

async fn hash(crypto: &Crypto, text: &str) -> Result<String, ApiError> {
    let bytes = js_sys::Uint8Array::from(text.as_bytes());
    let digest =
        crypto.subtle().digest_with_str_and_buffer_source("SHA-256", &bytes).map_err(|_| no_crypto())?;
    let digest: JsValue = JsFuture::from(digest).await.map_err(|_| no_crypto())?;
    Ok(protocol::hex(js_sys::Uint8Array::new(digest.unchecked_ref()).to_vec()))
}

fn no_crypto() -> ApiError {
    ApiError::new(Code::Internal, "this browser cannot check who answers")
        .next("open the dashboard at http://127.0.0.1, not under another name")
}
