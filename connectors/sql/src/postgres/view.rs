//! Configured views: their columns, as the server tells them without running the query.

use super::catalogue::{get, live_column};
use super::{Shared, failure};
use crate::catalogue::LiveTable;
use crate::config::View;
use crate::error::{Result, internal};
use crate::view::{check_columns, table, wrapped, wrong};
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{Client, Column, Error, Statement};
use weft_model::contract::ContractError;

/// What the server knows of types and of the columns behind those of a query.
const COLUMNS: &str = "
SELECT format_type(c.type, c.modifier) AS native, coalesce(a.attcollation, 0::oid) AS collation,
       coalesce(l.collisdeterministic, false) AS deterministic
FROM unnest($1::oid[], $2::int4[], $3::oid[], $4::int2[]) WITH ORDINALITY AS c (type, modifier, relation, number, place)
LEFT JOIN pg_attribute a ON a.attrelid = c.relation AND a.attnum = c.number
LEFT JOIN pg_collation l ON l.oid = a.attcollation
ORDER BY c.place";

/// Adds the views, or those of them named. One that cannot be served is left out with a line in the log.
pub(super) async fn add(
    shared: &Shared,
    client: &Client,
    only: Option<&[String]>,
    tables: &mut Vec<LiveTable>,
) -> Result<()> {
    shared.views.check_names(tables)?;
    let wanted = |view: &&View| only.is_none_or(|names| names.contains(&view.name));
    for view in shared.views.iter().filter(wanted) {
        let found = match only {
            None => live(client, view).await,
            Some(_) => described(client, view).await,
        };
        match found {
            Ok(live) => tables.push(live),
            Err(error) if client.is_closed() => return Err(error),
            Err(error) => tracing::warn!(view = view.name, %error, "view left out"),
        }
    }
    Ok(())
}

/// Refuses a view that cannot be served, or is more than a query.
pub(super) async fn check(client: &Client, view: &View) -> Result<()> {
    live(client, view).await?;
    // The transaction is read only: what a query does beside reading fails here.
    let sql = format!("{} LIMIT 0", wrapped(view));
    client.query_typed(&sql, &[]).await.map_err(|error| refused(view, &error))?;
    Ok(())
}

/// The view as it is now. By itself it is one statement, in a FROM it is a query.
pub(super) async fn live(client: &Client, view: &View) -> Result<LiveTable> {
    prepare(client, view, &view.sql).await?;
    described(client, view).await
}

/// The columns as they are now, of a view that was looked at before.
async fn described(client: &Client, view: &View) -> Result<LiveTable> {
    let statement = prepare(client, view, &wrapped(view)).await?;
    if !statement.params().is_empty() {
        return Err(wrong(view, "the query takes values"));
    }
    let columns = statement.columns();
    check_columns(view, columns.iter().map(Column::name))?;
    let number = |column: &Column| column.column_id().unwrap_or(0);
    let types: Vec<u32> = columns.iter().map(|column| column.type_().oid()).collect();
    let modifiers: Vec<i32> = columns.iter().map(Column::type_modifier).collect();
    let relations: Vec<u32> = columns.iter().map(|column| column.table_oid().unwrap_or(0)).collect();
    let numbers: Vec<i16> = columns.iter().map(number).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
        (&types, Type::OID_ARRAY),
        (&modifiers, Type::INT4_ARRAY),
        (&relations, Type::OID_ARRAY),
        (&numbers, Type::INT2_ARRAY),
    ];
    let known = client.query_typed(COLUMNS, &parameters).await.map_err(|error| failure::translate(&error))?;
    if known.len() != columns.len() {
        return Err(internal("the columns of a view are not those that were asked about"));
    }
    let mut found = Vec::with_capacity(columns.len());
    for (column, known) in columns.iter().zip(&known) {
        let native: String = get(known, "native")?;
        let collation = (get(known, "collation")?, get(known, "deterministic")?);
        let base = base(column.type_());
        let kind = if matches!(base.kind(), Kind::Enum(_)) { "e" } else { "b" };
        let named = (base.name(), kind, base.schema() == "pg_catalog", column.type_modifier());
        found.extend(live_column(&view.name, column.name(), native, named, collation));
    }
    table(view, true, found)
}

/// A domain is what it is over.
fn base(data_type: &Type) -> &Type {
    match data_type.kind() {
        Kind::Domain(over) => base(over),
        _ => data_type,
    }
}

async fn prepare(client: &Client, view: &View, sql: &str) -> Result<Statement> {
    client.prepare(sql).await.map_err(|error| refused(view, &error))
}

/// What the server says of the text of a query quotes no data.
fn refused(view: &View, error: &Error) -> ContractError {
    /// Connections, rights, resources, operators who intervene, and the system around the server.
    const NOT_OF_THE_QUERY: [&str; 6] = ["08", "28", "42501", "53", "57", "58"];
    match error.as_db_error() {
        Some(said) if !NOT_OF_THE_QUERY.iter().any(|class| said.code().code().starts_with(class)) => {
            wrong(view, format!("PostgreSQL takes the SQL for no query that only reads: {}", said.message()))
        }
        _ => failure::translate(error),
    }
}
