//! The smooth functions, made of additions, multiplications and divisions alone, so that they are the same everywhere and
//! sixteen of them go on side by side.

// The numbers are written as they are published; the type keeps what it can.
#![expect(clippy::excessive_precision, reason = "constants as published")]

/// Adding this to a small float leaves its nearest whole number in the low bits.
const ROUND: f32 = 12_582_912.0;

/// The nearest whole number, for magnitudes below four million.
#[inline(always)]
pub(crate) fn round(x: f32) -> f32 {
    (x + ROUND) - ROUND
}

/// The nearest whole number as an integer, for magnitudes below four million.
#[inline(always)]
pub(crate) fn to_int(x: f32) -> i32 {
    (x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

/// e to the power of `x`, which is cut to -87 … 88; the relative error stays below 2e-7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let power = x * std::f32::consts::LOG2_E;
    let n = round(power);
    // ln 2 in two parts, so that nothing is lost where n is large.
    let r = (x - n * 0.693_359_375) + n * 2.121_944_4e-4;
    let series = 1.987_569_15e-4;
    let series = series * r + 1.398_199_95e-3;
    let series = series * r + 8.333_451_9e-3;
    let series = series * r + 4.166_579_6e-2;
    let series = series * r + 1.666_666_55e-1;
    let series = series * r + 0.5;
    let near_one = (series * r * r + r) + 1.0;
    near_one * f32::from_bits(((to_int(n) + 127) << 23) as u32)
}

/// The error function by formula 7.1.26 of Abramowitz and Stegun; the error stays below 5e-7.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let series = 1.061_405_43;
    let series = series * t - 1.453_152_03;
    let series = series * t + 1.421_413_74;
    let series = series * t - 0.284_496_74;
    let series = series * t + 0.254_829_59;
    (1.0 - series * t * exp(-x * x)).copysign(x)
}

/// The Gaussian error linear unit, in its exact form.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The hyperbolic tangent; the error stays below 3e-7.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_close_to_the_real_ones_over_their_whole_range() {
        // Values of erf to eight places, from tables.
        let table = [(0.1, 0.112_462_92), (0.5, 0.520_499_88), (1.0, 0.842_700_79), (2.0, 0.995_322_27)];
        for (x, y) in table {
            assert!((f64::from(erf(x)) - y).abs() < 5e-7, "erf {x}");
            assert!((f64::from(erf(-x)) + y).abs() < 5e-7, "erf -{x}");
        }
        for step in -8700..8800 {
            let x = step as f32 / 100.0;
            let real = f64::from(x).exp();
            assert!((f64::from(exp(x)) - real).abs() <= real * 2e-7, "exp {x}");
            assert!((f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 3e-7, "tanh {x}");
        }
    }

    #[test]
    fn whole_numbers_are_found_by_addition() {
        for (x, whole) in
            [(0.0, 0), (0.4, 0), (-0.6, -1), (8191.0, 8191), (-8190.7, -8191), (2.5, 2), (3.5, 4)]
        {
            assert_eq!(to_int(x), whole);
            assert_eq!(round(x), whole as f32);
        }
    }

    #[test]
    fn the_ends_stay_finite() {
        assert_eq!(gelu(0.0), 0.0);
        assert!(gelu(-40.0).abs() < 1e-6 && (gelu(40.0) - 40.0).abs() < 1e-5);
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite());
        assert_eq!(tanh(1e9), 1.0);
    }
}
