//! A channel as a stream of bytes. It is closed on the server's side too when it is dropped, which the library's is not.

use bytes::{Buf, Bytes};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a program printed on its standard error is kept up to this.
const SAID_LIMIT: usize = 2048;

pub struct Pipe {
    read: ChannelReadHalf,
    left: Bytes,
    ended: bool,
    write: Pin<Box<dyn AsyncWrite + Send>>,
    half: Option<ChannelWriteHalf<Msg>>,
    /// What came beside the bytes: a program's standard error.
    said: Vec<u8>,
    /// Kept for as long as the channel counts as an open session.
    _slot: Option<super::session::Slot>,
}

impl Pipe {
    pub(super) fn new(channel: Channel<Msg>, slot: Option<super::session::Slot>) -> Self {
        let (read, half) = channel.split();
        let write = Box::pin(half.make_writer());
        Self {
            read,
            left: Bytes::new(),
            ended: false,
            write,
            half: Some(half),
            said: Vec::new(),
            _slot: slot,
        }
    }

    /// What the program on the other side complained of.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.said).trim().to_owned()
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.left.is_empty() && !self.ended {
            // A fresh future each time: the receiver keeps the waker, nothing is lost between two.
            let message = std::task::ready!(pin!(self.read.wait()).poll(cx));
            match message {
                Some(ChannelMsg::Data { data }) => self.left = data,
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = SAID_LIMIT.saturating_sub(self.said.len());
                    self.said.extend(data.iter().take(room));
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => self.ended = true,
                Some(_) => {}
            }
        }
        Poll::Ready(())
    }
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipe").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        std::task::ready!(this.poll_fill(cx));
        let count = this.left.len().min(buffer.remaining());
        buffer.put_slice(this.left.get(..count).unwrap_or_default());
        this.left.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().write.as_mut().poll_write(cx, bytes)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().write.as_mut().poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().write.as_mut().poll_shutdown(cx)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        close(self.half.take());
    }
}

/// Outside a runtime there is no connection either.
pub(super) fn close(half: Option<ChannelWriteHalf<Msg>>) {
    if let (Some(half), Ok(runtime)) = (half, tokio::runtime::Handle::try_current()) {
        runtime.spawn(async move {
            let _ = half.close().await;
        });
    }
}
