//! The links of a configuration: what commands and the HTTP side say of them, and what rules find.

mod asking;
mod endpoint;
mod facts;
mod rules;
mod watch;

pub(crate) use endpoint::BrokerLinks;
pub(crate) use rules::RuleOutcome;
pub(crate) use watch::LinkWatch;

use crate::config::Config;
use crate::failure::{Failure, with_causes};
use oxrdf::NamedNode;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use weft_index::{AsOf, IndexError, Link, LinkFilter, LinkId, LinkRecord, LinkState, LinkStore, LinkTime, RuleRun};
use weft_links::{LinkShapes, RuleFile, SAME_THING_AS};
use weft_model::Code;
use weft_server::{AssertedLink, Decision, QueryEndpoint};

/// Bytes of a file of rules or shapes.
const FILE_BYTES: u64 = 4 << 20;

/// Names with this prefix need no declaration.
const WEFT: &str = "https://weft.dev/ns#";

/// The link store of a configuration, with its rules and shapes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Links {
    config: Arc<Config>,
    store: Arc<Mutex<LinkStore>>,
    shapes: Arc<LinkShapes>,
    rules: Arc<RuleFile>,
}

/// A link as it is told: what counts, and all that is held of it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Explained {
    pub(crate) id: LinkId,
    pub(crate) subject: String,
    pub(crate) predicate: String,
    pub(crate) object: String,
    /// What queries see.
    pub(crate) state: LinkState,
    pub(crate) opinions: Vec<LinkRecord>,
    /// The rules among them as they were when they ran last.
    pub(crate) rules: Vec<RuleRun>,
}

impl Links {
    /// Opens the store and reads rules and shapes. What rules said that have another text now, or are gone, is marked as
    /// suspect.
    pub(crate) fn open(config: Arc<Config>) -> Result<Self, Failure> {
        let Some(path) = config.link_store() else {
            return Err(Failure::new(Code::InvalidConfig, "there is no section links: set links.store"));
        };
        let (rules, shapes) = (read_rules(&config)?, read_shapes(&config)?);
        let store = LinkStore::open(&path)?;
        let links =
            Self { config, store: Arc::new(Mutex::new(store)), shapes: Arc::new(shapes), rules: Arc::new(rules) };
        links.suspect_changed_rules()?;
        Ok(links)
    }

    pub(crate) fn list(&self, filter: &LinkFilter, after: i64, size: usize) -> Result<Vec<LinkRecord>, Failure> {
        Ok(self.store().list(filter, after, size)?)
    }

    /// All records of a link, oldest first.
    pub(crate) fn history(&self, id: LinkId) -> Result<Vec<LinkRecord>, Failure> {
        let history = self.store().history(id)?;
        if history.is_empty() { Err(unknown(id)) } else { Ok(history) }
    }

    pub(crate) fn explain(&self, id: LinkId) -> Result<Explained, Failure> {
        let opinions = self.opinions(id)?;
        let rules = opinions.iter().filter_map(|opinion| opinion.rule.as_ref());
        let rules: Vec<&String> = rules.collect();
        let runs = self.store().last_runs()?.into_iter().filter(|run| rules.contains(&&run.rule)).collect();
        let effective = effective(&opinions);
        Ok(Explained {
            id,
            subject: effective.subject.as_str().to_owned(),
            predicate: effective.predicate.as_str().to_owned(),
            object: effective.object.as_str().to_owned(),
            state: effective.state,
            opinions,
            rules: runs,
        })
    }

    /// What is held of a link that is known. All are about one statement.
    fn opinions(&self, id: LinkId) -> Result<Vec<LinkRecord>, Failure> {
        let opinions = self.store().opinions(id)?;
        let Some(first) = opinions.first() else { return Err(unknown(id)) };
        let terms = |record: &LinkRecord| [record.subject.clone(), record.predicate.clone(), record.object.clone()];
        match opinions.iter().find(|other| terms(other) != terms(first)) {
            None => Ok(opinions),
            Some(other) => {
                let message = format!(
                    "two links have the name {id}, that from {} to {} and that from {} to {}: assert the one that is meant",
                    first.subject, first.object, other.subject, other.object
                );
                Err(Failure::new(Code::InvalidRequest, message))
            }
        }
    }

    /// Records what somebody says of a link that is known.
    pub(crate) async fn decide(
        &self,
        author: &str,
        id: LinkId,
        decision: Decision,
        evidence: Option<String>,
        sources: Option<&dyn QueryEndpoint>,
    ) -> Result<Explained, Failure> {
        let opinions = self.blocking(move |links| links.opinions(id)).await?;
        let known = effective(&opinions);
        let link = Link {
            subject: known.subject.clone(),
            predicate: known.predicate.clone(),
            object: known.object.clone(),
            rule: None,
            author: Some(author.to_owned()),
            evidence,
            confidence: None,
            state: match decision {
                Decision::Confirm => LinkState::Confirmed,
                Decision::Retire => LinkState::Retired,
            },
            valid_from: known.valid_from.as_ref().map(ToString::to_string),
            valid_to: known.valid_to.as_ref().map(ToString::to_string),
        };
        self.say(link, sources).await
    }

    /// Records a link that somebody says there is.
    pub(crate) async fn assert(
        &self,
        author: &str,
        asserted: AssertedLink,
        sources: Option<&dyn QueryEndpoint>,
    ) -> Result<Explained, Failure> {
        let predicate = asserted.predicate.as_deref().unwrap_or(SAME_THING_AS);
        let link = Link {
            subject: self.iri("subject", &asserted.subject)?,
            predicate: self.iri("predicate", predicate)?,
            object: self.iri("object", &asserted.object)?,
            rule: None,
            author: Some(author.to_owned()),
            evidence: asserted.evidence,
            confidence: asserted.confidence,
            state: LinkState::Confirmed,
            valid_from: asserted.valid_from,
            valid_to: asserted.valid_to,
        };
        self.say(link, sources).await
    }

    async fn say(&self, link: Link, sources: Option<&dyn QueryEndpoint>) -> Result<Explained, Failure> {
        let author = link.author.as_deref().unwrap_or_default();
        if author.trim().is_empty() {
            return Err(Failure::new(Code::InvalidRequest, "say who says so: a link has an author"));
        }
        if link.state == LinkState::Confirmed {
            self.check_shapes(&link, sources).await?;
        }
        let id = link.id();
        tracing::info!(link = %id, author = author, state = %link.state, "recording a link");
        self.blocking(move |links| {
            links.store().record(std::slice::from_ref(&link)).map_err(refused)?;
            links.explain(id)
        })
        .await
    }

    /// Does what waits for the store where waiting holds up nobody else.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let links = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&links)).await;
        done.map_err(|error| Failure::caused(Code::Internal, &error))?
    }

    /// An IRI, or a name with a prefix of the configuration.
    pub(crate) fn iri(&self, what: &str, text: &str) -> Result<NamedNode, Failure> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        let expanded =
            text.split_once(':').filter(|(_, local)| !local.starts_with("//")).and_then(|(prefix, local)| {
                let (_, namespace) = prefixes(&self.config).into_iter().find(|(known, _)| known == prefix)?;
                Some(format!("{namespace}{local}"))
            });
        NamedNode::new(expanded.as_deref().unwrap_or(text)).map_err(|error| {
            let shown: String = text.chars().take(200).collect();
            Failure::new(Code::InvalidRequest, format!("{what} {shown:?} is not an absolute IRI: {error}"))
        })
    }

    /// A filter for the records that are current, or were at a point in both times.
    pub(crate) fn filter(&self, asked: &weft_server::LinkQuery) -> Result<LinkFilter, Failure> {
        let wrong =
            |what: &str, error: &dyn std::error::Error| Failure::new(Code::InvalidRequest, format!("{what}: {error}"));
        let time = |what: &str, text: &Option<String>| {
            text.as_deref().map(str::parse::<LinkTime>).transpose().map_err(|error| wrong(what, &error))
        };
        let as_of = AsOf { recorded: time("recorded", &asked.recorded)?, valid: time("valid", &asked.valid)? };
        let iri = |what: &str, text: &Option<String>| text.as_deref().map(|text| self.iri(what, text)).transpose();
        let state = asked.state.as_deref().map(str::parse::<LinkState>).transpose();
        Ok(LinkFilter {
            state: state.map_err(|error| wrong("state", &error))?,
            rule: asked.rule.clone(),
            entities: iri("entity", &asked.entity)?.into_iter().collect(),
            predicate: iri("predicate", &asked.predicate)?,
            ..LinkFilter::at(&as_of)
        })
    }

    fn store(&self) -> MutexGuard<'_, LinkStore> {
        // Whoever panics while it holds the lock leaves a transaction that is rolled back.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What people say, or else the strongest that rules say. There is at least one.
fn effective(opinions: &[LinkRecord]) -> &LinkRecord {
    let rank = |record: &&LinkRecord| match (record.rule.is_none(), record.state) {
        (true, _) => 0,
        (false, LinkState::Confirmed) => 1,
        (false, LinkState::Proposed) => 2,
        (false, LinkState::Suspect) => 3,
        (false, LinkState::Retired) => 4,
    };
    opinions.iter().min_by_key(rank).unwrap_or(&opinions[0])
}

fn unknown(id: LinkId) -> Failure {
    Failure::new(Code::NotFound, format!("there is no link {id}"))
}

/// A link that cannot be is the mistake of whoever asserts it; all else is that of the store.
fn refused(error: IndexError) -> Failure {
    match error {
        IndexError::Link { .. } => Failure::new(Code::LinkRefused, with_causes(&error)),
        other => other.into(),
    }
}

/// The prefixes of the configuration, and `weft`.
fn prefixes(config: &Config) -> Vec<(String, String)> {
    let mut prefixes = config.prefix_list();
    if !prefixes.iter().any(|(prefix, _)| prefix == "weft") {
        prefixes.push(("weft".to_owned(), WEFT.to_owned()));
    }
    prefixes
}

/// The rules of the configuration; none where it names no file.
pub(crate) fn read_rules(config: &Config) -> Result<RuleFile, Failure> {
    let Some(path) = config.link_rules() else { return Ok(RuleFile::default()) };
    let text = read_text(&path)?;
    let sources: Vec<&str> = config.sources.keys().map(String::as_str).collect();
    let rules = RuleFile::parse(&path, &text, &prefixes(config), &sources).map_err(|wrong| lines(&wrong))?;
    Ok(rules)
}

/// All shapes of the files of the configuration.
pub(crate) fn read_shapes(config: &Config) -> Result<LinkShapes, Failure> {
    let mut shapes = LinkShapes::default();
    for path in config.link_shapes() {
        let text = read_text(&path)?;
        let more = LinkShapes::parse(&path, &text, &config.broker.base).map_err(|wrong| lines(&wrong))?;
        shapes.extend(more);
    }
    Ok(shapes)
}

fn lines(wrong: &[impl ToString]) -> Failure {
    let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    Failure::new(Code::InvalidConfig, lines.join("\n"))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Code::InvalidConfig, format!("cannot read {}: {error}", path.display()));
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES {
        let message = format!("{} has more than {FILE_BYTES} bytes", path.display());
        return Err(Failure::new(Code::InvalidConfig, message));
    }
    std::fs::read_to_string(path).map_err(failed)
}
