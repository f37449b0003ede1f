//! A moment: relative, with the exact one on hover.

use crate::app::App;
use crate::words::time;
use leptos::prelude::*;
use protocol::At;

pub fn ago(app: App, at: At) -> impl IntoView {
    view! {
        <time title=time::exact(at, app.zone)>{move || time::relative(app.now.get(), at, app.zone)}</time>
    }
}
