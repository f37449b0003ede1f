//! Is an agent ready? Programs there, and signed in as its own program says. All of these are checks of presence: only
//! a turn that worked proves that an account works, and that is the journal's to say.

use crate::Setup;
use crate::launch::{self, Launch};
use crate::profile::{self, Profile};
use crate::supervise::{self, Tree, Walls};
use protocol::AgentId;
use protocol::clean;
use protocol::fact::Readiness;
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

/// How an agent's own program is asked whether it is signed in.
pub(crate) struct Login {
    pub args: &'static [&'static str],
    pub signed_in: fn(&Setup, &Profile, &Answer) -> Result<bool, String>,
}

/// What a program answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// How ready an agent is: never [`Readiness::Worked`], which only the journal knows.
pub async fn probe(setup: &Setup, agent: &AgentId) -> Readiness {
    let Some(profile) = profile::find(agent) else {
        return Readiness::Missing { next: format!("there is no agent called `{agent}`; choose another") };
    };
    if profile.practice {
        return Readiness::Practice;
    }
    if let Err(missing) =
        launch::acp(setup, profile, Path::new("/tmp")).and_then(|_| launch::has_node(setup, profile))
    {
        return Readiness::Missing { next: missing.next };
    }
    let (version, login) =
        tokio::join!(ask(setup, profile, &["--version"]), ask(setup, profile, profile.login.args));
    let version = match version {
        Ok(answer) if answer.success => version_in(&answer.stdout),
        Ok(answer) => return broken(profile, &format!("it cannot say its version: {}", words(&answer))),
        Err(reason) => return broken(profile, &reason),
    };
    let signed_in = login.and_then(|answer| (profile.login.signed_in)(setup, profile, &answer));
    match signed_in {
        Ok(true) => Readiness::SignedIn { version },
        Ok(false) => Readiness::SignedOut { version, next: profile.sign_in.to_owned() },
        Err(reason) => broken(profile, &reason),
    }
}

/// `claude auth status` answers JSON; it exits with 1 when nobody is signed in.
pub(crate) fn claude_login(_: &Setup, _: &Profile, answer: &Answer) -> Result<bool, String> {
    let json: Option<serde_json::Value> = serde_json::from_str(answer.stdout.trim()).ok();
    json.as_ref()
        .and_then(|status| status["loggedIn"].as_bool())
        .ok_or_else(|| format!("it cannot say whether it is signed in: {}", words(answer)))
}

/// `codex login status` knows of accounts and of OpenAI's keys. A provider of one's own has its key in the environment
/// and needs neither.
pub(crate) fn codex_login(setup: &Setup, profile: &Profile, answer: &Answer) -> Result<bool, String> {
    let says_out = format!("{}{}", answer.stdout, answer.stderr).to_lowercase().contains("not logged in");
    if answer.success || own_provider(setup, profile) {
        Ok(true)
    } else if says_out {
        Ok(false)
    } else {
        Err(format!("it cannot say whether it is signed in: {}", words(answer)))
    }
}

pub(crate) fn no_login(_: &Setup, _: &Profile, _: &Answer) -> Result<bool, String> {
    Ok(true)
}

fn own_provider(setup: &Setup, profile: &Profile) -> bool {
    let set = |name: &str| {
        setup.env.get(&profile.id).and_then(|env| env.get(name)).filter(|value| !value.is_empty())
    };
    let folder = set("CODEX_HOME").map_or_else(|| launch::home(setup, profile).join(".codex"), PathBuf::from);
    let Some(text) = read_config(&folder.join("config.toml")) else { return false };
    let Ok(config) = text.parse::<toml::Table>() else { return false };
    let Some(name) = config.get("model_provider").and_then(toml::Value::as_str) else { return false };
    let Some(provider) = config.get("model_providers").and_then(|all| all.get(name)) else { return false };
    match provider.get("env_key").and_then(toml::Value::as_str) {
        Some(key) => set(key).is_some(),
        // A model on one's own machine often wants no key.
        None => !provider.get("requires_openai_auth").and_then(toml::Value::as_bool).unwrap_or(false),
    }
}

/// The file lies in a folder that an agent may write: what is no plain file of a sensible size is not read. A pipe in its
/// place would hold us for ever.
fn read_config(path: &Path) -> Option<String> {
    use rustix::fs::{FileType, Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    if !FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode).is_file() {
        return None;
    }
    let mut text = String::new();
    std::fs::File::from(file).take(MAX_CONFIG).read_to_string(&mut text).ok()?;
    Some(text)
}

async fn ask(setup: &Setup, profile: &Profile, args: &[&str]) -> Result<Answer, String> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("probe.{}.{}.{}", profile.id, std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let tmp =
        supervise::prepare(setup, profile, &id).map_err(|e| format!("its folders cannot be made: {e}"))?;
    let launch: Launch = launch::cli(setup, profile, args, &tmp).map_err(|missing| missing.next)?;
    let mut tree = Tree::start(setup, &id, launch, &tmp, Walls { cgroup: false })
        .await
        .map_err(|error| format!("its program cannot be started: {error}"))?;
    drop(tree.child.stdin.take());
    let (stdout, stderr) = (tree.child.stdout.take(), tree.child.stderr.take());
    let reading = async { tokio::join!(read(stdout), read(stderr), tree.child.wait()) };
    let answered = tokio::time::timeout(LIMIT, reading).await;
    let ended = tree.end(Duration::ZERO).await;
    let (stdout, stderr, status) =
        answered.map_err(|_| format!("`{}` did not answer within {} s", args.join(" "), LIMIT.as_secs()))?;
    ended.map_err(|error| format!("its processes could not be ended: {error}"))?;
    Ok(Answer { success: status.is_ok_and(|status| status.success()), stdout, stderr })
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is still an answer.
        let _ = stream.take(MAX_ANSWER).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first word that looks like a version: "codex-cli 0.169.0", "2.1.330 (Claude Code)".
fn version_in(text: &str) -> String {
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split_whitespace().find(number).map_or_else(|| clean::line(text, 40), str::to_owned)
}

fn words(answer: &Answer) -> String {
    let all = format!("{} {}", answer.stdout, answer.stderr);
    let line = clean::line(&all, 300);
    if line.is_empty() { "it said nothing".to_owned() } else { line }
}

fn broken(profile: &Profile, reason: &str) -> Readiness {
    let next = match &profile.cli {
        Some(cli) => format!("run `{} --version` yourself; if that fails too: {}", cli.name, cli.install),
        None => "start the daemon again".to_owned(),
    };
    Readiness::Broken { reason: clean::line(reason, 400), next }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
