//! Nothing a short query asks for grows without bounds.

use super::fixture::*;
use crate::expression::{ExpressionContext, filter, value};
use datafusion_common::DataFusionError;
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
        let replaced = nested(variable, |e| format!("REPLACE({e}, \".\", \"$0$0$0$0\")"), 40);
        assert_eq!(run(&replaced, &context), Err(Code::LimitExceeded), "REPLACE of {variable}");
        let dynamic = nested(variable, |e| format!("REPLACE({e}, LCASE(\".\"), \"$0$0$0$0\")"), 40);
        assert_eq!(run(&dynamic, &context), Err(Code::LimitExceeded), "computed REPLACE of {variable}");
        let encoded = nested(&format!("CONCAT({variable}, \"%\")"), |e| format!("ENCODE_FOR_URI(CONCAT({e}, {e}))"), 9);
        assert_eq!(run(&encoded, &ExpressionContext { max_value_bytes: 100_000, ..context.clone() }), Err(Code::LimitExceeded));
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
    for (start, wrap) in [
        ("?g", (|e: &str| format!("STR({e})")) as fn(&str) -> String),
        ("?g", |e| format!("({e} = 1)")),
        ("?g", |e| format!("IF({e}, 1, 2)")),
        ("?g", |e| format!("COALESCE({e}, {e2})", e2 = 1)),
        ("?g", |e| format!("(!{e})")),
        ("?g", |e| format!("({e} + 1)")),
        ("?g", |e| format!("MD5({e})")),
    ] {
        let fits = built(start, wrap, depth - 1);
        let column = filter(&fits, &table.layout, &context()).unwrap();
        column.evaluate(&table.batch).unwrap();
        let error = filter(&built(start, wrap, depth), &table.layout, &context()).unwrap_err();
        assert_eq!(error.code, Code::QueryTooLarge);
    }
}

/// The parser itself recurses deeper than the expression is, so it has a stack of its own.
fn built(start: &str, wrap: fn(&str) -> String, times: usize) -> spargebra::algebra::Expression {
    let text = nested(start, wrap, times);
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(move || parse(&text)).unwrap().join().unwrap()
}

#[test]
fn long_chains_are_not_deep() {
    let table = table();
    let chain = |e: &str| (0..2000).map(|i| format!("?s = \"{i}\"")).collect::<Vec<_>>().join(e);
    for text in [chain(" || "), format!("STR({}) = \"true\"", chain(" && "))] {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let layout = table.layout.clone();
        let batch = table.batch.clone();
        let outcome = thread.spawn(move || {
            let expression = parse(&text);
            // On a stack of the usual size.
            let run = move || {
                let column = filter(&expression, &layout, &context()).unwrap();
                column.evaluate(&batch).unwrap();
                expression
            };
            // Dropping a long chain recurses too; the parser's stack is the one for that.
            drop(std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap());
        });
        outcome.unwrap().join().unwrap();
    }
}
