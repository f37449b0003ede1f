//! Pieces of these pages: lines with a light, refusals, what is being done, where in the wizard one is.

use crate::app::{App, Views};
use crate::parts::copy::copy;
use crate::parts::plain;
use crate::words::agents::Light;
use crate::words::servers::Line;
use crate::words::servers::plan::{Group, groups};
use crate::words::{figures, sentence};
use leptos::prelude::*;
use protocol::ApiError;
use protocol::setup::Change;

/// A light is never the only sign: the words beside it say the same.
pub fn light(light: Light) -> AnyView {
    view! { <i class=light.class() aria-hidden="true"></i> }.into_any()
}

pub fn lines(testid: &'static str, lines: Vec<Line>) -> AnyView {
    let lines = lines.into_iter().map(line).views();
    view! { <ul class="known" data-testid=testid>{lines}</ul> }.into_any()
}

fn line(line: Line) -> AnyView {
    view! {
        <li data-light=line.light.class()>
            {light(line.light)}
            <b>{line.name}</b>
            <span class="clip-any" dir="auto">{line.says}</span>
            {line.more.map(|more| plain::span("known-more muted small", more))}
        </li>
    }
    .into_any()
}

/// What was refused and the one next step.
pub fn refused(why: &ApiError) -> AnyView {
    let next = why.next.as_deref().map(sentence);
    view! {
        <div class="obstacle bad" role="alert" data-testid="refused">
            <p><b dir="auto">{sentence(&why.message)}</b></p>
            {next.map(|next| plain::p("", next))}
        </div>
    }
    .into_any()
}

/// Why something cannot go on, and what to do.
pub fn obstacle(cause: &str, action: &str, choices: AnyView) -> AnyView {
    view! {
        <div class="obstacle" role="status" data-testid="obstacle">
            <p><b dir="auto">{sentence(cause)}</b></p>
            <p dir="auto"><span class="muted">"What to do: "</span>{sentence(action)}</p>
            {choices}
        </div>
    }
    .into_any()
}

/// Something is under way: in words, with a bar where it is known how far it is.
pub fn busy(words: &str, done: Option<u64>, of: Option<u64>) -> AnyView {
    let far = done.zip(of).filter(|(_, of)| *of > 0);
    let bar = match far {
        Some((done, of)) => {
            let percent = (done.saturating_mul(100) / of).min(100);
            let says = format!("{} of {}", amount(done, of), amount(of, of));
            view! {
                <progress max="100" value=percent.to_string() aria-label="How far it is"></progress>
                {plain::span("muted small figure", says)}
            }
            .into_any()
        }
        None => view! { <progress aria-label="At work"></progress> }.into_any(),
    };
    view! { <div class="stack busy" role="status" data-testid="busy"><p class="say now"><span class="say-mark" aria-hidden="true">"●"</span>{sentence(words)}</p>{bar}</div> }
        .into_any()
}

/// Small numbers are things, large ones are bytes.
fn amount(n: u64, of: u64) -> String {
    if of < 100_000 { figures::grouped(n) } else { figures::bytes(n) }
}

/// What is changed, by kind.
pub fn changes(changes: &[Change]) -> AnyView {
    grouped(groups(changes))
}

pub fn grouped(groups: Vec<Group>) -> AnyView {
    let groups = groups
        .into_iter()
        .map(|group| {
            let items = group.items.into_iter().map(|item| view! { <li dir="auto">{item}</li> }).views();
            view! { <div><dt>{group.title}</dt><dd><ul class="code">{items}</ul></dd></div> }
        })
        .views();
    view! { <dl class="changes" data-testid="changes">{groups}</dl> }.into_any()
}

/// A command to be run elsewhere, with a button that copies it.
pub fn command(app: App, command: String) -> AnyView {
    view! { <p class="code-line"><code class="shell" data-testid="command">{command.clone()}</code>{copy(app, command)}</p> }
        .into_any()
}

pub const WAY: [&str; 5] = ["Sign in", "Compare", "Look", "Plan", "Set up"];

/// Where in the wizard one is.
pub fn way(here: usize) -> AnyView {
    let steps = WAY
        .into_iter()
        .enumerate()
        .map(|(i, name)| {
            let state = match i.cmp(&here) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "here",
                std::cmp::Ordering::Greater => "ahead",
            };
            let current = (i == here).then_some("step");
            let mark = if i < here { "✓".to_owned() } else { (i + 1).to_string() };
            view! { <li data-state=state aria-current=current><span class="way-mark" aria-hidden="true">{mark}</span>{name}</li> }
        })
        .views();
    view! { <ol class="way-along" aria-label="Steps of setting a server up">{steps}</ol> }.into_any()
}

/// What is to be typed or pressed first in the panel that is there now.
pub fn focus_first() {
    use wasm_bindgen::JsCast;
    request_animation_frame(|| {
        if let Ok(Some(element)) = document().query_selector("main [data-first]") {
            let _ = element.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    });
}
