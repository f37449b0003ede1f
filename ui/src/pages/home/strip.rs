//! The checkpoints as a film strip: step through how the page came to be.

use crate::app::{App, Memo, RwSignal, each, memo};
use crate::parts::blob::Picture;
use crate::parts::plain::{click, pressed};
use crate::parts::time::ago;
use crate::words::figures;
use leptos::prelude::*;
use protocol::view::{AttemptView, CheckpointView, RequestView};
use wasm_bindgen::JsCast;

type Picked = RwSignal<Option<CheckpointView>>;

#[component]
pub fn Strip(focus: Memo<Option<RequestView>>, picked: Picked) -> impl IntoView {
    // Each with the number of its attempt; none when there is only one.
    let all = memo(move || {
        focus.look(|v| {
            let attempts = v.as_ref().map(|v| v.attempts.as_slice()).unwrap_or_default();
            let many = attempts.len() > 1;
            let named = |a: &AttemptView| {
                let number = many.then_some(a.number.max(1));
                a.checkpoints.iter().cloned().map(move |c| (number, c)).collect::<Vec<_>>()
            };
            attempts.iter().flat_map(named).collect::<Vec<_>>()
        })
    });
    view! {
        <div class="strip-head">
            <b>"Checkpoints"</b>
            <span class="muted small">{move || match all.look(Vec::len) {
                0 => "each step of the agent is kept here".to_owned(),
                n => format!("{n} so far; click one, then ← →"),
            }}</span>
        </div>
        <div class="strip" role="listbox" aria-label="Checkpoints" on:keydown=pressed(move |e| arrows(&e))>
            {each(
                move || all.get(),
                |(n, c)| format!("{n:?} {} {} {}", c.attempt, c.number, c.screenshot.is_some()),
                move |film| card(film.1, film.0, picked).into_any(),
            )}
        </div>
    }
}

fn card(point: CheckpointView, attempt: Option<u32>, picked: Picked) -> impl IntoView {
    let name = attempt.map_or_else(|| point.number.to_string(), |n| format!("{n}.{}", point.number));
    let id = (point.attempt.clone(), point.number);
    let on = move || picked.look(|p| p.as_ref().is_some_and(|p| (&p.attempt, p.number) == (&id.0, id.1)));
    let picture = match point.screenshot.clone() {
        Some(blob) => view! { <Picture blob=blob says=point.says.clone()/> }.into_any(),
        None => view! {
            <span class="stat-card">
                <span class="added">{format!("+{}", point.diff.added)}</span>
                <span class="removed">{format!("−{}", point.diff.removed)}</span>
            </span>
        }
        .into_any(),
    };
    let title = format!("{}\n{}", point.says, figures::diffstat(&point.diff));
    let aria = format!("Checkpoint {}: {}", point.number, point.says);
    let pick = point.clone();
    view! {
        <button
            class="film"
            role="option"
            data-testid="filmstrip-item"
            title=title
            aria-label=aria
            aria-selected=move || on().to_string()
            on:click=click(move |_| picked.set(Some(pick.clone())))
        >
            <span class="film-picture">{picture}</span>
            <span class="film-name"><b>{name}</b><span class="clip">{point.says}</span></span>
        </button>
    }
}

fn arrows(event: &web_sys::KeyboardEvent) {
    let Some(card) = document().active_element() else { return };
    let next = match event.key().as_str() {
        "ArrowRight" | "j" => card.next_element_sibling(),
        "ArrowLeft" | "k" => card.previous_element_sibling(),
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    if let Some(next) = next {
        let next: web_sys::HtmlElement = next.unchecked_into();
        let _ = next.focus();
        next.click();
    }
}

/// The picked checkpoint, over the page.
#[component]
pub fn Large(picked: Picked) -> impl IntoView {
    let app = App::here();
    move || {
        picked.get().map(|point| {
            let body = match point.screenshot.clone() {
                Some(blob) => view! { <Picture blob=blob says=point.says.clone()/> }.into_any(),
                None => view! {
                    <div class="stat-large">
                        <p class="added">{format!("+{} lines", figures::grouped(u64::from(point.diff.added)))}</p>
                        <p class="removed">{format!("−{} lines", figures::grouped(u64::from(point.diff.removed)))}</p>
                        <p class="muted">"No picture was taken of this step."</p>
                    </div>
                }
                .into_any(),
            };
            view! {
                <div class="large" data-testid="checkpoint-large">
                    <header>
                        <b>{format!("Checkpoint {}", point.number)}</b>
                        <span class="muted small">{ago(app, point.at)}</span>
                        <span class="grow"></span>
                        <button class="quiet" aria-label="Close" title="Close (Esc)" on:click=click(move |_| picked.set(None))>"✕"</button>
                    </header>
                    <p class="small" dir="auto">{point.says.clone()}</p>
                    <p class="small muted">
                        <code title=point.commit.to_string()>{figures::commit(point.commit.as_str())}</code>
                        " · "
                        {figures::diffstat(&point.diff)}
                    </p>
                    <div class="large-picture">{body}</div>
                </div>
            }
        })
    }
}
