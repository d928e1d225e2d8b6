//! A batch of an answer, read cell by cell as text.

use crate::columns::{Layout, TextColumn, internal};
use crate::error::QueryError;
use arrow_array::{RecordBatch, StringViewArray};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{BlankNode, Literal, NamedNode, Term, Variable};
use std::ops::Range;
use std::sync::Arc;
use weft_model::term::{EncodedTerm, TermType, encode};

/// Rows of an answer, with a column for each variable that is asked for. The terms in it are text in few pieces, and are
/// read without a copy.
#[derive(Clone, Debug)]
pub struct AnswerBatch {
    shown: Arc<Shown>,
    /// One for each variable; none for constants.
    texts: Vec<Option<TextColumn>>,
    rows: usize,
}

/// The variables of an answer, with their types and the columns that hold them; `None` where nothing binds one.
#[derive(Debug)]
pub(super) struct Shown(Vec<Option<(TermType, Range<usize>)>>);

/// A term, as its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    pub kind: CellKind<'a>,
    /// The IRI, the label, or the lexical form.
    pub text: &'a str,
}

/// What a term is, but for its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind<'a> {
    Iri,
    BlankNode,
    Literal { datatype: &'a str },
    LangString { language: &'a str },
}

/// One column of a batch.
#[derive(Clone, Copy, Debug)]
pub enum AnswerColumn<'a> {
    /// The same term in each row, or in each row none.
    Constant(Option<Cell<'a>>),
    /// Terms of one kind.
    Uniform(CellKind<'a>, Texts<'a>),
    /// Terms of any kinds.
    Mixed(MixedTerms<'a>),
}

/// The texts of a column whose terms are of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a>(&'a TextColumn);

/// The terms of a column that has more than one kind.
#[derive(Clone, Copy, Debug)]
pub struct MixedTerms<'a>(&'a TextColumn);

impl Shown {
    pub(super) fn new(layout: &Layout, variables: &[Variable]) -> Self {
        let place = |(i, variable): (usize, &Variable)| {
            // A variable that is named again has its terms in the first place.
            let (start, term_type) = layout.get(variable).filter(|_| !variables[..i].contains(variable))?;
            Some((term_type.clone(), start..start + term_type.columns().len()))
        };
        Self(variables.iter().enumerate().map(place).collect())
    }
}

impl AnswerBatch {
    /// Fails when the batch is not of the layout.
    pub(super) fn read(shown: &Arc<Shown>, batch: &RecordBatch) -> Result<Self, QueryError> {
        let rows = batch.num_rows();
        let texts = shown.0.iter().map(|place| match place {
            None | Some((TermType::Constant(_), _)) => Ok(None),
            Some((term_type, range)) => {
                let columns = batch.columns().get(range.clone());
                let columns = columns.ok_or_else(|| internal("a batch of an answer has too few columns"))?;
                TextColumn::new(term_type, columns, rows).map(Some).map_err(QueryError::from)
            }
        });
        let texts = texts.collect::<Result<_, QueryError>>()?;
        Ok(Self { shown: shown.clone(), texts, rows })
    }

    /// An answer that is known as terms: a cell for each of `width` variables in each row.
    pub fn from_terms(width: usize, rows: &[Vec<Option<Term>>]) -> Self {
        let column = |i: usize| {
            let cells = rows.iter().map(|row| row.get(i)?.as_ref().map(encode));
            Some(TextColumn::encoded(cells.collect::<StringViewArray>()))
        };
        let shown = (0..width).map(|i| Some((TermType::General, i..i + 1))).collect();
        Self { shown: Arc::new(Shown(shown)), texts: (0..width).map(column).collect(), rows: rows.len() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// One for each variable of the answer, in their order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = AnswerColumn<'_>> {
        self.shown.0.iter().zip(&self.texts).map(|(place, text)| match (place, text) {
            (Some((TermType::Constant(term), _)), _) => AnswerColumn::Constant(cell(term)),
            (Some((term_type, _)), Some(text)) => match kind(term_type) {
                Some(kind) => AnswerColumn::Uniform(kind, Texts(text)),
                None => AnswerColumn::Mixed(MixedTerms(text)),
            },
            _ => AnswerColumn::Constant(None),
        })
    }

    /// The rows as terms, with a cell for each variable.
    pub fn rows(&self) -> Vec<Vec<Option<Term>>> {
        let columns: Vec<_> = self.columns().collect();
        let row = |row| columns.iter().map(|column| column.get(row).map(Cell::term)).collect();
        (0..self.rows).map(row).collect()
    }

    /// The bytes of all terms as text. Fails where a text is no term.
    pub(super) fn bytes(&self) -> Result<u64, QueryError> {
        self.columns().map(|column| column.bytes(self.rows)).sum()
    }
}

impl<'a> AnswerColumn<'a> {
    /// The cell of a row of the batch; `None` where it is unbound.
    pub fn get(&self, row: usize) -> Option<Cell<'a>> {
        match self {
            Self::Constant(cell) => *cell,
            Self::Uniform(kind, texts) => texts.get(row).map(|text| Cell { kind: *kind, text }),
            Self::Mixed(terms) => terms.get(row),
        }
    }

    fn bytes(&self, rows: usize) -> Result<u64, QueryError> {
        Ok(match self {
            Self::Constant(cell) => cell.map_or(0, Cell::bytes) * rows as u64,
            Self::Uniform(kind, Texts(texts)) => texts.bytes() + kind.bytes() * texts.bound() as u64,
            Self::Mixed(MixedTerms(terms)) => {
                let texts = (0..rows).filter_map(|row| terms.get(row));
                texts.map(|text| encoded(text).map(Cell::bytes)).sum::<Result<_, _>>()?
            }
        })
    }
}

impl<'a> Texts<'a> {
    /// The text of a row of the batch; `None` where it is unbound.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.0.get(row)
    }
}

impl<'a> MixedTerms<'a> {
    /// The cell of a row of the batch; `None` where it is unbound.
    pub fn get(&self, row: usize) -> Option<Cell<'a>> {
        // That each text is a term was seen when the batch was counted.
        self.0.get(row).and_then(|text| encoded(text).ok())
    }
}

impl Cell<'_> {
    pub fn term(self) -> Term {
        match self.kind {
            CellKind::Iri => NamedNode::new_unchecked(self.text).into(),
            CellKind::BlankNode => BlankNode::new_unchecked(self.text).into(),
            CellKind::Literal { datatype } => {
                Literal::new_typed_literal(self.text, NamedNode::new_unchecked(datatype)).into()
            }
            CellKind::LangString { language } => {
                Literal::new_language_tagged_literal_unchecked(self.text, language).into()
            }
        }
    }

    fn bytes(self) -> u64 {
        self.text.len() as u64 + self.kind.bytes()
    }
}

impl CellKind<'_> {
    /// The bytes of the datatype.
    fn bytes(&self) -> u64 {
        let length = match self {
            Self::Iri | Self::BlankNode => 0,
            Self::Literal { datatype } => datatype.len(),
            Self::LangString { .. } => rdf::LANG_STRING.as_str().len(),
        };
        length as u64
    }
}

/// The kind of all terms of a type; `None` where they differ.
fn kind(term_type: &TermType) -> Option<CellKind<'_>> {
    match term_type {
        TermType::Constant(term) => cell(term).map(|cell| cell.kind),
        TermType::Iri { .. } => Some(CellKind::Iri),
        TermType::Literal(literal) => Some(CellKind::Literal { datatype: literal.datatype().as_str() }),
        TermType::LangString(language) => Some(CellKind::LangString { language }),
        TermType::General => None,
    }
}

fn cell(term: &Term) -> Option<Cell<'_>> {
    Some(match term {
        Term::NamedNode(node) => Cell { kind: CellKind::Iri, text: node.as_str() },
        Term::BlankNode(node) => Cell { kind: CellKind::BlankNode, text: node.as_str() },
        Term::Literal(literal) => {
            let kind = match literal.language() {
                Some(language) => CellKind::LangString { language },
                None => CellKind::Literal { datatype: literal.datatype().as_str() },
            };
            Cell { kind, text: literal.value() }
        }
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => return None,
    })
}

fn encoded(text: &str) -> Result<Cell<'_>, QueryError> {
    let term = EncodedTerm::read(text).map_err(|error| internal(error.to_string()))?;
    let (kind, text) = match term {
        EncodedTerm::Iri(iri) => (CellKind::Iri, iri),
        EncodedTerm::BlankNode(label) => (CellKind::BlankNode, label),
        EncodedTerm::Simple(value) => (CellKind::Literal { datatype: xsd::STRING.as_str() }, value),
        EncodedTerm::LangString { language, value } => (CellKind::LangString { language }, value),
        EncodedTerm::Typed { datatype, lexical } => (CellKind::Literal { datatype }, lexical),
    };
    Ok(Cell { kind, text })
}
