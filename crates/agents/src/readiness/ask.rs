//! One question to one of an agent's own programs.

use crate::Setup;
use crate::account::Answer;
use crate::launch::{self, Launch};
use crate::profile::Profile;
use crate::supervise::{self, Tree, Walls};
use protocol::clean;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// One question to a program may take this long.
const LIMIT: Duration = Duration::from_secs(20);
/// What is read of an answer.
const MAX_ANSWER: u64 = 64 << 10;
/// And of an agent's settings file.
const MAX_CONFIG: u64 = 1 << 20;

/// A name for the process tree of a question; none is used twice.
pub(super) fn fresh_id(profile: &Profile) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("probe.{}.{}.{}", profile.id, std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) async fn ask(setup: &Setup, profile: &Profile, args: &[&str]) -> Result<Answer, String> {
    let (id, tmp) = place(setup, profile)?;
    let launch = launch::cli(setup, profile, args, &tmp).map_err(|missing| missing.next)?;
    run(setup, &id, launch, &tmp, &args.join(" ")).await
}

/// Removes what lies in the agent's home, as the agents' user: a link in it leads us to nothing that is not the agent's.
pub(crate) async fn remove(setup: &Setup, profile: &Profile, files: Vec<PathBuf>) -> Result<(), String> {
    let (id, tmp) = place(setup, profile)?;
    let argv = ["rm", "-rf", "--"].map(OsString::from).into_iter().chain(files.into_iter().map(Into::into));
    let path = ("PATH".into(), "/usr/bin:/bin".into());
    let answer = run(setup, &id, Launch { argv: argv.collect(), env: vec![path] }, &tmp, "rm").await?;
    if answer.success { Ok(()) } else { Err(words(&answer)) }
}

fn place(setup: &Setup, profile: &Profile) -> Result<(String, PathBuf), String> {
    let id = fresh_id(profile);
    let tmp =
        supervise::prepare(setup, profile, &id).map_err(|e| format!("its folders cannot be made: {e}"))?;
    Ok((id, tmp))
}

async fn run(setup: &Setup, id: &str, launch: Launch, tmp: &Path, what: &str) -> Result<Answer, String> {
    let mut tree = Tree::start(setup, id, launch, tmp, Walls { cgroup: false, ..Walls::default() })
        .await
        .map_err(|error| format!("its program cannot be started: {error}"))?;
    drop(tree.child.stdin.take());
    let (stdout, stderr) = (tree.child.stdout.take(), tree.child.stderr.take());
    let reading = async { tokio::join!(read(stdout), read(stderr), tree.child.wait()) };
    let answered = tokio::time::timeout(LIMIT, reading).await;
    let ended = tree.end(Duration::ZERO).await;
    let (stdout, stderr, status) =
        answered.map_err(|_| format!("`{what}` did not answer within {} s", LIMIT.as_secs()))?;
    ended.map_err(|error| format!("its processes could not be ended: {error}"))?;
    Ok(Answer { success: status.is_ok_and(|status| status.success()), stdout, stderr })
}

pub(super) async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is still an answer.
        let _ = stream.take(MAX_ANSWER).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first word that looks like a version: "codex-cli 0.169.0", "2.1.330 (Claude Code)".
pub(super) fn version_in(text: &str) -> String {
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split_whitespace().find(number).map_or_else(|| clean::line(text, 40), str::to_owned)
}

/// What it said, in one line; warnings of its own that it prints before are left out.
pub(crate) fn words(answer: &Answer) -> String {
    let all = format!("{}\n{}", answer.stdout, answer.stderr);
    let said = all.lines().filter(|line| !line.starts_with("WARNING:"));
    let line = clean::line(&said.collect::<Vec<_>>().join(" "), 300);
    let line = line.trim();
    if line.is_empty() { "it said nothing".to_owned() } else { line.to_owned() }
}

/// The file lies in a folder that an agent may write: what is no plain file of a sensible size is not read. A pipe in its
/// place would hold us for ever, and root would open for it what it may not open itself: a device, say.
pub(crate) fn read_config(path: &Path) -> Option<String> {
    use rustix::fs::{FileType, Mode, OFlags};
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, rustix::process::geteuid().is_root());
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    if !FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode).is_file() {
        return None;
    }
    let mut text = String::new();
    std::fs::File::from(file).take(MAX_CONFIG).read_to_string(&mut text).ok()?;
    Some(text)
}
