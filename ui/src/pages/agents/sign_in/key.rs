//! A key, typed once.

use super::Signing;
use crate::app::{RwSignal, Views};
use crate::parts::plain;
use crate::words::sentence;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::KeyField;
use std::collections::BTreeMap;

pub fn form(signing: Signing) -> AnyView {
    let Some(way) = signing.way() else { return ().into_any() };
    let values: Vec<(KeyField, RwSignal<String>)> = way
        .fields
        .into_iter()
        .map(|field| {
            let value = RwSignal::new(field.default.clone().unwrap_or_default());
            (field, value)
        })
        .collect();
    let typed = values.clone();
    let id = way.way;
    let save = plain::sent(move || {
        let fields: BTreeMap<String, String> = typed
            .iter()
            .map(|(field, value)| (field.name.clone(), value.get_untracked().trim().to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let lacking = typed.iter().find(|(f, _)| !f.optional && !fields.contains_key(&f.name));
        if let Some((field, _)) = lacking {
            return signing.refused.set(Some(format!("{} is missing.", field.title)));
        }
        let secrets: Vec<_> = typed.iter().filter(|(f, _)| f.secret).map(|(_, value)| *value).collect();
        let way = id.clone();
        signing.ask(
            move |agent| Request::SetKey { agent, way, fields },
            move || {
                // Not kept by the page for a moment longer than it is needed.
                for secret in secrets {
                    let _ = secret.try_set(String::new());
                }
                signing.look_again();
                let _ = signing.saved.try_set(true);
            },
        );
    });
    let fields = values.into_iter().map(|(field, value)| one(field, value)).views();
    view! {
        <form class="stack" data-testid="key-form" on:submit=save>
            <p><b>{way.title}</b></p>
            {plain::p("muted", sentence(&way.says))}
            {fields}
            <div class="actions">
                <button class="primary" data-testid="key-save">"Save"</button>
                {plain::button("Another way", "", "sign-in-again", move || signing.again())}
            </div>
        </form>
    }
    .into_any()
}

fn one(field: KeyField, value: RwSignal<String>) -> AnyView {
    let hint = if field.optional { "optional" } else { "" };
    let testid = format!("key-{}", field.name);
    let input = plain::line(value, testid, field.title.clone(), hint.to_owned(), field.secret);
    view! { <label class="field"><span>{field.title}{field.optional.then_some(" (optional)")}</span>{input}</label> }
        .into_any()
}
