//! Relations.

use super::expression::{decode_expression, encode_expression};
use super::names::Name as _;
use super::tree::{Builder, Flat};
use super::value::{decode_column_ref, decode_type, encode_column_ref, encode_type};
use super::{ConvertError, Limits};
use crate::batch::{decode_batch, encode_whole};
use weft_model::contract::{
    Aggregate, AggregateFunction, ColumnRef, Field, JoinKind, KeyBlock, ProjectColumn, Read, Relation, SortKey,
    TimePart,
};
use weft_proto::v1;
use weft_proto::v1::project_column::Source;
use weft_proto::v1::relation_node::Node;

const WHAT: &str = "relation";

/// Fails when the relation exceeds the limits, or its key block is not of the contract's types.
pub fn encode_relation(relation: &Relation, limits: &Limits) -> Result<v1::Relation, ConvertError> {
    let mut flat = Flat::new(WHAT, limits);
    flatten(relation, 1, &mut flat)?;
    Ok(v1::Relation { nodes: flat.into_nodes() })
}

fn flatten(relation: &Relation, depth: usize, flat: &mut Flat<v1::RelationNode>) -> Result<u32, ConvertError> {
    flat.check_depth(depth)?;
    let below = depth + 1;
    let node = match relation {
        Relation::Read(read) => Node::Read(encode_read(read, flat.limits())?),
        Relation::Filter { input, predicate } => Node::Filter(v1::Filter {
            input: flatten(input, below, flat)?,
            predicate: Some(encode_expression(predicate, flat.limits())?),
        }),
        Relation::Project { input, columns } => {
            Node::Project(v1::Project { input: flatten(input, below, flat)?, columns: encode_project(columns) })
        }
        Relation::Join { left, right, kind, on } => Node::Join(v1::Join {
            left: flatten(left, below, flat)?,
            right: flatten(right, below, flat)?,
            kind: kind.encode(),
            on: encode_equalities(on),
        }),
        Relation::Aggregate { input, group, aggregates } => Node::Aggregation(v1::Aggregation {
            input: flatten(input, below, flat)?,
            group: group.iter().map(encode_column_ref).collect(),
            aggregates: aggregates.iter().map(encode_aggregate).collect(),
        }),
        Relation::Distinct { input } => Node::Distinct(v1::Distinct { input: flatten(input, below, flat)? }),
        Relation::Sort { input, keys } => Node::Sort(v1::Sort {
            input: flatten(input, below, flat)?,
            keys: keys.iter().map(encode_sort_key).collect(),
        }),
        Relation::Limit { input, offset, count } => {
            Node::Limit(v1::Limit { input: flatten(input, below, flat)?, offset: *offset, count: *count })
        }
        Relation::Recurse { step, from, to, start } => Node::Recurse(v1::Recurse {
            step: flatten(step, below, flat)?,
            from: from.iter().map(encode_column_ref).collect(),
            to: to.iter().map(encode_column_ref).collect(),
            start: start.as_ref().map(|keys| encode_keys(keys, flat.limits())).transpose()?,
        }),
    };
    flat.push(v1::RelationNode { node: Some(node) })
}

/// Fails when the nodes do not form one tree, or one of them is not known.
pub fn decode_relation(wire: v1::Relation, limits: &Limits) -> Result<Relation, ConvertError> {
    let mut tree = Builder::new(WHAT, wire.nodes.len(), limits)?;
    for node in wire.nodes {
        let node = node.node.ok_or(ConvertError::Unknown("a node of a relation"))?;
        let relation = decode_node(node, &mut tree, limits)?;
        tree.push(relation)?;
    }
    tree.finish()
}

fn decode_node(node: Node, tree: &mut Builder<Relation>, limits: &Limits) -> Result<Relation, ConvertError> {
    Ok(match node {
        Node::Read(read) => Relation::Read(decode_read(read, limits)?),
        Node::Filter(filter) => Relation::Filter {
            input: Box::new(tree.child(filter.input)?),
            predicate: decode_expression(filter.predicate.ok_or(ConvertError::Missing("a predicate"))?, limits)?,
        },
        Node::Project(project) => {
            Relation::Project { input: Box::new(tree.child(project.input)?), columns: decode_project(project.columns)? }
        }
        Node::Join(join) => Relation::Join {
            left: Box::new(tree.child(join.left)?),
            right: Box::new(tree.child(join.right)?),
            kind: JoinKind::decode(join.kind).ok_or(ConvertError::Unknown("the kind of a join"))?,
            on: decode_equalities(join.on)?,
        },
        Node::Aggregation(aggregation) => Relation::Aggregate {
            input: Box::new(tree.child(aggregation.input)?),
            group: decode_columns(aggregation.group)?,
            aggregates: aggregation.aggregates.into_iter().map(decode_aggregate).collect::<Result<_, _>>()?,
        },
        Node::Distinct(distinct) => Relation::Distinct { input: Box::new(tree.child(distinct.input)?) },
        Node::Sort(sort) => Relation::Sort {
            input: Box::new(tree.child(sort.input)?),
            keys: sort.keys.into_iter().map(decode_sort_key).collect::<Result<_, _>>()?,
        },
        Node::Limit(limit) => {
            Relation::Limit { input: Box::new(tree.child(limit.input)?), offset: limit.offset, count: limit.count }
        }
        Node::Recurse(recurse) => Relation::Recurse {
            step: Box::new(tree.child(recurse.step)?),
            from: decode_columns(recurse.from)?,
            to: decode_columns(recurse.to)?,
            start: recurse.start.map(decode_keys).transpose()?,
        },
    })
}

fn encode_read(read: &Read, limits: &Limits) -> Result<v1::Read, ConvertError> {
    Ok(v1::Read {
        table: read.table.clone(),
        alias: read.alias.clone(),
        columns: read.columns.clone(),
        schema: read.schema.iter().map(encode_field).collect(),
        filter: read.filter.as_ref().map(|filter| encode_expression(filter, limits)).transpose()?,
        keys: read.keys.as_ref().map(|keys| encode_keys(keys, limits)).transpose()?,
        limit: read.limit,
    })
}

fn decode_read(wire: v1::Read, limits: &Limits) -> Result<Read, ConvertError> {
    Ok(Read {
        table: wire.table,
        alias: wire.alias,
        columns: wire.columns,
        schema: wire.schema.into_iter().map(decode_field).collect::<Result<_, _>>()?,
        filter: wire.filter.map(|filter| decode_expression(filter, limits)).transpose()?,
        keys: wire.keys.map(decode_keys).transpose()?,
        limit: wire.limit,
    })
}

fn encode_keys(block: &KeyBlock, limits: &Limits) -> Result<v1::KeyBlock, ConvertError> {
    let keys = encode_whole(&block.keys, limits.message_bytes)?;
    Ok(v1::KeyBlock { columns: block.columns.clone(), keys: Some(keys) })
}

fn decode_keys(wire: v1::KeyBlock) -> Result<KeyBlock, ConvertError> {
    let keys = decode_batch(wire.keys.ok_or(ConvertError::Missing("the keys of a key block"))?)?;
    Ok(KeyBlock { columns: wire.columns, keys })
}

fn encode_field(field: &Field) -> v1::Field {
    v1::Field {
        name: field.name.clone(),
        data_type: Some(encode_type(field.data_type)),
        nullable: field.nullable,
        native_type: field.native_type.clone(),
    }
}

fn decode_field(wire: v1::Field) -> Result<Field, ConvertError> {
    let data_type = decode_type(wire.data_type)?;
    Ok(Field { name: wire.name, data_type, nullable: wire.nullable, native_type: wire.native_type })
}

fn encode_project(columns: &[ProjectColumn]) -> Vec<v1::ProjectColumn> {
    let source = |c: &ProjectColumn| match c.part {
        None => Source::Column(encode_column_ref(&c.column)),
        Some(part) => Source::Part(v1::PartOfTime { column: Some(encode_column_ref(&c.column)), part: part.encode() }),
    };
    columns.iter().map(|c| v1::ProjectColumn { name: c.name.clone(), source: Some(source(c)) }).collect()
}

fn decode_project(wire: Vec<v1::ProjectColumn>) -> Result<Vec<ProjectColumn>, ConvertError> {
    wire.into_iter().map(decode_project_column).collect()
}

fn decode_project_column(wire: v1::ProjectColumn) -> Result<ProjectColumn, ConvertError> {
    let (column, part) = match wire.source.ok_or(ConvertError::Unknown("the source of a projected column"))? {
        Source::Column(column) => (decode_column_ref(Some(column))?, None),
        Source::Part(wire) => {
            let part = TimePart::decode(wire.part).ok_or(ConvertError::Unknown("a part of a date or time"))?;
            (decode_column_ref(wire.column)?, Some(part))
        }
    };
    Ok(ProjectColumn { name: wire.name, column, part })
}

fn encode_equalities(on: &[(ColumnRef, ColumnRef)]) -> Vec<v1::JoinEquality> {
    let encode = |(left, right): &(ColumnRef, ColumnRef)| v1::JoinEquality {
        left: Some(encode_column_ref(left)),
        right: Some(encode_column_ref(right)),
    };
    on.iter().map(encode).collect()
}

fn decode_equalities(wire: Vec<v1::JoinEquality>) -> Result<Vec<(ColumnRef, ColumnRef)>, ConvertError> {
    wire.into_iter().map(|on| Ok((decode_column_ref(on.left)?, decode_column_ref(on.right)?))).collect()
}

fn decode_columns(wire: Vec<v1::ColumnRef>) -> Result<Vec<ColumnRef>, ConvertError> {
    wire.into_iter().map(|column| decode_column_ref(Some(column))).collect()
}

fn encode_aggregate(aggregate: &Aggregate) -> v1::Aggregate {
    v1::Aggregate {
        name: aggregate.name.clone(),
        function: aggregate.function.encode(),
        argument: aggregate.argument.as_ref().map(encode_column_ref),
        distinct: aggregate.distinct,
    }
}

fn decode_aggregate(wire: v1::Aggregate) -> Result<Aggregate, ConvertError> {
    Ok(Aggregate {
        name: wire.name,
        function: AggregateFunction::decode(wire.function).ok_or(ConvertError::Unknown("an aggregate function"))?,
        argument: wire.argument.map(|argument| decode_column_ref(Some(argument))).transpose()?,
        distinct: wire.distinct,
    })
}

fn encode_sort_key(key: &SortKey) -> v1::SortKey {
    v1::SortKey {
        column: Some(encode_column_ref(&key.column)),
        descending: key.descending,
        nulls_first: key.nulls_first,
    }
}

fn decode_sort_key(wire: v1::SortKey) -> Result<SortKey, ConvertError> {
    Ok(SortKey { column: decode_column_ref(wire.column)?, descending: wire.descending, nulls_first: wire.nulls_first })
}
