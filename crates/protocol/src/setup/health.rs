//! How a server does.

use super::{Obstacle, SetupEntry, SetupEvent, Work};
use crate::At;
use serde::{Deserialize, Serialize};

/// The first thing that the server's program says: who it is, so that a downgrade or another API is refused in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    pub version: String,
    /// Version of the control API.
    pub api: u32,
    /// Hex SHA-256 of the program itself.
    pub sha256: String,
    pub arch: String,
    pub host: String,
    /// Path of the control socket.
    pub control: String,
    pub setup: SetupState,
}

/// Where the set-up stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SetupState {
    Never,
    /// A run is at work now.
    Running {
        work: Work,
        seq: u64,
    },
    /// A run was cut short; it goes on by `setup apply` (or by itself after a start).
    Unfinished {
        work: Work,
        seq: u64,
    },
    /// The last run met something that needs the user.
    Blocked {
        work: Work,
        step: String,
        obstacle: Obstacle,
        seq: u64,
    },
    Done {
        seq: u64,
        at: At,
    },
}

impl SetupState {
    /// Where a set-up stands by its journal. `works`: somebody is at work on it; a run without an end was cut otherwise.
    pub fn of(entries: &[SetupEntry], works: bool) -> Self {
        let seq = entries.last().map_or(0, |entry| entry.seq);
        let going = |work| if works { Self::Running { work, seq } } else { Self::Unfinished { work, seq } };
        let mut state = Self::Never;
        // Since when it is set up: that another desktop was let in since changes nothing.
        let mut done = None;
        for entry in entries {
            match &entry.event {
                SetupEvent::Started { work, .. } => state = going(*work),
                SetupEvent::Blocked { step, obstacle } | SetupEvent::Failed { step, obstacle } => {
                    if let Self::Running { work, .. } | Self::Unfinished { work, .. } = state {
                        let (step, obstacle) = (step.clone(), obstacle.clone());
                        state = Self::Blocked { work, step, obstacle, seq };
                    }
                }
                // The desktop has its way in, and the set-up itself is still to come.
                SetupEvent::Finished { ok: true, work: Work::Begin, .. } => {
                    state = done.clone().unwrap_or_else(|| going(Work::Apply));
                }
                SetupEvent::Finished { ok: true, .. } => {
                    state = Self::Done { seq, at: entry.at };
                    done = Some(state.clone());
                }
                SetupEvent::Finished { ok: false, .. }
                | SetupEvent::StepStarted { .. }
                | SetupEvent::Doing { .. }
                | SetupEvent::Waiting { .. }
                | SetupEvent::Intent { .. }
                | SetupEvent::Wrote { .. }
                | SetupEvent::StepDone { .. }
                | SetupEvent::Kept { .. } => {}
            }
        }
        state
    }
}

/// Read live on the server. What could not be read is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Version of the daemon that runs; none when none answers.
    pub daemon: Option<String>,
    pub edge: bool,
    pub units: Vec<UnitState>,
    /// Seconds since the server started.
    pub uptime: Option<u64>,
    /// One-minute load.
    pub load: Option<f64>,
    pub cores: Option<u32>,
    /// Bytes.
    pub memory: Option<Room>,
    pub swap: Option<Room>,
    pub disk: Option<Room>,
    pub certificates: Vec<Certificate>,
    /// Ports on which something listens on other than loopback addresses.
    pub open: Vec<OpenPort>,
    pub reboot_needed: Option<bool>,
    pub time_synced: Option<bool>,
    pub security_updates: Option<bool>,
    /// An agent's own sandbox can be made here.
    pub sandbox: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub used: u64,
    pub total: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    pub name: String,
    /// As systemd says it: "active", "failed".
    pub state: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// A domain or an address.
    pub name: String,
    pub until: Option<At>,
    /// Why there is none, or why the last renewal failed.
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub state: CertificateState,
    /// Who vouches for it.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The one thing to do about the error.
    #[serde(default)]
    pub next: Option<String>,
    /// When it is tried again, or renewed.
    #[serde(default)]
    pub due: Option<At>,
}

/// Where a name's certificate stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    /// Nobody agreed to the authority's terms, or another web server holds the ports: none is asked for.
    NotAsked,
    /// The name does not lead here: nothing is asked of the authority until it does.
    Blocked,
    /// It is being asked for.
    Ordering,
    /// Good, and served. With an error: its renewal failed, and is tried again.
    Standing,
    /// There is none; it is tried again.
    Failed,
    /// Its time is over, and the renewal failed.
    Expired,
    /// Said by a newer program, or not known yet.
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPort {
    pub port: u16,
    pub program: Option<String>,
}

/// What answered when the desktop tried the server from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    pub at: At,
    /// The address that was tried.
    pub address: String,
    pub tried: Vec<Tried>,
}

impl Exposure {
    /// Ports that answered and should not.
    pub fn wrong(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|tried| tried.open && !tried.meant)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub port: u16,
    /// What would answer there: "dashboard", "memory".
    pub what: String,
    pub open: bool,
    /// It is meant to answer from outside.
    pub meant: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::ObstacleKind;

    #[test]
    fn where_a_set_up_stands_is_read_out_of_its_journal() {
        let started = SetupEvent::Started {
            work: Work::Apply,
            version: "1".into(),
            plan: "p".into(),
            steps: vec!["users".into()],
            resumed: false,
        };
        let obstacle = Obstacle {
            kind: ObstacleKind::Port,
            cause: "port 80 is held by nginx".into(),
            action: "stop it".into(),
            choices: vec![],
        };
        let blocked = SetupEvent::Blocked { step: "ports".into(), obstacle };
        let finished = |ok| SetupEvent::Finished { work: Work::Apply, ok, changes: 1, millis: 5 };
        let log = |events: Vec<SetupEvent>| -> Vec<SetupEntry> {
            (1..).zip(events).map(|(seq, event)| SetupEntry { seq, at: At(7), event }).collect()
        };
        assert_eq!(SetupState::of(&[], true), SetupState::Never);
        assert_eq!(
            SetupState::of(&log(vec![started.clone()]), true),
            SetupState::Running { work: Work::Apply, seq: 1 }
        );
        assert_eq!(
            SetupState::of(&log(vec![started.clone()]), false),
            SetupState::Unfinished { work: Work::Apply, seq: 1 }
        );
        let stuck = SetupState::of(&log(vec![started.clone(), blocked, finished(false)]), false);
        assert!(matches!(stuck, SetupState::Blocked { seq: 3, .. }), "{stuck:?}");
        let done = SetupState::Done { seq: 2, at: At(7) };
        assert_eq!(SetupState::of(&log(vec![started.clone(), finished(true)]), false), done);
        // The way in alone is no set-up; beside one it changes nothing.
        let way_in = |ok| SetupEvent::Finished { work: Work::Begin, ok, changes: 9, millis: 5 };
        let cut = SetupState::of(&log(vec![started.clone(), way_in(true)]), false);
        assert_eq!(cut, SetupState::Unfinished { work: Work::Apply, seq: 2 });
        let again = vec![started.clone(), finished(true), started, way_in(true)];
        assert!(matches!(SetupState::of(&log(again), false), SetupState::Done { .. }));
    }
}
