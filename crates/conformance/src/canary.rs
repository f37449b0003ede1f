//! Puts a version of an agent's program through the whole suite before it is used, on the machine where it will be used.
//!
//! Where the system allows it, in a network that holds nothing but loopback: a program that would phone home, or send our
//! made-up key to its vendor, cannot. Where it does not, the report says so.

use crate::netns::{netns_command, only_loopback};
use crate::suite::{Candidate, Row, cases, run_all};
use agents::Setup;
use protocol::{AgentId, At};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::process::Command;

/// What came of a canary run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub agent: String,
    pub version: String,
    /// Why the run had a network that holds more than loopback; none: it had not.
    pub not_isolated: Option<String>,
    /// Why nothing was run, if nothing was.
    pub not_run: Option<String>,
    pub rows: Vec<Row>,
}

impl Report {
    /// A run without a row proves nothing.
    pub fn passed(&self) -> bool {
        self.not_run.is_none() && !self.rows.is_empty() && self.rows.iter().all(|row| row.ok)
    }

    /// What was not as it should be, one line each.
    pub fn failures(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| !row.ok);
        let rows = rows.map(|row| format!("{}: {}", row.scenario, row.wrong.join("; ")));
        self.not_run.iter().map(|why| format!("nothing was run: {why}")).chain(rows).collect()
    }

    fn nothing(agent: &AgentId, why: String) -> Report {
        let agent = agent.to_string();
        Report { agent, version: "unknown".into(), not_isolated: None, not_run: Some(why), rows: Vec::new() }
    }
}

/// How many scenarios run side by side: each is a program of up to 400 MB.
const ABREAST: usize = 2;

/// The suite in this very process. `place` is a folder for it alone, which it leaves to the caller; the agent's user must be
/// able to walk to it.
pub async fn here(setup: &Setup, agent: &AgentId, place: &Path) -> Report {
    let not_isolated = (!only_loopback()).then(|| "it was run in the machine's own network".to_owned());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = At(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let candidate = match Candidate::find(setup, agent, &place.join("probe"), at).await {
        Ok(Ok(candidate)) => candidate,
        Ok(Err(missing)) => return Report::nothing(agent, missing),
        Err(error) => return Report::nothing(agent, format!("its folders cannot be made: {error}")),
    };
    let rows = run_all(&candidate, &cases(at.0 / 1000), place, ABREAST, |_| {}).await;
    Report { agent: agent.to_string(), version: candidate.version, not_isolated, not_run: None, rows }
}

/// The suite in a network of its own: `own` is a command line that calls [`here`] and prints the report as JSON. Where no
/// such network can be made, the suite runs in this process, and the report says why.
pub async fn canary(setup: &Setup, agent: &AgentId, place: &Path, own: &[OsString]) -> Report {
    if only_loopback() {
        return here(setup, agent, place).await;
    }
    match can_isolate().await {
        Ok(()) => isolated(agent, own).await,
        Err(why) => Report { not_isolated: Some(why), ..here(setup, agent, place).await },
    }
}

async fn isolated(agent: &AgentId, own: &[OsString]) -> Report {
    let out = match Command::from(netns_command(own)).kill_on_drop(true).output().await {
        Ok(out) => out,
        Err(error) => return Report::nothing(agent, format!("the suite cannot be started: {error}")),
    };
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| {
        let words = String::from_utf8_lossy(&out.stderr);
        Report::nothing(agent, format!("the suite ended with {} and no report: {}", out.status, words.trim()))
    })
}

/// Tried, since it depends on the kernel, on the container and on the user.
async fn can_isolate() -> Result<(), String> {
    let tried = Command::from(netns_command(["true"])).output().await;
    match tried {
        Ok(out) if out.status.success() => Ok(()),
        Ok(out) => Err(format!(
            "a network of its own cannot be made: {}",
            String::from_utf8_lossy(&out.stderr).trim()
        )),
        Err(error) => Err(format!("a network of its own cannot be made: unshare: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_rows_is_no_pass() {
        let agent = AgentId::new("nobody").unwrap();
        let mut report = Report::nothing(&agent, "why".into());
        assert!(!report.passed());
        assert_eq!(report.failures(), ["nothing was run: why"]);
        report.not_run = None;
        assert!(!report.passed());
    }
}
