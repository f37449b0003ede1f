//! One run at a time. The lock file names its owner; the kernel lets the lock of a dead one go.

use crate::place::{Root, paths};
use crate::stop::{Stop, io, obstacle};
use protocol::setup::ObstacleKind;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// One process and no other: numbers are given again, after a while or after a start of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    /// In the kernel's ticks.
    pub started: u64,
    pub boot: String,
    /// What it does, for the message.
    pub work: String,
}

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Owner {
    pub fn this(work: &str) -> Owner {
        let pid = std::process::id();
        Owner { pid, started: started(pid).unwrap_or(0), boot: boot(), work: work.to_owned() }
    }

    fn lives(&self) -> bool {
        self.boot == boot() && started(self.pid) == Some(self.started)
    }
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn path_of(root: &Root) -> PathBuf {
    root.at(paths::SETUP).join("lock")
}

fn owner_in(root: &Root) -> Option<Owner> {
    serde_json::from_slice(&std::fs::read(path_of(root)).ok()?).ok()
}

impl Lock {
    pub fn take(root: &Root, owner: &Owner) -> Result<Lock, Stop> {
        let path = path_of(root);
        let folder = root.at(paths::SETUP);
        let failed = || io(format!("lock {}", path.display()));
        std::fs::create_dir_all(&folder).map_err(io(format!("make {}", folder.display())))?;
        let opened = File::options().write(true).create(true).truncate(false).mode(0o644).open(&path);
        let mut file = opened.map_err(failed())?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(owner_in(root), since(&file))),
            Err(e) => return Err(failed()(e.into())),
        }
        let text = serde_json::to_vec(owner).unwrap_or_default();
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed())?;
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(failed())?;
        Ok(Lock { file })
    }

    /// Who is at work now.
    pub fn holder(root: &Root) -> Option<Owner> {
        owner_in(root).filter(Owner::lives)
    }
}

/// The file is written when the lock is taken.
fn since(file: &File) -> String {
    let written = file.metadata().and_then(|meta| meta.modified());
    let whole = written.map(httpdate::fmt_http_date).unwrap_or_default();
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    whole.get(17..25).map_or_else(String::new, |time| format!(" since {time} UTC"))
}

fn held(other: Option<Owner>, since: String) -> Stop {
    let who = other.map_or_else(String::new, |other| format!(": process {} {}", other.pid, other.work));
    let cause = format!("another set-up runs{since}{who}");
    let action = "wait for its end: `loopwrightd setup status --follow` on the server shows it";
    Stop::Blocked(obstacle(ObstacleKind::Running, cause, action))
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}
