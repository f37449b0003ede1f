//! What a token takes over from the other tokens of its text.

use crate::compute::smooth::exp;
use crate::compute::{Lanes, Machine, sum};

/// Numbers in a head of this family of models.
pub(crate) const HEAD: usize = 32;

/// Queries that go through the keys together.
const TOGETHER: usize = 4;

/// Sixteen keys, number by number; what a text lacks to sixteen is zero.
type Keys = [Lanes; HEAD];

/// The scores of some queries with sixteen keys.
type Scores = [Lanes; TOGETHER];

/// For one text: `mixed` holds a row of queries, keys and values of all heads for each token, `out` gets a row of
/// `hidden` numbers for each.
pub(crate) fn attend(machine: Machine, mixed: &[f32], hidden: usize, out: &mut [f32]) {
    let tokens = out.len() / hidden;
    let mut room = Room { keys: vec![[[0.0; 16]; HEAD]; tokens.div_ceil(16)], ..Room::default() };
    machine.run(
        #[inline(always)]
        || {
            for head in 0..hidden / HEAD {
                one_head(mixed, hidden, head, &mut room, out);
            }
        },
    );
}

/// Memory that the heads use one after the other.
#[derive(Default)]
struct Room {
    keys: Vec<Keys>,
    /// The two halves of each token's values.
    values: [Vec<Lanes>; 2],
    scores: Vec<Scores>,
}

#[inline(always)]
fn one_head(mixed: &[f32], hidden: usize, head: usize, room: &mut Room, out: &mut [f32]) {
    let part = |row: &[f32], which: usize| -> [f32; HEAD] {
        row.as_chunks().0.get(which * (hidden / HEAD) + head).copied().unwrap_or([0.0; HEAD])
    };
    let tokens = mixed.len() / (hidden * 3);
    for (keys, rows) in room.keys.iter_mut().zip(mixed.chunks(hidden * 3 * 16)) {
        for (lane, row) in rows.chunks_exact(hidden * 3).enumerate() {
            put(keys, lane, part(row, 1));
        }
    }
    room.values.iter_mut().for_each(Vec::clear);
    for row in mixed.chunks_exact(hidden * 3) {
        let halves: [Lanes; 2] = pulp::cast(part(row, 2));
        room.values.iter_mut().zip(halves).for_each(|(values, half)| values.push(half));
    }
    let into = out.chunks_mut(hidden * TOGETHER);
    for (rows, into) in mixed.chunks(hidden * 3 * TOGETHER).zip(into) {
        let mut queries = [[0.0; TOGETHER]; HEAD];
        for (at, row) in rows.chunks_exact(hidden * 3).enumerate() {
            put(&mut queries, at, part(row, 0).map(|x| x * (1.0 / (HEAD as f32).sqrt())));
        }
        room.scores.clear();
        room.scores.extend(room.keys.iter().map(|keys| score(&queries, keys)));
        let sums = soften(&mut room.scores, tokens);
        for (half, values) in room.values.iter().enumerate() {
            let mixed = mix(&room.scores, values);
            for ((row, mixed), sum) in into.chunks_exact_mut(hidden).zip(mixed).zip(sums) {
                if let Some(part) = row.as_chunks_mut::<16>().0.get_mut(head * 2 + half) {
                    *part = mixed.map(|x| x / sum);
                }
            }
        }
    }
}

/// Writes a column, number by number.
#[inline(always)]
fn put<const N: usize>(columns: &mut [[f32; N]; HEAD], at: usize, numbers: [f32; HEAD]) {
    for (row, x) in columns.iter_mut().zip(numbers) {
        if let Some(slot) = row.get_mut(at) {
            *slot = x;
        }
    }
}

#[inline(always)]
fn score(queries: &[[f32; TOGETHER]; HEAD], keys: &Keys) -> Scores {
    let mut scores = [[0.0; 16]; TOGETHER];
    for (queries, keys) in queries.iter().zip(keys) {
        for (scores, x) in scores.iter_mut().zip(queries) {
            for (score, key) in scores.iter_mut().zip(keys) {
                *score += x * key;
            }
        }
    }
    scores
}

/// Turns scores into weights, which are still to be divided by the sums that it gives. Keys behind the last token count
/// for nothing.
#[inline(always)]
fn soften(scores: &mut [Scores], tokens: usize) -> [f32; TOGETHER] {
    let behind = scores.len() * 16 - tokens;
    if let Some(last) = scores.last_mut() {
        for score in last.iter_mut().flat_map(|lanes| lanes.iter_mut().rev().take(behind)) {
            *score = f32::MIN;
        }
    }
    let larger = |top: f32, x: f32| if x > top { x } else { top };
    let mut tops = [[f32::MIN; 16]; TOGETHER];
    for scores in scores.iter() {
        for (top, score) in tops.as_flattened_mut().iter_mut().zip(scores.as_flattened()) {
            *top = larger(*top, *score);
        }
    }
    let tops = tops.map(|lanes| lanes.into_iter().fold(f32::MIN, larger));
    let mut sums = [[0.0; 16]; TOGETHER];
    for scores in scores.iter_mut() {
        for ((lanes, scores), top) in sums.iter_mut().zip(scores).zip(tops) {
            for (lane, score) in lanes.iter_mut().zip(scores) {
                *score = exp(*score - top);
                *lane += *score;
            }
        }
    }
    sums.map(sum)
}

/// One half of the values, weighted and added up in the order of the tokens.
#[inline(always)]
fn mix(scores: &[Scores], values: &[Lanes]) -> [Lanes; TOGETHER] {
    let mut mixed = [[0.0; 16]; TOGETHER];
    for ([a, b, c, d], values) in scores.iter().zip(values.chunks(16)) {
        for ((((value, a), b), c), d) in values.iter().zip(a).zip(b).zip(c).zip(d) {
            for (mixed, weight) in mixed.iter_mut().zip([a, b, c, d]) {
                for (mixed, x) in mixed.iter_mut().zip(value) {
                    *mixed += weight * x;
                }
            }
        }
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's way, in double precision.
    fn plainly(mixed: &[f32], hidden: usize) -> Vec<f64> {
        let rows: Vec<&[f32]> = mixed.chunks(hidden * 3).collect();
        let mut out = vec![0.0; rows.len() * hidden];
        for (i, row) in rows.iter().enumerate() {
            for head in 0..hidden / HEAD {
                let dot = |other: &[f32]| -> f64 {
                    (0..HEAD)
                        .map(|d| f64::from(row[head * HEAD + d]) * f64::from(other[hidden + head * HEAD + d]))
                        .sum()
                };
                let weights: Vec<f64> = rows.iter().map(|other| (dot(other) / 32f64.sqrt()).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..HEAD {
                    let values = rows.iter().map(|other| f64::from(other[hidden * 2 + head * HEAD + d]));
                    out[i * hidden + head * HEAD + d] =
                        values.zip(&weights).map(|(v, w)| v * w).sum::<f64>() / total;
                }
            }
        }
        out
    }

    #[test]
    fn it_is_the_textbook_s_attention_for_every_length() {
        let hidden = HEAD * 2;
        for tokens in [1, 2, 4, 5, 15, 16, 17, 33] {
            let mixed: Vec<f32> =
                (0..tokens * hidden * 3).map(|n| ((n * 7919 % 1013) as f32 - 500.0) / 400.0).collect();
            let mut out = vec![0.0; tokens * hidden];
            attend(Machine::here(), &mixed, hidden, &mut out);
            for (x, y) in out.iter().zip(plainly(&mixed, hidden)) {
                assert!((f64::from(*x) - y).abs() < 1e-5, "{tokens} tokens: {x} and {y}");
            }
            let mut portable = vec![0.0; tokens * hidden];
            attend(Machine::Portable, &mixed, hidden, &mut portable);
            assert_eq!(out, portable);
        }
    }
}
