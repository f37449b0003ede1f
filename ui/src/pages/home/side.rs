//! Asking for more than one agent at once: a race at the whole, or a part for each.

use crate::app::{App, Memo, RwSignal, Views, memo, part};
use crate::parts::hand_over::takers;
use crate::parts::plain;
use crate::words::list::{self, Split};
use leptos::prelude::*;
use protocol::api::Part;
use protocol::id::AgentId;

/// Agents that can race: with more, one waits for the slowest and pays for all.
const MOST: usize = 3;

#[derive(Clone, Copy)]
pub struct Side {
    draft: RwSignal<String>,
    /// Those that are to race, by id.
    racing: RwSignal<Vec<String>>,
    /// The user took the offer to split.
    splitting: RwSignal<bool>,
    /// The agent of each part; empty: Hermes picks.
    chosen: [RwSignal<String>; list::MOST],
}

impl Side {
    pub fn of(draft: RwSignal<String>) -> Self {
        Self {
            draft,
            racing: RwSignal::new(Vec::new()),
            splitting: RwSignal::new(false),
            chosen: std::array::from_fn(|_| RwSignal::new(String::new())),
        }
    }

    pub fn clear(self) {
        let _ = self.racing.try_set(Vec::new());
        let _ = self.splitting.try_set(false);
        for chosen in self.chosen {
            let _ = chosen.try_set(String::new());
        }
    }

    /// What is asked for: the text, who races, and the parts.
    pub fn asked(self) -> (String, Vec<AgentId>, Vec<Part>) {
        let text = self.draft.get_untracked();
        let split = list::split(&text).filter(|_| self.splitting.get_untracked());
        let Some(Split { common, items }) = split else {
            let racing = self.racing.get_untracked();
            let racing: Vec<AgentId> = racing.into_iter().filter_map(|id| AgentId::new(id).ok()).collect();
            return (text, if racing.len() > 1 { racing } else { Vec::new() }, Vec::new());
        };
        let text = if common.is_empty() { crate::words::listed(&items) } else { common };
        let agent =
            |chosen: RwSignal<String>| AgentId::new(chosen.get_untracked()).ok().into_iter().collect();
        let parts = items.into_iter().zip(self.chosen);
        (text, Vec::new(), parts.map(|(text, chosen)| Part { text, agents: agent(chosen) }).collect())
    }

    /// The one that alone was marked for a race: then it is simply the agent that was asked for.
    pub fn only(self) -> Option<AgentId> {
        self.racing.with_untracked(|r| match r.as_slice() {
            [one] => AgentId::new(one.clone()).ok(),
            _ => None,
        })
    }

    /// Whether several agents are asked, each by a choice of its own.
    pub fn several(self) -> bool {
        let parts = self.splitting.get() && self.draft.look(|d| list::split(d).is_some());
        parts || self.racing.look(|r| r.len() > 1)
    }

    pub fn view(self, app: App) -> AnyView {
        let split = memo(move || self.draft.look(|d| list::split(d)));
        let any = memo(move || split.look(Option::is_some));
        view! {
            {part(move || any.get().then(|| self.offer(split)))}
            {part(move || (!any.get() || !self.splitting.get()).then(|| self.race(app)))}
            {part(move || (any.get() && self.splitting.get()).then(|| self.parts(app, split)))}
        }
        .into_any()
    }

    fn offer(self, split: Memo<Option<Split>>) -> AnyView {
        let said = part(move || {
            let n = split.look(|s| s.as_ref().map_or(0, |s| s.items.len()));
            format!("Do these {n} parts at the same time, each in its own worktree")
        });
        tick(
            "split",
            view! { {said} }.into_any(),
            move || self.splitting.get(),
            move |on| self.splitting.set(on),
        )
    }

    fn parts(self, app: App, split: Memo<Option<Split>>) -> AnyView {
        let options = memo(move || takers(app, "Hermes picks", None));
        let rows = part(move || {
            let items = split.get().map(|s| s.items).unwrap_or_default();
            let rows = items.into_iter().zip(self.chosen).enumerate().map(|(i, (text, chosen))| {
                view! {
                    <li data-testid="part">
                        <span class="clip" dir="auto">{text}</span>
                        {plain::choice(chosen, format!("part-agent-{}", i + 1), "Which agent", options.get())}
                    </li>
                }
            });
            rows.views()
        });
        view! { <ol class="parts-asked">{rows}</ol> }.into_any()
    }

    fn race(self, app: App) -> AnyView {
        let ready = memo(move || takers(app, "", None));
        let shown = part(move || {
            let agents = ready.get();
            // The first one stands for Hermes' choice.
            let boxes = agents.iter().skip(1).map(|(id, title)| {
                let (here, there) = (id.clone(), id.clone());
                tick(
                    "race-agent",
                    plain::span("", title.clone()),
                    move || self.racing.look(|r| r.contains(&here)),
                    move |on| self.race_with(&there, on),
                )
            });
            let boxes: Vec<AnyView> = boxes.collect();
            (boxes.len() > 1).then(|| view! {
                <details class="fold race" data-testid="race">
                    <summary>"Let two or three agents race"</summary>
                    <div class="actions">{boxes}</div>
                    {plain::p("muted small", "Each makes the whole in its own worktree. Checks, size and time rank them, the best one lands, and you may pick another.")}
                </details>
            })
        });
        view! { {shown} }.into_any()
    }

    fn race_with(self, agent: &str, on: bool) {
        self.racing.update(|all| {
            all.retain(|id| id != agent);
            if on && all.len() < MOST {
                all.push(agent.to_owned());
            }
        });
    }
}

fn tick(
    testid: &'static str,
    label: AnyView,
    on: impl Fn() -> bool + Send + Sync + 'static,
    set: impl Fn(bool) + 'static,
) -> AnyView {
    let on: Box<dyn Fn() -> bool + Send + Sync> = Box::new(on);
    let set: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |e| set(event_target_checked(&e)));
    view! {
        <label class="tick"><input type="checkbox" data-testid=testid prop:checked=on on:change=set/>{label}</label>
    }
    .into_any()
}
