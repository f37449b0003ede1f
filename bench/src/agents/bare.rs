//! The same program without us: started with the command line and the environment that our run gave it, as the same user,
//! and spoken to with the fewest messages that make it work.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

const MARK: &str = "LOOPWRIGHT_ATTEMPT";
/// What replaces itself by the agent's program.
const OURS: [&str; 4] = ["setsid", "sh", "prlimit", "setpriv"];
/// Between two looks, in the one run that is looked at and not measured.
const LOOK: Duration = Duration::from_millis(2);

/// How a run started its program, read from the kernel while it ran.
#[derive(Debug)]
pub struct Started {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Started {
    /// The first process of the attempt, once it is the agent's program: before that it is ours that limit it, and a program
    /// may give itself another name soon after. The files that its environment points to in `tmp`, which go away with the
    /// run, are kept in `kept`, and the environment is told so.
    pub async fn of(
        attempt: &str,
        tmp: &Path,
        kept: &Path,
        user: Option<::agents::RunAs>,
    ) -> Result<Started> {
        let (first, argv) = loop {
            match agent_process(attempt) {
                Some(found) => break found,
                None => tokio::time::sleep(LOOK).await,
            }
        };
        copy(tmp, kept, user)?;
        let (old, new) = (tmp.to_string_lossy().into_owned(), kept.to_string_lossy().into_owned());
        let env = pairs(first).into_iter().filter(|(key, _)| key != MARK);
        let env = env.map(|(key, value)| (key, OsString::from(value.to_string_lossy().replace(&old, &new))));
        Ok(Started { argv, env: env.collect() })
    }

    /// One turn with `words`, and the end of the program.
    pub async fn turn(&self, tree: &Path, words: &str, user: Option<::agents::RunAs>) -> Result<()> {
        let (program, args) = self.argv.split_first().context("no command line")?;
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(self.env.iter().cloned()).current_dir(tree).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = command.spawn().context("failed to start the program without us")?;
        let (stdin, stdout) =
            (child.stdin.take().context("no pipe")?, child.stdout.take().context("no pipe")?);
        let mut line = Line { stdin, stdout: BufReader::new(stdout).lines(), next: 0 };
        let hello = json!({ "protocolVersion": 1, "clientCapabilities": {} });
        line.ask("initialize", hello).await?;
        let session = line.ask("session/new", json!({ "cwd": tree, "mcpServers": [] })).await?;
        let prompt =
            json!({ "sessionId": session["sessionId"], "prompt": [{ "type": "text", "text": words }] });
        let end = line.ask("session/prompt", prompt).await?;
        // It ends as a command line does: by itself, once there is nothing more to read.
        drop(line);
        child.wait().await?;
        if end["stopReason"] != "end_turn" {
            bail!("without us its turn ended with {end}");
        }
        Ok(())
    }
}

struct Line {
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    next: u64,
}

impl Line {
    /// The answer to a question of ours. What it asks meanwhile is allowed.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        while let Some(line) = self.stdout.next_line().await? {
            let Ok(mut said) = serde_json::from_str::<Value>(&line) else { continue };
            if said["method"] == "session/request_permission" {
                self.say(&allow(&said)).await?;
            } else if said["id"] == id && said["method"].is_null() {
                if said["error"].is_null() {
                    return Ok(said["result"].take());
                }
                bail!("without us it answered {method} with {}", said["error"]);
            }
        }
        bail!("without us it went away before it answered {method}")
    }

    async fn say(&mut self, message: &Value) -> Result<()> {
        self.stdin.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }
}

fn allow(asked: &Value) -> Value {
    let options = asked["params"]["options"].as_array().map_or(&[][..], Vec::as_slice);
    let allows = |option: &&Value| option["kind"].as_str().is_some_and(|kind| kind.starts_with("allow"));
    let chosen = options.iter().find(allows).map_or(&Value::Null, |option| &option["optionId"]);
    json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "outcome": { "outcome": "selected", "optionId": chosen } } })
}

fn agent_process(attempt: &str) -> Option<(u32, Vec<OsString>)> {
    let folders = fs::read_dir("/proc").ok()?.flatten();
    let pids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let first =
        pids.filter(|pid| pairs(*pid).iter().any(|(key, value)| key == MARK && value == attempt)).min()?;
    let argv = words(&fs::read(format!("/proc/{first}/cmdline")).ok()?);
    let name = Path::new(argv.first()?).file_name()?;
    (!OURS.iter().any(|ours| name == *ours)).then_some((first, argv))
}

fn pairs(pid: u32) -> Vec<(OsString, OsString)> {
    let all = words(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default());
    all.into_iter()
        .filter_map(|pair| {
            let text = pair.into_vec();
            let at = text.iter().position(|byte| *byte == b'=')?;
            Some((OsString::from_vec(text[..at].to_vec()), OsString::from_vec(text[at + 1..].to_vec())))
        })
        .collect()
}

fn words(text: &[u8]) -> Vec<OsString> {
    text.split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

fn copy(from: &Path, to: &Path, user: Option<::agents::RunAs>) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let there: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &there, user)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), &there)?;
            give(&there, user)?;
        }
    }
    give(to, user)
}

fn give(path: &Path, user: Option<::agents::RunAs>) -> Result<()> {
    if let Some(user) = user {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}
