//! One attempt: who, why, how long, its checks, its brief, what it printed.

use super::blob::{DiffOf, TextOf};
use super::knew;
use super::transcript::Transcript;
use crate::app::{App, RwSignal, Views};
use crate::parts::plain::{self, changed};
use crate::words::{self, figures, reply, time};
use leptos::prelude::*;
use protocol::fact::CheckResult;
use protocol::view::{AttemptView, CheckView, TaskView};

/// An attempt's head line: its part of the request, its number, agent, practice badge, time, and why this agent.
pub fn heading(app: App, view: &AttemptView, part: Option<u32>) -> AnyView {
    let (started, finished) = (view.started, view.finished.clone());
    let took = move || match (&finished, started) {
        (Some(f), _) => f.duration_ms.map_or_else(|| "duration unknown".to_owned(), time::duration),
        (None, Some(at)) => time::elapsed(app.now.get().since(at)),
        (None, None) => "not started".to_owned(),
    };
    let end = view.finished.as_ref().map(|f| words::sentence(&reply::run_end(&f.end)));
    let model = view.finished.as_ref().and_then(|f| f.model.clone());
    let part = part.map(|n| format!("Part {n}, attempt {}", view.number.max(1)));
    let name = part.unwrap_or_else(|| format!("Attempt {}", view.number.max(1)));
    let relay = view.goes_on.as_ref().map(|_| plain::span("badge", "goes on with another's work"));
    let version = view.version.clone().map(|version| plain::span("muted small", version));
    let cost = view
        .finished
        .as_ref()
        .filter(|_| view.cost.usd.is_some())
        .map(|_| figures::cost(&view.cost, view.practice));
    let cost = cost.map(|cost| view! { <span class="muted small figure" title=cost.found>{cost.figure}", "{cost.short}</span> });
    view! {
        <header class="attempt-head">
            <b>{name}</b>
            <span>{app.agent_title(&view.agent)}</span>
            {version}
            {relay}
            {view.practice.then(practice_badge)}
            {model.map(|m| view! { <span class="muted small">{m}</span> })}
            <span class="grow"></span>
            {cost}
            <span class="muted small figure">{took}</span>
        </header>
        <p class="muted small">{words::sentence(&view.why)}" "{end}</p>
    }
    .into_any()
}

/// Which part of the request an attempt works at, where there are several.
pub fn part_of(tasks: &[TaskView], view: &AttemptView) -> Option<u32> {
    let task = tasks.iter().find(|t| t.task == view.task).filter(|_| tasks.len() > 1);
    task.map(|t| t.number)
}

pub fn practice_badge() -> impl IntoView {
    view! { <span class="badge practice" title="Made by the practice agent: no real agent, no model">"practice"</span> }
}

/// Checks as a row of chips; a failed one opens its relevant lines, and each one its log.
pub fn checks(rows: Vec<CheckView>) -> impl IntoView {
    view! { <div class="checks">{rows.into_iter().map(check).views()}</div> }
}

fn check(row: CheckView) -> impl IntoView {
    let (state, mark) = match row.result {
        CheckResult::Passed => ("passed", "✓"),
        CheckResult::Failed { .. } => ("failed", "✕"),
    };
    let open = RwSignal::new(false);
    let log = row.log.clone();
    let chip = view! {
        <span class="chip" data-state=state>
            <span aria-hidden="true">{mark}</span>
            {format!("{} {state}", row.check.word())}
            <span class="muted figure">{time::duration(row.duration_ms)}</span>
        </span>
    };
    let body = match row.result {
        CheckResult::Passed => None,
        CheckResult::Failed { summary, lines } => Some(view! {
            <p class="say stumble">{words::sentence(&summary)}</p>
            {(!lines.is_empty()).then(|| view! { <pre class="text">{lines.join("\n")}</pre> })}
        }),
    };
    if body.is_none() && log.is_none() {
        return chip.into_any();
    }
    view! {
        <details class="check" on:toggle=changed(move |_| open.set(true))>
            <summary>{chip}</summary>
            {body}
            {log.map(|blob| view! {
                <Show when=move || open.get()><TextOf blob=blob.clone()/></Show>
            })}
        </details>
    }
    .into_any()
}

/// The brief: each part with its source and size, and the whole text on demand.
pub fn brief(view: &AttemptView) -> Option<impl IntoView + use<>> {
    let brief = view.brief.clone()?;
    let open = RwSignal::new(false);
    let total: u64 = view.parts.iter().map(|p| p.tokens).sum();
    let parts = view
        .parts
        .iter()
        .map(|p| {
            let size = format!("≈ {} tokens{}", figures::grouped(p.tokens), if p.cut { ", cut to fit" } else { "" });
            view! { <tr><td>{p.part.clone()}</td><td class="code">{p.source.clone()}</td><td class="figure">{size}</td></tr> }
        })
        .views();
    Some(view! {
        <details class="fold" data-testid="brief" on:toggle=changed(move |_| open.set(true))>
            <summary>
                "Brief "
                <span class="muted">{format!("{} · ≈ {} tokens", words::counted(view.parts.len() as u64, "part", "parts"), figures::grouped(total))}</span>
            </summary>
            <table class="parts"><tbody>{parts}</tbody></table>
            <Show when=move || open.get()><TextOf blob=brief.blob.clone()/></Show>
        </details>
    })
}

/// A fold whose content is only made once it was opened.
pub fn fold(
    title: &'static str,
    open_at_first: bool,
    content: impl Fn() -> AnyView + Send + Sync + 'static,
) -> impl IntoView {
    let opened = RwSignal::new(open_at_first);
    view! {
        <details class="fold" open=open_at_first on:toggle=changed(move |_| opened.set(true))>
            <summary>{title}</summary>
            {move || opened.get().then(&content)}
        </details>
    }
}

/// All of an attempt that ended, for the detail page.
pub fn whole(app: App, view: AttemptView, part: Option<u32>) -> AnyView {
    let (id, same) = (view.attempt.clone(), view.attempt.clone());
    let diagnosis = view.diagnosis.clone();
    view! {
        <article class="attempt">
            {heading(app, &view, part)}
            {checks(view.checks.clone())}
            {diagnosis.map(|d| view! {
                <div class="diagnosis">
                    <b>"Diagnosis"</b>
                    <p>{words::sentence(&format!("{}: {}", d.what, d.summary))}" "{words::sentence(&d.next)}</p>
                    {(!d.lines.is_empty()).then(|| view! { <pre class="text">{d.lines.join("\n")}</pre> })}
                </div>
            })}
            {brief(&view)}
            {knew::knew(app, view.attempt.clone())}
            {fold("Changes", false, move || view! { <DiffOf attempt=id.clone()/> }.into_any())}
            {fold("Transcript", false, move || {
                view! { <Transcript attempt=same.clone() /> }.into_any()
            })}
        </article>
    }
    .into_any()
}
