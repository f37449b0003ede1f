//! What facts are called on a request's page: plain, what happened and why.

use protocol::fact::*;
use protocol::{AgentId, At, date};

pub(crate) fn received(f: &RequestReceived) -> String {
    let from = match f.channel {
        Channel::Dashboard => "came in from the dashboard",
        Channel::Desktop => "came in from the desktop",
        Channel::CommandLine => "came in from the command line",
        Channel::Telegram => "came in from Telegram",
        Channel::Mcp => "came in from an MCP client",
    };
    let step =
        f.step.as_ref().map(|step| format!(", to carry out the planned step {step}")).unwrap_or_default();
    let agent = f.agent.as_ref().map(|agent| format!(", asking for {agent}")).unwrap_or_default();
    let race: Vec<&str> = f.race.iter().map(|agent| agent.as_str()).collect();
    let race = if race.is_empty() { String::new() } else { format!(", as a race of {}", race.join(" and ")) };
    let parts = if f.parts.is_empty() { String::new() } else { format!(", in {} parts", f.parts.len()) };
    format!("{from}{step}{agent}{race}{parts}")
}

pub(crate) fn oriented(f: &RequestOriented) -> String {
    let paths: Vec<&str> = f.sources.iter().map(|source| source.path.as_str()).collect();
    let read = match paths.as_slice() {
        [] => "found nothing to read".to_owned(),
        [one] => format!("read {one}"),
        [one, two] => format!("read {one} and {two}"),
        [one, two, three] => format!("read {one}, {two} and {three}"),
        [one, two, more @ ..] => format!("read {one}, {two} and {} more", more.len()),
    };
    format!("{read}; recalled {}", counted(f.recalled.len(), "note"))
}

pub(crate) fn plan(f: &PlanMade) -> String {
    format!("planned {}: {}", counted(f.tasks.len(), "task"), f.why)
}

pub(crate) fn chosen(f: &AgentChosen) -> String {
    let agent = if f.practice { "practice agent" } else { f.agent.as_str() };
    let again = if f.number > 1 { format!(" (attempt {})", f.number) } else { String::new() };
    let goes_on = if f.goes_on.is_some() { ", going on with the work so far" } else { "" };
    format!("{agent}{again}{goes_on}: {}", f.why)
}

pub(crate) fn brief(f: &TaskDeclared) -> String {
    let tokens: u64 = f.parts.iter().map(|part| part.tokens).sum();
    let mut named: Vec<&str> = Vec::new();
    for part in &f.parts {
        if !named.contains(&part.part.as_str()) {
            named.push(&part.part);
        }
    }
    let cut = if f.parts.iter().any(|part| part.cut) { "; some of it was cut to fit" } else { "" };
    format!("about {tokens} of at most {} tokens: {}{cut}", f.budget, named.join(", "))
}

pub(crate) fn finished(agent: &str, f: &AttemptFinished) -> String {
    let took = f.duration_ms.map(|ms| format!(" after {}", span(ms))).unwrap_or_default();
    let change = diff(f.diff);
    match &f.end {
        AttemptEnd::TurnEnded => format!("{agent} ended its turn{took}: {change}"),
        AttemptEnd::Cancelled => format!("{agent} was stopped{took}, because you cancelled"),
        AttemptEnd::Silent { ms } => {
            format!("{agent} was stopped: nothing was heard from it for {}", span(*ms))
        }
        AttemptEnd::TooLong { ms } => format!("{agent} was stopped: it took longer than {}", span(*ms)),
        AttemptEnd::QuotaGone { until: Some(until) } => {
            format!("{agent} stopped{took}: its quota is used up until {}", moment(*until))
        }
        AttemptEnd::QuotaGone { until: None } => format!("{agent} stopped{took}: its quota is used up"),
        AttemptEnd::SignedOut { reason } => format!("{agent} is signed out: {reason}"),
        AttemptEnd::Failed { reason } => format!("{agent} failed{took}: {reason}"),
        AttemptEnd::Asked { question } => {
            format!("{agent} asked, and nobody could answer any more: {question}")
        }
        AttemptEnd::Stuck { what } => format!("{agent} was stopped: it went round in circles ({what})"),
        AttemptEnd::OverLimit { what } => format!("{agent} was stopped: it used too much ({what})"),
        AttemptEnd::HandedOver => format!("{agent} was stopped{took}, so that another agent goes on"),
        AttemptEnd::Lost => format!("{agent} was lost: the daemon went away while it worked"),
    }
}

pub(crate) fn check(f: &CheckFinished) -> String {
    match &f.result {
        CheckResult::Passed => format!("{} passed in {}", f.check.word(), span(f.duration_ms)),
        CheckResult::Failed { summary, .. } => format!("{} failed: {summary}", f.check.word()),
    }
}

pub(crate) fn waiting(waiting: &Waiting) -> String {
    match waiting {
        Waiting::You { question } => format!("waiting for you: {question}"),
        Waiting::Quota { agent, until: Some(until) } => {
            format!("waiting for the quota of {agent} until {}", moment(*until))
        }
        Waiting::Quota { agent, until: None } => {
            format!("waiting for the quota of {agent}; until when is unknown")
        }
        Waiting::Agent { reason } => format!("waiting for an agent: {reason}"),
    }
}

pub(crate) fn asked(agent: &str, kind: AskKind) -> String {
    match kind {
        AskKind::Question => format!("{agent} asks you something"),
        AskKind::Permission => format!("{agent} asks for a permission"),
    }
}

pub(crate) fn hand_over(agent: &str, to: Option<&AgentId>) -> String {
    let to = to.map_or_else(|| "another agent".into(), ToString::to_string);
    format!("stopping {agent}, so that {to} goes on with its work")
}

pub(crate) fn judged(f: &RaceJudged) -> String {
    let judge = match f.judge {
        Judge::Checks => "the race is judged",
        Judge::You => "you picked",
    };
    format!("{judge}: {}", f.why)
}

pub(crate) fn task_end(end: &TaskEnd) -> String {
    match end {
        TaskEnd::Landed { commit } => {
            format!("landed as {}", commit.as_str().get(..10).unwrap_or(commit.as_str()))
        }
        TaskEnd::GivenUp { why } => format!("given up: {why}"),
        TaskEnd::Cancelled => "cancelled".into(),
    }
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Live => "live",
        Outcome::Partly => "partly live",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
    }
}

pub(crate) fn diff(diff: DiffStat) -> String {
    if diff == DiffStat::default() {
        return "no change".into();
    }
    format!("{}, +{} −{}", counted(diff.files as usize, "file"), diff.added, diff.removed)
}

fn counted(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// A moment as `2026-11-22 08:40 UTC`.
fn moment(at: At) -> String {
    let minutes = at.0.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let (year, month, day) = date::civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_spans_read_as_people_write_them() {
        assert_eq!(moment(At(0)), "1970-01-01 00:00 UTC");
        assert_eq!(moment(At(1_795_336_859_999)), "2026-11-22 08:40 UTC");
        assert_eq!(moment(At(1_709_164_800_000)), "2024-02-29 00:00 UTC");
        assert_eq!(moment(At(-60_000)), "1969-12-31 23:59 UTC");
        assert_eq!(span(999), "999 ms");
        assert_eq!(span(61_000), "1 min 1 s");
        assert_eq!(span(7_260_000), "2 h 1 min");
    }
}
