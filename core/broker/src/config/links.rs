//! The section `[links]`.

use super::value;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use weft_index::IndexLimits;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Links {
    pub(super) store: PathBuf,
    /// The file of rules.
    pub(super) rules: Option<PathBuf>,
    /// SHACL shapes that links must satisfy.
    #[serde(default)]
    pub(super) shapes: Vec<PathBuf>,
    /// How often the broker looks whether links have changed, and the least time between two looks at all of them.
    #[serde(default = "Links::default_refresh", deserialize_with = "value::duration")]
    pub(crate) refresh: Duration,
    /// The time each query of a rule has.
    #[serde(default = "Links::default_rule_timeout", deserialize_with = "value::duration")]
    pub(crate) rule_timeout: Duration,
    /// Names of one thing; with more, the thread view is refused.
    #[serde(default = "Links::default_max_aliases")]
    pub(super) max_aliases: usize,
    /// Other times whose links are kept in memory, once a query asked for them.
    #[serde(default = "Links::default_kept_times")]
    pub(crate) kept_times: usize,
}

impl Links {
    fn default_refresh() -> Duration {
        Duration::from_secs(2)
    }

    fn default_rule_timeout() -> Duration {
        Duration::from_secs(600)
    }

    fn default_max_aliases() -> usize {
        IndexLimits::default().max_aliases
    }

    fn default_kept_times() -> usize {
        2
    }
}
