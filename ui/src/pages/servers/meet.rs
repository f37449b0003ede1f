//! A meeting with a server: what it asks, what was found on it, the plan. Where it stands is asked of the desktop
//! program, so a window that was closed goes on from there.

use super::{at, changed, options, panel, plan, show};
use crate::app::{App, RwSignal, effect, memo, part};
use crate::backend::desk;
use crate::parts::{plain, states};
use leptos::prelude::*;
use protocol::ApiError;
use protocol::desk::{DeskAnswer, DeskRequest, Reply, Stands};
use protocol::setup::{Plan, Wish};

#[derive(Clone, PartialEq)]
pub enum Now {
    Loading,
    Gone(ApiError),
    Stands(Stands),
}

/// What is being waited for, in words, and how far it is.
#[derive(Clone, PartialEq)]
pub struct Doing {
    pub words: String,
    pub done: Option<u64>,
    pub of: Option<u64>,
}

#[derive(Clone, Copy)]
pub struct Meet {
    pub app: App,
    pub id: StoredValue<String>,
    pub now: RwSignal<Now>,
    pub doing: RwSignal<Option<Doing>>,
    pub refused: RwSignal<Option<ApiError>>,
    /// The plan is looked at, not what was found.
    pub planning: RwSignal<bool>,
    pub wish: RwSignal<Wish>,
    pub plan: RwSignal<Option<Plan>>,
    /// Counts what was wished: an answer to an older wish is thrown away.
    wished: RwSignal<u64>,
}

pub fn page(app: App, id: &str) -> AnyView {
    let meet = Meet {
        app,
        id: StoredValue::new(id.to_owned()),
        now: RwSignal::new(Now::Loading),
        doing: RwSignal::new(None),
        refused: RwSignal::new(None),
        planning: RwSignal::new(false),
        wish: RwSignal::new(options::first()),
        plan: RwSignal::new(None),
        wished: RwSignal::new(0),
    };
    meet.look();
    effect(move || {
        if app.desk.meeting.look(|id| meet.id.with_value(|own| own == id)) {
            meet.look();
        }
    });
    let shown = memo(move || (meet.now.get(), meet.planning.get()));
    effect(move || {
        shown.track();
        show::focus_first();
    });
    let step = memo(move || match (meet.now.get(), meet.planning.get()) {
        (Now::Stands(Stands::Found { .. }), true) => 3,
        (Now::Stands(Stands::Found { .. }), false) => 2,
        (Now::Stands(Stands::Question { .. } | Stands::SudoPassword), _) => 0,
        _ => 1,
    });
    view! {
        <div class="sheet narrow" data-testid="meeting">
            <header class="sheet-head">
                <h1>"Set up a server"</h1>
                <span class="grow"></span>
                {plain::button("Stop here", "quiet", "leave", move || meet.leave())}
            </header>
            {part(move || show::way(step.get()))}
            {part(move || meet.refused.get().map(|why| show::refused(&why)))}
            {part(move || {
                let (now, planning) = shown.get();
                meet.panel(now, planning)
            })}
            {part(move || meet.doing.get().map(|d| show::busy(&d.words, d.done, d.of)))}
        </div>
    }
    .into_any()
}

impl Meet {
    fn panel(self, now: Now, planning: bool) -> AnyView {
        match now {
            Now::Loading => states::loading(4),
            Now::Gone(why) => gone(&why),
            Now::Stands(Stands::Busy { .. }) => ().into_any(),
            Now::Stands(Stands::Fingerprint { host, kind, sha256, known_elsewhere }) => {
                panel::fingerprint(self, host, kind, sha256, known_elsewhere)
            }
            Now::Stands(Stands::Changed { place, host, key }) => {
                changed::stop(self.app, place, host, None, &key)
            }
            Now::Stands(Stands::Question { name, prompts }) => panel::question(self, name, prompts),
            Now::Stands(Stands::SudoPassword) => panel::sudo(self),
            Now::Stands(Stands::Found { found, .. }) if planning => plan::panel(self, *found),
            Now::Stands(Stands::Found { found, offers }) => panel::found(self, &found, offers),
        }
    }

    fn request(self, make: impl FnOnce(String) -> DeskRequest) -> DeskRequest {
        make(self.id.get_value())
    }

    /// Asks where it stands.
    fn look(self) {
        let request = self.request(|meeting| DeskRequest::Meeting { meeting });
        leptos::task::spawn_local(async move {
            match desk::desk(request).await {
                Ok(DeskAnswer::Meeting { stands, .. }) => self.take(stands),
                Ok(_) => {}
                Err(why) => {
                    if self.now.try_with_untracked(|now| *now == Now::Loading) == Some(true) {
                        let _ = self.now.try_set(Now::Gone(why));
                    }
                }
            }
        });
    }

    fn take(self, stands: Stands) {
        if let Stands::Busy { words, done, of } = &stands {
            let doing = Doing { words: words.clone(), done: *done, of: *of };
            let _ = self.doing.try_set(Some(doing));
            if self.now.try_with_untracked(|now| *now == Now::Loading) == Some(true) {
                let _ = self.now.try_set(Now::Stands(stands));
            }
            return;
        }
        let now = Now::Stands(stands);
        if self.now.try_with_untracked(|old| *old == now) == Some(false) {
            let _ = self.now.try_set(now);
        }
        // While a plan is being made, its end tells that it is over.
        if self.plan_is_there() {
            let _ = self.doing.try_set(None);
        }
    }

    fn plan_is_there(self) -> bool {
        let waits = self.planning.try_get_untracked().unwrap_or(false);
        !waits || self.plan.try_with_untracked(Option::is_some).unwrap_or(true)
    }

    pub fn say(self, reply: Reply, words: &str) {
        self.refused.set(None);
        self.doing.set(Some(Doing { words: words.to_owned(), done: None, of: None }));
        let request = self.request(|meeting| DeskRequest::Say { meeting, reply });
        leptos::task::spawn_local(async move {
            let answer = desk::desk(request).await;
            let _ = self.doing.try_set(None);
            match answer {
                Ok(DeskAnswer::Meeting { stands, .. }) => self.take(stands),
                Ok(_) => {}
                Err(why) => {
                    let _ = self.refused.try_set(Some(why));
                }
            }
        });
    }

    /// Asks for the plan of what is wished now.
    pub fn ask_plan(self) {
        self.refused.set(None);
        self.planning.set(true);
        let asked = self.wished.get_untracked() + 1;
        self.wished.set(asked);
        let words = "the server works out what is to be done".to_owned();
        self.doing.set(Some(Doing { words, done: None, of: None }));
        let wish = self.wish.get_untracked();
        let request = self.request(|meeting| DeskRequest::Plan { meeting, wish });
        leptos::task::spawn_local(async move {
            let answer = desk::desk(request).await;
            if self.wished.try_get_untracked() != Some(asked) {
                return;
            }
            let _ = self.doing.try_set(None);
            match answer {
                Ok(DeskAnswer::Plan { plan }) => {
                    let _ = self.plan.try_set(Some(plan));
                }
                Ok(_) => {}
                Err(why) => {
                    let _ = self.refused.try_set(Some(why));
                }
            }
        });
    }

    /// Another wish, and its plan.
    pub fn wish(self, change: impl FnOnce(&mut Wish)) {
        self.wish.update(change);
        self.ask_plan();
    }

    pub fn begin(self) {
        let Some(plan) = self.plan.get_untracked() else { return };
        self.refused.set(None);
        self.doing.set(Some(Doing { words: "it begins".to_owned(), done: None, of: None }));
        let wish = self.wish.get_untracked();
        let request = self.request(|meeting| DeskRequest::Begin { meeting, wish, plan: plan.hash });
        leptos::task::spawn_local(async move {
            match desk::desk(request).await {
                Ok(DeskAnswer::Begun { place }) => {
                    self.app.desk.look();
                    self.app.go(at("setup", &place));
                }
                Ok(_) => {}
                Err(why) if self.planning.try_get_untracked().is_some() => {
                    // The server is not any more as it was planned for: the plan of now, and what was refused.
                    self.ask_plan();
                    self.refused.set(Some(why));
                }
                Err(why) => self.app.warn(&why),
            }
        });
    }

    pub fn leave(self) {
        let request = self.request(|meeting| DeskRequest::Leave { meeting });
        let app = self.app;
        leptos::task::spawn_local(async move {
            // A meeting that is gone already is left, too.
            let _ = desk::desk(request).await;
            app.go(at("new", ""));
        });
    }
}

fn gone(why: &ApiError) -> AnyView {
    view! {
        {show::refused(why)}
        {plain::p("muted", "Nothing of a plan was done on the server.")}
        <div class="actions">{plain::link("Sign in again", at("new", "").hash(), "button primary", "sign-in-anew")}</div>
    }
    .into_any()
}
