//! Where keys are kept: the system's keychain, or an encrypted file that is opened with a passphrase, and why.

use crate::app::desk::{Got, ask, tell};
use crate::app::{App, RwSignal, part};
use crate::parts::plain;
use crate::words::sentence;
use leptos::prelude::*;
use protocol::desk::{DeskAnswer, DeskRequest, VaultState};

/// Shown where something is to be said: while it is locked, and which kind it is.
pub fn card(app: App) -> AnyView {
    let asked = RwSignal::new(0u32);
    let got = ask(app, move || {
        asked.track();
        Some(DeskRequest::Vault)
    });
    let shown = part(move || match got.get() {
        Got::Loading => ().into_any(),
        Got::Failed(why) => super::show::refused(&why),
        Got::Ready(DeskAnswer::Vault { vault }) => state(app, vault, asked),
        Got::Ready(_) => ().into_any(),
    });
    view! { {shown} }.into_any()
}

fn state(app: App, vault: VaultState, asked: RwSignal<u32>) -> AnyView {
    match vault {
        VaultState::Keychain { name } => {
            plain::p("muted small", format!("Keys of servers are kept in {name}."))
        }
        VaultState::File { open: true, why, .. } => view! {
            <p class="muted small" title=sentence(&why)>"Keys of servers are kept in an encrypted file, which is open: this system has no keychain that answers."</p>
        }
        .into_any(),
        VaultState::File { open: false, made, why } => locked(app, made, &why, asked),
    }
}

fn locked(app: App, made: bool, why: &str, asked: RwSignal<u32>) -> AnyView {
    let (one, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let wrong = RwSignal::new(None::<&'static str>);
    let open = plain::sent(move || {
        let passphrase = one.get_untracked();
        if passphrase.is_empty() {
            return wrong.set(Some("Type a passphrase."));
        }
        if !made && passphrase != again.get_untracked() {
            return wrong.set(Some("The two are not the same. Type it again."));
        }
        wrong.set(None);
        tell(app, DeskRequest::Unlock { passphrase }, move |_| {
            for typed in [one, again] {
                let _ = typed.try_set(String::new());
            }
            let _ = asked.try_update(|n| *n += 1);
        });
    });
    let (title, label, does) = if made {
        ("Keys are locked", "Passphrase", "Unlock")
    } else {
        ("Choose a passphrase for your keys", "New passphrase", "Make the file")
    };
    let repeat = (!made).then(|| field("The same again", again, "vault-again"));
    view! {
        <section class="card card-body" data-testid="vault" data-made=made.to_string()>
            <h2>{title}</h2>
            {plain::p("", sentence(why))}
            {plain::p("muted", "So the keys of your servers are kept in a file that only this passphrase opens. It is kept nowhere and cannot be found again.")}
            <form class="stack" on:submit=open>
                {field(label, one, "vault-passphrase")}
                {repeat}
                {part(move || wrong.get().map(|w| view! { <p class="say bad" role="alert">{w}</p> }))}
                <div class="actions"><button class="primary" data-testid="vault-open">{does}</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn field(label: &'static str, value: RwSignal<String>, testid: &str) -> AnyView {
    let input = plain::line(value, testid.to_owned(), label.to_owned(), String::new(), true);
    view! { <label class="field"><span>{label}</span>{input}</label> }.into_any()
}
