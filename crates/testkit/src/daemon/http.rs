//! As much HTTP/1.1 over a unix socket as a test needs: one request per connection, plain or chunked answers, streams.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// One request and its whole answer: status and body.
pub fn exchange(
    socket: &Path,
    method: &str,
    path: &str,
    body: &[u8],
    within: Duration,
) -> Result<(u16, Vec<u8>)> {
    let deadline = Instant::now() + within;
    let mut answer = open(socket, method, path, body, deadline)?;
    let mut bytes = Vec::new();
    answer.read_to_end(&mut bytes)?;
    Ok((answer.status, bytes))
}

/// An answer that goes on.
pub fn stream(socket: &Path, path: &str, deadline: Instant) -> Result<BufReader<Answer>> {
    let answer = open(socket, "GET", path, b"", deadline)?;
    if answer.status != 200 {
        return Err(Error::other(format!("GET {path}: HTTP {}", answer.status)));
    }
    Ok(BufReader::new(answer))
}

fn open(socket: &Path, method: &str, path: &str, body: &[u8], deadline: Instant) -> Result<Answer> {
    let mut connection = UnixStream::connect(socket)?;
    connection.set_read_timeout(Some(left(deadline)?))?;
    connection.set_write_timeout(Some(left(deadline)?))?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    // In one go: an answer that needs no body may come, and the connection end, before a second write.
    connection.write_all(&request)?;
    Answer::read_head(BufReader::new(connection))
}

fn left(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::new(ErrorKind::TimedOut, "the deadline has passed")) } else { Ok(left) }
}

/// An answer after its head; reading gives its body.
pub struct Answer {
    pub status: u16,
    connection: BufReader<UnixStream>,
    rest: Rest,
}

enum Rest {
    /// Up to the connection's end.
    Open,
    Bytes(u64),
    /// Chunked, with this much of the current chunk left.
    Chunk(u64),
}

impl Answer {
    fn read_head(mut connection: BufReader<UnixStream>) -> Result<Answer> {
        let line = read_line(&mut connection)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "no HTTP answer"))?;
        let mut rest = Rest::Open;
        loop {
            let line = read_line(&mut connection)?.to_ascii_lowercase();
            match line.split_once(':') {
                None => return Ok(Answer { status, connection, rest }),
                Some(("content-length", length)) => {
                    rest = Rest::Bytes(length.trim().parse().map_err(Error::other)?);
                }
                Some(("transfer-encoding", _)) => rest = Rest::Chunk(0),
                Some(_) => {}
            }
        }
    }

    /// From now on a read fails at the deadline.
    pub fn until(&self, deadline: Instant) -> Result<()> {
        self.connection.get_ref().set_read_timeout(Some(left(deadline)?))
    }

    /// The size of the next chunk; the line end after the one before is passed over.
    fn next_chunk(&mut self) -> Result<u64> {
        loop {
            let line = read_line(&mut self.connection)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            if !size.is_empty() {
                return u64::from_str_radix(size, 16).map_err(Error::other);
            }
        }
    }

    fn take(&mut self, bytes: &mut [u8], most: u64) -> Result<usize> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
        let read = self.connection.read(&mut bytes[..most])?;
        if read == 0 && most > 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the answer was cut"));
        }
        Ok(read)
    }
}

impl Read for Answer {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        match self.rest {
            Rest::Open => self.connection.read(bytes),
            Rest::Bytes(0) => Ok(0),
            Rest::Bytes(left) => {
                let read = self.take(bytes, left)?;
                self.rest = Rest::Bytes(left - read as u64);
                Ok(read)
            }
            Rest::Chunk(left) => {
                let left = if left == 0 { self.next_chunk()? } else { left };
                if left == 0 {
                    self.rest = Rest::Bytes(0);
                    return Ok(0);
                }
                let read = self.take(bytes, left)?;
                self.rest = Rest::Chunk(left - read as u64);
                Ok(read)
            }
        }
    }
}

/// A line without its end; a connection that ends inside the head is an error.
fn read_line(connection: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the connection ended"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
