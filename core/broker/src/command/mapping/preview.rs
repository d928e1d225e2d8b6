//! `weft mapping preview`.

use super::first_rows::FirstRows;
use super::turtle::{Statement, Turtle, document};
use super::{described, mapping_file};
use crate::cli::MappingPreview;
use crate::config::load;
use crate::failure::Failure;
use crate::mesh::{Described, Transports};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use weft_mapping::{InvalidValues, VirtualGraph};

pub(super) async fn run(command: &MappingPreview) -> Result<ExitCode, Failure> {
    let config = load(&command.config.config)?;
    let transports = Transports::new(&config)?;
    let (source, description) = described(&config, &transports, &command.source, command.mapping.as_deref()).await?;
    let described = Described::now(source.clone(), description.clone());
    let graph = described.virtual_graph(&config.broker.base)?;
    let first = FirstRows::read(&source, &description, &[&graph], &command.tables, command.rows).await?;
    let mapped = first.mapped(&graph).await?;
    let file = mapping_file(&config, &command.source, command.mapping.as_deref());
    let turtle = Turtle::of(&config, &file.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;

    let mut shown: Vec<(String, usize, BTreeSet<_>)> = Vec::new();
    let (mut refused, mut unmatched) = (Vec::new(), Vec::new());
    for (table, rows) in &first.rows {
        let found = mapped.statements(&config, table, &turtle).await?;
        refused.extend(found.refused.into_iter().map(|(count, message)| (table.clone(), count, message)));
        unmatched.extend(found.unmatched.into_iter().map(|(count, place)| (table.clone(), count, place)));
        shown.push((table.clone(), rows.num_rows(), found.statements));
    }
    print(&turtle, &shown)?;
    let total: usize = shown.iter().map(|(.., statements)| statements.len()).sum();
    eprintln!("{} of {}", counted(total, "triple"), counted(shown.len(), "table"));
    mapped.notes.iter().for_each(|note| eprintln!("note: {note}"));
    tell_refused(&graph, &refused);
    for (table, count, place) in &unmatched {
        let values = counted(usize::try_from(*count).unwrap_or(usize::MAX), "value");
        eprintln!("left out: {values} of table {table} that no normaliser or code list matches: {place}");
    }
    // A table that cannot be read is told after what can be.
    for (table, failure) in &first.unread {
        eprintln!("not read: table {table}: {}", failure.message);
    }
    match first.unread.into_iter().next() {
        None => Ok(ExitCode::SUCCESS),
        Some((_, failure)) => Err(Failure::new(failure.code, "not all tables can be read")),
    }
}

/// A document that is the Turtle of all tables; the statements of other graphs than that of the source stand apart.
fn print(turtle: &Turtle, shown: &[(String, usize, BTreeSet<Statement>)]) -> Result<(), Failure> {
    let all: BTreeSet<_> = shown.iter().flat_map(|(.., statements)| statements).cloned().collect();
    let mut text = turtle.declarations(&all);
    for (table, rows, statements) in shown {
        let graphs: BTreeSet<Option<&String>> = statements.iter().map(|statement| statement.graph.as_ref()).collect();
        let table: String = table.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Writing to a string cannot fail.
        _ = writeln!(text, "\n# {table}: {}", counted(*rows, "row"));
        for graph in graphs {
            if let Some(graph) = graph {
                _ = writeln!(text, "# in the graph {graph}");
            }
            text.push_str(&document(statements.iter().filter(|statement| statement.graph.as_ref() == graph)));
        }
    }
    super::write(&text)
}

fn tell_refused(graph: &VirtualGraph, refused: &[(String, u64, String)]) {
    let outcome = match graph.invalid_values {
        InvalidValues::Refuse => "refused (a query that needs them fails)",
        InvalidValues::LeaveOut => "left out",
    };
    for (table, count, message) in refused {
        let values = counted(usize::try_from(*count).unwrap_or(usize::MAX), "value");
        eprintln!("{outcome}: {values} of table {table}, such as: {message}");
    }
}

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
