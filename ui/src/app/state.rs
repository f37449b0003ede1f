//! What the whole app knows.

use super::kept::{RwSignal, memo};
use super::reading::{Load, read};
use super::signals::effect;
use crate::backend;
use crate::backend::Answer;
use crate::words::agents;
use crate::words::keys::Act;
use crate::words::route::Route;
use leptos::prelude::*;
use protocol::id::{AgentId, ProjectId};
use protocol::view::Home;
use protocol::{ApiError, At, Code, Request};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    Entering,
    In,
    /// Signed out, and why, when it was not simply the first visit.
    Out(Option<ApiError>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Opening,
    Live,
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub bad: bool,
}

/// Handles to the app's signals: cheap to copy into every closure.
#[derive(Clone, Copy)]
pub struct App {
    pub session: RwSignal<Session>,
    pub route: RwSignal<Route>,
    pub link: RwSignal<Link>,
    /// What is shown is a copy, and as of when.
    #[cfg(feature = "desktop")]
    pub offline: RwSignal<Option<At>>,
    #[cfg(feature = "desktop")]
    pub desk: super::desk::Desk,
    /// Set at every nudge, also when the number is the same: whoever reads it reads again.
    pub head: RwSignal<u64>,
    pub home: RwSignal<Load>,
    pub project: RwSignal<Option<ProjectId>>,
    pub now: RwSignal<At>,
    /// A key's meaning for the page that is open.
    pub act: RwSignal<Option<Act>>,
    pub help: RwSignal<bool>,
    /// Moves when the page's colours do.
    pub theme: RwSignal<()>,
    pub notice: RwSignal<Option<Notice>>,
    /// Minutes that the browser's zone is ahead of UTC.
    pub zone: i32,
}

impl App {
    pub fn new() -> Self {
        Self {
            session: RwSignal::new(Session::Entering),
            route: RwSignal::new(Route::parse("")),
            link: RwSignal::new(Link::Opening),
            #[cfg(feature = "desktop")]
            offline: RwSignal::new(None),
            #[cfg(feature = "desktop")]
            desk: super::desk::Desk::new(),
            head: RwSignal::new(0),
            home: RwSignal::new(Load::Loading),
            project: RwSignal::new(None),
            now: RwSignal::new(clock()),
            act: RwSignal::new(None),
            help: RwSignal::new(false),
            theme: RwSignal::new(()),
            notice: RwSignal::new(None),
            zone: -(js_sys::Date::new_0().get_timezone_offset() as i32),
        }
    }

    /// The app that the component is in. `Root` provides it to all.
    pub fn here() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    pub fn hear(self, head: u64) {
        self.link.set(Link::Live);
        self.head.set(head);
    }

    pub fn lose(self) {
        self.link.set(Link::Lost);
    }

    pub fn sign_out(self, why: Option<ApiError>) {
        backend::sign_out();
        self.session.set(Session::Out(why));
    }

    /// Asks the daemon; a session that ended shows the signed-out page.
    pub async fn call(self, request: &Request) -> Result<Answer, ApiError> {
        let answer = backend::call(request).await;
        if let Err(refused) = &answer
            && refused.code == Code::SignedOut
        {
            self.sign_out(Some(refused.clone()));
        }
        answer
    }

    /// Does something and says how it went; `then` runs when it worked.
    pub fn act(self, request: Request, said: &'static str, then: impl FnOnce(Answer) + 'static) {
        leptos::task::spawn_local(async move {
            match self.call(&request).await {
                Ok(answer) => {
                    if !said.is_empty() {
                        self.tell(said);
                    }
                    self.head.update(|_| {});
                    then(answer);
                }
                Err(refused) => self.warn(&refused),
            }
        });
    }

    pub fn tell(self, text: impl Into<String>) {
        self.show(Notice { text: text.into(), bad: false });
    }

    pub fn warn(self, refused: &ApiError) {
        self.show(Notice { text: crate::words::sentence(&refused.to_string()), bad: true });
    }

    fn show(self, notice: Notice) {
        let stays = Duration::from_secs(if notice.bad { 12 } else { 4 });
        self.notice.set(Some(notice.clone()));
        set_timeout(
            move || {
                if self.notice.get_untracked().as_ref() == Some(&notice) {
                    self.notice.set(None);
                }
            },
            stays,
        );
    }

    pub fn go(self, route: Route) {
        let hash = route.hash();
        if crate::app::state::hash() == hash { self.route.set(route) } else { set_hash(&hash) }
    }

    /// Keeps the home screen's data and the clock going. Called once, when signed in.
    pub fn follow_home(self) {
        let home = read(self, move || {
            self.head.track();
            Some(Request::Home)
        });
        effect(move || self.home.set(home.get()));
        let active = memo(move || self.home_with(|h| h.active.clone()));
        effect(move || {
            if active.look(Option::is_some) {
                self.project.set(active.get());
            }
        });
        let busy = memo(move || {
            self.home_with(|h| {
                h.current.as_ref().is_some_and(|c| crate::words::stages::is_open(&c.row.status))
            })
            .unwrap_or(false)
        });
        // The clock is for elapsed times only: each second while something runs, else every ten.
        let ticks = set_interval_with_handle(
            move || {
                let now = clock();
                if busy.get_untracked() || now.since(self.now.get_untracked()) >= 10_000 {
                    self.now.set(now);
                }
            },
            Duration::from_secs(1),
        );
        on_cleanup(move || {
            if let Ok(ticks) = ticks {
                ticks.clear();
            }
        });
    }

    /// A part of the home data, once it is there.
    pub fn home_with<T>(self, pick: impl FnOnce(&Home) -> T) -> Option<T> {
        self.home.look(|load| match load {
            Load::Ready(Answer::Home(home)) => Some(pick(home)),
            _ => None,
        })
    }

    /// The project that is worked on. Whoever reads it, reads again when it is switched.
    pub fn active(self) -> Option<ProjectId> {
        self.project.get()
    }

    pub fn active_untracked(self) -> Option<ProjectId> {
        self.project.get_untracked()
    }

    /// An agent's name as its maker writes it.
    pub fn agent_title(self, agent: &AgentId) -> String {
        self.home_with(|h| agents::title(&h.agents, agent)).unwrap_or_else(|| agent.to_string())
    }
}

pub fn clock() -> At {
    At(js_sys::Date::now() as i64)
}

pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

fn set_hash(hash: &str) {
    let _ = window().location().set_hash(hash);
}

/// Changes the address without a step in the history: a sign-in key must not be gone back to.
pub fn replace_hash(hash: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(hash));
    }
}
