//! One figure, with what it is held against.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// When the peers were measured, on the same kind of machine; their programs are not part of a set-up.
pub const RECORDED: &str = "recorded 2026-11-22";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost,
    AtLeast,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub unit: Cow<'static, str>,
    /// None: it could not be measured; `how` says why.
    pub ours: Option<f64>,
    pub goal: Option<f64>,
    /// Which way `ours` must lie from the goal.
    pub bound: Bound,
    pub peer: Option<Cow<'static, str>>,
    /// In `unit`, unless it says otherwise; several peers in the order of `peer`.
    pub peer_value: Option<Cow<'static, str>>,
    /// Where the peer's value is from.
    pub peer_source: Option<Cow<'static, str>>,
    /// None where there is no goal: the row only informs.
    pub holds: Option<bool>,
    /// How it was measured.
    pub how: String,
    pub runs: usize,
    /// `ours` is the sum over the runs, not their median.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub summed: bool,
}

impl Row {
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        ours: f64,
        runs: usize,
        how: impl Into<String>,
    ) -> Row {
        Row {
            name: name.into(),
            unit: unit.into(),
            ours: Some(ours),
            goal: None,
            bound: Bound::AtMost,
            peer: None,
            peer_value: None,
            peer_source: None,
            holds: None,
            how: how.into(),
            runs,
            summed: false,
        }
    }

    /// The median of `samples`, one of each run.
    pub fn median(
        name: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        how: impl Into<String>,
    ) -> Row {
        let spread =
            match (samples.iter().copied().reduce(f64::min), samples.iter().copied().reduce(f64::max)) {
                (Some(low), Some(high)) if samples.len() > 1 => {
                    format!(" ({} to {})", short(low), short(high))
                }
                _ => String::new(),
            };
        Row::new(name, unit, median(samples), samples.len(), format!("{}{spread}", how.into()))
    }

    pub fn not_measured(name: &str, why: &anyhow::Error) -> Row {
        let mut row = Row::new(name, "", 0.0, 0, format!("not measured: {why:#}"));
        row.ours = None;
        row.holds = Some(false);
        row
    }

    pub fn at_most(mut self, goal: f64) -> Row {
        self.goal = Some(goal);
        self.holds = Some(self.ours.is_some_and(|ours| ours <= goal));
        self
    }

    pub fn at_least(mut self, goal: f64) -> Row {
        (self.goal, self.bound) = (Some(goal), Bound::AtLeast);
        self.holds = Some(self.ours.is_some_and(|ours| ours >= goal));
        self
    }

    /// A peer, and where its figure is from.
    pub fn beside(mut self, peer: &'static str, value: impl Into<String>, source: &'static str) -> Row {
        (self.peer, self.peer_value, self.peer_source) =
            (Some(peer.into()), Some(value.into().into()), Some(source.into()));
        self
    }

    /// A peer whose figure was recorded.
    pub fn recorded(mut self, peer: &'static str, value: &'static str) -> Row {
        (self.peer, self.peer_value, self.peer_source) =
            (Some(peer.into()), Some(value.into()), Some(RECORDED.into()));
        self
    }
}

/// The middle one; of an even number the mean of the two in the middle; not a number of none.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match (sorted.get(half.wrapping_sub(1)), sorted.get(half)) {
        (_, Some(middle)) if sorted.len() % 2 == 1 => *middle,
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

/// A figure for people: three digits that say something.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_samples() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_row_holds_up_to_its_goal_and_no_further() {
        let row = |ours| Row::new("n", "ms", ours, 1, "").at_most(50.0).holds;
        assert_eq!((row(50.0), row(50.1), row(f64::NAN)), (Some(true), Some(false), Some(false)));
        let fast = |ours| Row::new("n", "MB/s", ours, 1, "").at_least(200.0).holds;
        assert_eq!((fast(200.0), fast(199.9), fast(f64::NAN)), (Some(true), Some(false), Some(false)));
        assert_eq!(Row::new("n", "ms", 1.0, 1, "").holds, None);
        assert_eq!(Row::not_measured("n", &anyhow::anyhow!("x")).holds, Some(false));
    }
}
