//! Keys for the whole app, and the list of them.

use super::App;
use super::signals::Views;
use crate::parts::plain::click;
use crate::words::keys::{self, Act, Chord, Press};
use crate::words::route::Route;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

pub fn listen(app: App) {
    let chord = StoredValue::new(Chord::default());
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let typing = event.target().is_some_and(|t| takes_text(t.unchecked_ref()));
        let key = event.key();
        let press = Press {
            key: &key,
            modified: event.ctrl_key() || event.alt_key() || event.meta_key(),
            typing,
            at_ms: js_sys::Date::now() as i64,
        };
        let (next, act) = keys::press(chord.get_value(), press);
        chord.set_value(next);
        if let Some(act) = act {
            carry_out(app, act, &event);
        }
    });
    on_cleanup(move || handle.remove());
}

fn takes_text(target: &Element) -> bool {
    matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}

fn carry_out(app: App, act: Act, event: &KeyboardEvent) {
    match act {
        Act::Go(view) => app.go(Route::to(view)),
        Act::Focus => {
            event.prevent_default();
            focus_first("[data-focus]");
        }
        Act::Help => app.help.update(|open| *open = !*open),
        Act::Close => close(app),
        Act::Next | Act::Previous => {
            // Arrows scroll, unless one is in a list already.
            let arrow = event.key().starts_with("Arrow");
            if step(if act == Act::Next { 1 } else { -1 }, arrow) {
                event.prevent_default();
            }
        }
        Act::Open => {
            if let Some(row) = focused_row() {
                row.click();
            }
        }
    }
}

/// One thing at a time: the list of keys, then what the page has open, then the focus.
fn close(app: App) {
    if app.help.get_untracked() {
        return app.help.set(false);
    }
    app.act.set(Some(Act::Close));
    let route = app.route.get_untracked();
    if route.open.is_some() {
        app.go(route.closed());
    }
    if let Some(element) = document().active_element() {
        let _ = element.unchecked_into::<HtmlElement>().blur();
    }
}

fn focus_first(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}

fn focused_row() -> Option<HtmlElement> {
    document().active_element()?.closest("[data-row]").ok().flatten().map(JsCast::unchecked_into)
}

/// Moves the focus by rows: whatever is marked `data-row`, in the order of the page.
fn step(by: i32, only_from_row: bool) -> bool {
    let focused = focused_row();
    if only_from_row && focused.is_none() {
        return false;
    }
    let Ok(rows) = document().query_selector_all("[data-row]") else { return false };
    let rows: Vec<HtmlElement> =
        (0..rows.length()).filter_map(|i| rows.item(i)).map(JsCast::unchecked_into).collect();
    let here = focused.and_then(|f| rows.iter().position(|r| *r == f));
    let there = match here {
        Some(i) => i.saturating_add_signed(by as isize).min(rows.len().saturating_sub(1)),
        None => 0,
    };
    rows.get(there).is_some_and(|row| row.focus().is_ok())
}

#[component]
pub fn Help() -> impl IntoView {
    let app = App::here();
    view! {
        <Show when=move || app.help.get()>
            <div class="veil" on:click=click(move |_| app.help.set(false))>
                <div class="dialog" role="dialog" aria-modal="true" aria-label="Keys" on:click=click(|e| e.stop_propagation())>
                    <header>
                        <h2>"Keys"</h2>
                        <button class="quiet" autofocus aria-label="Close" on:click=click(move |_| app.help.set(false))>"✕"</button>
                    </header>
                    <dl class="keys">
                        {keys::HELP
                            .into_iter()
                            .map(|(key, does)| view! { <dt><kbd>{key}</kbd></dt><dd>{does}</dd> })
                            .views()}
                    </dl>
                </div>
            </div>
        </Show>
    }
}
