//! Fresh names: where the daemon's randomness and clock come from.

use protocol::{At, BadId, ClientId, JournalId, NoteId, RequestId, StepId};
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since the epoch. Durations are measured by a monotonic clock, not by this one.
pub fn now() -> At {
    At(SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}

pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(bytes)
}

/// Crockford's base 32 in lower case: sorts like the number, reads without doubt.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn digits(mut number: u128, count: u32) -> String {
    let mut out = vec![b'0'; count as usize];
    for place in out.iter_mut().rev() {
        *place = ALPHABET.get((number & 31) as usize).copied().unwrap_or(b'0');
        number >>= 5;
    }
    out.into_iter().map(char::from).collect()
}

/// Nine digits of time and six of chance: sortable, unique within a workspace, short enough to read out.
fn fresh(prefix: &str) -> std::io::Result<String> {
    let time = u128::from(now().0.unsigned_abs());
    let chance = u128::from(u32::from_be_bytes(random()?));
    Ok(format!("{prefix}{}{}", digits(time, 9), digits(chance, 6)))
}

/// A secret of 160 bits, for one-time links and session tokens.
pub fn secret() -> std::io::Result<String> {
    let bytes: [u8; 20] = random()?;
    Ok(bytes
        .chunks(10)
        .map(|half| digits(half.iter().fold(0, |n, b| (n << 8) | u128::from(*b)), 16))
        .collect())
}

fn id<T>(prefix: &str, make: impl Fn(String) -> Result<T, BadId>) -> std::io::Result<T> {
    make(fresh(prefix)?).map_err(std::io::Error::other)
}

pub fn journal() -> std::io::Result<JournalId> {
    id("j", JournalId::new)
}
pub fn request() -> std::io::Result<RequestId> {
    id("r", RequestId::new)
}
pub fn client() -> std::io::Result<ClientId> {
    id("c", ClientId::new)
}
pub fn note() -> std::io::Result<NoteId> {
    id("n", NoteId::new)
}
pub fn step() -> std::io::Result<StepId> {
    id("s", StepId::new)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_valid_ids_and_differ() {
        let names: std::collections::BTreeSet<_> = (0..1000).map(|_| super::request().unwrap()).collect();
        assert_eq!(names.len(), 1000);
        assert_eq!(super::secret().unwrap().len(), 32);
    }
}
