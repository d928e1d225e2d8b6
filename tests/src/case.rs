//! A scenario with a query: asked, judged, and kept as a folder.

use crate::compare::{Found, Verdict, contradicts_itself, evaluate, judge_against, whole};
use crate::mesh::{Guests, Mesh, refusal};
use crate::query_gen::Query;
use crate::scenario::{Scenario, Source, load_scenario, save_scenario};
use crate::union::{Union, union};
use anyhow::Context;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weft_model::Code;

/// Well above the deadline of a query.
const PATIENCE: Duration = Duration::from_secs(90);

/// A scenario and a query over it.
#[derive(Clone, Debug)]
pub struct Case {
    pub scenario: Scenario,
    pub query: Query,
}

/// What came of a case.
#[derive(Debug)]
pub enum Outcome {
    Right {
        rows: usize,
    },
    /// The engine says that it does not answer such a query.
    Refused(String),
    /// The oracle does not say.
    Undecided(&'static str),
    Wrong {
        reason: String,
        expected: Found,
        found: Found,
    },
    /// An error, or a panic.
    Failed(String),
    /// Neither an answer nor an error, long after the deadline.
    Silent,
}

impl Outcome {
    /// A word for the kind of failure; none when it is none.
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Self::Wrong { .. } => Some("wrong"),
            Self::Failed(_) => Some("failed"),
            Self::Silent => Some("silent"),
            _ => None,
        }
    }
}

/// Asks a mesh that is up and judges its answer.
pub async fn ask(mesh: Arc<Mesh>, data: &Union, query: &Query) -> anyhow::Result<Outcome> {
    match evaluate(data, &whole(query).text())? {
        Some(expected) => ask_for(mesh, data, query, expected).await,
        None => Ok(Outcome::Undecided("the oracle's answer is too large or takes too long")),
    }
}

/// The same for who has asked the oracle already, for the whole answer.
pub async fn ask_for(mesh: Arc<Mesh>, data: &Union, query: &Query, expected: Found) -> anyhow::Result<Outcome> {
    let text = query.text();
    let asking = tokio::spawn(async move { mesh.ask(&text).await });
    let found = match tokio::time::timeout(PATIENCE, asking).await {
        Err(_) => return Ok(Outcome::Silent),
        Ok(Err(panic)) => return Ok(Outcome::Failed(format!("panic: {panic}"))),
        Ok(Ok(Err(error))) => {
            return Ok(match refusal(&error) {
                Some(reason) => Outcome::Refused(reason),
                None if error.code == Code::DeadlineExceeded => Outcome::Undecided("the engine takes too long"),
                None if error.code == Code::LimitExceeded => Outcome::Undecided("a limit of the engine"),
                None => Outcome::Failed(format!("{}: {error}\n{:?}", error.code, error.detail)),
            });
        }
        Ok(Ok(Ok(found))) => found,
    };
    Ok(match judge_against(data, query, expected, &found)? {
        Verdict::Agrees { rows } => Outcome::Right { rows },
        Verdict::Undecided(reason) => Outcome::Undecided(reason),
        Verdict::Differs { expected, .. } if contradicts_itself(data, query, &expected)? => {
            Outcome::Undecided("the oracle answers something else each time")
        }
        Verdict::Differs { reason, expected } => Outcome::Wrong { reason, expected, found },
    })
}

impl Case {
    /// Runs the case alone, on connectors of its own.
    pub async fn run(&self, guests: Option<&Guests>) -> anyhow::Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let data = union(&self.scenario)?;
        let mesh = Mesh::open(&self.scenario, folder.path(), guests).await?;
        ask(Arc::new(mesh), &data, &self.query).await
    }

    /// Everything there is to know about the case, for people.
    pub async fn report(&self, outcome: &Outcome, guests: Option<&Guests>) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{}", self.query.text());
        for source in &self.scenario.sources {
            describe(&mut text, source);
        }
        match outcome {
            Outcome::Wrong { reason, expected, found } => {
                let _ = writeln!(text, "{reason}\nexpected: {}\nfound:    {}", show(expected), show(found));
            }
            other => {
                let _ = writeln!(text, "{other:?}");
            }
        }
        if let Ok(folder) = tempfile::tempdir()
            && let Ok(mesh) = Mesh::open(&self.scenario, folder.path(), guests).await
        {
            let _ = writeln!(text, "{}", mesh.explain(&self.query.text()).await);
        }
        text
    }

    pub fn save(&self, folder: &Path) -> anyhow::Result<()> {
        save_scenario(&self.scenario, folder)?;
        fs::write(folder.join("query.rq"), self.query.text())?;
        fs::write(folder.join("query.json"), serde_json::to_string_pretty(&self.query)? + "\n")?;
        Ok(())
    }

    /// `query.json` is what is read; `query.rq` says the same for people.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("query.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let query = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(Self { scenario: load_scenario(folder)?, query })
    }
}

fn describe(text: &mut String, source: &Source) {
    let _ = writeln!(text, "source {} ({:?}) {:?}", source.name, source.transport, source.description.relational);
    for (table, rows) in source.description.tables.iter().zip(&source.rows) {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|c| format!("{} {}{}", c.name, c.data_type, if c.nullable { "?" } else { "" }))
            .collect();
        let _ = writeln!(text, "  table {} ({}) keys {:?}", table.name, columns.join(", "), table.keys);
        let _ = writeln!(text, "    max_keys {} filters {:?}", table.max_keys, table.filters.len());
        for row in rows.iter().take(10) {
            let _ = writeln!(text, "    {row:?}");
        }
        if rows.len() > 10 {
            let _ = writeln!(text, "    and {} more", rows.len() - 10);
        }
    }
    let _ = writeln!(text, "{}", source.mapping.to_turtle());
}

fn show(found: &Found) -> String {
    let Found::Rows { variables, rows } = found else { return format!("{found:?}") };
    let mut text = format!("{} rows of {variables:?}", rows.len());
    let mut lines: Vec<String> =
        rows.iter().map(|row| row.iter().map(crate::compare::canonical_cell).collect::<Vec<_>>().join("  ")).collect();
    lines.sort();
    for line in lines.iter().take(20) {
        let _ = write!(text, "\n    {line}");
    }
    text
}
