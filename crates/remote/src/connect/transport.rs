//! The bytes' way to the server: a socket, or a channel of another session. Guarded: a peer that neither sends nor takes
//! anything for too long is dead, also while the SSH library is blocked in a write.

use super::{Limits, Session};
use crate::trouble::ConnectError;
use protocol::desk::Target;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};

/// Either kind of line.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

pub(super) type Guarded = Guard<Box<dyn Line>>;

/// The first bytes that came, for telling what is not an SSH server by what it says.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

/// A server may say something before its first line of SSH; who says this much and no such line is none.
const HEARD: usize = 1024;

impl Heard {
    fn note(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = HEARD.saturating_sub(heard.len()).min(bytes.len());
        heard.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    /// Something came, and no line of it is how an SSH server begins.
    pub fn is_something_else(&self) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !heard.is_empty() && !heard.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-"))
    }
}

pub(super) async fn direct(target: &Target, limits: &Limits) -> Result<Guarded, ConnectError> {
    let host = || target.host.clone();
    let found = timeout(limits.resolve, tokio::net::lookup_host((target.host.as_str(), target.port))).await;
    let found = found.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
    let addresses: Vec<_> = found.map_err(|source| ConnectError::Dns { host: host(), source })?.collect();
    let mut last = None;
    for address in addresses {
        let socket = timeout(limits.connect, TcpStream::connect(address)).await;
        match socket.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut))) {
            Ok(socket) => {
                // Small packets wait for nothing; a socket that cannot do that still works.
                let _ = socket.set_nodelay(true);
                return Ok(Guard::new(Box::new(socket), limits.dead));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(unreachable(target, limits, last))
}

fn unreachable(target: &Target, limits: &Limits, error: Option<io::Error>) -> ConnectError {
    let (host, port) = (target.host.clone(), target.port);
    match error {
        None => ConnectError::Dns { host, source: io::Error::from(io::ErrorKind::NotFound) },
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            ConnectError::Refused { host, port }
        }
        Some(error) if error.kind() == io::ErrorKind::TimedOut => {
            ConnectError::Silent { host, port, seconds: limits.connect.as_secs() }
        }
        // Somebody on the way says so, or this computer's own network does.
        Some(source) if source.kind() == io::ErrorKind::HostUnreachable => {
            ConnectError::Unreachable { host, source }
        }
        Some(source) => ConnectError::NoRoute { host, source },
    }
}

pub(super) async fn through(
    jump: &Session,
    target: &Target,
    limits: &Limits,
) -> Result<Guarded, ConnectError> {
    let refused = |why: String| ConnectError::JumpRefused {
        jump: jump.target().host.clone(),
        host: target.host.clone(),
        why,
    };
    match timeout(limits.connect, jump.tcp(&target.host, target.port)).await {
        Ok(Ok(pipe)) => Ok(Guard::new(Box::new(pipe), limits.dead)),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(ConnectError::Silent {
            host: target.host.clone(),
            port: target.port,
            seconds: limits.connect.as_secs(),
        }),
    }
}

/// Ends reads and writes with `TimedOut` when nothing moved for `limit`.
pub(super) struct Guard<S> {
    inner: S,
    limit: Duration,
    read: Watch,
    write: Watch,
    heard: Heard,
}

impl<S> Guard<S> {
    fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit, read: Watch::default(), write: Watch::default(), heard: Heard::default() }
    }

    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

/// A clock that runs only while something is waited for.
#[derive(Default)]
struct Watch(Option<Pin<Box<Sleep>>>);

impl Watch {
    fn judge<T>(
        &mut self,
        limit: Duration,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.0 = None;
            return polled;
        }
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the server stopped answering")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buffer);
        // What comes after the first kilobyte costs no more than this look.
        this.heard.note(buffer.filled().get(before..).unwrap_or_default());
        this.read.judge(this.limit, cx, polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.write.judge(this.limit, cx, polled)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_flush(cx);
        this.write.judge(this.limit, cx, polled)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.write.judge(this.limit, cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_line_on_which_nothing_moves_is_dead_and_one_that_moves_is_not() {
        let (mut here, there) = tokio::io::duplex(4);
        let mut line = Guard::new(there, Duration::from_millis(50));
        here.write_all(b"x").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), b'x');
        assert_eq!(line.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(line.write_all(b"more than four").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
