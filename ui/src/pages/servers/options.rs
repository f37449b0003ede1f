//! What one may choose before the plan: agents, the first project, swap, updates, the firewall.

use super::meet::Meet;
use crate::app::desk::{Got, ask};
use crate::app::{RwSignal, STARTERS, Views, part};
use crate::parts::plain::{self, changed};
use crate::words::servers::health;
use crate::words::servers::plan::firewall;
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest, HERE};
use protocol::setup::{Found, Wish};
use protocol::view::AgentRow;
use protocol::{Request, Response};

/// What is chosen before anybody chose.
pub fn first() -> Wish {
    let starter = STARTERS.first().map(|(id, ..)| (*id).to_owned());
    Wish { project: Some("First project".to_owned()), starter, ..Wish::default() }
}

pub fn form(meet: Meet, found: &Found) -> AnyView {
    let says = firewall(Some(found));
    view! {
        <section class="card card-body options" data-testid="options" aria-label="What you may choose">
            <h2>"Your choices"</h2>
            {agents(meet)}
            {project(meet)}
            {domain(meet)}
            <fieldset class="choices">
                <legend>"The system"</legend>
                {tick(meet, "swap", "A swap file where memory is short".into(), "Nothing is done where there is enough.".into(), |w| w.swap, |w, on| w.swap = on)}
                {tick(meet, "security-updates", "Security updates install themselves".into(), "The system's own way, turned on where it is off.".into(), |w| w.security_updates, |w, on| w.security_updates = on)}
                {tick(meet, "firewall", "A firewall on the server".into(), says, |w| w.firewall, |w, on| w.firewall = on)}
            </fieldset>
        </section>
    }
    .into_any()
}

fn tick(
    meet: Meet,
    testid: &'static str,
    title: String,
    says: String,
    now: fn(&Wish) -> bool,
    set: fn(&mut Wish, bool),
) -> AnyView {
    let change = changed(move |event| {
        let on = event_target_checked(&event);
        meet.wish(move |wish| set(wish, on));
    });
    view! {
        <label class="choice">
            <input type="checkbox" data-testid=testid prop:checked=move || meet.wish.look(now) on:change=change/>
            <span>{title}<br/><span class="muted small">{says}</span></span>
        </label>
    }
    .into_any()
}

/// The agents that the program on this computer knows are those that a server can have.
fn agents(meet: Meet) -> AnyView {
    let got = ask(meet.app, move || {
        Some(DeskRequest::Loop { place: HERE.to_owned(), request: Request::Agents { fresh: false } })
    });
    let list = part(move || match got.get() {
        Got::Loading => plain::p("muted small", "Reading which agents there are…"),
        Got::Failed(_) => plain::p(
            "muted small",
            "Which agents there are cannot be read now. They can be installed later, on the page Agents.",
        ),
        Got::Ready(DeskAnswer::Loop { response: Response::Agents { rows }, .. }) => {
            let rows = rows.into_iter().filter(|row| !row.readiness.is_practice());
            rows.map(|row| agent(meet, row)).views().into_any()
        }
        Got::Ready(_) => ().into_any(),
    });
    view! {
        <fieldset class="choices" data-testid="agents">
            <legend>"Agents to install now"</legend>
            {list}
            {plain::p("muted small", "One that you have an account for is enough. Others can be added at any time.")}
        </fieldset>
    }
    .into_any()
}

fn agent(meet: Meet, row: AgentRow) -> AnyView {
    let (id, own) = (row.agent.clone(), row.agent.clone());
    let change = changed(move |event| {
        let (on, id) = (event_target_checked(&event), id.clone());
        meet.wish(move |wish| {
            wish.agents.retain(|agent| *agent != id);
            if on {
                wish.agents.push(id);
            }
        });
    });
    let there = move || meet.wish.look(|wish| wish.agents.contains(&own));
    view! {
        <label class="tick"><input type="checkbox" data-testid="wish-agent" data-agent=row.agent.to_string() prop:checked=there on:change=change/><span>{row.title}</span></label>
    }
    .into_any()
}

fn project(meet: Meet) -> AnyView {
    let name = RwSignal::new(meet.wish.with_untracked(|w| w.project.clone()).unwrap_or_default());
    let named = changed(move |_| {
        let name = Some(name.get_untracked().trim().to_owned()).filter(|name| !name.is_empty());
        meet.wish(move |wish| wish.project = name);
    });
    let starters = STARTERS
        .into_iter()
        .map(|(id, title, says)| {
            let chosen = move || meet.wish.look(|wish| wish.starter.as_deref() == Some(id));
            view! {
                <label class="choice">
                    <input type="radio" name="wish-starter" data-testid=format!("starter-{id}") prop:checked=chosen on:change=changed(move |_| meet.wish(|wish| wish.starter = Some(id.to_owned())))/>
                    <span>{title}<br/><span class="muted small">{says}</span></span>
                </label>
            }
        })
        .views();
    view! {
        <fieldset class="choices">
            <legend>"First project"</legend>
            <label class="field"><span>"Name; empty makes none"</span>
                <input autocomplete="off" data-testid="wish-project" prop:value=name.shown() on:input=plain::typed(name) on:change=named/>
            </label>
            {starters}
        </fieldset>
    }
    .into_any()
}

fn domain(meet: Meet) -> AnyView {
    let name = RwSignal::new(meet.wish.with_untracked(|w| w.domain.clone()).unwrap_or_default());
    let named = changed(move |_| {
        let name = Some(name.get_untracked().trim().to_owned()).filter(|name| !name.is_empty());
        meet.wish(move |wish| wish.domain = name);
    });
    view! {
        <fieldset class="choices">
            <legend>"A domain of your own"</legend>
            <label class="field"><span>"Empty for now: the site answers at the server's address"</span>
                <input autocomplete="off" spellcheck="false" placeholder="bakery.example" data-testid="wish-domain" prop:value=name.shown() on:input=plain::typed(name) on:change=named/>
            </label>
            {tick(meet, "terms", health::CERTIFICATE.into(), health::TERMS.into(), |w| w.terms, |w, on| w.terms = on)}
        </fieldset>
    }
    .into_any()
}
