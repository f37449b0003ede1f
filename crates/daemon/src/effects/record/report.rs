//! What an agent said at the end of its work: its last words, and the report that the brief lets it write. It is prose of a
//! model: it is quoted and kept as what it claims, and never a figure or a verdict.

use crate::context::Daemon;
use protocol::note::{ReadEntity, ReadRelation, Reading};
use protocol::view::{AttemptView, LineKind, TranscriptLine};
use protocol::{AttemptId, clean};
use serde::Deserialize;

/// How the block is called in which a report stands.
pub const BLOCK: &str = "loopwright-report";
/// Lines of the transcript that are looked at.
const LINES: u64 = 400;
/// Bytes of a report, and how much of each kind is taken.
const BYTES: usize = 32 * 1024;
const DECISIONS: usize = 5;
const ENTITIES: usize = 20;
const RELATIONS: usize = 20;
const NAME: usize = 120;
const WORDS: usize = 1000;

/// What one attempt said.
#[derive(Debug, Default)]
pub struct Said {
    pub last_words: Option<String>,
    pub decisions: Vec<Decision>,
    pub reading: Option<Reading>,
}

#[derive(Debug, PartialEq, Deserialize)]
pub struct Decision {
    pub title: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub why: String,
}

#[derive(Debug, Default, Deserialize)]
struct Report {
    #[serde(default)]
    decisions: Vec<Decision>,
    #[serde(default)]
    entities: Vec<ReadEntity>,
    #[serde(default)]
    relations: Vec<ReadRelation>,
}

/// A report that cannot be read is left out, with a line in the transcript.
pub async fn of(daemon: &Daemon, attempt: &AttemptView) -> Said {
    let id = attempt.attempt.clone();
    let read = daemon.reads.ask(move |r| {
        let head = r.transcript_head(&id)?;
        Ok((r.transcript(&id, head.saturating_sub(LINES), LINES as u32)?, head))
    });
    let Ok((lines, head)) = read.await else { return Said::default() };
    let (said, trouble) = read_lines(&lines);
    if let Some(why) = trouble {
        let text = format!("the agent's report was left out: {}", clean::line(&why, 200));
        say(daemon, &attempt.attempt, head + 1, text).await;
    }
    said
}

async fn say(daemon: &Daemon, attempt: &AttemptId, seq: u64, text: String) {
    let line = TranscriptLine { seq, at: crate::names::now(), kind: LineKind::Daemon, text };
    if let Err(e) = daemon.writer.transcript(vec![(attempt.clone(), line)]).await {
        tracing::warn!(error = %e, %attempt, "failed to write a line of a transcript");
    }
}

fn read_lines(lines: &[TranscriptLine]) -> (Said, Option<String>) {
    let text: Vec<&str> =
        lines.iter().filter(|line| line.kind == LineKind::Text).map(|line| line.text.as_str()).collect();
    let (outside, block) = split(&text);
    let words = outside.iter().rev().find(|line| !line.trim().is_empty());
    let mut said = Said { last_words: words.map(|line| clean::line(line, 400)), ..Said::default() };
    match block.map(|block| read(&block)) {
        Some(Ok(report)) => {
            (said.decisions, said.reading) = report;
            (said, None)
        }
        Some(Err(why)) => (said, Some(why)),
        None => (said, None),
    }
}

/// The lines outside of the last block, and the block.
fn split<'a>(lines: &[&'a str]) -> (Vec<&'a str>, Option<String>) {
    let opens =
        |line: &&str| line.trim_start().trim_start_matches('`').trim() == BLOCK && line.contains("```");
    let Some(from) = lines.iter().rposition(opens) else { return (lines.to_vec(), None) };
    let (before, block) = lines.split_at(from);
    let inner = block.get(1..).unwrap_or_default();
    let end = inner.iter().position(|line| line.trim_start().starts_with("```")).unwrap_or(inner.len());
    let after = inner.get(end + 1..).unwrap_or_default();
    let outside = before.iter().chain(after).copied().collect();
    (outside, Some(inner.get(..end).unwrap_or_default().join("\n")))
}

fn read(block: &str) -> Result<(Vec<Decision>, Option<Reading>), String> {
    if block.len() > BYTES {
        return Err(format!("it has {} KiB, and {} are taken", block.len() / 1024, BYTES / 1024));
    }
    let report: Report = serde_json::from_str(block).map_err(|e| e.to_string())?;
    let decisions = report.decisions.into_iter().take(DECISIONS).filter_map(|decision| {
        let title = clean::line(&decision.title, NAME);
        let text = clean::note("it", &cut(&decision.text)).unwrap_or_else(|_| title.clone());
        let why = clean::line(&decision.why, WORDS);
        (!title.is_empty()).then_some(Decision { title, text, why })
    });
    let entities: Vec<ReadEntity> = report.entities.into_iter().take(ENTITIES).filter_map(entity).collect();
    let relations: Vec<ReadRelation> =
        report.relations.into_iter().take(RELATIONS).filter_map(relation).collect();
    let nothing = entities.is_empty() && relations.is_empty();
    Ok((decisions.collect(), (!nothing).then_some(Reading { entities, relations })))
}

fn cut(text: &str) -> String {
    text.chars().take(WORDS).collect()
}

fn words(text: &str, most: usize) -> String {
    clean::line(&deploy::redacted(text), most)
}

fn entity(of: ReadEntity) -> Option<ReadEntity> {
    let name = words(&of.name, NAME);
    let (kind, description) = (words(&of.kind, 40), words(&of.description, WORDS));
    (!name.is_empty()).then_some(ReadEntity { name, kind, description })
}

fn relation(of: ReadRelation) -> Option<ReadRelation> {
    let (source, target) = (words(&of.source, NAME), words(&of.target, NAME));
    let (keywords, description) = (words(&of.keywords, NAME), words(&of.description, WORDS));
    // A weight is a figure, and figures of a model count for nothing.
    let whole = !source.is_empty() && !target.is_empty() && source != target;
    whole.then_some(ReadRelation { source, target, keywords, description, weight: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;

    fn lines(text: &str) -> Vec<TranscriptLine> {
        let line = |(n, text): (usize, &str)| TranscriptLine {
            seq: n as u64,
            at: At(0),
            kind: LineKind::Text,
            text: text.into(),
        };
        text.lines().enumerate().map(line).collect()
    }

    #[test]
    fn a_report_is_read_and_is_no_part_of_the_last_words() {
        let text = "I made it.\n```loopwright-report\n{\"decisions\":[{\"title\":\"Rye\",\"text\":\"Rye only\",\"why\":\"asked\"}],\n\
                    \"entities\":[{\"name\":\"Oven\",\"kind\":\"thing\"},{\"name\":\" \"}],\n\
                    \"relations\":[{\"source\":\"Oven\",\"target\":\"Rye\",\"keywords\":\"bakes\",\"weight\":99.0}]}\n```";
        let (said, trouble) = read_lines(&lines(text));
        assert_eq!((said.last_words.as_deref(), trouble), (Some("I made it."), None));
        let decision = Decision { title: "Rye".into(), text: "Rye only".into(), why: "asked".into() };
        assert_eq!(said.decisions, [decision]);
        let reading = said.reading.unwrap();
        assert_eq!(reading.entities.len(), 1, "one has no name");
        assert_eq!(reading.relations[0].weight, 1.0, "a figure of a model counts for nothing");
    }

    #[test]
    fn what_is_no_report_is_said_so_and_left_out() {
        for (text, is_trouble) in [
            ("done", false),
            ("```loopwright-report\n{\"decisions\": 5}\n```", true),
            ("```loopwright-report\nnot json", true),
            ("```loopwright-report\n{}\n```\nbye", false),
            ("the block loopwright-report is named here", false),
        ] {
            let (said, trouble) = read_lines(&lines(text));
            assert_eq!(trouble.is_some(), is_trouble, "{text}");
            assert!(said.decisions.is_empty() && said.reading.is_none());
        }
        let long = format!("```loopwright-report\n{{\"x\": \"{}\"}}\n```", "y".repeat(BYTES));
        assert!(read_lines(&lines(&long)).1.unwrap().contains("33 KiB") || long.len() < 33 * 1024);
    }

    #[test]
    fn a_reports_size_is_limited() {
        let decisions: Vec<String> =
            (0..50).map(|n| format!("{{\"title\":\"t{n}\",\"text\":\"x\"}}")).collect();
        let (decisions, reading) = read(&format!("{{\"decisions\":[{}]}}", decisions.join(","))).unwrap();
        assert_eq!((decisions.len(), reading), (DECISIONS, None));
    }
}
