//! What the next request should know: what was asked and decided, what was built, what failed and what mended it, what
//! words mean, and the release. Each its own note, short; nothing where there is nothing to say.

use super::report::{self, Said};
use super::{agent_name, landed, part_of, terms};
use crate::context::{Daemon, internal};
use crate::remember::push::packed;
use engine::input::{NoteText, ReadText};
use journal::NewBlob;
use protocol::fact::{CheckResult, Fact, NoteKind, Outcome};
use protocol::view::{AttemptView, RequestView};
use protocol::*;
use std::fmt::Write;

/// Files that are named, words of the user and failures that are noted, and terms, at most.
const FILES: usize = 30;
const WORDS: usize = 8;
const FAILURES: usize = 6;
const TERMS: usize = 12;
/// Lines of a failure: enough to know it again.
const LINES: usize = 8;

/// How the request ends.
pub struct Ending<'a> {
    pub outcome: Outcome,
    pub why: &'a str,
    /// The request on one line.
    pub title: &'a str,
}

pub async fn notes(
    daemon: &Daemon,
    view: &RequestView,
    ending: &Ending<'_>,
    blobs: &mut Vec<NewBlob>,
) -> Result<Vec<NoteText>, ApiError> {
    // What was called off says nothing about the work.
    if ending.outcome == Outcome::Cancelled {
        return Ok(Vec::new());
    }
    let mut desk = Desk { daemon, blobs, notes: Vec::new() };
    let mut said = Vec::new();
    for attempt in landed(view) {
        said.push((attempt, report::of(daemon, attempt).await));
    }
    match ending.outcome {
        Outcome::Live | Outcome::Partly => {
            built(&mut desk, view, ending, &said).await?;
            released(&mut desk, view, ending)?;
        }
        Outcome::Failed | Outcome::Cancelled => failed(&mut desk, view, ending)?,
    }
    mended(&mut desk, view, ending, &said).await?;
    let words = users_words(daemon, view).await?;
    decided(&mut desk, ending, &words)?;
    claimed(&mut desk, &said)?;
    meant(&mut desk, view, &words).await?;
    Ok(desk.notes)
}

struct Desk<'a> {
    daemon: &'a Daemon,
    blobs: &'a mut Vec<NewBlob>,
    notes: Vec<NoteText>,
}

impl Desk<'_> {
    fn note(
        &mut self,
        kind: NoteKind,
        title: &str,
        text: &str,
        agent: Option<AgentId>,
    ) -> Result<&mut NoteText, ApiError> {
        let (blob, text) = self.daemon.blob(packed(title, text.trim_end()))?;
        self.blobs.push(blob);
        self.notes.push(NoteText {
            note_kind: kind,
            text,
            source: None,
            agent,
            confidence: None,
            readings: Vec::new(),
        });
        self.notes.last_mut().ok_or_else(|| internal("write a note", "it is not there"))
    }
}

/// What was built, by whom and where; with it, what the agents read out of their own work.
async fn built(
    desk: &mut Desk<'_>,
    view: &RequestView,
    ending: &Ending<'_>,
    said: &[(&AttemptView, Said)],
) -> Result<(), ApiError> {
    let mut text = format!("Asked: {}\n", view.row.text.as_deref().unwrap_or("(forgotten)"));
    for (attempt, said) in said {
        let diff = attempt.finished.as_ref().map(|f| f.diff).unwrap_or_default();
        let _ = writeln!(
            text,
            "\n{}Built by {} in {} files (+{} -{}), commit {}; chosen: {}",
            part_of(view, attempt),
            agent_name(attempt),
            diff.files,
            diff.added,
            diff.removed,
            short(attempt.landed.as_ref()),
            clean::line(&attempt.why, 120),
        );
        let files = touched(desk.daemon, view, attempt).await;
        if !files.is_empty() {
            let _ = writeln!(text, "Files: {}", files.join(", "));
        }
        if let Some(words) = &said.last_words {
            let _ = writeln!(text, "The agent said: {words}");
        }
    }
    let agent = said.first().map(|(attempt, _)| attempt.agent.clone());
    let mut readings = Vec::new();
    for (attempt, said) in said {
        if let Some(reading) = &said.reading {
            let text = serde_json::to_string(reading).map_err(|e| internal("write a reading down", e))?;
            let (blob, reading) = desk.daemon.blob(text)?;
            desk.blobs.push(blob);
            readings.push(ReadText { by: attempt.agent.clone(), reading });
        }
    }
    desk.note(NoteKind::Step, ending.title, &text, agent)?.readings = readings;
    Ok(())
}

fn short(commit: Option<&CommitId>) -> &str {
    commit.map_or("unknown", |commit| commit.as_str().get(..12).unwrap_or(commit.as_str()))
}

/// Paths that the landed change touches. Git says what it knows; without it the note is the poorer.
async fn touched(daemon: &Daemon, view: &RequestView, attempt: &AttemptView) -> Vec<String> {
    let Some(landed) = &attempt.landed else { return Vec::new() };
    let project = &view.row.project;
    let files = async {
        let base = daemon.yard.parent(project, landed).await?;
        daemon.yard.changed(project, &base, landed, FILES).await
    };
    match files.await {
        Ok(files) => files.into_iter().map(|(path, _)| clean::line(&path, 200)).collect(),
        Err(e) => {
            tracing::warn!(error = %e, attempt = %attempt.attempt, "failed to list the files of a change");
            Vec::new()
        }
    }
}

/// The deployment's record.
fn released(desk: &mut Desk<'_>, view: &RequestView, ending: &Ending<'_>) -> Result<(), ApiError> {
    let Some(last) = landed(view).last() else { return Ok(()) };
    let checks: Vec<String> = last
        .checks
        .iter()
        .map(|check| match &check.result {
            CheckResult::Passed => format!("{} passed", check.check.word()),
            CheckResult::Failed { summary, .. } => {
                format!("{} failed ({})", check.check.word(), clean::line(summary, 120))
            }
        })
        .collect();
    let seconds = crate::names::now().since(view.row.created) / 1000;
    let text = format!(
        "{} is live at {} as commit {}, after {} and {seconds} s. Checks: {}.\n{}",
        ending.title,
        view.url.as_deref().unwrap_or("an unknown address"),
        short(last.landed.as_ref()),
        counted(view.attempts.len(), "attempt"),
        checks.join(", "),
        if ending.outcome == Outcome::Partly { ending.why } else { "" },
    );
    desk.note(NoteKind::Deployment, &format!("Released: {}", ending.title), &text, None)?;
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn failed(desk: &mut Desk<'_>, view: &RequestView, ending: &Ending<'_>) -> Result<(), ApiError> {
    let asked = view.row.text.as_deref().unwrap_or("(forgotten)");
    let text = format!("Asked: {asked}\nIt ended without a release: {}", ending.why);
    desk.note(NoteKind::Failure, &format!("Failed: {}", ending.title), &text, None)?;
    Ok(())
}

/// Each failure with the lines by which it is known again, and what mended it.
async fn mended(
    desk: &mut Desk<'_>,
    view: &RequestView,
    ending: &Ending<'_>,
    said: &[(&AttemptView, Said)],
) -> Result<(), ApiError> {
    let failed =
        view.attempts.iter().filter(|attempt| attempt.landed.is_none() && attempt.diagnosis.is_some());
    for attempt in failed.take(FAILURES) {
        let Some(diagnosis) = &attempt.diagnosis else { continue };
        let fix = said.iter().find(|(fix, _)| fix.task == attempt.task);
        let mut text = format!(
            "While working on: {}\nAttempt {} by {}: {} failed: {}\n",
            ending.title,
            attempt.number,
            agent_name(attempt),
            diagnosis.what,
            diagnosis.summary,
        );
        for line in diagnosis.lines.iter().take(LINES) {
            let _ = writeln!(text, "    {}", clean::line(line, 300));
        }
        let mut word = "Not mended";
        if let Some((fix, said)) = fix {
            word = "Mended";
            let commit = short(fix.landed.as_ref());
            let _ =
                writeln!(text, "Mended by attempt {} ({}), commit {commit}.", fix.number, agent_name(fix));
            let files = touched(desk.daemon, view, fix).await;
            if !files.is_empty() {
                let _ = writeln!(text, "What mended it is in: {}", files.join(", "));
            }
            if let Some(words) = &said.last_words {
                let _ = writeln!(text, "The agent said: {words}");
            }
        }
        let title = format!("{word}: {}: {}", diagnosis.what, diagnosis.summary);
        let agent = fix.map(|(fix, _)| fix.agent.clone());
        desk.note(NoteKind::Failure, &title, &text, agent)?;
    }
    Ok(())
}

/// What the user said on the way.
#[derive(Default)]
struct Words {
    /// What agents asked, with the answer.
    answers: Vec<(String, String)>,
    steering: Vec<String>,
}

async fn users_words(daemon: &Daemon, view: &RequestView) -> Result<Words, ApiError> {
    let request = view.row.request.clone();
    let entries = daemon.reads.ask(move |r| r.entries_of(&request)).await?;
    let facts: Vec<Fact> = entries.into_iter().map(|entry| entry.fact).collect();
    let all: Vec<&AttemptView> = view.attempts.iter().collect();
    let answers = crate::effects::brief::answers(daemon, &facts, &all).await?;
    Ok(Words { answers, steering: view.steering.clone() })
}

/// The user's own decisions, each as it was said.
fn decided(desk: &mut Desk<'_>, ending: &Ending<'_>, words: &Words) -> Result<(), ApiError> {
    for (question, answer) in words.answers.iter().take(WORDS) {
        let title = format!("{}: {}", clean::line(question, 70), clean::line(answer, 45));
        let text = format!(
            "While working on: {}\nAn agent asked: {}\nThe user's answer: {}",
            ending.title,
            question.trim(),
            answer.trim()
        );
        desk.note(NoteKind::Decision, &title, &text, None)?;
    }
    for said in words.steering.iter().take(WORDS) {
        let text = format!("While working on: {}\nThe user said: {}", ending.title, said.trim());
        desk.note(NoteKind::Decision, said, &text, None)?;
    }
    Ok(())
}

/// Per cent: an agent says so of its own work.
const AN_AGENT_CLAIMS: u8 = 60;

fn claimed(desk: &mut Desk<'_>, said: &[(&AttemptView, Said)]) -> Result<(), ApiError> {
    for (attempt, said) in said {
        for decision in &said.decisions {
            let mut text = decision.text.clone();
            if !decision.why.is_empty() {
                let _ = write!(text, "\nWhy: {}", decision.why);
            }
            let agent = Some(attempt.agent.clone());
            let note = desk.note(NoteKind::Decision, &decision.title, &text, agent)?;
            note.confidence = Some(AN_AGENT_CLAIMS);
        }
    }
    Ok(())
}

/// What words mean: those of the glossary that the user used, and those that the user explained. What is known with the
/// same meaning is not noted again.
async fn meant(desk: &mut Desk<'_>, view: &RequestView, words: &Words) -> Result<(), ApiError> {
    let mut said: Vec<&str> = view.row.text.iter().map(String::as_str).collect();
    said.extend(view.tasks.iter().filter_map(|task| task.text.as_deref()));
    said.extend(words.steering.iter().map(String::as_str));
    said.extend(words.answers.iter().map(|(_, answer)| answer.as_str()));
    let mut found = terms::of_glossary(&glossary(desk.daemon, &view.row.project).await?, &said.join("\n"));
    for words in &said {
        found.extend(terms::explained(words));
    }
    for term in found.into_iter().take(TERMS) {
        let (project, source) = (view.row.project.clone(), term.source());
        let named = source.clone();
        let known = desk.daemon.reads.ask(move |r| r.note_of_source(&project, &named)).await?;
        let (title, text) = (&term.word, &term.meaning);
        let same = |row: &view::NoteRow| note::pack(&row.title, &row.text) == packed(title, text);
        if !known.as_ref().is_some_and(same) {
            desk.note(NoteKind::Glossary, title, text, None)?.source = Some(source);
        }
    }
    Ok(())
}

async fn glossary(daemon: &Daemon, project: &ProjectId) -> Result<String, ApiError> {
    let main = daemon.yard.head(project).await.map_err(|e| internal("read the project", e))?;
    let files = crate::effects::orient::instructions(daemon, project, &main).await?;
    let file = files.iter().find(|(path, _)| *path == "GLOSSARY.md");
    Ok(file.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default())
}
