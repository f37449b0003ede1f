//! all-MiniLM-L6-v2 and models of its shape: BERT, each head 32 numbers wide, the mean of the tokens as the vector.
//!
//! The weights of a layer are in memory, 8 bits each. The table of word pieces, half of the model, stays on the disk: a
//! text needs a few rows of it.

mod attention;
pub(crate) mod convert;
mod words;

use attention::{HEAD, attend};
use words::Words;

use crate::compute::activation::{Rows, add_and_norm};
use crate::compute::matrix::Matrix;
use crate::compute::smooth::gelu;
use crate::compute::{Machine, normalise};
use crate::file::{ModelFile, Table};
use crate::{Embedder, Error};

/// Tokens that the model reads of a text; it was trained on no more.
pub(crate) const MOST_TOKENS: usize = 256;

/// Tokens that go through the layers together, so that the weights are read from memory once for all of them.
const TOGETHER: usize = 384;

const EPSILON: f32 = 1e-12;

/// Gain and shift.
type Norm = (Vec<f32>, Vec<f32>);

struct Layer {
    /// Queries, keys and values side by side.
    mixing: Matrix,
    mixed: Matrix,
    mixed_norm: Norm,
    wide: Matrix,
    narrow: Matrix,
    norm: Norm,
}

/// A model in memory.
pub(crate) struct MiniLm {
    id: String,
    machine: Machine,
    words: Words,
    /// A row for each word piece: its numbers in 8 bits, then their scale.
    pieces: Table,
    /// A row for each place in a text.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    hidden: usize,
}

impl MiniLm {
    pub(crate) fn load(file: &ModelFile, id: &str, machine: Machine) -> Result<Self, Error> {
        let norm = norm(file, "embeddings.LayerNorm")?;
        let hidden = norm.0.len();
        let words =
            String::from_utf8(file.bytes("words")?).map_err(|_| file.damaged("its words are no text"))?;
        let words = Words::new(words).ok_or_else(|| file.damaged("its list of words is incomplete"))?;
        let pieces = file.table("embeddings.word_embeddings.weight")?;
        let mut places = file.floats("embeddings.position_embeddings.weight")?;
        let kind = file.floats("embeddings.token_type_embeddings.weight")?;
        // Every text is of the first kind: what that adds is added once for all.
        let kind = kind.get(..hidden).ok_or_else(|| file.damaged("it has no kind of text"))?;
        for row in places.chunks_mut(hidden.max(1)) {
            row.iter_mut().zip(kind).for_each(|(x, y)| *x += y);
        }
        places.truncate(MOST_TOKENS * hidden);
        let layers = file.numbers("layers")?.first().copied().unwrap_or(0);
        let layers = (0..layers).map(|at| Layer::load(file, at, hidden)).collect::<Result<Vec<_>, _>>()?;
        let sound = hidden > 0
            && hidden.is_multiple_of(HEAD)
            && pieces.length() == (words.count() * (hidden + 4)) as u64
            && places.len() >= 2 * hidden
            && places.len().is_multiple_of(hidden);
        if !sound {
            return Err(file.damaged("its tables do not fit together"));
        }
        Ok(Self { id: id.to_owned(), machine, words, pieces, places, norm, layers, hidden })
    }

    /// The sum of a token's meaning and its place, for each token of a text.
    fn lay(&self, numbers: &[u32], rows: &mut Vec<f32>) -> Result<(), Error> {
        let mut row = vec![0; self.hidden + 4];
        for (number, place) in numbers.iter().zip(self.places.chunks_exact(self.hidden)) {
            self.pieces.read(u64::from(*number) * row.len() as u64, &mut row)?;
            let Some((whole, scale)) = row.split_last_chunk() else { continue };
            let scale = f32::from_le_bytes(*scale);
            rows.extend(whole.iter().zip(place).map(|(x, place)| f32::from(*x as i8) * scale + place));
        }
        Ok(())
    }

    /// The vectors of some texts, given as their tokens.
    fn forward(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, Error> {
        let mut rows = Vec::new();
        for numbers in texts {
            self.lay(numbers, &mut rows)?;
        }
        add_and_norm(self.machine, &mut rows, None, (&self.norm.0, &self.norm.1), EPSILON);
        for layer in &self.layers {
            layer.apply(self.machine, &mut rows, texts, self.hidden);
        }
        let mut rest = rows.as_slice();
        Ok(texts
            .iter()
            .map(|numbers| {
                let (rows, after) = rest.split_at_checked(numbers.len() * self.hidden).unwrap_or((rest, &[]));
                rest = after;
                mean(rows, self.hidden)
            })
            .collect())
    }
}

impl Embedder for MiniLm {
    fn model(&self) -> &str {
        &self.id
    }

    fn dim(&self) -> usize {
        self.hidden
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let most = self.places.len() / self.hidden;
        let mut vectors = Vec::with_capacity(texts.len());
        let (mut group, mut tokens) = (Vec::new(), 0);
        for text in texts {
            let numbers = self.words.encode(text, most);
            if tokens + numbers.len() > TOGETHER {
                vectors.extend(self.forward(&group)?);
                group.clear();
                tokens = 0;
            }
            tokens += numbers.len();
            group.push(numbers);
        }
        vectors.extend(self.forward(&group)?);
        Ok(vectors)
    }
}

impl Layer {
    fn load(file: &ModelFile, at: u32, hidden: usize) -> Result<Self, Error> {
        let name = |part: &str| format!("encoder.layer.{at}.{part}");
        let mixing = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        let layer = Self {
            mixing: matrix(file, hidden, &mixing.each_ref().map(String::as_str))?,
            mixed: matrix(file, hidden, &[&name("attention.output.dense")])?,
            mixed_norm: norm(file, &name("attention.output.LayerNorm"))?,
            wide: matrix(file, hidden, &[&name("intermediate.dense")])?,
            narrow: {
                let wide = file.floats(&format!("{}.bias", name("intermediate.dense")))?.len();
                matrix(file, wide, &[&name("output.dense")])?
            },
            norm: norm(file, &name("output.LayerNorm"))?,
        };
        let sound = layer.mixing.outputs() == hidden * 3
            && layer.mixed.outputs() == hidden
            && layer.narrow.outputs() == hidden
            && layer.narrow.inputs() == layer.wide.outputs()
            && [&layer.mixed_norm, &layer.norm].iter().all(|norm| norm.0.len() == hidden);
        if sound { Ok(layer) } else { Err(file.damaged(format!("layer {at} does not fit"))) }
    }

    fn apply(&self, machine: Machine, rows: &mut [f32], texts: &[Vec<u32>], hidden: usize) {
        let mixing = self.mixing.apply(machine, &Rows::of(machine, rows, hidden));
        let mut mixed = vec![0.0; rows.len()];
        let (mut from, mut into) = (mixing.as_slice(), mixed.as_mut_slice());
        for numbers in texts {
            let size = numbers.len() * hidden;
            let Some((these, rest)) = from.split_at_checked(size * 3) else { break };
            let Some((out, after)) = into.split_at_mut_checked(size) else { break };
            attend(machine, these, hidden, out);
            (from, into) = (rest, after);
        }
        let mixed = self.mixed.apply(machine, &Rows::of(machine, &mixed, hidden));
        add_and_norm(machine, rows, Some(&mixed), (&self.mixed_norm.0, &self.mixed_norm.1), EPSILON);
        let mut wide = self.wide.apply(machine, &Rows::of(machine, rows, hidden));
        machine.run(
            #[inline(always)]
            || wide.iter_mut().for_each(|x| *x = gelu(*x)),
        );
        let narrow = self.narrow.apply(machine, &Rows::of(machine, &wide, self.wide.outputs()));
        add_and_norm(machine, rows, Some(&narrow), (&self.norm.0, &self.norm.1), EPSILON);
    }
}

/// The matrices of that name, their outputs side by side.
fn matrix(file: &ModelFile, inputs: usize, names: &[&str]) -> Result<Matrix, Error> {
    let (mut steps, mut scales, mut bias) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        steps.extend(file.bytes(&format!("{name}.weight"))?);
        scales.extend(file.floats(&format!("{name}.scales"))?);
        bias.extend(file.floats(&format!("{name}.bias"))?);
    }
    let wrong = || file.damaged(format!("the weights of {} do not fit", names.join(", ")));
    Matrix::new(inputs, &steps, &scales, &bias).ok_or_else(wrong)
}

fn norm(file: &ModelFile, name: &str) -> Result<Norm, Error> {
    let norm = (file.floats(&format!("{name}.weight"))?, file.floats(&format!("{name}.bias"))?);
    if norm.0.len() == norm.1.len() { Ok(norm) } else { Err(file.damaged(format!("{name} does not fit"))) }
}

fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    // The length of the vector is made 1, so that the number of rows does not matter.
    normalise(&mut mean);
    mean
}

#[cfg(test)]
impl MiniLm {
    pub(crate) fn tokens(&self, text: &str) -> Vec<u32> {
        self.words.encode(text, MOST_TOKENS)
    }
}
