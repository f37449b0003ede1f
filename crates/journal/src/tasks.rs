//! The tasks of a request, as its page shows them: what each is, where it stands, and which agent's work was taken.

use crate::progress::{Lane, Progress};
use protocol::fact::*;
use protocol::view::{AttemptView, Status, TaskStatus};

#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub planned: Vec<PlannedTask>,
    pub judged: Vec<RaceJudged>,
}

impl Tasks {
    pub fn tell(&mut self, fact: &Fact) {
        match fact {
            Fact::PlanMade(f) => self.planned.clone_from(&f.tasks),
            Fact::RaceJudged(f) => {
                // The user may pick another one after the checks have judged.
                self.judged.retain(|known| known.task != f.task);
                self.judged.push(f.clone());
            }
            _ => {}
        }
    }
}

/// `question`: the words of the question that the task's agent asked, if one is open.
pub(crate) fn status(
    progress: &Progress,
    lane: Option<&Lane>,
    attempts: &[&AttemptView],
    question: Option<String>,
) -> TaskStatus {
    match lane.and_then(|lane| lane.end.as_ref()) {
        Some(TaskEnd::Landed { commit }) => return TaskStatus::Landed { commit: commit.clone() },
        Some(TaskEnd::GivenUp { why }) => return TaskStatus::GivenUp { why: why.clone() },
        Some(TaskEnd::Cancelled) => return TaskStatus::Cancelled,
        None => {}
    }
    if let Status::Closed { outcome, why } = &progress.status {
        return closed(*outcome, why, attempts);
    }
    if let Some(question) = question {
        return TaskStatus::Waiting { waiting: Waiting::You { question } };
    }
    let Some(lane) = lane else { return TaskStatus::Queued };
    if let Some(waiting) = &lane.waiting {
        return TaskStatus::Waiting { waiting: waiting.clone() };
    }
    match &progress.status {
        Status::Waiting { waiting } if lane.runs.is_empty() => {
            TaskStatus::Waiting { waiting: waiting.clone() }
        }
        _ if attempts.is_empty() => TaskStatus::Queued,
        _ => TaskStatus::Running { stage: lane.stage_now() },
    }
}

/// A request's end is that of its tasks where nothing else was said of them: so it was before there were several.
fn closed(outcome: Outcome, why: &str, attempts: &[&AttemptView]) -> TaskStatus {
    match (attempts.iter().find_map(|attempt| attempt.landed.clone()), outcome) {
        (Some(commit), _) => TaskStatus::Landed { commit },
        (None, Outcome::Cancelled) => TaskStatus::Cancelled,
        (None, Outcome::Live | Outcome::Partly | Outcome::Failed) => {
            TaskStatus::GivenUp { why: why.to_owned() }
        }
    }
}
