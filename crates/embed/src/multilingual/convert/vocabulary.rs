//! The package's list of pieces: a message in protocol buffers' encoding, and in it the table of characters' forms.

/// What the list holds.
pub(super) struct Vocabulary {
    /// The pieces by their numbers.
    pub(super) pieces: Vec<Vec<u8>>,
    /// The logarithms of their likelihoods.
    pub(super) scores: Vec<f32>,
    /// The table of what is written another way, as it is.
    pub(super) forms: Vec<u8>,
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
                        forms = map.to_vec();
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
