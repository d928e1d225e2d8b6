//! Random messages of the connector contract, for tests of its encodings.
//!
//! Every message can occur: trees are a few levels deep, texts are any Unicode, batches have the contract's Arrow types.
//! There is no NaN, which is not equal to itself.

#![allow(clippy::expect_used)]

use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field as ArrowField, Schema};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;
use weft_model::contract::{
    Aggregate, AggregateFunction, Binding, Capability, ChangeFeed, Check, CheckOutcome, Column, ColumnRef,
    CompareOperator, ContractError, ContractRange, DataType, Description, End, Expression, Field, FilterCapability,
    FilterOperation, ForeignKey, JoinKind, JoinSupport, KeyBlock, Outcome, ProjectColumn, Read, Relation,
    RelationalCapabilities, ScanRequest, SortKey, SqlTable, Statistic, Table, TextComparison, TextOperator, TimePart,
    TypeKind, UnquotedNames, Value,
};
use weft_model::{Code, Fault, Retry};

/// Any Unicode, often with what quoting and escaping get wrong.
pub fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        3 => "[a-z_]{1,8}",
        1 => Just(String::new()),
        1 => "[\\PC\u{0}\n\"'%{}]{0,12}",
        1 => "\\PC{13,40}",
    ]
}

fn float() -> impl Strategy<Value = f64> + Clone {
    use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO | INFINITE
}

fn bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(any::<u8>(), 0..20)
}

pub fn data_type() -> impl Strategy<Value = DataType> + Clone {
    prop_oneof![
        Just(DataType::Boolean),
        Just(DataType::Int64),
        (1..=38_u8).prop_flat_map(|precision| {
            (0..=precision).prop_map(move |scale| DataType::Decimal { precision, scale })
        }),
        Just(DataType::Float64),
        Just(DataType::Text),
        Just(DataType::Date),
        any::<bool>().prop_map(|zoned| DataType::Timestamp { zoned }),
        Just(DataType::Binary),
    ]
}

pub fn value() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Int64),
        (any::<i128>(), 0..=38_u8).prop_map(|(unscaled, scale)| Value::Decimal { unscaled, scale }),
        float().prop_map(Value::Float64),
        text().prop_map(Value::Text),
        any::<i32>().prop_map(Value::Date),
        any::<i64>().prop_map(Value::Timestamp),
        bytes().prop_map(Value::Binary),
    ]
}

fn statistic() -> impl Strategy<Value = Statistic> + Clone {
    (any::<u64>(), any::<i64>()).prop_map(|(count, measured_at)| Statistic { count, measured_at })
}

fn capability() -> impl Strategy<Value = Capability> + Clone {
    select(vec![Capability::None, Capability::Superset, Capability::Exact])
}

fn column() -> impl Strategy<Value = Column> {
    let comparison = select(vec![
        TextComparison::CodePoint,
        TextComparison::CaseInsensitive,
        TextComparison::PadSpace,
        TextComparison::Unknown,
    ]);
    let binding = select(vec![Binding::None, Binding::Optional, Binding::Required]);
    let flags = any::<(bool, bool, bool)>();
    (text(), data_type(), text(), option::of(text()), comparison, binding, flags, option::of(statistic())).prop_map(
        |(name, data_type, native_type, unit, text_comparison, binding, flags, distinct)| Column {
            name,
            data_type,
            nullable: flags.0,
            native_type,
            unit,
            text_comparison,
            binding,
            filterable: flags.1,
            sortable: flags.2,
            distinct,
        },
    )
}

fn filter_capability() -> impl Strategy<Value = FilterCapability> {
    use FilterOperation as F;
    let operation = select(vec![
        F::Equal,
        F::NotEqual,
        F::Range,
        F::In,
        F::IsNull,
        F::StartsWith,
        F::EndsWith,
        F::Contains,
        F::Or,
        F::Not,
        F::CompareColumns,
    ]);
    (operation, option::of(data_type().prop_map(DataType::kind)), capability())
        .prop_map(|(operation, data_type, level)| FilterCapability { operation, data_type, level })
}

fn foreign_key() -> impl Strategy<Value = ForeignKey> {
    (text(), vec(text(), 0..3), text(), vec(text(), 0..3)).prop_map(
        |(name, columns, referenced_table, referenced_columns)| ForeignKey {
            name,
            columns,
            referenced_table,
            referenced_columns,
        },
    )
}

fn table() -> impl Strategy<Value = Table> {
    (
        text(),
        vec(column(), 0..5),
        vec(vec(text(), 0..3), 0..3),
        vec(foreign_key(), 0..3),
        option::of(statistic()),
        vec(filter_capability(), 0..6),
        any::<u32>(),
        option::of(sql_table()),
    )
        .prop_map(|(name, columns, keys, foreign_keys, rows, filters, max_keys, sql)| Table {
            name,
            columns,
            keys,
            foreign_keys,
            rows,
            filters,
            max_keys,
            sql,
        })
}

fn sql_table() -> impl Strategy<Value = SqlTable> {
    let unquoted = select(vec![UnquotedNames::AsWritten, UnquotedNames::LowerCase]);
    (unquoted, option::of(text())).prop_map(|(unquoted, query)| SqlTable { unquoted, query })
}

fn aggregate_function() -> impl Strategy<Value = AggregateFunction> + Clone {
    use AggregateFunction as F;
    select(vec![F::Count, F::Sum, F::Min, F::Max])
}

fn relational() -> impl Strategy<Value = RelationalCapabilities> {
    let join = select(vec![JoinSupport::None, JoinSupport::ForeignKeys, JoinSupport::Any]);
    let flags = any::<(bool, bool, bool)>();
    let functions = (vec(aggregate_function(), 0..5), vec(select(TimePart::ALL.to_vec()), 0..5));
    (join, flags, capability(), capability(), functions, any::<u32>()).prop_map(
        |(join, (project, distinct, recurse), sort, limit, (aggregates, time_parts), max_concurrency)| {
            RelationalCapabilities {
                join,
                project,
                distinct,
                sort,
                limit,
                aggregates,
                recurse,
                time_parts,
                max_concurrency,
            }
        },
    )
}

pub fn description() -> impl Strategy<Value = Description> {
    let contract = any::<(u32, u32)>().prop_map(|(min, max)| ContractRange { min, max });
    let feed = (text(), vec(text(), 0..3)).prop_map(|(kind, tables)| ChangeFeed { kind, tables });
    let tables = vec(table(), 0..4);
    (text(), text(), contract, text(), tables, relational(), option::of(text()), option::of(feed)).prop_map(
        |(name, version, contract, config_schema, tables, relational, default_mapping, change_feed)| Description {
            name,
            version,
            contract,
            config_schema,
            tables,
            relational,
            default_mapping,
            change_feed,
        },
    )
}

pub fn check() -> impl Strategy<Value = Check> {
    let outcome = prop_oneof![
        vec(option::of(value()), 0..5).prop_map(CheckOutcome::Row),
        Just(CheckOutcome::Empty),
        text().prop_map(CheckOutcome::Denied),
        text().prop_map(CheckOutcome::Failed),
    ];
    (text(), vec((text(), outcome), 0..4)).prop_map(|(system, tables)| Check { system, tables })
}

pub fn column_ref() -> impl Strategy<Value = ColumnRef> + Clone {
    (text(), text()).prop_map(|(relation, name)| ColumnRef { relation, name })
}

/// At most five levels.
pub fn expression() -> impl Strategy<Value = Expression> + Clone {
    use CompareOperator as C;
    let compare = select(vec![C::Equal, C::NotEqual, C::Less, C::LessOrEqual, C::Greater, C::GreaterOrEqual]);
    let match_text = select(vec![TextOperator::StartsWith, TextOperator::EndsWith, TextOperator::Contains]);
    let leaf = prop_oneof![column_ref().prop_map(Expression::Column), value().prop_map(Expression::Literal)];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            (compare.clone(), boxed.clone(), boxed.clone()).prop_map(|(operator, left, right)| Expression::Compare {
                operator,
                left,
                right
            }),
            vec(inner.clone(), 0..4).prop_map(Expression::And),
            vec(inner, 0..4).prop_map(Expression::Or),
            boxed.clone().prop_map(Expression::Not),
            boxed.clone().prop_map(Expression::IsNull),
            (boxed.clone(), vec(value(), 0..4)).prop_map(|(input, values)| Expression::In { input, values }),
            (match_text.clone(), boxed, text()).prop_map(|(operator, input, pattern)| Expression::Text {
                operator,
                input,
                pattern
            }),
        ]
    })
}

pub fn field() -> impl Strategy<Value = Field> + Clone {
    (text(), data_type(), any::<bool>(), text()).prop_map(|(name, data_type, nullable, native_type)| Field {
        name,
        data_type,
        nullable,
        native_type,
    })
}

/// One to three key columns, without nulls; names and types agree with `columns`.
pub fn key_block() -> impl Strategy<Value = KeyBlock> + Clone {
    vec((text(), data_type()), 1..4).prop_flat_map(|columns| {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let fields = columns.into_iter().map(|(name, data_type)| Field {
            name,
            data_type,
            nullable: false,
            native_type: String::new(),
        });
        batch(fields.collect()).prop_map(move |keys| KeyBlock { columns: names.clone(), keys })
    })
}

pub fn read() -> impl Strategy<Value = Read> + Clone {
    let output = (vec(text(), 0..4), vec(field(), 0..4));
    (text(), text(), output, option::of(expression()), option::of(key_block()), option::of(any::<u64>())).prop_map(
        |(table, alias, (columns, schema), filter, keys, limit)| Read {
            table,
            alias,
            columns,
            schema,
            filter,
            keys,
            limit,
        },
    )
}

/// Any tree of at most four levels; its columns need not fit together.
pub fn relation() -> impl Strategy<Value = Relation> {
    let kind = select(vec![JoinKind::Inner, JoinKind::Left]);
    let project = (text(), column_ref(), option::of(select(TimePart::ALL.to_vec())))
        .prop_map(|(name, column, part)| ProjectColumn { name, column, part });
    let aggregate = (text(), aggregate_function(), option::of(column_ref()), any::<bool>())
        .prop_map(|(name, function, argument, distinct)| Aggregate { name, function, argument, distinct });
    let sort = (column_ref(), any::<bool>(), any::<bool>()).prop_map(|(column, descending, nulls_first)| SortKey {
        column,
        descending,
        nulls_first,
    });
    read().prop_map(Relation::Read).prop_recursive(3, 8, 2, move |inner| {
        let input = inner.prop_map(Box::new);
        prop_oneof![
            (input.clone(), expression()).prop_map(|(input, predicate)| Relation::Filter { input, predicate }),
            (input.clone(), vec(project.clone(), 0..3))
                .prop_map(|(input, columns)| Relation::Project { input, columns }),
            (input.clone(), input.clone(), kind.clone(), vec((column_ref(), column_ref()), 0..3))
                .prop_map(|(left, right, kind, on)| Relation::Join { left, right, kind, on }),
            (input.clone(), vec(column_ref(), 0..3), vec(aggregate.clone(), 0..3))
                .prop_map(|(input, group, aggregates)| Relation::Aggregate { input, group, aggregates }),
            input.clone().prop_map(|input| Relation::Distinct { input }),
            (input.clone(), vec(sort.clone(), 0..3)).prop_map(|(input, keys)| Relation::Sort { input, keys }),
            (input.clone(), any::<u64>(), option::of(any::<u64>()))
                .prop_map(|(input, offset, count)| Relation::Limit { input, offset, count }),
            (input, vec(column_ref(), 0..3), vec(column_ref(), 0..3), option::of(key_block()))
                .prop_map(|(step, from, to, start)| Relation::Recurse { step, from, to, start }),
        ]
    })
}

pub fn scan_request() -> impl Strategy<Value = ScanRequest> {
    (text(), relation(), any::<u32>(), any::<u32>(), any::<bool>()).prop_map(
        |(id, relation, batch_rows, batch_bytes, explain)| ScanRequest {
            id,
            relation,
            batch_rows,
            batch_bytes,
            explain,
        },
    )
}

pub fn end() -> impl Strategy<Value = End> {
    let outcome = prop_oneof![Just(Outcome::Complete), text().prop_map(Outcome::Truncated)];
    (outcome, any::<u64>(), vec(text(), 0..4)).prop_map(|(outcome, rows, statements)| End { outcome, rows, statements })
}

/// Without the private detail, which does not travel.
pub fn contract_error() -> impl Strategy<Value = ContractError> {
    let fault = select(vec![Fault::Caller, Fault::Config, Fault::Source, Fault::Connector, Fault::Broker]);
    let retry = prop_oneof![Just(Retry::Never), any::<u64>().prop_map(Retry::AfterMillis), Just(Retry::Replan)];
    (select(Code::ALL), fault, retry, text())
        .prop_map(|(code, fault, retry, message)| ContractError::new(code, fault, message).with_retry(retry))
}

/// Fields of any types, with distinct names.
pub fn fields() -> impl Strategy<Value = Vec<Field>> {
    vec(field(), 0..5).prop_map(|mut fields| {
        for (i, field) in fields.iter_mut().enumerate() {
            field.name = format!("{}_{i}", field.name);
        }
        fields
    })
}

/// Up to twenty rows of these fields, with nulls where they are allowed.
pub fn batch(fields: Vec<Field>) -> impl Strategy<Value = RecordBatch> + Clone {
    (0..20_usize).prop_flat_map(move |rows| {
        let columns: Vec<_> =
            fields.iter().map(|field| vec(cell(field.data_type, field.nullable), rows).boxed()).collect();
        let fields = fields.clone();
        columns.prop_map(move |columns| assemble(&fields, rows, columns))
    })
}

fn cell(data_type: DataType, nullable: bool) -> BoxedStrategy<Option<Value>> {
    let value = match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        DataType::Int64 => any::<i64>().prop_map(Value::Int64).boxed(),
        DataType::Decimal { precision, scale } => {
            let bound = 10_i128.pow(precision.into()) - 1;
            (-bound..=bound).prop_map(move |unscaled| Value::Decimal { unscaled, scale }).boxed()
        }
        DataType::Float64 => float().prop_map(Value::Float64).boxed(),
        DataType::Text => text().prop_map(Value::Text).boxed(),
        DataType::Date => any::<i32>().prop_map(Value::Date).boxed(),
        DataType::Timestamp { .. } => any::<i64>().prop_map(Value::Timestamp).boxed(),
        DataType::Binary => bytes().prop_map(Value::Binary).boxed(),
    };
    if nullable { option::weighted(0.8, value).boxed() } else { value.prop_map(Some).boxed() }
}

/// Cells that are not of the field's type become nulls.
fn assemble(fields: &[Field], rows: usize, columns: Vec<Vec<Option<Value>>>) -> RecordBatch {
    let schema: Vec<_> = fields.iter().map(|f| ArrowField::new(&f.name, f.data_type.to_arrow(), f.nullable)).collect();
    let arrays = fields.iter().zip(columns).map(|(field, cells)| array(field.data_type, cells)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(schema)), arrays, &options)
        .expect("cells of the fields' types make a batch")
}

macro_rules! primitive {
    ($arrow:ty, $cells:expr, $pattern:pat => $value:expr) => {
        $cells
            .into_iter()
            .map(|cell| match cell {
                Some($pattern) => Some($value),
                _ => None,
            })
            .collect::<PrimitiveArray<$arrow>>()
    };
}

/// An array of exactly the type `to_arrow` gives.
pub fn array(data_type: DataType, cells: Vec<Option<Value>>) -> ArrayRef {
    match data_type.kind() {
        TypeKind::Boolean => Arc::new(
            cells
                .into_iter()
                .map(|cell| if let Some(Value::Boolean(v)) = cell { Some(v) } else { None })
                .collect::<BooleanArray>(),
        ),
        TypeKind::Int64 => Arc::new(primitive!(Int64Type, cells, Value::Int64(v) => v)),
        TypeKind::Float64 => Arc::new(primitive!(Float64Type, cells, Value::Float64(v) => v)),
        TypeKind::Date => Arc::new(primitive!(Date32Type, cells, Value::Date(v) => v)),
        TypeKind::Decimal => Arc::new(
            primitive!(Decimal128Type, cells, Value::Decimal { unscaled, .. } => unscaled)
                .with_data_type(data_type.to_arrow()),
        ),
        TypeKind::Timestamp => Arc::new(
            primitive!(TimestampMicrosecondType, cells, Value::Timestamp(v) => v).with_data_type(data_type.to_arrow()),
        ),
        TypeKind::Text => {
            let mut builder = StringViewBuilder::new();
            for cell in cells {
                builder.append_option(if let Some(Value::Text(v)) = cell { Some(v) } else { None });
            }
            Arc::new(builder.finish())
        }
        TypeKind::Binary => {
            let mut builder = BinaryViewBuilder::new();
            for cell in cells {
                builder.append_option(if let Some(Value::Binary(v)) = cell { Some(v) } else { None });
            }
            Arc::new(builder.finish())
        }
    }
}
