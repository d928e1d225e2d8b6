//! Refuses what a description does not offer.

use super::condition::{Resolve, compare_operation, text_operation};
use super::invalid;
use super::scope::{Scope, scope_of, table_of};
use std::collections::HashSet;
use weft_model::contract::{
    Aggregate, Binding, Capability, Column, ColumnRef, CompareOperator, ContractError, DataType, Description,
    Expression, Field, FilterOperation, JoinSupport, KeyBlock, Read, Relation, Table, TypeKind, Value,
};
use weft_model::{Code, Fault};

type Admitted = Result<(), ContractError>;

/// Whether the source offers to evaluate this relation.
pub(super) fn admit(description: &Description, relation: &Relation) -> Admitted {
    relation.fields().map_err(|error| invalid(error.to_string()))?;
    let aliases: Vec<_> = relation.reads().iter().map(|read| read.alias.as_str()).collect();
    let distinct: HashSet<_> = aliases.iter().collect();
    if distinct.len() != aliases.len() {
        return Err(invalid("two reads have one alias"));
    }
    node(description, relation)
}

fn node(description: &Description, relation: &Relation) -> Admitted {
    let offers = &description.relational;
    match relation {
        Relation::Read(read) => admit_read(description, read),
        Relation::Filter { input, predicate } => {
            require(offers_trees(description), "a filter above a read")?;
            node(description, input)?;
            condition(predicate, &scope_of(description, input)?)
        }
        Relation::Project { input, columns } => {
            require(offers.project, "a projection")?;
            for part in columns.iter().filter_map(|column| column.part) {
                require(offers.time_parts.contains(&part), &format!("the {part} of a time"))?;
            }
            node(description, input)
        }
        Relation::Join { left, right, on, .. } => {
            node(description, left)?;
            node(description, right)?;
            join(description, left, right, on)
        }
        Relation::Aggregate { input, aggregates, .. } => {
            require(!offers.aggregates.is_empty(), "grouping")?;
            for aggregate in aggregates {
                admit_aggregate(description, aggregate)?;
            }
            node(description, input)
        }
        Relation::Distinct { input } => {
            require(offers.distinct, "removal of duplicates")?;
            node(description, input)
        }
        Relation::Sort { input, keys } => {
            require(offers.sort > Capability::None, "a sort")?;
            node(description, input)?;
            let scope = scope_of(description, input)?;
            for key in keys {
                let origin = scope.column(&key.column)?.origin;
                require(origin.is_none_or(|(_, column)| column.sortable), "a sort by this column")?;
            }
            Ok(())
        }
        Relation::Limit { input, .. } => {
            require(offers.limit > Capability::None, "a limit")?;
            node(description, input)
        }
        Relation::Recurse { step, from, start, .. } => {
            require(offers.recurse, "recursion")?;
            node(description, step)?;
            let scope = scope_of(description, step)?;
            start.as_ref().map_or(Ok(()), |block| start_block(description, step, &scope, from, block))
        }
    }
}

/// Whether the source understands anything beside lone reads.
fn offers_trees(description: &Description) -> bool {
    let offers = &description.relational;
    offers.join != JoinSupport::None || offers.project || offers.distinct || !offers.aggregates.is_empty()
}

fn require(offered: bool, what: &str) -> Admitted {
    if offered { Ok(()) } else { Err(invalid(format!("the source does not offer {what}"))) }
}

fn admit_aggregate(description: &Description, aggregate: &Aggregate) -> Admitted {
    require(description.relational.aggregates.contains(&aggregate.function), "this aggregate")?;
    require(!(aggregate.distinct && aggregate.argument.is_none()), "a distinct count of rows")
}

fn join(description: &Description, left: &Relation, right: &Relation, on: &[(ColumnRef, ColumnRef)]) -> Admitted {
    require(description.relational.join != JoinSupport::None, "a join")?;
    require(!on.is_empty(), "a join without equalities")?;
    let (left_scope, right_scope) = (scope_of(description, left)?, scope_of(description, right)?);
    for (l, r) in on {
        let (_, _, a) = left_scope.resolve(l)?;
        let (_, _, b) = right_scope.resolve(r)?;
        require(a.data_type.kind() == b.data_type.kind(), "a join of two types")?;
    }
    if description.relational.join == JoinSupport::Any {
        return Ok(());
    }
    let (Relation::Read(l), Relation::Read(r)) = (left, right) else {
        return Err(invalid("the source joins two tables only"));
    };
    let pairs: Vec<(&str, &str)> = on.iter().map(|(l, r)| (l.name.as_str(), r.name.as_str())).collect();
    let swapped: Vec<(&str, &str)> = pairs.iter().map(|(l, r)| (*r, *l)).collect();
    let along = is_foreign_key(table_of(description, l)?.1, &r.table, &pairs)
        || is_foreign_key(table_of(description, r)?.1, &l.table, &swapped);
    require(along, "a join beside its foreign keys")
}

fn is_foreign_key(child: &Table, parent: &str, on: &[(&str, &str)]) -> bool {
    child.foreign_keys.iter().any(|key| {
        let pairs: HashSet<(&str, &str)> =
            key.columns.iter().map(String::as_str).zip(key.referenced_columns.iter().map(String::as_str)).collect();
        key.referenced_table == parent && on.len() == pairs.len() && on.iter().all(|pair| pairs.contains(pair))
    })
}

fn admit_read(description: &Description, read: &Read) -> Admitted {
    let (_, table) = table_of(description, read)?;
    for field in &read.schema {
        unchanged(table, field)?;
    }
    let mut touched: Vec<&str> = read.columns.iter().map(String::as_str).collect();
    let scope = Scope::of_table(table);
    if let Some(filter) = &read.filter {
        condition(filter, &scope)?;
        filter_columns(filter, &mut touched);
    }
    if let Some(block) = &read.keys {
        key_block(table, block)?;
        touched.extend(block.columns.iter().map(String::as_str));
    }
    if let Some(name) = touched.iter().find(|name| read.field(name).is_none()) {
        return Err(invalid(format!("column {name:?} is read but not in the schema of the read")));
    }
    if read.limit.is_some() {
        require(description.relational.limit > Capability::None, "a limit")?;
    }
    bindings(table, read)
}

fn unchanged(table: &Table, field: &Field) -> Admitted {
    let same = table.column(&field.name).is_some_and(|column| {
        column.data_type == field.data_type
            && column.native_type == field.native_type
            && (field.nullable || !column.nullable)
    });
    if same {
        return Ok(());
    }
    let message = format!("column {:?} of table {:?} is not as the read describes it", field.name, table.name);
    Err(ContractError::new(Code::SchemaChanged, Fault::Source, message))
}

fn filter_columns<'e>(expression: &'e Expression, out: &mut Vec<&'e str>) {
    match expression {
        Expression::Column(column) => out.push(&column.name),
        Expression::Literal(_) => {}
        Expression::Compare { left, right, .. } => {
            filter_columns(left, out);
            filter_columns(right, out);
        }
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| filter_columns(part, out)),
        Expression::Not(part) | Expression::IsNull(part) => filter_columns(part, out),
        Expression::In { input, .. } | Expression::Text { input, .. } => filter_columns(input, out),
    }
}

fn key_block(table: &Table, block: &KeyBlock) -> Admitted {
    let count = block.keys.num_rows();
    if count > table.max_keys as usize {
        return Err(invalid(format!("{count} keys are more than the {} the table takes", table.max_keys)));
    }
    require(!block.columns.is_empty(), "a key block without columns")?;
    require(block.columns.len() == block.keys.num_columns(), "a key block of another width")?;
    for (name, keys) in block.columns.iter().zip(block.keys.columns()) {
        let column = table.column(name).ok_or_else(|| invalid(format!("no column {name:?} to bind")))?;
        require(column.binding != Binding::None, "this column in a key block")?;
        require(*keys.data_type() == column.data_type.to_arrow(), "keys of another type")?;
        require(keys.null_count() == 0, "nulls in a key block")?;
    }
    without_duplicates(block)
}

fn without_duplicates(block: &KeyBlock) -> Admitted {
    let rows = super::batches::rows_of(&block.keys)?;
    let distinct: HashSet<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    require(distinct.len() == rows.len(), "duplicates in a key block")
}

/// The keys a recursion starts at: no more than each table of its step takes.
fn start_block(
    description: &Description,
    step: &Relation,
    scope: &Scope<'_>,
    from: &[ColumnRef],
    block: &KeyBlock,
) -> Admitted {
    for read in step.reads() {
        let (_, table) = table_of(description, read)?;
        let count = block.keys.num_rows();
        require(count <= table.max_keys as usize, &format!("{count} keys for a step over table {:?}", table.name))?;
    }
    for (name, keys) in block.columns.iter().zip(block.keys.columns()) {
        let column = from.iter().find(|column| column.name == *name).map(|column| scope.column(column)).transpose()?;
        let column = column.ok_or_else(|| invalid(format!("no column {name:?} to start from")))?;
        if let Some((_, origin)) = column.origin {
            require(*keys.data_type() == origin.data_type.to_arrow(), "keys of another type")?;
        }
        require(keys.null_count() == 0, "nulls in a key block")?;
    }
    without_duplicates(block)
}

fn bindings(table: &Table, read: &Read) -> Admitted {
    let required = table.columns.iter().filter(|column| column.binding == Binding::Required);
    for column in required {
        let by_block = read.keys.as_ref().is_some_and(|block| block.columns.contains(&column.name));
        if !by_block && !read.filter.as_ref().is_some_and(|filter| binds(filter, &column.name)) {
            return Err(invalid(format!("column {:?} of table {:?} must be bound", column.name, table.name)));
        }
    }
    Ok(())
}

fn binds(filter: &Expression, name: &str) -> bool {
    let is_column = |e: &Expression| matches!(e, Expression::Column(column) if column.name == name);
    let is_literal = |e: &Expression| matches!(e, Expression::Literal(_));
    match filter {
        Expression::And(parts) => parts.iter().any(|part| binds(part, name)),
        Expression::Compare { operator: CompareOperator::Equal, left, right } => {
            (is_column(left) && is_literal(right)) || (is_literal(left) && is_column(right))
        }
        _ => false,
    }
}

/// Every operation of a condition must be offered for the type of its column.
fn condition(expression: &Expression, scope: &Scope<'_>) -> Admitted {
    match expression {
        Expression::And(parts) => parts.iter().try_for_each(|part| condition(part, scope)),
        Expression::Or(parts) => {
            require(scope.connective_level(FilterOperation::Or) > Capability::None, "OR")?;
            parts.iter().try_for_each(|part| condition(part, scope))
        }
        Expression::Not(part) => {
            require(scope.connective_level(FilterOperation::Not) > Capability::None, "NOT")?;
            condition(part, scope)
        }
        Expression::IsNull(input) => operation(FilterOperation::IsNull, input, scope).map(drop),
        Expression::In { input, values } => {
            let data_type = operation(FilterOperation::In, input, scope)?.data_type;
            values.iter().try_for_each(|value| fits(value, data_type))
        }
        Expression::Text { operator, input, .. } => {
            let column = operation(text_operation(*operator), input, scope)?;
            require(column.data_type == DataType::Text, "a text operation on another type")
        }
        Expression::Compare { operator, left, right } => compare(*operator, left, right, scope),
        Expression::Column(_) | Expression::Literal(_) => Err(invalid("a condition is expected, not a value")),
    }
}

fn compare(operator: CompareOperator, left: &Expression, right: &Expression, scope: &Scope<'_>) -> Admitted {
    match (left, right) {
        (Expression::Column(_), Expression::Column(_)) => {
            let a = operation(FilterOperation::CompareColumns, left, scope)?;
            let b = operation(FilterOperation::CompareColumns, right, scope)?;
            let same = match (a.data_type, b.data_type) {
                (DataType::Decimal { .. }, DataType::Decimal { .. }) => true,
                (a, b) => a == b,
            };
            require(same, "a comparison of two types")?;
            has_order(operator, a)
        }
        (column @ Expression::Column(_), Expression::Literal(value))
        | (Expression::Literal(value), column @ Expression::Column(_)) => {
            let column = operation(compare_operation(operator), column, scope)?;
            has_order(operator, column)?;
            fits(value, column.data_type)
        }
        _ => Err(invalid("a comparison is between a column and a column or literal")),
    }
}

fn has_order(operator: CompareOperator, column: &Column) -> Admitted {
    let ordered = column.data_type != DataType::Binary || compare_operation(operator) != FilterOperation::Range;
    require(ordered, "an order of binary values")
}

fn operation<'s>(
    operation: FilterOperation,
    input: &Expression,
    scope: &'s Scope<'_>,
) -> Result<&'s Column, ContractError> {
    let Expression::Column(name) = input else { return Err(invalid("a column is expected")) };
    let (_, table, column) = scope.resolve(name)?;
    if table.filter_capability(operation, column) == Capability::None {
        let message = format!("{operation:?} on column {:?} of table {:?} is not offered", column.name, table.name);
        return Err(invalid(message));
    }
    Ok(column)
}

fn fits(value: &Value, data_type: DataType) -> Admitted {
    let nan = matches!(value, Value::Float64(x) if x.is_nan());
    if value.kind() == data_type.kind() && !nan {
        return Ok(());
    }
    let kind: TypeKind = data_type.kind();
    Err(invalid(format!("{value:?} is compared with a column of type {kind:?}")))
}
