//! What Weft adds to term maps: normalised values, code lists, units.
//!
//! ```turtle
//! rr:subjectMap [ rr:template "http://ex/lot/{LOT_NO}" ; weft:normalise "trim | upper | strip_zeros" ] ;
//! rr:objectMap [ rr:column "STATE" ; weft:codeList [ weft:entry [ weft:code "A" ; weft:concept ex:Active ] ] ] ;
//! rr:objectMap [ rr:column "LEN_IN" ; weft:unit unit:IN ; weft:convertTo unit:MilliM ] ;
//! ```

use super::document::Document;
use super::reader::{Reader, Value};
use super::{Location, MappingError, SqlName, TermKind, TermMap, template};
use crate::code_list::{CodeEntry, CodeList, read_csv};
use crate::normalise::{NormalisedValue, Normaliser};
use crate::unit::Conversion;
use oxrdf::{NamedNode, NamedOrBlankNode, Term};
use std::sync::Arc;
use weft_model::term::IriShape;

const NOTATION: &str = "http://www.w3.org/2004/02/skos/core#notation";

/// A chain of steps and the column it is for; none for all columns of the term map.
struct Rule {
    column: Option<String>,
    normaliser: Normaliser,
    line: u64,
}

impl Reader<'_> {
    /// The kind of a term map with what is said of it in Weft's words, and its columns. `line` is where these are named.
    pub(super) fn extended(
        &mut self,
        node: &NamedOrBlankNode,
        columns: Vec<SqlName>,
        kind: TermKind,
        line: u64,
    ) -> Option<(Vec<SqlName>, TermKind)> {
        let is_column = self.has(node, "column");
        let codes = self.single(node, "codeList");
        let kind = match &codes {
            None => kind,
            Some(value) => self.coded(node, value, is_column)?,
        };
        let kind = self.measured(node, kind, is_column)?;
        self.normalised(node, columns, kind, line)
    }

    fn has(&mut self, node: &NamedOrBlankNode, property: &str) -> bool {
        !self.values(node, property).is_empty()
    }

    fn normalised(
        &mut self,
        node: &NamedOrBlankNode,
        columns: Vec<SqlName>,
        kind: TermKind,
        line: u64,
    ) -> Option<(Vec<SqlName>, TermKind)> {
        let given = self.values(node, "normalise");
        if given.is_empty() {
            return Some((columns, kind));
        }
        if let (TermKind::Encoded | TermKind::Measured { .. }, Some(value)) = (&kind, given.first()) {
            let what = if kind == TermKind::Encoded { "encoded terms" } else { "numbers with a unit" };
            self.error(value.line, format!("weft:normalise changes texts, and the column holds {what}"));
            return None;
        }
        let rules: Vec<Option<Rule>> = given.iter().map(|value| self.rule(value)).collect();
        let rules: Vec<Rule> = rules.into_iter().collect::<Option<_>>()?;
        for (number, rule) in rules.iter().enumerate() {
            if rules[..number].iter().any(|known| known.column == rule.column) {
                let what = rule.column.as_ref().map_or("all columns".to_owned(), |column| format!("column {column:?}"));
                self.error(
                    rule.line,
                    format!("weft:normalise is given twice for {what}: write one chain, with | between"),
                );
                return None;
            }
        }
        let mut used = vec![false; rules.len()];
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns {
            let (name, value) = self.of_column(column, &rules, &mut used, line)?;
            names.push(name);
            values.push(value);
        }
        for (rule, used) in rules.iter().zip(used) {
            if let (Some(column), false) = (&rule.column, used) {
                self.error(rule.line, format!("weft:normalise for column {column:?}, which the term map does not use"));
            }
        }
        Some((names, TermKind::Normalised { values, kind: Box::new(kind) }))
    }

    /// A chain for all columns, as a string, or for one, as a node with rr:column and weft:steps.
    fn rule(&mut self, value: &Value) -> Option<Rule> {
        if matches!(value.term, Term::Literal(_)) {
            let text = self.text("weft:normalise", value)?;
            let normaliser = self.chain("weft:normalise", &text, value.line)?;
            return Some(Rule { column: None, normaliser, line: value.line });
        }
        let node = self.node("weft:normalise", "a string, or a node with rr:column and weft:steps", value)?;
        let (column, steps) = (self.single(&node, "column"), self.single(&node, "steps"));
        let (Some(column), Some(steps)) = (column, steps) else {
            self.error(value.line, "weft:normalise needs a string, or a node with rr:column and weft:steps".to_owned());
            return None;
        };
        let name = self.text("rr:column", &column)?;
        let name = self.checked(column.line, SqlName::column(&name))?;
        let text = self.text("weft:steps", &steps)?;
        let normaliser = self.chain("weft:steps", &text, steps.line)?;
        Some(Rule { column: Some(name.to_string()), normaliser, line: value.line })
    }

    fn chain(&mut self, property: &str, text: &str, line: u64) -> Option<Normaliser> {
        let parsed = Normaliser::parse_within(text, &self.limits.normaliser);
        self.checked(line, parsed.map_err(|error| format!("bad {property}: {error}")))
    }

    /// The column that a placeholder or `rr:column` names, and what becomes of its values. `{serial.number}` is the group
    /// `number` of the column `serial`.
    fn of_column(
        &mut self,
        column: SqlName,
        rules: &[Rule],
        used: &mut [bool],
        line: u64,
    ) -> Option<(SqlName, Option<NormalisedValue>)> {
        let grouped = |rule: &Rule| {
            let groups = rule.normaliser.groups().iter().enumerate();
            let found = groups.filter_map(|(group, name)| Some((group, column.strip_suffix(name)?.strip_suffix('.')?)));
            found.map(|(group, of)| (group, of.to_owned())).next()
        };
        let is_for = |rule: &Rule, name: &str| rule.column.as_deref().is_none_or(|known| known == name);
        // A chain for this very column goes before one for all.
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by_key(|number| rules[*number].column.is_none());
        for number in order {
            let rule = &rules[number];
            if let Some((group, of)) = grouped(rule)
                && is_for(rule, &of)
            {
                used[number] = true;
                let name = self.checked(line, SqlName::column(&of))?;
                return Some((name, Some(NormalisedValue::group(&rule.normaliser, group))));
            }
            if is_for(rule, &column) {
                used[number] = true;
                if let Some(group) = rule.normaliser.groups().first() {
                    let message = match column.rsplit_once('.') {
                        Some((_, unknown)) => format!(
                            "{{{column}}}: the normaliser has no group {unknown:?}, it has {}",
                            rule.normaliser.groups().join(", ")
                        ),
                        None => format!(
                            "the normaliser of column {:?} gives groups: name one, as in {{{column}.{group}}}",
                            &*column
                        ),
                    };
                    self.error(line, message);
                    return None;
                }
                return Some((column, Some(NormalisedValue::whole(&rule.normaliser))));
            }
        }
        Some((column, None))
    }

    fn coded(&mut self, node: &NamedOrBlankNode, value: &Value, is_column: bool) -> Option<TermKind> {
        if !is_column {
            self.error(value.line, "weft:codeList needs rr:column: the codes are the values of one column".to_owned());
            return None;
        }
        for property in ["datatype", "language"] {
            if let Some(found) = self.values(node, property).first() {
                self.error(found.line, format!("rr:{property} together with weft:codeList, which gives IRIs"));
                return None;
            }
        }
        if let Some(found) = self.values(node, "termType").first()
            && !matches!(&found.term, Term::NamedNode(kind) if kind.as_str().ends_with("#IRI"))
        {
            self.error(found.line, "weft:codeList gives IRIs: rr:termType can only be rr:IRI".to_owned());
            return None;
        }
        let list = self.node("weft:codeList", "a node with weft:entry or weft:codeFile", value)?;
        self.code_list(&list, value.line).map(|list| TermKind::Coded(Arc::new(list)))
    }

    fn code_list(&mut self, node: &NamedOrBlankNode, line: u64) -> Option<CodeList> {
        let mut entries: Vec<CodeEntry<Location>> = Vec::new();
        let mut complete = true;
        for value in self.values(node, "entry") {
            match self.entry(&value) {
                Some((code, iri)) => entries.push((self.location(value.line), code, iri)),
                None => complete = false,
            }
        }
        for value in self.values(node, "codeFile") {
            match self.code_file(&value) {
                Some(found) => entries.extend(found),
                None => complete = false,
            }
        }
        let unknown = match self.single(node, "unknownCode") {
            None => None,
            Some(value) => Some(self.unknown_code(&value)?),
        };
        if !complete {
            return None;
        }
        if entries.len() > self.limits.codes {
            let message = format!("the code list has {} codes, the limit is {}", entries.len(), self.limits.codes);
            self.error(line, message);
            return None;
        }
        if entries.is_empty() && unknown.is_none() {
            self.missing(node, line, "the code list has neither weft:entry nor weft:codeFile".to_owned());
            return None;
        }
        let list = CodeList::new(entries, unknown);
        list.map_err(|errors| errors.into_iter().for_each(|(at, message)| self.error_at(at, message))).ok()
    }

    fn entry(&mut self, value: &Value) -> Option<(String, NamedNode)> {
        let node = self.node("weft:entry", "a node with weft:code and weft:concept", value)?;
        let (code, concept) = (self.single(&node, "code"), self.single(&node, "concept"));
        let (Some(code), Some(concept)) = (code, concept) else {
            self.missing(&node, value.line, "the entry needs weft:code and weft:concept".to_owned());
            return None;
        };
        let iri = self.iri("weft:concept", &concept)?;
        match &code.term {
            Term::Literal(literal) if literal.language().is_none() => Some((literal.value().to_owned(), iri)),
            other => {
                self.error(code.line, format!("weft:code must be a string or a number, not {other}"));
                None
            }
        }
    }

    /// A CSV file, or a Turtle file of SKOS concepts with notations.
    fn code_file(&mut self, value: &Value) -> Option<Vec<CodeEntry<Location>>> {
        let name = self.text("weft:codeFile", value)?;
        let read = (self.files)(&name).map_err(|why| format!("weft:codeFile {name:?}: {why}"));
        let text = self.checked(value.line, read)?;
        let file: Arc<str> = name.as_str().into();
        let at = |line| Location { file: file.clone(), line };
        let limit = self.limits.codes;
        let found = if name.to_ascii_lowercase().ends_with(".csv") {
            read_csv(&text, limit)
        } else {
            read_notations(&text, self.base, limit)
        };
        match found {
            Ok(entries) => Some(entries.into_iter().map(|(line, code, iri)| (at(line), code, iri)).collect()),
            Err(errors) => {
                errors.into_iter().for_each(|(line, message)| self.error_at(at(line), message));
                None
            }
        }
    }

    fn unknown_code(&mut self, value: &Value) -> Option<IriShape> {
        let text = self.text("weft:unknownCode", value)?;
        let parsed = template::parse(&text).map_err(|error| error.replace("rr:template", "weft:unknownCode"));
        let (shape, columns) = self.checked(value.line, parsed)?;
        self.checked(value.line, template::check_iri(&shape, self.base))?;
        let is_whole = self.checked(value.line, template::is_relative(&shape)).map(|relative| !relative)?;
        if !is_whole || !matches!(columns.as_slice(), [only] if **only == *"code") {
            let message =
                "weft:unknownCode is a whole IRI with the placeholder {code}, as in \"http://ex/state/{code}\"";
            self.error(value.line, message.to_owned());
            return None;
        }
        Some(shape)
    }

    fn measured(&mut self, node: &NamedOrBlankNode, kind: TermKind, is_column: bool) -> Option<TermKind> {
        let Some(unit) = self.single(node, "unit") else {
            for property in ["convertTo", "quantity"] {
                if let Some(found) = self.values(node, property).first() {
                    self.error(found.line, format!("weft:{property} needs weft:unit, the unit of the column"));
                    return None;
                }
            }
            return Some(kind);
        };
        let TermKind::Literal { datatype, language: None } = kind else {
            self.error(unit.line, "weft:unit belongs to numbers, and this term map gives no plain literals".to_owned());
            return None;
        };
        if !is_column {
            self.error(unit.line, "weft:unit needs rr:column: the numbers are the values of one column".to_owned());
            return None;
        }
        let from = self.iri("weft:unit", &unit)?;
        let conversion = match self.single(node, "convertTo") {
            None => None,
            Some(convert) => Some(self.conversion(&from, &convert, datatype.as_ref())?),
        };
        let quantity = match self.single(node, "quantity") {
            None => None,
            Some(value) => Some(Box::new(self.quantity(&value)?)),
        };
        Some(TermKind::Measured { unit: from, conversion, datatype, node: quantity })
    }

    fn conversion(&mut self, from: &NamedNode, convert: &Value, datatype: Option<&NamedNode>) -> Option<Conversion> {
        if let Some(datatype) = datatype.filter(|datatype| **datatype != oxrdf::vocab::xsd::DECIMAL) {
            let message = format!("weft:convertTo gives xsd:decimal, so rr:datatype cannot be {datatype}");
            self.error(convert.line, message);
            return None;
        }
        let to = self.iri("weft:convertTo", convert)?;
        self.checked(convert.line, Conversion::new(from, &to).map_err(|why| format!("weft:convertTo: {why}")))
    }

    /// The template of a node that has the number and its unit.
    fn quantity(&mut self, value: &Value) -> Option<TermMap> {
        let text = self.text("weft:quantity", value)?;
        let parsed = template::parse(&text).map_err(|error| error.replace("rr:template", "weft:quantity"));
        let (shape, columns) = self.checked(value.line, parsed)?;
        self.checked(value.line, template::check_iri(&shape, self.base))?;
        Some(TermMap::Template { shape, columns, kind: TermKind::Iri, location: self.location(value.line) })
    }

    fn error_at(&mut self, location: Location, message: String) {
        self.errors.push(MappingError { location, message });
    }
}

/// The notations of the concepts of a Turtle document, with their lines.
fn read_notations(text: &str, base: &str, most: usize) -> Result<Vec<CodeEntry<u64>>, Vec<(u64, String)>> {
    let document = Document::parse(text, base)?;
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for statement in document.statements.into_iter().filter(|statement| statement.predicate.as_str() == NOTATION) {
        match (statement.subject, statement.object) {
            (NamedOrBlankNode::NamedNode(iri), Term::Literal(code)) if code.language().is_none() => {
                entries.push((statement.line, code.value().to_owned(), iri));
            }
            _ => errors
                .push((statement.line, "skos:notation is said of an IRI, and is a code without language".to_owned())),
        }
    }
    if entries.is_empty() && errors.is_empty() {
        errors.push((1, "the file has no skos:notation: a code list needs one for each concept".to_owned()));
    }
    if entries.len() > most {
        errors.push((1, format!("the code list has more than {most} codes, which is the limit")));
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}
