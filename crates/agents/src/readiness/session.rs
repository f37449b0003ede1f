//! Whether an agent opens a session: the question for programs that have no command to say whether they are signed in. It
//! costs no tokens; the program is ended as soon as it has answered.

use super::ask::fresh_id;
use crate::account::Verdict;
use crate::profile::Profile;
use crate::supervise::{self, Tree, Walls};
use crate::{Setup, launch};
use protocol::clean;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

/// Some need six seconds on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);
/// ACP's "authentication required".
const AUTH_REQUIRED: i64 = -32000;
/// All that is read of its answers together.
const MAX_ANSWERS: u64 = 4 << 20;

/// Words of a sign-in that began in the place of an answer.
const SIGNS_IN: [&str; 2] = ["Enter the authorization code", "Please visit the following URL to authorize"];

pub(super) async fn open(setup: &Setup, profile: &Profile) -> Verdict {
    talk(setup, profile, "session/new").await
}

/// Asks the program to forget its account.
pub(crate) async fn sign_out(setup: &Setup, profile: &Profile) -> Result<(), String> {
    match talk(setup, profile, "logout").await {
        Verdict::Takes { .. } => Ok(()),
        Verdict::Refuses { reason } | Verdict::Unclear { reason } => Err(reason),
    }
}

async fn talk(setup: &Setup, profile: &Profile, method: &str) -> Verdict {
    let unclear = |reason: String| Verdict::Unclear { reason };
    let id = fresh_id(profile);
    let tmp = match supervise::prepare(setup, profile, &id) {
        Ok(tmp) => tmp,
        Err(error) => return unclear(format!("its folders cannot be made: {error}")),
    };
    let launch = match launch::acp(setup, profile, &tmp) {
        Ok(launch) => launch,
        Err(missing) => return unclear(missing.next),
    };
    let mut tree =
        match Tree::start(setup, &id, launch, &tmp, Walls { cgroup: false, ..Walls::default() }).await {
            Ok(tree) => tree,
            Err(error) => return unclear(format!("its program cannot be started: {error}")),
        };
    let pipes = (tree.child.stdin.take(), tree.child.stdout.take());
    // Its complaints would fill the pipe.
    let complaints = tree.child.stderr.take().map(|stderr| tokio::spawn(super::ask::read(Some(stderr))));
    let verdict = match pipes {
        (Some(stdin), Some(stdout)) => {
            tokio::time::timeout(LIMIT, converse(stdin, stdout, &tmp, method)).await.unwrap_or_else(|_| {
                unclear(format!("it did not answer `{method}` within {} s", LIMIT.as_secs()))
            })
        }
        _ => unclear("it has no pipes".into()),
    };
    let ended = tree.end(Duration::ZERO).await;
    let said = match complaints {
        Some(task) => task.await.unwrap_or_default(),
        None => String::new(),
    };
    match (verdict, ended) {
        (_, Err(error)) => unclear(format!("its processes could not be ended: {error}")),
        (Verdict::Unclear { reason }, Ok(_)) if !said.trim().is_empty() => {
            unclear(format!("{reason}; its last words: {}", clean::line(said.trim(), 200)))
        }
        (verdict, Ok(_)) => verdict,
    }
}

async fn converse(mut stdin: ChildStdin, stdout: ChildStdout, cwd: &Path, method: &str) -> Verdict {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": 1, "clientCapabilities": {},
        "clientInfo": {"name": "loopwright", "version": env!("CARGO_PKG_VERSION")},
    }});
    let params = match method {
        "session/new" => json!({"cwd": cwd, "mcpServers": []}),
        _ => json!({}),
    };
    let question = json!({"jsonrpc": "2.0", "id": 2, "method": method, "params": params});
    let mut lines = BufReader::new(stdout.take(MAX_ANSWERS));
    let mut line = Vec::new();
    if let Err(error) = say(&mut stdin, &hello).await {
        return Verdict::Unclear { reason: format!("it cannot be talked to: {error}") };
    }
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line).await {
            Ok(0) => {
                return Verdict::Unclear { reason: "it ended without an answer".into() };
            }
            Ok(_) => {}
            Err(error) => return Verdict::Unclear { reason: format!("it cannot be read: {error}") },
        }
        match understand(&line) {
            Heard::Hello => {
                if let Err(error) = say(&mut stdin, &question).await {
                    return Verdict::Unclear { reason: format!("it cannot be talked to: {error}") };
                }
            }
            Heard::Verdict(verdict) => return verdict,
            Heard::Other => {}
        }
    }
}

async fn say(stdin: &mut ChildStdin, message: &Value) -> std::io::Result<()> {
    stdin.write_all(format!("{message}\n").as_bytes()).await?;
    stdin.flush().await
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Hello,
    Verdict(Verdict),
    Other,
}

/// One line of whatever it prints.
fn understand(line: &[u8]) -> Heard {
    let Ok(message) = serde_json::from_slice::<Value>(line) else {
        let text = String::from_utf8_lossy(line);
        return if SIGNS_IN.iter().any(|words| text.contains(words)) {
            Heard::Verdict(Verdict::Refuses { reason: "it asks for a new sign-in".into() })
        } else {
            Heard::Other
        };
    };
    let error = message.get("error").map(|error| {
        let text = error["message"].as_str().unwrap_or("an error without words");
        (error["code"].as_i64(), clean::line(text, 300))
    });
    match (message["id"].as_i64(), error) {
        (Some(1), None) if message.get("result").is_some() => Heard::Hello,
        (Some(2), None) if message.get("result").is_some() => {
            Heard::Verdict(Verdict::Takes { says: "it opened one".into(), paid: None })
        }
        (Some(2), Some((Some(AUTH_REQUIRED), text))) => {
            Heard::Verdict(Verdict::Refuses { reason: format!("it answers: {text}") })
        }
        (Some(1 | 2), Some((_, text))) => {
            Heard::Verdict(Verdict::Unclear { reason: format!("it answers with an error: {text}") })
        }
        _ => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_real_programs_answer_is_understood() {
        let refused = |reason: &str| Heard::Verdict(Verdict::Refuses { reason: reason.into() });
        let table = [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}"#, Heard::Hello),
            (
                r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"Authentication required"}}"#,
                refused("it answers: Authentication required"),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"_auth/status_update","params":{"authStatus":{"kind":"none"}}}"#,
                Heard::Other,
            ),
            ("Enter the authorization code: {\"jsonrpc\":\"2.0\"}", refused("it asks for a new sign-in")),
            (
                r#"{"id":2,"error":{"code":-32603,"message":"Internal error"}}"#,
                Heard::Verdict(Verdict::Unclear {
                    reason: "it answers with an error: Internal error".into(),
                }),
            ),
        ];
        for (line, expected) in table {
            assert_eq!(understand(line.as_bytes()), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line: Vec<u8>) {
            understand(&line);
        }

        #[test]
        fn nothing_but_an_answer_to_the_question_is_a_yes(id: i64, text in "\\PC{0,40}") {
            let line = json!({"id": id, "method": "session/update", "params": text}).to_string();
            assert_eq!(understand(line.as_bytes()), Heard::Other);
        }
    }
}
