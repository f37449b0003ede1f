//! A desktop that stands in the net as somebody on the internet, and meets servers with the crate `remote` alone, as the
//! desktop app does: connect, the first look, `begin`, then the verbs.

pub mod doors;
pub mod odd;
pub mod rows;

use crate::setup::desk::{self, now, sent, somebody};
use crate::setup::ok;
use protocol::desk::Target;
use protocol::setup::{Found, Obstacle, SetupEntry, SetupEvent, Wish, Work};
use remote::{
    AgentAt, Begin, Begun, ConnectError, Contact, Entry, EntryError, ExecError, FirstError, Limits, Local,
    Program, Session, SignIn, UploadError, Way,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::server::{Net, Server};
use tokio_util::sync::CancellationToken;

pub const STATIC: &str = "static";

/// What the user reads when it does not go on: the cause, and the one next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub cause: String,
    pub next: String,
}

macro_rules! told {
    ($($error:ty),*) => {$(
        impl From<$error> for Told {
            fn from(error: $error) -> Self {
                Told { cause: error.to_string(), next: error.next() }
            }
        }
    )*};
}
told!(ConnectError, ExecError, FirstError, EntryError, UploadError);

pub type Met<T> = Result<T, Told>;

pub struct Desk {
    folder: tempfile::TempDir,
    program: [Program; 1],
    /// As the server lists this computer.
    pub name: &'static str,
    pub agent: AgentAt,
    pub limits: Limits,
}

pub fn password(text: &str) -> SignIn {
    SignIn::Password(text.to_owned().into())
}

/// Without what only a debugger reads, so that it is sent in a second.
fn stripped() -> PathBuf {
    let whole = testkit::workspace::built("loopwrightd").unwrap();
    let small = whole.with_file_name("loopwrightd-stripped");
    let time = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    if time(&small) < time(&whole) {
        let fresh = small.with_extension(std::process::id().to_string());
        let done = Command::new("strip").arg("-o").arg(&fresh).arg(&whole).status().unwrap();
        assert!(done.success(), "no strip here: apt-get install binutils");
        std::fs::rename(&fresh, &small).unwrap();
    }
    small
}

impl Desk {
    pub fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, program: [sent(stripped())], name, agent: AgentAt::None, limits: Limits::default() }
    }

    pub fn program(&self) -> &Program {
        &self.program[0]
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn local(&self) -> Local {
        Local { agent: self.agent.clone(), limits: self.limits, ..desk::local(self.folder.path()) }
    }

    pub async fn connect(&self, who: &Who) -> Met<Session> {
        let ask = Some(somebody(who.answers));
        let way = Way { target: &who.target, with: who.with.clone(), jumps: vec![], ask };
        Ok(remote::connect(&self.local(), way).await?)
    }

    pub async fn look(&self, who: &Who) -> Met<Contact> {
        Ok(Contact::look(self.connect(who).await?, &who.with, now).await?)
    }

    pub async fn begin(&self, who: &Who) -> Met<Begun> {
        let mut contact = self.look(who).await?;
        self.begin_with(&mut contact, who).await
    }

    pub async fn begin_with(&self, contact: &mut Contact, who: &Who) -> Met<Begun> {
        let ask = Some(somebody(who.answers));
        let (local, programs) = (self.local(), &self.program);
        let how = Begin { local: &local, programs, name: self.name, jumps: vec![], ask };
        Ok(contact.begin(&how, &mut |_| {}, &CancellationToken::new()).await?)
    }

    pub async fn found(&self, who: &Who) -> Found {
        self.look(who).await.unwrap().found().clone()
    }
}

/// Who signs in, where, and what is answered to what the server or sudo asks: one text after the other, the last again.
#[derive(Debug, Clone)]
pub struct Who {
    pub target: Target,
    pub with: SignIn,
    pub answers: &'static [&'static str],
}

pub fn who(server: &Server, user: &str, with: SignIn) -> Who {
    let target = Target { host: server.ip().to_string(), port: 22, user: user.to_owned(), jump: None };
    Who { target, with, answers: &[] }
}

pub fn root(server: &Server) -> Who {
    who(server, "root", password("rootpw"))
}

pub fn debian(net: &Net, server: &Server) -> Who {
    who(server, "debian", SignIn::KeyFile { path: net.key().unwrap(), passphrase: None })
}

/// Runs the whole of a test where the servers' own addresses lead to them.
pub fn inside<T: Send>(net: &Net, body: impl Future<Output = T> + Send) -> T {
    // Threads of its own, which stand in the net too: what a test does meanwhile holds no connection up.
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    net.inside(move || runtime().block_on(body)).unwrap()
}

pub fn wish() -> Wish {
    Wish { project: Some("Bakery".into()), starter: Some(STATIC.into()), ..Wish::default() }
}

/// Until the run is over: what was waited for, and how it ended.
pub async fn followed(entry: &Entry, after: u64, mut on: impl FnMut(&SetupEntry)) -> Met<u32> {
    let mut follow = entry.follow(after).await?;
    let mut stopped = None;
    while let Some(next) = follow.next().await {
        let next = next?;
        on(&next);
        match next.event {
            SetupEvent::Blocked { obstacle, .. } | SetupEvent::Failed { obstacle, .. } => {
                stopped = Some(obstacle)
            }
            SetupEvent::Finished { ok: true, changes, .. } => return Ok(changes),
            SetupEvent::Finished { .. } => return Err(of(&stopped.unwrap())),
            _ => {}
        }
    }
    panic!("it has no end");
}

pub async fn applied(entry: &Entry, wish: &Wish, on: impl FnMut(&SetupEntry)) -> Met<u32> {
    let after = entry.apply(Some(wish), None).await?;
    followed(entry, after, on).await
}

pub fn of(obstacle: &Obstacle) -> Told {
    Told { cause: obstacle.cause.clone(), next: obstacle.action.clone() }
}

/// A run that has written its last line is still there for a moment.
pub fn settled(server: &Server) {
    ok(server, "flock /var/lib/loopwright/setup/lock true");
}

/// Until the new program has looked over what the upgrade left.
pub async fn repaired(entry: &Entry, after: u64) {
    loop {
        let mut follow = entry.follow(after).await.map_err(Told::from).unwrap();
        while let Some(next) = follow.next().await {
            let event = next.map_err(Told::from).unwrap().event;
            if let SetupEvent::Finished { work: Work::Repair, ok, .. } = event {
                assert!(ok, "the repair stopped");
                return;
            }
        }
    }
}

/// A removal over the desktop's own connection, which ends with it; then no unit and no user is left.
pub async fn removed(server: &Server, begun: Begun) {
    let entry = Entry::new(begun.session.clone());
    settled(server);
    entry.remove(&remote::Removal::default()).await.map_err(Told::from).unwrap();
    begun.session.closed().await;
    let rest = "for n in $(seq 200); do getent passwd loopwright-desk || [ -e /opt/loopwright ] || [ -e /var/lib/loopwright ] || exit 0; sleep 0.05; done; exit 1";
    ok(server, rest);
}
