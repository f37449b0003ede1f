//! The live loop: where the request is, what happens now and why, what was tried and how it was checked.

use crate::app::{App, Memo, RwSignal, Views, each, memo, part};
use crate::parts::hand_over::hand_over;
use crate::parts::ring::{IDLE, Ring, Spot};
use crate::parts::transcript::Transcript;
use crate::parts::{attempt, knew, plain};
use crate::words::stages::{self, Mark};
use crate::words::{sentence, time};
use leptos::prelude::*;
use protocol::At;
use protocol::id::RequestId;
use protocol::view::{AttemptView, RequestView, StageView, Status};

type Focus = Memo<Option<RequestView>>;

#[component]
pub fn Live(focus: Focus) -> impl IntoView {
    let app = App::here();
    let any = memo(move || focus.look(Option::is_some));
    view! {
        <section class="pane live" aria-label="The live loop">
            <Head focus=focus/>
            <div class="pane-body">
                <Picture focus=focus/>
                <Show
                    when=move || any.get()
                    fallback=|| view! {
                        <p class="muted centred">"Seven stages, from your words to a live page. The next request starts with what this one taught."</p>
                    }
                >
                    <Now focus=focus/>
                    {super::lanes::lanes(app, focus)}
                    <StageList focus=focus/>
                    <Attempts focus=focus/>
                </Show>
            </div>
        </section>
    }
}

#[component]
fn Head(focus: Focus) -> impl IntoView {
    let app = App::here();
    let text = memo(move || {
        focus.look(|v| v.as_ref().map(|v| v.row.text.clone().unwrap_or_else(|| "(forgotten)".to_owned())))
    });
    let status = memo(move || focus.look(|v| v.as_ref().map(|v| stages::status_word(&v.row.status))));
    let pinned = move || app.route.look(|r| r.open.is_some());
    view! {
        <header class="pane-head">
            <h2>"Loop"</h2>
            <span class="muted clip" title=move || text.get()>{move || text.get()}</span>
            <span class="grow"></span>
            <Show when=pinned><a class="small" href="#/home">"Back to the current one"</a></Show>
            {move || status.get().map(|(word, label)| view! {
                <span class="badge" data-testid="request-status" data-status=word>{label}</span>
            })}
        </header>
    }
}

#[component]
fn Picture(focus: Focus) -> impl IntoView {
    let app = App::here();
    let spots = memo(move || {
        focus.look(|v| {
            v.as_ref().map_or(IDLE, |v| {
                stages::marks(v)
                    .map(|(_, mark, row)| Spot { mark, stumbled: row.is_some_and(|r| r.stumbled) })
            })
        })
    });
    let span = memo(move || focus.look(|v| v.as_ref().map(span)));
    let headline = memo(move || focus.look(|v| v.as_ref().map_or("Nothing asked yet".to_owned(), headline)));
    let below = memo(move || match span.get() {
        None => String::new(),
        Some((from, Some(to))) => time::duration(to.since(from)),
        Some((from, None)) => time::elapsed(app.now.get().since(from)),
    });
    view! { <Ring spots=spots headline=headline below=below/> }
}

/// From intake to the end, if there is one yet.
fn span(view: &RequestView) -> (protocol::At, Option<protocol::At>) {
    let from = view.row.created;
    if stages::is_open(&view.row.status) {
        return (from, None);
    }
    let end = match &view.deployment {
        Some(row) => Some(protocol::At(from.0.saturating_add_unsigned(row.duration_ms))),
        None => view.stages.iter().filter_map(|s| s.ended).max(),
    };
    (from, Some(end.unwrap_or(from)))
}

fn headline(view: &RequestView) -> String {
    match &view.row.status {
        Status::Running { stage } => stage.title().to_owned(),
        other => stages::status_word(other).1.to_owned(),
    }
}

#[component]
fn Now(focus: Focus) -> impl IntoView {
    let now = memo(move || {
        focus.look(|v| {
            v.as_ref().map(|v| {
                let said = match &v.row.status {
                    Status::Closed { why, .. } if v.now.trim().is_empty() => why,
                    _ => &v.now,
                };
                (sentence(said), stages::status_word(&v.row.status).0)
            })
        })
    });
    move || {
        now.get().map(|(text, word)| view! {
        <p class="now-line" data-testid="now" data-status=word aria-live="polite" dir="auto">{text}</p>
    })
    }
}

#[component]
fn StageList(focus: Focus) -> impl IntoView {
    let app = App::here();
    let rows = memo(move || focus.look(|v| v.as_ref().map(stages::marks)));
    view! {
        <ol class="stage-list">
            {move || rows.get().map(|rows| {
                rows.into_iter().map(|(stage, mark, row)| stage_line(app, stage.title(), mark, row)).views()
            })}
        </ol>
    }
}

fn stage_line(app: App, title: &'static str, mark: Mark, row: Option<StageView>) -> impl IntoView {
    let (started, ended) = row.as_ref().map_or((None, None), |r| (r.started, r.ended));
    let took = move || match (started, ended, mark) {
        (Some(from), Some(to), _) => time::duration(to.since(from)),
        (Some(from), None, Mark::Active) => time::elapsed(app.now.get().since(from)),
        _ => String::new(),
    };
    let says = row.as_ref().map(|r| sentence(&r.says)).unwrap_or_default();
    let stumbled = row.is_some_and(|r| r.stumbled);
    view! {
        <li data-state=mark.word()>
            <i class="stage-dot" aria-hidden="true"></i>
            <b>{title}{stumbled.then(|| view! { <span class="stumble-tag" title="It failed at least once on the way">" !"</span> })}</b>
            <span class="stage-says" dir="auto">{says}</span>
            <span class="muted figure">{took}</span>
        </li>
    }
}

#[component]
fn Attempts(focus: Focus) -> impl IntoView {
    let ids = memo(move || {
        focus.look(|v| {
            v.as_ref()
                .map(|v| v.attempts.iter().map(|a| a.attempt.clone()).rev().collect::<Vec<_>>())
                .unwrap_or_default()
        })
    });
    each(
        move || ids.get(),
        ToString::to_string,
        move |id| {
            let view = memo(move || {
                focus.look(|v| v.as_ref().and_then(|v| v.attempts.iter().find(|a| a.attempt == id).cloned()))
            });
            let (mine, runs) = view.look_untracked(|v| {
                (v.as_ref().map(|v| v.attempt.clone()), v.as_ref().is_some_and(|v| v.finished.is_none()))
            });
            let newest = mine == ids.look_untracked(|i| i.first().cloned());
            view! { <Attempt focus=focus view=view open=newest || runs/> }.into_any()
        },
    )
}

#[component]
fn Attempt(focus: Focus, view: Memo<Option<AttemptView>>, open: bool) -> impl IntoView {
    let app = App::here();
    let number = memo(move || {
        let of = |v: &RequestView| view.look(|a| a.as_ref().and_then(|a| attempt::part_of(&v.tasks, a)));
        focus.look(|v| v.as_ref().and_then(of))
    });
    let request = memo(move || {
        let open = |v: &&RequestView| stages::is_open(&v.row.status);
        focus.look(|v| v.as_ref().filter(open).map(|v| v.row.request.clone()))
    });
    let heard = RwSignal::new(None::<At>);
    // Checkpoints change often and are shown elsewhere: what is shown here is only made anew when it changed.
    let shown = memo(move || {
        view.get().map(|mut v| {
            v.checkpoints.clear();
            v
        })
    });
    let id = view.look_untracked(|v| v.as_ref().map(|v| v.attempt.clone()));
    view! {
        <article class="attempt">
            {part(move || shown.get().map(|v| view! {
                {attempt::heading(app, &v, number.get())}
                {attempt::checks(v.checks.clone())}
                {v.diagnosis.as_ref().map(|d| view! {
                    <p class="say stumble"><span class="say-mark" aria-hidden="true">"!"</span>{sentence(&d.summary)}" "{sentence(&d.next)}</p>
                })}
                {attempt::brief(&v)}
                {running(app, &v, request.get(), heard)}
            }))}
            {id.clone().map(|id| knew::knew(app, id))}
            {id.map(|id| attempt::fold("Transcript", open, move || {
                view! { <Transcript attempt=id.clone() heard=Some(heard) /> }.into_any()
            }))}
        </article>
    }
}

/// How long nothing may be heard from an agent before that is said.
const QUIET_MS: u64 = 20_000;

/// What there is to know and to do while an attempt runs.
fn running(
    app: App,
    view: &AttemptView,
    request: Option<RequestId>,
    heard: RwSignal<Option<At>>,
) -> Option<AnyView> {
    let (request, started) = request.zip(view.started)?;
    if view.finished.is_some() {
        return None;
    }
    if view.asked.is_some() {
        return Some(plain::p("say ask", "It waits for your answer, and its clock stands still."));
    }
    // By the page's own clock, once a second while something runs.
    let quiet = memo(move || {
        let ms = app.now.get().since(heard.get().unwrap_or(started));
        (ms >= QUIET_MS).then(|| time::elapsed(ms))
    });
    let silent = part(move || {
        quiet.get().map(|span| view! {
            <p class="say ask" data-testid="silent">{format!("Nothing was heard from it for {span}. It is stopped by itself when that goes on for too long; who does not want to wait hands its work over.")}</p>
        })
    });
    let over = hand_over(app, request, view.attempt.clone(), view.agent.clone());
    Some(view! { {silent}{over} }.into_any())
}
