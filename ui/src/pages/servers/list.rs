//! All workspaces: this computer and servers, with how each is reached and how new its copy here is.

use super::{at, settings, show, vault};
use crate::app::desk::{Got, tell};
use crate::app::{App, Views, part};
use crate::backend::desk;
use crate::parts::{plain, states};
use crate::words::agents::Light;
use crate::words::route::Route;
use crate::words::servers::{link, sign_in};
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest, HERE, Link, PlaceRow};
use protocol::setup::SetupState;

pub fn page(app: App) -> AnyView {
    // What may have changed while another page was open.
    app.desk.look();
    let body = part(move || match app.desk.places.get() {
        Got::Loading => states::loading(3),
        Got::Failed(why) => states::failed(&why),
        Got::Ready(DeskAnswer::Places { places }) => rows(app, places),
        Got::Ready(_) => ().into_any(),
    });
    view! {
        <div class="sheet narrow">
            <header class="sheet-head">
                <h1>"Servers"</h1>
                <span class="grow"></span>
                {plain::link("Set up a server", at("new", "").hash(), "button primary", "new-server")}
                {plain::p("muted", "The workspaces that this window can open. Work goes on in each of them whether one looks or not.")}
            </header>
            <section class="card items" aria-label="Workspaces">{body}</section>
            {vault::card(app)}
            {settings::card(app)}
        </div>
    }
    .into_any()
}

fn rows(app: App, places: Vec<PlaceRow>) -> AnyView {
    let only_here = places.iter().all(|row| row.place == HERE);
    let rows = places.into_iter().map(|row| self::row(app, row)).views();
    let first = only_here.then(|| {
        view! {
            <div class="blank" data-testid="empty">
                <h2>"No server yet"</h2>
                <p class="muted">"Everything works on this computer. A server of your own keeps working while the computer sleeps, and shows what you make to the world."</p>
                <p>{plain::link("Set up a server", at("new", "").hash(), "button", "first-server")}</p>
            </div>
        }
    });
    view! { {rows}{first} }.into_any()
}

fn row(app: App, row: PlaceRow) -> AnyView {
    let said = link::link(&row.link, app.now.get_untracked(), app.zone);
    let open_now = row.place == desk::place();
    let target = match &row.target {
        Some(target) => sign_in::said(target),
        None => "the local workspace".to_owned(),
    };
    let version = row.version.as_ref().map(|v| format!("version {v}"));
    let copied = link::mirror(&row.mirror, link::is_up(&row), app.now.get_untracked(), app.zone);
    let setup = row.setup.as_ref().and_then(link::setup).map(|said| setup_line(&row.place, &said));
    let place = row.place.clone();
    let details = at("at", &row.place).hash();
    let changed = said.slug == "changed-key";
    view! {
        <article class="item place" data-testid="place" data-place=row.place.clone() data-link=said.slug>
            <div class="item-head">
                {show::light(said.light)}
                <b>{row.name.clone()}</b>
                <span class="muted small" dir="auto">{target}</span>
                {version.map(|v| plain::span("muted small", v))}
                {open_now.then(|| plain::span("badge", "open now"))}
                <span class="grow"></span>
                {(!open_now && !changed).then(|| plain::button("Open", "small-button", "open-place", move || desk::go_to(&place)))}
                {plain::link("Details", details, "button small-button", "place-details")}
            </div>
            {link_line(&said)}
            {setup}
            <p class="muted small">"Copy here: "{copied}</p>
            {row.mirror.warning.as_deref().map(|w| plain::p("warn small", crate::words::sentence(w)))}
        </article>
    }
    .into_any()
}

/// The link's state with its reason.
pub fn link_line(said: &link::Said) -> AnyView {
    let tone = match said.light {
        Light::Red => "bad",
        Light::Amber => "warn",
        Light::Green | Light::Blue | Light::Grey => "",
    };
    let next = said.next.clone().map(|next| plain::span("muted small", next));
    view! {
        <p class="link-line"><b class=tone data-testid="link-state">{said.word.clone()}</b>
            {said.why.clone().map(|why| plain::span("small", why))}
            {next}
        </p>
    }
    .into_any()
}

fn setup_line(place: &str, said: &link::Said) -> AnyView {
    let see = plain::link("See it", at("setup", place).hash(), "small", "see-setup");
    view! {
        <p class="link-line" data-testid="setup-state" data-setup=said.slug>
            {show::light(said.light)}<b>{said.word.clone()}</b>
            {said.why.clone().map(|why| plain::span("small", why))}
            {said.next.clone().map(|next| plain::span("muted small", next))}
            {see}
        </p>
    }
    .into_any()
}

/// What one may do about the link.
pub fn link_actions(app: App, row: &PlaceRow) -> AnyView {
    let (one, other) = (row.place.clone(), row.place.clone());
    let connect = move || tell(app, DeskRequest::Connect { place: one.clone() }, move |_| app.desk.look());
    let leave = move || tell(app, DeskRequest::Disconnect { place: other.clone() }, move |_| app.desk.look());
    match &row.link {
        Link::Off => plain::button("Connect", "small-button", "connect", connect),
        Link::Lost { .. } => view! {
            {plain::button("Try now", "small-button", "connect", connect)}
            {plain::button("Disconnect", "small-button", "disconnect", leave)}
        }
        .into_any(),
        Link::Refused { host_key: None, .. } => {
            plain::button("Try again", "small-button", "connect", connect)
        }
        Link::Refused { host_key: Some(_), .. } => ().into_any(),
        Link::Connecting { .. } | Link::Up { .. } => {
            plain::button("Disconnect", "small-button", "disconnect", leave)
        }
    }
}

/// Where its set-up is watched, while there is something to watch.
pub fn at_work(row: &PlaceRow) -> Option<Route> {
    match row.setup {
        Some(SetupState::Running { .. } | SetupState::Unfinished { .. } | SetupState::Blocked { .. }) => {
            Some(at("setup", &row.place))
        }
        Some(SetupState::Never | SetupState::Done { .. }) | None => None,
    }
}
