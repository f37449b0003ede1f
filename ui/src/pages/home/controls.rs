//! What one can do about a request while it is open: steer it, stop it, and end a wait. Each wait has its cause, said
//! above, and one action.

use super::asks;
use crate::app::{App, Memo, RwSignal, Views, memo, part};
use crate::parts::confirm::Confirm;
use crate::parts::hand_over::hand_over;
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::route::{Route, View};
use crate::words::{agents, lanes};
use leptos::prelude::*;
use protocol::fact::Waiting;
use protocol::id::{AgentId, RequestId};
use protocol::view::{RequestRow, RequestView, Status};
use protocol::{At, Code, Request};

pub fn controls(
    app: App,
    request: RequestId,
    row: Memo<RequestRow>,
    view: Memo<Option<RequestView>>,
) -> AnyView {
    let kind = memo(move || row.look(|r| r.status.clone()));
    let asked = memo(move || view.look(|v| v.as_ref().is_some_and(|v| !asks::open(v).is_empty())));
    let picks = memo(move || view.look(|v| v.as_ref().is_some_and(lanes::can_pick)));
    let shown = part(move || {
        let request = request.clone();
        match kind.get() {
            Status::Closed { .. } | Status::Cancelling => ().into_any(),
            Status::Queued => cancel(app, request),
            Status::Running { .. } => running(app, request),
            // The questions of agents stand above, each with its answers.
            Status::Waiting { waiting: Waiting::You { .. } } if asked.get() => cancel(app, request),
            Status::Waiting { waiting: Waiting::You { .. } } if picks.get() => {
                let said = plain::p("small", "Pick one of those that raced, in the loop.");
                view! { {said}<div class="actions" data-testid="wait" data-on="pick">{cancel(app, request)}</div> }.into_any()
            }
            Status::Waiting { waiting: Waiting::You { .. } } => answer(app, request),
            Status::Waiting { waiting: Waiting::Quota { agent, until } } => {
                quota(app, request, agent, until, view)
            }
            Status::Waiting { waiting: Waiting::Agent { .. } } => agent(app, request),
        }
    });
    view! { {shown} }.into_any()
}

fn cancel(app: App, request: RequestId) -> AnyView {
    let stop = Callback::new(move |()| {
        app.act(Request::Cancel { request: request.clone() }, "Stopping it.", |_| {});
    });
    view! { <Confirm label="Cancel" question="Stop this request?" testid="cancel" act=stop/> }.into_any()
}

fn look_again(app: App, request: RequestId, class: &'static str) -> AnyView {
    plain::button("Look again", class, "retry", move || {
        app.act(Request::Retry { request: request.clone() }, "Hermes looks again.", |_| {});
    })
}

/// No agent can take it: one of them is to be signed in, or looked at again.
fn agent(app: App, request: RequestId) -> AnyView {
    let wanting = app.home_with(|h| {
        let wanting = h.agents.iter().filter(|a| agents::wants_sign_in(&a.readiness));
        wanting.map(|a| (a.agent.clone(), a.title.clone())).collect::<Vec<_>>()
    });
    let wanting = wanting.unwrap_or_default();
    let look = if wanting.is_empty() { "primary small-button" } else { "small-button" };
    let doors = wanting.into_iter().enumerate().map(|(i, (id, title))| {
        let door = Route::open(View::Agents, id.to_string()).hash();
        let class = if i == 0 { "button primary small-button" } else { "button small-button" };
        plain::link(format!("Sign in to {title}"), door, class, "wait-sign-in")
    });
    view! {
        <div class="actions" data-testid="wait" data-on="agent">
            {doors.views()}
            {look_again(app, request.clone(), look)}
            <a class="small" href="#/agents">"See the agents"</a>
            {cancel(app, request)}
        </div>
    }
    .into_any()
}

/// It goes on by itself when the quota is back; who does not want to wait switches the agent.
fn quota(
    app: App,
    request: RequestId,
    agent: AgentId,
    until: Option<At>,
    view: Memo<Option<RequestView>>,
) -> AnyView {
    let last =
        memo(move || view.look(|v| v.as_ref().and_then(|v| v.attempts.last().map(|a| a.attempt.clone()))));
    let back = until.map(
        |at| view! { <p class="small" data-testid="quota-until">"It is back "<b>{ago(app, at)}</b>"."</p> },
    );
    let id = request.clone();
    let other = part(move || last.get().map(|attempt| hand_over(app, id.clone(), attempt, agent.clone())));
    view! {
        <div class="stack" data-testid="wait" data-on="quota">
            {back}
            {other}
            <div class="actions">{look_again(app, request.clone(), "small-button")}{cancel(app, request)}</div>
        </div>
    }
    .into_any()
}

fn running(app: App, request: RequestId) -> AnyView {
    let draft = RwSignal::new(String::new());
    let id = request.clone();
    let steer = plain::sent(move || {
        let text = draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        let request = Request::Steer { request: id.clone(), text };
        app.act(request, "Passed on to the agent.", move |_| {
            let _ = draft.try_set(String::new());
        });
    });
    let hint = "Steer it while it works".to_owned();
    view! {
        <form class="steer" on:submit=steer>
            {plain::line(draft, "steer-box".to_owned(), "Steer the agent while it works".to_owned(), hint, false)}
            <button class="small-button" data-testid="steer-send">"Steer"</button>
        </form>
        <div class="actions">{cancel(app, request)}</div>
    }
    .into_any()
}

/// A question of Hermes' own has one action: its answer, which is passed on and ends the wait.
fn answer(app: App, request: RequestId) -> AnyView {
    let draft = RwSignal::new(String::new());
    let id = request.clone();
    let answer = plain::sent(move || {
        let text = draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        let id = id.clone();
        leptos::task::spawn_local(async move {
            let steered = app.call(&Request::Steer { request: id.clone(), text }).await;
            let resumed = match steered {
                Ok(_) => app.call(&Request::Retry { request: id }).await,
                Err(refused) => Err(refused),
            };
            match resumed {
                // The answer itself may have ended the wait already.
                Ok(_) => app.tell("Thank you. Hermes goes on."),
                Err(refused) if refused.code == Code::Conflict => app.tell("Thank you. Hermes goes on."),
                Err(refused) => app.warn(&refused),
            }
        });
    });
    view! {
        <form class="steer" data-testid="wait" data-on="you" on:submit=answer>
            {plain::line(draft, "answer-box".to_owned(), "Your answer".to_owned(), "Your answer".to_owned(), false)}
            <button class="primary small-button" data-testid="answer-send">"Answer"</button>
        </form>
        <div class="actions">{cancel(app, request)}</div>
    }
    .into_any()
}
