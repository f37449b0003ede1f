//! What a meeting asks before there is a plan: the fingerprint, a question of the server, and what was found.

use super::meet::Meet;
use super::show;
use crate::app::{RwSignal, Views, part};
use crate::parts::plain;
use crate::words::servers::{found as words, sign_in};
use leptos::prelude::*;
use protocol::desk::{Prompt, Reply};
use protocol::setup::{Found, Installed};

pub fn fingerprint(meet: Meet, host: String, kind: String, sha256: String, known: bool) -> AnyView {
    let pasted = RwSignal::new(String::new());
    let shown = sha256.clone();
    let same = move || sign_in::same(&shown, &pasted.get());
    let (one, other) = (same.clone(), same.clone());
    let verdict = part(move || {
        match one() {
        None => ().into_any(),
        Some(true) => plain::p("say good", "They are the same."),
        Some(false) => view! {
            <p class="say bad" role="alert">"They differ. Something else than your server answers at this address: stop here, and ask your provider."</p>
        }
        .into_any(),
    }
    });
    let differs = move || other() == Some(false) || meet.doing.look(Option::is_some);
    let trust = plain::clicked(Box::new(move || {
        meet.say(Reply::Trust, "looking at the server: system, memory, disk, ports; a few seconds");
    }));
    view! {
        <section class="card card-body" data-testid="fingerprint">
            <h2>"Is this your server?"</h2>
            <p>{host.clone()}" shows this key ("{kind.clone()}"). Compare it once; from then on Loopwright stops if it ever shows another one."</p>
            <p><code class="print whole" data-testid="sha256">{sha256}</code></p>
            {known.then(|| plain::p("say good", "Your own known_hosts file on this computer has the same key for it."))}
            <h3>"How to compare"</h3>
            <ol class="how">
                <li>"Open your provider's console of the server: on its web page it is called console, VNC or rescue terminal. Not SSH, for that goes the way that is in doubt."</li>
                <li>"Run this there:"{show::command(meet.app, sign_in::compare_by(&kind))}</li>
                <li>
                    "Compare what it prints with the line above, or paste it here:"
                    {plain::line(pasted, "pasted".to_owned(), "What the console printed".to_owned(), "256 SHA256:… root@web-1 (ED25519)".to_owned(), false)}
                    {verdict}
                </li>
            </ol>
            <div class="actions">
                <button class="primary" data-first="" data-testid="trust" disabled=differs on:click=trust>"It is the same: go on"</button>
                {plain::button("It is another one: stop", "", "distrust", move || meet.leave())}
            </div>
        </section>
    }
    .into_any()
}

pub fn question(meet: Meet, name: String, prompts: Vec<Prompt>) -> AnyView {
    let typed: Vec<RwSignal<String>> = prompts.iter().map(|_| RwSignal::new(String::new())).collect();
    let answers = typed.clone();
    let send = plain::sent(move || {
        let answers = answers.iter().map(|value| value.get_untracked()).collect();
        meet.say(Reply::Answers { answers }, "the server has the answer");
    });
    let fields = prompts
        .into_iter()
        .zip(typed)
        .enumerate()
        .map(|(i, (prompt, value))| {
            let label = prompt.text.trim().to_owned();
            let kind = if prompt.echo { "text" } else { "password" };
            view! {
                <label class="field"><span dir="auto">{label}</span>
                    <input type=kind autocomplete="off" spellcheck="false" data-testid=format!("answer-{i}") data-first=(i == 0).then_some("") prop:value=value.shown() on:input=plain::typed(value)/>
                </label>
            }
        })
        .views();
    let title = if name.trim().is_empty() { "The server asks".to_owned() } else { name };
    view! {
        <form class="card card-body" data-testid="question" on:submit=send>
            <h2 dir="auto">{title}</h2>
            {plain::p("muted", "These are the server's own words. The answer goes to it only and is not kept.")}
            {fields}
            <div class="actions"><button class="primary" data-testid="answer">"Answer"</button></div>
        </form>
    }
    .into_any()
}

pub fn sudo(meet: Meet) -> AnyView {
    let typed = RwSignal::new(String::new());
    let send = plain::sent(move || {
        let password = typed.get_untracked();
        if !password.is_empty() {
            typed.set(String::new());
            meet.say(Reply::Password { password }, "asking sudo, then looking at the server");
        }
    });
    view! {
        <form class="card card-body" data-testid="sudo" on:submit=send>
            <h2>"sudo wants your password"</h2>
            {plain::p("muted", "You are signed in as a user who becomes root by sudo. The password is used for the set-up and forgotten with it.")}
            <label class="field"><span>"Password of your user on the server"</span>
                <input type="password" autocomplete="off" data-first="" data-testid="sudo-password" prop:value=typed.shown() on:input=plain::typed(typed)/>
            </label>
            <div class="actions"><button class="primary" data-testid="answer">"Continue"</button></div>
        </form>
    }
    .into_any()
}

pub fn found(meet: Meet, found: &Found, offers: Option<Installed>) -> AnyView {
    let host = found.host.clone().unwrap_or_else(|| "the server".to_owned());
    let offers = offers
        .map(|offers| plain::p("muted", format!("This window brings Loopwright {} for it.", offers.version)));
    let noise = found
        .noise
        .as_ref()
        .map(|noise| plain::printed("What the server printed besides", "noise", std::slice::from_ref(noise)));
    let go = plain::clicked(Box::new(move || meet.ask_plan()));
    view! {
        <section class="card card-body" data-testid="found">
            <h2>"What was found on "{host}</h2>
            {show::lines("found-lines", words::lines(found))}
            {noise.flatten()}
            {offers}
            {plain::p("", "The plan is made on the server itself: for that, Loopwright's program is put into a folder of its own in your home there. Nothing else is touched before you have seen the plan and begun it; if you stop, the program is taken away again.")}
            <div class="actions">
                <button class="primary" data-first="" data-testid="show-plan" on:click=go>"Show the plan"</button>
                <span class="muted small">"It takes some seconds."</span>
            </div>
        </section>
    }
    .into_any()
}
