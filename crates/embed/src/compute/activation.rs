//! What flows between the layers: rows of floats, as whole numbers with a scale for each row where a matrix takes them.

use super::smooth::to_int;
use super::{Lanes, Machine, sum};

/// Rows that a product takes at once. They lie interleaved, so that one step of the product reads them side by side.
pub(crate) const BLOCK: usize = 6;

/// The largest whole number of a row. With weights up to 127 and rows up to [`super::matrix::MAX_IN`] long, every sum
/// fits into 32 bits. 14 bits lose nothing that 8-bit weights could have told.
pub(crate) const TOP: f32 = 8191.0;

/// Two neighbours of a row in one number, for each row of a block.
pub(crate) type Pairs = [i32; BLOCK];

/// Rows as whole numbers.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Blocks one after the other; in a block, one entry for each pair of columns.
    pub(crate) pairs: Vec<Pairs>,
    /// What a whole number of the row is worth; empty rows fill the last block up.
    pub(crate) scales: Vec<[f32; BLOCK]>,
    pub(crate) count: usize,
}

impl Rows {
    /// Takes rows of `width` floats; an even `width`.
    pub(crate) fn of(machine: Machine, floats: &[f32], width: usize) -> Self {
        let count = floats.len() / width;
        let blocks = count.div_ceil(BLOCK);
        let mut rows =
            Self { pairs: vec![[0; BLOCK]; blocks * (width / 2)], scales: vec![[0.0; BLOCK]; blocks], count };
        let into = rows.pairs.chunks_exact_mut(width / 2).zip(&mut rows.scales);
        machine.run(
            #[inline(always)]
            || {
                for (block, (pairs, scales)) in floats.chunks(width * BLOCK).zip(into) {
                    for (at, (row, scale)) in block.chunks_exact(width).zip(scales).enumerate() {
                        *scale = quantise(row, pairs, at);
                    }
                }
            },
        );
        rows
    }
}

/// Writes a row into column `at` of its block, and gives its scale.
#[inline(always)]
fn quantise(row: &[f32], pairs: &mut [Pairs], at: usize) -> f32 {
    let largest = largest(row);
    if largest == 0.0 {
        return 0.0;
    }
    let per = TOP / largest;
    for (pair, two) in pairs.iter_mut().zip(row.as_chunks::<2>().0) {
        let [even, odd] = two.map(|x| to_int(x * per));
        if let Some(slot) = pair.get_mut(at) {
            *slot = (even & 0xffff) | (odd << 16);
        }
    }
    largest / TOP
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            let x = x.abs();
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(0.0, |top: f32, x| if x.abs() > top { x.abs() } else { top })
}

/// Adds `more` to each row of `rows`, then moves the row to mean 0 and variance 1, then stretches and shifts it.
pub(crate) fn add_and_norm(
    machine: Machine,
    rows: &mut [f32],
    more: Option<&[f32]>,
    (gain, shift): (&[f32], &[f32]),
    epsilon: f32,
) {
    let width = gain.len();
    machine.run(
        #[inline(always)]
        || {
            if let Some(more) = more {
                for (x, y) in rows.iter_mut().zip(more) {
                    *x += y;
                }
            }
            for row in rows.chunks_exact_mut(width) {
                norm(row, gain, shift, epsilon);
            }
        },
    );
}

/// One row of [`add_and_norm`].
#[inline(always)]
pub(crate) fn norm(row: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(fold(row, |x| x)) / count;
    for x in row.iter_mut() {
        *x -= mean;
    }
    let per = 1.0 / (sum(fold(row, |x| x * x)) / count + epsilon).sqrt();
    for ((x, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
        *x = *x * per * gain + shift;
    }
}

#[inline(always)]
fn fold(row: &[f32], each: impl Fn(f32) -> f32) -> Lanes {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += each(*x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += each(*x);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_its_numbers_to_fourteen_bits() {
        let floats: Vec<f32> = (0..64 * 7).map(|n| ((n * 37 % 101) as f32 - 50.0) / 7.0).collect();
        let rows = Rows::of(Machine::here(), &floats, 64);
        assert_eq!((rows.count, rows.scales.len()), (7, 2));
        for (index, x) in floats.iter().enumerate() {
            let (row, column) = (index / 64, index % 64);
            let pair = rows.pairs[row / BLOCK * 32 + column / 2][row % BLOCK];
            let whole = if column % 2 == 0 { i32::from(pair as i16) } else { pair >> 16 };
            let scale = rows.scales[row / BLOCK][row % BLOCK];
            assert!((whole as f32 * scale - x).abs() <= scale * 0.51, "{index}");
        }
    }

    #[test]
    fn a_row_of_zeros_and_a_row_of_nothing_are_harmless() {
        let rows = Rows::of(Machine::Portable, &[0.0; 32], 32);
        assert!(rows.pairs.iter().flatten().all(|pair| *pair == 0));
        let mut row = vec![3.0; 32];
        norm(&mut row, &[1.0; 32], &[0.5; 32], 1e-12);
        assert!(row.iter().all(|x| *x == 0.5));
    }

    #[test]
    fn every_machine_norms_alike() {
        let floats: Vec<f32> = (0..96 * 3).map(|n| ((n * 7919 % 1009) as f32 - 400.0) / 13.0).collect();
        let gain: Vec<f32> = (0..96).map(|n| 1.0 + n as f32 / 96.0).collect();
        let (mut here, mut portable) = (floats.clone(), floats.clone());
        add_and_norm(Machine::here(), &mut here, Some(&floats), (&gain, &gain), 1e-12);
        add_and_norm(Machine::Portable, &mut portable, Some(&floats), (&gain, &gain), 1e-12);
        assert_eq!(here, portable);
    }
}
