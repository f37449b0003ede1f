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
    values: Vec<[Lanes; 2]>,
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
            for (lanes, x) in keys.iter_mut().zip(part(row, 1)) {
                if let Some(slot) = lanes.get_mut(lane) {
                    *slot = x;
                }
            }
        }
    }
    room.values.clear();
    room.values.extend(mixed.chunks_exact(hidden * 3).map(|row| {
        let [low, high]: [Lanes; 2] = pulp::cast(part(row, 2));
        [low, high]
    }));
    let into = out.chunks_mut(hidden * TOGETHER);
    for (rows, into) in mixed.chunks(hidden * 3 * TOGETHER).zip(into) {
        let mut queries = [[0.0; HEAD]; TOGETHER];
        for (query, row) in queries.iter_mut().zip(rows.chunks_exact(hidden * 3)) {
            *query = part(row, 0).map(|x| x * (1.0 / (HEAD as f32).sqrt()));
        }
        room.scores.clear();
        room.scores.extend(room.keys.iter().map(|keys| score(&queries, keys)));
        let sums = soften(&mut room.scores, tokens);
        for half in 0..2 {
            let mixed = mix(&room.scores, &room.values, half);
            for ((row, mixed), sum) in into.chunks_exact_mut(hidden).zip(mixed).zip(sums) {
                let part = row.as_chunks_mut::<16>().0.get_mut(head * 2 + half);
                if let Some(part) = part {
                    *part = mixed.map(|x| x / sum);
                }
            }
        }
    }
}

#[inline(always)]
fn score(queries: &[[f32; HEAD]; TOGETHER], keys: &Keys) -> Scores {
    let mut scores = [[0.0; 16]; TOGETHER];
    for (at, keys) in keys.iter().enumerate() {
        for (scores, query) in scores.iter_mut().zip(queries) {
            let x = query[at];
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
    let mut sums = [0.0; TOGETHER];
    for (query, total) in sums.iter_mut().enumerate() {
        let mut tops = [f32::MIN; 16];
        for scores in scores.iter() {
            for (top, score) in tops.iter_mut().zip(&scores[query]) {
                *top = if *score > *top { *score } else { *top };
            }
        }
        let top = tops.iter().fold(f32::MIN, |top, x| if *x > top { *x } else { top });
        let mut lanes = [0.0; 16];
        for scores in scores.iter_mut() {
            for (lane, score) in lanes.iter_mut().zip(&mut scores[query]) {
                *score = exp(*score - top);
                *lane += *score;
            }
        }
        *total = sum(lanes);
    }
    sums
}

/// The values, weighted and added up in the order of the tokens.
#[inline(always)]
fn mix(scores: &[Scores], values: &[[Lanes; 2]], half: usize) -> [Lanes; TOGETHER] {
    let mut mixed = [[0.0; 16]; TOGETHER];
    for (scores, values) in scores.iter().zip(values.chunks(16)) {
        for (at, value) in values.iter().enumerate() {
            let value = &value[half];
            for (mixed, scores) in mixed.iter_mut().zip(scores) {
                let weight = scores[at];
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
