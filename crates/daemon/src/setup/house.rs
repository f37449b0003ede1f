//! What a set-up needs of the daemon: Node and the agents' programs by the daemon's own installer, and the daemon that
//! runs, over its control socket.

use crate::agents_cli::explain;
use crate::client::Client;
use crate::home::Home;
use crate::settings::Settings;
use crate::{tools, users};
use agents::install::{self, Room, Tell, Unchecked};
use anyhow::{Context, Result};
use deploy::certificates::Domain;
use deploy::edge::EdgeClient;
use protocol::api::DomainRow;
use protocol::setup::{Certificate, Obstacle, ObstacleKind};
use protocol::{AgentId, ApiError, Code, Request, Response};
use provision::{House, Root, paths};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Daemon {
    /// One thread is enough: a set-up does one thing after the other.
    runtime: Runtime,
    home: Home,
}

impl Daemon {
    pub fn new() -> Result<Daemon> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Daemon { runtime, home: Home::at(Path::new(paths::WORKSPACE))? })
    }

    fn room(&self, tell: Tell) -> Result<Room> {
        let users = users::of_root(Path::new("/etc/passwd")).ok();
        let folder = tools::agents_folder(&self.home, Some(Path::new(paths::TOOLS)));
        let settings = Settings::read(&self.home.settings())?;
        let setup = tools::setup(&self.home, &folder, None, &settings, users)?;
        let mut room = tools::room(folder, setup, tell);
        // sudo and services start without the machine's proxy settings.
        for (name, value) in provision::proxies(&Root::new("/")) {
            room.machine.env.entry(name).or_insert(value);
        }
        Ok(room)
    }

    /// One that was killed a moment ago is on its way back, and is waited for.
    fn ask(&self, request: &Request) -> Result<Response> {
        match self.ask_once(request) {
            Err(error) if error.downcast_ref::<ApiError>().is_none() && comes_back() => {
                self.ask_once(request)
            }
            said => said,
        }
    }

    fn domains(&self) -> Option<Vec<DomainRow>> {
        match self.ask(&Request::Domains) {
            Ok(Response::Domains { rows }) => Some(rows),
            Ok(_) | Err(_) => None,
        }
    }

    fn ask_once(&self, request: &Request) -> Result<Response> {
        let client = Client::new(paths::CONTROL.into());
        let asked = async { tokio::time::timeout(PATIENCE, client.call(request)).await };
        self.runtime.block_on(asked).context("the daemon did not answer in time")?
    }
}

/// Whether systemd was about to start the daemon again and has done so now. One that was stopped stays so.
fn comes_back() -> bool {
    let systemctl = |verb: &str| {
        let said = Command::new("systemctl").args([verb, "loopwright.service"]).stdin(Stdio::null()).output();
        said.map(|said| (said.status.success(), String::from_utf8_lossy(&said.stdout).trim().to_owned()))
    };
    match systemctl("is-active") {
        Ok((true, _)) => true,
        // A start returns when the daemon says that it serves.
        Ok((_, state)) if state == "activating" => systemctl("start").is_ok_and(|(started, _)| started),
        Ok(_) | Err(_) => false,
    }
}

fn agent(name: &str) -> Option<(AgentId, install::Pin)> {
    let id = AgentId::new(name).ok()?;
    let pin = install::pin(&id)?;
    Some((id, pin))
}

fn obstacle(error: &ApiError) -> Obstacle {
    let kind = match error.code {
        Code::DiskFull => ObstacleKind::Disk,
        _ => ObstacleKind::Other,
    };
    let action = error.next.clone().unwrap_or_else(|| "look at the cause, then go on".to_owned());
    Obstacle { kind, cause: error.message.clone(), action, choices: Vec::new() }
}

fn failed(error: &anyhow::Error) -> Obstacle {
    match error.downcast_ref::<ApiError>() {
        Some(error) => obstacle(error),
        None => Obstacle {
            kind: ObstacleKind::Other,
            cause: format!("{error:#}"),
            action: "look at the cause, then go on".to_owned(),
            choices: Vec::new(),
        },
    }
}

impl House for Daemon {
    fn wanted(&self, program: &str) -> Option<String> {
        if program == "node" {
            // One that is new enough is as good.
            return self.installed(program).or_else(|| install::node_wanted().map(str::to_owned));
        }
        agent(program).map(|(_, pin)| pin.version.to_string())
    }

    fn installed(&self, program: &str) -> Option<String> {
        let room = self.room(Arc::new(|_| ())).ok()?;
        if program == "node" {
            return install::node_installed(&room);
        }
        let (id, _) = agent(program)?;
        install::installed(&room.folder, &id).map(|found| found.version)
    }

    fn install(&self, program: &str, tell: &mut dyn FnMut(String)) -> Result<(), Obstacle> {
        let (said, lines) = mpsc::channel();
        let said = Mutex::new(said);
        let room = self.room(Arc::new(move |line| {
            if let Ok(said) = said.lock() {
                let _ = said.send(line);
            }
        }));
        let room = room.map_err(|e| failed(&e))?;
        // On a thread of its own, so that what it says is told as it comes; its end closes the lines.
        std::thread::scope(|scope| {
            let work = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|e| failed(&e.into()))?;
                runtime.block_on(async {
                    if program == "node" {
                        return install::install_node(&room).await.map_err(|e| obstacle(&explain(e)));
                    }
                    let unknown = || failed(&anyhow::anyhow!("there is nothing to install for {program}"));
                    let (_, pin) = agent(program).ok_or_else(unknown)?;
                    install::install(&room, &pin, &Unchecked)
                        .await
                        .map_err(|e| obstacle(&explain(e)))
                        .map(drop)
                })
            });
            for line in lines {
                tell(line);
            }
            work.join().unwrap_or_else(|_| Err(failed(&anyhow::anyhow!("the installation broke off"))))
        })?;
        // A daemon that runs sees it at once; one that does not, when it starts.
        let _ = self.ask(&Request::Agents { fresh: true });
        Ok(())
    }

    fn daemon(&self) -> Option<String> {
        match self.ask(&Request::Hello) {
            Ok(Response::Hello(hello)) => Some(hello.daemon),
            Ok(_) | Err(_) => None,
        }
    }

    fn projects(&self) -> Option<Vec<String>> {
        match self.ask(&Request::Projects) {
            Ok(Response::Projects { rows }) => Some(rows.into_iter().map(|row| row.name).collect()),
            Ok(_) | Err(_) => None,
        }
    }

    fn create_project(&self, name: &str, starter: Option<&str>) -> Result<(), Obstacle> {
        let starter = starter.unwrap_or(if self.installed("node").is_some() { "react" } else { "static" });
        let create = Request::CreateProject { name: name.to_owned(), starter: starter.to_owned() };
        match self.ask_once(&create) {
            Ok(_) => Ok(()),
            // It may have been killed over this very request, before or after it was done.
            Err(e) if e.downcast_ref::<ApiError>().is_none() && comes_back() => {
                if self.projects().is_some_and(|names| names.iter().any(|is| is == name)) {
                    return Ok(());
                }
                self.ask_once(&create).map(drop).map_err(|e| failed(&e))
            }
            Err(e) => Err(failed(&e)),
        }
    }

    fn domain(&self) -> Option<(String, bool)> {
        let first = self.domains()?.into_iter().find(|row| row.project.is_none())?;
        Some((first.certificate.name, first.agreed))
    }

    fn bad_domain(&self, name: &str) -> Option<String> {
        Domain::parse(name).err().map(|bad| format!("{} cannot be a site's domain: {}", bad.name, bad.why))
    }

    fn set_domain(&self, name: &str, agreed: bool, contact: Option<&str>) -> Result<(), Obstacle> {
        let (domain, contact) = (Some(name.to_owned()), contact.map(str::to_owned));
        let set = Request::SetDomain { project: None, domain, agreed, contact };
        self.ask(&set).map(drop).map_err(|e| failed(&e))
    }

    fn certificates(&self) -> Vec<Certificate> {
        self.domains().unwrap_or_default().into_iter().map(|row| row.certificate).collect()
    }

    fn edge(&self) -> bool {
        let edge = EdgeClient::new(self.home.edge_control());
        self.runtime.block_on(edge.wait(PATIENCE)).is_ok()
    }

    fn end_sites(&self) {
        let edge = EdgeClient::new(self.home.edge_control());
        let ended = async { tokio::time::timeout(PATIENCE, edge.quit()).await };
        if let Ok(Err(e)) = self.runtime.block_on(ended) {
            tracing::warn!(error = %e, "the edge was not there to end its sites");
        }
    }
}
