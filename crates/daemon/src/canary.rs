//! The check of an agent's new version: the conformance run, against a scripted service. It is played by a process of its
//! own, in a network that holds only loopback where the system allows that.

use agents::Setup;
use agents::install::{Check, Tell};
use anyhow::{Context, Result};
use clap::Args;
use conformance::canary::{Report, canary, here};
use protocol::AgentId;
use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The command line of the process that plays it.
#[derive(Debug, Args)]
pub struct Options {
    agent: AgentId,
    /// A folder for it alone.
    #[arg(long)]
    place: PathBuf,
    /// Where programs are looked for.
    #[arg(long)]
    path: OsString,
    #[arg(long)]
    node: Option<PathBuf>,
    /// User and group id of the agents' user.
    #[arg(long, value_name = "UID:GID")]
    run_as: Option<String>,
}

pub struct Canary {
    own_exe: PathBuf,
    tell: Tell,
}

impl Canary {
    pub fn new(tell: Tell) -> Result<Self> {
        let own_exe = std::env::current_exe().context("failed to find this program's own file")?;
        Ok(Self { own_exe, tell })
    }

    fn command(&self, setup: &Setup, agent: &AgentId, place: &Path) -> Result<Vec<OsString>> {
        let path =
            std::env::join_paths(&setup.path).context("a folder with a colon cannot be looked through")?;
        let mut command: Vec<OsString> =
            vec![self.own_exe.clone().into(), "canary".into(), agent.as_str().into()];
        command.extend(["--place".into(), place.into(), "--path".into(), path]);
        if let Some(node) = &setup.node {
            command.extend(["--node".into(), node.into()]);
        }
        if let Some(user) = setup.run_as {
            command.extend(["--run-as".into(), format!("{}:{}", user.uid, user.gid).into()]);
        }
        Ok(command)
    }

    async fn report(&self, setup: &Setup, agent: &AgentId) -> Result<Report> {
        (self.tell)("putting it through the conformance run; this takes some minutes".to_owned());
        let place = Place::make()?;
        let command = self.command(setup, agent, &place.0)?;
        Ok(canary(setup, agent, &place.0, &command).await)
    }
}

impl Check for Canary {
    async fn check(&self, setup: &Setup, agent: &AgentId) -> Result<String, Vec<String>> {
        let report = self.report(setup, agent).await.map_err(|e| vec![format!("{e:#}")])?;
        if let Some(why) = &report.not_isolated {
            (self.tell)(format!("in this machine's own network: {why}"));
        }
        if report.passed() {
            Ok(format!("passed all {} scenarios", report.rows.len()))
        } else {
            Err(report.failures())
        }
    }
}

/// The process that plays it: prints the report.
pub async fn play(options: Options) -> Result<()> {
    let path = std::env::split_paths(&options.path).collect();
    let run_as = options.run_as.as_deref().map(user).transpose()?;
    // Homes, environment and runtime folder are each scenario's own.
    let setup = Setup {
        path,
        node: options.node,
        practice: Vec::new(),
        homes: None,
        user_home: options.place.clone(),
        run_as,
        runtime: options.place.clone(),
        env: Default::default(),
        accounts: Default::default(),
        leases: Default::default(),
    };
    let report = here(&setup, &options.agent, &options.place).await;
    crate::print::line(&serde_json::to_string(&report)?)
}

fn user(text: &str) -> Result<agents::RunAs> {
    let (uid, gid) = text.split_once(':').context("not UID:GID")?;
    Ok(agents::RunAs { uid: uid.parse()?, gid: gid.parse()? })
}

/// A folder that the agents' user can walk to, gone with the run.
struct Place(PathBuf);

impl Place {
    fn make() -> Result<Self> {
        let bytes: [u8; 8] = crate::names::random()?;
        let name = protocol::hex(bytes);
        let path = std::env::temp_dir().join(format!("loopwright-canary-{name}"));
        let made = std::fs::DirBuilder::new().mode(0o755).create(&path);
        made.with_context(|| format!("failed to make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Litter in a folder for litter.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
