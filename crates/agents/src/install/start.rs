//! Whether an agent's program starts at all, and is the version that it should be. It runs as every run of an agent does:
//! as the agents' user, with nothing of our environment.

use super::pins::Pin;
use super::unpack::make_folder;
use crate::Setup;
use crate::launch;
use crate::profile;
use crate::supervise::{self, Tree, Walls};
use protocol::clean;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first start of a fresh program reads hundreds of megabytes from the disk.
const LIMIT: Duration = Duration::from_secs(120);
const MAX_ANSWER: u64 = 16 << 10;

/// `scratch` is the home that it sees: no account of the user's is touched.
pub(super) async fn says_version(setup: &Setup, pin: &Pin, scratch: &Path) -> Result<(), String> {
    let (homes, runtime) = (scratch.join("homes"), scratch.join("run"));
    for folder in [scratch, &homes, &runtime] {
        // The agents' user must be able to pass through.
        make_folder(folder).map_err(|e| e.to_string())?;
    }
    let setup = Setup { homes: Some(homes), runtime, ..setup.clone() };
    let said = ask(&setup, pin).await.map_err(|reason| format!("it does not start: {reason}"))?;
    let line = clean::line(&said, 200);
    if said.split_whitespace().any(|word| word.trim_start_matches('v') == pin.version) {
        return Ok(());
    }
    Err(format!(
        "it should be version {} and says: {}",
        pin.version,
        if line.is_empty() { "nothing" } else { &line }
    ))
}

async fn ask(setup: &Setup, pin: &Pin) -> Result<String, String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let profile =
        profile::find(&pin.agent).ok_or_else(|| format!("there is no agent called `{}`", pin.agent))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = format!("install.{}.{}.{count}", pin.agent, std::process::id());
    let words = |e: std::io::Error| e.to_string();
    let tmp = supervise::prepare(setup, profile, &id).map_err(words)?;
    let launch = launch::cli(setup, profile, &["--version"], &tmp).map_err(|missing| missing.next)?;
    let mut tree = Tree::start(setup, &id, launch, &tmp, Walls { cgroup: false, ..Walls::default() })
        .await
        .map_err(words)?;
    drop(tree.child.stdin.take());
    let (stdout, stderr) = (tree.child.stdout.take(), tree.child.stderr.take());
    let reading = async { tokio::join!(read(stdout), read(stderr)) };
    let said = tokio::time::timeout(LIMIT, reading).await;
    tree.end(Duration::from_secs(5)).await.map_err(words)?;
    let (stdout, stderr) = said.map_err(|_| format!("no answer within {} s", LIMIT.as_secs()))?;
    Ok(format!("{stdout} {stderr}"))
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is still an answer.
        let _ = stream.take(MAX_ANSWER).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
