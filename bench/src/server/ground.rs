//! The throw-away server, and the way to it: from a place on its own internet, so that no relay of the harness lies between
//! but the one that makes the distance.

use crate::process;
use anyhow::{Context, Result, bail};
use protocol::At;
use protocol::desk::Target;
use remote::{
    AgentAt, Hidden, KnownHosts, Limits, Local, OurKey, Pins, Question, Session, SignIn, Way, connect,
};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use testkit::server::distance::away;
use testkit::server::{Net, Ran, Server, Spec};
use tokio::sync::mpsc;

/// Half of a round trip.
const ONE_WAY: Duration = Duration::from_millis(25);
const PASSWORD: &str = "rootpw";

pub struct Ground {
    net: Net,
    pub server: Server,
    name: String,
    /// Where this computer keeps the keys of hosts.
    kept: TempDir,
}

/// From where the server is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// 50 ms there and back.
    Far,
    Near,
}

impl Ground {
    pub fn new() -> Result<Ground> {
        let net = Net::up()?;
        let name = format!("bench{}", std::process::id());
        let server = net.start(Spec { name: name.clone(), cpus: 2, ..Spec::default() })?;
        Ok(Ground { net, server, name, kept: tempfile::tempdir()? })
    }

    /// Does it from the server's internet, on as many threads as the desktop has there.
    pub fn inside<T: Send>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.net.inside(|| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2).enable_all().build()?.block_on(work)
        })?
    }

    /// Call it inside.
    pub fn target(&self, from: From, user: &str) -> Result<Target> {
        let there = SocketAddr::from((self.server.ip(), 22));
        let at = if from == From::Far { away(there, ONE_WAY)? } else { there };
        Ok(Target { host: at.ip().to_string(), port: at.port(), user: user.to_owned(), jump: None })
    }

    /// As the desktop's own user.
    pub async fn ours(&self, from: From, key: &OurKey) -> Result<Session> {
        let target = self.target(from, "loopwright-desk")?;
        enter(&self.local("ours")?, &target, SignIn::Key(key.clone())).await
    }

    /// A computer of this name; a new one knows no host yet.
    pub fn local(&self, name: &str) -> Result<Local> {
        Ok(Local {
            pins: Pins::open(self.kept.path().join(name))?,
            known_hosts: KnownHosts::default(),
            agent: AgentAt::None,
            clock: now,
            limits: Limits::default(),
        })
    }

    pub fn exec(&self, command: &str) -> Result<Ran> {
        Ok(self.server.exec_with(command, None, 300)?)
    }

    /// The process on this machine that is the server's, by what its command line begins with. The server's own folders
    /// lie below its `root`.
    pub fn process(&self, words: &[&str]) -> Result<u32> {
        let is_ours = |pid: u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut said =
                line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
            words.iter().all(|word| said.next().is_some_and(|said| said.ends_with(word)))
                && std::fs::read_to_string(format!("/proc/{pid}/root/etc/hostname"))
                    .is_ok_and(|host| host.trim() == self.name)
        };
        let found = process::all()?.into_iter().find(|pid| is_ours(*pid));
        found.with_context(|| format!("no process `{}` runs on the server", words.join(" ")))
    }
}

pub fn root() -> SignIn {
    SignIn::Password(Hidden::from(PASSWORD.to_owned()))
}

/// Connects and signs in; a fingerprint is confirmed at once.
pub async fn enter(local: &Local, target: &Target, with: SignIn) -> Result<Session> {
    let (ask, mut asked) = mpsc::channel(1);
    let answering = tokio::spawn(async move {
        while let Some(question) = asked.recv().await {
            match question {
                // Whoever asked may be gone.
                Question::Fingerprint { reply, .. } => drop(reply.send(true)),
                other => bail!("the server asked something: {other:?}"),
            }
        }
        Ok(())
    });
    let way = Way { target, with, jumps: Vec::new(), ask: Some(ask) };
    let session = connect(local, way).await;
    answering.await??;
    Ok(session?)
}

pub fn now() -> At {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A path of the server, as it is reached from this machine through a process of it.
pub fn path_on(pid: u32, path: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root{path}"))
}
