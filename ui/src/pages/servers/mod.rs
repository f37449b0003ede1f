//! Servers: the workspaces that the window can open, the wizard that sets one up, and each one's own page. Everything is
//! asked of the desktop program; a page keeps nothing that it could ask for again.

mod changed;
mod list;
mod meet;
mod new;
mod options;
mod panel;
mod place;
mod plan;
mod remove;
mod run;
mod settings;
mod show;
mod vault;

use crate::app::{App, memo, part};
use crate::words::route::{Route, View};
use leptos::prelude::*;

#[component]
pub fn Servers() -> impl IntoView {
    let app = App::here();
    // While another view is being opened this page is still there: it shows what it showed.
    let open = memo(move || app.route.look(|r| (r.view == View::Servers).then(|| r.open.clone()).flatten()));
    part(move || {
        let open = open.get().unwrap_or_default();
        let (first, rest) = open.split_once('/').unwrap_or((&open, ""));
        match (first, rest) {
            ("new", address) => new::page(app, address),
            ("meet", meeting) if !meeting.is_empty() => meet::page(app, meeting),
            ("setup", place) if !place.is_empty() => run::page(app, place),
            ("remove", place) if !place.is_empty() => remove::page(app, place),
            ("at", place) if !place.is_empty() => place::page(app, place),
            _ => list::page(app),
        }
    })
}

/// The address of a page of this room.
fn at(page: &str, of: &str) -> Route {
    let open = if of.is_empty() { page.to_owned() } else { format!("{page}/{of}") };
    Route::open(View::Servers, open)
}
