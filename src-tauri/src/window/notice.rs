//! Notifications of the system: a request ended, an agent asks. Only if the user wants them, and does not look anyway.

use super::MAIN;
use crate::desk::Desk;
use mirror::{News, What};
use protocol::fact::Outcome;
use std::sync::Arc;
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_notification::{Notification, NotificationExt};

/// Longer texts are cut by the system, in the middle of a word.
const LONGEST: usize = 120;

pub fn show<R: Runtime>(app: &AppHandle<R>, host: &str, news: &News) {
    let wanted = app.try_state::<Arc<Desk>>().is_some_and(|desk| desk.settings.get().notify);
    let looks = app.get_webview_window(MAIN).and_then(|window| window.is_focused().ok()).unwrap_or(false);
    let Some(says) = says(news.what) else { return };
    // A mocked runtime has no notifications.
    if !wanted || looks || app.try_state::<Notification<R>>().is_none() {
        return;
    }
    let text = protocol::clean::line(news.text.as_deref().unwrap_or(news.request.as_str()), LONGEST);
    if let Err(error) = app.notification().builder().title(format!("{says} · {host}")).body(text).show() {
        tracing::warn!(%error, "the user was not notified");
    }
}

/// None for what the user did just now.
fn says(what: What) -> Option<&'static str> {
    match what {
        What::Ended(Outcome::Live) => Some("It is live"),
        What::Ended(Outcome::Partly) => Some("A part of it is live"),
        What::Ended(Outcome::Failed) => Some("It did not work"),
        What::Ended(Outcome::Cancelled) => None,
        What::Asks => Some("An agent asks you something"),
    }
}
