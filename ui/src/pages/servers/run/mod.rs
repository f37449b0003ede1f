//! A set-up, a repair, an upgrade or a removal as it goes on, read from its journal: whoever closes the window and comes
//! back sees the same.

mod end;
mod step;

use super::{at, list, show};
use crate::app::{App, Memo, RwSignal, each, effect, memo, part};
use crate::backend::desk;
use crate::parts::plain;
use crate::parts::states;
use crate::words::servers::link;
use crate::words::servers::progress::{self, Progress};
pub use end::left;
use leptos::prelude::*;
use protocol::ApiError;
use protocol::desk::{DeskAnswer, DeskRequest, KnownStep, Place};
use protocol::setup::{SetupEntry, SetupState, Work};
use std::time::Duration;

#[derive(Clone, Copy)]
struct Run {
    app: App,
    place: StoredValue<Place>,
    entries: RwSignal<Vec<SetupEntry>>,
    known: RwSignal<Vec<KnownStep>>,
    state: RwSignal<Option<SetupState>>,
    failed: RwSignal<Option<ApiError>>,
    /// A call is on its way, and whether another one is wanted after it.
    pulling: RwSignal<(bool, bool)>,
    now: Memo<Progress>,
}

pub fn page(app: App, place: &str) -> AnyView {
    let (entries, known) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
    let run = Run {
        app,
        place: StoredValue::new(place.to_owned()),
        entries,
        known,
        state: RwSignal::new(None),
        failed: RwSignal::new(None),
        pulling: RwSignal::new((false, false)),
        now: memo(move || {
            entries.look(|e: &Vec<SetupEntry>| known.look(|k: &Vec<KnownStep>| progress::progress(e, k)))
        }),
    };
    run.pull();
    effect(move || {
        if app.desk.setup.look(|(of, _)| run.place.with_value(|own| own == of)) {
            run.pull();
        }
    });
    let up = memo(move || app.desk.row(&run.place.get_value()).is_some_and(|row| link::is_up(&row)));
    effect(move || {
        if up.get() {
            run.pull();
        }
    });
    run.keep_time();
    let shape = memo(move || run.shape());
    let body = part(move || match shape.get() {
        Shape::Loading => view! { <div class="card">{states::loading(6)}</div> }.into_any(),
        Shape::Failed(why) => states::failed(&why),
        Shape::Empty => run.empty(),
        Shape::Full => run.full(),
    });
    view! { <div class="sheet narrow" data-testid="run">{body}</div> }.into_any()
}

#[derive(Clone, PartialEq)]
enum Shape {
    Loading,
    Failed(ApiError),
    Empty,
    Full,
}

impl Run {
    fn shape(self) -> Shape {
        match (self.state.get(), self.failed.get()) {
            (Some(_), _) if self.now.look(|now| now.work.is_some()) => Shape::Full,
            (Some(_), _) => Shape::Empty,
            (None, Some(why)) => Shape::Failed(why),
            (None, None) => Shape::Loading,
        }
    }

    /// Reads what is new. At most one call is on its way.
    fn pull(self) {
        let start = self.pulling.try_update(|(pulling, again)| {
            *again = *pulling;
            !std::mem::replace(pulling, true)
        });
        if start == Some(true) {
            leptos::task::spawn_local(self.pulled());
        }
    }

    async fn pulled(self) {
        loop {
            let Some(after) = self.entries.try_with_untracked(|e| e.last().map_or(0, |entry| entry.seq))
            else {
                return;
            };
            let place = self.place.get_value();
            match desk::desk(DeskRequest::SetupAfter { place, after }).await {
                Ok(DeskAnswer::Setup { entries, state, steps }) => self.take(after, entries, state, steps),
                Ok(_) => {}
                Err(why) => {
                    let _ = self.failed.try_set(Some(why));
                }
            }
            let again = self.pulling.try_update(|(pulling, again)| {
                *pulling = *again;
                std::mem::replace(again, false)
            });
            if again != Some(true) {
                return;
            }
        }
    }

    fn take(self, after: u64, new: Vec<SetupEntry>, state: SetupState, steps: Vec<KnownStep>) {
        let _ = self.failed.try_set(None);
        if self.known.try_with_untracked(|known| *known != steps) == Some(true) && !steps.is_empty() {
            let _ = self.known.try_set(steps);
        }
        if !new.is_empty() {
            let _ =
                self.entries.try_update(|entries| entries.extend(new.into_iter().filter(|e| e.seq > after)));
        }
        let _ = self.state.try_set(Some(state));
    }

    /// Elapsed times go on by the second while it works.
    fn keep_time(self) {
        let ticks = set_interval_with_handle(
            move || {
                if self.now.look_untracked(|now| now.end.is_none()) {
                    self.app.now.set(protocol::At(js_sys::Date::now() as i64));
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

    fn name(self) -> String {
        let place = self.place.get_value();
        self.app.desk.row(&place).map_or(place, |row| row.name)
    }

    fn empty(self) -> AnyView {
        view! {
            <div class="blank" data-testid="empty">
                <h2>"Nothing was set up here yet"</h2>
                <p class="muted">"Sign in to the server to begin."</p>
                <p>{plain::link("Sign in", at("new", "").hash(), "button", "new-server")}</p>
            </div>
        }
        .into_any()
    }

    fn full(self) -> AnyView {
        let work = memo(move || self.now.look(|now| now.work.unwrap_or(Work::Apply)));
        let title = move || {
            let ended = self.now.look(|now| now.end.map(|end| end.ok));
            match (ended, work.get()) {
                (Some(true), Work::Apply | Work::Begin) => format!("{} is ready", self.name()),
                (Some(true), Work::Remove) => format!("Loopwright is off {}", self.name()),
                (Some(true), work) => {
                    format!("{}: {} is complete", self.name(), link::name(work).to_lowercase())
                }
                (Some(false), work) => {
                    format!("{}: {} stopped", self.name(), link::name(work).to_lowercase())
                }
                (None, work) => format!("{} {}", link::doing(work), self.name()),
            }
        };
        let ids =
            memo(move || self.now.look(|now| now.steps.iter().map(|s| s.id.clone()).collect::<Vec<_>>()));
        let steps = each(move || ids.get(), Clone::clone, move |id| self.step(id));
        view! {
            <header class="sheet-head">
                <h1 data-testid="run-title">{title}</h1>
                <span class="grow"></span>
                {part(move || plain::link("Its page", at("at", &self.place.get_value()).hash(), "button small-button", "to-place"))}
            </header>
            {part(move || matches!(work.get(), Work::Apply | Work::Begin).then(|| show::way(4)))}
            {part(move || self.offline())}
            <section class="card card-body">
                {part(move || self.bar())}
                <p data-testid="run-says" role="status">{move || self.now.look(|now| now.says(self.app.now.get()))}</p>
                {part(move || self.closing())}
            </section>
            {part(move || self.after())}
            <section class="card"><ol class="items steps" data-testid="run-steps">{steps}</ol></section>
            {part(move || self.kept())}
            {self.log()}
        }
        .into_any()
    }

    fn bar(self) -> AnyView {
        let (done, of) = self.now.look(|now| (now.done(), now.steps.len().max(1)));
        view! { <progress max=of.to_string() value=done.to_string() aria-label="Steps that are done"></progress> }.into_any()
    }

    /// What a closed window means.
    fn closing(self) -> Option<AnyView> {
        let works = self.now.look(|now| now.end.is_none())
            && matches!(self.state.get(), Some(SetupState::Running { .. }));
        works.then(|| plain::p("muted small", "You may close this window: the work goes on on the server, and this page shows it when you come back."))
    }

    /// The connection is gone while it works.
    fn offline(self) -> Option<AnyView> {
        let row = self.app.desk.row(&self.place.get_value())?;
        let said = link::link(&row.link, self.app.now.get(), self.app.zone);
        // A run is heard before Loopwright's own service is there to be talked to.
        let heard = self.state.look(|state| matches!(state, Some(SetupState::Running { .. })));
        if heard || link::is_up(&row) || self.now.look(|now| now.end.is_some_and(|end| end.ok)) {
            return None;
        }
        Some(
            view! {
                <div class="obstacle" role="status" data-testid="run-offline">
                    {list::link_line(&said)}
                    {plain::p("", "The server goes on by itself. This is what was heard from it last.")}
                </div>
            }
            .into_any(),
        )
    }
}
