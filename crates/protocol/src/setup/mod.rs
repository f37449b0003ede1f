//! Setting a server up: what was found on it, the plan, what each step did, and how the server does afterwards. Spoken
//! by the server's own program and by the desktop, which may be of different versions: unknown fields are skipped, and
//! what a later version adds has a default.

mod found;
mod health;
mod plan;
mod progress;

pub use found::*;
pub use health::*;
pub use plan::*;
pub use progress::*;

use serde::{Deserialize, Serialize};

/// Why something cannot go on, and the one thing to do about it. Blocked is not failed: nothing was harmed, and the
/// same step goes on once the cause is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// What the screen branches on.
    pub kind: ObstacleKind,
    /// Names the cause: "port 80 is held by nginx (pid 812)".
    pub cause: String,
    /// The one thing to do: "put Loopwright behind it, or stop it".
    pub action: String,
    /// A choice in the wish that removes it, offered as a button.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// Another program holds a port that the sites need.
    Port,
    /// The package system is in use by another program.
    PackageLock,
    /// The package system is half-way through something.
    PackagesBroken,
    /// No `sudo`, or one that asks and got no password, or the wrong one.
    Rights,
    /// Not a system that this version sets up.
    System,
    Memory,
    Disk,
    /// The file system cannot be written.
    ReadOnly,
    /// Neither packages nor certificates can be fetched.
    Network,
    Clock,
    /// Something is there that we did not make, or that changed since.
    Taken,
    /// Another set-up runs.
    Running,
    /// The program on the server is newer than this desktop.
    Newer,
    /// Anything else, told in words.
    Other,
}

/// What the user may choose where a plan is blocked or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Serve on a loopback port, behind the web server that is there.
    BehindProxy,
    /// Stop and disable the service that holds the port.
    StopService,
    /// Let the package system finish what it was half-way through.
    RepairPackages,
    /// Wait, and go on by itself.
    Wait,
    /// Go on without this step.
    Skip,
}
