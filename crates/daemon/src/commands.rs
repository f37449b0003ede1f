//! The command line: what it takes, and which request each command is.

use crate::client::Client;
use crate::home::Home;
use crate::memory_cli::{self, MemoryCommand};
use crate::remember::{mirror, models};
use crate::{agents_cli, ask, bridges, canary, print, reply, serve, setup, signin_cli};
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use protocol::*;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "loopwrightd",
    version,
    about = "Runs the loop: a request in plain words becomes a live, recorded web app"
)]
pub struct Line {
    /// The workspace's folder.
    #[arg(long, global = true, env = "LOOPWRIGHT_HOME")]
    home: Option<PathBuf>,
    /// Answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon in the foreground.
    Serve(serve::Options),
    /// Serve the sites (started by `serve`, a process of its own).
    #[command(hide = true)]
    Edge(serve::EdgeOptions),
    /// Serve a folder of static files (the static starter's start command).
    #[command(hide = true)]
    ServeStatic {
        root: PathBuf,
        /// A port on 127.0.0.1, or the path of a unix socket.
        #[arg(long, env = "PORT")]
        port: String,
        /// Reload open pages when a file changes.
        #[arg(long)]
        live: bool,
    },
    /// Fetch an embedding model, or compute vectors with one (started by `serve`, a process of its own).
    #[command(hide = true)]
    Model {
        #[command(subcommand)]
        work: models::Work,
    },
    /// The practice agent (an ACP agent on stdin and stdout).
    #[command(hide = true)]
    PracticeAgent,
    /// Is a daemon serving this home?
    Hello,
    /// A fresh sign-in link for the dashboard.
    Link,
    /// Stop the daemon. With --sites, the sites too.
    Stop {
        /// End the sites and the process that serves them, too.
        #[arg(long)]
        sites: bool,
    },
    /// Ask for something, in plain words.
    Ask(ask::Options),
    /// Requests, newest first.
    Requests(Listing),
    /// One request with all that happened to it.
    Show { request: RequestId },
    /// Call a request off: its agents are stopped, and nothing of it lands any more.
    Cancel { request: RequestId },
    /// Say something to the agent at work.
    Steer { request: RequestId, text: String },
    /// Answer what an agent asked: in words, or by one of its options.
    Answer(reply::Answer),
    /// Let another agent go on with an attempt's work, in the same folder. Without a name Hermes picks.
    HandOver {
        /// An attempt at work, as `show` names it.
        attempt: AttemptId,
        /// The agent that goes on.
        to: Option<AgentId>,
    },
    /// Take this attempt of a race.
    Pick {
        /// As `show` names it.
        attempt: AttemptId,
    },
    /// Look again: a request that waits for an agent goes on if one is ready now.
    Retry { request: RequestId },
    /// The journal's entries, or `journal verify`.
    Journal {
        #[command(subcommand)]
        verify: Option<JournalCommand>,
        /// Only entries with a higher number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// Go on with what comes.
        #[arg(long)]
        follow: bool,
    },
    /// The Product Loop table.
    Deployments(Listing),
    /// Rate a deployment from 1 to 5.
    Rate { deployment: DeploymentId, rating: u8 },
    /// Releases that were live, newest first, and whether they are kept for a rollback.
    Releases(Listing),
    /// Start an earlier release again, without a build.
    Rollback {
        #[arg(long)]
        project: Option<ProjectId>,
        /// Which one; the one before if none is named.
        release: Option<ReleaseId>,
    },
    /// Planned and completed steps.
    Steps(Listing),
    /// Copy what is new of the journal and the memory into a folder, where it can be asked with no daemon.
    Mirror { dir: PathBuf },
    /// What is remembered.
    Memory {
        #[command(subcommand)]
        command: MemoryCommand,
    },
    /// The coding agents: how ready each one is, installing them.
    Agents(agents_cli::Options),
    /// Sign an agent in, or give it a key.
    SignIn(signin_cli::Options),
    /// Forget an agent's stored key, and let its program sign out.
    SignOut { agent: AgentId },
    /// Puts an agent's programs through the conformance run (started by `agents`, a process of its own).
    #[command(hide = true)]
    Canary(canary::Options),
    /// How MCP clients reach the agents: addresses, states, and what to paste.
    Bridges,
    /// Projects, and which one is active.
    Projects,
    /// Create a project from a starter, or make one the active one.
    Project {
        #[command(subcommand)]
        command: ProjectCommand,
    },
    /// The sites' own domains and their certificates; set one, or take it away.
    Domain {
        #[command(subcommand)]
        command: Option<DomainCommand>,
    },
    /// What could be wrong, looked at now.
    Doctor,
    /// Set this server up, repair it, upgrade it, or take everything away again.
    Setup(setup::Options),
    /// What the desktop's key runs on a server.
    #[command(hide = true)]
    SshEntry,
}

#[derive(Debug, Args)]
struct Listing {
    /// This project, instead of the active one.
    #[arg(long)]
    project: Option<ProjectId>,
    /// Words that must occur in a row.
    #[arg(long)]
    filter: Option<String>,
    /// At most so many rows.
    #[arg(long)]
    limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Recompute the whole hash chain.
    Verify,
}

#[derive(Debug, Subcommand)]
enum DomainCommand {
    /// Give a site this name, and get it a certificate. The same name again: look at it now.
    Set {
        name: String,
        /// This project, instead of the one that the world sees first.
        #[arg(long)]
        project: Option<ProjectId>,
        /// I agree to the terms of service of the authority that gives the certificate (Let's Encrypt).
        #[arg(long)]
        agree: bool,
        /// Where that authority may write to.
        #[arg(long, value_name = "MAIL")]
        contact: Option<String>,
    },
    /// The site has no name of its own any more.
    Remove {
        #[arg(long)]
        project: Option<ProjectId>,
    },
}

#[derive(Debug, Subcommand)]
enum ProjectCommand {
    /// Create a project and make it the active one.
    Create {
        name: String,
        /// What it begins as: react or static.
        #[arg(long, default_value = "react")]
        starter: String,
    },
    /// Make a project the active one.
    Use { project: ProjectId },
}

impl Line {
    /// The daemon tells what it does; a command only what goes wrong.
    pub fn log_level(&self) -> tracing::Level {
        match self.command {
            Command::Serve(_) | Command::Edge(_) => tracing::Level::INFO,
            _ => tracing::Level::WARN,
        }
    }

    fn home(&self) -> Result<PathBuf> {
        let named = self.home.clone();
        named.or_else(default_home).context("no home folder is known; give one with --home DIR")
    }
}

/// Root keeps the workspace where services keep theirs, a person in their own data folder.
fn default_home() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        let served = PathBuf::from(provision::paths::WORKSPACE);
        return Some(if served.is_dir() { served } else { PathBuf::from("/var/lib/loopwright/local") });
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    data.map(|dir| dir.join("loopwright/local"))
}

pub fn run(line: Line) -> Result<ExitCode> {
    let home = line.home();
    match line.command {
        Command::Serve(options) => serve::serve(&home?, options).map(|()| ExitCode::SUCCESS),
        Command::Edge(options) => serve::edge(options).map(|()| ExitCode::SUCCESS),
        Command::ServeStatic { root, port, live } => {
            small_runtime()?.block_on(deploy::static_site::serve_static(&root, &port, live))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Model { work } => models::work(work).map(|()| ExitCode::SUCCESS),
        Command::Setup(options) => setup::run(options, line.json),
        Command::SshEntry => setup::ssh_entry::run(),
        Command::PracticeAgent => {
            let pause = std::env::var("PRACTICE_PAUSE_MS").ok().and_then(|ms| ms.parse().ok());
            small_runtime()?.block_on(crate::ask::practice(pause))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Canary(options) => {
            small_runtime()?.block_on(canary::play(options))?;
            Ok(ExitCode::SUCCESS)
        }
        command => {
            let home = Home::at(&home?)?;
            let client = Client::new(home.control());
            small_runtime()?.block_on(talk(&client, &home, command, line.json))
        }
    }
}

/// One thread is enough for a command.
fn small_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("failed to start the runtime")
}

async fn talk(client: &Client, home: &Home, command: Command, json: bool) -> Result<ExitCode> {
    let request = match command {
        Command::Ask(options) => return ask::ask(client, options, json).await,
        Command::Agents(options) => return agents_cli::run(client, home, options, json).await,
        Command::SignIn(options) => return signin_cli::sign_in(client, options).await,
        Command::SignOut { agent } => return signin_cli::sign_out(client, agent).await,
        Command::Journal { verify: None, after, follow } => {
            return ask::journal(client, after, follow, json).await.map(|()| ExitCode::SUCCESS);
        }
        Command::Mirror { dir } => {
            let pulled = mirror::pull(client, &dir).await?;
            if let Some(warning) = pulled.warning {
                print::line(&format!("warning: {warning}"))?;
            }
            print::line(&format!("{} holds the journal up to entry {}", dir.display(), pulled.head))?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Memory { command } => return memory_cli::run(client, home, command, json).await,
        Command::Link => {
            print::line(&client.link().await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Stop { sites } => {
            return stop(client, home, sites).await.map(|()| ExitCode::SUCCESS);
        }
        Command::Answer(answer) => reply::answer(client, answer).await?,
        other => request_of(other)?,
    };
    let response = client.call(&request).await?;
    let sound = !matches!(&response, Response::Verified { problems, .. } if !problems.is_empty());
    match &response {
        Response::Bridges { rows, token } if !json => bridges::paste(rows, token, &home.bridge_token())?,
        other => print::response(other, json)?,
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stops the daemon. Sites outlive it on purpose, so an edge whose daemon is gone is stopped directly.
async fn stop(client: &Client, home: &Home, sites: bool) -> Result<()> {
    let stopped = client.stop(sites).await;
    let edge = deploy::edge::EdgeClient::new(home.edge_control());
    if stopped.is_err() && sites && edge.state().await.is_ok() {
        return edge.quit().await.context("failed to stop the edge");
    }
    stopped
}

/// The commands that are one request each.
fn request_of(command: Command) -> Result<Request> {
    Ok(match command {
        Command::Hello => Request::Hello,
        Command::Requests(Listing { project, limit, .. }) => Request::Requests { project, limit },
        Command::Show { request } => Request::Show { request },
        Command::Cancel { request } => Request::Cancel { request },
        Command::Steer { request, text } => Request::Steer { request, text },
        Command::HandOver { attempt, to } => {
            Request::HandOver { request: reply::request_of(&attempt)?, attempt, to }
        }
        Command::Pick { attempt } => Request::Pick { request: reply::request_of(&attempt)?, attempt },
        Command::Retry { request } => Request::Retry { request },
        Command::Journal { verify: Some(JournalCommand::Verify), .. } => Request::VerifyJournal,
        Command::Deployments(Listing { project, filter, limit }) => {
            Request::Deployments { project, filter, limit }
        }
        Command::Rate { deployment, rating } => Request::Rate { deployment, rating },
        Command::Releases(Listing { project, .. }) => Request::Releases { project },
        Command::Rollback { project, release } => Request::Rollback { project, release },
        Command::Steps(Listing { project, .. }) => Request::Steps { project },
        Command::Bridges => Request::Bridges,
        Command::Projects => Request::Projects,
        Command::Project { command } => match command {
            ProjectCommand::Create { name, starter } => Request::CreateProject { name, starter },
            ProjectCommand::Use { project } => Request::ActivateProject { project },
        },
        Command::Domain { command } => match command {
            None => Request::Domains,
            Some(DomainCommand::Set { name, project, agree, contact }) => {
                Request::SetDomain { project, domain: Some(name), agreed: agree, contact }
            }
            Some(DomainCommand::Remove { project }) => {
                Request::SetDomain { project, domain: None, agreed: false, contact: None }
            }
        },
        Command::Doctor => Request::Doctor,
        Command::Serve(_)
        | Command::Edge(_)
        | Command::ServeStatic { .. }
        | Command::Model { .. }
        | Command::PracticeAgent
        | Command::Setup(_)
        | Command::SshEntry
        | Command::Link
        | Command::Mirror { .. }
        | Command::Memory { .. }
        | Command::Stop { .. }
        | Command::Ask(_)
        | Command::Agents(_)
        | Command::SignIn(_)
        | Command::SignOut { .. }
        | Command::Canary(_)
        | Command::Answer(_)
        | Command::Journal { verify: None, .. } => anyhow::bail!("this command is not a request"),
    })
}
