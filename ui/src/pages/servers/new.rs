//! The wizard's first screen: which server, and how to sign in to it; or this computer.

use super::{at, show, vault};
use crate::app::{App, RwSignal, Views, part};
use crate::backend::desk;
use crate::parts::plain::{self, changed};
use crate::words::servers::sign_in;
use leptos::prelude::*;
use protocol::ApiError;
use protocol::desk::{DeskAnswer, DeskRequest, HERE, Secret, Target};

/// How one signs in, with what it needs.
const WAYS: [(&str, &str, &str); 4] = [
    ("password", "Password", "the one that your provider gave you"),
    ("key", "Key file", "a private key on this computer"),
    ("agent", "SSH agent", "the one that runs on this computer"),
    ("asks", "The server asks", "for one-time codes and the like"),
];

/// The same for the host on the way.
const JUMP_WAYS: [(&str, &str); 4] = [
    ("same", "the same as above"),
    ("password", "a password of its own"),
    ("key", "a key file of its own"),
    ("agent", "the SSH agent"),
];

#[derive(Clone, Copy)]
struct Form {
    app: App,
    host: RwSignal<String>,
    port: RwSignal<String>,
    user: RwSignal<String>,
    way: RwSignal<&'static str>,
    password: RwSignal<String>,
    path: RwSignal<String>,
    passphrase: RwSignal<String>,
    jump_host: RwSignal<String>,
    jump_port: RwSignal<String>,
    jump_user: RwSignal<String>,
    jump_way: RwSignal<&'static str>,
    jump_password: RwSignal<String>,
    jump_path: RwSignal<String>,
    jump_passphrase: RwSignal<String>,
    busy: RwSignal<bool>,
    wrong: RwSignal<Option<&'static str>>,
    refused: RwSignal<Option<ApiError>>,
}

pub fn page(app: App, address: &str) -> AnyView {
    let text = |text: &str| RwSignal::new(text.to_owned());
    let form = Form {
        app,
        host: text(address),
        port: text(""),
        user: text(""),
        way: RwSignal::new("password"),
        password: text(""),
        path: text(""),
        passphrase: text(""),
        jump_host: text(""),
        jump_port: text(""),
        jump_user: text(""),
        jump_way: RwSignal::new("same"),
        jump_password: text(""),
        jump_path: text(""),
        jump_passphrase: text(""),
        busy: RwSignal::new(false),
        wrong: RwSignal::new(None),
        refused: RwSignal::new(None),
    };
    show::focus_first();
    view! {
        <div class="sheet narrow">
            <header class="sheet-head"><h1>"Where shall it work?"</h1></header>
            {show::way(0)}
            <div class="two wizard">
                <div class="stack">{form.card()}{vault::card(app)}</div>
                {beside(app)}
            </div>
        </div>
    }
    .into_any()
}

fn beside(app: App) -> AnyView {
    let here = plain::button("Use this computer", "", "use-here", move || {
        if desk::place() == HERE {
            app.go(crate::words::route::Route::to(crate::words::route::View::Home));
        } else {
            desk::go_to(HERE);
        }
    });
    view! {
        <aside class="stack">
            <section class="card card-body">
                <h2>"This computer"</h2>
                {plain::p("muted", "Nothing to set up: the whole loop runs here, without any server. What you make is seen on this computer only, and the work stops while it sleeps.")}
                <div>{here}</div>
            </section>
            <section class="card card-body promises">
                <h2>"What happens with your server"</h2>
                <ul>
                    <li>"Your password goes to your server only. It is held in memory until the app has a key of its own there, then it is forgotten."</li>
                    <li>"You see the whole plan first. Until you begin, only the program that makes it is put there, in a folder of its own, and it is taken away again if you stop. Nothing is wiped, ever; what is there already stays."</li>
                    <li>"If the connection breaks, the set-up goes on by itself on the server."</li>
                    <li>"Only SSH and the sites, 80 and 443, answer from outside. That is tried at the end, and shown."</li>
                    <li>"Everything can be taken off again."</li>
                </ul>
            </section>
        </aside>
    }
    .into_any()
}

impl Form {
    fn card(self) -> AnyView {
        let ways = WAYS
            .into_iter()
            .map(|(id, title, says)| {
                view! {
                    <label class="choice">
                        <input type="radio" name="with" value=id data-testid=format!("with-{id}") prop:checked=move || self.way.get() == id on:change=changed(move |_| self.way.set(id))/>
                        <span><b>{title}</b>" "<span class="muted small">{says}</span></span>
                    </label>
                }
            })
            .views();
        let busy = move || self.busy.get();
        view! {
            <form class="card card-body" data-testid="sign-in-form" on:submit=plain::sent(move || self.send())>
                <h2>"A server of your own"</h2>
                <div class="address">
                    {labelled("Address", self.field(self.host, "address", "203.0.113.7 or web-1.example", Kind::First))}
                    {labelled("Port", self.field(self.port, "port", "22", Kind::Text))}
                    {labelled("User", self.field(self.user, "user", "root", Kind::Text))}
                </div>
                <fieldset class="choices"><legend>"Sign in with"</legend>{ways}</fieldset>
                {part(move || self.needs())}
                <details class="fold" data-testid="more">
                    <summary>"More: through another server"</summary>
                    <div class="stack">
                        {plain::p("muted small", "A jump host: a server that lets you through to this one. How you sign in there is kept with the server's key, since each connection goes through it.")}
                        <div class="address">
                            {labelled("Jump host", self.field(self.jump_host, "jump-host", "none", Kind::Text))}
                            {labelled("Port", self.field(self.jump_port, "jump-port", "22", Kind::Text))}
                            {labelled("User", self.field(self.jump_user, "jump-user", "root", Kind::Text))}
                        </div>
                        {part(move || self.jump_needs())}
                    </div>
                </details>
                {part(move || self.wrong.get().map(|wrong| view! { <p class="say bad" role="alert" data-testid="wrong">{wrong}</p> }))}
                {part(move || self.refused.get().map(|why| show::refused(&why)))}
                {part(move || self.busy.get().then(|| show::busy("signing in; a server that does not answer is given up after 20 s", None, None)))}
                <div class="actions">
                    <button class="primary" data-testid="meet" disabled=busy>{move || if busy() { "Signing in…" } else { "Continue" }}</button>
                    <span class="muted small">"Nothing is changed on the server by this."</span>
                </div>
            </form>
        }
        .into_any()
    }

    /// What the chosen way needs.
    fn needs(self) -> AnyView {
        match self.way.get() {
            "password" => labelled("Password", self.field(self.password, "password", "", Kind::Secret)),
            "key" => view! {
                {labelled("Private key", self.field(self.path, "key-path", "~/.ssh/id_ed25519", Kind::Text))}
                {labelled("Its passphrase, if it has one", self.field(self.passphrase, "key-passphrase", "", Kind::Secret))}
            }
            .into_any(),
            "agent" => plain::p("muted small", "The keys that your SSH agent holds are offered to the server. They do not leave the agent."),
            _ => plain::p("muted small", "The server says what it wants to know, and you answer it in this window."),
        }
    }

    /// How one signs in to the host on the way, once one is named.
    fn jump_needs(self) -> Option<AnyView> {
        if self.jump_host.look(|host| host.trim().is_empty()) {
            return None;
        }
        let options = JUMP_WAYS
            .into_iter()
            .map(|(id, title)| view! { <option value=id selected=move || self.jump_way.get() == id>{title}</option> })
            .views();
        let chosen = move |event: leptos::ev::Event| {
            let value = event_target_value(&event);
            if let Some((id, _)) = JUMP_WAYS.into_iter().find(|(id, _)| *id == value) {
                self.jump_way.set(id);
            }
        };
        let select = view! { <select data-testid="jump-with" on:change=chosen>{options}</select> }.into_any();
        let more = part(move || {
            match self.jump_way.get() {
            "password" => labelled("Its password", self.field(self.jump_password, "jump-password", "", Kind::Secret)),
            "key" => view! {
                {labelled("Its private key", self.field(self.jump_path, "jump-key-path", "~/.ssh/id_ed25519", Kind::Text))}
                {labelled("The key's passphrase, if it has one", self.field(self.jump_passphrase, "jump-key-passphrase", "", Kind::Secret))}
            }
            .into_any(),
            _ => ().into_any(),
        }
        });
        Some(view! { {labelled("Sign in to the jump host with", select)}{more} }.into_any())
    }

    fn field(self, value: RwSignal<String>, testid: &'static str, hint: &'static str, kind: Kind) -> AnyView {
        let shown = if kind == Kind::Secret { "password" } else { "text" };
        let first = (kind == Kind::First).then_some("");
        view! {
            <input type=shown autocomplete="off" autocapitalize="off" spellcheck="false" data-testid=testid data-first=first placeholder=hint
                prop:value=value.shown() prop:disabled=move || self.busy.get() on:input=plain::typed(value)/>
        }
        .into_any()
    }

    fn target(self) -> Result<Target, &'static str> {
        let mut target = sign_in::target(
            &self.host.get_untracked(),
            &self.port.get_untracked(),
            &self.user.get_untracked(),
        )?;
        let jump = self.jump_host.get_untracked();
        if !jump.trim().is_empty() {
            let jump =
                sign_in::target(&jump, &self.jump_port.get_untracked(), &self.jump_user.get_untracked())?;
            target.jump = Some(Box::new(jump));
        }
        Ok(target)
    }

    fn secret(self) -> Result<Secret, &'static str> {
        secret(self.way.get_untracked(), self.password, self.path, self.passphrase)
    }

    /// Empty where it is the same as for the server.
    fn jumps(self) -> Result<Vec<Secret>, &'static str> {
        let way = self.jump_way.get_untracked();
        if way == "same" || self.jump_host.get_untracked().trim().is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![secret(way, self.jump_password, self.jump_path, self.jump_passphrase)?])
    }

    fn send(self) {
        if self.busy.get_untracked() {
            return;
        }
        self.refused.set(None);
        let typed = self.target().and_then(|target| Ok((target, self.secret()?, self.jumps()?)));
        let (target, secret, jumps) = match typed {
            Ok(typed) => typed,
            Err(wrong) => return self.wrong.set(Some(wrong)),
        };
        self.wrong.set(None);
        self.busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = desk::desk(DeskRequest::Meet { target, secret, jumps }).await;
            let _ = self.busy.try_set(false);
            match answer {
                Ok(DeskAnswer::Meeting { id, .. }) => {
                    // Not kept by the page for a moment longer than it is needed.
                    for typed in [self.password, self.passphrase, self.jump_password, self.jump_passphrase] {
                        let _ = typed.try_set(String::new());
                    }
                    // Whoever left this page meanwhile wants to be elsewhere.
                    if self.busy.try_get_untracked().is_some() {
                        self.app.go(at("meet", &id));
                    }
                }
                Ok(_) => {}
                Err(why) => {
                    let _ = self.refused.try_set(Some(why));
                }
            }
        });
    }
}

fn secret(
    way: &str,
    password: RwSignal<String>,
    path: RwSignal<String>,
    passphrase: RwSignal<String>,
) -> Result<Secret, &'static str> {
    match way {
        "password" => {
            let password = password.get_untracked();
            if password.is_empty() {
                Err("Type the password, or choose another way to sign in.")
            } else {
                Ok(Secret::Password { password })
            }
        }
        "key" => {
            let path = path.get_untracked().trim().to_owned();
            let passphrase = Some(passphrase.get_untracked()).filter(|p| !p.is_empty());
            if path.is_empty() {
                Err("Type where the private key lies on this computer.")
            } else {
                Ok(Secret::Key { path, passphrase })
            }
        }
        "agent" => Ok(Secret::Agent),
        _ => Ok(Secret::Interactive),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    First,
    Secret,
}

fn labelled(label: &'static str, input: AnyView) -> AnyView {
    view! { <label class="field"><span>{label}</span>{input}</label> }.into_any()
}
