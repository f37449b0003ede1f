//! Commands on the server, framed: what a noisy profile, a banner or a farewell prints is kept beside the answer and
//! never read as one. A command without a status at its end is lost, not done.

mod frame;

use crate::connect::{NotOpened, RanChannel, Session};
use frame::Frame;
use russh::ChannelMsg;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// What a script printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    pub code: i32,
    pub out: String,
    pub err: String,
    /// What was printed before and after, by anyone else.
    pub noise: String,
    /// From sending the command to its first sign of life.
    pub began_after: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("the server opens no further session: {why}")]
    NoSession { why: String },
    #[error("the server runs no commands for this user{}", said(words))]
    NoShell { words: String },
    #[error("the password of this user has expired")]
    PasswordExpired,
    #[error("the connection was lost while a command ran: {why}")]
    Lost { why: String },
    #[error("the server did not finish within {seconds} s")]
    TimedOut { seconds: u64 },
    #[error("the server printed more than can be right")]
    TooMuch,
    #[error("a command failed on the server ({code}){}", said(words))]
    Failed { code: i32, words: String },
    #[error("the answer of the server cannot be understood: {why}")]
    Garbled { why: String },
}

fn said(words: &str) -> String {
    let short: String = words.trim().chars().take(300).collect();
    if short.is_empty() { String::new() } else { format!(": {short}") }
}

impl ExecError {
    pub fn next(&self) -> String {
        match self {
            Self::NoSession { .. } => "set MaxSessions to 2 or more in the server's sshd_config".into(),
            Self::NoShell { .. } => {
                "sign in as a user with a shell, by a key that is not limited to one command".into()
            }
            Self::PasswordExpired => {
                "sign in once in a terminal with ssh and set a new one, then come back".into()
            }
            Self::Lost { .. } => "connect again: what was done is kept, and goes on from there".into(),
            Self::TimedOut { .. } => "try again; if it stays so, look at the server's load".into(),
            Self::TooMuch | Self::Garbled { .. } => {
                "check that /bin/sh on the server is a plain POSIX shell".into()
            }
            Self::Failed { .. } => "see what it says, and try again".into(),
        }
    }
}

/// A process in the background may hold a channel open for ever.
const FAREWELL: Duration = Duration::from_millis(250);
/// More than any answer of ours is.
const OUTPUT_LIMIT: usize = 4 << 20;

impl Session {
    /// Runs a POSIX-shell script with `input` on its standard input.
    pub async fn exec(&self, script: &str, input: &[u8], limit: Duration) -> Result<Framed, ExecError> {
        let seconds = limit.as_secs();
        timeout(limit, whole(self, script, input)).await.unwrap_or(Err(ExecError::TimedOut { seconds }))
    }
}

async fn whole(session: &Session, script: &str, input: &[u8]) -> Result<Framed, ExecError> {
    let mut running = Running::start(session, script).await?;
    let writer = running.writer();
    let feeding = async {
        if let Some(mut writer) = writer {
            // A script that does not read its input is its own affair.
            let _ = writer.write_all(input).await;
            let _ = writer.shutdown().await;
        }
    };
    let reading = async {
        while running.step().await? {}
        Ok(())
    };
    let ((), read) = tokio::join!(feeding, reading);
    read?;
    running.farewell().await;
    Ok(running.framed())
}

/// A script that runs: its output so far, and its end.
pub(crate) struct Running {
    session: Session,
    channel: RanChannel,
    out: Frame,
    err: Frame,
    status: Option<i32>,
    refused: bool,
    sent: Instant,
    began_after: Duration,
}

impl Running {
    pub async fn start(session: &Session, script: &str) -> Result<Self, ExecError> {
        let token = token();
        let command = frame::command(&token, script);
        let sent = Instant::now();
        let channel = session.run(&command).await.map_err(|error| not_opened(session, error))?;
        let (out, err) = (Frame::new(&token), Frame::new(&token));
        Ok(Self {
            session: session.clone(),
            channel,
            out,
            err,
            status: None,
            refused: false,
            sent,
            began_after: Duration::ZERO,
        })
    }

    /// Takes one message; false when the script has ended.
    pub async fn step(&mut self) -> Result<bool, ExecError> {
        match self.channel.next().await {
            Some(ChannelMsg::Data { data }) => {
                let new = !self.out.begun();
                self.out.push(&data);
                if new && self.out.begun() {
                    self.began_after = self.sent.elapsed();
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => self.err.push(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.status = i32::try_from(exit_status).ok(),
            Some(ChannelMsg::Failure) => self.refused = true,
            Some(ChannelMsg::Close) | None => return self.closed().await,
            Some(_) => {}
        }
        if self.out.len() > OUTPUT_LIMIT || self.err.len() > OUTPUT_LIMIT {
            return Err(ExecError::TooMuch);
        }
        // Not waited for: the channel's end, which a process in the background could hold open for ever.
        Ok(!(self.out.end().is_some() && self.err.end().is_some()))
    }

    /// The channel's own end, which mostly comes with the script's. Dropbear ends the next command at once, unheard, when its
    /// channel is asked for before that.
    pub async fn farewell(&mut self) {
        let gone = async { while !matches!(self.channel.next().await, Some(ChannelMsg::Close) | None) {} };
        let _ = timeout(FAREWELL, gone).await;
    }

    async fn closed(&self) -> Result<bool, ExecError> {
        if self.out.end().is_some() {
            return Ok(false);
        }
        let words = self.words();
        if ["password has expired", "password change required", "change your password"]
            .iter()
            .any(|sign| words.to_lowercase().contains(sign))
        {
            return Err(ExecError::PasswordExpired);
        }
        match self.status {
            _ if self.refused => Err(ExecError::NoShell { words }),
            Some(_) if !self.out.begun() => Err(ExecError::NoShell { words }),
            Some(_) | None => Err(ExecError::Lost { why: why_lost(&self.session).await }),
        }
    }

    fn words(&self) -> String {
        let words = format!("{}\n{}", text(self.out.all()), text(self.err.all()));
        words.trim().to_owned()
    }

    pub fn writer(&self) -> Option<std::pin::Pin<Box<dyn AsyncWrite + Send>>> {
        self.channel.writer().map(|writer| Box::pin(writer) as _)
    }

    /// Whole lines that the script has printed so far.
    pub fn lines(&self) -> Vec<String> {
        let content = text(self.out.content());
        let whole = content.rfind('\n').map_or("", |end| content.get(..end).unwrap_or_default());
        let whole = if self.out.end().is_some() { content.as_str() } else { whole };
        whole.lines().map(str::to_owned).collect()
    }

    pub fn framed(&self) -> Framed {
        let noise =
            [self.out.before(), self.out.after(), self.err.before(), self.err.after()].map(text).join("\n");
        Framed {
            code: self.out.end().unwrap_or(-1),
            out: text(self.out.content()),
            err: text(self.err.content()),
            noise: noise.trim().to_owned(),
            began_after: self.began_after,
        }
    }

    pub async fn close(mut self) {
        self.farewell().await;
        self.channel.close().await;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn not_opened(session: &Session, error: NotOpened) -> ExecError {
    match error {
        NotOpened::Gone(why) => ExecError::Lost { why },
        error if session.is_closed() => ExecError::Lost { why: error.to_string() },
        error => ExecError::NoSession { why: error.to_string() },
    }
}

/// A channel that ended by itself on a line that lives was ended by the server.
pub(crate) async fn why_lost(session: &Session) -> String {
    match timeout(Duration::from_millis(200), session.closed()).await {
        Ok(gone) => gone.why,
        Err(_) => "the server ended the command".into(),
    }
}

/// Nobody who prints on the server can have guessed it.
fn token() -> String {
    let mut bytes = [0_u8; 12];
    // Without random numbers the noise could still not hold it but by malice, and who has malice there has the server.
    let _ = getrandom::fill(&mut bytes);
    protocol::hex(bytes)
}

/// One word for a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_quoted_is_one_word_of_the_shell(text in "[^\u{0}]{0,40}") {
            let script = format!("printf %s {}", quoted(&text));
            let out = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}
