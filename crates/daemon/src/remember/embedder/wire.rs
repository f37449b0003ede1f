//! What goes between the daemon and the process that computes vectors: a line of JSON each way, and behind an answer its
//! numbers, four bytes each, the lowest first.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// Texts to embed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub id: u64,
    pub lane: Lane,
    pub texts: Vec<String>,
}

/// Who waits for it. The two do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    Question,
    Background,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The first line: it is loaded.
    Ready {
        model: String,
        dim: usize,
    },
    /// Or this, and nothing more.
    NotReady {
        why: String,
    },
    /// So many vectors follow, as bytes.
    Vectors {
        id: u64,
        count: usize,
    },
    Failed {
        id: u64,
        why: String,
    },
}

/// More than any answer holds.
const MOST: usize = 64 << 20;

pub fn tell(to: &mut impl Write, told: &Told, vectors: &[Vec<f32>]) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(told)?;
    bytes.push(b'\n');
    bytes.extend(vectors.iter().flatten().flat_map(|number| number.to_le_bytes()));
    to.write_all(&bytes)?;
    to.flush()
}

/// The next thing that is told, with its vectors of `dim` numbers; `None` at the end.
pub fn hear(from: &mut impl BufRead, dim: usize) -> io::Result<Option<(Told, Vec<Vec<f32>>)>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let told: Told = serde_json::from_str(&line)?;
    let count = if let Told::Vectors { count, .. } = told { count } else { 0 };
    let size = count.saturating_mul(dim).saturating_mul(4);
    if size > MOST {
        return Err(io::Error::other("it gives more than it was asked for"));
    }
    let mut bytes = vec![0; size];
    from.read_exact(&mut bytes)?;
    let number = |four: &[u8]| four.try_into().map_or(0.0, f32::from_le_bytes);
    let vectors =
        bytes.chunks_exact(dim.max(1) * 4).map(|vector| vector.chunks_exact(4).map(number).collect());
    Ok(Some((told, vectors.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        let vectors = vec![vec![1.0, -2.5, f32::MIN_POSITIVE], vec![0.0, 3.25, -0.0]];
        let told = [
            (Told::Ready { model: "m".into(), dim: 3 }, vec![]),
            (Told::Vectors { id: 7, count: 2 }, vectors),
            (Told::Failed { id: 8, why: "two\nlines".into() }, vec![]),
        ];
        let mut bytes = Vec::new();
        for (told, vectors) in &told {
            tell(&mut bytes, told, vectors).unwrap();
        }
        let mut from = bytes.as_slice();
        for expected in told {
            assert_eq!(hear(&mut from, 3).unwrap(), Some(expected));
        }
        assert_eq!(hear(&mut from, 3).unwrap(), None);
        assert!(hear(&mut &bytes[..bytes.len() / 2][..], 3).is_ok());
        let huge = br#"{"vectors":{"id":1,"count":99999999}}"#;
        assert!(hear(&mut [huge.as_slice(), b"\n"].concat().as_slice(), 384).is_err());
    }
}
