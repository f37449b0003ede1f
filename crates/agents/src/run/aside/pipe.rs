//! A named pipe in the run's private folder, which a program takes for its log file: what it writes is heard at once and
//! never fills a disk.

use super::Told;
use super::telemetry::Reader;
use crate::RunAs;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

const CHUNK: usize = 64 << 10;
/// What the system lets anybody have.
#[cfg(target_os = "linux")]
const ROOM: usize = 1 << 20;

pub(super) struct Pipe {
    read: pipe::Receiver,
    /// Held so that the pipe has no end before we want one.
    _write: OwnedFd,
}

impl Pipe {
    pub fn make(path: &Path, owner: Option<RunAs>) -> io::Result<Pipe> {
        rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let read = rustix::fs::open(path, flags | OFlags::RDONLY, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&read)?.st_mode) != FileType::Fifo {
            return Err(io::Error::other("its telemetry pipe was replaced"));
        }
        if let Some(user) = owner {
            // What was opened, not what has the name now: the folder is the agents' user's.
            std::os::unix::fs::fchown(&read, Some(user.uid), Some(user.gid))?;
        }
        // A program may write its log by several streams at once. What fits is written in one piece; what does not is torn
        // apart by the others.
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&read, ROOM);
        let write = rustix::fs::open(path, flags | OFlags::WRONLY, Mode::empty())?;
        Ok(Pipe { read: pipe::Receiver::from_owned_fd(read)?, _write: write })
    }

    /// Reads until the run is over, and then what is still in the pipe.
    pub async fn listen(
        mut self,
        mut reader: Reader,
        tell: mpsc::UnboundedSender<Told>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut chunk = vec![0; CHUNK];
        loop {
            tokio::select! {
                read = self.read.read(&mut chunk) => match read {
                    Ok(count) if count > 0 => reader.take(&chunk[..count], |told| drop(tell.send(told))),
                    _ => return,
                },
                _ = &mut stopped => break,
            }
        }
        // The program is dead: what is not in the pipe now will never be. The system is asked, since the runtime may not
        // have heard of the last bytes yet.
        while let Ok(count) = rustix::io::read(&self.read, &mut chunk[..])
            && count > 0
        {
            reader.take(&chunk[..count], |told| drop(tell.send(told)));
        }
    }
}
