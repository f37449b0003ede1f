//! Steps: what is planned and can be sent to Hermes as it is, and what was completed, with its errors and their fixes.

use crate::app::{App, Load, RwSignal, Views, part, read};
use crate::backend;
use crate::backend::Answer;
use crate::parts::confirm::Confirm;
use crate::parts::plain::typed;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::figures;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::Channel;
use protocol::view::StepRow;

#[component]
pub fn Steps() -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Steps { project: app.active() })
    });
    let body = part(move || match load.get() {
        Load::Loading => states::loading(5),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Steps { planned, completed }) => both(app, planned, completed),
        Load::Ready(_) => ().into_any(),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Steps"</h1>
                <p class="muted">"Planned steps wait here until you send them. A completed one keeps its date, its errors and what fixed them."</p>
            </header>
            <NewStep/>
            {body}
        </div>
    }
}

fn both(app: App, planned: Vec<StepRow>, completed: Vec<StepRow>) -> AnyView {
    let to_do = if planned.is_empty() {
        states::empty(
            "Nothing is planned",
            "Write down what should come next with “Plan a step”; send it when its time has come.",
        )
    } else {
        planned.into_iter().map(|row| planned_step(app, row)).views().into_any()
    };
    let done = if completed.is_empty() {
        states::empty(
            "No step is completed yet",
            "Each request that ends live becomes one, with what went wrong on the way.",
        )
    } else {
        completed.into_iter().map(|row| completed_step(app, row)).views().into_any()
    };
    view! {
        <div class="two">
            <section class="stack"><h2>"Planned"</h2><div class="card items" data-testid="planned">{to_do}</div></section>
            <section class="stack"><h2>"Completed"</h2><div class="card items timeline" data-testid="completed">{done}</div></section>
        </div>
    }
    .into_any()
}

fn planned_step(app: App, row: StepRow) -> AnyView {
    let text = row.text.clone().filter(|t| !t.trim().is_empty());
    let asked = match &text {
        Some(text) if text.trim() != row.title.trim() => format!("{}\n\n{text}", row.title),
        _ => row.title.clone(),
    };
    let text = text.filter(|t| t.trim() != row.title.trim());
    let (step, project) = (row.step.clone(), row.project.clone());
    // Made once: sending twice is sending once.
    let client = backend::new_client();
    let send = move |_| {
        let Some(client) = client.clone() else { return };
        let request = Request::Ask {
            client,
            text: asked.clone(),
            project: Some(project.clone()),
            agent: None,
            race: vec![],
            parts: vec![],
            step: Some(step.clone()),
            channel: Channel::Dashboard,
        };
        app.act(request, "Sent to Hermes.", move |_| app.go(Route::to(View::Home)));
    };
    let step = row.step.clone();
    let drop = Callback::new(move |()| app.act(Request::DropStep { step: step.clone() }, "Dropped.", |_| {}));
    view! {
        <div class="item" tabindex="0" data-row data-testid="planned-step">
            <div class="item-head"><b dir="auto">{row.title}</b><span class="muted small">{ago(app, row.at)}</span></div>
            {text.map(|t| view! { <p class="item-text" dir="auto">{t}</p> })}
            <div class="actions">
                <button class="primary small-button" data-testid="step-send" on:click=send>"Send to Hermes"</button>
                <Confirm label="Drop" question="Drop this step?" testid="step-drop" act=drop/>
            </div>
        </div>
    }
    .into_any()
}

fn completed_step(app: App, row: StepRow) -> AnyView {
    let number = row.number.map(|n| format!("{n}. ")).unwrap_or_default();
    let look = row.request.as_ref().map(|r| Route::open(View::Home, r.to_string()).hash());
    let commit = row.commit.as_ref().map(|c| (figures::commit(c.as_str()), c.to_string()));
    let errors = row
        .errors
        .into_iter()
        .map(|e| view! { <li dir="auto">{crate::words::sentence(&e)}</li> })
        .collect::<Vec<_>>();
    let text = row.text.filter(|t| !t.trim().is_empty());
    view! {
        <div class="item" tabindex="0" data-row data-testid="completed-step">
            <div class="item-head">
                <b dir="auto">{number}{row.title}</b>
                <span class="muted small">{ago(app, row.at)}</span>
                {commit.map(|(short, full)| view! { <code class="muted" title=full>{short}</code> })}
                {look.map(|href| view! { <a class="small" href=href>"Show in the loop"</a> })}
            </div>
            {if errors.is_empty() {
                view! { <p class="muted small">"Without an error."</p> }.into_any()
            } else {
                view! { <ul class="fixes">{errors}</ul> }.into_any()
            }}
            {text.map(|t| view! { <details class="fold"><summary>"Its record"</summary><pre class="text">{t}</pre></details> })}
        </div>
    }
    .into_any()
}

#[component]
fn NewStep() -> impl IntoView {
    let app = App::here();
    let title = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());
    let plan = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if title.with_untracked(|t| t.trim().is_empty()) {
            return;
        }
        // A step is sent to Hermes as it is: without more words, its title is what is asked.
        let words = Some(text.get_untracked())
            .filter(|t| !t.trim().is_empty())
            .unwrap_or_else(|| title.get_untracked());
        let request =
            Request::PlanStep { project: app.active_untracked(), title: title.get_untracked(), text: words };
        app.act(request, "Planned.", move |_| {
            let _ = title.try_set(String::new());
            let _ = text.try_set(String::new());
        });
    };
    view! {
        <details class="card fold">
            <summary class="card-body">"Plan a step"</summary>
            <form class="card-body" on:submit=plan>
                <label class="field"><span>"Title"</span>
                    <input data-focus data-testid="step-title" dir="auto" prop:value=title.shown() on:input=typed(title)/>
                </label>
                <label class="field"><span>"What is wanted, in plain words"</span>
                    <textarea rows="3" data-testid="step-text" dir="auto" prop:value=text.shown() on:input=typed(text)></textarea>
                </label>
                <div class="actions"><button class="primary" data-testid="step-plan" disabled=move || title.look(|t| t.trim().is_empty())>"Plan it"</button></div>
            </form>
        </details>
    }
}
