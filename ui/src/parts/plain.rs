//! Plain pieces as functions over one type each, so that a piece more on a page costs a call and not another copy of
//! what an element, a text or a handler brings with it.

use crate::app::{RwSignal, Views};
use leptos::prelude::*;

/// What a button does.
pub type Act = Box<dyn FnMut() + Send>;

/// A paragraph.
pub fn p(class: &'static str, text: impl Into<String>) -> AnyView {
    let text: String = text.into();
    view! { <p class=class dir="auto">{text}</p> }.into_any()
}

pub fn span(class: &'static str, text: impl Into<String>) -> AnyView {
    let text: String = text.into();
    view! { <span class=class>{text}</span> }.into_any()
}

/// A name and its value, for a list of facts.
pub fn fact(name: impl Into<String>, value: AnyView) -> AnyView {
    let name: String = name.into();
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

pub fn button(
    label: impl Into<String>,
    class: &'static str,
    testid: &'static str,
    act: impl FnMut() + Send + 'static,
) -> AnyView {
    pushed(label.into(), class, testid, Box::new(act))
}

fn pushed(label: String, class: &'static str, testid: &'static str, act: Act) -> AnyView {
    view! { <button type="button" class=class data-testid=testid on:click=clicked(act)>{label}</button> }
        .into_any()
}

/// A handler of clicks that is of one type, whatever it does.
pub fn clicked(mut act: Act) -> Box<dyn FnMut(leptos::ev::MouseEvent)> {
    Box::new(move |event| {
        event.stop_propagation();
        act();
    })
}

/// Handlers of events, each of one type, whatever they do.
pub fn click(act: impl FnMut(leptos::ev::MouseEvent) + 'static) -> Box<dyn FnMut(leptos::ev::MouseEvent)> {
    Box::new(act)
}

pub fn pressed(
    act: impl FnMut(leptos::ev::KeyboardEvent) + 'static,
) -> Box<dyn FnMut(leptos::ev::KeyboardEvent)> {
    Box::new(act)
}

pub fn changed(act: impl FnMut(leptos::ev::Event) + 'static) -> Box<dyn FnMut(leptos::ev::Event)> {
    Box::new(act)
}

/// Keeps what is typed or chosen.
pub fn typed(value: RwSignal<String>) -> Box<dyn FnMut(leptos::ev::Event)> {
    Box::new(move |event| value.set(event_target_value(&event)))
}

/// A handler of a form that is sent.
pub fn sent(mut act: impl FnMut() + 'static) -> Box<dyn FnMut(leptos::ev::SubmitEvent)> {
    Box::new(move |event| {
        event.prevent_default();
        act();
    })
}

pub fn link(label: impl Into<String>, href: String, class: &'static str, testid: &'static str) -> AnyView {
    let label: String = label.into();
    view! { <a class=class href=href data-testid=testid>{label}</a> }.into_any()
}

/// A field for one line of text.
pub fn line(value: RwSignal<String>, testid: String, label: String, hint: String, secret: bool) -> AnyView {
    let kind = if secret { "password" } else { "text" };
    view! {
        <input
            type=kind
            autocomplete="off"
            spellcheck="false"
            dir="auto"
            data-testid=testid
            aria-label=label
            placeholder=hint
            prop:value=value.shown()
            on:input=typed(value)
        />
    }
    .into_any()
}

/// One of several, by its name; the first is what stands there when nothing was chosen.
pub fn choice(
    value: RwSignal<String>,
    testid: String,
    label: &'static str,
    options: Vec<(String, String)>,
) -> AnyView {
    let now = value.get_untracked();
    let option = |(id, title): (String, String)| {
        let chosen = id == now;
        view! { <option value=id selected=chosen>{title}</option> }
    };
    let options = options.into_iter().map(option).views();
    view! {
        <select data-testid=testid aria-label=label prop:value=value.shown() on:change=typed(value)>{options}</select>
    }
    .into_any()
}

/// What a program printed, folded away.
pub fn printed(title: &'static str, testid: &'static str, lines: &[String]) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let text = lines.join("\n");
    let fold = view! {
        <details class="fold" data-testid=testid>
            <summary>{title}</summary>
            <pre class="text">{text}</pre>
        </details>
    };
    Some(fold.into_any())
}
