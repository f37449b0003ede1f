//! Before anything is touched: the program is sent, which makes the plan, and is taken back when nothing comes of it.

use super::{Begin, Contact, FirstError, INSTALL_LIMIT, Stage, fit, root};
use crate::entry::EntryError;
use crate::exec::{Framed, quoted};
use crate::upload::upload;
use protocol::setup::{Plan, Wish};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What lies of ours on the server.
#[derive(Debug)]
pub(super) enum Sent {
    Nothing,
    Part,
    Program { path: String },
}

const TAKE_BACK_LIMIT: Duration = Duration::from_secs(20);
/// The code of a shell that does not find a program.
const NOT_THERE: i32 = 127;

impl Contact {
    /// All that would be done for this wish. The server has the program afterwards, and nothing else.
    pub async fn plan(
        &mut self,
        wish: &Wish,
        how: &Begin<'_>,
        on: &mut (dyn FnMut(Stage) + Send),
        stop: &CancellationToken,
    ) -> Result<Plan, FirstError> {
        let garbled = |why: String| FirstError::Entry(EntryError::Garbled { why });
        let wish = serde_json::to_string(wish).map_err(|error| garbled(error.to_string()))?;
        let line = self.key(how.name)?.public_line()?;
        // Standard input may be sudo's.
        let fed = format!("/bin/sh -c 'w=$1; shift; printf %s \"$w\" | \"$@\"' sh {} ", quoted(&wish));
        let words = format!("setup plan --key {} --wish - --json", quoted(&line));
        let made = self.by_program((&fed, &words, Stage::Planning), how, on, stop).await?;
        root::installed(&made)?;
        let last = made.out.lines().rev().find(|line| line.starts_with('{')).unwrap_or_default();
        serde_json::from_str(last).map_err(|error| garbled(error.to_string()))
    }

    /// Runs the program as root, once it is there: what stands in front of its path, its words, and what that is called.
    pub(super) async fn by_program(
        &mut self,
        (before, words, stage): (&str, &str, Stage),
        how: &Begin<'_>,
        on: &mut (dyn FnMut(Stage) + Send),
        stop: &CancellationToken,
    ) -> Result<Framed, FirstError> {
        loop {
            let (path, fresh) = self.send(how, on, stop).await?;
            on(stage);
            let argv = format!("{before}{} {words}", quoted(&path));
            let done = self.as_root(&argv, INSTALL_LIMIT, how.ask.as_ref()).await?;
            if done.code != NOT_THERE || fresh {
                return Ok(done);
            }
            // Somebody cleared up, or another desktop was done with it: once more from the start.
            self.sent = Sent::Part;
        }
    }

    /// The program's path on the server, and whether it was sent just now.
    async fn send(
        &mut self,
        how: &Begin<'_>,
        on: &mut (dyn FnMut(Stage) + Send),
        stop: &CancellationToken,
    ) -> Result<(String, bool), FirstError> {
        let program = fit::choose(&self.found, how.programs).map_err(FirstError::Blocked)?;
        if let Sent::Program { path } = &self.sent {
            return Ok((path.clone(), false));
        }
        // Whoever may not become root is told so before a byte is sent.
        self.as_root("true", INSTALL_LIMIT, how.ask.as_ref()).await?;
        self.sent = Sent::Part;
        let path =
            upload(&self.session, program, &mut |progress| on(Stage::Uploading(progress)), stop).await?;
        self.sent = Sent::Program { path: path.clone() };
        Ok((path, true))
    }

    /// Nothing comes of it: the server is as it was found. Over a connection that is lost there is no way to see to it;
    /// the next meeting takes what lies there up again.
    pub async fn leave(&mut self) {
        self.take_back().await;
        self.password = None;
        self.session.close().await;
    }

    pub(super) async fn take_back(&mut self) {
        if !matches!(self.sent, Sent::Nothing) {
            let script = include_str!("take_back.sh");
            if self.session.exec(script, b"", TAKE_BACK_LIMIT).await.is_ok_and(|done| done.code == 0) {
                self.sent = Sent::Nothing;
            }
        }
    }
}
