//! What the command line prints: tables for people, JSON for scripts.

use anyhow::Result;
use protocol::api::DomainRow;
use protocol::fact::{Outcome, Paid, Readiness, Usage};
use protocol::setup::CertificateState;
use protocol::view::*;
use protocol::{ApiError, At, Response, clean, date};
use std::io::Write;

pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

pub fn error(e: &anyhow::Error) -> std::io::Result<()> {
    let mut out = std::io::stderr().lock();
    match e.downcast_ref::<ApiError>() {
        Some(ApiError { message, next: Some(next), .. }) => writeln!(out, "{message}\n  next: {next}"),
        Some(ApiError { message, next: None, .. }) => writeln!(out, "{message}"),
        None => {
            let text = format!("{e:#}");
            writeln!(out, "{}{text}", if text.starts_with("failed to ") { "" } else { "failed: " })
        }
    }
}

pub fn is_broken_pipe(e: &anyhow::Error) -> bool {
    e.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

pub fn response(response: &Response, json: bool) -> Result<()> {
    if json {
        return line(&serde_json::to_string(response)?);
    }
    if let Some(printed) = crate::memory_cli::print(response) {
        return printed;
    }
    match response {
        Response::Requests { rows } => requests(rows),
        Response::Deployments { rows } => deployments(rows),
        Response::Releases { rows } => releases(rows),
        Response::Steps { planned, completed } => steps(planned, completed),
        Response::Agents { rows } => agents(rows),
        Response::Projects { rows } => projects(rows),
        Response::Domains { rows } => domains(rows),
        Response::Doctor { rows } => doctor(rows),
        Response::Verified { journal, entries, head_hash, problems } => {
            line(&format!("journal {journal}: {entries} entries, head {head_hash}"))?;
            if problems.is_empty() {
                return line("the hash chain is whole");
            }
            problems.iter().try_for_each(|p| line(p))
        }
        Response::Hello(h) => {
            line(&format!("loopwrightd {} on {}, journal {}, head {}", h.daemon, h.host, h.journal, h.head))
        }
        Response::Show(view) => show(view),
        Response::Project { project } => line(project.as_str()),
        Response::Planned { step } => line(step.as_str()),
        Response::Text { text } | Response::Instruction { text, .. } => line(text),
        Response::Done => line("done"),
        Response::Accepted { .. }
        | Response::Home(_)
        | Response::Journal { .. }
        | Response::Instructions { .. }
        | Response::Bridges { .. }
        | Response::Notes { .. }
        | Response::Recalled(_)
        | Response::Pushed { .. }
        | Response::Exported { .. }
        | Response::MemoryVerified { .. }
        | Response::Note(_)
        | Response::Memory(_)
        | Response::Graph(_)
        | Response::Knew { .. }
        | Response::Transcript { .. } => line(&serde_json::to_string_pretty(response)?),
    }
}

fn domains(rows: &[DomainRow]) -> Result<()> {
    if rows.is_empty() {
        return line("no site has a domain of its own");
    }
    for DomainRow { project, address, certificate, .. } in rows {
        let of = project.as_ref().map_or_else(|| "the first project".to_owned(), ToString::to_string);
        let address = address.as_deref().unwrap_or("not reached by this name");
        let until = certificate.until.map(|at| format!(", until {}", day(at))).unwrap_or_default();
        let issuer = certificate.issuer.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        line(&format!(
            "{} ({of}): {address}; certificate: {}{until}{issuer}",
            certificate.name,
            standing(certificate.state)
        ))?;
        if let Some(error) = &certificate.error {
            line(&format!("  {error}"))?;
        }
        if let Some(next) = &certificate.next {
            line(&format!("  next: {next}"))?;
        }
    }
    Ok(())
}

fn standing(state: CertificateState) -> &'static str {
    match state {
        CertificateState::NotAsked => "not asked for",
        CertificateState::Blocked => "blocked",
        CertificateState::Ordering => "on its way",
        CertificateState::Standing => "good",
        CertificateState::Failed => "failed, tried again by itself",
        CertificateState::Expired => "ended",
        CertificateState::Unknown => "unknown",
    }
}

fn day(at: At) -> String {
    let (year, month, day) = date::civil(at.0.div_euclid(86_400_000));
    format!("{year}-{month:02}-{day:02}")
}

fn requests(rows: &[RequestRow]) -> Result<()> {
    table(
        &["request", "status", "when", "text"],
        rows.iter()
            .map(|r| vec![r.request.to_string(), status(&r.status), ago(r.created), text(r.text.as_deref())]),
    )
}

pub fn deployments(rows: &[DeploymentRow]) -> Result<()> {
    table(
        &[
            "deployment",
            "result",
            "rating",
            "created",
            "step",
            "commit",
            "duration",
            "agent",
            "model",
            "tokens",
            "cost",
            "site",
        ],
        rows.iter().map(|d| {
            vec![
                d.deployment.to_string(),
                outcome(d.outcome).into(),
                d.rating.map_or_else(|| "-".into(), |r| format!("{r}/5")),
                ago(d.created),
                d.step.map_or_else(|| "-".into(), |s| s.to_string()),
                d.commit.as_ref().map_or_else(|| "-".into(), |c| short(c.as_str())),
                format!("{:.1} s", d.duration_ms as f64 / 1000.0),
                agent(d),
                d.model.clone().unwrap_or_else(|| "unknown".into()),
                tokens(&d.usage),
                cost(&d.cost),
                d.url.clone().unwrap_or_default(),
            ]
        }),
    )
}

fn releases(rows: &[ReleaseRow]) -> Result<()> {
    let state = |row: &ReleaseRow| match (row.live, row.kept) {
        (true, _) => "live",
        (false, true) => "kept",
        (false, false) => "removed",
    };
    table(
        &["release", "commit", "when", "state"],
        rows.iter()
            .map(|r| vec![r.release.to_string(), short(r.commit.as_str()), ago(r.at), state(r).into()]),
    )
}

fn steps(planned: &[StepRow], completed: &[StepRow]) -> Result<()> {
    let number = |row: &StepRow| row.number.map_or_else(String::new, |n| n.to_string());
    let planned =
        planned.iter().map(|s| vec![s.step.to_string(), "planned".into(), ago(s.at), s.title.clone()]);
    let completed = completed.iter().map(|s| vec![number(s), "completed".into(), ago(s.at), s.title.clone()]);
    table(&["step", "state", "when", "title"], planned.chain(completed))
}

fn agents(rows: &[AgentRow]) -> Result<()> {
    table(
        &["agent", "tested", "runs", "live", "state"],
        rows.iter().map(|a| {
            let now = a.now.as_ref();
            let job = now.and_then(|now| now.job.as_ref()).filter(|job| job.state == JobState::Running);
            let job =
                job.map(|job| format!("{}: {}; ", job.what, job.says.last().map_or("", String::as_str)));
            vec![
                a.agent.to_string(),
                now.and_then(|now| now.pinned.clone()).unwrap_or_default(),
                a.runs.to_string(),
                a.live.to_string(),
                job.unwrap_or_default() + &readiness(&a.readiness),
            ]
        }),
    )
}

fn projects(rows: &[ProjectRow]) -> Result<()> {
    table(
        &["project", "name", "starter", "active", "site"],
        rows.iter().map(|p| {
            vec![
                p.project.to_string(),
                p.name.clone(),
                p.starter.clone(),
                if p.active { "yes" } else { "" }.into(),
                p.url.clone().unwrap_or_default(),
            ]
        }),
    )
}

fn doctor(rows: &[DoctorRow]) -> Result<()> {
    table(
        &["what", "health", "says", "next"],
        rows.iter().map(|d| {
            vec![
                d.what.clone(),
                format!("{:?}", d.health).to_lowercase(),
                d.says.clone(),
                d.next.clone().unwrap_or_default(),
            ]
        }),
    )
}

fn agent(row: &DeploymentRow) -> String {
    match &row.agent {
        Some(agent) if row.practice => format!("{agent} (practice)"),
        Some(agent) => agent.to_string(),
        None => "none".into(),
    }
}

fn tokens(usage: &Usage) -> String {
    let part = |name: &str, n: Option<u64>| n.map(|n| format!("{name} {n}"));
    let known: Vec<String> = [
        part("in", usage.input),
        part("cache read", usage.cache_read),
        part("cache write", usage.cache_write),
        part("out", usage.output),
        part("reasoning", usage.reasoning),
    ]
    .into_iter()
    .flatten()
    .collect();
    if known.is_empty() { "unknown".into() } else { known.join(", ") }
}

fn show(view: &RequestView) -> Result<()> {
    line(&format!("{}  {}", view.row.request, status(&view.row.status)))?;
    line(&text(view.row.text.as_deref()))?;
    for stage in view.stages.iter().filter(|s| s.started.is_some()) {
        line(&format!("  {}: {}", stage.stage.title(), clean::line(&stage.says, 200)))?;
    }
    if view.tasks.len() > 1 {
        view.tasks.iter().try_for_each(|part| line(&task(part)))?;
    }
    view.attempts.iter().try_for_each(|made| line(&attempt(made)))?;
    let asks = view.attempts.iter().filter_map(|a| Some((a, a.asked.as_ref()?)));
    asks.into_iter().try_for_each(|(attempt, asked)| line(&question(attempt, asked)))?;
    line(&format!("  {}", view.now))?;
    view.url.iter().try_for_each(|url| line(&format!("  {url}")))
}

/// How a part ended, once it did.
pub fn task_end(task: &TaskView) -> Option<String> {
    let end = match &task.status {
        TaskStatus::Landed { commit } => format!("landed as {}", short(commit.as_str())),
        TaskStatus::GivenUp { why } => format!("given up: {}", clean::line(why, 160)),
        TaskStatus::Cancelled => "cancelled".into(),
        TaskStatus::Queued | TaskStatus::Running { .. } | TaskStatus::Waiting { .. } => return None,
    };
    Some(format!("  part {}: {end}", task.number))
}

/// What an agent wants to know, and how to answer it.
pub fn question(attempt: &AttemptView, asked: &AskView) -> String {
    let text = clean::line(asked.question.as_deref().unwrap_or("(forgotten)"), 300);
    let options: Vec<String> = asked.options.iter().map(|o| format!("{} ({})", o.id, o.label)).collect();
    let how = if options.is_empty() { "\"…\"".into() } else { options.join(" | ") };
    format!("  {} asks: {text}\n    answer with: loopwrightd answer {} {how}", attempt.agent, attempt.attempt)
}

/// By the name that `hand-over`, `pick` and `answer` take.
fn attempt(made: &AttemptView) -> String {
    let state = match (&made.landed, &made.finished, made.started) {
        (Some(commit), ..) => format!("landed as {}", short(commit.as_str())),
        (None, Some(_), _) => "ended".into(),
        (None, None, Some(_)) => "at work".into(),
        (None, None, None) => "not started yet".to_owned(),
    };
    format!("  attempt {}: {}, {state}", made.attempt, made.agent)
}

fn task(task: &TaskView) -> String {
    let agents: Vec<&str> = task.agents.iter().map(|agent| agent.as_str()).collect();
    let who = if agents.is_empty() { String::new() } else { format!(" [{}]", agents.join(" and ")) };
    format!("  part {}{who}: {}: {}", task.number, clean::line(&task.title, 80), clean::line(&task.now, 160))
}

fn cost(cost: &Cost) -> String {
    let paid = match cost.paid {
        Some(Paid::Subscription) => ", paid: subscription",
        Some(Paid::OwnEndpoint) => ", paid: own endpoint",
        Some(Paid::Key) | None => "",
    };
    match (cost.usd, cost.basis) {
        (Some(usd), CostBasis::Reported) => format!("${usd:.4} (reported{paid})"),
        (Some(usd), CostBasis::ListPrice) => {
            let day = cost.as_of.as_ref().map(|day| format!(" of {day}")).unwrap_or_default();
            format!("${usd:.4} (list price{day}{paid})")
        }
        (_, CostBasis::Unknown) | (None, _) => "unknown".into(),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Live => "live",
        Outcome::Partly => "partly live",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
    }
}

fn status(status: &Status) -> String {
    match status {
        Status::Queued => "queued".into(),
        Status::Running { stage } => stage.title().to_lowercase(),
        Status::Waiting { .. } => "waiting".into(),
        Status::Cancelling => "cancelling".into(),
        Status::Closed { outcome: end, .. } => outcome(*end).into(),
    }
}

pub fn readiness(readiness: &Readiness) -> String {
    match readiness {
        Readiness::Missing { next } => format!("missing ({next})"),
        Readiness::SignedOut { version, next } => format!("{version}, signed out ({next})"),
        Readiness::Stale { version, reason, next } => {
            format!("{version}, credentials not taken: {reason} ({next})")
        }
        Readiness::Refused { version, at, reason, next } => {
            format!("{version}, refused {}: {reason} ({next})", ago(*at))
        }
        Readiness::SignedIn { version } => format!("{version}, signed in, not yet proven by a turn"),
        Readiness::Worked { version, at } => format!("{version}, worked {}", ago(*at)),
        Readiness::QuotaGone { version, .. } => format!("{version}, quota gone"),
        Readiness::Busy { version } => format!("{version}, busy"),
        Readiness::Broken { reason, next } => format!("broken: {reason} ({next})"),
        Readiness::Practice => "practice: always there".into(),
    }
}

fn text(text: Option<&str>) -> String {
    text.map_or_else(|| "(forgotten)".into(), |t| clean::line(t, 80))
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

pub fn ago(at: At) -> String {
    let s = crate::names::now().since(at) / 1000;
    match s {
        0..60 => format!("{s} s ago"),
        60..3600 => format!("{} min ago", s / 60),
        3600..86_400 => format!("{} h ago", s / 3600),
        _ => format!("{} d ago", s / 86_400),
    }
}

/// Columns as wide as their widest cell, the last one unpadded.
pub fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let rows: Vec<Vec<String>> =
        std::iter::once(head.iter().map(|h| (*h).to_owned()).collect()).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(cells.join("  ").trim_end())?;
    }
    if rows.len() == 1 {
        line("(none)")?;
    }
    Ok(())
}
