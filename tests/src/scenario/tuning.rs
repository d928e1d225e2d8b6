//! What the engine itself is told: which rules a plan may use, and limits so small that they are met.

use super::pools::pick;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use weft_exec::EngineLimits;
use weft_plan::{PlanLimits, Rule, Rules};

/// No answer depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tuning {
    /// The names of the rules that are switched off.
    pub without: Vec<String>,
    pub read_ahead_rows: usize,
    pub batch_rows: u32,
    pub key_block: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        let limits = EngineLimits::default();
        Self {
            without: Vec::new(),
            read_ahead_rows: limits.read_ahead_rows,
            batch_rows: limits.batch_rows,
            key_block: limits.plan.key_block,
        }
    }
}

impl Tuning {
    /// Mostly what is usual; else without one rule, or without many.
    pub fn draw(rng: &mut StdRng) -> Self {
        let chance = pick(rng, &[0.0, 0.0, 0.0, 0.1, 0.5, 1.0]);
        let without = Rule::ALL.into_iter().filter(|_| rng.random_bool(chance)).map(|rule| rule.name().to_owned());
        let usual = Self::default();
        Self {
            without: without.collect(),
            read_ahead_rows: pick(rng, &[usual.read_ahead_rows, usual.read_ahead_rows, 1, 3]),
            batch_rows: pick(rng, &[usual.batch_rows, usual.batch_rows, 1, 2]),
            key_block: pick(rng, &[usual.key_block, usual.key_block, 1, 3]),
        }
    }

    pub fn limits(&self) -> EngineLimits {
        let usual = EngineLimits::default();
        let named = self.without.iter().filter_map(|name| Rule::of_name(name));
        let rules = named.fold(Rules::default(), Rules::without);
        let plan = PlanLimits { rules, key_block: self.key_block, ..usual.plan };
        EngineLimits { plan, read_ahead_rows: self.read_ahead_rows, batch_rows: self.batch_rows, ..usual }
    }
}
