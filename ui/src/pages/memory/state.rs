//! How the memory stands: its sizes, what recalls cost against the whole, the embedding model, enrichment, and the address
//! for other programs.

use super::note::facts;
use crate::app::{App, Load, Views, memo, part, read};
use crate::backend::Answer;
use crate::parts::copy::copy;
use crate::parts::plain;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::route::{Route, View};
use crate::words::{figures, memory, sentence};
use leptos::prelude::*;
use protocol::Request;
use protocol::view::{MemoryView, MeterRow, ModelChoice};

pub fn page(app: App) -> AnyView {
    // What is fetched says so live: the same head again is a reason to look.
    let load = read(app, move || {
        app.head.track();
        Some(Request::Memory { project: app.active() })
    });
    let view = memo(move || match load.get() {
        Load::Ready(Answer::Memory(view)) => Ok(*view),
        Load::Failed(why) => Err(Some(why)),
        _ => Err(None),
    });
    part(move || match view.get() {
        Err(None) => states::loading(5),
        Err(Some(why)) => states::failed(&why),
        Ok(view) => whole(app, &view),
    })
    .into_any()
}

fn whole(app: App, view: &MemoryView) -> AnyView {
    view! {
        <div class="two even" data-testid="memory-state">
            {card("What it holds", facts(memory::sizes(view)))}
            {card("Told of the whole", meter(app, &view.meter))}
            {card("Embedding model", model(app, view))}
            {card("Enrichment", enrichment(view))}
            {card("For other programs", address(app, view))}
        </div>
    }
    .into_any()
}

fn card(title: &'static str, body: AnyView) -> AnyView {
    view! { <section class="card card-body"><h2>{title}</h2>{body}</section> }.into_any()
}

fn meter(app: App, rows: &[MeterRow]) -> AnyView {
    if rows.is_empty() {
        return plain::p(
            "muted",
            "No request has recalled anything yet. Each one then has a bar here: what it was told against the whole memory.",
        );
    }
    let most = rows.iter().map(|r| r.of_tokens).max().unwrap_or(1).max(1);
    let one = |row: &MeterRow| {
        let href = Route::open(View::Home, row.request.to_string()).hash();
        let share = memory::share(row.tokens, row.of_tokens);
        let figure = format!(
            "≈ {} of {} tokens, {share}",
            figures::grouped(row.tokens),
            figures::grouped(row.of_tokens)
        );
        // What was told is never so little that it cannot be seen.
        let wide = |tokens: u64| (tokens.saturating_mul(400) / most).max(2).to_string();
        view! {
            <li data-testid="meter-row">
                <a class="code clip" href=href>{row.request.to_string()}</a>
                <svg viewBox="0 0 400 8" preserveAspectRatio="none" role="img" aria-label=figure.clone()>
                    <rect class="whole" width=wide(row.of_tokens) height="8"/>
                    <rect class="told" width=wide(row.tokens) height="8"/>
                </svg>
                <span class="small figure">{figure}</span>
                <span class="muted small figure">{ago(app, row.at)}</span>
            </li>
        }
    };
    view! { <ul class="meter">{rows.iter().take(12).map(one).views()}</ul> }.into_any()
}

fn model(app: App, view: &MemoryView) -> AnyView {
    let here = view.model.name.clone();
    let class = if view.model.failed { "say bad" } else { "muted small" };
    let says = view.model.says.as_deref().map(|says| plain::p(class, sentence(says)));
    let none = ModelChoice {
        name: "none".to_owned(),
        what: "Words and graph alone: nothing to fetch, nothing in the working memory.".to_owned(),
        fetch_bytes: 0,
        disk_bytes: 0,
        here: true,
    };
    let choices = view.models.iter().cloned().chain([none]).map(|m| choice(app, here.as_deref(), m)).views();
    view! {
        <p data-testid="model-now">{crate::words::ended(&memory::model(&view.model))}</p>
        {says.map(|s| view! { <div role="status" data-testid="model-says">{s}</div> })}
        <ul class="lines">{choices}</ul>
    }
    .into_any()
}

fn choice(app: App, now: Option<&str>, model: ModelChoice) -> AnyView {
    let used = now.unwrap_or("none") == model.name;
    let size = match (model.fetch_bytes, model.here) {
        (0, _) => None,
        (_, true) => Some(format!("{}, is here", figures::bytes(model.disk_bytes))),
        (bytes, false) => Some(format!("{} to fetch", figures::bytes(bytes))),
    };
    let act = if used {
        plain::span("badge", "in use")
    } else {
        let name = model.name.clone();
        plain::button("Use", "small-button", "use-model", move || {
            app.act(Request::UseModel { model: name.clone() }, "", |_| {});
        })
    };
    let id = model.name.clone();
    view! {
        <li class="item-head" data-testid="model" data-model=id>
            <b>{model.name}</b>{act}<span class="muted small">{size}</span>
            <span class="small whole-line">{model.what}</span>
        </li>
    }
    .into_any()
}

fn enrichment(view: &MemoryView) -> AnyView {
    let failed = view.enrichment.failed.as_deref().map(|why| plain::p("say bad", sentence(why)));
    view! {
        <p data-testid="enrichment">{sentence(&memory::enrichment(&view.enrichment))}</p>
        {failed}
        {plain::p("muted small", "A model or an agent may read more entities and relations out of the notes, within a budget. It is set under memory.enrich in the settings.")}
    }
    .into_any()
}

fn address(app: App, view: &MemoryView) -> AnyView {
    let why = view.address_why.as_deref().map(|why| plain::p("say", sentence(why)));
    let elsewhere = view.elsewhere.as_deref().map(|url| {
        let said = format!("The loop uses the LightRAG server at {url} in place of this memory.");
        plain::p("say", said)
    });
    let here = view.address.clone().map(|url| {
        view! { <div class="code-line"><code class="clip-any" data-testid="memory-address">{url.clone()}</code>{copy(app, url)}</div> }
    });
    view! {
        {here}{why}{elsewhere}
        {plain::p("muted small", "Clients of LightRAG speak to this address with the key of this memory; agents and editors reach it by MCP, see Bridges.")}
    }
    .into_any()
}
