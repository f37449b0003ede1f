//! How a server does, as it says itself, and what this computer sees of it from outside.

use super::Row;
use crate::app::desk::{Got, ask};
use crate::app::{App, RwSignal, Views, memo, part};
use crate::backend::desk;
use crate::pages::servers::show;
use crate::parts::plain;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::servers::{health as words, link};
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest};
use protocol::setup::{Exposure, Health};

pub fn health(app: App, row: Row) -> AnyView {
    let asked = RwSignal::new(0u32);
    let up = memo(move || {
        row.look(|row| row.as_ref().filter(|row| link::is_up(row)).map(|row| row.place.clone()))
    });
    let got = ask(app, move || {
        asked.track();
        up.get().map(|place| DeskRequest::Health { place })
    });
    let shown = part(move || match got.get() {
        // What it did when it was last asked is not what it does now.
        _ if up.look(Option::is_none) => plain::p(
            "muted",
            "The server is not reached, so how it does now is unknown. Journal, memory and projects can be read from the copy on this computer.",
        ),
        Got::Loading => states::loading(4),
        Got::Failed(why) => states::failed(&why),
        Got::Ready(DeskAnswer::Health { health }) => figures_of(&health),
        Got::Ready(_) => ().into_any(),
    });
    let again = part(move || {
        up.look(Option::is_some).then(|| {
            plain::button("Look again", "small-button", "health-again", move || asked.update(|n| *n += 1))
        })
    });
    view! {
        <section class="card card-body" data-testid="health">
            <header class="item-head"><h2>"How it does"</h2><span class="grow"></span>{again}</header>
            {shown}
        </section>
    }
    .into_any()
}

fn figures_of(health: &Health) -> AnyView {
    let gauges = words::gauges(health)
        .into_iter()
        .map(|gauge| {
            let bar = gauge.percent.map(|percent| {
                let of = percent.min(100).to_string();
                view! { <meter min="0" max="100" value=of aria-label=gauge.name></meter><span class="figure small">{format!("{percent} %")}</span> }
            });
            view! { <div class="gauge" data-testid="gauge" data-light=gauge.light.class()><dt>{show::light(gauge.light)}{gauge.name}</dt><dd>{bar}<span class="small">{gauge.says}</span></dd></div> }
        })
        .views();
    view! {
        <dl class="gauges">{gauges}</dl>
        <h3>"Services"</h3>
        {show::lines("services", words::services(health))}
        <h3>"System"</h3>
        {show::lines("system", words::system(health))}
        {plain::p("muted small", words::listens(health))}
    }
    .into_any()
}

/// Trying the ports from here: asked for, since it is this computer that knocks.
pub fn exposure(app: App, row: Row) -> AnyView {
    let found = RwSignal::new(None::<Result<Exposure, protocol::ApiError>>);
    let busy = RwSignal::new(false);
    let try_it = plain::clicked(Box::new(move || {
        let Some(place) = row.look_untracked(|row| row.as_ref().map(|row| row.place.clone())) else { return };
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = desk::desk(DeskRequest::Expose { place }).await;
            let _ = busy.try_set(false);
            let result = match answer {
                Ok(DeskAnswer::Exposure { exposure }) => Ok(exposure),
                Ok(_) => return,
                Err(why) => Err(why),
            };
            let _ = found.try_set(Some(result));
        });
    }));
    let shown = part(move || match found.get() {
        None => plain::p(
            "muted",
            "Only SSH, 80 and 443 are meant to answer from outside. This computer tries the others, too, and shows what it got.",
        ),
        Some(Err(why)) => show::refused(&why),
        Some(Ok(exposure)) => tried(app, &exposure),
    });
    view! {
        <section class="card card-body" data-testid="exposure">
            <header class="item-head"><h2>"Seen from outside"</h2><span class="grow"></span>
                <button class="small-button" data-testid="expose" disabled=move || busy.get() on:click=try_it>
                    {move || if busy.get() { "Trying…" } else { "Try its ports from here" }}
                </button>
            </header>
            {shown}
        </section>
    }
    .into_any()
}

fn tried(app: App, exposure: &Exposure) -> AnyView {
    let (light, says) = words::exposure(exposure);
    let rows = exposure
        .tried
        .iter()
        .map(|tried| {
            let (light, says) = words::tried(tried);
            view! { <tr data-light=light.class()><td class="figure">{tried.port}</td><td>{tried.what.clone()}</td><td>{show::light(light)}" "{says}</td></tr> }
        })
        .views();
    view! {
        <p data-testid="exposure-result" data-light=light.class()>{show::light(light)}" "<b>{says}</b>" "<span class="muted small">{exposure.address.clone()}", "{ago(app, exposure.at)}</span></p>
        <div class="table-holder"><table><thead><tr><th>"Port"</th><th>"What would answer"</th><th>"What was seen"</th></tr></thead><tbody>{rows}</tbody></table></div>
    }
    .into_any()
}
