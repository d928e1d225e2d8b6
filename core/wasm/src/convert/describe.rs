//! Descriptions and checks.

use super::ConvertError;
use super::value::{data_type_from_wit, data_type_to_wit, value_from_wit, value_to_wit};
use crate::wit::weft::connector::types as w;
use weft_model::contract as m;

pub fn description_to_wit(description: m::Description) -> w::Description {
    w::Description {
        name: description.name,
        version: description.version,
        contract: w::ContractRange { min: description.contract.min, max: description.contract.max },
        config_schema: description.config_schema,
        tables: description.tables.into_iter().map(table_to_wit).collect(),
        relational: w::RelationalCapabilities {
            join: description.relational.join.into(),
            project: description.relational.project,
            distinct: description.relational.distinct,
            sort: description.relational.sort.into(),
            limit: description.relational.limit.into(),
            aggregates: description.relational.aggregates.into_iter().map(Into::into).collect(),
            recurse: description.relational.recurse,
            time_parts: description.relational.time_parts.into_iter().map(Into::into).collect(),
            max_concurrency: description.relational.max_concurrency,
        },
        default_mapping: description.default_mapping,
        change_feed: description.change_feed.map(|feed| w::ChangeFeed { kind: feed.kind, tables: feed.tables }),
    }
}

pub fn description_from_wit(description: w::Description) -> Result<m::Description, ConvertError> {
    let relational = description.relational;
    Ok(m::Description {
        name: description.name,
        version: description.version,
        contract: m::ContractRange { min: description.contract.min, max: description.contract.max },
        config_schema: description.config_schema,
        tables: description.tables.into_iter().map(table_from_wit).collect::<Result<_, _>>()?,
        relational: m::RelationalCapabilities {
            join: relational.join.into(),
            project: relational.project,
            distinct: relational.distinct,
            sort: relational.sort.into(),
            limit: relational.limit.into(),
            aggregates: relational.aggregates.into_iter().map(Into::into).collect(),
            recurse: relational.recurse,
            time_parts: relational.time_parts.into_iter().map(Into::into).collect(),
            max_concurrency: relational.max_concurrency,
        },
        default_mapping: description.default_mapping,
        change_feed: description.change_feed.map(|feed| m::ChangeFeed { kind: feed.kind, tables: feed.tables }),
    })
}

fn statistic_to_wit(statistic: m::Statistic) -> w::Statistic {
    w::Statistic { count: statistic.count, measured_at: statistic.measured_at }
}

fn statistic_from_wit(statistic: w::Statistic) -> m::Statistic {
    m::Statistic { count: statistic.count, measured_at: statistic.measured_at }
}

fn table_to_wit(table: m::Table) -> w::Table {
    w::Table {
        name: table.name,
        columns: table.columns.into_iter().map(column_to_wit).collect(),
        keys: table.keys,
        foreign_keys: table
            .foreign_keys
            .into_iter()
            .map(|key| w::ForeignKey {
                name: key.name,
                columns: key.columns,
                referenced_table: key.referenced_table,
                referenced_columns: key.referenced_columns,
            })
            .collect(),
        rows: table.rows.map(statistic_to_wit),
        filters: table
            .filters
            .into_iter()
            .map(|filter| w::FilterCapability {
                operation: filter.operation.into(),
                data_type: filter.data_type.map(Into::into),
                level: filter.level.into(),
            })
            .collect(),
        max_keys: table.max_keys,
        sql: table.sql.map(|sql| w::SqlTable { unquoted: sql.unquoted.into(), query: sql.query }),
    }
}

fn table_from_wit(table: w::Table) -> Result<m::Table, ConvertError> {
    Ok(m::Table {
        name: table.name,
        columns: table.columns.into_iter().map(column_from_wit).collect::<Result<_, _>>()?,
        keys: table.keys,
        foreign_keys: table
            .foreign_keys
            .into_iter()
            .map(|key| m::ForeignKey {
                name: key.name,
                columns: key.columns,
                referenced_table: key.referenced_table,
                referenced_columns: key.referenced_columns,
            })
            .collect(),
        rows: table.rows.map(statistic_from_wit),
        filters: table
            .filters
            .into_iter()
            .map(|filter| m::FilterCapability {
                operation: filter.operation.into(),
                data_type: filter.data_type.map(Into::into),
                level: filter.level.into(),
            })
            .collect(),
        max_keys: table.max_keys,
        sql: table.sql.map(|sql| m::SqlTable { unquoted: sql.unquoted.into(), query: sql.query }),
    })
}

fn column_to_wit(column: m::Column) -> w::Column {
    w::Column {
        name: column.name,
        data_type: data_type_to_wit(column.data_type),
        nullable: column.nullable,
        native_type: column.native_type,
        unit: column.unit,
        text_comparison: column.text_comparison.into(),
        binding: column.binding.into(),
        filterable: column.filterable,
        sortable: column.sortable,
        distinct: column.distinct.map(statistic_to_wit),
    }
}

fn column_from_wit(column: w::Column) -> Result<m::Column, ConvertError> {
    Ok(m::Column {
        name: column.name,
        data_type: data_type_from_wit(column.data_type)?,
        nullable: column.nullable,
        native_type: column.native_type,
        unit: column.unit,
        text_comparison: column.text_comparison.into(),
        binding: column.binding.into(),
        filterable: column.filterable,
        sortable: column.sortable,
        distinct: column.distinct.map(statistic_from_wit),
    })
}

pub fn check_to_wit(check: m::Check) -> w::CheckReport {
    let outcome = |outcome| match outcome {
        m::CheckOutcome::Row(row) => {
            w::CheckOutcome::Row(row.into_iter().map(|value| value.map(value_to_wit)).collect())
        }
        m::CheckOutcome::Empty => w::CheckOutcome::Empty,
        m::CheckOutcome::Denied(reason) => w::CheckOutcome::Denied(reason),
        m::CheckOutcome::Failed(reason) => w::CheckOutcome::Failed(reason),
    };
    w::CheckReport {
        system: check.system,
        tables: check.tables.into_iter().map(|(table, o)| w::TableCheck { table, outcome: outcome(o) }).collect(),
    }
}

pub fn check_from_wit(report: w::CheckReport) -> Result<m::Check, ConvertError> {
    let outcome = |outcome| {
        Ok(match outcome {
            w::CheckOutcome::Row(row) => {
                let row = row.into_iter().map(|value| value.map(value_from_wit).transpose());
                m::CheckOutcome::Row(row.collect::<Result<_, _>>()?)
            }
            w::CheckOutcome::Empty => m::CheckOutcome::Empty,
            w::CheckOutcome::Denied(reason) => m::CheckOutcome::Denied(reason),
            w::CheckOutcome::Failed(reason) => m::CheckOutcome::Failed(reason),
        })
    };
    let tables = report.tables.into_iter().map(|t| Ok((t.table, outcome(t.outcome)?)));
    Ok(m::Check { system: report.system, tables: tables.collect::<Result<_, ConvertError>>()? })
}
