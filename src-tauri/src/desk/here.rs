//! The workspace on this computer: its daemon is started when none answers, and followed over its unix socket.

use super::{Spot, follow};
use crate::config::control_socket;
use protocol::Request;
use protocol::desk::{Link, Route};
use remote::Control;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A first start makes a project; far above what it needs.
const START: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct Here {
    pub daemon: Option<PathBuf>,
    pub home: PathBuf,
    pub tools: Option<PathBuf>,
    pub node: Option<PathBuf>,
    pub serve: Vec<String>,
    pub log: PathBuf,
    /// The daemon that runs is one that this program started.
    pub started: Arc<AtomicBool>,
}

/// Keeps the local workspace connected for as long as the program runs. A daemon is started at the beginning and when the
/// user wants it; one that ends later was ended by somebody, and is only waited for.
pub async fn keep(spot: Arc<Spot>, here: Here) {
    let mut wanted = spot.wanted();
    let (mut start, mut attempt, mut lost_since) = (true, 0, None);
    // Why the last start failed: that it is not there is only what follows from it.
    let mut not_started = None;
    loop {
        if !wanted.borrow_and_update().on {
            spot.link(Link::Off, None);
            if wanted.changed().await.is_err() {
                return;
            }
            (start, attempt) = (true, 0);
            continue;
        }
        spot.link(Link::Connecting { attempt }, None);
        let ended = tokio::select! {
            ended = hold(&spot, &here, start, || attempt = 0) => ended,
            changed = wanted.changed() => {
                if changed.is_err() { return }
                start = true;
                continue;
            }
        };
        if attempt == 0 {
            (lost_since, not_started) = (None, None);
        }
        if start {
            not_started = Some(ended.clone());
        }
        let ended = not_started.clone().unwrap_or(ended);
        let now = (spot.clock)();
        let pause = LONGEST_PAUSE.min(FIRST_PAUSE * 2u32.saturating_pow(attempt.min(16)));
        attempt += 1;
        let retry_at =
            protocol::At(now.0.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)));
        spot.link(Link::Lost { since: *lost_since.get_or_insert(now), why: ended, retry_at }, None);
        start = tokio::select! {
            () = tokio::time::sleep(pause) => false,
            changed = wanted.changed() => match changed { Ok(()) => true, Err(_) => return },
        };
    }
}

/// Reaches the daemon and follows it to its end; answers with why it ended.
async fn hold(spot: &Arc<Spot>, here: &Here, start: bool, reached: impl FnOnce()) -> String {
    let control = match here.reach(start).await {
        Ok(control) => control,
        Err(why) => return why,
    };
    let up = || {
        reached();
        spot.link(Link::Up { since: (spot.clock)(), route: Route::Local, why: None }, Some(control.clone()));
    };
    match follow::follow(spot, control.clone(), up).await {
        Ok(()) => "the daemon on this computer has ended".into(),
        Err(error) => error.cause(),
    }
}

/// This computer's name.
pub fn host() -> String {
    let said = std::process::Command::new("hostname").stdin(Stdio::null()).output();
    let name = said.ok().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "desktop".into())
}

impl Here {
    async fn reach(&self, start: bool) -> Result<Control, String> {
        let socket = control_socket(&self.home).ok_or_else(|| {
            format!(
                "the folder {} has too long a name for a socket: choose a shorter one",
                self.home.display()
            )
        })?;
        let control = Control::local(&socket);
        let Err(why) = control.request(&Request::Hello).await else { return Ok(control) };
        if !start {
            return Err(why.cause());
        }
        let mut child = self.spawn()?;
        self.started.store(true, Ordering::Release);
        let answering = async {
            let mut pause = FIRST_PAUSE;
            while control.request(&Request::Hello).await.is_err() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        };
        let log = self.log.display();
        tokio::select! {
            () = answering => {}
            ended = child.wait() => {
                self.started.store(false, Ordering::Release);
                let how = ended.map_or_else(|e| e.to_string(), |status| status.to_string());
                return Err(format!("the daemon ended as soon as it was started ({how}); see {log}"));
            }
            () = tokio::time::sleep(START) => return Err(format!("the daemon does not answer; see {log}")),
        }
        // Waited for, so that it is not left as a zombie.
        let started = self.started.clone();
        tokio::spawn(async move {
            let _ = child.wait().await;
            started.store(false, Ordering::Release);
        });
        Ok(control)
    }

    /// A process group of its own: what ends this program does not end the work.
    fn spawn(&self) -> Result<Child, String> {
        let program = self.daemon.as_ref().ok_or("no daemon comes with this program")?;
        let failed = |e: std::io::Error| format!("{} could not be started: {e}", program.display());
        if let Some(folder) = self.home.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let log = std::fs::File::create(&self.log).map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["serve", "--local", "--home"]).arg(&self.home).args(&self.serve);
        for (name, folder) in [("--tools", &self.tools), ("--node", &self.node)] {
            if let Some(folder) = folder {
                command.arg(name).arg(folder);
            }
        }
        #[cfg(unix)]
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
        command.spawn().map_err(failed)
    }

    /// Ends the daemon and its sites in order, if this program started it.
    pub fn stop(&self) {
        if let (true, Some(program)) = (self.started.load(Ordering::Acquire), &self.daemon) {
            let mut stop = std::process::Command::new(program);
            stop.args(["stop", "--sites", "--home"]).arg(&self.home);
            if let Err(error) = stop.stdin(Stdio::null()).stdout(Stdio::null()).status() {
                tracing::warn!(%error, "the daemon could not be stopped");
            }
        }
    }
}
