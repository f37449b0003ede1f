//! Work that is done side by side: a lane for each part, and the ranking of agents that race.

use crate::app::{App, Memo, Views, memo, part};
use crate::parts::plain;
use crate::words::lanes::{self, Lane, Race, Racer};
use crate::words::{figures, sentence, time};
use leptos::prelude::*;
use protocol::Request;
use protocol::id::RequestId;
use protocol::view::RequestView;

pub fn lanes(app: App, focus: Memo<Option<RequestView>>) -> AnyView {
    let all = memo(move || {
        focus
            .look(|v| v.as_ref().map(|v| (v.row.request.clone(), lanes::lanes(v))))
            .filter(|(_, l)| !l.is_empty())
    });
    let shown = part(move || {
        all.get().map(|(request, lanes)| {
            let many = lanes.len() > 1;
            let lanes = lanes.into_iter().map(|l| lane(app, &request, l, many)).views();
            view! { <div class="lanes" data-testid="lanes">{lanes}</div> }
        })
    });
    view! { {shown} }.into_any()
}

fn lane(app: App, request: &RequestId, lane: Lane, many: bool) -> AnyView {
    let (word, label) = lane.status;
    let name = if many { format!("Part {}", lane.number) } else { "Race".to_owned() };
    let agents: Vec<String> = lane.agents.iter().map(|a| app.agent_title(a)).collect();
    let agents = if agents.is_empty() { "no agent yet".to_owned() } else { crate::words::listed(&agents) };
    view! {
        <section class="lane" data-testid="lane" data-status=word>
            <p class="item-head">
                <b>{name}</b>
                {plain::span("badge-word", agents)}
                <span class="grow"></span>
                <span class="badge" data-status=word>{label}</span>
            </p>
            {lane.title.map(|title| plain::p("lane-title", title))}
            {plain::p("muted small", sentence(&lane.now))}
            {lane.race.map(|r| race(app, request, r))}
        </section>
    }
    .into_any()
}

fn race(app: App, request: &RequestId, race: Race) -> AnyView {
    let racers = race.racers.into_iter().map(|r| racer(app, request, r)).views();
    view! {
        <ol class="racers">{racers}</ol>
        {race.why.map(|why| plain::p("muted small", sentence(&why)))}
    }
    .into_any()
}

fn racer(app: App, request: &RequestId, racer: Racer) -> AnyView {
    let place = racer.place.map_or("–".to_owned(), |n| format!("{n}."));
    let (word, mark) = match (racer.passed, racer.runs) {
        (Some(true), _) => ("passed", "✓ checks passed"),
        (Some(false), _) => ("failed", "✕ checks failed"),
        (None, true) => ("running", "runs"),
        (None, false) => ("finished", "not judged yet"),
    };
    let size = racer.diff.as_ref().map(figures::diffstat).unwrap_or_default();
    let took = racer.duration_ms.map(time::duration).unwrap_or_default();
    let (request, attempt) = (request.clone(), racer.attempt.clone());
    let pick = (racer.open && !racer.winner).then(|| {
        plain::button("Pick", "small-button", "pick", move || {
            let request = Request::Pick { request: request.clone(), attempt: attempt.clone() };
            app.act(request, "This one is taken.", |_| {});
        })
    });
    let won = racer.winner.then(|| view! { <span class="badge" data-status="live">"taken"</span> });
    view! {
        <li data-testid="racer" data-agent=racer.agent.to_string() data-state=word class:winner=racer.winner>
            <b class="figure">{place}</b>
            <span>{app.agent_title(&racer.agent)}</span>
            {plain::span("small racer-state", mark)}
            {plain::span("muted small figure", size)}
            {plain::span("muted small figure", took)}
            <span class="grow"></span>
            {won}{pick}
        </li>
    }
    .into_any()
}
