//! How many distinct values a column has, from some of its rows. Such numbers choose between plans; no answer depends on
//! them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Cells of one table that are looked at in all; bounds the memory of a sample.
pub(crate) const MOST_CELLS: usize = 1_000_000;

/// What was seen of a column: its values by their hashes, and how often each came.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnSample {
    values: HashMap<u64, u32>,
    /// Rows whose value is not null.
    present: u64,
}

impl ColumnSample {
    pub(crate) fn add(&mut self, value: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        *self.values.entry(hasher.finish()).or_default() += 1;
        self.present += 1;
    }

    /// The distinct values among those seen.
    pub(crate) fn seen(&self) -> u64 {
        self.values.len() as u64
    }

    /// The distinct values among `rows`, of which `sampled` were drawn by chance: the estimator Duj1 of Haas and Stokes
    /// ("Estimating the number of classes in a finite population", 1998), which PostgreSQL uses too.
    pub(crate) fn estimate(&self, sampled: u64, rows: u64) -> u64 {
        if self.present == 0 || sampled >= rows {
            return self.seen();
        }
        let (drawn, distinct) = (self.present as f64, self.seen() as f64);
        let once = self.values.values().filter(|times| **times == 1).count() as f64;
        let present = (rows as f64 * drawn / sampled as f64).max(drawn);
        let estimate = drawn * distinct / (drawn - once + once * drawn / present);
        estimate.clamp(distinct, present).round() as u64
    }
}

/// Numbers that look drawn by chance, the same in every run (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The estimate from a sample of 10,000 of a million rows, whose value is `value` of their number.
    fn estimate(value: impl Fn(u64) -> Option<u64>) -> u64 {
        let (mut sample, mut draw, mut rows) = (ColumnSample::default(), Draw::new(), HashSet::new());
        while rows.len() < 10_000 {
            let row = draw.below(1_000_000);
            if rows.insert(row)
                && let Some(value) = value(row)
            {
                sample.add(&value);
            }
        }
        sample.estimate(10_000, 1_000_000)
    }

    fn within(estimate: u64, truth: u64, factor: f64) -> bool {
        let ratio = estimate as f64 / truth as f64;
        (1.0 / factor..=factor).contains(&ratio)
    }

    #[test]
    fn estimates_are_near_the_truth() {
        assert!(estimate(|_| None) == 0 && estimate(|_| Some(7)) == 1);
        assert!(within(estimate(|row| Some(row % 100)), 100, 1.01));
        assert!(within(estimate(|row| Some(row / 100)), 10_000, 1.5), "{}", estimate(|row| Some(row / 100)));
        assert!(within(estimate(|row| Some(row / 3)), 333_333, 2.0), "{}", estimate(|row| Some(row / 3)));
        assert!(within(estimate(Some), 1_000_000, 2.0), "{}", estimate(Some));
        let half = estimate(|row| (row % 2 == 0).then_some(row));
        assert!(within(half, 500_000, 2.0), "{half}");
    }

    #[test]
    fn all_rows_give_the_truth() {
        let mut sample = ColumnSample::default();
        (0..1_000_u64).for_each(|row| sample.add(&(row % 333)));
        assert_eq!((sample.seen(), sample.estimate(1_000, 1_000)), (333, 333));
        assert_eq!(ColumnSample::default().estimate(0, 10), 0);
    }

    #[test]
    fn draws_stay_below_their_bound() {
        let mut draw = Draw::new();
        assert!((0..1_000).all(|_| draw.below(3) < 3 && draw.below(1) == 0 && draw.below(0) == 0));
        let mean = (0..10_000).map(|_| draw.below(1_000)).sum::<u64>() / 10_000;
        assert!((480..520).contains(&mean), "{mean}");
    }
}
