//! Relations as lists of nodes.

use super::batch::{batch_from_wit, batch_to_wit};
use super::expression::{
    Forest, column_ref_from_wit, column_ref_to_wit, expression_from_wit, expression_to_wit, push_node,
};
use super::value::{data_type_from_wit, data_type_of_arrow, data_type_to_wit};
use super::{ConvertError, MAX_DEPTH};
use crate::wit::weft::connector::types as w;
use weft_model::contract as m;

pub fn relation_from_wit(nodes: Vec<w::RelationNode>) -> Result<m::Relation, ConvertError> {
    let mut forest = Forest::new("relation", nodes.len())?;
    for node in nodes {
        let mut depth = 0;
        let tree = relation_node(node, &mut forest, &mut depth)?;
        forest.push(tree, depth)?;
    }
    forest.finish()
}

fn relation_node(
    node: w::RelationNode,
    forest: &mut Forest<m::Relation>,
    depth: &mut u32,
) -> Result<m::Relation, ConvertError> {
    use m::Relation as R;
    use w::RelationNode as N;
    Ok(match node {
        N::Read(read) => R::Read(read_from_wit(read)?),
        N::Filter(n) => R::Filter { input: forest.take(n.input, depth)?, predicate: expression_from_wit(n.predicate)? },
        N::Project(n) => {
            let column = |c: w::ProjectColumn| m::ProjectColumn {
                name: c.name,
                column: column_ref_from_wit(c.column),
                part: c.part.map(Into::into),
            };
            R::Project { input: forest.take(n.input, depth)?, columns: n.columns.into_iter().map(column).collect() }
        }
        N::Join(n) => R::Join {
            left: forest.take(n.left, depth)?,
            right: forest.take(n.right, depth)?,
            kind: n.kind.into(),
            on: n.on.into_iter().map(|p| (column_ref_from_wit(p.left), column_ref_from_wit(p.right))).collect(),
        },
        N::Aggregate(n) => R::Aggregate {
            input: forest.take(n.input, depth)?,
            group: n.group.into_iter().map(column_ref_from_wit).collect(),
            aggregates: n.aggregates.into_iter().map(aggregate_from_wit).collect(),
        },
        N::Distinct(input) => R::Distinct { input: forest.take(input, depth)? },
        N::Sort(n) => {
            let key = |k: w::SortKey| m::SortKey {
                column: column_ref_from_wit(k.column),
                descending: k.descending,
                nulls_first: k.nulls_first,
            };
            R::Sort { input: forest.take(n.input, depth)?, keys: n.keys.into_iter().map(key).collect() }
        }
        N::Limit(n) => R::Limit { input: forest.take(n.input, depth)?, offset: n.offset, count: n.count },
        N::Recurse(n) => R::Recurse {
            step: forest.take(n.step, depth)?,
            from: n.from.into_iter().map(column_ref_from_wit).collect(),
            to: n.to.into_iter().map(column_ref_from_wit).collect(),
            start: n.start.map(key_block_from_wit).transpose()?,
        },
    })
}

fn aggregate_from_wit(aggregate: w::Aggregate) -> m::Aggregate {
    m::Aggregate {
        name: aggregate.name,
        function: aggregate.function.into(),
        argument: aggregate.argument.map(column_ref_from_wit),
        distinct: aggregate.distinct,
    }
}

fn read_from_wit(read: w::Read) -> Result<m::Read, ConvertError> {
    let schema = read.schema.into_iter().map(field_from_wit).collect::<Result<Vec<_>, _>>()?;
    let keys = read.keys.map(key_block_from_wit).transpose()?;
    Ok(m::Read {
        table: read.table,
        alias: read.alias,
        columns: read.columns,
        filter: read.filter.map(expression_from_wit).transpose()?,
        keys,
        limit: read.limit,
        schema,
    })
}

fn field_from_wit(field: w::Field) -> Result<m::Field, ConvertError> {
    Ok(m::Field {
        name: field.name,
        data_type: data_type_from_wit(field.data_type)?,
        nullable: field.nullable,
        native_type: field.native_type,
    })
}

fn key_block_from_wit(block: w::KeyBlock) -> Result<m::KeyBlock, ConvertError> {
    let fields =
        block.columns.into_iter().map(|column| Ok(key_field(column.name, data_type_from_wit(column.data_type)?)));
    let fields = fields.collect::<Result<Vec<_>, ConvertError>>()?;
    let keys = batch_from_wit(block.keys, &fields)?;
    Ok(m::KeyBlock { columns: fields.into_iter().map(|field| field.name).collect(), keys })
}

/// A key is never null, whatever the table's column is.
fn key_field(name: String, data_type: m::DataType) -> m::Field {
    m::Field { name, data_type, nullable: false, native_type: String::new() }
}

pub fn relation_to_wit(relation: m::Relation) -> Result<Vec<w::RelationNode>, ConvertError> {
    let mut nodes = Vec::new();
    push_relation(relation, &mut nodes, 0)?;
    Ok(nodes)
}

fn push_relation(relation: m::Relation, out: &mut Vec<w::RelationNode>, depth: u32) -> Result<u32, ConvertError> {
    use m::Relation as R;
    use w::RelationNode as N;
    if depth >= MAX_DEPTH {
        return Err(ConvertError::TooDeep { what: "relation" });
    }
    let depth = depth + 1;
    let node = match relation {
        R::Read(read) => N::Read(read_to_wit(read)?),
        R::Filter { input, predicate } => N::Filter(w::FilterNode {
            input: push_relation(*input, out, depth)?,
            predicate: expression_to_wit(predicate)?,
        }),
        R::Project { input, columns } => {
            let column = |c: m::ProjectColumn| w::ProjectColumn {
                name: c.name,
                column: column_ref_to_wit(c.column),
                part: c.part.map(Into::into),
            };
            N::Project(w::ProjectNode {
                input: push_relation(*input, out, depth)?,
                columns: columns.into_iter().map(column).collect(),
            })
        }
        R::Join { left, right, kind, on } => {
            let pair = |(l, r)| w::ColumnPair { left: column_ref_to_wit(l), right: column_ref_to_wit(r) };
            N::Join(w::JoinNode {
                left: push_relation(*left, out, depth)?,
                right: push_relation(*right, out, depth)?,
                kind: kind.into(),
                on: on.into_iter().map(pair).collect(),
            })
        }
        R::Aggregate { input, group, aggregates } => N::Aggregate(w::AggregateNode {
            input: push_relation(*input, out, depth)?,
            group: group.into_iter().map(column_ref_to_wit).collect(),
            aggregates: aggregates.into_iter().map(aggregate_to_wit).collect(),
        }),
        R::Distinct { input } => N::Distinct(push_relation(*input, out, depth)?),
        R::Sort { input, keys } => {
            let key = |k: m::SortKey| w::SortKey {
                column: column_ref_to_wit(k.column),
                descending: k.descending,
                nulls_first: k.nulls_first,
            };
            N::Sort(w::SortNode {
                input: push_relation(*input, out, depth)?,
                keys: keys.into_iter().map(key).collect(),
            })
        }
        R::Limit { input, offset, count } => {
            N::Limit(w::LimitNode { input: push_relation(*input, out, depth)?, offset, count })
        }
        R::Recurse { step, from, to, start } => N::Recurse(w::RecurseNode {
            step: push_relation(*step, out, depth)?,
            from: from.into_iter().map(column_ref_to_wit).collect(),
            to: to.into_iter().map(column_ref_to_wit).collect(),
            start: start.map(key_block_to_wit).transpose()?,
        }),
    };
    push_node(node, out, "relation")
}

fn aggregate_to_wit(aggregate: m::Aggregate) -> w::Aggregate {
    w::Aggregate {
        name: aggregate.name,
        function: aggregate.function.into(),
        argument: aggregate.argument.map(column_ref_to_wit),
        distinct: aggregate.distinct,
    }
}

fn read_to_wit(read: m::Read) -> Result<w::Read, ConvertError> {
    let keys = read.keys.map(key_block_to_wit).transpose()?;
    let field = |f: m::Field| w::Field {
        name: f.name,
        data_type: data_type_to_wit(f.data_type),
        nullable: f.nullable,
        native_type: f.native_type,
    };
    Ok(w::Read {
        table: read.table,
        alias: read.alias,
        columns: read.columns,
        schema: read.schema.into_iter().map(field).collect(),
        filter: read.filter.map(expression_to_wit).transpose()?,
        keys,
        limit: read.limit,
    })
}

fn key_block_to_wit(block: m::KeyBlock) -> Result<w::KeyBlock, ConvertError> {
    if block.columns.len() != block.keys.num_columns() {
        return Err(ConvertError::ColumnCount { expected: block.columns.len(), found: block.keys.num_columns() });
    }
    let fields = block.columns.into_iter().zip(block.keys.columns()).map(|(name, array)| {
        match data_type_of_arrow(array.data_type()) {
            Some(data_type) => Ok(key_field(name, data_type)),
            None => Err(ConvertError::KeyType { column: name, found: array.data_type().to_string() }),
        }
    });
    let fields = fields.collect::<Result<Vec<_>, ConvertError>>()?;
    let keys = batch_to_wit(&block.keys, &fields)?;
    let column = |field: m::Field| w::KeyColumn { name: field.name, data_type: data_type_to_wit(field.data_type) };
    Ok(w::KeyBlock { keys, columns: fields.into_iter().map(column).collect() })
}
