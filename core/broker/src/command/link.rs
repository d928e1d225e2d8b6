//! `weft link`.

mod show;

use super::ask::{engine_with, quiet_logs};
use crate::cli::{Link, LinkAssert, LinkDecide, LinkList, LinkOne, LinkRun};
use crate::config::{Config, load};
use crate::failure::Failure;
use crate::links::{Explained, Links};
use oxrdf::NamedNode;
use std::path::Path;
use std::sync::Arc;
use weft_exec::Engine;
use weft_index::LinkId;
use weft_links::SAME_THING_AS;
use weft_model::Code;
use weft_server::{AssertedLink, Decision, LinkQuery, QueryEndpoint};

pub(crate) async fn run(link: Link) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    match link {
        Link::Run(run) => run_rules(&run).await,
        Link::List(list) => list_links(&list),
        Link::Confirm(decide) => decide_link(&decide, Decision::Confirm).await,
        Link::Retire(decide) => decide_link(&decide, Decision::Retire).await,
        Link::Assert(assert) => assert_link(assert).await,
        Link::Explain(one) => explain_link(&one),
        Link::History(one) => history_of(&one),
    }
}

fn open(path: &Path) -> Result<(Links, Arc<Config>), Failure> {
    let mut config = load(path)?;
    // Rules read whole classes, which may take longer than a question may.
    if let Some(links) = &config.links {
        config.limits.query_timeout = config.limits.query_timeout.max(links.rule_timeout);
    }
    // What a source that is not there does not say would look as if it were gone.
    config.sources.values_mut().for_each(|source| source.optional = false);
    let config = Arc::new(config);
    Ok((Links::open(config.clone())?, config))
}

/// Runs every rule that is asked for, also after one that fails.
async fn run_rules(run: &LinkRun) -> Result<(), Failure> {
    let (links, config) = open(&run.config.config)?;
    let rules = links.rules(run.rule.as_deref())?;
    if rules.is_empty() {
        return Err(Failure::new(Code::InvalidConfig, "there are no rules: see links.rules"));
    }
    let engine = engine_with(&config, None).await?;
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for rule in &rules {
        match links.run(rule, &engine, run.dry_run).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(failure) => failures.push(failure),
        }
    }
    if run.json {
        show::json(&outcomes)?;
    } else {
        outcomes.iter().for_each(show::outcome);
        if run.dry_run {
            eprintln!("nothing was recorded");
        }
    }
    let Some(first) = failures.first() else { return Ok(()) };
    let messages: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
    Err(Failure::new(first.code, messages.join("\n")))
}

fn list_links(list: &LinkList) -> Result<(), Failure> {
    let (links, _) = open(&list.config.config)?;
    let filter = links.filter(&LinkQuery {
        state: list.state.clone(),
        rule: list.rule.clone(),
        entity: list.entity.clone(),
        predicate: list.predicate.clone(),
        recorded: list.as_of.clone(),
        valid: list.valid_at.clone(),
        ..LinkQuery::default()
    })?;
    let page = links.list(&filter, list.after.unwrap_or(i64::MIN), list.limit)?;
    if list.json {
        return show::json(&page);
    }
    show::records(&page);
    if let Some(last) = page.last().filter(|_| page.len() == list.limit) {
        eprintln!("there may be more: --after {}", last.record);
    }
    Ok(())
}

async fn decide_link(decide: &LinkDecide, decision: Decision) -> Result<(), Failure> {
    let (links, config) = open(&decide.config.config)?;
    let id = read_id(&decide.id)?;
    let known = links.explain(id)?;
    let predicate = NamedNode::new_unchecked(known.predicate);
    let sources = match decision {
        Decision::Confirm => sources(&links, config, &predicate).await?,
        Decision::Retire => None,
    };
    let sources = sources.as_ref().map(|engine| engine as &dyn QueryEndpoint);
    let author = author(decide.author.as_deref())?;
    tell(&links.decide(&author, id, decision, decide.evidence.clone(), sources).await?, decide.json)
}

async fn assert_link(assert: LinkAssert) -> Result<(), Failure> {
    let (links, config) = open(&assert.config.config)?;
    let predicate = links.iri("predicate", assert.predicate.as_deref().unwrap_or(SAME_THING_AS))?;
    let engine = sources(&links, config, &predicate).await?;
    let sources = engine.as_ref().map(|engine| engine as &dyn QueryEndpoint);
    let author = author(assert.author.as_deref())?;
    let asserted = AssertedLink {
        subject: assert.subject,
        object: assert.object,
        predicate: assert.predicate,
        evidence: assert.evidence,
        confidence: assert.confidence,
        valid_from: assert.valid_from,
        valid_to: assert.valid_to,
    };
    tell(&links.assert(&author, asserted, sources).await?, assert.json)
}

/// An engine, where shapes ask what the ends of links are.
async fn sources(links: &Links, config: Arc<Config>, predicate: &NamedNode) -> Result<Option<Engine>, Failure> {
    if links.needs_sources(predicate) { engine_with(&config, None).await.map(Some) } else { Ok(None) }
}

fn explain_link(one: &LinkOne) -> Result<(), Failure> {
    let (links, _) = open(&one.config.config)?;
    tell(&links.explain(read_id(&one.id)?)?, one.json)
}

fn history_of(one: &LinkOne) -> Result<(), Failure> {
    let (links, _) = open(&one.config.config)?;
    let history = links.history(read_id(&one.id)?)?;
    if one.json {
        return show::json(&history);
    }
    show::history(&history);
    Ok(())
}

fn tell(explained: &Explained, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return show::json(explained);
    }
    show::explained(explained);
    Ok(())
}

fn read_id(text: &str) -> Result<LinkId, Failure> {
    text.parse().map_err(|error| Failure::caused(Code::InvalidRequest, &error))
}

/// Who says so: as told, or else who the system says runs the command.
fn author(told: Option<&str>) -> Result<String, Failure> {
    let of_system = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    let name = told.map(str::to_owned).or_else(of_system).filter(|name| !name.trim().is_empty());
    name.ok_or_else(|| Failure::new(Code::InvalidRequest, "say who says so: --author NAME"))
}
