//! Nothing a short query asks for grows without bounds.

use super::fixture::*;
use crate::expression::{ExpressionContext, filter, value};
use datafusion_common::DataFusionError;
use oxrdf::Literal;
use spargebra::algebra::{Expression, Function};
use weft_model::Code;
use weft_model::contract::ContractError;
use weft_model::term::{LiteralType, TermType};

fn table() -> Table {
    let text = string(&"a".repeat(1000));
    Table::new(vec![
        ("s", native(LiteralType::String), vec![Some(text.clone())]),
        ("g", TermType::General, vec![Some(text)]),
    ])
}

fn run(expression: &str, context: &ExpressionContext) -> Result<(), Code> {
    let table = table();
    let (_, columns) = value(&parse(expression), &table.layout, context).unwrap();
    match columns[0].evaluate(&table.batch) {
        Ok(_) => Ok(()),
        Err(DataFusionError::External(error)) => Err(error.downcast_ref::<ContractError>().unwrap().code),
        Err(other) => panic!("{other}"),
    }
}

fn nested(start: &str, wrap: impl Fn(&str) -> String, times: usize) -> String {
    (0..times).fold(start.to_owned(), |inner, _| wrap(&inner))
}

#[test]
fn growing_strings_are_stopped_in_both_tiers() {
    let context = context();
    for variable in ["?s", "?g"] {
        let replaced = nested(variable, |e| format!("REPLACE({e}, \".\", \"$0$0$0$0\")"), 6);
        assert_eq!(run(&replaced, &context), Err(Code::LimitExceeded), "REPLACE of {variable}");
        let dynamic = nested(variable, |e| format!("REPLACE({e}, LCASE(\".\"), \"$0$0$0$0\")"), 6);
        assert_eq!(run(&dynamic, &context), Err(Code::LimitExceeded), "computed REPLACE of {variable}");
        let encoded = nested(&format!("CONCAT({variable}, \"%\")"), |e| format!("ENCODE_FOR_URI(CONCAT({e}, {e}))"), 6);
        assert_eq!(
            run(&encoded, &ExpressionContext { max_value_bytes: 20_000, ..context.clone() }),
            Err(Code::LimitExceeded)
        );
        let wide = format!("CONCAT({})", vec![variable; 2000].join(", "));
        assert_eq!(run(&wide, &context), Err(Code::LimitExceeded), "CONCAT of {variable}");
        let huge = format!("REPLACE({variable}, \"a*\", \"{}\")", "$0".repeat(60_000));
        assert_eq!(run(&huge, &context), Err(Code::LimitExceeded), "one REPLACE of {variable}");
        assert_eq!(run(&format!("CONCAT({variable}, {variable})"), &context), Ok(()));
    }
}

#[test]
fn a_column_has_a_limit_of_its_own() {
    let context = ExpressionContext { max_column_bytes: 500, ..context() };
    assert_eq!(run("UCASE(?s)", &context), Err(Code::LimitExceeded));
    assert_eq!(run("UCASE(SUBSTR(?s, 1, 10))", &context), Ok(()));
}

#[test]
fn depth_is_limited_and_the_limit_does_not_overflow() {
    let table = table();
    let depth = context().max_depth;
    let one = || Expression::Literal(Literal::from(1));
    let call = |function: Function, e| Expression::FunctionCall(function, vec![e]);
    let wraps: [&dyn Fn(Expression) -> Expression; 7] = [
        &|e| call(Function::Str, e),
        &|e| call(Function::Md5, e),
        &|e| Expression::Equal(Box::new(e), Box::new(one())),
        &|e| Expression::If(Box::new(e), Box::new(one()), Box::new(one())),
        &|e| Expression::Coalesce(vec![e, one()]),
        &|e| Expression::Not(Box::new(e)),
        &|e| Expression::Add(Box::new(e), Box::new(one())),
    ];
    for wrap in wraps {
        let built = |times| (0..times).fold(parse("?g"), |inner, _| wrap(inner));
        let column = filter(&built(depth - 1), &table.layout, &context()).unwrap();
        column.evaluate(&table.batch).unwrap();
        let error = filter(&built(depth), &table.layout, &context()).unwrap_err();
        assert_eq!(error.code, Code::QueryTooLarge);
    }
}

#[test]
fn long_chains_are_not_deep() {
    let table = table();
    let equal = |i: usize| {
        let number = Expression::Literal(Literal::from(i.to_string()));
        Expression::Equal(Box::new(parse("?s")), Box::new(number))
    };
    type Join = fn(Box<Expression>, Box<Expression>) -> Expression;
    let chain = |join: Join| (1..500).fold(equal(0), |chain, i| join(Box::new(chain), Box::new(equal(i))));
    let interpreted = Expression::FunctionCall(Function::Md5, vec![chain(Expression::And)]);
    for expression in [chain(Expression::Or), interpreted] {
        let column = filter(&expression, &table.layout, &context()).unwrap();
        column.evaluate(&table.batch).unwrap();
    }
}
