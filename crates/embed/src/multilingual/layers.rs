//! What the model does with the pieces of a text: looking at neighbours, and the dense layers behind the sum.

use crate::Error;
use crate::compute::activation::Rows;
use crate::compute::matrix::Matrix;
use crate::compute::smooth::tanh;
use crate::compute::{Machine, normalise};
use crate::file::ModelFile;

/// One way of looking at neighbours.
pub(super) struct Branch {
    /// How many neighbours, with the piece itself, and how many of them stand before it.
    pub(super) order: usize,
    pub(super) before: usize,
    pub(super) first: Matrix,
    pub(super) second: Matrix,
}

/// What turns the sum of a text's pieces into its vector.
pub(super) struct Dense {
    pub(super) summed: Matrix,
    pub(super) first: Matrix,
    pub(super) skip: Matrix,
    pub(super) second: Matrix,
    pub(super) third: Matrix,
    pub(super) skip_out: Matrix,
    pub(super) out: Matrix,
}

impl Branch {
    /// Twice: what a piece and its neighbours say together is added to the piece.
    pub(super) fn look(&self, machine: Machine, mut rows: Vec<f32>, texts: &[Vec<u32>]) -> Vec<f32> {
        for layer in [&self.first, &self.second] {
            let windows = self.windows(&rows, layer.outputs(), texts);
            let seen = layer.apply(machine, &Rows::of(machine, &windows, layer.inputs()));
            rows.iter_mut().zip(seen).for_each(|(x, seen)| *x += if seen > 0.0 { seen } else { 0.0 });
        }
        rows
    }

    /// Each piece with its neighbours; zeros where its text has none.
    fn windows(&self, rows: &[f32], width: usize, texts: &[Vec<u32>]) -> Vec<f32> {
        let mut windows = Vec::with_capacity(rows.len() * self.order);
        let mut rest = rows;
        for numbers in texts {
            let (text, after) = rest.split_at_checked(numbers.len() * width).unwrap_or((rest, &[]));
            rest = after;
            for at in 0..numbers.len() {
                for step in 0..self.order {
                    let neighbour = (at + step).checked_sub(self.before);
                    match neighbour.and_then(|at| text.get(at * width..(at + 1) * width)) {
                        Some(row) => windows.extend(row),
                        None => windows.resize(windows.len() + width, 0.0),
                    }
                }
            }
        }
        windows
    }
}

impl Dense {
    pub(super) fn apply(&self, machine: Machine, sums: &[f32], texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let through =
            |matrix: &Matrix, rows: &[f32]| matrix.apply(machine, &Rows::of(machine, rows, matrix.inputs()));
        let mut text = through(&self.summed, sums);
        // The bias belongs to each piece; the matrix has added it once.
        let bias = self.summed.bias();
        for (row, numbers) in text.chunks_exact_mut(self.summed.outputs()).zip(texts) {
            let count = numbers.len() as f32;
            for (x, bias) in row.iter_mut().zip(bias) {
                *x = (*x + bias * (count - 1.0)) / count.sqrt();
            }
        }
        let first = positive(through(&self.first, &text));
        let second = positive(add(through(&self.skip, &text), &through(&self.second, &first)));
        let third = positive(through(&self.third, &second));
        let mut out = add(through(&self.skip_out, &second), &through(&self.out, &third));
        machine.run(
            #[inline(always)]
            || out.iter_mut().for_each(|x| *x = tanh(*x)),
        );
        out.chunks_exact_mut(self.out.outputs()).for_each(normalise);
        out.chunks_exact(self.out.outputs()).map(<[f32]>::to_vec).collect()
    }
}

fn positive(mut rows: Vec<f32>) -> Vec<f32> {
    rows.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x = 0.0);
    rows
}

fn add(mut rows: Vec<f32>, more: &[f32]) -> Vec<f32> {
    rows.iter_mut().zip(more).for_each(|(x, y)| *x += y);
    rows
}

/// The matrices of that name, their outputs side by side.
pub(super) fn matrix(file: &ModelFile, names: &[&str]) -> Result<Matrix, Error> {
    let (mut steps, mut scales, mut bias) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        steps.extend(file.bytes(name)?);
        scales.extend(file.floats(&format!("{name}.scales"))?);
        bias.extend(file.floats(&format!("{name}.bias"))?);
    }
    let inputs = steps.len().checked_div(scales.len()).unwrap_or(0);
    let wrong = || file.damaged(format!("the weights of {} do not fit", names.join(", ")));
    Matrix::new(inputs, &steps, &scales, &bias).ok_or_else(wrong)
}
