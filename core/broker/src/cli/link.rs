//! `weft link`.

use super::ConfigFile;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// Run the link rules over the sources
    Run(LinkRun),
    /// List links
    List(LinkList),
    /// Say that a link is right, whatever rules say
    Confirm(LinkDecide),
    /// Say that a link is wrong, or no longer right, whatever rules say
    Retire(LinkDecide),
    /// Say that there is a link
    Assert(LinkAssert),
    /// Tell who holds what of a link, and why
    Explain(LinkOne),
    /// Tell all that was ever held of a link
    History(LinkOne),
}

#[derive(Debug, Args)]
pub(crate) struct LinkRun {
    /// The rule; all without
    pub(crate) rule: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Tell what would be found, and record nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LinkList {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Only those proposed, confirmed, suspect or retired
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only what this rule says
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// Only those of this entity
    #[arg(long, value_name = "IRI")]
    pub(crate) entity: Option<String>,
    /// Only those with this predicate
    #[arg(long, value_name = "IRI")]
    pub(crate) predicate: Option<String>,
    /// As they were recorded at this time, such as 2026-03-01
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Only those valid at this time
    #[arg(long, value_name = "TIME")]
    pub(crate) valid_at: Option<String>,
    /// Links of a page
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = page)]
    pub(crate) limit: usize,
    /// Where the page begins: after this record
    #[arg(long, value_name = "RECORD")]
    pub(crate) after: Option<i64>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LinkOne {
    /// The link, by the name that `weft link list` shows
    #[arg(value_name = "LINK")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LinkDecide {
    /// The link, by the name that `weft link list` shows
    #[arg(value_name = "LINK")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Who says so [default: who runs the command]
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) evidence: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LinkAssert {
    /// An IRI, or a name with a prefix of the configuration
    pub(crate) subject: String,
    /// An IRI, or a name with a prefix of the configuration
    pub(crate) object: String,
    /// What the subject is to the object [default: weft:sameThingAs]
    #[arg(long, value_name = "IRI")]
    pub(crate) predicate: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Who says so [default: who runs the command]
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) evidence: Option<String>,
    /// How sure it is, from 0 to 1
    #[arg(long, value_name = "NUMBER")]
    pub(crate) confidence: Option<f64>,
    /// From when on it holds
    #[arg(long, value_name = "TIME")]
    pub(crate) valid_from: Option<String>,
    /// Until when it holds
    #[arg(long, value_name = "TIME")]
    pub(crate) valid_to: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Links that are held in memory.
fn page(text: &str) -> Result<usize, String> {
    const MOST: usize = 100_000;
    let links: usize = text.parse().map_err(|_| "a whole number is needed".to_owned())?;
    if (1..=MOST).contains(&links) { Ok(links) } else { Err(format!("a page has from 1 to {MOST} links")) }
}
