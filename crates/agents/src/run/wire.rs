//! Lines from a process, bounded, in a form that a `select!` may drop and take up again.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What is done with a line that is longer than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// The stream is of no more use.
    Fail,
    /// Its beginning is kept.
    Cut,
}

pub(super) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    max: usize,
    too_long: TooLong,
    cutting: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub fn new(from: R, max: usize, too_long: TooLong) -> Self {
        Self { from, line: Vec::new(), max, too_long, cutting: false }
    }

    /// The next line without its end; `None` at the end of the stream. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<String, String>> {
        loop {
            let chunk = match self.from.fill_buf().await {
                Ok(chunk) => chunk,
                Err(error) => return Some(Err(format!("its output cannot be read: {error}"))),
            };
            if chunk.is_empty() {
                return (!self.line.is_empty()).then(|| Ok(self.take()));
            }
            let end = memchr::memchr(b'\n', chunk);
            let used = end.unwrap_or(chunk.len());
            let room = self.max.saturating_sub(self.line.len());
            if used > room && self.too_long == TooLong::Fail {
                return Some(Err(format!("it wrote a line of more than {} MiB", self.max >> 20)));
            }
            self.cutting |= used > room;
            self.line.extend_from_slice(&chunk[..used.min(room)]);
            self.from.consume(used + usize::from(end.is_some()));
            if end.is_some() {
                return Some(Ok(self.take()));
            }
        }
    }

    fn take(&mut self) -> String {
        // Nearly all lines are whole text, and need no copy.
        let mut line = String::from_utf8(std::mem::take(&mut self.line))
            .unwrap_or_else(|torn| String::from_utf8_lossy(torn.as_bytes()).into_owned());
        if std::mem::take(&mut self.cutting) {
            line.push('…');
        }
        line.truncate(line.trim_end_matches('\r').len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8], max: usize, too_long: TooLong) -> Vec<Result<String, String>> {
        let mut lines = Lines::new(bytes, max, too_long);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            let stop = line.is_err();
            seen.push(line);
            if stop {
                break;
            }
        }
        seen
    }

    #[tokio::test]
    async fn lines_are_taken_apart_and_the_last_needs_no_end() {
        let seen = all(b"a\r\n\nb\xff\nc", 10, TooLong::Fail).await;
        assert_eq!(seen, [Ok("a".into()), Ok(String::new()), Ok("b\u{fffd}".into()), Ok("c".into())]);
    }

    #[tokio::test]
    async fn a_line_over_the_bound_is_cut_or_fails() {
        assert_eq!(all(b"abcdef\ng", 3, TooLong::Cut).await, [Ok("abc…".into()), Ok("g".into())]);
        assert!(matches!(&all(b"abcdef\ng", 3, TooLong::Fail).await[..], [Err(_)]));
    }
}
