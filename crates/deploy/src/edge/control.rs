//! The edge's commands: one JSON object a line on a unix socket, one line back for each. Only our own user and root may ask.

use super::sites::Sites;
use super::{EdgeError, Refusal, ReleaseSpec};
use crate::certificates::{Consent, Domain};
use protocol::id::{ProjectId, ReleaseId};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Of one line, either way.
pub(super) const LINE: u64 = 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Command {
    EnsureProject { project: ProjectId, port: Option<u16> },
    Start { spec: Box<ReleaseSpec> },
    Health { release: ReleaseId, path: String, limit_ms: u64 },
    Switch { project: ProjectId, release: ReleaseId },
    Stop { release: ReleaseId },
    SetDomain { project: Option<ProjectId>, domain: Option<Domain>, consent: Consent },
    State,
    Quit,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Done(serde_json::Value),
    Refused { why: Refusal, says: String },
}

/// The socket at `path`. One left by a dead edge is replaced; the caller holds the lock, so it is dead.
pub(super) fn bind(path: &Path) -> Result<UnixListener, EdgeError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(EdgeError::io(format!("remove {}", path.display()))(cause));
        }
        Ok(()) | Err(_) => {}
    }
    let bound = UnixListener::bind(path).and_then(|listener| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    bound.map_err(EdgeError::io(format!("listen on {}", path.display())))
}

pub(super) async fn serve(listener: UnixListener, sites: Sites) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if trusted(&stream) => {
                let sites = sites.clone();
                tokio::spawn(async move {
                    if let Err(cause) = converse(stream, sites).await {
                        tracing::debug!(%cause, "a control connection ended early");
                    }
                });
            }
            Ok(_) => tracing::warn!("another user tried to command the edge"),
            Err(cause) => {
                tracing::warn!(%cause, "a control connection was not accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn trusted(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

async fn converse(stream: UnixStream, sites: Sites) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        if (&mut read).take(LINE).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_slice(&line) {
            Ok(command) => obey(command, &sites).await,
            Err(cause) => Reply::Refused { why: Refusal::Invalid, says: cause.to_string() },
        };
        let mut bytes = serde_json::to_vec(&reply)?;
        bytes.push(b'\n');
        write.write_all(&bytes).await?;
    }
}

async fn obey(command: Command, sites: &Sites) -> Reply {
    match carry_out(command, sites).await {
        Ok(value) => Reply::Done(value),
        Err(EdgeError::Refused { why, says }) => Reply::Refused { why, says },
        Err(cause) => {
            let says = match std::error::Error::source(&cause) {
                Some(source) => format!("failed to {cause}: {source}"),
                None => format!("failed to {cause}"),
            };
            Reply::Refused { why: Refusal::Machine, says }
        }
    }
}

async fn carry_out(command: Command, sites: &Sites) -> Result<serde_json::Value, EdgeError> {
    match command {
        Command::EnsureProject { project, port } => Ok(sites.ensure_project(&project, port).await?.into()),
        Command::Start { spec } => sites.start(*spec).await.map(Into::into),
        Command::Health { release, path, limit_ms } => {
            sites.health(&release, &path, Duration::from_millis(limit_ms)).await.map(Into::into)
        }
        Command::Switch { project, release } => sites.switch(&project, &release).await.map(Into::into),
        Command::Stop { release } => sites.stop(&release).await.map(Into::into),
        Command::SetDomain { project, domain, consent } => {
            sites.set_domain(project, domain, consent).await.map(Into::into)
        }
        Command::State => serde_json::to_value(sites.state().await).map_err(EdgeError::Answer),
        Command::Quit => {
            sites.quit();
            sites.over().await;
            Ok(serde_json::Value::Null)
        }
    }
}
