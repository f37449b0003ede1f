//! How a set-up is told: JSON lines for programs, words for people.

use crate::print::line;
use anyhow::Result;
use protocol::setup::{Change, Greeting, Health, Obstacle, Plan, SetupEntry, SetupEvent, StepPlan};
use provision::{Removal, Removing};
use serde::Serialize;
use std::io::Write;

pub struct Tell {
    pub json: bool,
}

impl Tell {
    fn as_json(&self, value: &impl Serialize) -> Result<()> {
        line(&serde_json::to_string(value)?)
    }

    pub fn greeting(&self, greeting: &Greeting) -> Result<()> {
        if self.json {
            return self.as_json(greeting);
        }
        line(&format!("loopwrightd {} is on {} and lets the desktop in", greeting.version, greeting.host))
    }

    pub fn plan(&self, plan: &Plan) -> Result<()> {
        if self.json {
            return self.as_json(plan);
        }
        for step in &plan.steps {
            match &step.state {
                StepPlan::Satisfied => line(&format!("  ok       {}", step.title))?,
                StepPlan::Skipped { why } => line(&format!("  left out {}: {why}", step.title))?,
                StepPlan::Blocked { obstacle } => {
                    line(&format!("  BLOCKED  {}: {}; {}", step.title, obstacle.cause, obstacle.action))?;
                    for choice in &obstacle.choices {
                        let word = serde_json::to_value(choice)?;
                        line(&format!(
                            "             --choice {}={}",
                            step.id,
                            word.as_str().unwrap_or_default()
                        ))?;
                    }
                }
                StepPlan::Needed { changes } => {
                    line(&format!("  to do    {}", step.title))?;
                    changes.iter().try_for_each(|change| line(&format!("             {}", words(change))))?;
                }
            }
        }
        line(&format!("{} changes (plan {})", plan.changes(), plan.hash))
    }

    pub fn entry(&self, entry: &SetupEntry) -> Result<()> {
        if self.json {
            return self.as_json(entry);
        }
        let text = match &entry.event {
            SetupEvent::Started { resumed: true, .. } => "goes on".to_owned(),
            SetupEvent::Started { .. } => return Ok(()),
            SetupEvent::StepStarted { step, undo: false } => step.clone(),
            SetupEvent::StepStarted { step, undo: true } => format!("{step}: taking back"),
            SetupEvent::Doing { words, .. } => format!("  {words}"),
            SetupEvent::Waiting { obstacle, .. } => format!("  waiting: {}", obstacle.cause),
            SetupEvent::Intent { .. } => return Ok(()),
            SetupEvent::Wrote { receipt, .. } => format!("  {}", words(&receipt.change)),
            SetupEvent::StepDone { step, millis, changes, .. } => {
                format!("{step}: {changes} changes in {:.1} s", *millis as f64 / 1000.0)
            }
            // These end the run, and are told by its end.
            SetupEvent::Blocked { .. } | SetupEvent::Failed { .. } => return Ok(()),
            SetupEvent::Kept { what, why, .. } => format!("  kept {}: {why}", words(what)),
            SetupEvent::Finished { changes, millis, .. } => {
                format!("{changes} changes in {:.1} s", *millis as f64 / 1000.0)
            }
        };
        line(&text)
    }

    pub fn after(&self, after: u64) -> Result<()> {
        if self.json {
            return self.as_json(&serde_json::json!({ "after": after }));
        }
        line(&format!("it has begun; watch it with `loopwrightd setup status --follow --after {after}`"))
    }

    /// A run that was told entry by entry has said so already.
    pub fn done(&self, _: u32) -> Result<()> {
        Ok(())
    }

    pub fn removal(&self, removal: &Removal) -> Result<()> {
        if self.json {
            return self.as_json(removal);
        }
        removal.removes.iter().try_for_each(|change| line(&format!("  goes   {}", words(change))))?;
        removal
            .keeps
            .iter()
            .try_for_each(|left| line(&format!("  stays  {}: {}", words(&left.what), left.why)))
    }

    pub fn export(&self, export: &Removing) -> Result<()> {
        if self.json {
            return self.as_json(export);
        }
        line(&format!("{} ({} bytes, SHA-256 {})", export.path, export.bytes, export.sha256))
    }

    pub fn health(&self, health: &Health) -> Result<()> {
        if self.json { self.as_json(health) } else { line(&serde_json::to_string_pretty(health)?) }
    }

    pub fn obstacle(&self, obstacle: &Obstacle) -> Result<()> {
        if self.json {
            return self.as_json(&serde_json::json!({ "obstacle": obstacle }));
        }
        said("blocked", obstacle)
    }

    pub fn error(&self, obstacle: &Obstacle) -> Result<()> {
        if self.json {
            return self.as_json(&serde_json::json!({ "error": obstacle }));
        }
        said("failed", obstacle)
    }
}

fn said(how: &str, obstacle: &Obstacle) -> Result<()> {
    writeln!(std::io::stderr().lock(), "{how}: {}\n  next: {}", obstacle.cause, obstacle.action)?;
    Ok(())
}

fn words(change: &Change) -> String {
    match change {
        Change::User { name } => format!("user {name}"),
        Change::Folder { path } => format!("folder {path}"),
        Change::File { path, replaces: true } => format!("file {path} (the original is kept)"),
        Change::File { path, replaces: false } => format!("file {path}"),
        Change::Link { path, to } => format!("link {path} to {to}"),
        Change::Package { name } => format!("package {name}"),
        Change::Unit { name } => format!("unit {name}"),
        Change::Service { name, on: true } => format!("turn {name} on"),
        Change::Service { name, on: false } => format!("turn {name} off"),
        Change::Swap { path, bytes } => format!("swap {path} ({} MB)", bytes >> 20),
        Change::Firewall { rule } => format!("firewall: {rule}"),
        Change::Program { name, version } => format!("{name} {version}"),
        Change::Project { name } => format!("project {name}"),
        Change::Domain { name } => format!("domain {name}"),
        Change::Port { port } => format!("port {port}"),
    }
}
