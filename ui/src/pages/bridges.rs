//! Bridges: each agent as an MCP server on this machine, and what a client needs to reach it.

use crate::app::{App, Load, RwSignal, Views, part, read};
use crate::backend::Answer;
use crate::parts::copy::copy;
use crate::parts::{plain, states};
use crate::words::mcp;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::BridgeView;

#[component]
pub fn Bridges() -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Bridges)
    });
    let body = part(move || match load.get() {
        Load::Loading => states::loading(5),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Bridges { rows, .. }) if rows.is_empty() => states::empty(
            "No bridge is set up",
            "Bridges are opened by the daemon: look at Doctor for what hinders it.",
        ),
        Load::Ready(Answer::Bridges { rows, token }) => bridges(app, rows, token),
        Load::Ready(_) => ().into_any(),
    });
    view! {
        <div class="sheet narrow">
            <header class="sheet-head">
                <h1>"Bridges"</h1>
                {plain::p("muted", "Any MCP client on this machine can give an agent work through these addresses, with the token. A bridge that is up says nothing of the agent's account: that stands under Agents.")}
            </header>
            {body}
        </div>
    }
}

fn bridges(app: App, rows: Vec<BridgeView>, token: String) -> AnyView {
    let agents = app.home_with(|h| h.agents.clone()).unwrap_or_default();
    let rows = mcp::named(rows, &agents);
    let config = mcp::config(&rows, &token);
    let masked = mcp::config(&rows, mcp::MASK);
    let shown = RwSignal::new(false);
    let secret = token.clone();
    let text = part(move || if shown.get() { secret.clone() } else { mcp::MASK.to_owned() });
    let (open, hidden) = (config.clone(), masked);
    let block = part(move || if shown.get() { open.clone() } else { hidden.clone() });
    let show = plain::clicked(Box::new(move || shown.update(|s| *s = !*s)));
    view! {
        <div class="card items">{rows.into_iter().map(|(name, row)| bridge(app, mcp::title(&name, &agents), row)).views()}</div>
        <section class="stack">
            <h2>"Token"</h2>
            <p class="code-line">
                <code class="clip-any" data-testid="bridge-token">{text}</code>
                <button class="small-button" data-testid="bridge-reveal" aria-pressed=move || shown.get().to_string() on:click=show>
                    {part(move || if shown.get() { "Hide" } else { "Show" })}
                </button>
                {copy(app, token)}
            </p>
            {plain::p("muted small", "Whoever has it can give your agents work. It is good on this machine only.")}
        </section>
        <section class="stack">
            <div class="item-head"><h2>"Configuration for an MCP client"</h2><span class="grow"></span>{copy(app, config)}</div>
            <pre class="text" tabindex="0" data-testid="bridge-config">{block}</pre>
        </section>
    }
    .into_any()
}

fn bridge(app: App, name: String, row: BridgeView) -> AnyView {
    let (word, light) = if row.up { ("up", "light blue") } else { ("down", "light grey") };
    view! {
        <div class="item" data-testid="bridge-row" data-up=word>
            <p class="item-head">
                <i class=light></i><b>{name}</b><span class="muted">{word}</span>
                <code class="clip-any">{row.url.clone()}</code>
                <span class="grow"></span>
                {copy(app, row.url)}
            </p>
            {plain::p("muted small", crate::words::sentence(&row.says))}
        </div>
    }
    .into_any()
}
