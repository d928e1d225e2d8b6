//! Descriptions. What a newer connector says beyond this version is left out where that only makes the broker do more
//! itself.

use super::ConvertError;
use super::names::Name as _;
use super::value::{decode_type, encode_type};
use weft_model::contract::{
    AggregateFunction, Binding, Capability, ChangeFeed, Column, ContractRange, Description, FilterCapability,
    FilterOperation, ForeignKey, JoinSupport, RelationalCapabilities, SqlTable, Statistic, Table, TextComparison,
    TimePart, TypeKind, UnquotedNames,
};
use weft_proto::v1;

pub fn encode_description(description: &Description) -> v1::Description {
    v1::Description {
        name: description.name.clone(),
        version: description.version.clone(),
        contract: Some(v1::ContractRange { min: description.contract.min, max: description.contract.max }),
        config_schema: description.config_schema.clone(),
        tables: description.tables.iter().map(encode_table).collect(),
        relational: Some(encode_relational(&description.relational)),
        default_mapping: description.default_mapping.clone(),
        change_feed: description
            .change_feed
            .as_ref()
            .map(|feed| v1::ChangeFeed { kind: feed.kind.clone(), tables: feed.tables.clone() }),
    }
}

/// Does not judge the contract range; whoever asked does.
pub fn decode_description(wire: v1::Description) -> Result<Description, ConvertError> {
    let contract = wire.contract.ok_or(ConvertError::Missing("the contract range"))?;
    Ok(Description {
        name: wire.name,
        version: wire.version,
        contract: ContractRange { min: contract.min, max: contract.max },
        config_schema: wire.config_schema,
        tables: wire.tables.into_iter().map(decode_table).collect::<Result<_, _>>()?,
        relational: wire.relational.map_or_else(RelationalCapabilities::read_only, decode_relational),
        default_mapping: wire.default_mapping,
        change_feed: wire.change_feed.map(|feed| ChangeFeed { kind: feed.kind, tables: feed.tables }),
    })
}

fn encode_table(table: &Table) -> v1::Table {
    v1::Table {
        name: table.name.clone(),
        columns: table.columns.iter().map(encode_column).collect(),
        keys: table.keys.iter().map(|key| v1::Key { columns: key.clone() }).collect(),
        foreign_keys: table.foreign_keys.iter().map(encode_foreign_key).collect(),
        rows: table.rows.map(encode_statistic),
        filters: table.filters.iter().map(encode_filter).collect(),
        max_keys: table.max_keys,
        sql: table.sql.as_ref().map(encode_sql),
    }
}

fn decode_table(wire: v1::Table) -> Result<Table, ConvertError> {
    let mut columns = Vec::with_capacity(wire.columns.len());
    let mut left_out = Vec::new();
    for column in wire.columns {
        let name = column.name.clone();
        match decode_column(column) {
            Ok(column) => columns.push(column),
            // A type of a later version: the table can be read without it.
            Err(ConvertError::Unknown(_)) => left_out.push(name),
            Err(cause) => {
                return Err(ConvertError::Column { table: wire.name, column: name, cause: Box::new(cause) });
            }
        }
    }
    let is_whole = |names: &[String]| !names.iter().any(|name| left_out.contains(name));
    Ok(Table {
        name: wire.name,
        columns,
        keys: wire.keys.into_iter().map(|key| key.columns).filter(|key| is_whole(key)).collect(),
        foreign_keys: wire.foreign_keys.into_iter().map(decode_foreign_key).filter(|f| is_whole(&f.columns)).collect(),
        rows: wire.rows.map(decode_statistic),
        filters: wire.filters.into_iter().filter_map(decode_filter).collect(),
        max_keys: wire.max_keys,
        sql: wire.sql.map(decode_sql),
    })
}

fn encode_sql(sql: &SqlTable) -> v1::SqlTable {
    v1::SqlTable { unquoted: sql.unquoted.encode(), query: sql.query.clone() }
}

fn decode_sql(wire: v1::SqlTable) -> SqlTable {
    SqlTable { unquoted: UnquotedNames::decode(wire.unquoted).unwrap_or_default(), query: wire.query }
}

fn encode_column(column: &Column) -> v1::Column {
    v1::Column {
        name: column.name.clone(),
        data_type: Some(encode_type(column.data_type)),
        nullable: column.nullable,
        native_type: column.native_type.clone(),
        unit: column.unit.clone(),
        text_comparison: column.text_comparison.encode(),
        binding: column.binding.encode(),
        filterable: column.filterable,
        sortable: column.sortable,
        distinct: column.distinct.map(encode_statistic),
    }
}

fn decode_column(wire: v1::Column) -> Result<Column, ConvertError> {
    Ok(Column {
        data_type: decode_type(wire.data_type)?,
        name: wire.name,
        nullable: wire.nullable,
        native_type: wire.native_type,
        unit: wire.unit,
        text_comparison: TextComparison::decode(wire.text_comparison).unwrap_or(TextComparison::Unknown),
        binding: Binding::decode(wire.binding).unwrap_or(Binding::None),
        filterable: wire.filterable,
        sortable: wire.sortable,
        distinct: wire.distinct.map(decode_statistic),
    })
}

fn encode_statistic(statistic: Statistic) -> v1::Statistic {
    v1::Statistic { count: statistic.count, measured_at: statistic.measured_at }
}

fn decode_statistic(wire: v1::Statistic) -> Statistic {
    Statistic { count: wire.count, measured_at: wire.measured_at }
}

fn encode_foreign_key(key: &ForeignKey) -> v1::ForeignKey {
    v1::ForeignKey {
        name: key.name.clone(),
        columns: key.columns.clone(),
        referenced_table: key.referenced_table.clone(),
        referenced_columns: key.referenced_columns.clone(),
    }
}

fn decode_foreign_key(wire: v1::ForeignKey) -> ForeignKey {
    ForeignKey {
        name: wire.name,
        columns: wire.columns,
        referenced_table: wire.referenced_table,
        referenced_columns: wire.referenced_columns,
    }
}

fn encode_filter(filter: &FilterCapability) -> v1::FilterCapability {
    v1::FilterCapability {
        operation: filter.operation.encode(),
        data_type: filter.data_type.map_or(0, |kind| kind.encode()),
        level: filter.level.encode(),
    }
}

/// Nothing for an operation, type or level of a later version: it counts as not offered.
fn decode_filter(wire: v1::FilterCapability) -> Option<FilterCapability> {
    let data_type = match wire.data_type {
        0 => None,
        kind => Some(TypeKind::decode(kind)?),
    };
    let operation = FilterOperation::decode(wire.operation)?;
    Some(FilterCapability { operation, data_type, level: Capability::decode(wire.level)? })
}

fn encode_relational(relational: &RelationalCapabilities) -> v1::RelationalCapabilities {
    v1::RelationalCapabilities {
        join: relational.join.encode(),
        project: relational.project,
        distinct: relational.distinct,
        sort: relational.sort.encode(),
        limit: relational.limit.encode(),
        aggregates: relational.aggregates.iter().map(|function| function.encode()).collect(),
        recurse: relational.recurse,
        time_parts: relational.time_parts.iter().map(|part| part.encode()).collect(),
        max_concurrency: relational.max_concurrency,
    }
}

fn decode_relational(wire: v1::RelationalCapabilities) -> RelationalCapabilities {
    RelationalCapabilities {
        join: JoinSupport::decode(wire.join).unwrap_or(JoinSupport::None),
        project: wire.project,
        distinct: wire.distinct,
        sort: Capability::decode(wire.sort).unwrap_or(Capability::None),
        limit: Capability::decode(wire.limit).unwrap_or(Capability::None),
        aggregates: wire.aggregates.into_iter().filter_map(AggregateFunction::decode).collect(),
        recurse: wire.recurse,
        time_parts: wire.time_parts.into_iter().filter_map(TimePart::decode).collect(),
        max_concurrency: wire.max_concurrency,
    }
}
