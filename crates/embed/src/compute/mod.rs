//! The arithmetic, and the promise it keeps: the same bits on every machine.
//!
//! Products of matrices are sums of integers, which are exact in any order. What is left in floating point is addition,
//! multiplication, division and square root in one fixed order, never fused; `exp`, `erf` and `tanh` are made of these.
//! So a faster instruction set may change the speed of a result and never the result.

pub(crate) mod activation;
pub(crate) mod matrix;
pub(crate) mod smooth;

/// Which instructions this machine has, seen when the program runs: the programs are compiled for the oldest ones.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    /// What the program was compiled for.
    Portable,
    /// AVX2 and its companions.
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
}

impl Machine {
    pub(crate) fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            return Self::V3(v3);
        }
        Self::Portable
    }

    /// Runs `work`, compiled for this machine's instructions. What `work` calls must be inlined into it to profit.
    #[inline(always)]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Portable => work(),
            #[cfg(target_arch = "x86_64")]
            Self::V3(v3) => v3.vectorize(work),
        }
    }
}

/// Sixteen sums that go on side by side: the fixed order of everything that is added up here.
pub(crate) type Lanes = [f32; 16];

/// The sum of a row: every sixteenth number in a lane of its own, then the lanes pairwise.
#[inline(always)]
pub(crate) fn sum(lanes: Lanes) -> f32 {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = lanes;
    (((a + i) + (e + m)) + ((c + k) + (g + o))) + (((b + j) + (f + n)) + ((d + l) + (h + p)))
}

/// Makes a vector's length 1; a vector of zeros stays as it is.
pub(crate) fn normalise(vector: &mut [f32]) {
    let mut lanes = [0.0; 16];
    for chunk in vector.chunks(16) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x * x;
        }
    }
    let length = sum(lanes).sqrt();
    if length > 0.0 {
        for x in vector {
            *x /= length;
        }
    }
}
