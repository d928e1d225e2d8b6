//! Tables of terms, evaluated by this crate and by the reference.

use super::reference::{self, Row};
use crate::columns::{Layout, convert, rows};
use crate::expression::{ExpressionContext, filter, value};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion_common::ScalarValue;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Literal as LiteralExpr;
use oxrdf::{BlankNode, Dataset, GraphName, Literal, NamedNode, Quad, Term, Variable};
use spareval::{QueryEvaluator, QueryResults, QuerySolution};
use spargebra::algebra::{Expression, GraphPattern};
use spargebra::{Query, SparqlParser};
use std::sync::Arc;
use weft_model::term::{IriShape, KeyKind, LiteralType, TermType};

pub(crate) const UNARY: &[&str] = &[
    "STR",
    "LANG",
    "DATATYPE",
    "ABS",
    "CEIL",
    "FLOOR",
    "ROUND",
    "STRLEN",
    "UCASE",
    "LCASE",
    "ENCODE_FOR_URI",
    "YEAR",
    "MONTH",
    "DAY",
    "HOURS",
    "MINUTES",
    "SECONDS",
    "TIMEZONE",
    "TZ",
    "MD5",
    "SHA1",
    "SHA256",
    "SHA384",
    "SHA512",
    "isIRI",
    "isBLANK",
    "isLITERAL",
    "isNUMERIC",
    "IRI",
    "<http://www.w3.org/2001/XMLSchema#string>",
    "<http://www.w3.org/2001/XMLSchema#boolean>",
    "<http://www.w3.org/2001/XMLSchema#integer>",
    "<http://www.w3.org/2001/XMLSchema#decimal>",
    "<http://www.w3.org/2001/XMLSchema#double>",
    "<http://www.w3.org/2001/XMLSchema#float>",
    "<http://www.w3.org/2001/XMLSchema#date>",
    "<http://www.w3.org/2001/XMLSchema#time>",
    "<http://www.w3.org/2001/XMLSchema#dateTime>",
    "<http://www.w3.org/2001/XMLSchema#dayTimeDuration>",
];

pub(crate) const BINARY: &[&str] = &[
    "sameTerm",
    "LANGMATCHES",
    "CONTAINS",
    "STRSTARTS",
    "STRENDS",
    "STRBEFORE",
    "STRAFTER",
    "CONCAT",
    "STRDT",
    "STRLANG",
];

pub(crate) const CONSTANTS: &[&str] = &[
    "1",
    "01",
    "2.50",
    "1e0",
    "\"NaN\"^^<http://www.w3.org/2001/XMLSchema#double>",
    "\"abc\"",
    "\"abc\"@en",
    "\"abc\"@fr",
    "true",
    "<http://ex/part/A%2F1>",
    "<http://ex/lot/7>",
    "<http://elsewhere/>",
    "\"2020-02-29\"^^<http://www.w3.org/2001/XMLSchema#date>",
    "\"2020-02-29T12:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    "\"2020-02-29T14:00:00+02:00\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    "\"2020-02-29T12:00:00\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    "\"x\"^^<http://ex/datatype>",
    "\"five\"^^<http://www.w3.org/2001/XMLSchema#integer>",
    "\"300\"^^<http://www.w3.org/2001/XMLSchema#byte>",
    "\"007\"^^<http://www.w3.org/2001/XMLSchema#byte>",
    "\" 12 \"",
    "\"2020-02-29Z\"^^<http://www.w3.org/2001/XMLSchema#date>",
    "\"1.50\"^^<http://www.w3.org/2001/XMLSchema#float>",
    "false",
];

pub(crate) fn context() -> ExpressionContext {
    ExpressionContext::new("2024-05-06T07:08:09.5Z".parse().unwrap())
}

pub(crate) fn iri(text: &str) -> Term {
    NamedNode::new_unchecked(text).into()
}

pub(crate) fn typed(text: &str, datatype: &str) -> Term {
    let datatype = match datatype.split_once(':') {
        None => format!("http://www.w3.org/2001/XMLSchema#{datatype}"),
        Some(_) => datatype.to_owned(),
    };
    Literal::new_typed_literal(text, NamedNode::new_unchecked(datatype)).into()
}

pub(crate) fn string(text: &str) -> Term {
    Literal::from(text).into()
}

pub(crate) fn lang(text: &str, tag: &str) -> Term {
    Literal::new_language_tagged_literal_unchecked(text, tag).into()
}

pub(crate) fn parse(expression: &str) -> Expression {
    let query = format!("SELECT (({expression}) AS ?result) WHERE {{}}");
    let query = SparqlParser::new().parse_query(&query).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match query {
        Query::Select { pattern: GraphPattern::Project { inner, .. }, .. } => match *inner {
            GraphPattern::Extend { expression, .. } => expression,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The same rows as a batch and as terms.
pub(crate) struct Table {
    pub(crate) layout: Layout,
    pub(crate) batch: RecordBatch,
    /// A row a row, in the order of the layout's variables.
    pub(crate) terms: Vec<Vec<Option<Term>>>,
}

pub(crate) struct Expected {
    pub(crate) values: Vec<Option<Term>>,
    pub(crate) truths: Vec<Option<bool>>,
}

impl Table {
    /// One column of terms, all as long, a variable.
    pub(crate) fn new(columns: Vec<(&str, TermType, Vec<Option<Term>>)>) -> Self {
        let count = columns[0].2.len();
        let layout =
            Layout::new(columns.iter().map(|(name, t, _)| (Variable::new_unchecked(*name), t.clone())).collect());
        let mut arrays = Vec::new();
        for (_, term_type, terms) in &columns {
            assert_eq!(terms.len(), count);
            arrays.extend(term_columns(term_type, terms));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(layout.schema().clone(), arrays, &options).unwrap();
        let terms = (0..count).map(|row| columns.iter().map(|(_, _, terms)| terms[row].clone()).collect()).collect();
        Self { layout, batch, terms }
    }

    pub(crate) fn dataset(&self) -> Dataset {
        let mut dataset = Dataset::new();
        let mut insert = |row: usize, name: &str, term: Term| {
            let subject = NamedNode::new_unchecked(format!("urn:row:{row}"));
            let predicate = NamedNode::new_unchecked(format!("urn:variable:{name}"));
            dataset.insert(&Quad::new(subject, predicate, term, GraphName::DefaultGraph));
        };
        for (row, terms) in self.terms.iter().enumerate() {
            insert(row, "row", Literal::from(i64::try_from(row).unwrap()).into());
            for (variable, term) in self.layout.variables().iter().zip(terms) {
                if let Some(term) = term {
                    insert(row, variable.as_str(), term.clone());
                }
            }
        }
        dataset
    }

    /// A pattern that binds the variables as the rows do, and `?row__`.
    pub(crate) fn pattern(&self) -> String {
        let optional = |v: &Variable| format!("OPTIONAL {{ ?subject__ <urn:variable:{0}> ?{0} }}", v.as_str());
        let optionals: Vec<_> = self.layout.variables().iter().map(optional).collect();
        format!("?subject__ <urn:variable:row> ?row__ {}", optionals.join(" "))
    }

    /// What the reference makes of an expression.
    pub(crate) fn expected(&self, expression: &Expression) -> Expected {
        let rows: Vec<Row> = self.terms.iter().map(|terms| self.row(terms)).collect();
        Expected {
            values: rows.iter().map(|row| reference::evaluate(expression, row)).collect(),
            truths: rows.iter().map(|row| reference::expression_truth(expression, row)).collect(),
        }
    }

    fn row(&self, terms: &[Option<Term>]) -> Row {
        let cells = self.layout.variables().iter().cloned().zip(terms);
        cells.filter_map(|(variable, term)| Some((variable, term.clone()?))).collect()
    }
}

pub(crate) fn select(dataset: &Dataset, query: &str) -> Vec<QuerySolution> {
    let parsed = SparqlParser::new().parse_query(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    match QueryEvaluator::new().prepare(&parsed).execute(dataset).unwrap() {
        QueryResults::Solutions(solutions) => solutions.map(Result::unwrap).collect(),
        _ => panic!("{query} is not a SELECT"),
    }
}

fn term_columns(term_type: &TermType, terms: &[Option<Term>]) -> Vec<ArrayRef> {
    let types = term_type.columns();
    let mut cells: Vec<Vec<ScalarValue>> = vec![Vec::new(); types.len()];
    for term in terms {
        let scalars: Vec<ScalarValue> = match term {
            None => types.iter().map(|t| ScalarValue::try_from(t).unwrap()).collect(),
            Some(term) => {
                let constant = TermType::Constant(term.clone());
                let columns = convert(&constant, Vec::new(), term_type).unwrap();
                let scalar = |c: &Arc<dyn PhysicalExpr>| c.downcast_ref::<LiteralExpr>().unwrap().value().clone();
                columns.iter().map(scalar).collect()
            }
        };
        cells.iter_mut().zip(scalars).for_each(|(cells, scalar)| cells.push(scalar));
    }
    cells.into_iter().map(|cells| ScalarValue::iter_to_array(cells).unwrap()).collect()
}

pub(crate) fn evaluate(expression: &Expression, table: &Table) -> Vec<Option<Term>> {
    evaluate_in(expression, table, &context())
}

pub(crate) fn evaluate_in(expression: &Expression, table: &Table, context: &ExpressionContext) -> Vec<Option<Term>> {
    let (term_type, columns) = value(expression, &table.layout, context).unwrap();
    let layout = Layout::new(vec![(Variable::new_unchecked("result"), term_type)]);
    let count = table.batch.num_rows();
    let arrays = columns.iter().map(|c| c.evaluate(&table.batch).unwrap().into_array(count).unwrap()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let batch = RecordBatch::try_new_with_options(layout.schema().clone(), arrays, &options).unwrap();
    rows(&batch, &layout).unwrap().into_iter().map(|mut row| row.pop().unwrap()).collect()
}

pub(crate) fn evaluate_filter(expression: &Expression, table: &Table) -> Vec<Option<bool>> {
    let column = filter(expression, &table.layout, &context()).unwrap();
    let array = column.evaluate(&table.batch).unwrap().into_array(table.batch.num_rows()).unwrap();
    array.as_boolean().iter().collect()
}

pub(crate) fn part() -> TermType {
    TermType::Iri { shape: IriShape::parse("http://ex/part/{id}").unwrap().0, keys: vec![KeyKind::Text] }
}

pub(crate) fn lot(kind: KeyKind) -> TermType {
    TermType::Iri { shape: IriShape::parse("http://ex/lot/{n}").unwrap().0, keys: vec![kind] }
}

pub(crate) fn revision() -> TermType {
    let shape = IriShape::parse("http://ex/part/{id}/rev/{n}").unwrap().0;
    TermType::Iri { shape, keys: vec![KeyKind::Text, KeyKind::Int64] }
}

/// A column of each type, with edge cases; `g` and `h` hold terms of all kinds.
pub(crate) fn sample() -> Table {
    let pool = super::property::pool;
    let columns = super::property::types();
    let rows = 9;
    let columns = columns.into_iter().enumerate().map(|(n, (name, term_type))| {
        let pool = pool(&term_type);
        let is_constant = matches!(term_type, TermType::Constant(_));
        // Strides that differ make other pairs meet in the rows of two columns.
        let cell = |row: usize| {
            if row == n % rows && !is_constant {
                None
            } else {
                Some(pool[(row * (1 + n % 3) + n) % pool.len()].clone())
            }
        };
        (name, term_type, (0..rows).map(cell).collect())
    });
    Table::new(columns.collect())
}

pub(crate) fn blank(label: &str) -> Term {
    BlankNode::new_unchecked(label).into()
}

pub(crate) fn native(literal: LiteralType) -> TermType {
    TermType::Literal(literal)
}
