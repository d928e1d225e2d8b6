//! Relations and expressions as trees.

use crate::bindings::weft::connector::types as w;
use crate::contract::{AggregateFunction, DataType};
use crate::error::{Code, Error, Result};
use crate::value::Value;

pub use w::{ColumnRef, CompareOperator, Field, JoinKind, ProjectColumn, SortKey, TextOperator, TimePart};

/// The deepest tree that is read. The host has the same limit.
const MAX_DEPTH: u32 = 256;

/// What is asked for.
pub struct ScanRequest {
    pub id: String,
    pub relation: Relation,
    /// The most rows one batch may have.
    pub batch_rows: u32,
    /// Roughly the most bytes one batch may have.
    pub batch_bytes: u32,
    /// Answer only an end whose statements are what would be sent.
    pub explain: bool,
}

#[derive(Clone, Debug)]
pub enum Relation {
    Read(Read),
    Filter {
        input: Box<Relation>,
        predicate: Expression,
    },
    Project {
        input: Box<Relation>,
        columns: Vec<ProjectColumn>,
    },
    Join {
        left: Box<Relation>,
        right: Box<Relation>,
        kind: JoinKind,
        on: Vec<(ColumnRef, ColumnRef)>,
    },
    Aggregate {
        input: Box<Relation>,
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
    /// The transitive closure of the pairs (`from`, `to`) of the step, each pair once; with `start`, only those from there.
    Recurse {
        step: Box<Relation>,
        from: Vec<ColumnRef>,
        to: Vec<ColumnRef>,
        start: Option<KeyBlock>,
    },
}

#[derive(Clone, Debug)]
pub struct Read {
    pub table: String,
    pub alias: String,
    pub columns: Vec<String>,
    /// Every column named anywhere in this read.
    pub schema: Vec<Field>,
    pub filter: Option<Expression>,
    pub keys: Option<KeyBlock>,
    pub limit: Option<u64>,
}

impl Read {
    pub fn field(&self, name: &str) -> Result<&Field> {
        let field = self.schema.iter().find(|field| field.name == name);
        field.ok_or_else(|| malformed(format!("column {name:?} is not in the schema of table {:?}", self.table)))
    }
}

/// A row matches when its columns equal some row of the keys.
#[derive(Clone, Debug)]
pub struct KeyBlock {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

#[derive(Clone, Debug)]
pub struct Aggregate {
    pub name: String,
    pub function: AggregateFunction,
    pub argument: Option<ColumnRef>,
    pub distinct: bool,
}

#[derive(Clone, Debug)]
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

fn malformed(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidRequest, message)
}

/// Finished trees that wait for their parent.
struct Forest<T>(Vec<Option<(T, u32)>>);

impl<T> Forest<T> {
    fn take(&mut self, child: u32, depth: &mut u32) -> Result<Box<T>> {
        let tree = self.0.get_mut(child as usize).and_then(Option::take);
        let (tree, height) = tree.ok_or_else(|| malformed(format!("node {child} is not there, or has two parents")))?;
        *depth = (*depth).max(height);
        Ok(Box::new(tree))
    }

    fn grow<N>(nodes: Vec<N>, mut read: impl FnMut(N, &mut Self, &mut u32) -> Result<T>) -> Result<T> {
        let mut forest = Self(Vec::with_capacity(nodes.len()));
        for node in nodes {
            let mut depth = 0;
            let tree = read(node, &mut forest, &mut depth)?;
            if depth >= MAX_DEPTH {
                return Err(malformed(format!("a tree is deeper than {MAX_DEPTH} levels")));
            }
            forest.0.push(Some((tree, depth + 1)));
        }
        let root = forest.0.pop().flatten();
        root.map(|(tree, _)| tree).ok_or_else(|| malformed("a tree has no nodes"))
    }
}

impl ScanRequest {
    pub(crate) fn read(request: w::ScanRequest) -> Result<Self> {
        Ok(Self {
            id: request.id,
            relation: Forest::grow(request.relation, relation)?,
            batch_rows: request.batch_rows.max(1),
            batch_bytes: request.batch_bytes.max(1),
            explain: request.explain,
        })
    }
}

fn relation(node: w::RelationNode, forest: &mut Forest<Relation>, depth: &mut u32) -> Result<Relation> {
    use w::RelationNode as N;
    Ok(match node {
        N::Read(read) => Relation::Read(self::read(read)?),
        N::Filter(n) => Relation::Filter { input: forest.take(n.input, depth)?, predicate: tree(n.predicate)? },
        N::Project(n) => Relation::Project { input: forest.take(n.input, depth)?, columns: n.columns },
        N::Join(n) => Relation::Join {
            left: forest.take(n.left, depth)?,
            right: forest.take(n.right, depth)?,
            kind: n.kind,
            on: n.on.into_iter().map(|pair| (pair.left, pair.right)).collect(),
        },
        N::Aggregate(n) => Relation::Aggregate {
            input: forest.take(n.input, depth)?,
            group: n.group,
            aggregates: n
                .aggregates
                .into_iter()
                .map(|a| Aggregate { name: a.name, function: a.function, argument: a.argument, distinct: a.distinct })
                .collect(),
        },
        N::Distinct(input) => Relation::Distinct { input: forest.take(input, depth)? },
        N::Sort(n) => Relation::Sort { input: forest.take(n.input, depth)?, keys: n.keys },
        N::Limit(n) => Relation::Limit { input: forest.take(n.input, depth)?, offset: n.offset, count: n.count },
        N::Recurse(n) => Relation::Recurse {
            step: forest.take(n.step, depth)?,
            from: n.from,
            to: n.to,
            start: n.start.map(key_block).transpose()?,
        },
    })
}

fn read(read: w::Read) -> Result<Read> {
    let keys = read.keys.map(key_block).transpose()?;
    Ok(Read {
        table: read.table,
        alias: read.alias,
        columns: read.columns,
        filter: read.filter.map(tree).transpose()?,
        keys,
        limit: read.limit,
        schema: read.schema,
    })
}

fn tree(nodes: w::Expression) -> Result<Expression> {
    Forest::grow(nodes, expression)
}

fn expression(node: w::ExpressionNode, forest: &mut Forest<Expression>, depth: &mut u32) -> Result<Expression> {
    use w::ExpressionNode as N;
    let mut all = |children: Vec<u32>, forest: &mut Forest<Expression>| {
        children.into_iter().map(|child| forest.take(child, depth).map(|tree| *tree)).collect::<Result<Vec<_>>>()
    };
    Ok(match node {
        N::Column(column) => Expression::Column(column),
        N::Literal(value) => Expression::Literal(value.into()),
        N::AndAll(children) => Expression::And(all(children, forest)?),
        N::OrAny(children) => Expression::Or(all(children, forest)?),
        N::Compare(n) => Expression::Compare {
            operator: n.operator,
            left: forest.take(n.left, depth)?,
            right: forest.take(n.right, depth)?,
        },
        N::Negate(input) => Expression::Not(forest.take(input, depth)?),
        N::IsNull(input) => Expression::IsNull(forest.take(input, depth)?),
        N::InList(n) => Expression::In {
            input: forest.take(n.input, depth)?,
            values: n.values.into_iter().map(Value::from).collect(),
        },
        N::Text(n) => {
            Expression::Text { operator: n.operator, input: forest.take(n.input, depth)?, pattern: n.pattern }
        }
    })
}

fn key_block(block: w::KeyBlock) -> Result<KeyBlock> {
    let rows = block.keys.rows as usize;
    let mut keys = vec![Vec::with_capacity(block.columns.len()); rows];
    for (column, values) in block.columns.iter().zip(&block.keys.columns) {
        for (row, key) in keys.iter_mut().enumerate() {
            let value = key_value(&values.values, column.data_type, row);
            key.push(value.ok_or_else(|| malformed(format!("key {row} of column {:?} is not there", column.name)))?);
        }
    }
    Ok(KeyBlock { columns: block.columns.into_iter().map(|column| column.name).collect(), rows: keys })
}

fn key_value(values: &w::Values, data_type: DataType, row: usize) -> Option<Value> {
    let bytes = |v: &w::ByteValues| {
        let range = *v.offsets.get(row)? as usize..*v.offsets.get(row + 1)? as usize;
        Some(v.bytes.get(range)?.to_vec())
    };
    Some(match (values, data_type) {
        (w::Values::Booleans(bits), DataType::Boolean) => Value::Boolean(bits.get(row / 8)? >> (row % 8) & 1 == 1),
        (w::Values::Int64s(v), DataType::Int64) => Value::Int64(*v.get(row)?),
        (w::Values::Float64s(v), DataType::Float64) => Value::Float64(*v.get(row)?),
        (w::Values::Dates(v), DataType::Date) => Value::Date(*v.get(row)?),
        (w::Values::Timestamps(v), DataType::Timestamp | DataType::TimestampZoned) => Value::Timestamp(*v.get(row)?),
        (w::Values::Texts(v), DataType::Text) => Value::Text(String::from_utf8(bytes(v)?).ok()?),
        (w::Values::Binaries(v), DataType::Binary) => Value::Binary(bytes(v)?),
        (w::Values::Decimals(v), DataType::Decimal(d)) => Value::Decimal {
            unscaled: i128::from_le_bytes(v.get(row * 16..row * 16 + 16)?.try_into().ok()?),
            scale: d.scale,
        },
        _ => return None,
    })
}
