//! `$metadata` to tables.

use crate::client::Client;
use crate::config::{Config, SCHEMA};
use crate::metadata::{EntitySet, Metadata, Property};
use crate::native::{NativeType, Navigation};
use weft_guest::contract::{
    Binding, Capability, Column, ContractRange, DataType, Description, FilterCapability, FilterOperation, ForeignKey,
    JoinSupport, RelationalCapabilities, Statistic, Table, TextComparison, TypeKind,
};
use weft_guest::{Code, Error, Result, clock, decimal_type};

/// Digits of a decimal whose type does not say how many.
const MAX_DIGITS: u8 = 38;
/// Digits after the point of a decimal with a variable scale; longer ones are an error when they come.
const VARIABLE_SCALE: u8 = 12;

pub fn describe(config: &Config) -> Result<Description> {
    describe_as(config, &load(config)?)
}

/// The description of a service whose `$metadata` was read.
pub fn describe_as(config: &Config, metadata: &Metadata) -> Result<Description> {
    let in_operator = config.in_operator.unwrap_or(metadata.version != "4.0");
    let client = Client::new(config);
    let mut tables = Vec::with_capacity(metadata.sets.len());
    for set in &metadata.sets {
        let rows = match config.statistics && set.restrictions.countable {
            true => Some(Statistic { count: client.count(&set.name)?, measured_at: clock::now() }),
            false => None,
        };
        tables.push(table(config, set, metadata, in_operator, rows));
    }
    let top = metadata.sets.iter().all(|set| set.restrictions.top);
    Ok(Description {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: ContractRange { min: 1, max: 1 },
        config_schema: SCHEMA.to_owned(),
        tables,
        relational: RelationalCapabilities {
            join: JoinSupport::ForeignKeys,
            project: true,
            distinct: false,
            sort: Capability::Exact,
            limit: if top { Capability::Exact } else { Capability::None },
            aggregates: Vec::new(),
            recurse: false,
            time_parts: Vec::new(),
            max_concurrency: 4,
        },
        default_mapping: None,
        change_feed: None,
    })
}

/// Reads `$metadata` and keeps the entity sets the configuration asks for.
pub fn load(config: &Config) -> Result<Metadata> {
    let mut metadata = Metadata::parse(&Client::new(config).metadata()?)?;
    if let Some(unknown) = config.tables.iter().find(|name| !metadata.sets.iter().any(|set| &set.name == *name)) {
        return Err(Error::new(Code::InvalidConfig, format!("tables: the service has no entity set {unknown:?}")));
    }
    metadata.sets.retain(|set| {
        let is_wanted = config.tables.is_empty() || config.tables.contains(&set.name);
        is_wanted && set.restrictions.readable && !set.properties.is_empty()
    });
    Ok(metadata)
}

fn table(config: &Config, set: &EntitySet, metadata: &Metadata, in_operator: bool, rows: Option<Statistic>) -> Table {
    let foreign_keys = foreign_keys(set, metadata);
    let columns = set.properties.iter().map(|property| {
        let mut native = native_type(property);
        native.in_operator = in_operator;
        native.navigations = navigations(set, &foreign_keys, &property.name);
        column(config, set, property, &native)
    });
    Table {
        name: set.name.clone(),
        columns: columns.collect(),
        keys: if set.key.is_empty() { Vec::new() } else { vec![set.key.clone()] },
        rows,
        filters: filters(config, set),
        max_keys: if set.restrictions.filterable { config.max_keys } else { 0 },
        sql: None,
        foreign_keys,
    }
}

/// Navigation properties whose every referenced column is in a table that is shown.
fn foreign_keys(set: &EntitySet, metadata: &Metadata) -> Vec<ForeignKey> {
    let has = |set: &EntitySet, name: &String| set.properties.iter().any(|property| &property.name == name);
    let mut keys = Vec::new();
    for navigation in &set.navigations {
        let Some(target) = metadata.sets.iter().find(|other| other.name == navigation.target) else { continue };
        if navigation.constraints.iter().all(|(here, there)| has(set, here) && has(target, there)) {
            let (columns, referenced_columns) = navigation.constraints.iter().cloned().unzip();
            let (name, referenced_table) = (navigation.name.clone(), target.name.clone());
            keys.push(ForeignKey { name, columns, referenced_table, referenced_columns });
        }
    }
    keys
}

/// What `$expand` can follow from a column. Expanding filters on the far side by path, so both ends must be filterable.
fn navigations(set: &EntitySet, foreign_keys: &[ForeignKey], column: &str) -> Vec<Navigation> {
    let restrictions = &set.restrictions;
    let mut navigations = Vec::new();
    for key in foreign_keys {
        if !restrictions.expandable || restrictions.non_expandable.contains(&key.name) {
            continue;
        }
        for (_, referenced) in key.columns.iter().zip(&key.referenced_columns).filter(|(here, _)| *here == column) {
            navigations.push(Navigation {
                property: key.name.clone(),
                columns: key.columns.len(),
                table: key.referenced_table.clone(),
                column: referenced.clone(),
            });
        }
    }
    navigations
}

fn native_type(property: &Property) -> NativeType {
    let is_timestamp = property.edm_type == "Edm.DateTimeOffset";
    let precision = if is_timestamp { property.precision } else { None };
    NativeType { name: property.edm_type.clone(), precision, ..NativeType::default() }
}

/// Whether values of the type are one cell of a table.
pub fn is_column_type(edm_type: &str) -> bool {
    matches!(
        edm_type,
        "Edm.Boolean"
            | "Edm.Byte"
            | "Edm.SByte"
            | "Edm.Int16"
            | "Edm.Int32"
            | "Edm.Int64"
            | "Edm.Decimal"
            | "Edm.Double"
            | "Edm.Single"
            | "Edm.String"
            | "Edm.Guid"
            | "Edm.Date"
            | "Edm.DateTimeOffset"
            | "Edm.TimeOfDay"
            | "Edm.Duration"
            | "Edm.Binary"
    )
}

fn data_type(property: &Property) -> DataType {
    match property.edm_type.as_str() {
        "Edm.Boolean" => DataType::Boolean,
        "Edm.Byte" | "Edm.SByte" | "Edm.Int16" | "Edm.Int32" | "Edm.Int64" => DataType::Int64,
        "Edm.Double" | "Edm.Single" => DataType::Float64,
        "Edm.Date" => DataType::Date,
        "Edm.DateTimeOffset" => DataType::TimestampZoned,
        "Edm.Binary" => DataType::Binary,
        "Edm.Decimal" => {
            let precision = property.precision.filter(|p| (1..=MAX_DIGITS).contains(p)).unwrap_or(MAX_DIGITS);
            match property.scale.filter(|scale| *scale <= precision) {
                Some(scale) => decimal_type(precision, scale),
                // The scale is variable or left out, and then it varies in practice too.
                None => decimal_type(MAX_DIGITS, VARIABLE_SCALE),
            }
        }
        _ => DataType::Text,
    }
}

/// Types whose literals and comparisons every service agrees about. A Single is compared after widening, which is not
/// what its decimal digits say.
fn is_comparable(property: &Property) -> bool {
    !property.is_enum
        && !matches!(property.edm_type.as_str(), "Edm.Single" | "Edm.TimeOfDay" | "Edm.Duration" | "Edm.Binary")
}

fn column(config: &Config, set: &EntitySet, property: &Property, native: &NativeType) -> Column {
    let restrictions = &set.restrictions;
    let name = &property.name;
    let filterable = restrictions.filterable && is_comparable(property) && !restrictions.non_filterable.contains(name);
    let is_text = matches!(data_type(property), DataType::Text);
    // Where a service puts NaN is not said.
    let is_double = matches!(data_type(property), DataType::Float64);
    let sortable = restrictions.sortable
        && is_comparable(property)
        && !is_double
        && !restrictions.non_sortable.contains(name)
        // A service may order the digits of a Guid as it likes.
        && (!is_text || (config.exact_text && property.edm_type == "Edm.String"));
    Column {
        name: name.clone(),
        data_type: data_type(property),
        nullable: property.nullable,
        native_type: native.to_string(),
        unit: property.unit.clone(),
        text_comparison: TextComparison::CodePoint,
        binding: match (restrictions.required.contains(name), filterable) {
            (true, _) => Binding::Required,
            (false, true) => Binding::Optional,
            (false, false) => Binding::None,
        },
        filterable,
        sortable,
        distinct: None,
    }
}

fn filters(config: &Config, set: &EntitySet) -> Vec<FilterCapability> {
    use FilterOperation as O;
    if !set.restrictions.filterable {
        return Vec::new();
    }
    let exact = |operation, data_type| FilterCapability { operation, data_type, level: Capability::Exact };
    let kinds = [
        TypeKind::Boolean,
        TypeKind::Int64,
        TypeKind::Decimal,
        TypeKind::Float64,
        TypeKind::Text,
        TypeKind::Date,
        TypeKind::Timestamp,
    ];
    let mut filters = vec![exact(O::IsNull, None), exact(O::Or, None), exact(O::Not, None)];
    for kind in kinds {
        filters.extend([exact(O::Equal, Some(kind)), exact(O::In, Some(kind))]);
        let is_ordered = kind != TypeKind::Boolean;
        if kind != TypeKind::Text || config.exact_text {
            filters.push(exact(O::NotEqual, Some(kind)));
            filters.extend(is_ordered.then(|| exact(O::Range, Some(kind))));
        }
    }
    let functions = [(O::StartsWith, "startswith"), (O::EndsWith, "endswith"), (O::Contains, "contains")];
    for (operation, name) in functions {
        filters.extend(set.restrictions.has_function(name).then(|| exact(operation, Some(TypeKind::Text))));
    }
    filters
}

#[cfg(test)]
mod tests;
