//! Our own memory under load: the whole daemon as it ships, asked through its HTTP face.

use super::face::{Face, free_port};
use super::load::Server;
use crate::home::{Home, StandIn};
use crate::process;
use anyhow::{Context, Result, bail, ensure};
use protocol::view::MemoryView;
use protocol::{Request, Response};
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::Daemon;

/// Words, order and graph alone.
pub const LEVEL_0: &str = "none";

pub struct Ours {
    home: Home,
    port: u16,
}

pub struct Running {
    pub daemon: Daemon,
    pub face: Face,
    /// Until the face answered.
    pub wall_s: f64,
    pub processor_s: f64,
}

impl Ours {
    /// A fresh home whose memory uses this model, found in `models`.
    pub fn new(model: &str, models: Option<&Path>) -> Result<Ours> {
        let port = free_port()?;
        let home = Home::new(StandIn::None)?.told(&["--memory", &port.to_string(), "--model", model]);
        if let Some(models) = models {
            let there = home.workspace.home().join("models");
            std::fs::create_dir_all(&there)?;
            for file in std::fs::read_dir(models)? {
                let file = file?;
                if file.file_type()?.is_file() {
                    std::fs::copy(file.path(), there.join(file.file_name()))?;
                }
            }
        }
        Ok(Ours { home, port })
    }

    pub fn start(&self) -> Result<Running> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let clock = Instant::now();
        let (daemon, _) = self.home.start()?;
        let asking = Face::new(self.port, None);
        while !asking.healthy() {
            if clock.elapsed() > PATIENCE {
                bail!("the memory's HTTP face does not answer: {}", daemon.printed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let (wall_s, processor_s) = (clock.elapsed().as_secs_f64(), process::processor(daemon.pid())?);
        let file = self.home.workspace.home().join("memory.key");
        let key =
            std::fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?;
        Ok(Running { daemon, face: Face::new(self.port, Some(key.trim().to_owned())), wall_s, processor_s })
    }
}

impl Running {
    pub fn server(&self) -> Server<'_> {
        Server { face: &self.face, pid: self.daemon.pid() }
    }

    pub fn resident(&self) -> Result<f64> {
        process::settled(&[self.daemon.pid()])?.first().copied().context("no figure")
    }

    pub fn view(&self) -> Result<MemoryView> {
        match self.daemon.call(&Request::Memory { project: None })? {
            Response::Memory(view) => Ok(*view),
            other => bail!("the daemon answered {other:?}"),
        }
    }

    pub fn stop(self) -> Result<()> {
        let ended = self.daemon.stop()?;
        ensure!(ended.success(), "the daemon did not stop well: {ended}");
        Ok(())
    }
}
