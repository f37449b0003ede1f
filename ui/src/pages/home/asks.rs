//! What agents want to know before they go on: a question to answer in words, a permission to give or refuse. The clock of
//! an attempt that asks stands still.

use crate::app::{App, Memo, RwSignal, Views, each, memo};
use crate::parts::plain;
use crate::parts::time::ago;
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::{AskKind, AskOption};
use protocol::id::{AgentId, AttemptId, RequestId};
use protocol::view::{AskView, RequestView};

/// One that waits for the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    attempt: AttemptId,
    agent: AgentId,
    ask: AskView,
}

/// All that are open, in the order of the attempts.
pub fn open(view: &RequestView) -> Vec<Asked> {
    let asking = view.attempts.iter().filter(|a| a.finished.is_none());
    asking
        .filter_map(|a| {
            a.asked.clone().map(|ask| Asked { attempt: a.attempt.clone(), agent: a.agent.clone(), ask })
        })
        .collect()
}

pub fn asks(app: App, request: RequestId, view: Memo<Option<RequestView>>) -> AnyView {
    let all = memo(move || view.look(|v| v.as_ref().map(open)).unwrap_or_default());
    each(
        move || all.get(),
        |a| format!("{} {}", a.attempt, a.ask.ask),
        move |asked| one(app, request.clone(), asked),
    )
}

fn one(app: App, request: RequestId, asked: Asked) -> AnyView {
    let Asked { attempt, agent, ask } = asked;
    let (word, lead) = match ask.ask_kind {
        AskKind::Question => ("question", "asks"),
        AskKind::Permission => ("permission", "asks for permission"),
    };
    let question = ask.question.clone().unwrap_or_else(|| "The question was forgotten.".to_owned());
    let answer = Answering { app, request, attempt, asked: ask.ask };
    let options = ask.options.into_iter().map(|o| answer.clone().option(o)).views();
    let words = (ask.ask_kind == AskKind::Question).then(|| answer.words());
    view! {
        <section class="asked-by" data-testid="asked" data-kind=word role="group" aria-label="A question for you">
            <p class="item-head"><b>{app.agent_title(&agent)}</b>{lead}<span class="muted small">{ago(app, ask.at)}</span></p>
            {plain::p("ask-text", question)}
            <div class="actions">{options}</div>
            {words}
            {plain::p("muted small", "It waits, and its clock stands still.")}
        </section>
    }
    .into_any()
}

#[derive(Clone)]
struct Answering {
    app: App,
    request: RequestId,
    attempt: AttemptId,
    asked: String,
}

impl Answering {
    fn answer(&self, option: Option<String>, text: Option<String>, then: impl FnOnce() + 'static) {
        let request = Request::Answer {
            request: self.request.clone(),
            attempt: self.attempt.clone(),
            asked: self.asked.clone(),
            option,
            text,
        };
        self.app.act(request, "Passed on. It goes on.", |_| then());
    }

    fn option(self, option: AskOption) -> AnyView {
        plain::button(option.label, "small-button", "ask-option", move || {
            self.answer(Some(option.id.clone()), None, || {});
        })
    }

    fn words(self) -> AnyView {
        let draft = RwSignal::new(String::new());
        let send = plain::sent(move || {
            let text = draft.get_untracked();
            if !text.trim().is_empty() {
                self.answer(None, Some(text), move || {
                    let _ = draft.try_set(String::new());
                });
            }
        });
        view! {
            <form class="steer" on:submit=send>
                {plain::line(draft, "answer-box".to_owned(), "Your answer".to_owned(), "Your answer".to_owned(), false)}
                <button class="primary small-button" data-testid="answer-send">"Answer"</button>
            </form>
        }
        .into_any()
    }
}
