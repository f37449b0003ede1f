//! Text that comes in pieces of any size, as lines.

/// The longest line.
pub(super) const MAX_LINE: usize = 8 << 10;
/// Text that has no line end is shown in pieces of about this size.
const PIECE: usize = 600;

/// The message that is being written.
#[derive(Default)]
pub(super) struct Text {
    pub thought: bool,
    pub message: Option<String>,
    pub buffer: String,
}

impl Text {
    /// Takes a piece; what can be shown by now.
    pub fn add(&mut self, piece: &str) -> Option<String> {
        self.buffer.push_str(piece);
        let whole = match self.buffer.rfind('\n') {
            Some(end) => Some(end + 1),
            None if self.buffer.len() > PIECE => self.buffer.rfind(' ').map(|space| space + 1),
            None => None,
        };
        let whole = whole.or_else(|| (self.buffer.len() > MAX_LINE).then_some(self.buffer.len()));
        let rest = self.buffer.split_off(whole?);
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}

/// Without control characters, and no longer than a line may be.
pub(super) fn bounded(text: &str) -> String {
    if text.len() <= MAX_LINE && text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(MAX_LINE - '…'.len_utf8());
    let shown = if text.len() > MAX_LINE { &text[..cut] } else { text };
    let mut line = String::with_capacity(shown.len() + '…'.len_utf8());
    line.extend(shown.chars().filter(|c| !c.is_control() || *c == '\t'));
    if shown.len() < text.len() {
        line.push('…');
    }
    line
}
