//! The daemon's side of the edge: commands to it, and its start where none answers.

use super::control::{Command, LINE, Reply};
use super::{EdgeError, EdgeState, ReleaseSpec};
use crate::certificates::{Consent, Domain};
use crate::process;
use protocol::id::{ProjectId, ReleaseId};
use serde::de::DeserializeOwned;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Commands to the edge that listens on `socket`. Each opens a connection of its own, so it can be cloned and used at will.
#[derive(Debug, Clone)]
pub struct EdgeClient {
    socket: PathBuf,
}

impl EdgeClient {
    pub fn new(socket: impl Into<PathBuf>) -> EdgeClient {
        EdgeClient { socket: socket.into() }
    }

    /// The project's port, for ever the same one; opened where it is not. `wish` counts only the first time.
    pub async fn ensure_project(&self, project: &ProjectId, wish: Option<u16>) -> Result<u16, EdgeError> {
        self.ask(&Command::EnsureProject { project: project.clone(), port: wish }).await
    }

    /// Starts a release beside the live one. One that runs already is left as it is.
    pub async fn start(&self, spec: ReleaseSpec) -> Result<(), EdgeError> {
        self.ask(&Command::Start { spec: Box::new(spec) }).await
    }

    /// Waits until the release answers GET `path` with a status below 400; at most `limit`.
    pub async fn health(&self, release: &ReleaseId, path: &str, limit: Duration) -> Result<(), EdgeError> {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.ask(&Command::Health { release: release.clone(), path: path.to_owned(), limit_ms }).await
    }

    /// Makes a release that was seen healthy the live one; the other drains and ends by itself.
    pub async fn switch(&self, project: &ProjectId, release: &ReleaseId) -> Result<(), EdgeError> {
        self.ask(&Command::Switch { project: project.clone(), release: release.clone() }).await
    }

    /// Ends a release and returns when it is gone. One that does not run is no error.
    pub async fn stop(&self, release: &ReleaseId) -> Result<(), EdgeError> {
        self.ask(&Command::Stop { release: release.clone() }).await
    }

    /// The name under which the world sees a project; none for the project: the one behind the world's ports. No domain takes
    /// the name away. The same name again: its certificate is looked at now.
    pub async fn set_domain(
        &self,
        project: Option<&ProjectId>,
        domain: Option<&Domain>,
        consent: Consent,
    ) -> Result<(), EdgeError> {
        let (project, domain) = (project.cloned(), domain.cloned());
        self.ask(&Command::SetDomain { project, domain, consent }).await
    }

    /// Returns when the edge answers, which somebody else starts; an error when it does not within `limit`.
    pub async fn wait(&self, limit: Duration) -> Result<(), EdgeError> {
        let late =
            || EdgeError::NotStarted { says: format!("it did not answer within {} s", limit.as_secs()) };
        tokio::time::timeout(limit, answers(self)).await.map_err(|_| late())
    }

    pub async fn state(&self) -> Result<EdgeState, EdgeError> {
        self.ask(&Command::State).await
    }

    /// Ends the edge and all its releases, and returns when they are gone. The next edge on the same state brings them back.
    pub async fn quit(&self) -> Result<(), EdgeError> {
        match self.ask(&Command::Quit).await {
            // It may be gone before it has said so.
            Err(EdgeError::Unreachable { source, .. }) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Ok(())
            }
            said => said,
        }
    }

    /// Returns when the edge that answers now has ended, or at once when none answers. Its end closes the connection that
    /// is held open for that.
    pub async fn gone(&self) {
        if let Ok(mut stream) = UnixStream::connect(&self.socket).await {
            let _ = stream.read(&mut [0]).await;
        }
    }

    async fn ask<T: DeserializeOwned>(&self, command: &Command) -> Result<T, EdgeError> {
        let mut line = serde_json::to_vec(command).map_err(EdgeError::Answer)?;
        line.push(b'\n');
        let answer = self
            .exchange(&line)
            .await
            .map_err(|source| EdgeError::Unreachable { socket: self.socket.clone(), source })?;
        match serde_json::from_slice(&answer).map_err(EdgeError::Answer)? {
            Reply::Done(value) => serde_json::from_value(value).map_err(EdgeError::Answer),
            Reply::Refused { why, says } => Err(EdgeError::Refused { why, says }),
        }
    }

    async fn exchange(&self, line: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(line).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(LINE)).read_until(b'\n', &mut answer).await?;
        if answer.last() == Some(&b'\n') { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// How an edge is started where none answers.
#[derive(Debug, Clone)]
pub struct EdgeLaunch {
    /// Program and arguments, such as `loopwrightd edge --home …`.
    pub argv: Vec<String>,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// Where the edge will listen.
    pub control: PathBuf,
    /// What it prints is appended here.
    pub log: PathBuf,
    /// How long it may take to answer.
    pub limit: Duration,
}

/// The edge that answers on `control`, started if there is none. It is in a session of its own: neither the daemon's
/// death nor Ctrl-C in the daemon's terminal reaches it.
pub async fn spawn_edge(launch: &EdgeLaunch) -> Result<EdgeClient, EdgeError> {
    let client = EdgeClient::new(&launch.control);
    if client.state().await.is_ok() {
        return Ok(client);
    }
    let mut child = detached(launch).map_err(EdgeError::io("start the edge's program"))?;
    let last_words = |how: String| {
        let words = process::tail(&launch.log, 5);
        EdgeError::NotStarted { says: if words.is_empty() { how } else { format!("{how}: {words}") } }
    };
    tokio::select! {
        () = answers(&client) => {}
        () = tokio::time::sleep(launch.limit) => {
            let _ = child.start_kill();
            return Err(last_words(format!("it did not answer within {} s", launch.limit.as_secs())));
        }
        status = child.wait() => {
            // Another one may have been quicker than ours.
            if client.state().await.is_err() {
                return Err(last_words(status.map_or_else(|cause| cause.to_string(), |s| s.to_string())));
            }
        }
    }
    // Reaped while this process lives; adopted by init afterwards.
    tokio::spawn(async move { child.wait().await });
    Ok(client)
}

async fn answers(client: &EdgeClient) {
    let mut pause = Duration::from_millis(2);
    while client.state().await.is_err() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn detached(launch: &EdgeLaunch) -> io::Result<tokio::process::Child> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&launch.log)?;
    let command = |program: &str, args: &[String]| -> io::Result<tokio::process::Command> {
        let mut command = tokio::process::Command::new(program);
        command.args(args).env_clear().envs(launch.env.iter().cloned()).current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log.try_clone()?);
        Ok(command)
    };
    let (program, args) =
        launch.argv.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program"))?;
    // setsid(1) becomes the program itself; where there is none, a group of its own is the next best wall.
    match command("/usr/bin/setsid", &launch.argv)?.spawn() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            command(program, args)?.process_group(0).spawn()
        }
        started => started,
    }
}
