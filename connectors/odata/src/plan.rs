//! A relation as what one or two sequences of requests can answer.

use crate::config::Config;
use crate::native::NativeType;
use weft_guest::contract::DataType;
use weft_guest::{Code, ColumnRef, Error, Expression, Field, JoinKind, KeyBlock, Read, Relation, Result, SortKey};

/// What is done, from the inside out: rows of the source, filters, order, offset and count, output columns.
#[derive(Debug)]
pub struct Plan {
    pub source: Source,
    /// Checked on every row of the source, beside the reads' own filters.
    pub filters: Vec<(Expression, Vec<(ColumnRef, usize)>)>,
    pub order: Vec<Order>,
    pub offset: u64,
    pub count: Option<u64>,
    /// The output columns: their names, and their places in a row of the source.
    pub output: Vec<(ColumnRef, usize)>,
}

#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub place: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug)]
pub enum Source {
    Read(Fetch),
    /// The left or right read is the child, whose navigation property leads to the other.
    Expand {
        child: Fetch,
        parent: Fetch,
        navigation: String,
        kind: JoinKind,
        child_is_left: bool,
    },
    /// Both sides are read, and joined here.
    Local {
        left: Fetch,
        right: Fetch,
        kind: JoinKind,
        on: Vec<(usize, usize)>,
    },
}

/// A read of one entity set.
#[derive(Debug)]
pub struct Fetch {
    pub set: String,
    /// The row: every column the read names.
    pub fields: Vec<Field>,
    pub natives: Vec<NativeType>,
    pub filter: Option<Expression>,
    pub keys: Option<KeyBlock>,
    pub limit: Option<u64>,
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidRequest, message)
}

impl Plan {
    pub fn new(relation: Relation, config: &Config) -> Result<Self> {
        match relation {
            Relation::Read(read) => Self::read(read, config),
            Relation::Filter { input, predicate } => {
                let mut plan = Self::new(*input, config)?;
                if plan.is_limited() {
                    return Err(refused("a filter above a limit is not supported"));
                }
                plan.filters.push((predicate, plan.output.clone()));
                Ok(plan)
            }
            Relation::Project { input, columns } => {
                let mut plan = Self::new(*input, config)?;
                let output = columns.into_iter().map(|column| {
                    if column.part.is_some() {
                        return Err(refused("parts of dates and times are not supported"));
                    }
                    let name = ColumnRef { relation: String::new(), name: column.name };
                    Ok((name, plan.place(&column.column)?))
                });
                plan.output = output.collect::<Result<_>>()?;
                Ok(plan)
            }
            Relation::Sort { input, keys } => {
                let mut plan = Self::new(*input, config)?;
                if plan.is_limited() {
                    return Err(refused("a sort above a limit is not supported"));
                }
                plan.order = keys.iter().map(|key| plan.order_by(key)).collect::<Result<_>>()?;
                Ok(plan)
            }
            Relation::Limit { input, offset, count } => {
                let mut plan = Self::new(*input, config)?;
                plan.limit(offset, count);
                Ok(plan)
            }
            Relation::Join { left, right, kind, on } => {
                Self::join(Self::new(*left, config)?, Self::new(*right, config)?, kind, &on)
            }
            Relation::Aggregate { .. } => Err(refused("aggregates are not supported")),
            Relation::Distinct { .. } => Err(refused("distinct is not supported")),
            Relation::Recurse { .. } => Err(refused("recursion is not supported")),
        }
    }

    fn read(read: Read, config: &Config) -> Result<Self> {
        let mut output = Vec::with_capacity(read.columns.len());
        for name in &read.columns {
            let field = read.schema.iter().position(|field| &field.name == name);
            let place =
                field.ok_or_else(|| refused(format!("column {name:?} is not in the schema of {:?}", read.table)))?;
            output.push((ColumnRef { relation: read.alias.clone(), name: name.clone() }, place));
        }
        let native = |field: &Field| {
            let mut native = NativeType::parse(&field.native_type);
            native.in_operator = config.in_operator.unwrap_or(native.in_operator);
            native
        };
        let fetch = Fetch {
            natives: read.schema.iter().map(native).collect(),
            set: read.table,
            fields: read.schema,
            filter: read.filter,
            keys: read.keys,
            limit: read.limit,
        };
        let source = Source::Read(fetch);
        Ok(Self { source, filters: Vec::new(), order: Vec::new(), offset: 0, count: None, output })
    }

    fn join(left: Self, right: Self, kind: JoinKind, on: &[(ColumnRef, ColumnRef)]) -> Result<Self> {
        let is_plain = |plan: &Self| !plan.is_limited() && plan.order.is_empty() && plan.filters.is_empty();
        if !is_plain(&left) || !is_plain(&right) {
            return Err(refused("only two reads can be joined"));
        }
        let places = on.iter().map(|(l, r)| Ok((left.place(l)?, right.place(r)?))).collect::<Result<Vec<_>>>()?;
        let (Source::Read(l), Source::Read(r)) = (left.source, right.source) else {
            return Err(refused("only two tables can be joined"));
        };
        if places.is_empty() {
            return Err(refused("a join needs an equality"));
        }
        let width = l.fields.len();
        let mut output = left.output;
        output.extend(right.output.into_iter().map(|(name, place)| (name, place + width)));
        let source = Source::join(l, r, kind, places);
        Ok(Self { source, filters: Vec::new(), order: Vec::new(), offset: 0, count: None, output })
    }

    fn is_limited(&self) -> bool {
        self.offset > 0 || self.count.is_some()
    }

    fn limit(&mut self, offset: u64, count: Option<u64>) {
        let left = self.count.map(|before| before.saturating_sub(offset));
        self.offset = self.offset.saturating_add(offset);
        self.count = match (left, count) {
            (Some(left), Some(count)) => Some(left.min(count)),
            (left, count) => left.or(count),
        };
    }

    fn place(&self, column: &ColumnRef) -> Result<usize> {
        let found = self.output.iter().find(|(name, _)| name.relation == column.relation && name.name == column.name);
        let place = found.map(|(_, place)| *place);
        place.ok_or_else(|| refused(format!("no input column is called {:?}", column.name)))
    }

    fn order_by(&self, key: &SortKey) -> Result<Order> {
        let place = self.place(&key.column)?;
        Ok(Order { place, descending: key.descending, nulls_first: key.nulls_first })
    }

    /// The types of the output columns.
    pub fn types(&self) -> Result<Vec<DataType>> {
        let fields = self.source.fields();
        let types = self.output.iter().map(|(name, place)| {
            let field = fields.get(*place).copied();
            field.map(|f| f.data_type).ok_or_else(|| refused(format!("no column is called {:?}", name.name)))
        });
        types.collect()
    }
}

impl Source {
    fn join(left: Fetch, right: Fetch, kind: JoinKind, on: Vec<(usize, usize)>) -> Self {
        let is_simple = left.limit.is_none() && right.limit.is_none() && (left.keys.is_none() || right.keys.is_none());
        let flipped: Vec<(usize, usize)> = on.iter().map(|(l, r)| (*r, *l)).collect();
        if is_simple && let Some(navigation) = navigation(&left, &right, &on) {
            // What a missing parent leaves out must not be left out by a key of the parent.
            if kind == JoinKind::Inner || right.keys.is_none() {
                return Self::Expand { child: left, parent: right, navigation, kind, child_is_left: true };
            }
        } else if is_simple
            && kind == JoinKind::Inner
            && let Some(navigation) = navigation(&right, &left, &flipped)
        {
            return Self::Expand { child: right, parent: left, navigation, kind, child_is_left: false };
        }
        Self::Local { left, right, kind, on }
    }

    /// The columns of a row, from left to right.
    pub fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Read(fetch) => fetch.fields.iter().collect(),
            Self::Expand { child, parent, child_is_left: true, .. } => {
                child.fields.iter().chain(&parent.fields).collect()
            }
            Self::Expand { child, parent, .. } => parent.fields.iter().chain(&child.fields).collect(),
            Self::Local { left, right, .. } => left.fields.iter().chain(&right.fields).collect(),
        }
    }
}

/// The navigation property of the child whose constraint is exactly the equalities.
fn navigation(child: &Fetch, parent: &Fetch, on: &[(usize, usize)]) -> Option<String> {
    let leads = |(here, there): &(usize, usize), property: Option<&str>| {
        let (native, field) = (child.natives.get(*here)?, parent.fields.get(*there)?);
        native.navigations.iter().find_map(|n| {
            let fits = n.table == parent.set && n.column == field.name && n.columns == on.len();
            (fits && property.is_none_or(|property| property == n.property)).then(|| n.property.clone())
        })
    };
    let first = on.first()?;
    let candidates = child.natives.get(first.0)?.navigations.iter().map(|n| n.property.clone());
    candidates.into_iter().find(|property| on.iter().all(|pair| leads(pair, Some(property)).is_some()))
}
