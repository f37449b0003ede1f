//! Several blobs in one answer, as a copy of a journal fetches them. Of each that was asked for, in order: 0 where it is not
//! kept any more; else 1, its salt, the length of its data (four bytes, the low ones first), and its data. There may be
//! fewer than were asked for, where they were too long for one answer: then the rest is asked for again.

/// 16 random bytes that a blob's name is made with.
pub type Salt = [u8; 16];
/// None where it was forgotten.
pub type Kept = Option<(Salt, Vec<u8>)>;

const GONE: u8 = 0;
const HERE: u8 = 1;

/// Adds one to an answer; false where it is too long for any.
pub fn put(out: &mut Vec<u8>, blob: Option<(&Salt, &[u8])>) -> bool {
    let Some((salt, data)) = blob else {
        out.push(GONE);
        return true;
    };
    let Ok(length) = u32::try_from(data.len()) else { return false };
    out.push(HERE);
    out.extend_from_slice(salt);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(data);
    true
}

/// All of an answer; none where it is not whole.
pub fn take(mut bytes: &[u8]) -> Option<Vec<Kept>> {
    let mut all = Vec::new();
    while let Some((&mark, rest)) = bytes.split_first() {
        let (blob, rest) = match mark {
            GONE => (None, rest),
            HERE => {
                let (salt, rest) = rest.split_first_chunk::<16>()?;
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
                let (data, rest) = rest.split_at_checked(length)?;
                (Some((*salt, data.to_vec())), rest)
            }
            _ => return None,
        };
        all.push(blob);
        bytes = rest;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_and_half_of_it_is_nothing() {
        let blobs: [Kept; 4] =
            [Some(([7; 16], b"rye".to_vec())), None, Some(([1; 16], vec![])), Some(([0; 16], vec![9; 300]))];
        let mut out = Vec::new();
        for blob in &blobs {
            assert!(put(&mut out, blob.as_ref().map(|(salt, data)| (salt, data.as_slice()))));
        }
        assert_eq!(take(&out).unwrap(), blobs);
        assert_eq!(take(b""), Some(vec![]));
        // Only between two of them is it whole.
        let whole: Vec<usize> = (0..=out.len()).filter(|end| take(&out[..*end]).is_some()).collect();
        assert_eq!(whole, [0, 24, 25, 46, 367]);
        assert_eq!(take(b"\x02"), None);
    }
}
