//! The package's list of pieces: a message in protocol buffers' encoding, and in it the table of characters' forms, a
//! double array of states followed by the forms.

/// What the list holds.
pub(super) struct Vocabulary {
    /// The pieces by their numbers.
    pub(super) pieces: Vec<Vec<u8>>,
    /// The logarithms of their likelihoods.
    pub(super) scores: Vec<f32>,
    /// What is written another way, and how.
    pub(super) forms: Vec<(Vec<u8>, Vec<u8>)>,
}

/// `None` where it is no such list.
pub(super) fn read(message: &[u8]) -> Option<Vocabulary> {
    let (mut pieces, mut scores, mut forms) = (Vec::new(), Vec::new(), Vec::new());
    for (number, value) in Fields(message) {
        match (number, value) {
            (1, Value::Bytes(piece)) => {
                let (mut name, mut score) = (None, 0.0);
                for field in Fields(piece) {
                    match field {
                        (1, Value::Bytes(bytes)) => name = Some(bytes.to_vec()),
                        (2, Value::Float(bits)) => score = bits,
                        _ => {}
                    }
                }
                pieces.push(name.filter(|name| !name.is_empty())?);
                scores.push(score);
            }
            // This older layout of the list keeps the forms where newer ones keep how the list was trained.
            (3, Value::Bytes(rules)) => {
                for field in Fields(rules) {
                    if let (2, Value::Bytes(map)) = field {
                        forms = self::forms(map)?;
                    }
                }
            }
            _ => {}
        }
    }
    (!pieces.is_empty()).then_some(Vocabulary { pieces, scores, forms })
}

enum Value<'a> {
    Bytes(&'a [u8]),
    Float(f32),
    Other,
}

/// The fields of a message, until it ends or is none.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.number()?;
        let length = match tag & 7 {
            0 => {
                self.number()?;
                return Some((tag >> 3, Value::Other));
            }
            1 => 8,
            2 => usize::try_from(self.number()?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let value = match (tag & 7, bytes.first_chunk()) {
            (2, _) => Value::Bytes(bytes),
            (5, Some(float)) => Value::Float(f32::from_le_bytes(*float)),
            _ => Value::Other,
        };
        Some((tag >> 3, value))
    }
}

/// Every key of the double array with its form.
fn forms(map: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let (size, rest) = map.split_first_chunk()?;
    let (states, written) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
    let states: Vec<State> =
        states.as_chunks().0.iter().map(|bytes| State(u32::from_le_bytes(*bytes))).collect();
    let mut forms = Vec::new();
    let mut open = vec![(Vec::new(), states.first()?.offset())];
    while let Some((key, at)) = open.pop() {
        // A form of 16 bytes or more has no character.
        if key.len() > 64 {
            return None;
        }
        for byte in 1..=255_u8 {
            let here = at ^ usize::from(byte);
            let Some(state) = states.get(here).filter(|state| state.is_reached_by(byte)) else { continue };
            let mut key: Vec<u8> = key.clone();
            key.push(byte);
            let children = here ^ state.offset();
            if state.ends_a_key() {
                let form = written.get(states.get(children)?.value()..)?;
                forms.push((key.clone(), form.split(|byte| *byte == 0).next()?.to_vec()));
            }
            open.push((key, children));
        }
    }
    Some(forms)
}

/// A state of the double array: its children lie at its own place, its offset and their byte, combined bit by bit.
#[derive(Clone, Copy)]
struct State(u32);

impl State {
    fn is_reached_by(self, byte: u8) -> bool {
        self.0 & 0x8000_00ff == u32::from(byte)
    }

    fn ends_a_key(self) -> bool {
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
