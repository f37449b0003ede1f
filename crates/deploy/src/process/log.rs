//! What a child prints, kept in a file that cannot grow past twice its cap.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::RunAs;

/// A log file; full, it becomes `<name>.1` and a new one is begun.
pub(crate) struct CappedLog {
    path: PathBuf,
    cap: u64,
    file: File,
    written: u64,
}

impl CappedLog {
    pub(crate) fn open(path: &Path, cap: u64) -> io::Result<CappedLog> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let written = file.metadata()?.len();
        Ok(CappedLog { path: path.to_owned(), cap, file, written })
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let size = data.len() as u64;
        if self.written + size > self.cap && self.written > 0 {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.path, &old)?;
            *self = CappedLog::open(&self.path, self.cap)?;
        }
        self.file.write_all(data)?;
        self.written += size;
        Ok(())
    }
}

/// Copies a pipe into a log until told to finish.
#[derive(Debug)]
pub(crate) struct LogPump {
    finish: CancellationToken,
    task: JoinHandle<()>,
}

impl LogPump {
    /// Over an anonymous pipe: the returned file is the child's stdout and stderr.
    pub(crate) fn anonymous(log: CappedLog) -> io::Result<(LogPump, File)> {
        let (sender, receiver) = pipe::pipe()?;
        Ok((LogPump::start(receiver, log), File::from(sender.into_blocking_fd()?)))
    }

    /// Over a named pipe that outlives this process. The child holds both ends of it, so that it is never told "broken pipe"
    /// when its supervisor dies, and the next supervisor reads on.
    pub(crate) fn named(fifo: &Path, log: CappedLog, owner: Option<RunAs>) -> io::Result<(LogPump, File)> {
        match rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(cause) => return Err(cause.into()),
        }
        let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(fifo)?;
        if let Some(RunAs { uid, gid }) = owner {
            std::os::unix::fs::chown(fifo, Some(uid), Some(gid))?;
        }
        let child = OpenOptions::new().read(true).write(true).open(fifo)?;
        Ok((LogPump::start(receiver, log), child))
    }

    fn start(pipe: pipe::Receiver, log: CappedLog) -> LogPump {
        let finish = CancellationToken::new();
        let task = tokio::spawn(pump(pipe, log, finish.clone()));
        LogPump { finish, task }
    }

    /// Ends after all that is in the pipe now has been written.
    pub(crate) async fn finish(self) {
        self.finish.cancel();
        let _ = self.task.await;
    }
}

async fn pump(pipe: pipe::Receiver, mut log: CappedLog, finish: CancellationToken) {
    let mut buffer = vec![0; 8 * 1024];
    let mut ending = false;
    loop {
        match pipe.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(size) => {
                // A full disk must not stop the app: what cannot be kept is dropped.
                if let Err(cause) = log.write(&buffer[..size]) {
                    tracing::debug!(%cause, "a line of an app's log is lost");
                }
                continue;
            }
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        if ending {
            return;
        }
        tokio::select! {
            ready = pipe.readable() => if ready.is_err() { return },
            () = finish.cancelled() => ending = true,
        }
    }
}

/// The last lines of a log, at most `lines` of them and 8 KiB.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(8 * 1024);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(8 * 1024).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_never_grows_past_twice_its_cap_and_keeps_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let log = CappedLog::open(&path, 10_000).unwrap();
        let (pump, mut child) = LogPump::named(&dir.path().join("app.pipe"), log, None).unwrap();
        tokio::task::spawn_blocking(move || {
            for line in 0..10_000 {
                writeln!(child, "line {line}").unwrap();
            }
        })
        .await
        .unwrap();
        pump.finish().await;
        let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
        assert!(size("app.log") <= 10_000 && size("app.log.1") <= 10_000);
        assert_eq!(tail(&path, 1), "line 9999");
    }
}
