//! A layer's weights in 8 bits, and their product with rows of whole numbers.

use super::Machine;
use super::activation::{BLOCK, Pairs, Rows};

/// Outputs that lie together.
pub(crate) const PANEL: usize = 16;

/// The longest input for which no sum can leave 32 bits: 127 × 8191 × 2048 < 2³¹.
pub(crate) const MAX_IN: usize = 2048;

/// Two neighbouring inputs of each output of a panel.
pub(crate) type Step = [i8; PANEL * 2];

/// `output = input × weights + bias`, with one scale for each output.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Panels one after the other; in a panel, one step for each pair of inputs.
    steps: Vec<Step>,
    scales: Vec<[f32; PANEL]>,
    bias: Vec<[f32; PANEL]>,
    inputs: usize,
}

/// The sums of a block of rows with a panel of outputs.
type Sums = [[i32; PANEL]; BLOCK];

impl Matrix {
    /// From what [`pack`] made: an even number of inputs up to [`MAX_IN`], whole panels.
    pub(crate) fn new(inputs: usize, steps: &[u8], scales: &[f32], bias: &[f32]) -> Option<Self> {
        let outputs = scales.len();
        let sound = inputs.is_multiple_of(2)
            && (2..=MAX_IN).contains(&inputs)
            && outputs.is_multiple_of(PANEL)
            && outputs > 0
            && bias.len() == outputs
            && steps.len() == inputs * outputs;
        // -128 would leave the range that MAX_IN was counted for.
        if !sound || steps.contains(&0x80) {
            return None;
        }
        Some(Self {
            steps: steps.as_chunks().0.iter().map(|step: &[u8; PANEL * 2]| step.map(|x| x as i8)).collect(),
            scales: scales.as_chunks().0.to_vec(),
            bias: bias.as_chunks().0.to_vec(),
            inputs,
        })
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) fn outputs(&self) -> usize {
        self.scales.len() * PANEL
    }

    pub(crate) fn bias(&self) -> &[f32] {
        self.bias.as_flattened()
    }

    /// One row of outputs for each row; the rows must be [`Self::inputs`] wide.
    pub(crate) fn apply(&self, machine: Machine, rows: &Rows) -> Vec<f32> {
        let outputs = self.outputs();
        let mut out = vec![0.0; rows.count * outputs];
        machine.run(
            #[inline(always)]
            || {
                let panels = self.steps.chunks_exact(self.inputs / 2).zip(self.scales.iter().zip(&self.bias));
                for (panel, (steps, (scales, bias))) in panels.enumerate() {
                    let blocks = rows.pairs.chunks_exact(self.inputs / 2).zip(&rows.scales);
                    for ((pairs, worth), out) in blocks.zip(out.chunks_mut(outputs * BLOCK)) {
                        let sums = multiply(machine, pairs, steps);
                        for ((sums, worth), out) in sums.iter().zip(worth).zip(out.chunks_exact_mut(outputs))
                        {
                            let Some(out) = out.as_chunks_mut::<PANEL>().0.get_mut(panel) else { continue };
                            for (((out, sum), scale), bias) in out.iter_mut().zip(sums).zip(scales).zip(bias)
                            {
                                *out = *sum as f32 * (worth * scale) + bias;
                            }
                        }
                    }
                }
            },
        );
        out
    }
}

#[inline(always)]
fn multiply(machine: Machine, pairs: &[Pairs], steps: &[Step]) -> Sums {
    match machine {
        Machine::Portable => portable(pairs, steps),
        #[cfg(target_arch = "x86_64")]
        Machine::V3(v3) => avx2(v3, pairs, steps),
    }
}

/// For machines whose compiler sees by itself how to do it side by side.
#[inline(always)]
fn portable(pairs: &[Pairs], steps: &[Step]) -> Sums {
    let mut sums = [[0; PANEL]; BLOCK];
    for (pairs, step) in pairs.iter().zip(steps) {
        for (sums, pair) in sums.iter_mut().zip(pairs) {
            let (even, odd) = (i32::from(*pair as i16), pair >> 16);
            for (sum, weights) in sums.iter_mut().zip(step.as_chunks::<2>().0) {
                let [first, second] = weights.map(i32::from);
                *sum += first * even + second * odd;
            }
        }
    }
    sums
}

/// Eight outputs and two inputs in one instruction. The sums are whole numbers: they are those of [`portable`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2(v3: pulp::x86::V3, pairs: &[Pairs], steps: &[Step]) -> Sums {
    let zero = v3.avx._mm256_setzero_si256();
    let mut sums = [[zero; 2]; BLOCK];
    for (pairs, step) in pairs.iter().zip(steps) {
        let [low, high]: [std::arch::x86_64::__m128i; 2] = pulp::cast(*step);
        let weights = [v3.avx2._mm256_cvtepi8_epi16(low), v3.avx2._mm256_cvtepi8_epi16(high)];
        for (sums, pair) in sums.iter_mut().zip(pairs) {
            let pair = v3.avx._mm256_set1_epi32(*pair);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = v3.avx2._mm256_add_epi32(*sum, v3.avx2._mm256_madd_epi16(pair, weights));
            }
        }
    }
    sums.map(pulp::cast)
}

/// Weights made ready for [`Matrix::new`]: `rows` holds the inputs of one output after the other.
pub(crate) struct Packed {
    pub(crate) steps: Vec<u8>,
    pub(crate) scales: Vec<f32>,
}

/// Brings weights into 8 bits, each output by its own largest one, and into the order in which a product reads them.
pub(crate) fn pack(rows: &[f32], inputs: usize) -> Packed {
    let scales: Vec<f32> = rows
        .chunks_exact(inputs)
        .map(|row| row.iter().fold(0.0, |top: f32, x| top.max(x.abs())) / 127.0)
        .collect();
    let mut steps = Vec::with_capacity(rows.len());
    for (panel, scales) in rows.chunks(inputs * PANEL).zip(scales.chunks(PANEL)) {
        for pair in 0..inputs / 2 {
            for (row, scale) in panel.chunks_exact(inputs).zip(scales) {
                for x in row.iter().skip(pair * 2).take(2) {
                    let whole = if *scale > 0.0 { (x / scale).round_ties_even() } else { 0.0 };
                    steps.push(whole.clamp(-127.0, 127.0) as i8 as u8);
                }
            }
        }
    }
    Packed { steps, scales }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|n| (((n * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 500.0).collect()
    }

    #[test]
    fn a_product_is_the_one_of_the_floats_but_for_the_rounding() {
        let (inputs, outputs, count) = (96, 32, 13);
        let (weights, bias, floats) = (wave(inputs * outputs, 1), wave(outputs, 2), wave(inputs * count, 3));
        let packed = pack(&weights, inputs);
        let matrix = Matrix::new(inputs, &packed.steps, &packed.scales, &bias).unwrap();
        assert_eq!((matrix.inputs(), matrix.outputs()), (inputs, outputs));
        let out = matrix.apply(Machine::here(), &Rows::of(Machine::here(), &floats, inputs));
        assert_eq!(out.len(), count * outputs);
        for (row, floats) in floats.chunks(inputs).enumerate() {
            for (output, weights) in weights.chunks(inputs).enumerate() {
                let exact: f32 = floats.iter().zip(weights).map(|(x, w)| x * w).sum::<f32>() + bias[output];
                assert!((out[row * outputs + output] - exact).abs() < 0.4, "row {row}, output {output}");
            }
        }
        let portable = matrix.apply(Machine::Portable, &Rows::of(Machine::Portable, &floats, inputs));
        assert_eq!(out, portable, "the machine's instructions change the result");
    }

    #[test]
    fn the_largest_sums_fit() {
        let ones = vec![1.0; MAX_IN * PANEL];
        let packed = pack(&ones, MAX_IN);
        let matrix = Matrix::new(MAX_IN, &packed.steps, &packed.scales, &[0.0; PANEL]).unwrap();
        for sign in [1.0, -1.0] {
            let out = matrix.apply(Machine::here(), &Rows::of(Machine::here(), &[sign; MAX_IN], MAX_IN));
            assert!(out.iter().all(|x| (x - sign * MAX_IN as f32).abs() < 0.1), "{out:?}");
        }
    }

    #[test]
    fn weights_of_another_shape_are_refused() {
        assert!(Matrix::new(3, &[0; 48], &[1.0; 16], &[0.0; 16]).is_none());
        assert!(Matrix::new(4, &[0; 63], &[1.0; 16], &[0.0; 16]).is_none());
        assert!(Matrix::new(4, &[0; 64], &[1.0; 16], &[0.0; 15]).is_none());
        assert!(Matrix::new(4, &[0x80; 64], &[1.0; 16], &[0.0; 16]).is_none());
        assert!(Matrix::new(4096, &vec![0; 4096 * 16], &[1.0; 16], &[0.0; 16]).is_none());
        assert!(Matrix::new(4, &[0; 64], &[1.0; 16], &[0.0; 16]).is_some());
    }
}
