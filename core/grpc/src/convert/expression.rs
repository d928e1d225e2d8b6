//! Conditions.

use super::names::Name as _;
use super::tree::{Builder, Flat};
use super::value::{decode_column_ref, decode_value, decode_values, encode_column_ref, encode_value, encode_values};
use super::{ConvertError, Limits};
use weft_model::contract::{CompareOperator, Expression, TextOperator};
use weft_proto::v1;
use weft_proto::v1::expression_node::Node;

const WHAT: &str = "condition";

pub(super) fn encode_expression(expression: &Expression, limits: &Limits) -> Result<v1::Expression, ConvertError> {
    let mut flat = Flat::new(WHAT, limits);
    flatten(expression, 1, &mut flat)?;
    Ok(v1::Expression { nodes: flat.into_nodes() })
}

fn flatten(expression: &Expression, depth: usize, flat: &mut Flat<v1::ExpressionNode>) -> Result<u32, ConvertError> {
    flat.check_depth(depth)?;
    let node = match expression {
        Expression::Column(column) => Node::Column(encode_column_ref(column)),
        Expression::Literal(value) => Node::Literal(encode_value(value)),
        Expression::Compare { operator, left, right } => Node::Compare(v1::Compare {
            operator: operator.encode(),
            left: flatten(left, depth + 1, flat)?,
            right: flatten(right, depth + 1, flat)?,
        }),
        Expression::And(inputs) => Node::Conjunction(connective(inputs, depth, flat)?),
        Expression::Or(inputs) => Node::Disjunction(connective(inputs, depth, flat)?),
        Expression::Not(input) => Node::Negation(flatten(input, depth + 1, flat)?),
        Expression::IsNull(input) => Node::IsNull(flatten(input, depth + 1, flat)?),
        Expression::In { input, values } => {
            Node::In(v1::In { input: flatten(input, depth + 1, flat)?, values: encode_values(values) })
        }
        Expression::Text { operator, input, pattern } => Node::Text(v1::TextMatch {
            operator: operator.encode(),
            input: flatten(input, depth + 1, flat)?,
            pattern: pattern.clone(),
        }),
    };
    flat.push(v1::ExpressionNode { node: Some(node) })
}

fn connective(
    inputs: &[Expression],
    depth: usize,
    flat: &mut Flat<v1::ExpressionNode>,
) -> Result<v1::Connective, ConvertError> {
    let inputs = inputs.iter().map(|input| flatten(input, depth + 1, flat)).collect::<Result<_, _>>()?;
    Ok(v1::Connective { inputs })
}

pub(super) fn decode_expression(wire: v1::Expression, limits: &Limits) -> Result<Expression, ConvertError> {
    let mut tree = Builder::new(WHAT, wire.nodes.len(), limits)?;
    for node in wire.nodes {
        let node = node.node.ok_or(ConvertError::Unknown("a node of a condition"))?;
        let expression = decode_node(node, &mut tree)?;
        tree.push(expression)?;
    }
    tree.finish()
}

fn decode_node(node: Node, tree: &mut Builder<Expression>) -> Result<Expression, ConvertError> {
    Ok(match node {
        Node::Column(column) => Expression::Column(decode_column_ref(Some(column))?),
        Node::Literal(value) => Expression::Literal(decode_value(value)?),
        Node::Compare(compare) => Expression::Compare {
            operator: CompareOperator::decode(compare.operator)
                .ok_or(ConvertError::Unknown("the operator of a comparison"))?,
            left: Box::new(tree.child(compare.left)?),
            right: Box::new(tree.child(compare.right)?),
        },
        Node::Conjunction(connective) => Expression::And(children(connective, tree)?),
        Node::Disjunction(connective) => Expression::Or(children(connective, tree)?),
        Node::Negation(input) => Expression::Not(Box::new(tree.child(input)?)),
        Node::IsNull(input) => Expression::IsNull(Box::new(tree.child(input)?)),
        Node::In(list) => {
            Expression::In { input: Box::new(tree.child(list.input)?), values: decode_values(list.values)? }
        }
        Node::Text(text) => Expression::Text {
            operator: TextOperator::decode(text.operator)
                .ok_or(ConvertError::Unknown("the operator of a text condition"))?,
            input: Box::new(tree.child(text.input)?),
            pattern: text.pattern,
        },
    })
}

fn children(connective: v1::Connective, tree: &mut Builder<Expression>) -> Result<Vec<Expression>, ConvertError> {
    connective.inputs.into_iter().map(|input| tree.child(input)).collect()
}
