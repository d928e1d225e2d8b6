//! `weft mapping diff`.

use super::first_rows::FirstRows;
use super::preview::counted;
use super::turtle::{Statement, Turtle};
use super::{described, mapping_file};
use crate::cli::MappingDiff;
use crate::command::ask::{engine_with, read_file};
use crate::config::{Config, load};
use crate::failure::Failure;
use crate::mesh::{Described, Transports, read_mapping_file};
use futures::StreamExt;
use oxrdf::Term;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use weft_model::Code;
use weft_server::{Answer, QueryCall, QueryEndpoint};

/// The exit status of a difference: an answer, and no error.
const DIFFERENT: u8 = 1;

/// Bytes of one answer that is kept to be compared.
const ANSWER_BYTES: usize = 256 << 20;

/// Lines with how often each is there.
type Lines = BTreeMap<String, usize>;

pub(super) async fn run(command: &MappingDiff) -> Result<ExitCode, Failure> {
    let config = Arc::new(load(&command.config.config)?);
    let (before, after) = match &command.query {
        Some(path) => of_query(command, &config, read_file(path)?).await?,
        None => of_rows(command, &config).await?,
    };
    let (mut text, mut fewer, mut more, mut same) = (String::new(), 0, 0, 0);
    let lines: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for line in lines {
        let (was, is) = (count(&before, line), count(&after, line));
        same += was.min(is);
        fewer += was.saturating_sub(is);
        more += is.saturating_sub(was);
        text.push_str(&format!("- {line}\n").repeat(was.saturating_sub(is)));
        text.push_str(&format!("+ {line}\n").repeat(is.saturating_sub(was)));
    }
    super::write(&text)?;
    let what = if command.query.is_some() { "row" } else { "triple" };
    eprintln!("{} fewer, {more} more, {same} the same", counted(fewer, what));
    let status = if fewer + more == 0 { 0 } else { DIFFERENT };
    Ok(ExitCode::from(status))
}

fn count(lines: &Lines, line: &String) -> usize {
    lines.get(line).copied().unwrap_or_default()
}

/// The triples of the same rows.
async fn of_rows(command: &MappingDiff, config: &Config) -> Result<(Lines, Lines), Failure> {
    let base = &config.broker.base;
    let transports = Transports::new(config)?;
    let (source, description) = described(config, &transports, &command.source, None).await?;
    let new = Arc::new(read_mapping_file(&command.mapping, base)?);
    let old = Described::now(source.clone(), description.clone());
    let mut changed = old.clone();
    changed.source.mapping = Some(new);
    let (old, new) = (old.virtual_graph(base)?, changed.virtual_graph(base)?);
    let mut first = FirstRows::read(&source, &description, &[&old, &new], &[], command.rows).await?;
    if let Some((table, failure)) = first.unread.pop() {
        return Err(failure.about(format_args!("table {table}")));
    }
    let turtle = turtle(command, config)?;
    let mut sides = Vec::with_capacity(2);
    for (side, graph) in [("before", &old), ("after", &new)] {
        let mapped = first.mapped(graph).await?;
        mapped.notes.iter().for_each(|note| eprintln!("note: {side}: {note}"));
        let mut lines = Lines::new();
        for table in first.rows.keys() {
            let found = mapped.statements(config, table, &turtle).await?;
            for (count, message) in &found.refused {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                eprintln!("{side}: {} of table {table} are no terms, such as: {message}", counted(count, "value"));
            }
            // A graph is a set: what several tables say is said once.
            lines.extend(found.statements.iter().map(|statement| (line_of(statement), 1)));
        }
        sides.push(lines);
    }
    let after = sides.pop().unwrap_or_default();
    Ok((sides.pop().unwrap_or_default(), after))
}

/// The old mapping's prefixes count where the new one has others.
fn turtle(command: &MappingDiff, config: &Config) -> Result<Turtle, Failure> {
    let old = mapping_file(config, &command.source, None);
    let mappings: Vec<&Path> = old.as_deref().into_iter().chain([command.mapping.as_path()]).collect();
    Turtle::of(config, &mappings)
}

fn line_of(statement: &Statement) -> String {
    let Statement { graph, subject, predicate, object, .. } = statement;
    let graph = graph.as_ref().map_or_else(String::new, |graph| format!(" {graph}"));
    format!("{subject} {predicate} {object}{graph} .")
}

/// The rows of a query over all sources.
async fn of_query(command: &MappingDiff, config: &Arc<Config>, text: String) -> Result<(Lines, Lines), Failure> {
    let new = Arc::new(read_mapping_file(&command.mapping, &config.broker.base)?);
    if !config.sources.contains_key(&command.source) {
        let known: Vec<&str> = config.sources.keys().map(String::as_str).collect();
        let message = format!("there is no source {:?}; there are {}", command.source, known.join(", "));
        return Err(Failure::new(Code::NotFound, message));
    }
    let turtle = turtle(command, config)?;
    let mut sides = Vec::with_capacity(2);
    for (side, mapping) in [("before", None), ("after", Some((command.source.as_str(), new)))] {
        let about = |failure: Failure| failure.about(side);
        let engine = engine_with(config, mapping).await.map_err(about)?;
        let call = QueryCall {
            text: text.clone(),
            base_iri: Some(config.broker.base.clone()),
            timeout: command.timeout,
            ..QueryCall::default()
        };
        let answer = QueryEndpoint::query(&engine, call).await.map_err(|problem| about(problem.into()))?;
        sides.push(lines_of(answer, &turtle).await.map_err(about)?);
    }
    let after = sides.pop().unwrap_or_default();
    Ok((sides.pop().unwrap_or_default(), after))
}

async fn lines_of(answer: Answer, turtle: &Turtle) -> Result<Lines, Failure> {
    let mut lines = Lines::new();
    let mut bytes = 0;
    let mut add = |line: String, most: usize| {
        bytes += line.len();
        let count = lines.entry(line).or_default();
        *count = (*count + 1).min(most);
        if bytes <= ANSWER_BYTES {
            return Ok(());
        }
        let message = format!("the answer has more than {ANSWER_BYTES} bytes, too many to compare");
        Err(Failure::new(Code::LimitExceeded, message))
    };
    match answer {
        Answer::Boolean { value, .. } => add(value.to_string(), 1)?,
        Answer::Solutions(mut solutions) => {
            let names: Vec<String> = solutions.variables.iter().map(ToString::to_string).collect();
            while let Some(batch) = solutions.rows.next().await {
                for row in batch?.rows() {
                    add(solution(turtle, &names, &row), usize::MAX)?;
                }
            }
        }
        Answer::Graph(mut graph) => {
            while let Some(triple) = graph.triples.next().await {
                let triple = triple?;
                let terms = [triple.subject.into(), triple.predicate.into(), triple.object];
                let terms = terms.map(|term: Term| turtle.term(&term));
                add(format!("{} .", terms.join(" ")), 1)?;
            }
        }
    }
    Ok(lines)
}

/// The variables that are bound, by name: an unbound one and an empty text are different.
fn solution(turtle: &Turtle, names: &[String], row: &[Option<Term>]) -> String {
    let bound =
        names.iter().zip(row).filter_map(|(name, term)| Some(format!("{name} = {}", turtle.term(term.as_ref()?))));
    bound.collect::<Vec<_>>().join("  ")
}
