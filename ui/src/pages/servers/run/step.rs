//! One step of a run: how it stands, what it does now, what stopped it and the answers to that.

use super::Run;
use crate::app::desk::tell;
use crate::app::{App, Views, memo, part};
use crate::pages::servers::show;
use crate::parts::plain;
use crate::words::servers::plan as words;
use crate::words::servers::progress::{State, Step};
use crate::words::{sentence, time};
use leptos::prelude::*;
use protocol::desk::DeskRequest;
use protocol::setup::{Choice, Obstacle};

impl Run {
    pub fn step(self, id: String) -> AnyView {
        let one = memo(move || self.now.look(|now| now.steps.iter().find(|s| s.id == id).cloned()));
        let shown = part(move || one.get().map(|step| self.step_now(step)));
        view! { {shown} }.into_any()
    }

    fn step_now(self, step: Step) -> AnyView {
        let (mark, read_out) = step.state.mark();
        let figure = match &step.state {
            State::Done { changes: 0, .. } => "as needed".to_owned(),
            State::Done { millis, changes } => {
                let n = u64::from(*changes);
                format!("{} · {}", crate::words::counted(n, "change", "changes"), time::duration(*millis))
            }
            State::Running { .. } | State::Ahead => {
                step.usual.map(|usual| format!("usually {}", time::duration(usual))).unwrap_or_default()
            }
            State::Waiting { .. } | State::Blocked { .. } | State::Failed { .. } => String::new(),
        };
        let body = match &step.state {
            State::Running { .. } => step.doing.as_ref().map(|d| show::busy(&d.words, d.done, d.of)),
            State::Waiting { since, obstacle } => Some(waits(self.app, *since, obstacle)),
            State::Blocked { obstacle } | State::Failed { obstacle } => Some(show::obstacle(
                &obstacle.cause,
                &obstacle.action,
                self.go_on(&step.id, &obstacle.choices),
            )),
            State::Ahead | State::Done { .. } => None,
        };
        view! {
            <li class="item step" data-testid="run-step" data-step=step.id.clone() data-state=step.state.slug()>
                <p class="item-head">
                    <span class="step-mark" role="img" aria-label=read_out>{mark}</span>
                    <b dir="auto">{step.title.clone()}</b><span class="grow"></span>{plain::span("muted small figure", figure)}
                </p>
                {body}
            </li>
        }
        .into_any()
    }

    /// The answers that remove the obstacle, and simply trying again.
    fn go_on(self, step: &str, choices: &[Choice]) -> AnyView {
        let offered = choices
            .iter()
            .map(|choice| {
                let (choice, step) = (*choice, step.to_owned());
                let (label, says) = words::choice(choice);
                let take = plain::clicked(Box::new(move || self.again(vec![(step.clone(), choice)])));
                view! {
                    <div class="choice-line">
                        <button type="button" class="small-button" data-testid=format!("choice-{}", words::slug(choice)) on:click=take>{label}</button>
                        {plain::span("muted small", says)}
                    </div>
                }
            })
            .views();
        let again =
            plain::button("Try again", "small-button primary", "go-on", move || self.again(Vec::new()));
        view! { <div class="choices-row">{offered}<div class="choice-line">{again}{plain::span("muted small", "What is done stays done.")}</div></div> }
            .into_any()
    }

    pub fn again(self, choices: Vec<(String, Choice)>) {
        let place = self.place.get_value();
        tell(self.app, DeskRequest::GoOn { place, choices }, move |_| self.pull());
    }
}

fn waits(app: App, since: protocol::At, obstacle: &Obstacle) -> AnyView {
    let (cause, action) = (sentence(&obstacle.cause), sentence(&obstacle.action));
    view! {
        <div class="stack busy" role="status" data-testid="waiting">
            <p class="say ask">"Waits: "{cause}" "<span class="figure muted small">{move || format!("{} so far", time::elapsed(app.now.get().since(since)))}</span></p>
            {plain::p("muted small", action)}
        </div>
    }
    .into_any()
}
