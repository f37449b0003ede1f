//! `ask` and `journal --follow`: commands that stay and follow what happens.

use crate::client::Client;
use crate::{names, print, wish};
use anyhow::{Context, Result, bail};
use clap::Args;
use protocol::fact::{Channel, Outcome};
use protocol::view::{RequestView, Stage, StageView, Status};
use protocol::*;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct Options {
    /// What you want, in plain words.
    text: String,
    /// Stay until it ended, and tell each stage. The exit code is 0 only if it ended live.
    #[arg(long)]
    wait: bool,
    /// This agent, instead of the one that Hermes picks.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Two or three agents that make it at the same time; the best one lands.
    #[arg(long, value_name = "AGENT,AGENT", value_delimiter = ',', conflicts_with_all = ["agent", "part", "split"])]
    race: Vec<AgentId>,
    /// A part that is done at the same time as the others: "TEXT", "codex: TEXT", "codex+claude-code: TEXT" (a race).
    #[arg(long)]
    part: Vec<String>,
    /// The items of the text's list are its parts; the rest of it is common to them.
    #[arg(long, conflicts_with = "part")]
    split: bool,
    /// This project, instead of the active one.
    #[arg(long)]
    project: Option<ProjectId>,
    /// Your own id of this request: asked twice, it is one request.
    #[arg(long)]
    client: Option<ClientId>,
}

pub async fn ask(client: &Client, options: Options, json: bool) -> Result<ExitCode> {
    let id = options.client.map_or_else(names::client, Ok)?;
    let (text, written) =
        if options.split { wish::split(&options.text) } else { (options.text, options.part) };
    if options.split && written.len() < 2 {
        bail!("there is nothing to split: write the parts as a list, one item each");
    }
    let is_agent = |name: &str| agents::catalogue().iter().any(|known| known.id.as_str() == name);
    let request = Request::Ask {
        client: id,
        text,
        project: options.project,
        agent: options.agent,
        race: options.race,
        parts: written.iter().map(|text| wish::part(text, is_agent)).collect(),
        step: None,
        channel: Channel::CommandLine,
    };
    let accepted = client.call(&request).await?;
    let Response::Accepted { request, new } = &accepted else {
        bail!("the daemon gave another answer than asked for")
    };
    if json && !options.wait {
        print::response(&accepted, true)?;
    } else if !json {
        print::line(&format!("{}{request}", if *new { "accepted as " } else { "known already as " }))?;
    }
    if !options.wait {
        return Ok(ExitCode::SUCCESS);
    }
    let view = follow(client, request, json).await?;
    report(&view, json)?;
    let live = matches!(view.row.status, Status::Closed { outcome: Outcome::Live, .. });
    Ok(if live { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells each stage as it happens, until the request is closed. A daemon that is restarted meanwhile is waited for.
async fn follow(client: &Client, request: &RequestId, quiet: bool) -> Result<RequestView> {
    const PATIENCE: u32 = 20;
    let mut told = Told::default();
    let mut failures = 0;
    loop {
        let followed = follow_once(client, request, quiet, &mut told).await;
        match followed {
            Ok(Some(view)) => return Ok(view),
            Ok(None) => failures = 0,
            Err(e) if failures >= PATIENCE || e.is::<ApiError>() => return Err(e),
            Err(_) => failures += 1,
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Follows one connection; `None` when the daemon went away.
async fn follow_once(
    client: &Client,
    request: &RequestId,
    quiet: bool,
    told: &mut Told,
) -> Result<Option<RequestView>> {
    let mut heads = client.heads().await?;
    while heads.next().await.is_some() {
        let Response::Show(view) = client.call(&Request::Show { request: request.clone() }).await? else {
            bail!("the daemon gave another answer than asked for")
        };
        if !quiet {
            told.tell(&view)?;
        }
        if matches!(view.row.status, Status::Closed { .. }) {
            return Ok(Some(*view));
        }
    }
    Ok(None)
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    /// What each stage said last: a stage that goes on adds to its line, and only that is printed.
    stages: BTreeMap<Stage, String>,
}

impl Told {
    /// Prints what was not printed yet.
    fn tell(&mut self, view: &RequestView) -> Result<()> {
        for stage in view.stages.iter().filter(|s| s.started.is_some()) {
            self.tell_stage(stage)?;
            if stage.stage == Stage::Wake {
                let recalled = view.recalled.iter();
                self.tell_each(
                    recalled.map(|r| format!("  recalled {}: {}", r.note, clean::line(&r.why, 160))),
                )?;
            }
        }
        self.tell_each(view.attempts.iter().flat_map(|a| &a.checkpoints).map(|c| {
            let says = clean::line(&c.says, 100);
            format!(
                "  checkpoint {} of {}: +{} -{}  {says}",
                c.number, c.attempt, c.diff.added, c.diff.removed
            )
        }))?;
        let diagnoses = view.attempts.iter().filter_map(|a| a.diagnosis.as_ref());
        self.tell_each(
            diagnoses
                .map(|d| format!("  attempt {} failed at {}: {}; {}", d.attempt, d.what, d.summary, d.next)),
        )?;
        self.tell_tasks(view)?;
        let waits = matches!(view.row.status, Status::Waiting { .. });
        self.tell_each(waits.then(|| format!("  waiting: {}", view.now)).into_iter())
    }

    /// Parts and their ends, races, and questions with how to answer them.
    fn tell_tasks(&mut self, view: &RequestView) -> Result<()> {
        if view.tasks.len() > 1 {
            self.tell_each(
                view.tasks.iter().map(|t| format!("  part {}: {}", t.number, clean::line(&t.title, 100))),
            )?;
            self.tell_each(view.tasks.iter().filter_map(print::task_end))?;
        }
        let judged = view.tasks.iter().filter_map(|task| task.judged.as_ref());
        self.tell_each(judged.map(|race| format!("  race: {} is taken: {}", race.winner, race.why)))?;
        let asks = view.attempts.iter().filter_map(|a| Some((a, a.asked.as_ref()?)));
        self.tell_each(asks.map(|(attempt, asked)| print::question(attempt, asked)))
    }

    fn tell_each(&mut self, lines: impl Iterator<Item = String>) -> Result<()> {
        for line in lines {
            if !self.lines.contains(&line) {
                print::line(&line)?;
                self.lines.push(line);
            }
        }
        Ok(())
    }

    fn tell_stage(&mut self, stage: &StageView) -> Result<()> {
        let before = self.stages.insert(stage.stage, stage.says.clone()).unwrap_or_default();
        if before == stage.says || stage.says.is_empty() {
            return Ok(());
        }
        let added = match stage.says.strip_prefix(&before) {
            Some(added) => added.trim_start_matches([',', ';', ' ']).to_owned(),
            // Several parts are told one after the other: only those that changed are news.
            None => {
                let known: Vec<&str> = before.split("; ").collect();
                let news = stage.says.split("; ").filter(|part| !known.contains(part));
                news.collect::<Vec<_>>().join("; ")
            }
        };
        print::line(&format!("[{}] {}", stage.stage.title(), clean::line(&added, 220)))
    }
}

fn report(view: &RequestView, json: bool) -> Result<()> {
    if json {
        return print::line(&serde_json::to_string(view)?);
    }
    print::line(&view.now)?;
    let deployment = view.deployment.as_ref().context("the request ended without a row")?;
    print::deployments(std::slice::from_ref(deployment))?;
    if let Some(url) = &view.url {
        print::line(&format!("site: {url}"))?;
    }
    Ok(())
}

pub async fn journal(client: &Client, after: u64, follow: bool, json: bool) -> Result<()> {
    let mut cursor = after;
    let mut heads = client.heads().await?;
    loop {
        let newest = heads.next().await.context("the daemon went away")?;
        while cursor < newest {
            let Response::Journal { entries, .. } =
                client.call(&Request::Journal { after: cursor, limit: None }).await?
            else {
                bail!("the daemon gave another answer than asked for")
            };
            for entry in &entries {
                let body = serde_json::to_value(&entry.fact)?;
                let text = if json {
                    serde_json::to_string(entry)?
                } else {
                    let body = body.get("body").map(ToString::to_string).unwrap_or_default();
                    format!("{:>6}  {}  {}", entry.seq, entry.fact.kind(), clean::line(&body, 160))
                };
                print::line(&text)?;
            }
            let Some(last) = entries.last() else { break };
            cursor = last.seq;
        }
        if !follow {
            return Ok(());
        }
    }
}

/// The practice agent on this process's stdin and stdout.
pub async fn practice(pause_ms: Option<u64>) -> Result<()> {
    agents::practice_stdio(pause_ms.map(Duration::from_millis)).await.context("the practice agent failed")
}
