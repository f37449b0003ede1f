//! The plan: every step with why and what it changes, what waits for an answer, and the one button.

use super::meet::Meet;
use super::{options, show};
use crate::app::{Views, memo, part};
use crate::parts::{plain, states};
use crate::words::sentence;
use crate::words::servers::plan as words;
use leptos::prelude::*;
use protocol::setup::{Choice, Found, Plan, PlannedStep, StepPlan};

pub fn panel(meet: Meet, found: Found) -> AnyView {
    let plan = memo(move || meet.plan.get());
    let busy = memo(move || meet.doing.look(Option::is_some));
    let shown = part(move || {
        match plan.get() {
        Some(plan) => steps(meet, &plan),
        None if busy.get() => view! { <div class="card">{states::loading(6)}</div> }.into_any(),
        None => view! { <div class="actions">{plain::button("Ask for the plan again", "", "plan-again", move || meet.ask_plan())}</div> }.into_any(),
    }
    });
    view! {
        <div class="two plan-page" data-testid="plan-page" aria-busy=move || busy.get().to_string()>
            {options::form(meet, &found)}
            <div class="stack">{shown}</div>
        </div>
    }
    .into_any()
}

fn steps(meet: Meet, plan: &Plan) -> AnyView {
    let blocked = plan.blocked().count();
    let busy = move || meet.doing.look(Option::is_some);
    let ready = blocked == 0;
    let label = if plan.changes() == 0 { "Check everything" } else { "Set it up" };
    let hint = if ready {
        "First the app gets a key of its own and the password is forgotten. Then it goes on by itself, also when this window is closed."
    } else {
        "First answer what is marked above."
    };
    let begin = plain::clicked(Box::new(move || meet.begin()));
    let rows = plan.steps.iter().map(|step| self::step(meet, step)).views();
    view! {
        <section class="card" data-testid="plan" data-hash=plan.hash.clone()>
            <div class="card-body">
                <h2>"The plan"</h2>
                <p data-testid="plan-summary">{words::summary(plan)}</p>
                {plain::p("muted", words::takes(plan))}
            </div>
            <ol class="items steps">{rows}</ol>
            <div class="card-body">
                <div class="actions">
                    <button class="primary" data-testid="begin" disabled=move || busy() || !ready on:click=begin>{label}</button>
                    {plain::span("muted small", hint)}
                </div>
            </div>
        </section>
    }
    .into_any()
}

fn step(meet: Meet, step: &PlannedStep) -> AnyView {
    let (slug, word) = words::state(&step.state);
    let body = match &step.state {
        StepPlan::Satisfied => ().into_any(),
        StepPlan::Needed { changes } => view! {
            <details class="fold"><summary>"What changes"</summary>{show::changes(changes)}</details>
        }
        .into_any(),
        StepPlan::Blocked { obstacle } => {
            let id = step.id.clone();
            let choices = obstacle.choices.iter().map(|choice| self::choice(meet, &id, *choice)).views();
            let again = plain::button("Look again", "small-button", "look-again", move || meet.ask_plan());
            let buttons =
                view! { <div class="choices-row">{choices}<div class="choice-line">{again}</div></div> }
                    .into_any();
            show::obstacle(&obstacle.cause, &obstacle.action, buttons)
        }
        StepPlan::Skipped { why } => plain::p("muted small", sentence(why)),
    };
    let chosen = chosen(meet, &step.id);
    view! {
        <li class="item step" data-testid="plan-step" data-step=step.id.clone() data-state=slug>
            <p class="item-head"><b dir="auto">{step.title.clone()}</b><span class="grow"></span><span class="badge" data-state=slug>{word}</span></p>
            {plain::p("muted small", sentence(&step.why))}
            {body}
            {chosen}
        </li>
    }
    .into_any()
}

fn choice(meet: Meet, step: &str, choice: Choice) -> AnyView {
    let (label, says) = words::choice(choice);
    let step = step.to_owned();
    let take = plain::clicked(Box::new(move || {
        let step = step.clone();
        meet.wish(move |wish| {
            wish.choices.retain(|(of, _)| *of != step);
            wish.choices.push((step, choice));
        });
    }));
    view! {
        <div class="choice-line">
            <button type="button" class="small-button" data-testid=format!("choice-{}", words::slug(choice)) on:click=take>{label}</button>
            {plain::span("muted small", says)}
        </div>
    }
    .into_any()
}

/// What was answered here, and the way back.
fn chosen(meet: Meet, step: &str) -> Option<AnyView> {
    let choice = meet
        .wish
        .with_untracked(|wish| wish.choices.iter().find(|(of, _)| of == step).map(|(_, choice)| *choice))?;
    let step = step.to_owned();
    let undo = plain::button("Undo", "link small", "undo-choice", move || {
        let step = step.clone();
        meet.wish(move |wish| wish.choices.retain(|(of, _)| *of != step));
    });
    Some(view! { <p class="small">"You chose: "<b>{words::choice(choice).0}</b>" · "{undo}</p> }.into_any())
}
