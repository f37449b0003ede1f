//! The table of pieces as it lies on the disk: each row in as few bits as its numbers need, nothing lost.
//!
//! A row is cut into blocks of 64 bytes. A block is its smallest number, the bits that each number needs beyond it, and
//! those bits, the low ones first.

pub(crate) const BLOCK: usize = 64;

/// Appends a row, whose length is a multiple of [`BLOCK`].
pub(crate) fn pack(row: &[u8], out: &mut Vec<u8>) {
    for block in row.chunks_exact(BLOCK) {
        let (least, most) = block.iter().fold((u8::MAX, 0), |(least, most), x| (least.min(*x), most.max(*x)));
        let bits = 8 - (most - least).leading_zeros() as u8;
        out.extend([least, bits]);
        // Eight numbers of b bits are b bytes.
        for eight in block.chunks_exact(8) {
            let packed = eight.iter().rev().fold(0_u64, |packed, x| packed << bits | u64::from(x - least));
            out.extend(packed.to_le_bytes().iter().take(bits.into()));
        }
    }
}

/// The numbers of a packed row, or `None` where it is cut.
pub(crate) fn unpack(mut packed: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some(([least, bits], rest)) = packed.split_first_chunk() {
        let (eights, after) = rest.split_at_checked(BLOCK / 8 * usize::from(*bits))?;
        let mask = u64::MAX.checked_shr(64 - u32::from(*bits)).unwrap_or(0);
        for eight in 0..BLOCK / 8 {
            let mut number = [0; 8];
            let from = eights.get(eight * usize::from(*bits)..)?.get(..usize::from(*bits))?;
            number.get_mut(..from.len())?.copy_from_slice(from);
            let mut number = u64::from_le_bytes(number);
            for _ in 0..8 {
                out.push(least.wrapping_add((number & mask) as u8));
                number = number.checked_shr((*bits).into()).unwrap_or(0);
            }
        }
        packed = after;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_whatever_its_range() {
        for range in [1_u32, 2, 3, 9, 17, 100, 256] {
            let above = if range < 100 { 100 } else { 0 };
            let row: Vec<u8> = (0..192_u32).map(|n| (n * 7919 % range) as u8 + above).collect();
            let mut packed = Vec::new();
            pack(&row, &mut packed);
            let mut back = Vec::new();
            unpack(&packed, &mut back).unwrap();
            assert_eq!(back, row, "range {range}");
            if range > 1 {
                assert!(unpack(&packed[..packed.len() - 1], &mut Vec::new()).is_none());
            }
        }
    }
}
