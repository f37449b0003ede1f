//! The agents' accounts: the keys that the user gave, and sign-ins that go on.
//!
//! Keys lie in the home's `secrets`, one file for each agent, which only the daemon's user can open. They go into the
//! environment of that agent's own programs and nowhere else: no answer, no log and no fact ever holds one.

use crate::context::{Daemon, hold, internal};
use crate::home::Home;
use agents::{Account, NotSignedIn, Say, SignIn};
use anyhow::{Context, Result};
use protocol::fact::Readiness;
use protocol::view::{SignInState, SignInView};
use protocol::{AgentId, ApiError, At, Code, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

/// Words of the user that may wait for a sign-in.
const SAID: usize = 4;

/// A key as it is kept. No `Debug`: it is to be written into its file only.
#[derive(Serialize, Deserialize)]
struct Kept {
    way: String,
    fields: BTreeMap<String, String>,
    set: At,
}

/// Reads what is kept. A file that cannot be read is left alone and told of.
pub fn load(home: &Home, accounts: &agents::Accounts) {
    for profile in agents::catalogue() {
        match read(&file(home, &profile.id)) {
            Ok(Some(Kept { way, fields, set })) => match Account::new(&profile.id, &way, fields, set) {
                Ok(account) => accounts.set(&profile.id, Some(account)),
                Err(e) => warn!(agent = %profile.id, error = %e, "a stored key is of no use any more"),
            },
            Ok(None) => {}
            Err(e) => warn!(agent = %profile.id, error = %e, "failed to read a stored key"),
        }
    }
}

fn file(home: &Home, agent: &AgentId) -> PathBuf {
    home.secrets().join(format!("{agent}.json"))
}

fn read(path: &Path) -> Result<Option<Kept>> {
    match std::fs::read(path) {
        // The parser's own words could hold a piece of the file.
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| anyhow::anyhow!("it is damaged")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).context("failed to open it"),
    }
}

/// Durable before it returns: a key that was taken is not lost.
fn write(path: &Path, kept: &Kept) -> std::io::Result<()> {
    let fresh = path.with_extension("json.new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync_folder(path)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(()) => sync_folder(path),
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

async fn blocking(
    what: &str,
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> Result<(), ApiError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| internal(what, e))?;
    done.map_err(|e| internal(what, e))
}

/// Keeps a key, and looks at once whether the agent's program takes it.
pub async fn set_key(
    daemon: &Arc<Daemon>,
    agent: AgentId,
    way: &str,
    fields: BTreeMap<String, String>,
) -> Result<Response, ApiError> {
    known(&agent)?;
    let account = Account::new(&agent, way, fields, crate::names::now())
        .map_err(|e| ApiError::new(Code::BadInput, format!("this was not kept: {e}")).next("correct it"))?;
    let kept = Kept { way: account.way.clone(), fields: account.fields.clone(), set: account.set };
    let path = file(&daemon.home, &agent);
    blocking("keep the key", move || write(&path, &kept)).await?;
    daemon.setup.accounts.set(&agent, Some(account));
    info!(%agent, way, "a key was given");
    look(daemon, &agent).await;
    Ok(Response::Done)
}

async fn forget_key(daemon: &Daemon, agent: &AgentId) -> Result<(), ApiError> {
    let path = file(&daemon.home, agent);
    blocking("forget the key", move || remove(&path)).await?;
    daemon.setup.accounts.set(agent, None);
    Ok(())
}

/// Forgets a stored key, and lets the vendor's program sign out.
pub async fn sign_out(daemon: &Arc<Daemon>, agent: AgentId) -> Result<Response, ApiError> {
    known(&agent)?;
    stop(daemon, &agent);
    forget_key(daemon, &agent).await?;
    let left = agents::sign_out(&daemon.setup, &agent).await;
    look(daemon, &agent).await;
    match left {
        Ok(says) => {
            info!(%agent, says, "signed out");
            Ok(Response::Done)
        }
        Err(reason) => Err(ApiError::new(
            Code::Conflict,
            format!("its stored key is forgotten, but its program did not sign out: {reason}"),
        )
        .next("sign out in the program itself")),
    }
}

async fn look(daemon: &Daemon, agent: &AgentId) {
    daemon.readiness.look_at(agent).await;
    daemon.nudge();
}

fn known(agent: &AgentId) -> Result<(), ApiError> {
    let found = agents::catalogue().iter().any(|profile| profile.id == *agent);
    found.then_some(()).ok_or_else(|| {
        ApiError::new(Code::NotFound, format!("there is no agent called `{agent}`"))
            .next("see `loopwrightd agents`")
    })
}

/// Sign-ins by agent: the one that goes on, else the last one.
#[derive(Default)]
pub struct SignIns(Mutex<BTreeMap<AgentId, Going>>);

struct Going {
    view: watch::Receiver<SignInView>,
    say: mpsc::Sender<Say>,
}

impl SignIns {
    pub fn view(&self, agent: &AgentId) -> Option<SignInView> {
        hold(&self.0).get(agent).map(|going| going.view.borrow().clone())
    }

    fn say(&self, agent: &AgentId, what: Say) -> Result<(), ApiError> {
        let rows = hold(&self.0);
        let nobody =
            || ApiError::new(Code::Conflict, format!("no sign-in of {agent} goes on")).next("begin one");
        let going = rows.get(agent).ok_or_else(nobody)?;
        going.say.try_send(what).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => {
                ApiError::new(Code::Busy, "it has not taken what was said before").next("wait a moment")
            }
            mpsc::error::TrySendError::Closed(_) => nobody(),
        })
    }
}

/// Begins a sign-in; what comes of it is read in the agent's row.
pub fn sign_in(daemon: &Arc<Daemon>, agent: AgentId, way: String) -> Result<Response, ApiError> {
    known(&agent)?;
    if !agents::is_login(&agent, &way) {
        return Err(ApiError::new(
            Code::BadInput,
            "this is no way of signing in that its program does itself",
        )
        .next("choose one of its ways of kind login"));
    }
    let started = crate::names::now();
    let first = SignInView { way: way.clone(), started, state: SignInState::Starting, screen: Vec::new() };
    let (shown, view) = watch::channel(first);
    let (say, orders) = mpsc::channel(SAID);
    {
        let mut rows = hold(&daemon.sign_ins.0);
        if rows.get(&agent).is_some_and(|going| !going.say.is_closed()) {
            return Err(ApiError::new(Code::Conflict, format!("a sign-in of {agent} goes on already"))
                .next("finish it, or stop it first"));
        }
        rows.insert(agent.clone(), Going { view: view.clone(), say });
    }
    info!(%agent, way, "a sign-in begins");
    tokio::spawn(tell(daemon.clone(), view));
    tokio::spawn(carry_out(
        daemon.clone(),
        SignIn { agent, way, started, limit: agents::SIGN_IN_LIMIT },
        orders,
        shown,
    ));
    Ok(Response::Done)
}

pub fn say(daemon: &Daemon, agent: &AgentId, text: &str) -> Result<Response, ApiError> {
    let text =
        agents::sayable(text).map_err(|why| ApiError::new(Code::BadInput, why).next("paste it again"))?;
    daemon.sign_ins.say(agent, Say::Text(text))?;
    Ok(Response::Done)
}

/// One that does not go on is stopped already.
pub fn stop(daemon: &Daemon, agent: &AgentId) -> Response {
    let _ = daemon.sign_ins.say(agent, Say::Stop);
    Response::Done
}

async fn tell(daemon: Arc<Daemon>, mut view: watch::Receiver<SignInView>) {
    while view.changed().await.is_ok() {
        daemon.nudge();
    }
}

async fn carry_out(
    daemon: Arc<Daemon>,
    wanted: SignIn,
    orders: mpsc::Receiver<Say>,
    shown: watch::Sender<SignInView>,
) {
    let agent = wanted.agent.clone();
    let ended = tokio::select! {
        ended = agents::sign_in(&daemon.setup, wanted, orders, &shown) => ended,
        // What it started is ended with it.
        () = daemon.stop.cancelled() => return,
    };
    let state = match ended {
        Ok(said) => {
            shown.send_modify(|view| view.state = SignInState::Working);
            prove(&daemon, &agent, said).await
        }
        Err(NotSignedIn { reason, next }) => SignInState::Failed { reason, next },
    };
    info!(%agent, done = matches!(state, SignInState::Done { .. }), "a sign-in ended");
    shown.send_modify(|view| view.state = state);
    daemon.nudge();
}

/// The program says that it signed in; now it must take the account, too. A key that was given before is forgotten: the
/// program would use it in the account's place.
async fn prove(daemon: &Daemon, agent: &AgentId, said: String) -> SignInState {
    if let Err(e) = forget_key(daemon, agent).await {
        warn!(%agent, error = %e, "failed to forget the key that was used before");
    }
    daemon.readiness.renewed(agent, crate::names::now());
    let next = || "begin again, or choose another way".to_owned();
    let Some(seen) = daemon.readiness.look_at(agent).await else {
        return SignInState::Failed { reason: "nothing could be seen of it".into(), next: next() };
    };
    match daemon.judged_one(seen).await.map(|judged| judged.readiness) {
        Ok(readiness) if readiness.is_ready() => SignInState::Done { says: said },
        Ok(Readiness::QuotaGone { .. } | Readiness::Busy { .. }) => SignInState::Done { says: said },
        Ok(
            Readiness::Stale { reason, .. }
            | Readiness::Refused { reason, .. }
            | Readiness::Broken { reason, .. },
        ) => {
            let reason =
                format!("its program signed in (\"{said}\"), but does not take the account: {reason}");
            SignInState::Failed { reason, next: next() }
        }
        Ok(_) => SignInState::Failed {
            reason: format!("its program said \"{said}\", but no credentials are there"),
            next: next(),
        },
        Err(e) => SignInState::Failed { reason: e.message, next: next() },
    }
}

/// At start: ends what sign-ins of an earlier daemon left, and says so in their place.
pub async fn take_over(daemon: &Arc<Daemon>) {
    for profile in agents::catalogue() {
        let (setup, agent) = (daemon.setup.clone(), profile.id.clone());
        let ended = tokio::task::spawn_blocking(move || agents::end_sign_in(&setup, &agent)).await;
        match ended {
            Ok(Ok(true)) => interrupted(daemon, &profile.id),
            Ok(Ok(false)) => {}
            Ok(Err(e)) => {
                warn!(agent = %profile.id, error = %e, "failed to end a sign-in of an earlier daemon")
            }
            Err(e) => warn!(agent = %profile.id, error = %e, "failed to end a sign-in of an earlier daemon"),
        }
    }
}

fn interrupted(daemon: &Daemon, agent: &AgentId) {
    let state = SignInState::Failed {
        reason: "the daemon was started again in the middle of it".into(),
        next: "begin again".into(),
    };
    let view = SignInView { way: String::new(), started: crate::names::now(), state, screen: Vec::new() };
    let going = Going { view: watch::channel(view).1, say: mpsc::channel(1).0 };
    hold(&daemon.sign_ins.0).insert(agent.clone(), going);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_kept_for_its_owner_alone_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::prepare(dir.path()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.secrets()), 0o700);
        let agent = AgentId::new("claude-code").unwrap();
        let path = file(&home, &agent);
        let fields = BTreeMap::from([("key".to_owned(), "sk-made-up".to_owned())]);
        write(&path, &Kept { way: "api-key".into(), fields, set: At(7) }).unwrap();
        assert_eq!(mode(&path), 0o600);
        let accounts = agents::Accounts::default();
        load(&home, &accounts);
        let found = accounts.get(&agent).unwrap();
        assert_eq!((found.way.as_str(), found.set), ("api-key", At(7)));
        assert!(!format!("{found:?} {:?}", accounts.view(&agent)).contains("made-up"));
        std::fs::write(&path, "{\"way\": \"api-key\", \"fields\": \"sk-made-up").unwrap();
        let damaged = read(&path).err().unwrap();
        assert!(!format!("{damaged:#}").contains("made-up"), "{damaged:#}");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path).unwrap().is_none());
    }
}
