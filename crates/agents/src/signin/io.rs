//! How we hear a program that signs in and talk to it: pipes, or a terminal for those that want one.

use crate::Setup;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Gid, Uid};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::Child;

/// Wide enough that no address is broken.
const SIZE: Winsize = Winsize { ws_row: 100, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
const CHUNK: usize = 8 << 10;

type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;

pub(super) struct Streams {
    input: Option<Box<dyn AsyncWrite + Send + Sync + Unpin>>,
    output: Option<Reader>,
    errors: Option<Reader>,
}

/// A new terminal: our end, and the end for the program.
pub(super) fn terminal(setup: &Setup) -> io::Result<(OwnedFd, OwnedFd)> {
    let outside = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&outside)?;
    rustix::pty::unlockpt(&outside)?;
    let name = rustix::pty::ptsname(&outside, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let inside = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
    rustix::termios::tcsetwinsize(&inside, SIZE)?;
    if let Some(user) = setup.run_as {
        // Programs open their terminal again by its name.
        rustix::fs::fchown(&inside, Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)))?;
    }
    let flags = rustix::fs::fcntl_getfl(&outside)?;
    rustix::fs::fcntl_setfl(&outside, flags | OFlags::NONBLOCK)?;
    Ok((outside, inside))
}

impl Streams {
    pub fn pipes(child: &mut Child) -> Streams {
        Streams {
            input: child.stdin.take().map(|stdin| Box::new(stdin) as _),
            output: child.stdout.take().map(|stdout| Box::new(stdout) as _),
            errors: child.stderr.take().map(|stderr| Box::new(stderr) as _),
        }
    }

    /// A terminal is read and written as a pipe is.
    pub fn terminal(outside: OwnedFd) -> io::Result<Streams> {
        let input = pipe::Sender::from_owned_fd_unchecked(outside.try_clone()?)?;
        let output = pipe::Receiver::from_owned_fd_unchecked(outside)?;
        Ok(Streams { input: Some(Box::new(input)), output: Some(Box::new(output)), errors: None })
    }

    /// What it printed next; `None` once its output has ended. Nothing is lost when the future is dropped.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let (mut from_output, mut from_errors) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            tokio::select! {
                read = next(&mut self.output, &mut from_output), if self.output.is_some() => match read {
                    0 => self.output = None,
                    read => { from_output.truncate(read); return Some(from_output) }
                },
                read = next(&mut self.errors, &mut from_errors), if self.errors.is_some() => match read {
                    0 => self.errors = None,
                    read => { from_errors.truncate(read); return Some(from_errors) }
                },
                else => return None,
            }
        }
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(bytes).await?;
        input.flush().await
    }
}

/// An error is the end: a terminal that nobody holds any more answers with one.
async fn next(stream: &mut Option<Reader>, bytes: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(bytes).await.unwrap_or(0),
        None => 0,
    }
}
