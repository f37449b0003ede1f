//! What Hermes says about a request. Every sentence is made from facts of the journal: nothing is invented, and no model
//! is asked.

use super::{counted, listed, sentence, time};
use protocol::fact::{AttemptEnd, CheckKind, CheckResult, Outcome, Waiting};
use protocol::id::AgentId;
use protocol::view::{AttemptView, RequestView, Stage, Status};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Plain,
    /// Something failed on the way.
    Stumble,
    /// Happening now.
    Now,
    Ask,
    Good,
    Bad,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "say",
            Self::Stumble => "say stumble",
            Self::Now => "say now",
            Self::Ask => "say ask",
            Self::Good => "say good",
            Self::Bad => "say bad",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Said {
    pub tone: Tone,
    pub text: String,
}

fn said(tone: Tone, text: impl Into<String>) -> Said {
    Said { tone, text: text.into() }
}

/// The whole reply, in the order of what happened. `title` gives an agent's name.
pub fn reply(view: &RequestView, title: &dyn Fn(&AgentId) -> String) -> Vec<Said> {
    let mut out = Vec::new();
    if let Some(text) = remembered(view) {
        out.push(said(Tone::Plain, text));
    }
    for attempt in &view.attempts {
        let part = view.tasks.iter().find(|t| t.task == attempt.task).filter(|_| view.tasks.len() > 1);
        of_attempt(attempt, part.map(|t| t.number), title, &mut out);
    }
    out.extend(view.steering.iter().map(|text| said(Tone::Plain, format!("You added: {text}"))));
    out.push(ending(view, title));
    out
}

fn remembered(view: &RequestView) -> Option<String> {
    let woke = view.stages.iter().any(|s| s.stage == Stage::Wake && s.ended.is_some());
    if !woke && view.sources.is_empty() {
        return None;
    }
    let read: Vec<String> = view.sources.iter().map(|s| s.path.clone()).collect();
    let read = if read.is_empty() { String::new() } else { format!("I read {}. ", listed(&read)) };
    let recalled = match view.recalled.len() {
        0 => "Nothing in memory matched.".to_owned(),
        n => {
            let mut why: Vec<String> =
                view.recalled.iter().map(|r| r.why.trim().to_owned()).filter(|w| !w.is_empty()).collect();
            why.dedup();
            why.truncate(3);
            let because = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
            format!("I remembered {}{because}.", counted(n as u64, "note", "notes"))
        }
    };
    Some(read + &recalled)
}

fn of_attempt(
    attempt: &AttemptView,
    part: Option<u32>,
    title: &dyn Fn(&AgentId) -> String,
    out: &mut Vec<Said>,
) {
    let label = if attempt.practice { " (practice)" } else { "" };
    let agent = format!("{}{label}", title(&attempt.agent));
    let of_part = part.map(|n| format!("Part {n}: ")).unwrap_or_default();
    let lead = match (attempt.number, part, &attempt.goes_on) {
        (_, _, Some(_)) => format!("{of_part}{agent} goes on from there."),
        (0 | 1, None, None) => format!("I gave the task to {agent}."),
        (0 | 1, Some(_), None) => format!("{of_part}I gave it to {agent}."),
        (n, _, None) => super::begun(&format!("{of_part}attempt {n} is with {agent}.")),
    };
    let why = sentence(&attempt.why);
    out.push(said(Tone::Plain, if why.is_empty() { lead } else { format!("{lead} {why}") }));
    if let Some(diagnosis) = &attempt.diagnosis {
        let text = format!(
            "{} {}",
            sentence(&format!("the {} did not pass: {}", diagnosis.what, diagnosis.summary)),
            sentence(&diagnosis.next)
        );
        out.push(said(Tone::Stumble, text.trim().to_owned()));
    } else if let Some(text) = passed(attempt) {
        out.push(said(Tone::Plain, text));
    }
}

/// `Gate, build and test passed.` once all that ran so far passed.
fn passed(attempt: &AttemptView) -> Option<String> {
    let names: Vec<String> = CheckKind::ORDER
        .iter()
        .filter(|kind| attempt.checks.iter().any(|c| c.check == **kind && c.result == CheckResult::Passed))
        .map(|kind| kind.word().to_owned())
        .collect();
    if names.is_empty() { None } else { Some(sentence(&format!("{} passed", listed(&names)))) }
}

fn ending(view: &RequestView, title: &dyn Fn(&AgentId) -> String) -> Said {
    match &view.row.status {
        Status::Queued => said(Tone::Now, "It is queued: I take requests in order."),
        Status::Running { .. } => said(Tone::Now, sentence(&view.now)),
        Status::Cancelling => said(Tone::Now, "I am stopping everything that runs for it."),
        Status::Waiting { waiting } => said(Tone::Ask, wait(waiting, title)),
        Status::Closed { outcome: Outcome::Live, .. } => {
            let took =
                view.deployment.as_ref().map(|d| format!(" It took {}.", time::duration(d.duration_ms)));
            said(Tone::Good, format!("It is live.{}", took.unwrap_or_default()))
        }
        Status::Closed { outcome: Outcome::Partly, why } => {
            said(Tone::Stumble, format!("Some of it is live. {}", sentence(why)))
        }
        Status::Closed { outcome: Outcome::Failed, why } => {
            said(Tone::Bad, format!("I stopped. {} What was live stays live.", sentence(why)))
        }
        Status::Closed { outcome: Outcome::Cancelled, why } => {
            said(Tone::Bad, format!("Cancelled. {}", sentence(why)))
        }
    }
}

/// What a wait is for, in one or two sentences.
pub fn wait(waiting: &Waiting, title: &dyn Fn(&AgentId) -> String) -> String {
    match waiting {
        Waiting::You { question } => sentence(question),
        Waiting::Quota { agent, until: None } => format!("The quota of {} is used up.", title(agent)),
        Waiting::Quota { agent, until: Some(_) } => {
            format!("The quota of {} is used up. I go on as soon as it is back.", title(agent))
        }
        Waiting::Agent { reason } => format!("No agent can take it yet. {}", sentence(reason)),
    }
}

/// How an agent's run ended, in words.
pub fn run_end(end: &AttemptEnd) -> String {
    match end {
        AttemptEnd::TurnEnded => "the agent ended its turn".into(),
        AttemptEnd::Cancelled => "stopped because you asked".into(),
        AttemptEnd::Silent { ms } => {
            format!("stopped: nothing was heard from it for {}", time::duration(*ms))
        }
        AttemptEnd::TooLong { ms } => format!("stopped: it ran longer than {}", time::duration(*ms)),
        AttemptEnd::QuotaGone { .. } => "its account's quota is used up".into(),
        AttemptEnd::SignedOut { reason } => format!("signed out: {reason}"),
        AttemptEnd::Asked { .. } => "it asked, and nobody could answer any more".into(),
        AttemptEnd::Stuck { what } => format!("stopped: it went round in circles, {what}"),
        AttemptEnd::OverLimit { what } => format!("stopped: it used more of the machine than it may, {what}"),
        AttemptEnd::HandedOver => "handed over: another agent goes on with its work".into(),
        AttemptEnd::Failed { reason } => format!("its program failed: {reason}"),
        AttemptEnd::Lost => "lost: the daemon was restarted while it ran".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn texts(view: &RequestView) -> Vec<(Tone, String)> {
        reply(view, &|a: &AgentId| if a.as_str() == "codex" { "Codex".into() } else { a.to_string() })
            .into_iter()
            .map(|s| (s.tone, s.text))
            .collect()
    }

    #[test]
    fn a_live_request_tells_its_whole_story() {
        let said = texts(&sample::live());
        let expected = [
            (Tone::Plain, "I read SOUL.md and AGENTS.md. I remembered 1 note (words: opening, hours)."),
            (Tone::Plain, "I gave the task to practice (practice). No real agent is ready."),
            (Tone::Stumble, "The build did not pass: missing bracket. The same agent tries once more."),
            (Tone::Plain, "Attempt 2 is with Codex. It is signed in."),
            (Tone::Plain, "Gate and build passed."),
            (Tone::Good, "It is live. It took 1 min 12 s."),
        ];
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for ((tone, text), (want_tone, want)) in said.iter().zip(expected) {
            assert_eq!((*tone, text.as_str()), (want_tone, want));
        }
    }

    #[test]
    fn a_running_request_ends_with_what_happens_now() {
        let said = texts(&sample::running());
        assert_eq!(said.last(), Some(&(Tone::Now, "Codex is writing app/index.html.".to_owned())));
    }

    #[test]
    fn a_wait_is_a_question() {
        let mut view = sample::running();
        view.row.status =
            Status::Waiting { waiting: Waiting::Agent { reason: "claude-code is signed out".into() } };
        let last = texts(&view).pop().unwrap();
        assert_eq!(last, (Tone::Ask, "No agent can take it yet. Claude-code is signed out.".to_owned()));
    }
}
