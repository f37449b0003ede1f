//! A run's facts in one line each, for a client that waits.

use super::tools::RunEvent;
use protocol::fact::{CheckKind, CheckResult, Entry, Waiting};
use protocol::{At, Fact, clean};

/// Longest line.
const LINE: usize = 300;

pub fn event(entry: &Entry) -> RunEvent {
    let says = clean::line(&says(&entry.fact), LINE);
    RunEvent { seq: entry.seq, at: moment(entry.at), kind: entry.fact.kind().into(), says }
}

fn says(fact: &Fact) -> String {
    match fact {
        Fact::RequestReceived(f) => format!("taken for project {}", f.project),
        Fact::RequestOriented(f) => {
            format!("read {} files, recalled {} notes", f.sources.len(), f.recalled.len())
        }
        Fact::RequestWaiting(f) => waits(&f.waiting),
        Fact::RequestResumed(f) => format!("goes on: {}", f.because),
        Fact::CancelAsked(_) => "is being cancelled".into(),
        Fact::PlanMade(f) => format!("{} planned: {}", counted(f.tasks.len(), "task"), f.why),
        Fact::AgentChosen(f) => format!("attempt {} by {}: {}", f.number, f.agent, f.why),
        Fact::TaskDeclared(f) => format!("briefed with {} parts", f.parts.len()),
        Fact::TaskSteered(_) => "was steered".into(),
        Fact::TaskClosed(f) => format!("task {} is closed", f.task),
        Fact::AttemptStarted(f) => format!("{} has started", f.agent),
        Fact::AttemptAsked(_) => "the agent asks: see run_status, then answer_run".into(),
        Fact::AttemptAnswered(_) => "the agent's question was answered".into(),
        Fact::HandOverAsked(_) => "is handed over to another agent".into(),
        Fact::RaceJudged(f) => format!("{} won the race: {}", f.winner, f.why),
        Fact::AttemptCheckpoint(f) => {
            format!("checkpoint {}: {} (+{} -{})", f.number, f.says, f.diff.added, f.diff.removed)
        }
        Fact::AttemptFinished(f) => {
            format!("the agent is done: {} changed", counted(f.diff.files as usize, "file"))
        }
        Fact::CheckFinished(f) => checked(f.check, &f.result),
        Fact::AttemptDiagnosed(f) => format!("{}: {}", f.what, f.summary),
        Fact::AttemptLanded(f) => format!("landed as {}", f.commit),
        Fact::ReleaseLive(f) => format!("live at {}", f.url),
        Fact::ReleaseRolledBack(f) => format!("rolled back to {}: {}", f.to, f.why),
        Fact::StepCompleted(f) => format!("step {} is written down", f.number),
        Fact::DeploymentRecorded(f) => f.summary.clone(),
        Fact::MemoryPushed(f) => format!("remembered: a {}", f.note_kind.word()),
        Fact::MemoryRecalled(f) => format!("the agent asked the memory and was told {} notes", f.notes.len()),
        Fact::RequestClosed(f) => f.why.clone(),
        Fact::JournalOpened(_)
        | Fact::ProjectCreated(_)
        | Fact::ProjectActivated(_)
        | Fact::StepPlanned(_)
        | Fact::StepDropped(_)
        | Fact::DeploymentRated(_)
        | Fact::MemorySuperseded(_)
        | Fact::MemoryEnriched(_)
        | Fact::MemoryGraphEdited(_)
        | Fact::MemoryForgotten(_)
        | Fact::InstructionEdited(_) => String::new(),
    }
}

fn checked(check: CheckKind, result: &CheckResult) -> String {
    match result {
        CheckResult::Passed => format!("{} passed", check.word()),
        CheckResult::Failed { summary, .. } => format!("{} failed: {summary}", check.word()),
    }
}

fn waits(waiting: &Waiting) -> String {
    match waiting {
        Waiting::You { question } => format!("waits for an answer: {question}"),
        Waiting::Quota { agent, until: Some(until) } => {
            format!("the quota of {agent} is used up until {}", moment(*until))
        }
        Waiting::Quota { agent, until: None } => format!("the quota of {agent} is used up"),
        Waiting::Agent { reason } => format!("no agent can take it: {reason}"),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// RFC 3339 in UTC, to the second.
pub fn moment(at: At) -> String {
    let seconds = at.0.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = protocol::date::civil(days);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_everybody_does() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_305_599_999, "2026-11-21T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (-1000, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(moment(At(ms)), text);
        }
    }
}
