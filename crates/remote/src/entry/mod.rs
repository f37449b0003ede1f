//! The verbs of the server's own program, once the desktop signs in as its own user: the only things which that user can
//! do. Answers are lines of JSON; words for people come beside them.

mod follow;
mod send;
mod verb;

pub use follow::Follow;

use crate::connect::Session;
use crate::exec::ExecError;
use crate::upload::{Program, Progress, UploadError};
use protocol::desk::Left;
use protocol::setup::{Change, Choice, Greeting, Health, Obstacle, Plan, SetupEntry, Wish};
use serde::Deserialize;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;
use verb::{ask, quoted};

/// A server, by its program's verbs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Entry(Session);

#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Something stands in the way; nothing was harmed.
    #[error("{}", .0.cause)]
    Blocked(Obstacle),
    #[error("{}", .0.cause)]
    Failed(Obstacle),
    /// The server is not as it was when the plan was shown; this is the plan now.
    #[error("the server is not as it was when the plan was shown")]
    PlanChanged(Box<Plan>),
    #[error("the server's program refused it: {words}")]
    Refused { words: String },
    #[error("what the server's program said cannot be understood: {why}")]
    Garbled { why: String },
    #[error("it cannot be written on this computer")]
    Local(#[source] std::io::Error),
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl EntryError {
    pub fn next(&self) -> String {
        match self {
            Self::Blocked(obstacle) | Self::Failed(obstacle) => obstacle.action.clone(),
            Self::PlanChanged(_) => "look at the plan as it is now".into(),
            Self::Refused { .. } | Self::Garbled { .. } => {
                "bring this app and the server to one version".into()
            }
            Self::Local(_) => "make room on this computer's disk".into(),
            Self::Exec(error) => error.next(),
        }
    }

    /// The connection went; what was begun may go on.
    pub fn lost(&self) -> bool {
        matches!(self, Self::Exec(ExecError::Lost { .. } | ExecError::TimedOut { .. }))
    }
}

/// How everything of ours is taken off the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    pub keep_data: bool,
    /// A folder of the server for an export made before.
    pub export: Option<String>,
}

/// What a removal would take and leave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Removes {
    pub removes: Vec<Change>,
    pub keeps: Vec<Left>,
}

/// An export that lies on the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Exported {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

#[derive(Deserialize)]
struct After {
    after: u64,
}

impl Entry {
    pub fn new(session: Session) -> Self {
        Self(session)
    }

    pub fn session(&self) -> &Session {
        &self.0
    }

    pub async fn hello(&self) -> Result<Greeting, EntryError> {
        ask(&self.0, "hello", b"").await
    }

    pub async fn health(&self) -> Result<Health, EntryError> {
        ask(&self.0, "setup health --json", b"").await
    }

    /// What would be done. Without a wish, by the one of the last run.
    pub async fn plan(&self, wish: Option<&Wish>) -> Result<Plan, EntryError> {
        let (words, input) = wished("setup plan --json", wish)?;
        ask(&self.0, &words, &input).await
    }

    /// Begins the run, which goes on without us; its journal is followed from the number given back.
    pub async fn apply(&self, wish: Option<&Wish>, plan: Option<&str>) -> Result<u64, EntryError> {
        let (mut words, input) = wished("setup apply --detach --json", wish)?;
        if let Some(plan) = plan {
            words = format!("{words} --plan {}", quoted(plan)?);
        }
        Ok(ask::<After>(&self.0, &words, &input).await?.after)
    }

    /// What the last run was asked for once more, with answers to what its steps asked.
    pub async fn go_on(&self, choices: &[(String, Choice)]) -> Result<u64, EntryError> {
        let mut words = "setup apply --detach --json".to_owned();
        for (step, choice) in choices {
            let choice = serde_json::to_value(choice).map_err(|error| garbled(&error))?;
            let answer = format!("{step}={}", choice.as_str().unwrap_or_default());
            words = format!("{words} --choice {}", quoted(&answer)?);
        }
        Ok(ask::<After>(&self.0, &words, b"").await?.after)
    }

    pub async fn repair(&self) -> Result<u64, EntryError> {
        Ok(ask::<After>(&self.0, "setup repair --detach --json", b"").await?.after)
    }

    /// To a program that [`Entry::put`] has put there.
    pub async fn upgrade(&self, path: &str, sha256: &str) -> Result<u64, EntryError> {
        let words = format!("setup upgrade {} --sha256 {} --detach --json", quoted(path)?, quoted(sha256)?);
        Ok(ask::<After>(&self.0, &words, b"").await?.after)
    }

    pub async fn would_remove(&self) -> Result<Removes, EntryError> {
        ask(&self.0, "setup remove --dry-run --json", b"").await
    }

    /// The connection ends before the run does, with the user that it is signed in as: that is the expected end.
    pub async fn remove(&self, how: &Removal) -> Result<u64, EntryError> {
        let mut words = "setup remove --detach --json".to_owned();
        if how.keep_data {
            words.push_str(" --keep-data");
        }
        if let Some(folder) = &how.export {
            words = format!("{words} --export {}", quoted(folder)?);
        }
        Ok(ask::<After>(&self.0, &words, b"").await?.after)
    }

    /// What the journal holds after a number.
    pub async fn status(&self, after: u64) -> Result<Vec<SetupEntry>, EntryError> {
        let done = verb::run(&self.0, &format!("setup status --after {after} --json"), b"").await?;
        done.lines()?.iter().map(|line| verb::read(line)).collect()
    }

    /// The same, and then what is added, until the run is over.
    pub async fn follow(&self, after: u64) -> Result<Follow, EntryError> {
        Follow::start(&self.0, &format!("setup status --after {after} --follow --json")).await
    }

    /// Makes an export on the server.
    pub async fn export(&self) -> Result<Exported, EntryError> {
        ask(&self.0, "setup export --json", b"").await
    }

    /// Fetches an export, from `offset` on; gives the bytes that came.
    pub async fn get(
        &self,
        path: &str,
        offset: u64,
        into: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u64, EntryError> {
        send::get(&self.0, &format!("get {} {offset}", quoted(path)?), into).await
    }

    /// Sends a program for an upgrade and gives its path there. After a cut, the same call goes on from where that was.
    pub async fn put(
        &self,
        program: &Program,
        on: &mut (dyn FnMut(Progress) + Send),
        stop: &CancellationToken,
    ) -> Result<String, UploadError> {
        send::put(&self.0, program, on, stop).await
    }
}

fn garbled(error: &serde_json::Error) -> EntryError {
    EntryError::Garbled { why: error.to_string() }
}

fn wished(words: &str, wish: Option<&Wish>) -> Result<(String, Vec<u8>), EntryError> {
    match wish {
        None => Ok((words.to_owned(), Vec::new())),
        Some(wish) => {
            let input = serde_json::to_vec(wish).map_err(|error| garbled(&error))?;
            Ok((format!("{words} --wish -"), input))
        }
    }
}
