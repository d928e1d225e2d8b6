#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::expression::tests::fixture::{iri, lang, lot, native, part, revision, string, typed};
use crate::expression::tests::reference::canonical;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{
    ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use oxrdf::NamedNode;
use weft_mapping::{Build, InvalidValues, MappedTerm};
use weft_model::Code;
use weft_model::contract::ContractError;
use weft_model::term::{IriShape, KeyKind, LiteralType, encode};

const LEXICAL: &[(&str, &str)] = &[
    ("01", "integer"),
    ("+5", "integer"),
    ("-0", "integer"),
    ("five", "integer"),
    ("007", "byte"),
    ("1", "long"),
    ("1.50", "decimal"),
    ("-0.0", "decimal"),
    (".5", "decimal"),
    ("1.0E0", "double"),
    ("1e21", "double"),
    ("-0", "double"),
    ("NaN", "double"),
    ("INF", "double"),
    ("1.10", "float"),
    ("1", "boolean"),
    ("false", "boolean"),
    ("2020-02-29T12:00:00.500Z", "dateTime"),
    ("2020-02-29T12:00:00+00:00", "dateTime"),
    ("2020-02-29T24:00:00", "dateTime"),
    ("2020-02-29T12:00:00-05:00", "dateTimeStamp"),
    ("2020-02-29", "date"),
    ("2020-02-29+01:00", "date"),
    ("12:00:00.10", "time"),
    ("PT36H", "duration"),
    ("P14M", "yearMonthDuration"),
    ("PT36H", "dayTimeDuration"),
    ("2020", "gYear"),
    ("--02", "gMonth"),
    ("x y", "string"),
    ("x", "anyURI"),
];

fn layout() -> Layout {
    let variable = Variable::new_unchecked;
    Layout::new(vec![
        (variable("n"), native(LiteralType::Integer)),
        (variable("rev"), revision()),
        (variable("k"), TermType::Constant(typed("01", "integer"))),
        (variable("g"), TermType::General),
    ])
}

#[test]
fn columns_are_named_after_their_variables() {
    let layout = layout();
    let names: Vec<_> = layout.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["n", "rev.0", "rev.1", "g"]);
    assert!(layout.schema().fields().iter().all(|field| field.is_nullable()));
    assert_eq!(layout.get(&Variable::new_unchecked("g")), Some((3, &TermType::General)));
    assert_eq!(layout.get(&Variable::new_unchecked("k")), Some((3, &TermType::Constant(typed("01", "integer")))));
    assert_eq!(layout.get(&Variable::new_unchecked("x")), None);
}

fn batch() -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(7), None])),
        Arc::new(StringViewArray::from(vec![Some("A/1"), None])),
        Arc::new(Int64Array::from(vec![Some(2), None])),
        Arc::new(StringViewArray::from(vec![Some(encode(&lang("x", "en"))), None])),
    ];
    RecordBatch::try_new(layout().schema().clone(), columns).unwrap()
}

#[test]
fn rows_are_read_as_terms() {
    let k = Some(typed("01", "integer"));
    let first =
        vec![Some(typed("7", "integer")), Some(iri("http://ex/part/A%2F1/rev/2")), k.clone(), Some(lang("x", "en"))];
    assert_eq!(rows(&batch(), &layout()).unwrap(), [first, vec![None, None, k, None]]);
}

/// Reads a variable after it was widened.
fn widened(variable: &str, to: &TermType) -> Vec<Option<Term>> {
    let columns = widen(&layout(), &Variable::new_unchecked(variable), to).unwrap();
    let arrays: Vec<_> = columns.iter().map(|c| c.evaluate(&batch()).unwrap().into_array(2).unwrap()).collect();
    let reader = TermReader::new(to, &arrays).unwrap();
    (0..2).map(|row| reader.term(row).unwrap()).collect()
}

#[test]
fn widening_keeps_the_terms_and_the_nulls() {
    let seven = Some(typed("7", "integer"));
    assert_eq!(widened("n", &TermType::General), [seven.clone(), None]);
    let text = native(LiteralType::Other(NamedNode::new_unchecked("http://www.w3.org/2001/XMLSchema#integer")));
    assert_eq!(widened("n", &text), [seven, None]);
    let rev = Some(iri("http://ex/part/A%2F1/rev/2"));
    assert_eq!(widened("rev", &TermType::General), [rev.clone(), None]);
    let TermType::Iri { shape, .. } = revision() else { panic!() };
    assert_eq!(widened("rev", &TermType::Iri { shape, keys: vec![KeyKind::Text, KeyKind::Text] }), [rev, None]);
    let words = Some(typed("01", "integer"));
    assert_eq!(widened("k", &TermType::General), [words.clone(), words]);
    assert_eq!(widened("nowhere", &part()), [None, None]);
}

#[test]
fn what_cannot_be_widened_is_an_error() {
    let n = Variable::new_unchecked("n");
    for to in [part(), native(LiteralType::String), TermType::Constant(string("a"))] {
        assert_eq!(widen(&layout(), &n, &to).unwrap_err().code, Code::Internal, "{to}");
    }
    let k = Variable::new_unchecked("k");
    assert_eq!(widen(&layout(), &k, &native(LiteralType::Integer)).unwrap_err().code, Code::Internal);
    assert!(null_columns(&TermType::Constant(string("a"))).is_err());
}

fn mapped(term_type: TermType, build: Build, inputs: &[ArrayRef]) -> Result<Vec<Option<Term>>, ContractError> {
    let columns = (0..inputs.len()).map(|i| format!("c{i}")).collect();
    let term = MappedTerm { term_type, columns, build };
    let arrays = mapped_columns(&term, inputs, InvalidValues::Refuse, &mut LeftOut::default())?;
    let reader = TermReader::new(&term.term_type, &arrays).unwrap();
    Ok((0..inputs[0].len()).map(|row| reader.term(row).unwrap()).collect())
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringViewArray>())
}

fn shape(template: &str) -> IriShape {
    IriShape::parse(template).unwrap().0
}

/// One value of each contract type, with how it is written as text and as a native literal.
fn sources() -> Vec<(ArrayRef, &'static str, LiteralType, Term)> {
    let decimal = Decimal128Array::from(vec![1250]).with_precision_and_scale(9, 3).unwrap();
    let zoned = TimestampMicrosecondArray::from(vec![-1]).with_timezone("UTC");
    vec![
        (Arc::new(BooleanArray::from(vec![true])), "true", LiteralType::Boolean, typed("true", "boolean")),
        (Arc::new(Int64Array::from(vec![-7])), "-7", LiteralType::Integer, typed("-7", "integer")),
        (Arc::new(Int64Array::from(vec![-7])), "-7", LiteralType::Decimal, typed("-7", "decimal")),
        (Arc::new(decimal.clone()), "1.25", LiteralType::Decimal, typed("1.25", "decimal")),
        (Arc::new(decimal), "1.25", LiteralType::Double, typed("1.25", "double")),
        (Arc::new(Float64Array::from(vec![f64::INFINITY])), "INF", LiteralType::Double, typed("INF", "double")),
        (Arc::new(Float64Array::from(vec![-f64::NAN])), "NaN", LiteralType::Double, typed("NaN", "double")),
        (Arc::new(Float64Array::from(vec![1e21])), "1.0E21", LiteralType::Double, typed("1.0E21", "double")),
        (Arc::new(Date32Array::from(vec![-1])), "1969-12-31", LiteralType::Date, typed("1969-12-31", "date")),
        (
            Arc::new(zoned),
            "1969-12-31T23:59:59.999999Z",
            LiteralType::DateTime { zoned: true },
            typed("1969-12-31T23:59:59.999999Z", "dateTime"),
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_000])),
            "1970-01-02T00:00:00",
            LiteralType::DateTime { zoned: false },
            typed("1970-01-02T00:00:00", "dateTime"),
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_000])),
            "1970-01-02T00:00:00",
            LiteralType::Date,
            typed("1970-01-02", "date"),
        ),
        (Arc::new(BinaryViewArray::from(vec![&[0xab_u8, 0x01][..]])), "AB01", LiteralType::String, string("AB01")),
        (text(&[Some("007")]), "007", LiteralType::Integer, typed("7", "integer")),
        (text(&[Some("2.50")]), "2.50", LiteralType::Decimal, typed("2.5", "decimal")),
        (text(&[Some("1")]), "1", LiteralType::Boolean, typed("true", "boolean")),
    ]
}

#[test]
fn source_columns_become_literals_and_text() {
    for (column, lexical, literal, term) in sources() {
        let found = mapped(native(literal), Build::Columns, std::slice::from_ref(&column)).unwrap();
        assert_eq!(found, [Some(canonical(term.clone()))], "{term}");
        let found = mapped(native(LiteralType::String), Build::Columns, std::slice::from_ref(&column)).unwrap();
        assert_eq!(found, [Some(string(lexical))]);
        let found = mapped(TermType::General, Build::IriTemplate(shape("http://ex/a-{x}-")), &[column]).unwrap();
        assert_eq!(found, [Some(iri(&shape("http://ex/a-{x}-").build([lexical])))]);
    }
}

#[test]
fn text_of_other_datatypes_keeps_its_words() {
    for (lexical, datatype) in LEXICAL {
        let term = typed(lexical, datatype);
        let Term::Literal(literal) = &term else { panic!() };
        let other = native(LiteralType::Other(literal.datatype().into_owned()));
        let found = mapped(other, Build::Columns, &[text(&[Some(lexical)])]).unwrap();
        assert_eq!(found, [Some(term)]);
    }
}

#[test]
fn derived_integers_are_checked_against_their_range() {
    let byte = || native(LiteralType::DerivedInteger(oxrdf::vocab::xsd::BYTE.into_owned()));
    let numbers = |all: &[Option<i64>]| -> ArrayRef { Arc::new(all.iter().copied().collect::<Int64Array>()) };
    let found = mapped(byte(), Build::Columns, &[numbers(&[Some(-128), None, Some(7)])]).unwrap();
    assert_eq!(found, [Some(typed("-128", "byte")), None, Some(typed("7", "byte"))]);
    let error = mapped(byte(), Build::Columns, &[numbers(&[Some(1), Some(300)])]).unwrap_err();
    assert_eq!(error.code, Code::InvalidData);
    assert!(error.message.contains("c0") && error.message.contains("300") && error.message.contains("xsd:byte"));
}

#[test]
fn a_key_that_is_alone_is_the_source_column_itself() {
    let keys: [(KeyKind, ArrayRef); 2] = [
        (KeyKind::Int64, Arc::new(Int64Array::from(vec![Some(-7), None, Some(7)]))),
        (KeyKind::Text, text(&[Some("007"), None, Some("")])),
    ];
    for (kind, column) in keys {
        let term_type = TermType::Iri { shape: shape("http://ex/a/{x}"), keys: vec![kind] };
        let term = MappedTerm { columns: vec!["a".into()], term_type, build: Build::Columns };
        let inputs = std::slice::from_ref(&column);
        let found = mapped_columns(&term, inputs, InvalidValues::Refuse, &mut LeftOut::default()).unwrap();
        assert!(Arc::ptr_eq(&found[0], &column), "{kind:?} keys were copied");
    }
}

#[test]
fn a_row_with_a_null_is_null_in_all_columns() {
    let inputs =
        [text(&[Some("A"), None, Some("B")]), Arc::new(Int64Array::from(vec![Some(1), Some(2), None])) as ArrayRef];
    let term = MappedTerm { term_type: revision(), columns: vec!["a".into(), "b".into()], build: Build::Columns };
    let arrays = mapped_columns(&term, &inputs, InvalidValues::Refuse, &mut LeftOut::default()).unwrap();
    assert_eq!(arrays[0].as_string_view().iter().collect::<Vec<_>>(), [Some("A"), None, None]);
    assert_eq!(arrays[1].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), None, None]);
    let label = Build::BlankNode(shape("bsrc-{a}_2d_{b}"));
    assert_eq!(mapped(TermType::General, label, &inputs).unwrap()[1..], [None, None]);
}

#[test]
fn terms_are_built_as_the_mapping_says() {
    let names = [text(&[Some("Bob"), Some("http://ex/Alice"), None])];
    let build = Build::IriColumn { base: "http://base/".into() };
    let found = mapped(TermType::General, build, &names).unwrap();
    assert_eq!(found, [Some(iri("http://base/Bob")), Some(iri("http://ex/Alice")), None]);

    let parts = || vec!["<".to_owned(), ">".to_owned()];
    let template = |language: Option<&str>, datatype: Option<&str>| Build::LiteralTemplate {
        parts: parts(),
        datatype: datatype.map(|d| NamedNode::new_unchecked(d.to_owned())),
        language: language.map(str::to_owned),
    };
    let value = [text(&[Some("a b")])];
    assert_eq!(mapped(native(LiteralType::String), template(None, None), &value).unwrap(), [Some(string("<a b>"))]);
    let english = mapped(TermType::LangString("en".into()), template(Some("en"), None), &value).unwrap();
    assert_eq!(english, [Some(lang("<a b>", "en"))]);
    let general = mapped(TermType::General, template(None, Some("http://ex/d")), &value).unwrap();
    assert_eq!(general, [Some(typed("<a b>", "http://ex/d"))]);

    let encoded = [text(&[Some("Iurn:x"), None])];
    assert_eq!(mapped(TermType::General, Build::Encoded, &encoded).unwrap(), [Some(iri("urn:x")), None]);
}

#[test]
fn blank_node_labels_tell_values_apart_and_are_valid() {
    let values = [text(&[Some("a b"), Some("a_b"), Some("a-b"), Some("a/b"), Some("é"), Some("")])];
    let found = mapped(TermType::General, Build::BlankNode(shape("bsrc-{x}")), &values).unwrap();
    let labels: std::collections::HashSet<_> = found.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(labels.len(), 6, "{labels:?}");
    for label in labels {
        oxrdf::BlankNode::new(label.trim_start_matches("_:")).unwrap();
    }
}

#[test]
fn values_that_do_not_fit_are_invalid_data_with_their_column() {
    let big: ArrayRef = Arc::new(Decimal128Array::from(vec![10_i128.pow(37)]).with_precision_and_scale(38, 0).unwrap());
    let fine: ArrayRef = Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(38, 20).unwrap());
    let word = || text(&[Some("a word")]);
    for (term_type, build, input, value) in [
        (native(LiteralType::Decimal), Build::Columns, big, "10000000000000000000000000000000000000"),
        (native(LiteralType::Decimal), Build::Columns, fine, "0.00000000000000000001"),
        (native(LiteralType::Integer), Build::Columns, word(), "a word"),
        (native(LiteralType::Double), Build::Columns, word(), "a word"),
        (native(LiteralType::Date), Build::Columns, word(), "a word"),
        (native(LiteralType::DateTime { zoned: true }), Build::Columns, text(&[Some("2020-01-01T00:00:00")]), "2020"),
        (lot(KeyKind::Int64), Build::Columns, text(&[Some("007")]), "007"),
        (TermType::General, Build::IriColumn { base: "http://base/".into() }, word(), "a word"),
        (TermType::General, Build::Encoded, text(&[Some("Zzz")]), "Zzz"),
    ] {
        let error = mapped(term_type.clone(), build, &[input]).unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{term_type}");
        assert!(error.message.contains("column c0") && error.message.contains(value), "{error}");
    }
}

#[test]
fn empty_batches_have_the_right_columns() {
    let empty: ArrayRef = text(&[]);
    for literal in
        [LiteralType::Date, LiteralType::Boolean, LiteralType::Decimal, LiteralType::DateTime { zoned: true }]
    {
        let term = MappedTerm { term_type: native(literal), columns: vec!["a".into()], build: Build::Columns };
        let arrays =
            mapped_columns(&term, std::slice::from_ref(&empty), InvalidValues::Refuse, &mut LeftOut::default())
                .unwrap();
        assert_eq!(arrays[0].data_type(), &term.term_type.columns()[0]);
    }
}

#[test]
fn natives_are_exact_at_their_limits() {
    let decimals: ArrayRef =
        Arc::new(Decimal128Array::from(vec![10_i128.pow(38) - 1]).with_precision_and_scale(38, 18).unwrap());
    let term = MappedTerm { term_type: native(LiteralType::Decimal), columns: vec!["a".into()], build: Build::Columns };
    let arrays = mapped_columns(&term, &[decimals], InvalidValues::Refuse, &mut LeftOut::default()).unwrap();
    assert_eq!(arrays[0].as_primitive::<Decimal128Type>().value(0), 10_i128.pow(38) - 1);
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![-0.0]));
    let term = MappedTerm { term_type: native(LiteralType::Double), columns: vec!["a".into()], build: Build::Columns };
    let arrays = mapped_columns(&term, &[doubles], InvalidValues::Refuse, &mut LeftOut::default()).unwrap();
    assert!(arrays[0].as_primitive::<Float64Type>().value(0).is_sign_negative());
}
