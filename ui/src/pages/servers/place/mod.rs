//! One workspace's own page: how it is reached, how it does, what stands open to the outside, and its upkeep.

mod domain;
mod health;
mod upkeep;

use super::{at, changed, list, show};
use crate::app::desk::Got;
use crate::app::{App, Memo, memo, part};
use crate::backend::desk;
use crate::parts::plain;
use crate::parts::states;
use crate::words::servers::{link, sign_in};
use leptos::prelude::*;
use protocol::desk::{HERE, Link, PlaceRow};

type Row = Memo<Option<PlaceRow>>;

pub fn page(app: App, place: &str) -> AnyView {
    let id = StoredValue::new(place.to_owned());
    let row: Row = memo(move || app.desk.row(&id.get_value()));
    let shape = memo(move || match row.get() {
        None => match app.desk.places.get() {
            Got::Loading => Shape::Loading,
            Got::Failed(why) => Shape::Failed(why),
            Got::Ready(_) => Shape::Gone,
        },
        Some(PlaceRow { link: Link::Refused { host_key: Some(_), .. }, .. }) => Shape::Stop,
        Some(_) if id.with_value(|id| id == HERE) => Shape::Here,
        Some(_) => Shape::Full,
    });
    let body = part(move || {
        match shape.get() {
        Shape::Loading => states::loading(5),
        Shape::Failed(why) => states::failed(&why),
        Shape::Gone => states::empty(
            "This server is not known here",
            "It was forgotten, or never set up from this computer. All that are known stand under Servers.",
        ),
        Shape::Stop => stopped(app, row),
        Shape::Here => head(app, row),
        Shape::Full => {
            view! { {head(app, row)}{health::health(app, row)}{domain::domains(app, row)}{health::exposure(app, row)}{upkeep::upkeep(app, row)} }.into_any()
        }
    }
    });
    view! { <div class="sheet narrow" data-testid="place-page">{body}</div> }.into_any()
}

#[derive(Clone, PartialEq)]
enum Shape {
    Loading,
    Failed(protocol::ApiError),
    Gone,
    Stop,
    Here,
    Full,
}

fn stopped(app: App, row: Row) -> AnyView {
    match row.get_untracked() {
        Some(PlaceRow { place, name, target, link: Link::Refused { host_key: Some(key), .. }, .. }) => {
            changed::stop(app, place, name, target.as_ref(), &key)
        }
        _ => ().into_any(),
    }
}

fn head(app: App, row: Row) -> AnyView {
    let name = move || row.look(|row| row.as_ref().map(|row| row.name.clone()));
    let shown = part(move || row.get().map(|row| reached(app, &row)));
    let open = part(move || {
        let row = row.get()?;
        let (place, current) = (row.place.clone(), row.place == desk::place());
        Some(if current {
            plain::span("badge", "open now")
        } else {
            plain::button("Open this workspace", "primary", "open-place", move || desk::go_to(&place))
        })
    });
    view! {
        <header class="sheet-head">
            <h1>{name}</h1>
            <span class="grow"></span>
            {open}
        </header>
        <section class="card card-body" data-testid="reached">{shown}</section>
    }
    .into_any()
}

/// How it is reached, and how new its copy here is.
fn reached(app: App, row: &PlaceRow) -> AnyView {
    let now = app.now.get();
    let said = link::link(&row.link, now, app.zone);
    let slug = said.slug;
    let target = row
        .target
        .as_ref()
        .map(|target| plain::fact("Address", plain::span("clip-any", sign_in::said(target))));
    let jump = row
        .target
        .as_ref()
        .and_then(|t| t.jump.as_deref())
        .map(|jump| plain::fact("Through", plain::span("clip-any", sign_in::said(jump))));
    let version = row.version.clone().unwrap_or_else(|| "unknown".to_owned());
    let copied = link::mirror(&row.mirror, link::is_up(row), now, app.zone);
    let at_work = list::at_work(row).zip(row.setup.as_ref().and_then(link::setup)).map(|(route, said)| {
        view! { <p class="link-line">{show::light(said.light)}<b>{said.word}</b>{plain::link("See it", route.hash(), "", "see-setup")}</p> }
    });
    let last = row.setup.as_ref().filter(|_| row.place != HERE).map(|_| {
        plain::fact(
            "Set-up",
            plain::link("Steps and log of the last one", at("setup", &row.place).hash(), "", "last-setup"),
        )
    });
    let actions = (row.place != HERE).then(|| list::link_actions(app, row));
    view! {
        <div data-testid="link" data-link=slug class="link-head">{show::light(said.light)}{list::link_line(&said)}<span class="grow"></span><span class="actions">{actions}</span></div>
        {at_work}
        <dl class="facts">
            {target}{jump}
            {plain::fact("Version", plain::span("", version))}
            {plain::fact("Copy on this computer", plain::span("", copied))}
            {last}
        </dl>
        {row.mirror.warning.as_deref().map(|w| plain::p("warn", crate::words::sentence(w)))}
    }
    .into_any()
}
