//! Stage 7: record and close. What was asked, built, tried and mended, from what the journal says; an agent's prose is
//! quoted as such, never as a figure.

mod notes;
mod report;
mod terms;

use crate::context::{Daemon, internal};
use crate::releases;
use crate::shell::Report;
use engine::Input;
use engine::input::{Record, StepText};
use journal::NewBlob;
use protocol::fact::{CheckResult, Fact, Outcome};
use protocol::view::{AttemptView, RequestView, StepRow, TaskStatus};
use protocol::{ApiError, Code, ProjectId, RequestId, StepId, clean};
use std::fmt::Write;

pub async fn record(
    daemon: &Daemon,
    request: &RequestId,
    project: &ProjectId,
    outcome: Outcome,
    why: &str,
) -> Result<Report, ApiError> {
    let id = request.clone();
    let view = daemon.reads.ask(move |r| r.show(&id)).await?;
    let view = view.ok_or_else(|| ApiError::new(Code::NotFound, format!("there is no request {request}")))?;
    let asked = view.row.text.clone().unwrap_or_else(|| "(forgotten)".into());
    let title = clean::line(&asked, 100);
    let errors = errors(&view);
    let mut blobs = Vec::new();
    let step = match outcome {
        Outcome::Live | Outcome::Partly => {
            Some(step(daemon, project, &view, &asked, &errors, &mut blobs).await?)
        }
        Outcome::Failed | Outcome::Cancelled => None,
    };
    let notes =
        notes::notes(daemon, &view, &notes::Ending { outcome, why, title: &title }, &mut blobs).await?;
    daemon.previews.hide(request).await;
    for attempt in &view.attempts {
        if let Err(e) = daemon.yard.drop_worktree(project, &attempt.attempt).await {
            tracing::warn!(error = %e, attempt = %attempt.attempt, "failed to remove a worktree");
        }
    }
    if let Err(e) = releases::tidy(daemon, project, &view).await {
        tracing::warn!(error = %e, "failed to remove releases that nobody needs");
    }
    let duration_ms = crate::names::now().since(view.row.created);
    let summary = match outcome {
        Outcome::Live if errors.is_empty() => "all checks passed; the release is live".to_owned(),
        Outcome::Partly => clean::line(why, 300),
        Outcome::Live => format!("live after {} attempts", view.attempts.len()),
        Outcome::Failed | Outcome::Cancelled => clean::line(why, 300),
    };
    let record = Record { duration_ms, summary, step, notes };
    Ok(Report { input: Input::Recorded { request: request.clone(), record }, blobs })
}

/// One line for each attempt that failed: what failed, and which attempt at the same task mended it.
fn errors(view: &RequestView) -> Vec<String> {
    let failed = view.attempts.iter().filter_map(|attempt| {
        // One that landed only had to wait for its place.
        let diagnosis = attempt.diagnosis.as_ref().filter(|_| attempt.landed.is_none())?;
        let fix = landed(view).find(|fix| fix.task == attempt.task);
        let end = fix.map_or_else(
            || "not mended".to_owned(),
            |fix| format!("mended by attempt {} ({})", fix.number, agent_name(fix)),
        );
        let part = part_of(view, attempt);
        Some(format!(
            "{part}attempt {}: {} failed: {}; {end}",
            attempt.number, diagnosis.what, diagnosis.summary
        ))
    });
    failed.collect()
}

fn landed(view: &RequestView) -> impl Iterator<Item = &AttemptView> {
    view.attempts.iter().filter(|attempt| attempt.landed.is_some())
}

/// Which part the attempt was made at, where there are several.
fn part_of(view: &RequestView, attempt: &AttemptView) -> String {
    let part = view.tasks.iter().find(|task| task.task == attempt.task).filter(|_| view.tasks.len() > 1);
    part.map(|part| format!("part {}, ", part.number)).unwrap_or_default()
}

fn agent_name(attempt: &AttemptView) -> String {
    if attempt.practice { "the practice agent".to_owned() } else { attempt.agent.to_string() }
}

/// Writes the completed step's file onto the main branch. Done again after a crash it writes the very same file.
async fn step(
    daemon: &Daemon,
    project: &ProjectId,
    view: &RequestView,
    asked: &str,
    errors: &[String],
    blobs: &mut Vec<NewBlob>,
) -> Result<StepText, ApiError> {
    let of = project.clone();
    let (planned, completed) = daemon.reads.ask(move |r| r.steps(&of)).await?;
    let number = completed.iter().filter_map(|s| s.number).max().unwrap_or(0) + 1;
    let planned = planned_of(daemon, view, &planned).await?;
    let title = planned.as_ref().map_or_else(|| clean::line(asked, 100), |(_, title)| title.clone());
    let text = step_file(number, &title, view, asked, errors);
    let path = format!("steps/completed/{number:03}-{}.md", slug(&title));
    let done = planned.as_ref().map(|(step, _)| format!("steps/planned/{step}.md"));
    let mut files: Vec<(&str, Option<&[u8]>)> = vec![(&path, Some(text.as_bytes()))];
    files.extend(done.iter().map(|planned| (planned.as_str(), None)));
    {
        let _main = daemon.repository.lock().await;
        let message = format!("step {number}: {}", clean::line(&title, 60));
        daemon
            .yard
            .commit_files(project, &files, &message, None)
            .await
            .map_err(|e| internal("write the step", e))?;
    }
    let (blob, named) = daemon.blob(text)?;
    blobs.push(blob);
    Ok(StepText { title, text: named, errors: errors.to_vec() })
}

/// The planned step that the request carried out, if it did.
async fn planned_of(
    daemon: &Daemon,
    view: &RequestView,
    planned: &[StepRow],
) -> Result<Option<(StepId, String)>, ApiError> {
    let request = view.row.request.clone();
    let entries = daemon.reads.ask(move |r| r.entries_of(&request)).await?;
    let step = entries.into_iter().find_map(|e| match e.fact {
        Fact::RequestReceived(received) => received.step,
        _ => None,
    });
    Ok(step.and_then(|id| planned.iter().find(|s| s.step == id)).map(|s| (s.step.clone(), s.title.clone())))
}

fn step_file(number: u32, title: &str, view: &RequestView, asked: &str, errors: &[String]) -> String {
    let mut text = format!("# {number}. {title}\n\n");
    let created = view.row.created.0 / 1000;
    let _ = writeln!(
        text,
        "Request {} (received at Unix time {created}).\n\n## Asked\n\n{asked}\n",
        view.row.request
    );
    for (n, landed) in landed(view).enumerate() {
        let commit = landed.landed.as_ref().map_or("unknown", |c| c.as_str());
        if n == 0 {
            text.push_str("## Built\n\n");
        }
        let part = part_of(view, landed);
        let _ = writeln!(
            text,
            "By {} in {part}attempt {}, commit {commit}.\n",
            agent_name(landed),
            landed.number
        );
        for check in &landed.checks {
            let result = match &check.result {
                CheckResult::Passed => "passed",
                CheckResult::Failed { .. } => "failed",
            };
            let _ = writeln!(text, "- {}: {result}", check.check.word());
        }
    }
    for task in &view.tasks {
        if let TaskStatus::GivenUp { why } = &task.status {
            let _ = writeln!(text, "\nPart {} ({}) was given up: {why}", task.number, task.title);
        }
    }
    text.push_str("\n## Errors and what fixed them\n\n");
    if errors.is_empty() {
        text.push_str("None.\n");
    }
    errors.iter().for_each(|e| {
        let _ = writeln!(text, "- {e}");
    });
    text
}

fn slug(title: &str) -> String {
    let words: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let slug = words.split('-').filter(|w| !w.is_empty()).take(8).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "step".into() } else { slug.chars().take(60).collect() }
}
