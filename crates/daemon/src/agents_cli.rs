//! `loopwrightd agents …`: the list, and work on the agents' programs. Where a daemon serves the home it does the work,
//! and this follows it; else the work is done here.

use crate::canary::Canary;
use crate::client::Client;
use crate::home::Home;
use crate::settings::Settings;
use crate::{print, tools, users};
use agents::install::{self, Check, Pin, Room, Unchecked};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use protocol::view::{AgentJob, AgentRow, JobState};
use protocol::{AgentId, ApiError, Code, Request, Response};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Options {
    /// Probe again now.
    #[arg(long)]
    fresh: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the tested version. It is used once it passed its check; until then the old one is.
    Install(Install),
    /// Put the installed version through its check, against a scripted service: no account, no network.
    Check {
        agent: AgentId,
        #[command(flatten)]
        place: Place,
    },
    /// Go back to the last good version.
    Rollback {
        agent: AgentId,
        #[command(flatten)]
        place: Place,
    },
    /// Remove an agent's programs. Its accounts and settings stay.
    Remove {
        agent: AgentId,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Install {
    #[arg(required_unless_present = "all")]
    agents: Vec<AgentId>,
    /// Every agent.
    #[arg(long, conflicts_with = "agents")]
    all: bool,
    /// Only see that it starts, and use it.
    #[arg(long)]
    without_check: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Place {
    /// Another folder of installed agents than the workspace's.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Folder that holds `node`.
    #[arg(long, value_name = "DIR")]
    node: Option<PathBuf>,
    /// Do it in this process, whether or not a daemon runs.
    #[arg(long, hide = true)]
    here: bool,
}

pub async fn run(client: &Client, home: &Home, options: Options, json: bool) -> Result<ExitCode> {
    let served = client.call(&Request::Hello).await.is_ok();
    match options.command {
        None if served => list(client, options.fresh, json).await,
        None => list_installed(&tools::agents_folder(home, None), json),
        Some(Command::Install(install)) => {
            let by_daemon = served && !install.without_check && !install.place.is_own();
            let agents = install.agents();
            if by_daemon {
                ask_each(client, agents).await
            } else {
                install.here(home, agents).await?;
                look_again(client, served && !install.place.here).await
            }
        }
        Some(Command::Check { agent, place }) if served && !place.is_own() => {
            follow(client, &Request::CheckAgent { agent: agent.clone() }, &agent).await
        }
        Some(Command::Check { agent, place }) => check(&place.room(home)?, &agent).await,
        Some(Command::Rollback { agent, place }) => {
            pin(&agent)?;
            let version = install::rollback(&place.folder(home), &agent).await.map_err(explain)?;
            print::line(&format!("{agent} {version} is in use again"))?;
            look_again(client, served).await
        }
        Some(Command::Remove { agent, place }) => {
            pin(&agent)?;
            let was_there = install::installed(&place.folder(home), &agent).is_some();
            install::remove(&place.folder(home), &agent).await.map_err(explain)?;
            print::line(&format!("{agent} {}", if was_there { "is removed" } else { "was not installed" }))?;
            look_again(client, served).await
        }
    }
}

impl Place {
    /// Whether this process has to do it, whatever a daemon does.
    fn is_own(&self) -> bool {
        self.here || self.into.is_some()
    }

    fn folder(&self, home: &Home) -> PathBuf {
        self.into.clone().unwrap_or_else(|| tools::agents_folder(home, None))
    }

    fn room(&self, home: &Home) -> Result<Room> {
        let root = rustix::process::geteuid().is_root();
        let users = if root { Some(users::of_root(Path::new("/etc/passwd"))?) } else { None };
        let folder = std::path::absolute(self.folder(home))?;
        let settings = Settings::read(&home.settings())?;
        let setup = tools::setup(home, &folder, self.node.clone(), &settings, users)?;
        Ok(tools::room(folder, setup, Arc::new(|line| drop(print::line(&format!("  {line}"))))))
    }
}

impl Install {
    fn agents(&self) -> Vec<AgentId> {
        let all = || install::pins().into_iter().map(|pin| pin.agent).collect();
        if self.all { all() } else { self.agents.clone() }
    }

    async fn here(&self, home: &Home, agents: Vec<AgentId>) -> Result<()> {
        let room = self.place.room(home)?;
        for agent in &agents {
            let pin = pin(agent)?;
            if self.without_check {
                install_one(&room, &pin, &Unchecked).await?;
            } else {
                install_one(&room, &pin, &Canary::new(room.tell.clone())?).await?;
            }
        }
        Ok(())
    }
}

fn pin(agent: &AgentId) -> Result<Pin> {
    let unknown = || {
        let known: Vec<_> = install::pins().into_iter().map(|pin| pin.agent.to_string()).collect();
        ApiError::new(Code::NotFound, format!("there is nothing to install for `{agent}`"))
            .next(format!("choose one of {}", known.join(", ")))
    };
    Ok(install::pin(agent).ok_or_else(unknown)?)
}

async fn install_one(room: &Room, pin: &Pin, check: &impl Check) -> Result<()> {
    let done = install::install(room, pin, check).await.map_err(explain)?;
    let says = match (done.was_there, done.check) {
        (true, _) => "is installed already".to_owned(),
        (false, Some(check)) => format!("is installed and in use: {check}"),
        (false, None) => "is installed and in use".to_owned(),
    };
    print::line(&format!("{} {} {says}", pin.agent, done.version))
}

async fn check(room: &Room, agent: &AgentId) -> Result<ExitCode> {
    let pin = pin(agent)?;
    if install::installed(&room.folder, agent).is_none() {
        (room.tell)(format!(
            "it is not installed in {}: the one on the path is tried",
            room.folder.display()
        ));
    }
    match Canary::new(room.tell.clone())?.check(&room.setup, agent).await {
        Ok(says) => print::line(&format!("{agent} {says}")).map(|()| ExitCode::SUCCESS),
        Err(failed) => {
            let next = format!("install the tested version: loopwrightd agents install {}", pin.agent);
            Err(ApiError::new(Code::Internal, failed.join("; ")).next(next).into())
        }
    }
}

/// The cause with its one next step.
pub fn explain(error: install::Error) -> ApiError {
    let code = match &error {
        install::Error::Busy { .. } => Code::Busy,
        install::Error::NoRoom { .. } => Code::DiskFull,
        install::Error::NothingBefore { .. } => Code::Conflict,
        _ => Code::Internal,
    };
    ApiError::new(code, format!("failed to {error}")).next(error.next())
}

/// A daemon that runs sees at once what changed under it.
async fn look_again(client: &Client, served: bool) -> Result<ExitCode> {
    if served {
        client.call(&Request::Agents { fresh: true }).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One after the other; the first failure ends it.
async fn ask_each(client: &Client, agents: Vec<AgentId>) -> Result<ExitCode> {
    for agent in agents {
        let ended = follow(client, &Request::InstallAgent { agent: agent.clone() }, &agent).await?;
        if ended != ExitCode::SUCCESS {
            return Ok(ended);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Begins a job of the daemon and tells what it says, to its end.
async fn follow(client: &Client, begin: &Request, agent: &AgentId) -> Result<ExitCode> {
    client.call(begin).await?;
    let mut heads = client.heads().await?;
    let mut told = 0;
    loop {
        heads.next().await.context("the daemon went away; see `loopwrightd agents` once it is back")?;
        let job = job_of(&rows(client, false).await?, agent).context("the daemon knows of no such job")?;
        for line in job.says.iter().skip(told) {
            print::line(&format!("  {line}"))?;
        }
        told = job.says.len().max(told);
        match job.state {
            JobState::Running => {}
            JobState::Done { says } => {
                // Its last line often is what it came to.
                if job.says.last() != Some(&says) {
                    print::line(&format!("{agent}: {says}"))?;
                }
                return Ok(ExitCode::SUCCESS);
            }
            JobState::Failed { reason, next } => {
                return Err(ApiError::new(Code::Internal, reason).next(next).into());
            }
        }
    }
}

fn job_of(rows: &[AgentRow], agent: &AgentId) -> Option<AgentJob> {
    rows.iter().find(|row| row.agent == *agent)?.now.as_ref()?.job.clone()
}

async fn rows(client: &Client, fresh: bool) -> Result<Vec<AgentRow>> {
    let Response::Agents { rows } = client.call(&Request::Agents { fresh }).await? else {
        bail!("the daemon gave another answer than asked for")
    };
    Ok(rows)
}

async fn list(client: &Client, fresh: bool, json: bool) -> Result<ExitCode> {
    print::response(&Response::Agents { rows: rows(client, fresh).await? }, json)?;
    Ok(ExitCode::SUCCESS)
}

/// What can be said without a daemon: what is installed, never whether it is signed in.
fn list_installed(folder: &Path, json: bool) -> Result<ExitCode> {
    let rows: Vec<_> =
        install::pins().into_iter().map(|pin| (install::installed(folder, &pin.agent), pin)).collect();
    if json {
        let row = |(found, pin): &(Option<install::Installed>, Pin)| {
            let (version, previous) =
                found.as_ref().map_or((None, None), |f| (Some(f.version.clone()), f.previous.clone()));
            serde_json::json!({
                "agent": pin.agent, "installed": version, "previous": previous, "tested": pin.version,
            })
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        print::line(&serde_json::to_string(&rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::table(
        &["agent", "installed", "tested", "next"],
        rows.iter().map(|(found, pin)| {
            let version = found.as_ref().map_or("", |found| &found.version).to_owned();
            let next = match found {
                Some(found) if found.version == pin.version => {
                    "start a daemon to see whether it is signed in".to_owned()
                }
                Some(_) | None => format!("loopwrightd agents install {}", pin.agent),
            };
            vec![pin.agent.to_string(), version, pin.version.to_string(), next]
        }),
    )?;
    Ok(ExitCode::SUCCESS)
}
