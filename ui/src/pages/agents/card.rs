//! One agent: its state and what to do, then what is proven, who pays, what runs, and its bridge.

use super::job::Installed;
use super::{account, job, ladder, look_again};
use crate::app::{App, Load, RwSignal};
use crate::parts::attempt::practice_badge;
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::agents::{self, Known, Step};
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::id::AgentId;
use protocol::view::{AgentNow, AgentRow, BridgeView, JobState};

pub fn card(app: App, row: AgentRow, load: RwSignal<Load>) -> AnyView {
    let known = agents::known(&row.readiness, app.now.get_untracked(), app.zone);
    let now = row.now.clone();
    let pinned = now.as_ref().and_then(|n| n.pinned.clone());
    let here = match &known.version {
        None => Installed::No,
        Some(_) if known.version == pinned => Installed::Tested,
        Some(_) => Installed::Another,
    };
    let works = now.as_ref().and_then(|n| n.job.as_ref()).is_some_and(|j| j.state == JobState::Running);
    // The practice agent has no account that anything could be said of.
    let more = now.filter(|_| !row.readiness.is_practice()).map(|now| known_of(app, &row, *now, here));
    let record = agents::record(&row);
    view! {
        <article class="card agent" data-testid="agent" data-agent=row.agent.to_string() data-readiness=known.slug>
            <h2>
                <i class=known.light.class()></i>
                {row.title.clone()}
                {row.readiness.is_practice().then(practice_badge)}
            </h2>
            <p><b class="state" data-testid="readiness">{known.state}</b>" "{version(known.version.clone(), pinned)}</p>
            {plain::p("muted", known.means.clone())}
            {(!works).then(|| step(app, &row.agent, &known, load))}
            {more}
            <p class="muted small">{record}{row.probed.map(|at| view! { " · looked at "{ago(app, at)} })}</p>
        </article>
    }
    .into_any()
}

/// The version that is there, and the tested one where that is another.
fn version(installed: Option<String>, pinned: Option<String>) -> AnyView {
    match (installed, pinned) {
        (Some(here), Some(tested)) if here == tested => {
            plain::span("muted small", format!("{here}, the tested version"))
        }
        (Some(here), Some(tested)) => plain::span("small warn", format!("{here}; tested with {tested}")),
        (Some(here), None) => plain::span("muted small", here),
        (None, Some(tested)) => plain::span("muted small", format!("tested with {tested}")),
        (None, None) => ().into_any(),
    }
}

/// The cause is said above; here is the one action.
fn step(app: App, agent: &AgentId, known: &Known, load: RwSignal<Load>) -> AnyView {
    let said = known.next.clone().map(|next| plain::span("", next));
    let id = agent.clone();
    let action = match known.step {
        Step::Install => {
            Some(plain::button("Install", "primary small-button", "install", move || install(app, &id)))
        }
        Step::SignIn => {
            Some(plain::link("Sign in", sign_in_at(&id), "button primary small-button", "sign-in"))
        }
        Step::LookAgain => Some(plain::button("Look again", "small-button", "look", move || {
            leptos::task::spawn_local(look_again(app, load));
        })),
        Step::None => None,
    };
    if said.is_none() && action.is_none() {
        return ().into_any();
    }
    view! { <div class="next" data-testid="next">{said}{action}</div> }.into_any()
}

pub fn sign_in_at(agent: &AgentId) -> String {
    Route::open(View::Agents, agent.to_string()).hash()
}

pub fn install(app: App, agent: &AgentId) {
    app.act(Request::InstallAgent { agent: agent.clone() }, "Installing it.", |_| {});
}

fn known_of(app: App, row: &AgentRow, now: AgentNow, here: Installed) -> AnyView {
    let runs = format!("{} of at most {} at once", now.running, now.cap);
    let bridge = now.bridge.clone().map(|bridge| self::bridge(&bridge));
    view! {
        {ladder::ladder(app, now.ladder.clone())}
        <dl class="facts">
            {account::account(app, row, &now)}
            {plain::fact("Runs on this account now", plain::span("", runs))}
        </dl>
        {job::job(app, &row.agent, now.job.clone(), here)}
        {bridge}
    }
    .into_any()
}

/// Drawn apart from the account: the one says nothing of the other.
fn bridge(bridge: &BridgeView) -> AnyView {
    let (mark, said) = if bridge.up { ("up", "Bridge is up") } else { ("down", "Bridge is down") };
    let text =
        if bridge.up { "not the same as signed in".to_owned() } else { crate::words::sentence(&bridge.says) };
    view! {
        <p class="bridge small" data-testid="bridge" data-up=mark>
            <b>{said}</b>
            {plain::span("muted", text)}
            {plain::link("Bridges", Route::to(View::Bridges).hash(), "", "bridges-link")}
        </p>
    }
    .into_any()
}
