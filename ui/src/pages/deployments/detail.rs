//! One row of the table, opened: all that is known of it.

use super::{Rows, agent_cell, model, rating};
use crate::app::{App, Load, Views, memo, part, read};
use crate::backend::Answer;
use crate::parts::blob::Picture;
use crate::parts::plain::{self, fact};
use crate::parts::stars::Stars;
use crate::parts::time::ago;
use crate::parts::{attempt, states};
use crate::words::route::{Route, View};
use crate::words::{counted, figures, sentence, stages, time};
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::AgentShare;
use protocol::view::{DeploymentRow, RequestView};

#[component]
pub fn Detail(rows: Rows) -> impl IntoView {
    let app = App::here();
    let row = memo(move || {
        let open = app.route.look(|r| r.open.clone())?;
        rows.look(|rows| rows.iter().find(|r| r.deployment.as_str() == open).cloned())
    });
    let id = memo(move || row.look(|r| r.as_ref().map(|r| r.deployment.clone())));
    part(move || {
        id.get()?;
        let row = row.get_untracked()?;
        Some(view! { <Drawer row=row rows=rows/> })
    })
}

#[component]
fn Drawer(row: DeploymentRow, rows: Rows) -> impl IntoView {
    let app = App::here();
    let request = row.request.clone();
    let home = Route::open(View::Home, request.to_string()).hash();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Show { request: request.clone() })
    });
    let close = move |_| app.go(Route::to(View::Deployments));
    let (word, label) = stages::outcome_word(row.outcome);
    let button = NodeRef::<leptos::html::Button>::new();
    crate::app::effect(move || {
        if let Some(button) = button.get() {
            let _ = button.focus();
        }
    });
    let body = part(move || match load.get() {
        Load::Loading => states::loading(5),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Show(view)) => story(app, *view),
        Load::Ready(_) => ().into_any(),
    });
    let text = row.text.clone().unwrap_or_else(|| "The text was forgotten.".to_owned());
    view! {
        <div class="drawer-veil" on:click=close></div>
        <aside class="drawer" role="dialog" aria-label="Deployment" data-testid="deployment-detail">
            <header>
                <span class="badge" data-status=word>{label}</span>
                <Stars deployment=row.deployment.clone() rating=rating(rows, &row)/>
                <span class="grow"></span>
                <a class="small" href=home>"Show in the loop"</a>
                <button class="quiet" node_ref=button aria-label="Close" title="Close (Esc)" on:click=close>"✕"</button>
            </header>
            <div class="drawer-body">
                <p class="quote" dir="auto">{text}</p>
                {figures_of(app, &row)}
                {body}
            </div>
        </aside>
    }
}

fn figures_of(app: App, row: &DeploymentRow) -> AnyView {
    let cost = figures::cost(&row.cost, row.practice);
    let tokens = if row.practice && figures::no_tokens(&row.usage) {
        fact("Tokens", "none".into_any())
    } else {
        figures::token_classes(&row.usage)
            .map(|(name, n)| fact(figures::class_name(name), plain::span("figure", figures::tokens(n))))
            .into_iter()
            .views()
            .into_any()
    };
    let site = row.url.clone().map(|url| {
        view! { <a href=url.clone() target="_blank" rel="noopener">{url.clone()}" ↗"</a> }.into_any()
    });
    let commit = row.commit.as_ref().map_or("none".to_owned(), |c| c.to_string());
    view! {
        <dl class="facts card card-body">
            {fact("Why it ended so", sentence(&row.summary).into_any())}
            {fact("Site", site.unwrap_or_else(|| "none".into_any()))}
            {fact("Created", ago(app, row.created).into_any())}
            {fact("Duration, waiting included", time::duration(row.duration_ms).into_any())}
            {fact("Step", row.step.map_or("none".to_owned(), |n| n.to_string()).into_any())}
            {fact("Commit", view! { <code title=commit.clone()>{figures::commit(&commit)}</code> }.into_any())}
            {fact("Agent", agent_cell(app, row))}
            {fact("Model", model(row).into_any())}
            {tokens}
            {fact("Cost", plain::span("", format!("{} ({})", cost.figure, cost.found)))}
            {fact("Paid", plain::span("", cost.paid.unwrap_or("not known")))}
        </dl>
        {shares(app, row)}
    }
    .into_any()
}

/// What each agent did of it, where more than one worked at it.
fn shares(app: App, row: &DeploymentRow) -> Option<AnyView> {
    if row.by_agent.is_empty() {
        return None;
    }
    let line = |share: &AgentShare| {
        view! {
            <tr data-testid="share">
                <td>{app.agent_title(&share.agent)}</td>
                <td>{counted(u64::from(share.attempts), "attempt", "attempts")}</td>
                <td>{share.model.clone().unwrap_or_else(|| "model unknown".to_owned())}</td>
                <td title=figures::tokens_in_words(&share.usage, false)>{figures::tokens_in_cell(&share.usage, false)}</td>
            </tr>
        }
    };
    let lines = row.by_agent.iter().map(line).views();
    let table = view! {
        <h2>"By agent"</h2>
        <div class="card card-body"><table class="parts"><tbody>{lines}</tbody></table></div>
    };
    Some(table.into_any())
}

fn story(app: App, view: RequestView) -> AnyView {
    let shots: Vec<_> = view
        .attempts
        .iter()
        .flat_map(|a| a.checkpoints.iter())
        .filter_map(|c| c.screenshot.clone().map(|blob| (blob, c.number, c.says.clone())))
        .collect();
    let recalled: Vec<_> = view.recalled.clone();
    let tasks = view.tasks;
    let whole = view.attempts.into_iter().map(|a| {
        let part = attempt::part_of(&tasks, &a);
        attempt::whole(app, a, part)
    });
    view! {
        <h2>"Attempts"</h2>
        {whole.views()}
        <h2>"Recalled notes"</h2>
        {if recalled.is_empty() {
            view! { <p class="muted">"Nothing in memory matched."</p> }.into_any()
        } else {
            let notes = recalled.into_iter().map(|r| {
                let href = Route::open(View::Memory, r.note.to_string()).hash();
                view! { <li class="item"><a href=href>{r.note.to_string()}</a><span class="muted small">{sentence(&r.why)}</span></li> }
            });
            view! { <ul class="card items">{notes.views()}</ul> }.into_any()
        }}
        <h2>"Screenshots"</h2>
        {if shots.is_empty() {
            view! { <p class="muted">"None was taken."</p> }.into_any()
        } else {
            let pictures = shots.into_iter().map(|(blob, n, says)| view! {
                <figure><Picture blob=blob says=says.clone()/><figcaption class="muted small">{format!("{n}: {says}")}</figcaption></figure>
            });
            view! { <div class="shots">{pictures.views()}</div> }.into_any()
        }}
    }
    .into_any()
}
