//! One verb: its words, its lines, and its end.

use super::EntryError;
use crate::connect::{RanChannel, Session};
use crate::exec::{ExecError, not_opened, why_lost};
use protocol::setup::{Obstacle, Plan};
use russh::ChannelMsg;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// Making a plan or an export takes seconds; nothing here waits for a run.
const LIMIT: Duration = Duration::from_secs(300);
const OUTPUT_LIMIT: usize = 32 << 20;

/// A verb that runs.
pub(super) struct Verb {
    session: Session,
    pub channel: RanChannel,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    status: Option<u32>,
}

/// A verb that ended.
pub(super) struct Done {
    code: u32,
    out: String,
    err: String,
}

impl Verb {
    pub async fn start(session: &Session, words: &str) -> Result<Self, ExecError> {
        let channel = session.run(words).await.map_err(|error| not_opened(session, error))?;
        Ok(Self { session: session.clone(), channel, out: Vec::new(), err: Vec::new(), status: None })
    }

    /// Takes one message; false at the end. An end without a status is a loss.
    pub async fn step(&mut self) -> Result<bool, ExecError> {
        match self.channel.next().await {
            Some(ChannelMsg::Data { data }) => self.out.extend_from_slice(&data),
            Some(ChannelMsg::ExtendedData { data, .. }) => self.err.extend_from_slice(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
            Some(ChannelMsg::Failure) => return Err(ExecError::NoShell { words: String::new() }),
            Some(ChannelMsg::Close) | None if self.status.is_some() => return Ok(false),
            Some(ChannelMsg::Close) | None => {
                return Err(ExecError::Lost { why: why_lost(&self.session).await });
            }
            Some(_) => {}
        }
        if self.out.len() > OUTPUT_LIMIT || self.err.len() > OUTPUT_LIMIT {
            return Err(ExecError::TooMuch);
        }
        Ok(true)
    }

    pub fn done(&self) -> Done {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done { code: self.status.unwrap_or(u32::MAX), out: text(&self.out), err: text(&self.err) }
    }
}

pub(super) async fn run(session: &Session, words: &str, input: &[u8]) -> Result<Done, EntryError> {
    let seconds = LIMIT.as_secs();
    let done = timeout(LIMIT, whole(session, words, input)).await;
    done.unwrap_or(Err(ExecError::TimedOut { seconds })).map_err(EntryError::Exec)
}

async fn whole(session: &Session, words: &str, input: &[u8]) -> Result<Done, ExecError> {
    let mut verb = Verb::start(session, words).await?;
    let writer = verb.channel.writer();
    let feeding = async {
        if let Some(writer) = writer {
            let mut writer = Box::pin(writer);
            // What the program does not read is its own affair.
            let _ = writer.write_all(input).await;
            let _ = writer.shutdown().await;
        }
    };
    let reading = async {
        while verb.step().await? {}
        Ok(())
    };
    let ((), read) = tokio::join!(feeding, reading);
    read.map(|()| verb.done())
}

/// A verb that answers by one line.
pub(super) async fn ask<T: DeserializeOwned>(
    session: &Session,
    words: &str,
    input: &[u8],
) -> Result<T, EntryError> {
    let done = run(session, words, input).await?;
    let lines = done.lines()?;
    let line = lines.last().ok_or_else(|| EntryError::Garbled { why: "nothing was said".into() })?;
    read(line)
}

pub(super) fn read<T: DeserializeOwned>(line: &str) -> Result<T, EntryError> {
    serde_json::from_str(line).map_err(|error| EntryError::Garbled { why: error.to_string() })
}

/// The last line of a verb that did not do what it was asked.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stopped {
    Blocked { obstacle: Obstacle },
    Failed { error: Obstacle },
}

impl Done {
    /// The lines of JSON of a verb that did what it was asked; else why it did not.
    pub fn lines(&self) -> Result<Vec<&str>, EntryError> {
        let lines: Vec<&str> = self.out.lines().map(str::trim).filter(|line| line.starts_with('{')).collect();
        if self.code == 0 {
            return Ok(lines);
        }
        let last = lines.last().copied().unwrap_or_default();
        if self.code == 4
            && let Ok(plan) = serde_json::from_str::<Plan>(last)
        {
            return Err(EntryError::PlanChanged(Box::new(plan)));
        }
        Err(match serde_json::from_str(last) {
            Ok(Stopped::Blocked { obstacle }) => EntryError::Blocked(obstacle),
            Ok(Stopped::Failed { error }) => EntryError::Failed(error),
            Err(_) => EntryError::Refused { words: self.words() },
        })
    }

    pub fn words(&self) -> String {
        let words = if self.err.trim().is_empty() { &self.out } else { &self.err };
        let words: String = words.trim().chars().take(500).collect();
        if words.is_empty() { format!("it ended with {}", self.code) } else { words }
    }
}

/// One word for the server's program, which knows both kinds of quotes and nothing else.
pub(super) fn quoted(text: &str) -> Result<String, EntryError> {
    match (text.contains('\''), text.contains('"')) {
        _ if text.contains(['\n', '\r', '\0']) => {}
        (false, _) => return Ok(format!("'{text}'")),
        (true, false) => return Ok(format!("\"{text}\"")),
        (true, true) => {}
    }
    Err(EntryError::Refused { words: "a name with both kinds of quotes, or with a line's end".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(code: u32, out: &str) -> Done {
        Done { code, out: out.into(), err: "words\n".into() }
    }

    #[test]
    fn lines_that_are_not_ours_are_passed_over() {
        assert_eq!(done(0, "Welcome\n{\"a\":1}\n \n").lines().unwrap(), ["{\"a\":1}"]);
    }

    #[test]
    fn each_bad_end_is_its_own_error() {
        let obstacle = r#"{"kind":"port","cause":"port 80 is held","action":"stop it"}"#;
        let blocked = done(3, &format!("{{\"obstacle\":{obstacle}}}")).lines().unwrap_err();
        assert!(matches!(&blocked, EntryError::Blocked(o) if o.action == "stop it"));
        assert_eq!((blocked.to_string(), blocked.next()), ("port 80 is held".into(), "stop it".into()));
        let failed = done(1, &format!("{{}}\n{{\"error\":{obstacle}}}")).lines().unwrap_err();
        assert!(matches!(failed, EntryError::Failed(_)));
        let plan = done(4, r#"{"hash":"h","steps":[]}"#).lines().unwrap_err();
        assert!(matches!(plan, EntryError::PlanChanged(plan) if plan.hash == "h"));
        for code in [1, 2, 3, 4, 127] {
            let refused = done(code, "").lines().unwrap_err();
            assert!(matches!(refused, EntryError::Refused { words } if words == "words"));
        }
    }

    #[test]
    fn a_word_is_quoted_or_refused() {
        assert_eq!(quoted("a b").unwrap(), "'a b'");
        assert_eq!(quoted("it's").unwrap(), "\"it's\"");
        assert!(quoted("'\"").is_err() && quoted("a\nb").is_err());
    }
}
