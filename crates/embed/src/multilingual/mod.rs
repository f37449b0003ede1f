//! The Universal Sentence Encoder, multilingual, version 3: pieces of words, looked at two, three and five at a time, added
//! up, and led through a few dense layers to one vector for 16 languages.
//!
//! The table of pieces, nine tenths of the model, stays on the disk: a text needs a few rows of it.

pub(crate) mod convert;
mod forms;
mod layers;
mod pieces;
mod prefixes;
mod rows;

use forms::Forms;
use layers::{Branch, Dense, matrix};
use pieces::Pieces;
use prefixes::Prefixes;

use crate::compute::Machine;
use crate::compute::activation::{Rows, add_and_norm, norm};
use crate::compute::matrix::Matrix;
use crate::file::{ModelFile, Table};
use crate::{Embedder, Error};

/// Pieces that are read of a text. The model knows no limit; what lies behind adds time and little meaning.
const MOST_PIECES: usize = 512;

/// Pieces that go through the layers together, so that the weights are read from memory once for all of them.
const TOGETHER: usize = 512;

const EPSILON: f32 = 1e-12;

/// The orders of the branches and how many pieces before the middle one each sees.
const ORDERS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];

/// A model in memory.
pub(crate) struct Multilingual {
    id: String,
    machine: Machine,
    pieces: Pieces,
    table: Table,
    /// Where each packed row of the table ends. Row r of group g is the piece r × groups + g.
    ends: Vec<u32>,
    /// The scale and the smallest number of each group of pieces.
    groups: Vec<(f32, f32)>,
    /// From a piece to the inputs of all branches.
    inward: Matrix,
    inward_norm: (Vec<f32>, Vec<f32>),
    branches: Vec<Branch>,
    norm: (Vec<f32>, Vec<f32>),
    dense: Dense,
}

impl Multilingual {
    pub(crate) fn load(file: &ModelFile, id: &str, machine: Machine) -> Result<Self, Error> {
        let scales = file.floats("scale")?.into_iter().zip(file.floats("lo")?);
        let pair =
            |gain: &str, shift: &str| -> Result<_, Error> { Ok((file.floats(gain)?, file.floats(shift)?)) };
        let branches = ORDERS.iter().map(|(order, before)| {
            let weights = |layer: &str| matrix(file, &[&format!("{layer}_{order}")]);
            Ok(Branch { order: *order, before: *before, first: weights("w1")?, second: weights("w2")? })
        });
        let dense = Dense {
            summed: matrix(file, &["cnn"])?,
            first: matrix(file, &["d0"])?,
            skip: matrix(file, &["p1"])?,
            second: matrix(file, &["d1"])?,
            third: matrix(file, &["d2"])?,
            skip_out: matrix(file, &["p3"])?,
            out: matrix(file, &["d3"])?,
        };
        let model = Self {
            id: id.to_owned(),
            machine,
            pieces: pieces(file)?,
            table: file.table("rows")?,
            ends: ends(&file.bytes("rows.lengths")?),
            groups: scales.collect(),
            inward: matrix(file, &["proj2", "proj3", "proj5"])?,
            inward_norm: pair("inward.gain", "inward.shift")?,
            branches: branches.collect::<Result<_, Error>>()?,
            norm: pair("ln_g", "ln_b")?,
            dense,
        };
        if model.fits() { Ok(model) } else { Err(file.damaged("its tables do not fit together")) }
    }

    fn fits(&self) -> bool {
        let (piece, dense) = (self.inward.inputs(), &self.dense);
        let branch = self.inward.outputs() / ORDERS.len();
        let all = piece + self.inward.outputs();
        let norms = [(&self.inward_norm, self.inward.outputs()), (&self.norm, all)];
        let layer = |matrix: &Matrix, inputs: usize, outputs: usize| {
            matrix.inputs() == inputs && matrix.outputs() == outputs
        };
        let middle = dense.first.outputs();
        let last = dense.third.outputs();
        piece.is_multiple_of(rows::BLOCK)
            && !self.groups.is_empty()
            && self.ends.last().is_some_and(|end| u64::from(*end) == self.table.length())
            && norms.iter().all(|(norm, width)| norm.0.len() == *width && norm.1.len() == *width)
            && self.branches.iter().all(|one| {
                layer(&one.first, branch * one.order, branch)
                    && layer(&one.second, branch * one.order, branch)
            })
            && dense.summed.inputs() == all
            && layer(&dense.first, dense.summed.outputs(), middle)
            && layer(&dense.skip, dense.summed.outputs(), middle)
            && layer(&dense.second, middle, middle)
            && layer(&dense.third, middle, last)
            && layer(&dense.skip_out, middle, dense.out.outputs())
            && layer(&dense.out, last, dense.out.outputs())
    }

    /// What stands in the table for each piece.
    fn look_up(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>, Error> {
        let (mut floats, mut packed, mut row) = (Vec::new(), Vec::new(), Vec::new());
        let per_group = self.ends.len() / self.groups.len();
        for number in texts.iter().flatten() {
            let (within, group) =
                (*number as usize / self.groups.len(), *number as usize % self.groups.len());
            let at = group * per_group + within;
            let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
            let end = self.ends.get(at).copied().unwrap_or(start);
            packed.resize(end.saturating_sub(start) as usize, 0);
            self.table.read(start.into(), &mut packed)?;
            row.clear();
            rows::unpack(&packed, &mut row);
            row.resize(self.inward.inputs(), 0);
            let (scale, least) = self.groups.get(group).copied().unwrap_or_default();
            floats.extend(row.iter().map(|x| f32::from(*x) * scale + least));
        }
        Ok(floats)
    }

    /// The vectors of some texts, given as their pieces.
    fn forward(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, Error> {
        let (machine, piece) = (self.machine, self.inward.inputs());
        let embedded = self.look_up(texts)?;
        let mut inward = self.inward.apply(machine, &Rows::of(machine, &embedded, piece));
        add_and_norm(machine, &mut inward, None, (&self.inward_norm.0, &self.inward_norm.1), EPSILON);
        let all = self.inward.outputs();
        let mut branches = Vec::new();
        for (at, branch) in self.branches.iter().enumerate() {
            let width = branch.first.outputs();
            let own = inward.chunks_exact(all).flat_map(|row| row.iter().skip(at * width).take(width));
            branches.push((width, branch.look(machine, own.copied().collect(), texts)));
        }
        let mut sums = Vec::new();
        let mut place = 0;
        for numbers in texts {
            sums.extend(self.sum(&embedded, &branches, place, numbers.len()));
            place += numbers.len();
        }
        Ok(self.dense.apply(machine, &sums, texts))
    }

    /// The sum of a text's pieces, each with what its branches saw, evened out.
    fn sum(&self, embedded: &[f32], branches: &[(usize, Vec<f32>)], place: usize, count: usize) -> Vec<f32> {
        let piece = self.inward.inputs();
        let mut sum = vec![0.0; self.norm.0.len()];
        let mut row = Vec::with_capacity(sum.len());
        for at in place..place + count {
            row.clear();
            row.extend(embedded.iter().skip(at * piece).take(piece));
            for (width, seen) in branches {
                row.extend(seen.iter().skip(at * width).take(*width));
            }
            self.machine.run(
                #[inline(always)]
                || {
                    norm(&mut row, &self.norm.0, &self.norm.1, EPSILON);
                    sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x);
                },
            );
        }
        sum
    }
}

impl Embedder for Multilingual {
    fn model(&self) -> &str {
        &self.id
    }

    fn dim(&self) -> usize {
        self.dense.out.outputs()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        let (mut group, mut count) = (Vec::new(), 0);
        for text in texts {
            let numbers = self.pieces.encode(text, MOST_PIECES);
            if count + numbers.len() > TOGETHER {
                vectors.extend(self.forward(&group)?);
                group.clear();
                count = 0;
            }
            count += numbers.len();
            group.push(numbers);
        }
        vectors.extend(self.forward(&group)?);
        Ok(vectors)
    }
}

/// Where things end whose lengths are given.
fn ends(lengths: &[u8]) -> Vec<u32> {
    let lengths = lengths.as_chunks().0.iter().map(|length| u32::from(u16::from_le_bytes(*length)));
    let mut end = 0;
    lengths
        .map(|length| {
            end += length;
            end
        })
        .collect()
}

fn pieces(file: &ModelFile) -> Result<Pieces, Error> {
    let forms = Forms::new(&file.bytes("forms")?)
        .ok_or_else(|| file.damaged("its table of forms is no such table"))?;
    let list = Prefixes::new(file.bytes("pieces")?, &file.bytes("pieces.lengths")?);
    let list = list.ok_or_else(|| file.damaged("its list of pieces is out of order"))?;
    Pieces::new(forms, list, file.numbers("pieces.numbers")?, file.floats("pieces.scores")?)
        .ok_or_else(|| file.damaged("its pieces do not fit together"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::forms::tests::table;
    use super::*;

    impl Multilingual {
        pub(crate) fn tokens(&self, text: &str) -> Vec<u32> {
            self.pieces.encode(text, MOST_PIECES)
        }
    }

    /// Some forms.
    pub(crate) fn small_table() -> Vec<u8> {
        table(&[("S", "s"), ("W", "w"), ("B", "b"), ("a\u{301}", "a"), ("\u{3000}", " ")])
    }

    /// A list of pieces as its makers write it, the later ones less likely.
    pub(crate) fn piece_list(names: &[&str], forms: &[u8]) -> Vec<u8> {
        let mut list = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let score = (-(at as f32)).to_le_bytes();
            let piece = [&[0x0a, name.len() as u8], name.as_bytes(), &[0x15], &score].concat();
            list.extend([&[0x0a, piece.len() as u8], piece.as_slice()].concat());
        }
        let map = [&[0x12], number(forms.len()).as_slice(), forms].concat();
        list.extend([&[0x1a], number(map.len()).as_slice(), &map].concat());
        list
    }

    fn number(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }
}
