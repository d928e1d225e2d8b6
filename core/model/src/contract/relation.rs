//! The small relational tree of a scan.

use super::{DataType, TimePart, Value};
use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

/// What a scan computes. A simple connector only ever receives [`Relation::Read`].
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    Read(Read),
    Filter {
        input: Box<Relation>,
        predicate: Expression,
    },
    /// Names the output columns: columns of the input, and calendar parts of its dates and times.
    Project {
        input: Box<Relation>,
        columns: Vec<ProjectColumn>,
    },
    Join {
        left: Box<Relation>,
        right: Box<Relation>,
        kind: JoinKind,
        /// Equalities between a column of the left and one of the right; null equals nothing.
        on: Vec<(ColumnRef, ColumnRef)>,
    },
    Aggregate {
        input: Box<Relation>,
        /// Empty: one group, which exists even when there are no rows.
        group: Vec<ColumnRef>,
        aggregates: Vec<Aggregate>,
    },
    Distinct {
        input: Box<Relation>,
    },
    Sort {
        input: Box<Relation>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Relation>,
        offset: u64,
        count: Option<u64>,
    },
    /// The transitive closure of the pairs (`from`, `to`) of `step`: the least set of pairs that has every pair of
    /// `step` whose columns are all not null, and (a, c) wherever it has (a, b) and `step` has (b, c).
    ///
    /// Each pair comes once, so cyclic data ends: there are never more pairs than values of `from` times values of
    /// `to`. Nothing here bounds the depth; the rows of the answer and its time are bounded by the limits of the request,
    /// the source and the broker, as those of any other scan.
    ///
    /// The output columns are named without relation, those of `from` before those of `to`, and are never null.
    Recurse {
        step: Box<Relation>,
        /// Columns of `step`: at least one, as many as `to`, no name twice in both together.
        from: Vec<ColumnRef>,
        /// Each of exactly the type of its counterpart in `from`, and none of type float64, whose equality does not tell
        /// its values apart.
        to: Vec<ColumnRef>,
        /// Only the pairs whose `from` is one of the keys, found from there without computing the others. The block
        /// names each column of `from` once.
        start: Option<KeyBlock>,
    },
}

/// Reads one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub table: String,
    /// Qualifies the output columns where a relation has several reads; empty for a lone read.
    pub alias: String,
    /// Output columns, in order.
    pub columns: Vec<String>,
    /// Every column named anywhere in this read, as the source described it. A source whose column differs answers
    /// with `schema-changed`.
    pub schema: Vec<Field>,
    /// Columns are named without relation here.
    pub filter: Option<Expression>,
    /// Only rows whose key is in the block.
    pub keys: Option<KeyBlock>,
    pub limit: Option<u64>,
}

/// A column and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
    pub native_type: String,
}

/// The keys of a bind join: a row matches when its `columns` equal some row of `keys`. No nulls, no duplicates.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyBlock {
    pub columns: Vec<String>,
    pub keys: RecordBatch,
}

/// Names a column of the input: the alias of the read it comes from, or nothing when the name alone is unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnRef {
    pub relation: String,
    pub name: String,
}

impl ColumnRef {
    pub fn new(relation: impl Into<String>, name: impl Into<String>) -> Self {
        Self { relation: relation.into(), name: name.into() }
    }

    pub fn bare(name: impl Into<String>) -> Self {
        Self::new(String::new(), name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProjectColumn {
    pub name: String,
    pub column: ColumnRef,
    /// This part of the column's value, as Int64, instead of the value itself; null for null.
    pub part: Option<TimePart>,
}

impl ProjectColumn {
    /// The column as it is.
    pub fn of(name: impl Into<String>, column: ColumnRef) -> Self {
        Self { name: name.into(), column, part: None }
    }

    fn field(&self, inputs: &[(ColumnRef, Field)]) -> Result<Field, InvalidRelation> {
        let (name, field) = (self.name.clone(), find(inputs, &self.column)?);
        match self.part {
            None => Ok(Field { name, ..field.clone() }),
            Some(part) if part.is_part_of(field.data_type) => {
                Ok(Field { name, data_type: DataType::Int64, nullable: field.nullable, native_type: String::new() })
            }
            Some(part) => Err(InvalidRelation::TimePart(part, self.column.clone(), field.data_type)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub name: String,
    pub function: AggregateFunction,
    /// `None` only for `Count`: rows are counted.
    pub argument: Option<ColumnRef>,
    pub distinct: bool,
}

/// Nulls are left out by all of them. Over nothing, `Count` is 0 and the others are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AggregateFunction {
    /// Int64.
    Count,
    /// Of the argument's type: Int64, Decimal (precision 38) or Float64. Overflow is an error, never a wrong number.
    Sum,
    /// Of the argument's type. Text by code point; of doubles, NaN stands after every number.
    Min,
    Max,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub column: ColumnRef,
    pub descending: bool,
    /// Text sorts by code point; of doubles, the two zeros are equal and NaN stands after every number.
    pub nulls_first: bool,
}

/// A condition with three values: a comparison with null is neither true nor false (SQL, and SPARQL errors).
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Column(ColumnRef),
    Literal(Value),
    Compare { operator: CompareOperator, left: Box<Expression>, right: Box<Expression> },
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    IsNull(Box<Expression>),
    In { input: Box<Expression>, values: Vec<Value> },
    Text { operator: TextOperator, input: Box<Expression>, pattern: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Comparison of text by code point; `pattern` is plain text without wildcards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextOperator {
    StartsWith,
    EndsWith,
    Contains,
}

/// A relation that does not fit together.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRelation {
    #[error("column {0:?} is not in the schema of table {1:?}")]
    NotInSchema(String, String),
    #[error("no input column is called {0:?}")]
    NoSuchColumn(ColumnRef),
    #[error("{0:?} of a column of type {1} is not defined")]
    Aggregate(AggregateFunction, DataType),
    #[error("column {1:?} of type {2} has no {0}")]
    TimePart(TimePart, ColumnRef, DataType),
    #[error("{0:?} needs an argument")]
    NoArgument(AggregateFunction),
    #[error("a recursion goes from at least one column to as many, not from {from} to {to}")]
    RecursionWidth { from: usize, to: usize },
    #[error("a recursion does not go from column {from:?} of type {} to column {to:?} of type {}", .types.0, .types.1)]
    RecursionTypes { from: ColumnRef, to: ColumnRef, types: (DataType, DataType) },
    #[error("two output columns of a recursion are called {0:?}")]
    RecursionName(String),
    #[error("a recursion from the columns {from:?} does not start at keys of the columns {keys:?}")]
    RecursionStart { from: Vec<String>, keys: Vec<String> },
}

impl Relation {
    /// Only the first `most` of the rows.
    pub fn limit(&mut self, most: u64) {
        match self {
            Self::Read(read) => read.limit = Some(read.limit.map_or(most, |known| known.min(most))),
            other => {
                let input = Box::new(other.clone());
                *other = Self::Limit { input, offset: 0, count: Some(most) };
            }
        }
    }

    /// The output columns: how they are referred to from above, and their types.
    pub fn fields(&self) -> Result<Vec<(ColumnRef, Field)>, InvalidRelation> {
        match self {
            Self::Read(read) => read.fields(),
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => input.fields(),
            Self::Project { input, columns } => {
                let inputs = input.fields()?;
                columns.iter().map(|c| Ok((ColumnRef::bare(&c.name), c.field(&inputs)?))).collect()
            }
            Self::Join { left, right, kind, .. } => {
                let mut fields = left.fields()?;
                let mut added = right.fields()?;
                if *kind == JoinKind::Left {
                    added.iter_mut().for_each(|(_, field)| field.nullable = true);
                }
                fields.append(&mut added);
                Ok(fields)
            }
            Self::Aggregate { input, group, aggregates } => {
                let inputs = input.fields()?;
                let mut fields = Vec::new();
                for column in group {
                    fields.push((column.clone(), find(&inputs, column)?.clone()));
                }
                for aggregate in aggregates {
                    fields.push((ColumnRef::bare(&aggregate.name), aggregate.field(&inputs)?));
                }
                Ok(fields)
            }
            Self::Recurse { step, from, to, start } => {
                let fields = closure_fields(&step.fields()?, from, to)?;
                start.as_ref().map_or(Ok(()), |start| check_start(from, start))?;
                Ok(fields)
            }
        }
    }

    /// Every read of the tree, from left to right.
    pub fn reads(&self) -> Vec<&Read> {
        match self {
            Self::Read(read) => vec![read],
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Project { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Recurse { step: input, .. } => input.reads(),
            Self::Join { left, right, .. } => {
                let mut reads = left.reads();
                reads.extend(right.reads());
                reads
            }
        }
    }

    /// The parts of dates and times that are asked for anywhere in the tree, each once.
    pub fn time_parts(&self) -> Vec<TimePart> {
        let mut parts = Vec::new();
        self.collect_time_parts(&mut parts);
        parts
    }

    fn collect_time_parts(&self, parts: &mut Vec<TimePart>) {
        match self {
            Self::Read(_) => {}
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Recurse { step: input, .. } => input.collect_time_parts(parts),
            Self::Project { input, columns } => {
                for part in columns.iter().filter_map(|column| column.part) {
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                input.collect_time_parts(parts);
            }
            Self::Join { left, right, .. } => {
                left.collect_time_parts(parts);
                right.collect_time_parts(parts);
            }
        }
    }

    /// The read with this alias, to be changed.
    pub fn read_mut(&mut self, alias: &str) -> Option<&mut Read> {
        match self {
            Self::Read(read) => (read.alias == alias).then_some(read),
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Project { input, .. }
            | Self::Aggregate { input, .. }
            | Self::Recurse { step: input, .. } => input.read_mut(alias),
            Self::Join { left, right, .. } => left.read_mut(alias).or_else(|| right.read_mut(alias)),
        }
    }
}

fn find<'a>(fields: &'a [(ColumnRef, Field)], column: &ColumnRef) -> Result<&'a Field, InvalidRelation> {
    fields
        .iter()
        .find(|(name, _)| name == column)
        .map(|(_, field)| field)
        .ok_or_else(|| InvalidRelation::NoSuchColumn(column.clone()))
}

fn closure_fields(
    inputs: &[(ColumnRef, Field)],
    from: &[ColumnRef],
    to: &[ColumnRef],
) -> Result<Vec<(ColumnRef, Field)>, InvalidRelation> {
    if from.is_empty() || from.len() != to.len() {
        return Err(InvalidRelation::RecursionWidth { from: from.len(), to: to.len() });
    }
    for (from, to) in from.iter().zip(to) {
        let types = (find(inputs, from)?.data_type, find(inputs, to)?.data_type);
        if types.0 != types.1 || types.0 == DataType::Float64 {
            return Err(InvalidRelation::RecursionTypes { from: from.clone(), to: to.clone(), types });
        }
    }
    let mut fields: Vec<(ColumnRef, Field)> = Vec::with_capacity(from.len() + to.len());
    for column in from.iter().chain(to) {
        if fields.iter().any(|(known, _)| known.name == column.name) {
            return Err(InvalidRelation::RecursionName(column.name.clone()));
        }
        let field = find(inputs, column)?;
        let output = Field { name: column.name.clone(), nullable: false, ..field.clone() };
        fields.push((ColumnRef::bare(&column.name), output));
    }
    Ok(fields)
}

fn check_start(from: &[ColumnRef], start: &KeyBlock) -> Result<(), InvalidRelation> {
    let is_key = |column: &ColumnRef| start.columns.iter().filter(|key| **key == column.name).count() == 1;
    if start.columns.len() == from.len() && start.keys.num_columns() == from.len() && from.iter().all(is_key) {
        return Ok(());
    }
    let from = from.iter().map(|column| column.name.clone()).collect();
    Err(InvalidRelation::RecursionStart { from, keys: start.columns.clone() })
}

impl Read {
    /// The described form of a column this read touches.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.schema.iter().find(|field| field.name == name)
    }

    fn fields(&self) -> Result<Vec<(ColumnRef, Field)>, InvalidRelation> {
        self.columns
            .iter()
            .map(|name| {
                let field =
                    self.field(name).ok_or_else(|| InvalidRelation::NotInSchema(name.clone(), self.table.clone()))?;
                Ok((ColumnRef::new(&self.alias, name), field.clone()))
            })
            .collect()
    }
}

impl Aggregate {
    fn field(&self, inputs: &[(ColumnRef, Field)]) -> Result<Field, InvalidRelation> {
        let argument = self.argument.as_ref().map(|a| find(inputs, a)).transpose()?;
        let data_type = match (self.function, argument.map(|a| a.data_type)) {
            (AggregateFunction::Count, _) => DataType::Int64,
            (function, None) => return Err(InvalidRelation::NoArgument(function)),
            (AggregateFunction::Sum, Some(DataType::Decimal { scale, .. })) => {
                DataType::Decimal { precision: 38, scale }
            }
            (AggregateFunction::Sum, Some(t @ (DataType::Int64 | DataType::Float64))) => t,
            (AggregateFunction::Min | AggregateFunction::Max, Some(t)) if t != DataType::Binary => t,
            (function, Some(t)) => return Err(InvalidRelation::Aggregate(function, t)),
        };
        Ok(Field {
            name: self.name.clone(),
            data_type,
            nullable: self.function != AggregateFunction::Count,
            native_type: String::new(),
        })
    }
}
