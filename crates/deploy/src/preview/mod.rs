//! The live preview: the dev server of an attempt's worktree, and a proxy of ours in front of it at an address that stays.
//!
//! The dev server runs an agent's code, so it is the agent's user, has nothing of our environment, and all that it started
//! is killed with it. `proxy` lives as long as the daemon; dev servers come and go behind it.

mod proxy;

pub use proxy::{PreviewProxy, Target};

use crate::RunAs;
use crate::process::{self, CappedLog, Ending, LogPump};
use crate::relay::{self, Peer};
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use protocol::id::AttemptId;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How a dev server is started.
#[derive(Debug, Clone)]
pub struct PreviewSpec {
    pub attempt: AttemptId,
    /// Program and arguments; `{port}` in any of them (and PORT) is the loopback port it must listen on.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// Beside PATH, HOME (= `cwd`), HOST=127.0.0.1 and PORT; may replace all but PORT.
    pub env: BTreeMap<String, String>,
    pub run_as: Option<RunAs>,
    /// It is ready when this path answers with a status below 500.
    pub ready_path: String,
    pub ready_limit: Duration,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// What it prints.
    pub log: PathBuf,
    pub log_bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error("start the dev server")]
    Start(#[from] io::Error),
    #[error("get an answer from the dev server: {0}")]
    NotReady(String),
}

/// A dev server that answers. Dropped, it is killed; `stop` also waits for that.
#[derive(Debug)]
pub struct Preview {
    pub address: SocketAddr,
    stop: CancellationToken,
    ended: watch::Receiver<Option<String>>,
}

impl Preview {
    /// Starts it and returns when it answers. Until then `proxy` shows that it is starting, then it.
    pub async fn start(spec: PreviewSpec, proxy: &PreviewProxy) -> Result<Preview, PreviewError> {
        proxy.show(Target::Starting);
        let preview = match Preview::start_alone(spec).await {
            Ok(preview) => preview,
            Err(cause) => {
                proxy.show(Target::Nothing(format!("The preview could not be started: {cause}.")));
                return Err(cause);
            }
        };
        proxy.show(Target::Ready(preview.address));
        Ok(preview)
    }

    async fn start_alone(spec: PreviewSpec) -> Result<Preview, PreviewError> {
        let port = process::free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let (child, ending, pump) = begin(&spec, port)?;
        let stop = CancellationToken::new();
        let (tell, ended) = watch::channel(None);
        let kept = Kept { child, ending, pump, marker: marker(&spec.attempt), grace: spec.grace };
        tokio::spawn(kept.until(stop.clone(), tell));
        // From here on the drop of `preview` ends the dev server.
        let mut preview = Preview { address, stop, ended };
        let not_ready = |how: String| {
            PreviewError::NotReady(match process::tail(&spec.log, 10) {
                words if words.is_empty() => how,
                words => format!("{how}:\n{words}"),
            })
        };
        tokio::select! {
            () = answers(address, &spec.ready_path) => Ok(preview),
            how = preview.wait() => Err(not_ready(how)),
            () = tokio::time::sleep(spec.ready_limit) => {
                Err(not_ready(format!("it did not answer within {} s", spec.ready_limit.as_secs_f32())))
            }
        }
    }

    /// Returns when the dev server has ended, and says how.
    pub async fn wait(&mut self) -> String {
        match self.ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "its keeper was lost".into(),
        }
    }

    /// Ends it with all that it started.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.wait().await;
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Kills what is left of an attempt's dev server, such as after the daemon's own restart.
pub async fn kill_leftovers(attempt: &AttemptId) {
    process::sweep(&marker(attempt)).await;
}

fn marker(attempt: &AttemptId) -> String {
    format!("LOOPWRIGHT_PREVIEW={attempt}")
}

fn begin(spec: &PreviewSpec, port: u16) -> io::Result<(Child, Ending, LogPump)> {
    let port = port.to_string();
    let argv: Vec<String> = spec.argv.iter().map(|word| word.replace("{port}", &port)).collect();
    let mut env: BTreeMap<String, String> = [
        ("PATH", process::PLAIN_PATH.to_owned()),
        ("HOME", spec.cwd.display().to_string()),
        ("HOST", "127.0.0.1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    env.extend(spec.env.clone());
    env.insert("PORT".into(), port);
    env.insert("LOOPWRIGHT_PREVIEW".into(), spec.attempt.to_string());
    let (pump, output) = LogPump::anonymous(CappedLog::open(&spec.log, spec.log_bytes)?)?;
    let argv = process::without_new_privileges(&argv);
    let mut command = process::command(&argv, &spec.cwd, &env, spec.run_as)?;
    command.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
    let child = command.spawn()?;
    let pid = child.id().ok_or_else(|| io::Error::other("it has no process number"))?;
    Ok((child, Ending::of(pid, None)?, pump))
}

struct Kept {
    child: Child,
    ending: Ending,
    pump: LogPump,
    marker: String,
    grace: Duration,
}

impl Kept {
    async fn until(mut self, stop: CancellationToken, tell: watch::Sender<Option<String>>) {
        tokio::select! {
            _ = self.ending.wait() => {}
            () = stop.cancelled() => {
                self.ending.signal_group(Signal::TERM);
                let _ = tokio::time::timeout(self.grace, self.ending.wait()).await;
            }
        }
        // Not reaped yet, so the group's number is still its own.
        self.ending.signal_group(Signal::KILL);
        let how = match self.child.wait().await {
            Ok(status) => format!("it ended with {status}"),
            Err(cause) => cause.to_string(),
        };
        process::sweep(&self.marker).await;
        self.pump.finish().await;
        tell.send_replace(Some(how));
    }
}

/// Returns when the server answered once; asked again ever more seldom, as dev servers announce themselves in no common way.
async fn answers(address: SocketAddr, path: &str) {
    let mut pause = Duration::from_millis(10);
    loop {
        if let Ok(Ok(true)) = tokio::time::timeout(Duration::from_secs(20), ask(address, path)).await {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

async fn ask(address: SocketAddr, path: &str) -> Result<bool, relay::BoxError> {
    let wire = relay::connect(&Peer::Tcp(address)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(wire)).await?;
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", address.to_string())
        .header("accept", "text/html")
        .header("connection", "close")
        .body(Empty::<bytes::Bytes>::new())?;
    Ok(sender.send_request(request).await?.status().as_u16() < 500)
}
