//! A throw-away workspace as a user has it after the first start: one project, an edge, and nothing that ran yet.

use anyhow::{Context, Result, ensure};
use protocol::fact::Fact;
use protocol::{Request, Response};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use testkit::workspace::built;
use testkit::{Daemon, Workspace};

/// No agent but the practice one is found here, on whatever machine.
const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");
const ARGS: [&str; 4] = ["--port", "0", "--starter", "static"];
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether the daemon answers: below what is measured, above what would take its CPU away.
const LOOK: Duration = Duration::from_micros(250);

pub struct Home {
    pub workspace: Workspace,
    program: PathBuf,
    args: Vec<String>,
}

/// What stands in the place of the practice agent.
pub enum StandIn {
    /// None: the practice agent itself.
    None,
    /// Writes when it began to `stamps/stamp`, and ends.
    Stamp,
    /// Stays.
    Hold,
}

impl Home {
    /// Made by a first start of the daemon, which is stopped again; the edge stays.
    pub fn new(stand_in: StandIn) -> Result<Home> {
        // The memory's face is there, as it is for a user, on whatever port; a model would be fetched from outside.
        const MORE: [&str; 4] = ["--memory", "0", "--model", "none"];
        let workspace = Workspace::new()?;
        // Agents and sites run as other users, which may not reach the folder that this was built in.
        let program = workspace.copy_program(&built("loopwrightd")?)?;
        let bench = workspace.copy_program(&std::env::current_exe()?)?;
        let bench = bench.to_str().context("the temporary folder has no plain name")?;
        let stamps = workspace.open_folder("stamps", 0o777)?.join("stamp");
        let argv = match stand_in {
            StandIn::None => None,
            StandIn::Stamp => Some(vec![bench, "stamp", stamps.to_str().context("no plain name")?]),
            StandIn::Hold => Some(vec![bench, "hold"]),
        };
        let practice = argv.map_or_else(String::new, |argv| format!("[practice]\nargv = {argv:?}\n"));
        workspace.settings(&format!("screenshots = \"off\"\n\n[limits]\nattempts = 1\n\n{practice}"))?;
        let home = Home { workspace, program, args: vec![] }.told(&MORE);
        let (daemon, _) = home.start()?;
        daemon.wait_for(PATIENCE, |entry| matches!(entry.fact, Fact::ProjectCreated(_)).then_some(()))?;
        ensure!(daemon.stop()?.success(), "the daemon did not stop well");
        Ok(home)
    }

    /// What the daemon is told from its next start on.
    pub fn told(mut self, more: &[&str]) -> Home {
        self.args = ARGS.iter().chain(more).map(ToString::to_string).collect();
        self
    }

    pub fn stamp(&self) -> PathBuf {
        self.workspace.path().join("stamps/stamp")
    }

    pub fn socket(&self) -> PathBuf {
        self.workspace.home().join("run/control.sock")
    }

    pub fn edge_socket(&self) -> PathBuf {
        self.workspace.home().join("run/edge.sock")
    }

    /// Starts the daemon; with how long it took from the call that makes the process to its first answer.
    pub fn start(&self) -> Result<(Daemon, Duration)> {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let clock = Instant::now();
        let mut daemon = Daemon::launch(&self.program, &self.workspace, &args, &[PATH])?;
        loop {
            if let Ok(Ok(Response::Hello(_))) = daemon.try_call(&Request::Hello) {
                return Ok((daemon, clock.elapsed()));
            }
            if clock.elapsed() > PATIENCE || daemon.wait_end(Duration::ZERO).is_ok() {
                anyhow::bail!("the daemon did not answer: {}", daemon.printed());
            }
            std::thread::sleep(LOOK);
        }
    }
}
