//! How characters are brought into one form: a table from strings to strings as the model's makers compiled it, a double
//! array of states followed by the forms.

/// The table.
#[derive(Debug)]
pub(crate) struct Forms {
    states: Vec<u32>,
    written: String,
}

impl Forms {
    /// `None` where it is no such table.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk()?;
        let (states, written) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        let states: Vec<u32> = states.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Some(Self { states, written: String::from_utf8(written.to_vec()).ok()? })
    }

    /// The longest beginning of `text` that is written another way: what comes behind it, and how it is written.
    pub(crate) fn longest<'a>(&self, text: &'a str) -> Option<(&'a str, &str)> {
        let mut at = State(*self.states.first()?).offset();
        let mut best = None;
        for (length, byte) in (1..).zip(text.bytes()) {
            at ^= usize::from(byte);
            let Some(state) = self.state(at).filter(|state| state.is_reached_by(byte)) else { break };
            at ^= state.offset();
            if state.ends_a_string() {
                best = self.state(at).map(|leaf| (length, leaf.value()));
            }
        }
        let (length, place) = best?;
        let written = self.written.get(place..)?.split('\0').next()?;
        Some((text.get(length..)?, written))
    }

    fn state(&self, at: usize) -> Option<State> {
        self.states.get(at).copied().map(State)
    }
}

/// A state: the states after it lie at its own place, its offset and their byte, combined bit by bit. After a string's last
/// state, byte 0 leads to one that holds the place of the string's form.
#[derive(Clone, Copy)]
struct State(u32);

impl State {
    fn is_reached_by(self, byte: u8) -> bool {
        byte != 0 && self.0 & 0x8000_00ff == u32::from(byte)
    }

    fn ends_a_string(self) -> bool {
        self.0 & 0x100 != 0
    }

    fn offset(self) -> usize {
        let far = if self.0 & 0x200 != 0 { 8 } else { 0 };
        ((self.0 >> 10) << far) as usize
    }

    fn value(self) -> usize {
        (self.0 & 0x7fff_ffff) as usize
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A table of strings of one or two bytes, each state of the first bytes in a block of 256 places of its own.
    pub(crate) fn table(forms: &[(&str, &str)]) -> Vec<u8> {
        let mut states = vec![0_u32; 256];
        let mut written = Vec::new();
        states[0] = 256 << 10;
        states.resize(512, 0);
        for (from, to) in forms {
            let mut base = 256_usize;
            for (at, byte) in from.bytes().enumerate() {
                let place = base ^ usize::from(byte);
                if states[place] == 0 {
                    let free = states.len();
                    states.resize(free + 256, 0);
                    states[place] = ((place ^ free) as u32) << 10 | u32::from(byte);
                }
                base = place ^ (states[place] >> 10) as usize;
                if at + 1 == from.len() {
                    states[place] |= 0x100;
                    states[base] = 0x8000_0000 | written.len() as u32;
                }
            }
            written.extend(to.bytes());
            written.push(0);
        }
        let size = (states.len() * 4) as u32;
        size.to_le_bytes()
            .into_iter()
            .chain(states.iter().flat_map(|x| x.to_le_bytes()))
            .chain(written)
            .collect()
    }

    #[test]
    fn the_longest_beginning_counts() {
        let forms =
            Forms::new(&table(&[("Ａ", "A"), ("A\u{301}", "Á"), ("½", "1/2"), ("\u{200b}", "")])).unwrap();
        assert_eq!(forms.longest("ＡB"), Some(("B", "A")));
        assert_eq!(forms.longest("A\u{301}x"), Some(("x", "Á")));
        assert_eq!(forms.longest("½"), Some(("", "1/2")));
        assert_eq!(forms.longest("\u{200b}a"), Some(("a", "")));
        assert_eq!(forms.longest("A"), None);
        assert_eq!(forms.longest("\0"), None);
        assert_eq!(forms.longest(""), None);
        assert!(Forms::new(&[0, 0]).is_none() && Forms::new(&[9, 0, 0, 0, 1]).is_none());
    }
}
