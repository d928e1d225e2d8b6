//! What a table in memory says that it can do: from nothing to everything, honest in any case.

use super::pools::pick;
use rand::Rng;
use rand::rngs::StdRng;
use weft_model::contract::{
    AggregateFunction, Binding, Capability, DataType, Description, FilterCapability, FilterOperation, JoinSupport,
    RelationalCapabilities, Statistic, Table, TextComparison, TimePart, TypeKind,
};

const OPERATIONS: &[FilterOperation] = &[
    FilterOperation::Equal,
    FilterOperation::NotEqual,
    FilterOperation::Range,
    FilterOperation::In,
    FilterOperation::IsNull,
    FilterOperation::StartsWith,
    FilterOperation::EndsWith,
    FilterOperation::Contains,
    FilterOperation::CompareColumns,
];

const KINDS: &[TypeKind] = &[
    TypeKind::Boolean,
    TypeKind::Int64,
    TypeKind::Decimal,
    TypeKind::Float64,
    TypeKind::Text,
    TypeKind::Date,
    TypeKind::Timestamp,
    TypeKind::Binary,
];

const ALL_AGGREGATES: &[AggregateFunction] =
    &[AggregateFunction::Count, AggregateFunction::Sum, AggregateFunction::Min, AggregateFunction::Max];

const LEVELS: &[Capability] = &[Capability::None, Capability::Superset, Capability::Exact];

#[derive(Clone, Copy)]
enum Profile {
    Nothing,
    Careless,
    Exact,
    Mixed,
}

/// Gives each table, and the source, something to offer.
pub(super) fn assign(rng: &mut StdRng, description: &mut Description) {
    description.relational = relational(rng);
    for table in &mut description.tables {
        let profile = pick(rng, &[Profile::Nothing, Profile::Careless, Profile::Exact, Profile::Exact, Profile::Mixed]);
        comparisons(rng, table, profile);
        table.filters = filters(rng, table, profile);
        table.max_keys = match profile {
            Profile::Nothing => 0,
            _ => pick(rng, &[0, 1, 1, 2, 3, 7, 1000, 1000, 1000]),
        };
        columns(rng, table, profile);
        table.rows = statistic(rng, table.rows);
    }
}

/// Nothing at all: a table that can only be read whole.
pub(super) fn offer_nothing(description: &mut Description) {
    description.relational = RelationalCapabilities::read_only();
    for table in &mut description.tables {
        table.filters.clear();
        table.max_keys = 0;
        for column in &mut table.columns {
            column.binding = Binding::None;
        }
    }
}

/// Everything, exactly, with key blocks of `max_keys`.
pub fn offer_everything(description: &mut Description, max_keys: u32) {
    description.relational = RelationalCapabilities {
        join: JoinSupport::Any,
        project: true,
        distinct: true,
        sort: Capability::Exact,
        limit: Capability::Exact,
        aggregates: ALL_AGGREGATES.to_vec(),
        recurse: true,
        time_parts: TimePart::ALL.to_vec(),
        max_concurrency: 4,
    };
    let filter = |operation, data_type| FilterCapability { operation, data_type, level: Capability::Exact };
    for table in &mut description.tables {
        table.filters = OPERATIONS.iter().map(|operation| filter(*operation, None)).collect();
        table.filters.extend([filter(FilterOperation::Or, None), filter(FilterOperation::Not, None)]);
        table.max_keys = max_keys;
        for column in &mut table.columns {
            column.binding = Binding::Optional;
        }
    }
}

fn relational(rng: &mut StdRng) -> RelationalCapabilities {
    if rng.random_bool(0.3) {
        return RelationalCapabilities::read_only();
    }
    let aggregates = ALL_AGGREGATES.iter().copied().filter(|_| rng.random_bool(0.6)).collect();
    // Drawn aside: what a seed gives otherwise stays as it was.
    let mut aside = rng.clone();
    let time_parts = TimePart::ALL.into_iter().filter(|_| aside.random_bool(0.6)).collect();
    RelationalCapabilities {
        join: pick(rng, &[JoinSupport::None, JoinSupport::ForeignKeys, JoinSupport::Any, JoinSupport::Any]),
        project: rng.random_bool(0.7),
        distinct: rng.random_bool(0.6),
        sort: pick(rng, &[Capability::None, Capability::Superset, Capability::Exact, Capability::Exact]),
        limit: pick(rng, &[Capability::None, Capability::Superset, Capability::Exact, Capability::Exact]),
        aggregates,
        recurse: rng.random_bool(0.5),
        time_parts,
        max_concurrency: pick(rng, &[1, 2, 4]),
    }
}

fn comparisons(rng: &mut StdRng, table: &mut Table, profile: Profile) {
    if !matches!(profile, Profile::Careless | Profile::Mixed) {
        return;
    }
    for column in table.columns.iter_mut().filter(|column| column.data_type == DataType::Text) {
        if rng.random_bool(0.4) {
            let loose = [TextComparison::CaseInsensitive, TextComparison::PadSpace, TextComparison::Unknown];
            column.text_comparison = pick(rng, &loose);
        }
    }
}

fn filters(rng: &mut StdRng, table: &Table, profile: Profile) -> Vec<FilterCapability> {
    let loose_text = table.columns.iter().any(|column| column.text_comparison != TextComparison::CodePoint);
    let mut filters = Vec::new();
    for operation in OPERATIONS {
        for kind in KINDS {
            let wanted = match profile {
                Profile::Nothing => Capability::None,
                Profile::Careless => Capability::Superset,
                Profile::Exact => Capability::Exact,
                Profile::Mixed => pick(rng, LEVELS),
            };
            // A source that does not compare by code point cannot be exact about text.
            let bound = if loose_text && *kind == TypeKind::Text { Capability::Superset } else { Capability::Exact };
            let level = wanted.min(bound);
            if level > Capability::None {
                filters.push(FilterCapability { operation: *operation, data_type: Some(*kind), level });
            }
        }
    }
    for operation in [FilterOperation::Or, FilterOperation::Not] {
        let level = match profile {
            Profile::Nothing => Capability::None,
            Profile::Careless => pick(rng, &[Capability::None, Capability::Superset]),
            Profile::Exact => pick(rng, &[Capability::None, Capability::Exact, Capability::Exact]),
            Profile::Mixed => pick(rng, LEVELS),
        };
        if level > Capability::None {
            filters.push(FilterCapability { operation, data_type: None, level });
        }
    }
    filters
}

fn columns(rng: &mut StdRng, table: &mut Table, profile: Profile) {
    let key: Vec<String> = table.keys.first().cloned().unwrap_or_default();
    for column in &mut table.columns {
        column.binding = if table.max_keys > 0 && rng.random_bool(0.8) { Binding::Optional } else { Binding::None };
        column.filterable = rng.random_bool(0.9);
        column.sortable = rng.random_bool(0.9);
    }
    if table.max_keys == 0 || key.len() != 1 || matches!(profile, Profile::Nothing) || !rng.random_bool(0.06) {
        return;
    }
    let required = &key[0];
    for column in table.columns.iter_mut().filter(|column| column.name == *required) {
        column.binding = Binding::Required;
    }
}

/// Statistics may be right, old or absent; an answer never depends on them.
fn statistic(rng: &mut StdRng, true_count: Option<Statistic>) -> Option<Statistic> {
    let count = true_count.map_or(0, |s| s.count);
    let measured_at = 1_700_000_000_000_000;
    pick(rng, &[None, Some(count), Some(count), Some(0), Some(1_000_000)]).map(|count| Statistic { count, measured_at })
}
