//! How an entry is stored, and the hash that chains it to the one before.
//!
//! A fact is stored as the JSON text of its body beside its kind and version. The hash is BLAKE3 over `prev`, `seq`,
//! `at`, kind, version and the body's bytes; texts are preceded by their length, so that no two entries give the same
//! input.

use crate::error::Error;
use protocol::fact::{Entry, Fact};
use protocol::{At, JournalId};

/// A fact as it lies in the table.
pub(crate) struct Stored {
    pub kind: &'static str,
    pub version: u16,
    pub body: String,
}

/// The body alone: what stands between `{"kind":"…","body":` and the closing brace.
pub(crate) fn store(fact: &Fact) -> Result<Stored, Error> {
    let kind = fact.kind();
    let unwritable = || Error::Unwritable { kind };
    let text = serde_json::to_string(fact).map_err(|_| unwritable())?;
    let opening = opening(kind);
    let body = text
        .strip_prefix(&opening)
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(unwritable)?
        .to_owned();
    // Read back at once: an entry that cannot be read, or reads as another, would break every replay from now on.
    match serde_json::from_str::<Fact>(&text) {
        Ok(read) if read == *fact => Ok(Stored { kind, version: Fact::VERSION, body }),
        Ok(_) | Err(_) => Err(unwritable()),
    }
}

/// The fact that was stored so.
pub(crate) fn read(seq: u64, kind: &str, version: u16, body: &str) -> Result<Fact, Error> {
    if version > Fact::VERSION {
        return Err(Error::damaged("entries", format!("entry {seq} has version {version} of {kind:?}")));
    }
    let text = format!("{}{body}}}", opening(kind));
    serde_json::from_str(&text).map_err(|source| Error::Unreadable { seq, source })
}

fn opening(kind: &str) -> String {
    format!("{{\"kind\":\"{kind}\",\"body\":")
}

/// What the first entry has as its `prev`.
pub(crate) fn root(journal: &JournalId) -> String {
    blake3::hash(journal.as_str().as_bytes()).to_hex().to_string()
}

pub(crate) fn hash(prev: &str, seq: u64, at: At, kind: &str, version: u16, body: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(prev.as_bytes());
    part(&seq.to_le_bytes());
    part(&at.0.to_le_bytes());
    part(kind.as_bytes());
    part(&version.to_le_bytes());
    part(body.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// The next entry of the chain, with what is stored of it.
pub(crate) fn link(head: (u64, &str), at: At, fact: Fact) -> Result<(Entry, Stored), Error> {
    let stored = store(&fact)?;
    let (seq, prev) = (head.0 + 1, head.1.to_owned());
    let hash = hash(&prev, seq, at, stored.kind, stored.version, &stored.body);
    Ok((Entry { seq, at, prev, hash, fact }, stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fact::{Recalled, RequestOriented};
    use protocol::{CommitId, NoteId, RequestId};

    fn oriented(score: f64) -> Fact {
        RequestOriented {
            request: RequestId::new("r1").unwrap(),
            sources: vec![],
            recalled: vec![Recalled { note: NoteId::new("n1").unwrap(), score, why: "{\"}".into() }],
            agents: vec![],
            base: CommitId::new("c0").unwrap(),
            memory: None,
        }
        .into()
    }

    #[test]
    fn a_stored_fact_reads_back_to_the_same_bytes_even_with_awkward_floats() {
        for score in [0.1 + 0.2, 1.0, 5e-324, 1.797_693_134_862_315_7e308, 122.416_294_033_786_58] {
            let stored = store(&oriented(score)).unwrap();
            let fact = read(1, stored.kind, stored.version, &stored.body).unwrap();
            assert_eq!(fact, oriented(score));
            assert_eq!(store(&fact).unwrap().body, stored.body);
        }
    }

    #[test]
    fn a_fact_that_would_not_read_back_is_refused() {
        for score in [f64::NAN, f64::INFINITY] {
            assert!(matches!(store(&oriented(score)), Err(Error::Unwritable { .. })));
        }
    }

    #[test]
    fn every_part_of_an_entry_changes_its_hash() {
        let base = hash("p", 1, At(2), "k", 1, "b");
        for other in [
            hash("q", 1, At(2), "k", 1, "b"),
            hash("p", 2, At(2), "k", 1, "b"),
            hash("p", 1, At(3), "k", 1, "b"),
            hash("p", 1, At(2), "kb", 1, ""),
            hash("p", 1, At(2), "k", 2, "b"),
            hash("p", 1, At(2), "k", 1, "c"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_fact_of_a_later_version_is_not_guessed_at() {
        assert!(matches!(read(7, "journal.opened", 99, "{}"), Err(Error::Damaged { .. })));
    }
}
