//! Configured views: their columns, as SQLite tells them without running the query.

use super::catalogue::declared;
use super::{Session, Shared, Stop};
use crate::catalogue::{LiveColumn, LiveTable, Storage};
use crate::config::View;
use crate::error::Result;
use crate::view::{check_columns, table, wrapped, wrong};
use rusqlite::{Connection, Error, ErrorCode};
use weft_model::contract::{ContractError, DataType};

/// Adds the views. One that cannot be served is left out with a line in the log.
pub(super) fn add(shared: &Shared, session: &Session, tables: &mut Vec<LiveTable>, stop: &Stop) -> Result<()> {
    shared.views.check_names(tables)?;
    for view in shared.views.iter() {
        match live(session, view, stop) {
            Ok(live) => tables.push(live),
            Err(error) if stop.is_over() => return Err(error),
            Err(error) => tracing::warn!(view = view.name, %error, "view left out"),
        }
    }
    Ok(())
}

pub(super) fn live(session: &Session, view: &View, stop: &Stop) -> Result<LiveTable> {
    let connection = &session.connection;
    let refused = |error: Error| refused(session, view, &error, stop);
    let alone = connection.prepare(&view.sql).map_err(refused)?;
    if !alone.readonly() || alone.column_count() == 0 {
        return Err(wrong(view, "the SQL is no query that only reads"));
    }
    if alone.parameter_count() > 0 {
        return Err(wrong(view, "the query takes values"));
    }
    check_columns(view, alone.column_names().into_iter())?;
    drop(alone);
    // What follows the query, a comment behind a semicolon, has no place within parentheses.
    connection.prepare(&wrapped(view)).map_err(refused)?;
    let columns = columns(connection, view).map_err(refused)?;
    if let Some(unknown) = view.columns.iter().find(|known| columns.iter().all(|(name, _)| *name != known.name)) {
        return Err(wrong(view, format!("has no column {:?}, whose type is declared", unknown.name)));
    }
    let mut found = Vec::with_capacity(columns.len());
    for (name, inferred) in &columns {
        let known = view.columns.iter().find(|known| known.name == *name);
        let native = known.map_or(inferred.as_str(), |known| known.declared.as_str());
        found.push(live_column(view, name, native)?);
    }
    table(view, false, found)
}

/// The names and types of the columns. SQLite tells the types of a view's columns only, so there is one for a moment: a
/// temporary one, which the end of the transaction would take away, too.
fn columns(connection: &Connection, view: &View) -> rusqlite::Result<Vec<(String, String)>> {
    connection.pragma_update(None, "query_only", false)?;
    let read = || {
        connection.prepare(&format!("CREATE TEMP VIEW weft_view AS {}\n", view.sql))?.execute([])?;
        let columns = "SELECT name, type FROM pragma_table_xinfo('weft_view', 'temp') ORDER BY cid";
        let columns = connection.prepare(columns)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect();
        connection.prepare("DROP VIEW temp.weft_view")?.execute([])?;
        columns
    };
    let columns = read();
    connection.pragma_update(None, "query_only", true)?;
    columns
}

fn live_column(view: &View, name: &str, native: &str) -> Result<LiveColumn> {
    let Some(data_type) = declared(native) else {
        let hint = format!("cast it in the SQL, or declare it: columns = [{{ name = {name:?}, type = \"TEXT\" }}]");
        return Err(wrong(view, format!("column {name:?} has no type that can be served; {hint}")));
    };
    let storage = match data_type {
        DataType::Text => Storage::CollatedText,
        DataType::Timestamp { zoned: false } => Storage::WallClockText,
        DataType::Timestamp { zoned: true } => Storage::InstantText,
        _ => Storage::Plain,
    };
    let (name, native_type) = (name.to_owned(), native.to_owned());
    Ok(LiveColumn { name, data_type, nullable: true, native_type, storage, collation: 0 })
}

/// What SQLite says of the text of a query quotes no data.
fn refused(session: &Session, view: &View, error: &Error, stop: &Stop) -> ContractError {
    match error {
        Error::MultipleStatement => wrong(view, "the SQL is more than one statement"),
        Error::SqlInputError { msg, .. } => wrong(view, format!("SQLite takes the SQL for no query: {msg}")),
        Error::SqliteFailure(failure, Some(message)) if failure.code == ErrorCode::Unknown => {
            wrong(view, format!("SQLite takes the SQL for no query: {message}"))
        }
        other => session.failure(other, stop),
    }
}
