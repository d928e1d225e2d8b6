//! Code lists: the codes of a column and the IRIs they stand for.

#[cfg(test)]
mod tests;

use oxrdf::NamedNode;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use weft_model::contract::{DataType, Value};
use weft_model::term::{IriShape, KeyKind, KeyValue};

/// Codes and what they stand for. Several codes may stand for one IRI.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeList {
    iris: HashMap<String, NamedNode>,
    codes: HashMap<NamedNode, Vec<String>>,
    /// A template for the codes that are not listed. Without one they stand for nothing.
    unknown: Option<IriShape>,
    one_to_one: bool,
    /// Tells lists apart in the text of a mapping, where whole lists would be too long.
    digest: u64,
}

/// The code and IRI of one entry, and its place in a list of them.
pub(crate) type CodeEntry<P> = (P, String, NamedNode);

impl CodeList {
    /// A list of these entries. `unknown` has one placeholder. The errors have the places of the entries they are about.
    pub(crate) fn new<P>(
        entries: impl IntoIterator<Item = CodeEntry<P>>,
        unknown: Option<IriShape>,
    ) -> Result<Self, Vec<(P, String)>> {
        let mut iris: HashMap<String, NamedNode> = HashMap::new();
        let mut errors = Vec::new();
        for (place, code, iri) in entries {
            match iris.entry(code) {
                Entry::Vacant(entry) => drop(entry.insert(iri)),
                Entry::Occupied(known) if *known.get() == iri => {}
                Entry::Occupied(known) => {
                    errors.push((place, format!("code {:?} is both {} and {iri}", known.key(), known.get())));
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut codes: HashMap<NamedNode, Vec<String>> = HashMap::new();
        for (code, iri) in &iris {
            codes.entry(iri.clone()).or_default().push(code.clone());
        }
        codes.values_mut().for_each(|codes| codes.sort_unstable());
        let mut list = Self { iris, codes, unknown, one_to_one: false, digest: 0 };
        list.one_to_one = list.codes.keys().all(|iri| list.codes_of(iri).len() == 1);
        list.digest = list.text_digest();
        Ok(list)
    }

    /// The IRI that a code stands for.
    pub fn iri(&self, code: &str) -> Option<Cow<'_, str>> {
        if let Some(iri) = self.iris.get(code) {
            return Some(Cow::Borrowed(iri.as_str()));
        }
        self.unknown.as_ref().map(|shape| Cow::Owned(shape.build([code])))
    }

    /// All codes that stand for an IRI.
    pub fn codes_of(&self, iri: &NamedNode) -> Vec<String> {
        let mut codes = self.codes.get(iri).cloned().unwrap_or_default();
        let built = self.unknown.as_ref().and_then(|shape| shape.invert(iri.as_str(), &[KeyKind::Text]));
        if let Some([KeyValue::Text(code)]) = built.as_deref()
            && !self.iris.contains_key(code)
        {
            codes.push(code.clone());
        }
        codes
    }

    /// The values of a column of this type that stand for an IRI; `None` where the texts of the column are not told from
    /// its values alone.
    pub fn values_of(&self, iri: &NamedNode, column: DataType) -> Option<Vec<Value>> {
        let codes = self.codes_of(iri).into_iter();
        match column {
            DataType::Text => Some(codes.map(Value::Text).collect()),
            // Another spelling of the number is a code that no row has.
            DataType::Int64 => {
                let number = |code: String| code.parse().ok().filter(|n: &i64| n.to_string() == code);
                Some(codes.filter_map(number).map(Value::Int64).collect())
            }
            _ => None,
        }
    }

    /// Whether each IRI has one code, so that code and IRI tell each other.
    pub fn is_one_to_one(&self) -> bool {
        self.one_to_one
    }

    /// Whether every code stands for something.
    pub fn is_complete(&self) -> bool {
        self.unknown.is_some()
    }

    /// The codes and IRIs, in the order of codes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &NamedNode)> {
        let sorted: BTreeMap<&str, &NamedNode> = self.iris.iter().map(|(code, iri)| (code.as_str(), iri)).collect();
        sorted.into_iter()
    }

    fn text_digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (code, iri) in self.entries() {
            (code, iri.as_str()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl fmt::Debug for CodeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeList({} codes, {:016x}, {:?})", self.iris.len(), self.digest, self.unknown)
    }
}

/// The entries of a CSV file with a column `code` and a column `iri`, with their lines; the errors have lines, too.
pub(crate) fn read_csv(text: &str, most: usize) -> Result<Vec<CodeEntry<u64>>, Vec<(u64, String)>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| vec![csv_error(&error)])?.clone();
    let position = |name: &str| headers.iter().position(|header| header.trim_start_matches('\u{feff}') == name);
    let (Some(code_at), Some(iri_at)) = (position("code"), position("iri")) else {
        let found: Vec<&str> = headers.iter().collect();
        let message = format!("a code list needs the columns code and iri in its first line, not {}", found.join(", "));
        return Err(vec![(1, message)]);
    };
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let mut lines = Lines { text, at: 0, line: 1 };
    for record in reader.records() {
        if entries.len() + errors.len() >= most {
            errors.push((1, format!("the code list has more than {most} codes, which is the limit")));
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                errors.push(csv_error(&error));
                continue;
            }
        };
        let line = record.position().map_or(1, |position| lines.of(position.byte()));
        let (Some(code), Some(iri)) = (record.get(code_at), record.get(iri_at)) else {
            errors.push((line, format!("the line has {} values, and needs code and iri", record.len())));
            continue;
        };
        match NamedNode::new(iri.trim()) {
            Ok(iri) => entries.push((line, code.to_owned(), iri)),
            Err(error) => errors.push((line, format!("{iri:?} is not an absolute IRI: {error}"))),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

/// The lines of places in a text, which are asked for one after the other.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// A record begins after the line ends that stand at its place.
    fn of(&mut self, byte: u64) -> u64 {
        let bytes = self.text.as_bytes();
        let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        let ends = bytes[byte..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let to = (byte + ends).max(self.at);
        self.line += bytes[self.at..to].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = to;
        self.line
    }
}

fn csv_error(error: &csv::Error) -> (u64, String) {
    (error.position().map_or(1, csv::Position::line), format!("not valid CSV: {error}"))
}
