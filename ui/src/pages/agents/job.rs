//! Work on an agent's programs: what happens now, how it ended, and beginning it.

use super::card::install;
use crate::app::App;
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::sentence;
use leptos::prelude::*;
use protocol::Request;
use protocol::id::AgentId;
use protocol::view::{AgentJob, JobState};

/// Which version is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    No,
    Another,
    Tested,
}

pub fn job(app: App, agent: &AgentId, job: Option<AgentJob>, here: Installed) -> AnyView {
    let runs = job.as_ref().is_some_and(|j| j.state == JobState::Running);
    let again = if here == Installed::Tested { "Install again" } else { "Install the tested version" };
    let (one, other) = (agent.clone(), agent.clone());
    // What is not there is installed by the card's one button.
    let begin = (!runs && here != Installed::No).then(|| {
        view! {
            <div class="actions">
                {plain::button(again, "small-button", "install-again", move || install(app, &one))}
                {plain::button("Check", "small-button", "check", move || {
                    app.act(Request::CheckAgent { agent: other.clone() }, "Checking it.", |_| {});
                })}
            </div>
        }
    });
    view! { {job.map(|job| shown(app, job))}{begin} }.into_any()
}

fn shown(app: App, job: AgentJob) -> AnyView {
    let name = if job.what == "install" { "Installation" } else { "Check" };
    let (word, tone, said) = match &job.state {
        JobState::Running => {
            let newest = job.says.last().cloned().unwrap_or_else(|| "it begins".to_owned());
            ("running", "say now", sentence(&newest))
        }
        JobState::Done { says } => ("done", "say good", sentence(says)),
        JobState::Failed { reason, next } => {
            ("failed", "say bad", format!("{} {}", sentence(reason), sentence(next)))
        }
    };
    let bar = (word == "running").then(|| view! { <progress aria-label=name></progress> });
    view! {
        <div class="job" data-testid="job" data-what=job.what.clone() data-state=word role="status">
            <p class="item-head"><b>{name}</b><span class="muted small">"begun "{ago(app, job.started)}</span></p>
            {bar}
            {plain::p(tone, said)}
            {plain::printed("What it did", "job-lines", &job.says)}
        </div>
    }
    .into_any()
}
