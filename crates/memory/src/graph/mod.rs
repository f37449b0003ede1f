//! Entities and relations, read out of what the notes name.
//!
//! An entity is a name; notes name it, readers describe it, and edits by hand lie over both. Two entities are related
//! when a passage names both (`with`), by what kind of note it is (`fixes`, `touches`), or because a reader or a person
//! says so.

pub(crate) mod hand;
mod near;
mod path;
mod view;
mod whole;

pub(crate) use near::{described, entity, note_entities, notes_naming, relation, relations};
pub(crate) use path::path;
pub(crate) use view::{find, view};
pub(crate) use whole::Whole;

/// By what names are the same: whatever their case and spaces.
pub(crate) fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        key.extend(word.chars().flat_map(char::to_lowercase));
    }
    key
}

/// A key as one word of the full-text index: letters and digits that no stemmer changes.
pub(crate) fn token(key: &str) -> String {
    const LETTERS: [u8; 26] = *b"0123456789bcfhjkmnpqrtvwxz";
    // FNV-1a, with its bits mixed once more, since only some of them are used.
    let mut hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^= hash >> 32;
    let mut token = String::with_capacity(12);
    token.push('x');
    for _ in 0..11 {
        let letter = usize::try_from(hash % 26).ok().and_then(|at| LETTERS.get(at)).copied().unwrap_or(b'0');
        token.push(char::from(letter));
        hash /= 26;
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_any_case_and_spacing() {
        assert_eq!(key("  Order\u{a0}Form\n"), "order form");
        assert_eq!(key("ÖFFNUNG"), "öffnung");
        assert_eq!(key(" "), "");
    }

    #[test]
    fn tokens_are_words_that_differ() {
        let tokens: std::collections::BTreeSet<String> =
            (0..100_000).map(|n| token(&format!("name{n}"))).collect();
        assert_eq!(tokens.len(), 100_000);
        assert!(tokens.iter().all(|token| token.len() == 12 && !token.contains(['s', 'e', 'g', 'l', 'y'])));
    }
}
