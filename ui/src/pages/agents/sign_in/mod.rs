//! The dialog in which an agent is given an account: choose a way, do what it asks, see whether it worked. The vendor's
//! own program signs in; a key goes to the secret store and is never shown again.

mod key;
mod login;
mod ways;

use super::{Rows, look_again};
use crate::app::{App, Load, Memo, RwSignal, effect, memo, part};
use crate::parts::plain;
use crate::parts::plain::changed;
use crate::words::agents;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::id::AgentId;
use protocol::view::{AgentNow, AgentRow, SignInState, SignInWay, WayKind};
use wasm_bindgen::JsCast;

/// What the dialog holds while it is open.
#[derive(Clone, Copy)]
struct Signing {
    app: App,
    load: RwSignal<Load>,
    row: Memo<Option<AgentRow>>,
    /// The way whose fields are shown.
    chosen: RwSignal<Option<String>>,
    /// Something was begun here, so its end is shown here.
    began: RwSignal<bool>,
    /// A key was kept.
    saved: RwSignal<bool>,
    refused: RwSignal<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panel {
    Choose,
    Key,
    Login,
    Saved,
}

pub fn dialog(app: App, rows: Rows, load: RwSignal<Load>) -> AnyView {
    let agent = memo(move || app.route.look(|r| r.open.clone()).and_then(|open| AgentId::new(open).ok()));
    let known =
        memo(move || rows.look(|rows| agent.look(|a| rows.iter().any(|r| Some(&r.agent) == a.as_ref()))));
    let shown = part(move || {
        let id = agent.get().filter(|_| known.get())?;
        let row = memo(move || rows.look(|rows| rows.iter().find(|r| r.agent == id).cloned()));
        let signing = Signing {
            app,
            load,
            row,
            chosen: RwSignal::new(None),
            began: RwSignal::new(false),
            saved: RwSignal::new(false),
            refused: RwSignal::new(None),
        };
        Some(signing.dialog())
    });
    view! { {shown} }.into_any()
}

impl Signing {
    fn dialog(self) -> AnyView {
        let holder = NodeRef::<leptos::html::Dialog>::new();
        effect(move || {
            if let Some(dialog) = holder.get() {
                // A dialog of the browser's own: it keeps the focus inside and gives it back.
                let dialog: web_sys::HtmlDialogElement = dialog.unchecked_into();
                request_animation_frame(move || {
                    let _ = dialog.show_modal();
                });
            }
        });
        let panel = memo(move || self.panel());
        effect(move || {
            panel.track();
            request_animation_frame(focus_first);
        });
        let title = memo(move || self.row.look(|r| r.as_ref().map(|r| r.title.clone())).unwrap_or_default());
        let close = plain::clicked(Box::new(move || self.close()));
        view! {
            <dialog class="sign-in" node_ref=holder aria-labelledby="sign-in-title" data-testid="sign-in-dialog" on:close=changed(move |_| self.close())>
                <header>
                    <h2 id="sign-in-title">"Sign in to "{part(move || title.get())}</h2>
                    <button class="quiet" aria-label="Close" title="Close (Esc)" on:click=close>"✕"</button>
                </header>
                {part(move || self.refused.get().map(|why| view! {
                    <p class="say bad" role="alert" data-testid="sign-in-refused">{why}</p>
                }))}
                {part(move || match panel.get() {
                    Panel::Choose => ways::choose(self),
                    Panel::Key => key::form(self),
                    Panel::Login => login::login(self),
                    Panel::Saved => self.looked(),
                })}
            </dialog>
        }
        .into_any()
    }

    fn panel(self) -> Panel {
        let state = self.now(|now| now.sign_in.as_ref().map(|s| s.state.clone())).flatten();
        match state {
            Some(SignInState::Starting | SignInState::Yours { .. } | SignInState::Working) => Panel::Login,
            Some(SignInState::Done { .. } | SignInState::Failed { .. }) if self.began.get() => Panel::Login,
            Some(SignInState::Done { .. } | SignInState::Failed { .. }) | None => match self.way() {
                _ if self.saved.get() => Panel::Saved,
                Some(way) if way.way_kind == WayKind::Key => Panel::Key,
                _ => Panel::Choose,
            },
        }
    }

    fn now<T>(self, pick: impl FnOnce(&AgentNow) -> T) -> Option<T> {
        self.row.look(|row| row.as_ref().and_then(|r| r.now.as_deref()).map(pick))
    }

    /// The way that was chosen.
    fn way(self) -> Option<SignInWay> {
        let chosen = self.chosen.get()?;
        self.now(|now| now.ways.iter().find(|w| w.way == chosen).cloned()).flatten()
    }

    fn agent(self) -> Option<AgentId> {
        self.row.look_untracked(|row| row.as_ref().map(|r| r.agent.clone()))
    }

    fn close(self) {
        if self.app.route.with_untracked(|r| r.view == View::Agents) {
            self.app.go(Route::to(View::Agents));
        }
    }

    /// Back to the choice, with nothing of what was tried.
    fn again(self) {
        self.refused.set(None);
        self.began.set(false);
        self.saved.set(false);
        self.chosen.set(None);
    }

    /// Asks the daemon; what it refuses is said in the dialog.
    fn ask(self, make: impl FnOnce(AgentId) -> Request, then: impl FnOnce() + 'static) {
        let Some(agent) = self.agent() else { return };
        let request = make(agent);
        self.refused.set(None);
        let then: Box<dyn FnOnce()> = Box::new(then);
        leptos::task::spawn_local(async move {
            match self.app.call(&request).await {
                Ok(_) => {
                    self.app.head.update(|_| {});
                    then();
                }
                Err(why) => {
                    let _ = self.refused.try_set(Some(crate::words::sentence(&why.to_string())));
                }
            }
        });
    }

    /// What readiness says now that an account was given.
    fn looked(self) -> AnyView {
        let said = part(move || {
            self.row.get().map(|row| {
                let known = agents::known(&row.readiness, self.app.now.get_untracked(), self.app.zone);
                view! {
                    <p data-testid="sign-in-readiness" data-readiness=known.slug><i class=known.light.class()></i>" "<b class="state">{known.state}</b></p>
                    {plain::p("muted", known.means)}
                    {known.next.map(|next| plain::p("next", next))}
                }
            })
        });
        view! {
            <div class="stack" role="status">
                {plain::p("say good", "It is kept in the secret store of the machine that Loopwright runs on. This is what its program says of it:")}
                {said}
                <div class="actions">
                    {plain::button("Close", "primary", "sign-in-close", move || self.close())}
                    {plain::button("Another way", "", "sign-in-again", move || self.again())}
                </div>
            </div>
        }
        .into_any()
    }

    fn look_again(self) {
        leptos::task::spawn_local(look_again(self.app, self.load));
    }
}

/// What is to be typed or pressed first in the panel that is there now.
fn focus_first() {
    if let Ok(Some(element)) = document().query_selector("dialog [data-first], dialog input") {
        let _ = element.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
