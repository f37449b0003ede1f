//! The frame round a script's output. The marks are put together on the server out of two pieces, so that a shell which
//! prints the command itself does not print a mark.

use super::quoted;

/// The words that the server's login shell gets, whatever shell that is.
pub(super) fn command(token: &str, script: &str) -> String {
    let framed = format!(
        "m=lw{token}\nprintf '\\n%s:begin\\n' \"$m\"\nprintf '\\n%s:begin\\n' \"$m\" >&2\n(\n{script}\n)\nr=$?\n\
         printf '\\n%s:end %s\\n' \"$m\" \"$r\" >&2\nprintf '\\n%s:end %s\\n' \"$m\" \"$r\"\nexit $r"
    );
    format!("exec /bin/sh -c {}", quoted(&framed))
}

/// One stream of a framed script.
pub(super) struct Frame {
    bytes: Vec<u8>,
    begin: Vec<u8>,
    ending: Vec<u8>,
    /// Where the content starts, once the first mark is seen.
    from: Option<usize>,
    end: Option<End>,
}

#[derive(Clone, Copy)]
struct End {
    /// Where the content ends, and where the mark does.
    content: usize,
    mark: usize,
    code: i32,
}

impl Frame {
    pub fn new(token: &str) -> Self {
        let begin = format!("lw{token}:begin\n").into_bytes();
        Self {
            bytes: Vec::new(),
            begin,
            ending: format!("\nlw{token}:end ").into_bytes(),
            from: None,
            end: None,
        }
    }

    pub fn push(&mut self, data: &[u8]) {
        // A mark may lie across the seam.
        let seam = self.bytes.len().saturating_sub(self.ending.len() + 16);
        self.bytes.extend_from_slice(data);
        if self.from.is_none() {
            self.from = find(&self.bytes, &self.begin, seam).map(|at| at + self.begin.len());
        }
        if let (Some(from), None) = (self.from, self.end) {
            // The newline before the end mark may be the one that ends the first mark.
            self.end = self.find_end(seam.max(from.saturating_sub(1)));
        }
    }

    fn find_end(&self, from: usize) -> Option<End> {
        let at = find(&self.bytes, &self.ending, from)?;
        let digits = at + self.ending.len();
        let rest = self.bytes.get(digits..)?;
        let line = rest.iter().position(|byte| *byte == b'\n')?;
        let code = std::str::from_utf8(rest.get(..line)?).ok()?.parse().ok()?;
        Some(End { content: at, mark: digits + line + 1, code })
    }

    pub fn begun(&self) -> bool {
        self.from.is_some()
    }

    pub fn end(&self) -> Option<i32> {
        self.end.map(|end| end.code)
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// Between the marks, so far.
    pub fn content(&self) -> &[u8] {
        let Some(from) = self.from else { return &[] };
        let to = self.end.map_or(self.bytes.len(), |end| end.content);
        self.bytes.get(from..to.max(from)).unwrap_or_default()
    }

    pub fn before(&self) -> &[u8] {
        let to = self.from.map_or(self.bytes.len(), |from| from.saturating_sub(self.begin.len()));
        self.bytes.get(..to).unwrap_or_default()
    }

    pub fn after(&self) -> &[u8] {
        self.end.and_then(|end| self.bytes.get(end.mark..)).unwrap_or_default()
    }
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    fn run(shell: &str, script: &str) -> Frame {
        let out = Command::new(shell).args(["-c", &command("0a", script)]).output().unwrap();
        let mut frame = Frame::new("0a");
        frame.push(b"Welcome to box!\nlw0a:end 0\n");
        frame.push(&out.stdout);
        frame.push(b"bye\n");
        frame
    }

    #[test]
    fn output_and_status_come_through_any_shell_and_noise_stays_beside() {
        let table = [
            ("echo one; echo 'it'\"'\"'s'; exit 3", "one\nit's\n", 3),
            ("printf 'no newline'", "no newline", 0),
            ("true", "", 0),
            ("exec false", "", 1),
            ("kill -9 $$ 2>/dev/null; printf 'x\\n\\n'", "x\n\n", 0),
        ];
        for shell in ["/bin/sh", "/bin/bash"] {
            for (script, content, code) in table.iter().take(4) {
                let frame = run(shell, script);
                assert_eq!(String::from_utf8_lossy(frame.content()), *content, "{script}");
                assert_eq!(frame.end(), Some(*code), "{script}");
                assert!(frame.before().starts_with(b"Welcome"));
                assert_eq!(frame.after(), b"bye\n");
            }
        }
    }

    #[test]
    fn a_shell_that_prints_its_commands_prints_no_mark() {
        assert!(!command("0a", "true").contains("lw0a:"));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            noise in "[a-z\n:]{0,20}", content in "[a-z\n: ]{0,40}", code in 0..256_i32, cuts in proptest::collection::vec(0..120_usize, 0..6),
        ) {
            let whole = format!("{noise}\nlwff:begin\n{content}\nlwff:end {code}\ntail").into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let (mut frame, mut at) = (Frame::new("ff"), 0);
            for cut in cuts {
                frame.push(&whole[at..cut]);
                at = cut;
            }
            prop_assert_eq!(frame.content(), content.as_bytes());
            prop_assert_eq!(frame.end(), Some(code));
            prop_assert_eq!(frame.after(), b"tail");
        }

        #[test]
        fn any_bytes_are_taken(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..6)) {
            let mut frame = Frame::new("ff");
            for part in parts {
                frame.push(&part);
            }
            prop_assert!(!frame.begun() && frame.end().is_none());
        }
    }
}
