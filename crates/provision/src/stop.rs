//! Why a run stops.

use protocol::setup::{Choice, Obstacle, ObstacleKind};
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Nothing was harmed; it goes on once the cause is gone.
    #[error("{}; {}", .0.cause, .0.action)]
    Blocked(Obstacle),
    /// Something was tried and did not come out.
    #[error("{}; {}", .0.cause, .0.action)]
    Failed(Obstacle),
}

impl Stop {
    pub fn obstacle(&self) -> &Obstacle {
        match self {
            Self::Blocked(obstacle) | Self::Failed(obstacle) => obstacle,
        }
    }
}

pub(crate) fn obstacle(kind: ObstacleKind, cause: impl Into<String>, action: impl Into<String>) -> Obstacle {
    Obstacle { kind, cause: cause.into(), action: action.into(), choices: Vec::new() }
}

pub(crate) fn with(mut obstacle: Obstacle, choices: &[Choice]) -> Obstacle {
    obstacle.choices = choices.to_vec();
    obstacle
}

/// An error of the file system, in words and by kind.
pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Stop {
    let doing = doing.into();
    move |error| {
        let (kind, action) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ObstacleKind::Disk, "make room on the disk, then go on")
            }
            io::ErrorKind::ReadOnlyFilesystem => (
                ObstacleKind::ReadOnly,
                "make the file system writable (look at its errors first), then go on",
            ),
            io::ErrorKind::PermissionDenied => (ObstacleKind::Rights, "run it as root"),
            _ => (ObstacleKind::Other, "look at the cause, then go on: what was done stays done"),
        };
        Stop::Failed(obstacle(kind, format!("failed to {doing}: {error}"), action))
    }
}
