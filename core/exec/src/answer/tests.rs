#![allow(clippy::unwrap_used)]
use super::*;
use crate::columns::{encoded_terms, rows};
use crate::construct::text_bytes;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, PrimitiveArray, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use oxrdf::vocab::xsd;
use oxrdf::{BlankNode, Literal, NamedNode};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use weft_model::term::{IriShape, KeyKind, LiteralType, TermType, encode};

fn variable(i: usize) -> Variable {
    Variable::new_unchecked(format!("v{i}"))
}

fn named(iri: &str) -> NamedNode {
    NamedNode::new_unchecked(iri)
}

/// Every type a variable can have, with a constant between those that have columns.
fn types() -> Vec<TermType> {
    let literal = |literal| TermType::Literal(literal);
    let shape = |template: &str| IriShape::parse(template).unwrap().0;
    vec![
        TermType::Iri { shape: shape("http://ex/a/{x}"), keys: vec![KeyKind::Int64] },
        TermType::Iri { shape: shape("http://ex/{x}/r&d,\"/{y}#z"), keys: vec![KeyKind::Text, KeyKind::Int64] },
        literal(LiteralType::Boolean),
        literal(LiteralType::Integer),
        TermType::Constant(Literal::new_language_tagged_literal_unchecked("c", "de").into()),
        literal(LiteralType::DerivedInteger(xsd::LONG.into_owned())),
        literal(LiteralType::Decimal),
        literal(LiteralType::Double),
        literal(LiteralType::String),
        literal(LiteralType::Date),
        literal(LiteralType::DateTime { zoned: true }),
        literal(LiteralType::DateTime { zoned: false }),
        literal(LiteralType::Other(named("http://ex/t"))),
        TermType::LangString("en-gb".into()),
        TermType::General,
    ]
}

fn term() -> impl Strategy<Value = Term> {
    prop_oneof![
        "[a-z%]{0,9}".prop_map(|rest| named(&format!("http://ex/{rest}")).into()),
        "[a-z][a-z0-9]{0,9}".prop_map(|label| BlankNode::new_unchecked(label).into()),
        any::<String>().prop_map(|text| Literal::from(text).into()),
        any::<String>().prop_map(|text| Literal::new_typed_literal(text, named("http://ex/t")).into()),
        any::<String>().prop_map(|text| Literal::new_language_tagged_literal_unchecked(text, "fr").into()),
    ]
}

#[derive(Clone, Debug)]
struct Drawn {
    numbers: [Option<i64>; 4],
    text: [Option<String>; 4],
    boolean: Option<bool>,
    decimal: Option<i128>,
    double: Option<f64>,
    date: Option<i32>,
    times: [Option<i64>; 2],
    term: Option<Term>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    /// The largest unscaled value of a decimal column.
    const MOST: i128 = 10_i128.pow(38) - 1;
    let number = || weighted(0.9, prop_oneof![any::<i64>(), -9_i64..99]);
    let text = || weighted(0.9, prop_oneof![any::<String>(), "[a-z.~_ /%-]{0,12}"]);
    let decimal = prop_oneof![-MOST..=MOST, (-99_i128..99).prop_map(|n| n * 10_i128.pow(17))];
    let time = || {
        let near = -62_135_596_800_000_001_i64..253_402_300_800_000_001;
        weighted(0.9, prop_oneof![any::<i64>(), near.clone(), near.prop_map(|micros| micros / 100_000 * 100_000)])
    };
    let double = prop_oneof![any::<f64>(), Just(-0.0), Just(f64::NAN), (-99_i32..99).prop_map(f64::from)];
    (
        prop::array::uniform4(number()),
        prop::array::uniform4(text()),
        any::<Option<bool>>(),
        weighted(0.9, decimal),
        weighted(0.9, double),
        weighted(0.9, prop_oneof![any::<i32>(), -719_165_i32..2_932_900]),
        prop::array::uniform2(time()),
        weighted(0.9, term()),
    )
        .prop_map(|(numbers, text, boolean, decimal, double, date, times, term)| Drawn {
            numbers,
            text,
            boolean,
            decimal,
            double,
            date,
            times,
            term,
        })
}

fn batch(layout: &Layout, drawn: &[Drawn]) -> RecordBatch {
    let numbers =
        |i: usize| Arc::new(drawn.iter().map(|row| row.numbers[i]).collect::<PrimitiveArray<Int64Type>>()) as ArrayRef;
    let texts =
        |i: usize| Arc::new(drawn.iter().map(|row| row.text[i].clone()).collect::<StringViewArray>()) as ArrayRef;
    let times = |i: usize| drawn.iter().map(|row| row.times[i]).collect::<TimestampMicrosecondArray>();
    let decimals = drawn.iter().map(|row| row.decimal).collect::<Decimal128Array>();
    let columns: Vec<ArrayRef> = vec![
        numbers(0),
        texts(0),
        numbers(1),
        Arc::new(drawn.iter().map(|row| row.boolean).collect::<BooleanArray>()),
        numbers(2),
        numbers(3),
        Arc::new(decimals.with_precision_and_scale(38, 18).unwrap()),
        Arc::new(drawn.iter().map(|row| row.double).collect::<PrimitiveArray<Float64Type>>()),
        texts(1),
        Arc::new(drawn.iter().map(|row| row.date).collect::<PrimitiveArray<Date32Type>>()),
        Arc::new(times(0).with_timezone("UTC")),
        Arc::new(drawn.iter().map(|row| row.times[1]).collect::<PrimitiveArray<TimestampMicrosecondType>>()),
        texts(2),
        texts(3),
        Arc::new(drawn.iter().map(|row| row.term.as_ref().map(encode)).collect::<StringViewArray>()),
    ];
    RecordBatch::try_new(layout.schema().clone(), columns).unwrap()
}

fn layout() -> Layout {
    Layout::new(types().into_iter().enumerate().map(|(i, term_type)| (variable(i), term_type)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// The text of a cell is that of its term, whichever way its column is laid out, and is counted as such.
    #[test]
    fn cells_are_the_terms_of_their_columns(drawn in vec(drawn(), 0..9)) {
        let layout = layout();
        let batch = batch(&layout, &drawn);
        let read = AnswerBatch::read(&Arc::new(Shown::new(&layout, layout.variables())), &batch).unwrap();
        let terms = rows(&batch, &layout).unwrap();
        prop_assert_eq!(read.len(), drawn.len());
        prop_assert_eq!(read.bytes().unwrap(), terms.iter().flatten().flatten().map(text_bytes).sum::<u64>());
        prop_assert_eq!(&read.rows(), &terms);
        let again = AnswerBatch::from_terms(layout.variables().len(), &terms);
        prop_assert_eq!(again.bytes().unwrap(), read.bytes().unwrap());
        prop_assert_eq!(again.rows(), terms.clone());
        for (i, term_type) in layout.types().iter().enumerate() {
            let columns: Vec<_> = layout.columns(&variable(i)).iter().map(|c| c.evaluate(&batch).unwrap()).collect();
            let arrays: Vec<_> = columns.into_iter().map(|c| c.into_array(drawn.len()).unwrap()).collect();
            let found = encoded_terms(term_type, &arrays, drawn.len()).unwrap();
            let wanted: StringViewArray = terms.iter().map(|row| row[i].as_ref().map(encode)).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}

#[test]
fn an_answer_has_the_variables_that_are_asked_for() {
    let layout = Layout::new(vec![
        (variable(0), TermType::General),
        (variable(1), TermType::Literal(LiteralType::Integer)),
        (variable(2), TermType::Constant(named("urn:c").into())),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from(vec![Some("Sx"), None])),
        Arc::new(PrimitiveArray::<Int64Type>::from(vec![None, Some(7)])),
    ];
    let batch = RecordBatch::try_new(layout.schema().clone(), columns).unwrap();
    let asked = [variable(1), variable(9), variable(2), variable(1)];
    let read = AnswerBatch::read(&Arc::new(Shown::new(&layout, &asked)), &batch).unwrap();
    let constant = || Some(Term::from(named("urn:c")));
    let seven = Some(Literal::from(7).into());
    assert_eq!(read.rows(), [vec![None, None, constant(), None], vec![seven, None, constant(), None]]);
    // What is not asked for is not part of the answer.
    assert_eq!(read.bytes().unwrap(), (1 + xsd::INTEGER.as_str().len() + 2 * "urn:c".len()) as u64);
    let nothing = AnswerBatch::read(&Arc::new(Shown::new(&layout, &[])), &batch).unwrap();
    assert_eq!(nothing.rows(), [vec![], vec![]]);
}

#[test]
fn what_encodes_no_term_is_an_error_and_no_unbound_cell() {
    let layout = Layout::new(vec![(variable(0), TermType::General)]);
    for text in ["", "Zx", "Lx", "B x"] {
        let column: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
        let batch = RecordBatch::try_new(layout.schema().clone(), vec![column]).unwrap();
        let read = AnswerBatch::read(&Arc::new(Shown::new(&layout, layout.variables())), &batch).unwrap();
        assert_eq!(read.bytes().unwrap_err().code, weft_model::Code::Internal, "{text:?}");
    }
}
