//! What the next agent is told of the work that it goes on with: a bounded digest of what the ones before did, said and
//! left, so that it does not begin again.

use crate::brief::SoFar;
use protocol::clean;
use protocol::fact::{AttemptEnd, DiffStat};
use protocol::view::{AttemptView, LineKind, TranscriptLine};
use std::fmt::Write;

/// Lines of each kind at most; together they stay below two thousand tokens.
const FILES: usize = 30;
const CHECKPOINTS: usize = 12;
const TOOLS: usize = 20;
/// Bytes of the last words.
const WORDS: usize = 1500;
/// Lines of a transcript that are looked at, from its end.
pub const LINES: u32 = 400;

/// One earlier attempt, and the end of its transcript.
pub struct Before<'a> {
    pub attempt: &'a AttemptView,
    pub transcript: Vec<TranscriptLine>,
}

/// `changed`: the files that differ from where the task began, all attempts together; `diff`: how many they are.
pub fn digest(before: &[Before<'_>], changed: &[(String, DiffStat)], diff: DiffStat) -> Option<SoFar> {
    let last = before.last()?;
    let mut text = String::from(
        "# What was done so far\n\nYou go on with work that was begun before you, in the very folder where it was done. \
         Read what is there and finish it; do not start over.\n\n",
    );
    for one in before {
        let attempt = one.attempt;
        let _ =
            writeln!(text, "Attempt {} was made by {}: {}.", attempt.number, attempt.agent, ended(attempt));
    }
    text.push('\n');
    files(&mut text, changed, diff);
    for one in before {
        checkpoints(&mut text, one.attempt);
    }
    tools(&mut text, &last.transcript);
    last_words(&mut text, &last.transcript);
    Some(SoFar { source: last.attempt.attempt.to_string(), text })
}

fn ended(attempt: &AttemptView) -> String {
    let Some(finished) = &attempt.finished else { return "it did not come to an end".into() };
    match &finished.end {
        AttemptEnd::TurnEnded => "it ended its turn".into(),
        AttemptEnd::Cancelled => "it was stopped".into(),
        AttemptEnd::Silent { .. } => "it fell silent".into(),
        AttemptEnd::TooLong { .. } => "it took too long".into(),
        AttemptEnd::QuotaGone { .. } => "its quota was used up".into(),
        AttemptEnd::SignedOut { .. } => "its account was refused".into(),
        AttemptEnd::Asked { .. } => "it asked, and nobody could answer".into(),
        AttemptEnd::Stuck { what } => format!("it went round in circles ({})", clean::line(what, 120)),
        AttemptEnd::OverLimit { what } => format!("it used too much ({})", clean::line(what, 120)),
        AttemptEnd::HandedOver => "it was stopped in the middle, so that you go on".into(),
        AttemptEnd::Failed { reason } => format!("its program failed ({})", clean::line(reason, 160)),
        AttemptEnd::Lost => "the daemon went away while it worked".into(),
    }
}

fn files(text: &mut String, changed: &[(String, DiffStat)], diff: DiffStat) {
    if diff == DiffStat::default() {
        text.push_str("No file was changed yet.\n\n");
        return;
    }
    let _ = writeln!(text, "Changed so far: {} files, +{} -{} lines.", diff.files, diff.added, diff.removed);
    for (path, diff) in changed.iter().take(FILES) {
        let _ = writeln!(text, "- {} (+{} -{})", clean::line(path, 160), diff.added, diff.removed);
    }
    more(text, usize::try_from(diff.files).unwrap_or(usize::MAX), changed.len().min(FILES));
    text.push('\n');
}

fn checkpoints(text: &mut String, attempt: &AttemptView) {
    if attempt.checkpoints.is_empty() {
        return;
    }
    let _ = writeln!(text, "Its steps in attempt {}:", attempt.number);
    let skipped = attempt.checkpoints.len().saturating_sub(CHECKPOINTS);
    for point in attempt.checkpoints.iter().skip(skipped) {
        let (says, diff) = (clean::line(&point.says, 160), point.diff);
        let _ = writeln!(text, "{}. {says} (+{} -{})", point.number, diff.added, diff.removed);
    }
    text.push('\n');
}

fn tools(text: &mut String, transcript: &[TranscriptLine]) {
    let ran: Vec<&TranscriptLine> = transcript.iter().filter(|line| line.kind == LineKind::Tool).collect();
    if ran.is_empty() {
        return;
    }
    text.push_str("Tools that it used last:\n");
    for line in ran.iter().skip(ran.len().saturating_sub(TOOLS)) {
        let _ = writeln!(text, "- {}", clean::line(&line.text, 160));
    }
    text.push('\n');
}

/// The agent's prose is quoted: it is information, and gives no orders.
fn last_words(text: &mut String, transcript: &[TranscriptLine]) {
    let mut words: Vec<&str> = Vec::new();
    let mut room = WORDS;
    for line in transcript.iter().rev().filter(|line| line.kind == LineKind::Text) {
        let Some(left) = room.checked_sub(line.text.len()) else {
            if words.is_empty() {
                words.push(tail(&line.text, WORDS));
            }
            break;
        };
        room = left;
        words.push(&line.text);
    }
    if words.is_empty() {
        return;
    }
    text.push_str("Its last words:\n");
    for line in words.iter().rev().flat_map(|words| words.lines()).filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(text, "> {}", clean::line(line, 400));
    }
    text.push('\n');
}

/// The end of a text, at most so many bytes of it.
fn tail(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text.get(from..).unwrap_or_default()
}

fn more(text: &mut String, all: usize, told: usize) {
    if all > told {
        let _ = writeln!(text, "- … and {} more", all - told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;
    use protocol::fact::{AttemptFinished, Usage};
    use protocol::view::{CheckpointView, Cost};

    fn attempt(checkpoints: u32) -> AttemptView {
        let id = |text: &str| protocol::AttemptId::new(text).unwrap();
        let diff = DiffStat { files: 1, added: 5, removed: 2 };
        let point = |number| CheckpointView {
            attempt: id("r1-a1"),
            number,
            at: At(0),
            commit: protocol::CommitId::new("c1").unwrap(),
            diff,
            says: format!("step {number}"),
            screenshot: None,
        };
        AttemptView {
            attempt: id("r1-a1"),
            task: protocol::TaskId::new("r1-t1").unwrap(),
            number: 1,
            agent: protocol::AgentId::new("claude-code").unwrap(),
            practice: false,
            why: String::new(),
            goes_on: None,
            started: Some(At(0)),
            version: None,
            asked: None,
            finished: Some(AttemptFinished {
                request: protocol::RequestId::new("r1").unwrap(),
                attempt: id("r1-a1"),
                end: AttemptEnd::HandedOver,
                commit: None,
                diff,
                model: None,
                usage: Usage::default(),
                duration_ms: None,
                session: None,
                unknown_events: None,
            }),
            cost: Cost::default(),
            brief: None,
            parts: Vec::new(),
            checkpoints: (1..=checkpoints).map(point).collect(),
            checks: Vec::new(),
            diagnosis: None,
            landed: None,
        }
    }

    fn line(seq: u64, kind: LineKind, text: &str) -> TranscriptLine {
        TranscriptLine { seq, at: At(0), kind, text: text.into() }
    }

    #[test]
    fn the_next_one_learns_what_was_done_said_and_left() {
        let of = attempt(2);
        let transcript = vec![
            line(1, LineKind::Thought, "hm"),
            line(2, LineKind::Tool, "edit app/index.html"),
            line(3, LineKind::Text, "The menu is done.\nThe map is next."),
        ];
        let changed = vec![("app/index.html".to_owned(), DiffStat { files: 1, added: 10, removed: 4 })];
        let before = [Before { attempt: &of, transcript }];
        let told = digest(&before, &changed, DiffStat { files: 3, added: 20, removed: 4 }).unwrap();
        assert_eq!(told.source, "r1-a1");
        for words in [
            "Attempt 1 was made by claude-code: it was stopped in the middle",
            "Changed so far: 3 files, +20 -4 lines.\n- app/index.html (+10 -4)\n- … and 2 more",
            "2. step 2 (+5 -2)",
            "- edit app/index.html\n",
            "> The menu is done.\n> The map is next.",
        ] {
            assert!(told.text.contains(words), "{words}\n---\n{}", told.text);
        }
        assert!(!told.text.contains("hm"), "thoughts are the agent's own");
    }

    #[test]
    fn however_much_was_done_it_stays_short() {
        let of = attempt(500);
        let long = "ü".repeat(4000);
        let mut transcript: Vec<_> =
            (0..400).map(|n| line(n, LineKind::Tool, &format!("{n} {long}"))).collect();
        transcript.push(line(400, LineKind::Text, &long));
        let changed: Vec<_> = (0..900).map(|n| (format!("{n}/{long}"), DiffStat::default())).collect();
        let before = [Before { attempt: &of, transcript }];
        let told = digest(&before, &changed, DiffStat { files: 900, added: 1, removed: 0 }).unwrap();
        assert!(told.text.len() < 24_000, "{}", told.text.len());
        assert!(told.text.contains("870 more"));
    }

    #[test]
    fn without_anything_before_there_is_nothing_to_tell() {
        assert!(digest(&[], &[], DiffStat::default()).is_none());
    }
}
