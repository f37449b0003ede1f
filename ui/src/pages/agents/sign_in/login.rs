//! A login by the vendor's own program: what the user has to do for it, and how it ended.

use super::Signing;
use crate::app::{App, RwSignal, memo, part};
use crate::parts::copy::copy;
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::{begun, sentence};
use leptos::prelude::*;
use protocol::view::{SignInState, SignInView};
use protocol::{At, Request};

pub fn login(signing: Signing) -> AnyView {
    let app = signing.app;
    let going = memo(move || signing.now(|now| now.sign_in.clone()).flatten());
    let said = RwSignal::new(String::new());
    let shown = part(move || {
        let SignInView { state, screen, way, .. } = going.get()?;
        let title =
            signing.now(|now| now.ways.iter().find(|w| w.way == way).map(|w| w.title.clone())).flatten();
        let word = word(&state);
        let body = match state {
            SignInState::Starting => waits("Its program is being started."),
            SignInState::Working => waits("Its program has what it asked for and goes on."),
            SignInState::Yours { url, code, asks, callback, expires } => {
                yours(app, signing, Yours { url, code, asks, callback, expires }, said)
            }
            SignInState::Done { says } => done(signing, &says),
            SignInState::Failed { reason, next } => failed(signing, way, &reason, &next),
        };
        Some(view! {
            <div class="stack" data-testid="login" data-state=word>
                <p><b>{title}</b></p>
                {body}
                {plain::printed("What its program printed", "login-screen", &screen)}
            </div>
        })
    });
    view! { {shown} }.into_any()
}

fn word(state: &SignInState) -> &'static str {
    match state {
        SignInState::Starting => "starting",
        SignInState::Yours { .. } => "yours",
        SignInState::Working => "working",
        SignInState::Done { .. } => "done",
        SignInState::Failed { .. } => "failed",
    }
}

fn waits(text: &'static str) -> AnyView {
    view! { <p class="say now" role="status">{text}</p><progress aria-label="Signing in"></progress> }
        .into_any()
}

struct Yours {
    url: Option<String>,
    code: Option<String>,
    asks: Option<String>,
    callback: Option<u16>,
    expires: Option<At>,
}

fn yours(app: App, signing: Signing, todo: Yours, said: RwSignal<String>) -> AnyView {
    let left = todo.expires.map(|at| view! { <p class="muted small">"This ends "{ago(app, at)}"."</p> });
    let asked = match (todo.asks, todo.callback) {
        (Some(asks), _) => Some(begun(&asks)),
        (None, Some(_)) => Some("The address at which your browser ended".to_owned()),
        (None, None) => None,
    };
    let help = todo.callback.map(|port| plain::p("muted small", format!(
        "Its program waits for your browser on port {port} of the machine that it runs on. If your browser ends on a page that cannot be reached, paste that page's address here."
    )));
    let stop = plain::button("Cancel", "", "sign-in-stop", move || {
        signing.began.set(false);
        signing.ask(|agent| Request::SignInStop { agent }, || {});
    });
    view! {
        {todo.url.map(|url| address(app, url))}
        {todo.code.map(|code| view! {
            <div class="stack">
                <p>"Type this code there:"</p>
                <p class="code-line"><output class="device-code" data-testid="device-code">{code.clone()}</output>{copy(app, code)}</p>
            </div>
        })}
        {help}
        {asked.map(|label| reply(signing, label, said))}
        {left}
        <p class="muted small" role="status">"This page goes on by itself as soon as its program is signed in."</p>
        <div class="actions">{stop}</div>
    }
    .into_any()
}

/// A program may print anything: only an address of the web becomes a link.
fn address(app: App, url: String) -> AnyView {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let shown = if web {
        view! { <a class="clip-any" data-first="" data-testid="sign-in-url" href=url.clone() target="_blank" rel="noopener noreferrer">{url.clone()}" ↗"</a> }
            .into_any()
    } else {
        plain::span("code clip-any", url.clone())
    };
    view! {
        <div class="stack">
            <p>"Open this address in a browser where you are signed in to the vendor:"</p>
            <p class="code-line">{shown}{copy(app, url)}</p>
        </div>
    }
    .into_any()
}

fn reply(signing: Signing, label: String, said: RwSignal<String>) -> AnyView {
    let send = plain::sent(move || {
        let text = said.get_untracked().trim().to_owned();
        if !text.is_empty() {
            signing.ask(
                move |agent| Request::SignInSay { agent, text },
                move || {
                    let _ = said.try_set(String::new());
                },
            );
        }
    });
    view! {
        <form on:submit=send>
            <label class="field">
                <span>{label.clone()}</span>
                <span class="steer">
                    {plain::line(said, "sign-in-say".to_owned(), label, String::new(), false)}
                    <button class="primary" data-testid="sign-in-send">"Send"</button>
                </span>
            </label>
        </form>
    }
    .into_any()
}

fn done(signing: Signing, says: &str) -> AnyView {
    view! {
        {plain::p("say good", sentence(says))}
        {plain::p("muted", "Its own program takes the credentials. The first real turn proves that the service does, too.")}
        <div class="actions"><button class="primary" data-first="" data-testid="sign-in-close" on:click=plain::clicked(Box::new(move || signing.close()))>"Close"</button></div>
    }
    .into_any()
}

fn failed(signing: Signing, way: String, reason: &str, next: &str) -> AnyView {
    view! {
        <div role="alert">{plain::p("say bad", sentence(reason))}{plain::p("next", sentence(next))}</div>
        <div class="actions">
            {plain::button("Try again", "primary", "sign-in-retry", move || super::ways::begin(signing, way.clone()))}
            {plain::button("Another way", "", "sign-in-again", move || signing.again())}
        </div>
    }
    .into_any()
}
