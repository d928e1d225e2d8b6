//! What stands around the text of a term: it is the same for all terms of a kind in a column, and made once.

use super::escape::{Escape, NoCharacter};
use crate::ResultFormat;
use oxrdf::Variable;
use oxrdf::vocab::xsd;
use weft_exec::{Cell, CellKind};

/// Frames that one column keeps. Columns of more kinds are rare, and begin again.
const KEPT: usize = 16;

type StandsAlone = fn(&[u8]) -> bool;

/// The bytes around a text, and how the text is written.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    before: Vec<u8>,
    after: Vec<u8>,
    escape: Escape,
    /// Tells the texts that stand alone.
    stands_alone: Option<StandsAlone>,
}

/// The frames of one variable in one format.
#[derive(Debug)]
pub(super) struct Frames {
    format: ResultFormat,
    variable: Variable,
    kept: Vec<(Kind, Frame)>,
}

/// A [`CellKind`] to keep.
#[derive(Debug)]
enum Kind {
    Iri,
    BlankNode,
    Literal(String),
    LangString(String),
}

impl Frame {
    pub(super) fn write(&self, text: &str, out: &mut Vec<u8>) -> Result<(), NoCharacter> {
        if self.stands_alone.is_some_and(|stands_alone| stands_alone(text.as_bytes())) {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        out.extend_from_slice(&self.before);
        self.escape.write(text, out)?;
        out.extend_from_slice(&self.after);
        Ok(())
    }
}

impl Frames {
    pub(super) fn new(format: ResultFormat, variable: Variable) -> Self {
        Self { format, variable, kept: Vec::new() }
    }

    pub(super) fn get(&mut self, kind: CellKind<'_>) -> Result<&Frame, NoCharacter> {
        let known = self.kept.iter().position(|(known, _)| known.is(kind));
        let place = match known {
            Some(place) => place,
            None => {
                if self.kept.len() >= KEPT {
                    self.kept.clear();
                }
                self.kept.push((Kind::new(kind), frame(self.format, &self.variable, kind)?));
                self.kept.len() - 1
            }
        };
        Ok(&self.kept[place].1)
    }

    pub(super) fn write(&mut self, cell: Cell<'_>, out: &mut Vec<u8>) -> Result<(), NoCharacter> {
        self.get(cell.kind)?.write(cell.text, out)
    }
}

impl Kind {
    fn new(kind: CellKind<'_>) -> Self {
        match kind {
            CellKind::Iri => Self::Iri,
            CellKind::BlankNode => Self::BlankNode,
            CellKind::Literal { datatype } => Self::Literal(datatype.to_owned()),
            CellKind::LangString { language } => Self::LangString(language.to_owned()),
        }
    }

    fn is(&self, kind: CellKind<'_>) -> bool {
        match (self, kind) {
            (Self::Iri, CellKind::Iri) | (Self::BlankNode, CellKind::BlankNode) => true,
            (Self::Literal(known), CellKind::Literal { datatype }) => known == datatype,
            (Self::LangString(known), CellKind::LangString { language }) => known == language,
            _ => false,
        }
    }
}

fn frame(format: ResultFormat, variable: &Variable, kind: CellKind<'_>) -> Result<Frame, NoCharacter> {
    match format {
        ResultFormat::Json => json(variable, kind),
        ResultFormat::Xml => xml(variable, kind),
        ResultFormat::Csv => Ok(csv(kind)),
        ResultFormat::Tsv => Ok(tsv(kind)),
    }
}

/// A datatype that is written: `xsd:string` never is.
fn written(datatype: &str) -> Option<&str> {
    (datatype != xsd::STRING.as_str()).then_some(datatype)
}

/// SPARQL 1.1 Query Results JSON Format section 3.2.2.
fn json(variable: &Variable, kind: CellKind<'_>) -> Result<Frame, NoCharacter> {
    let (name, attribute) = match kind {
        CellKind::Iri => ("uri", None),
        CellKind::BlankNode => ("bnode", None),
        CellKind::Literal { datatype } => ("literal", written(datatype).map(|datatype| ("datatype", datatype))),
        CellKind::LangString { language } => ("literal", Some(("xml:lang", language))),
    };
    let mut before = b"\"".to_vec();
    Escape::Json.write(variable.as_str(), &mut before)?;
    before.extend_from_slice(format!("\":{{\"type\":\"{name}\",\"value\":\"").as_bytes());
    let mut after = b"\"".to_vec();
    if let Some((name, value)) = attribute {
        after.extend_from_slice(format!(",\"{name}\":\"").as_bytes());
        Escape::Json.write(value, &mut after)?;
        after.push(b'"');
    }
    after.push(b'}');
    Ok(Frame { before, after, escape: Escape::Json, stands_alone: None })
}

/// SPARQL Query Results XML Format section 2.3.1.
fn xml(variable: &Variable, kind: CellKind<'_>) -> Result<Frame, NoCharacter> {
    let (name, attribute, escape) = match kind {
        CellKind::Iri => ("uri", None, Escape::Xml),
        CellKind::BlankNode => ("bnode", None, Escape::Xml),
        CellKind::Literal { datatype } => {
            ("literal", written(datatype).map(|datatype| ("datatype", datatype)), Escape::XmlBound)
        }
        CellKind::LangString { language } => ("literal", Some(("xml:lang", language)), Escape::XmlBound),
    };
    let mut before = b"<binding name=\"".to_vec();
    Escape::Xml.write(variable.as_str(), &mut before)?;
    before.extend_from_slice(format!("\"><{name}").as_bytes());
    if let Some((name, value)) = attribute {
        before.extend_from_slice(format!(" {name}=\"").as_bytes());
        Escape::Xml.write(value, &mut before)?;
        before.push(b'"');
    }
    before.push(b'>');
    let after = format!("</{name}></binding>").into_bytes();
    Ok(Frame { before, after, escape, stands_alone: None })
}

/// SPARQL 1.1 Query Results CSV and TSV Formats section 3.1.
fn csv(kind: CellKind<'_>) -> Frame {
    let (before, escape) = match kind {
        CellKind::BlankNode => ("_:", Escape::None),
        // An IRI may have commas, too.
        CellKind::Iri | CellKind::Literal { .. } | CellKind::LangString { .. } => ("", Escape::Csv),
    };
    Frame { before: before.into(), after: Vec::new(), escape, stands_alone: None }
}

/// SPARQL 1.1 Query Results CSV and TSV Formats section 4.1.
fn tsv(kind: CellKind<'_>) -> Frame {
    let (before, after, escape) = match kind {
        CellKind::Iri => ("<", ">".to_owned(), Escape::None),
        CellKind::BlankNode => ("_:", String::new(), Escape::None),
        CellKind::Literal { datatype } => {
            let after = written(datatype).map_or_else(|| "\"".to_owned(), |datatype| format!("\"^^<{datatype}>"));
            ("\"", after, Escape::Tsv)
        }
        CellKind::LangString { language } => ("\"", format!("\"@{language}"), Escape::Tsv),
    };
    let stands_alone = match kind {
        CellKind::Literal { datatype } => abbreviation(datatype),
        _ => None,
    };
    Frame { before: before.into(), after: after.into(), escape, stands_alone }
}

/// Which lexical forms of a datatype are terms of Turtle without quotes (sections 2.5.2 and 2.5.3).
fn abbreviation(datatype: &str) -> Option<StandsAlone> {
    const ABBREVIATED: [(&str, StandsAlone); 4] = [
        (xsd::BOOLEAN.as_str(), |text| matches!(text, b"true" | b"false")),
        (xsd::INTEGER.as_str(), |text| is_digits(unsigned(text))),
        (xsd::DECIMAL.as_str(), is_decimal),
        (xsd::DOUBLE.as_str(), is_double),
    ];
    ABBREVIATED.iter().find(|(known, _)| *known == datatype).map(|(_, is_alone)| *is_alone)
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text)
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The digits a text begins with, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

/// `[+-]? [0-9]* '.' [0-9]+`
fn is_decimal(text: &[u8]) -> bool {
    let (_, rest) = digits(unsigned(text));
    rest.strip_prefix(b".").is_some_and(is_digits)
}

/// `[+-]? ([0-9]+ '.' [0-9]* EXPONENT | '.' [0-9]+ EXPONENT | [0-9]+ EXPONENT)`
fn is_double(text: &[u8]) -> bool {
    let (whole, rest) = digits(unsigned(text));
    let (fraction, rest) = rest.strip_prefix(b".").map_or((&[][..], rest), digits);
    let exponent = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E"));
    !(whole.is_empty() && fraction.is_empty()) && exponent.is_some_and(|text| is_digits(unsigned(text)))
}
