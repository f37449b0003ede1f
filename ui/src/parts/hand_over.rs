//! Giving an attempt's work to another agent, which goes on in its worktree.

use super::plain;
use crate::app::{App, RwSignal, memo, part};
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::Readiness;
use protocol::id::{AgentId, AttemptId, RequestId};
use protocol::view::AgentRow;

/// The agents that could take it, by name, after what stands there when Hermes is to pick.
pub fn takers(app: App, first: &'static str, but: Option<&AgentId>) -> Vec<(String, String)> {
    let ready = app.home_with(|h| {
        // One that is busy takes it when its turn comes.
        let able = |a: &&AgentRow| a.readiness.is_ready() || matches!(a.readiness, Readiness::Busy { .. });
        let able = h.agents.iter().filter(able).filter(|a| Some(&a.agent) != but);
        able.map(|a| (a.agent.to_string(), a.title.clone())).collect::<Vec<_>>()
    });
    std::iter::once((String::new(), first.to_owned())).chain(ready.unwrap_or_default()).collect()
}

pub fn hand_over(app: App, request: RequestId, attempt: AttemptId, from: AgentId) -> AnyView {
    let to = RwSignal::new(String::new());
    let options = memo(move || takers(app, "Hermes picks", Some(&from)));
    let send = plain::sent(move || {
        let to = AgentId::new(to.get_untracked()).ok();
        let request = Request::HandOver { request: request.clone(), attempt: attempt.clone(), to };
        app.act(request, "Another agent goes on with its work.", |_| {});
    });
    view! {
        <details class="fold" data-testid="hand-over">
            <summary>"Hand over to another agent…"</summary>
            <form class="steer" on:submit=send>
                {part(move || plain::choice(to, "hand-over-to".to_owned(), "To which agent", options.get()))}
                <button class="small-button" data-testid="hand-over-send">"Hand over"</button>
            </form>
            <p class="muted small">"It goes on in the same worktree, with what was done and found so far."</p>
        </details>
    }
    .into_any()
}
