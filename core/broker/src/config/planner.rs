//! The section `[planner]`.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use weft_plan::{Rule, Rules};

/// How queries are planned. An answer is the same whatever is said here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Planner {
    /// The rules that are switched off.
    #[serde(deserialize_with = "rules")]
    without: Vec<Rule>,
}

impl Planner {
    pub(crate) fn rules(&self) -> Rules {
        self.without.iter().copied().fold(Rules::default(), Rules::without)
    }
}

fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| Rule::of_name(name).ok_or_else(|| Error::custom(unknown(name)))).collect()
}

fn unknown(name: &str) -> String {
    let nearness = |rule: &Rule| strsim::jaro_winkler(rule.name(), name);
    let nearest = Rule::ALL.into_iter().max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
    let nearest = nearest.map_or_else(String::new, |rule| format!("; the nearest is {:?}", rule.name()));
    format!("there is no rule {name:?}{nearest}")
}
