//! All triples of a scenario in one dataset: R2RML read row by row, and all that follows, by other code than the engine's.

mod computed;

use crate::closure::close;
use crate::memory::{Row, compare_values};
use crate::scenario::{BASE, Scenario, Source};
use crate::thread::quotient;
use anyhow::{Context, anyhow, bail};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{BlankNode, Dataset, GraphName, Literal, NamedNode, NamedOrBlankNode, Quad, QuadRef, Term};
use oxsdatatypes::{Date, DateTime, Decimal};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;
use weft_mapping::{LogicalTable, Mapping, ObjectMap, TermKind, TermMap, TriplesMap};
use weft_model::contract::{Column, DataType, Table, Value};
use weft_model::term::IriShape;

const DEFAULT_GRAPH: &str = "http://www.w3.org/ns/r2rml#defaultGraph";

/// Every triple in its named graph and in the default graph, which is the union of them all. Terms keep their words.
#[derive(Clone, Debug)]
pub struct Union {
    dataset: Arc<Dataset>,
    graphs: Arc<BTreeSet<NamedNode>>,
    /// In the thread view, the name that stands for each other name.
    first_names: Arc<BTreeMap<String, String>>,
}

impl Union {
    /// Other quads in the same graphs, in which names are replaced.
    pub(crate) fn with(&self, quads: Vec<Quad>, first_names: BTreeMap<String, String>) -> Self {
        let first_names = Arc::new(first_names);
        Self { graphs: self.graphs.clone(), first_names, ..quads.into_iter().collect() }
    }

    pub fn first_names(&self) -> &BTreeMap<String, String> {
        &self.first_names
    }

    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The names of the graphs there are; some may be without a triple.
    pub fn graphs(&self) -> &BTreeSet<NamedNode> {
        &self.graphs
    }

    /// The quads in the named graphs.
    pub fn named(&self) -> Vec<Quad> {
        self.dataset.iter().filter(|quad| !quad.graph_name.is_default_graph()).map(QuadRef::into_owned).collect()
    }
}

impl FromIterator<Quad> for Union {
    fn from_iter<T: IntoIterator<Item = Quad>>(quads: T) -> Self {
        let (mut dataset, mut graphs) = (Dataset::new(), BTreeSet::new());
        for quad in quads {
            if let GraphName::NamedNode(name) = &quad.graph_name {
                graphs.insert(name.clone());
            }
            dataset.insert(&Quad { graph_name: GraphName::DefaultGraph, ..quad.clone() });
            dataset.insert(&quad);
        }
        Self { dataset: Arc::new(dataset), graphs: Arc::new(graphs), first_names: Arc::default() }
    }
}

/// The union of a scenario, in the thread view where things have several names.
pub fn union(scenario: &Scenario) -> anyhow::Result<Union> {
    let mut graphs = BTreeSet::new();
    let quads = close(materialize(scenario, &mut graphs)?, &scenario.ontology()?);
    let all = Union { graphs: Arc::new(graphs), ..quads.into_iter().collect() };
    Ok(quotient(&all, &scenario.things))
}

/// The quads in the named graphs.
pub fn quads(scenario: &Scenario) -> anyhow::Result<Vec<Quad>> {
    Ok(close(materialize(scenario, &mut BTreeSet::new())?, &scenario.ontology()?))
}

/// The quads in the named graphs, and the names of all graphs that mappings put triples into, be there rows for them or not.
fn materialize(scenario: &Scenario, graphs: &mut BTreeSet<NamedNode>) -> anyhow::Result<Vec<Quad>> {
    let mut quads = Vec::new();
    for source in &scenario.sources {
        let file = format!("{}.ttl", source.name);
        let mapping = Mapping::parse(&file, &source.mapping.to_turtle(), BASE)
            .map_err(|errors| anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        let mut materializer = Materializer { source, mapping: &mapping, quads: &mut quads, graphs: &mut *graphs };
        for map in &mapping.triples_maps {
            materializer.triples_map(map)?;
        }
    }
    Ok(quads)
}

struct Materializer<'a> {
    source: &'a Source,
    mapping: &'a Mapping,
    quads: &'a mut Vec<Quad>,
    graphs: &'a mut BTreeSet<NamedNode>,
}

impl<'a> Materializer<'a> {
    fn triples_map(&mut self, map: &TriplesMap) -> anyhow::Result<()> {
        let (table, rows) = self.table(&map.table)?;
        if !map.classes.is_empty() {
            self.graphs.extend(self.known(&[&map.graphs])?);
        }
        for part in &map.predicate_objects {
            self.graphs.extend(self.known(&[&map.graphs, &part.graphs])?);
        }
        for row in rows {
            let Some(subject) = self.term(&map.subject, table, row)? else { continue };
            let graphs = self.named(&[&map.graphs], table, row)?;
            for class in &map.classes {
                self.triple(&subject, rdf::TYPE.into_owned(), class.clone().into(), &graphs)?;
            }
            for part in &map.predicate_objects {
                let graphs = self.named(&[&map.graphs, &part.graphs], table, row)?;
                let Some(Term::NamedNode(predicate)) = self.term(&part.predicate, table, row)? else { continue };
                for object in self.objects(&part.object, table, row)? {
                    self.triple(&subject, predicate.clone(), object, &graphs)?;
                }
                for (node, predicate, object) in self.quantity(&part.object, table, row)? {
                    self.triple(&node, predicate, object, &graphs)?;
                }
            }
        }
        Ok(())
    }

    fn table(&self, table: &LogicalTable) -> anyhow::Result<(&'a Table, &'a [Row])> {
        let LogicalTable::Named(name) = table else { bail!("scenarios have no queries") };
        let tables = self.source.description.tables.iter().zip(&self.source.rows);
        let (table, rows) = tables.into_iter().find(|(table, _)| table.name == **name).context("no such table")?;
        Ok((table, rows))
    }

    fn triple(
        &mut self,
        subject: &Term,
        predicate: NamedNode,
        object: Term,
        graphs: &[NamedNode],
    ) -> anyhow::Result<()> {
        let subject: NamedOrBlankNode = match subject.clone() {
            Term::NamedNode(node) => node.into(),
            Term::BlankNode(node) => node.into(),
            other => return Err(anyhow!("{other} cannot be a subject")),
        };
        for graph in graphs {
            // Rows name graphs, too.
            self.graphs.insert(graph.clone());
            self.quads.push(Quad::new(subject.clone(), predicate.clone(), object.clone(), graph.clone()));
        }
        Ok(())
    }

    /// The graphs that are there whether rows are or not.
    fn known(&self, maps: &[&[TermMap]]) -> anyhow::Result<Vec<NamedNode>> {
        let maps = maps.concat();
        if maps.is_empty() {
            return Ok(vec![NamedNode::new(&self.source.graph)?]);
        }
        maps.iter().filter_map(TermMap::iri).map(|graph| self.own(graph)).collect()
    }

    /// Where the triples of a row go (R2RML section 11.1): nowhere, where no graph map gives a term.
    fn named(&self, maps: &[&[TermMap]], table: &Table, row: &Row) -> anyhow::Result<Vec<NamedNode>> {
        let maps = maps.concat();
        if maps.is_empty() {
            return Ok(vec![NamedNode::new(&self.source.graph)?]);
        }
        let mut graphs = Vec::new();
        for map in &maps {
            match self.term(map, table, row)? {
                Some(Term::NamedNode(graph)) => graphs.push(self.own(&graph)?),
                Some(other) => bail!("{other} cannot be a graph"),
                None => {}
            }
        }
        Ok(graphs)
    }

    /// The graph of the source for the default graph of R2RML.
    fn own(&self, graph: &NamedNode) -> anyhow::Result<NamedNode> {
        if graph.as_str() == DEFAULT_GRAPH { Ok(NamedNode::new(&self.source.graph)?) } else { Ok(graph.clone()) }
    }

    fn objects(&self, object: &ObjectMap, table: &Table, row: &Row) -> anyhow::Result<Vec<Term>> {
        let (parent, conditions) = match object {
            ObjectMap::Term(map) => {
                let (term, node) = (self.term(map, table, row)?, computed::quantity(map));
                let Some((node, _)) = node else { return Ok(term.into_iter().collect()) };
                let node = if term.is_some() { self.term(node, table, row)? } else { None };
                return Ok(node.into_iter().collect());
            }
            ObjectMap::Reference { parent, conditions, .. } => (&self.mapping.triples_maps[*parent], conditions),
        };
        if conditions.is_empty() {
            return Ok(self.term(&parent.subject, table, row)?.into_iter().collect());
        }
        let (parent_table, parent_rows) = self.table(&parent.table)?;
        let mut objects = Vec::new();
        for other in parent_rows {
            let mut joined = true;
            for (child_column, parent_column) in conditions {
                let (ours, _) = cell(table, row, child_column)?;
                let (theirs, _) = cell(parent_table, other, parent_column)?;
                joined &= matches!((ours, theirs), (Some(a), Some(b)) if compare_values(a, b) == Some(Ordering::Equal));
            }
            if joined {
                objects.extend(self.term(&parent.subject, parent_table, other)?);
            }
        }
        Ok(objects)
    }

    /// What is said of the node that has a number with its unit.
    fn quantity(&self, object: &ObjectMap, table: &Table, row: &Row) -> anyhow::Result<Vec<(Term, NamedNode, Term)>> {
        let ObjectMap::Term(map) = object else { return Ok(Vec::new()) };
        let Some((node, unit)) = computed::quantity(map) else { return Ok(Vec::new()) };
        let (Some(number), Some(node)) = (self.term(map, table, row)?, self.term(node, table, row)?) else {
            return Ok(Vec::new());
        };
        let word = |name: &str| NamedNode::new(format!("http://qudt.org/schema/qudt/{name}"));
        Ok(vec![
            (node.clone(), rdf::TYPE.into_owned(), word("QuantityValue")?.into()),
            (node.clone(), word("numericValue")?, number),
            (node, word("unit")?, unit.clone().into()),
        ])
    }

    /// R2RML section 11.2: the term a term map generates for a row; none where a column is null.
    fn term(&self, map: &TermMap, table: &Table, row: &Row) -> anyhow::Result<Option<Term>> {
        match map {
            TermMap::Constant { term, .. } => Ok(Some(term.clone())),
            TermMap::Column { column, kind, .. } => {
                let (Some(value), column) = cell(table, row, column)? else { return Ok(None) };
                self.column_term(natural_text(value, column.data_type)?, column.data_type, kind)
            }
            TermMap::Template { shape, columns, kind, .. } => {
                let mut texts = Vec::new();
                for name in columns {
                    let (Some(value), column) = cell(table, row, name)? else { return Ok(None) };
                    texts.push(natural_text(value, column.data_type)?);
                }
                if let TermKind::Normalised { values, .. } = kind {
                    let texts_before = std::mem::take(&mut texts);
                    for (text, value) in texts_before.into_iter().zip(values) {
                        let Some(text) = computed::normalised(value.as_ref(), text)? else { return Ok(None) };
                        texts.push(text);
                    }
                }
                Ok(Some(match kind.of_terms() {
                    TermKind::Iri => complete(&fill(shape, &texts, iri_safe))?.into(),
                    TermKind::BlankNode => self.blank_node(&fill(shape, &texts, str::to_owned))?.into(),
                    TermKind::Literal { datatype, language } => {
                        let text = fill(shape, &texts, str::to_owned);
                        literal(text, datatype.as_ref(), language.as_deref(), DataType::Text)
                    }
                    other => bail!("{other:?} has no template"),
                }))
            }
        }
    }

    /// The term of a column whose value has this text.
    fn column_term(&self, text: String, data_type: DataType, kind: &TermKind) -> anyhow::Result<Option<Term>> {
        Ok(Some(match kind {
            TermKind::Iri => complete(&text)?.into(),
            TermKind::BlankNode => self.blank_node(&text)?.into(),
            TermKind::Literal { datatype, language } => {
                literal(text, datatype.as_ref(), language.as_deref(), data_type)
            }
            TermKind::Normalised { values, kind } => {
                let value = values.first().and_then(Option::as_ref);
                let Some(text) = computed::normalised(value, text)? else { return Ok(None) };
                return self.column_term(text, DataType::Text, kind);
            }
            TermKind::Coded(list) => return computed::coded(list, &text),
            TermKind::Measured { conversion: Some(conversion), .. } => computed::converted(conversion, &text)?,
            TermKind::Measured { datatype, .. } => literal(text, datatype.as_ref(), None, data_type),
            TermKind::Encoded => bail!("scenarios have no encoded terms"),
        }))
    }

    /// R2RML section 11.2: within one source the same text is the same blank node, whatever template it comes from.
    fn blank_node(&self, text: &str) -> anyhow::Result<BlankNode> {
        let text = format!("{}\u{1}{text}", self.source.name);
        let label: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        Ok(BlankNode::new(format!("b{label}"))?)
    }
}

fn cell<'r>(table: &'r Table, row: &'r Row, name: &str) -> anyhow::Result<(Option<&'r Value>, &'r Column)> {
    let index = table.columns.iter().position(|column| column.name == name);
    let index = index.with_context(|| format!("no column {name:?} in table {:?}", table.name))?;
    Ok((row[index].as_ref(), &table.columns[index]))
}

fn fill(shape: &IriShape, values: &[String], encode: impl Fn(&str) -> String) -> String {
    let mut text = shape.parts()[0].clone();
    for (value, part) in values.iter().zip(&shape.parts()[1..]) {
        text.push_str(&encode(value));
        text.push_str(part);
    }
    text
}

/// R2RML section 7.3: everything outside `iunreserved` of RFC 3987 is percent-encoded.
fn iri_safe(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        let plain = c.is_ascii_alphanumeric() || "-._~".contains(c) || is_ucschar(u32::from(c));
        if plain {
            text.push(c);
        } else {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        }
    }
    text
}

/// RFC 3987 section 2.2.
fn is_ucschar(c: u32) -> bool {
    matches!(c, 0xA0..=0xD7FF | 0xF900..=0xFDCF | 0xFDF0..=0xFFEF)
        || ((0x1_0000..0xF_0000).contains(&c) && (c & 0xFFFF) <= 0xFFFD && !(0xE_0000..0xE_1000).contains(&c))
}

/// An absolute IRI as it is, another one after the base.
fn complete(text: &str) -> anyhow::Result<NamedNode> {
    match NamedNode::new(text) {
        Ok(node) => Ok(node),
        Err(_) => NamedNode::new(format!("{BASE}{text}")).with_context(|| format!("{text:?} is not an IRI")),
    }
}

fn literal(text: String, datatype: Option<&NamedNode>, language: Option<&str>, natural: DataType) -> Term {
    if let Some(language) = language {
        return Literal::new_language_tagged_literal_unchecked(text, language.to_lowercase()).into();
    }
    let natural = match natural {
        DataType::Boolean => xsd::BOOLEAN,
        DataType::Int64 => xsd::INTEGER,
        DataType::Decimal { .. } => xsd::DECIMAL,
        DataType::Float64 => xsd::DOUBLE,
        DataType::Text => xsd::STRING,
        DataType::Date => xsd::DATE,
        DataType::Timestamp { .. } => xsd::DATE_TIME,
        DataType::Binary => xsd::HEX_BINARY,
    };
    Literal::new_typed_literal(text, datatype.cloned().unwrap_or_else(|| natural.into_owned())).into()
}

/// The canonical lexical form of a value (R2RML section 10.2, XML Schema 1.1 part 2).
fn natural_text(value: &Value, data_type: DataType) -> anyhow::Result<String> {
    Ok(match value {
        Value::Boolean(b) => b.to_string(),
        Value::Int64(n) => n.to_string(),
        Value::Decimal { unscaled, scale } => Decimal::from_str(&decimal_text(*unscaled, *scale))?.to_string(),
        Value::Float64(x) => double_text(*x),
        Value::Text(text) => text.clone(),
        Value::Date(days) => Date::from_str(&date_text(i64::from(*days)))?.to_string(),
        Value::Timestamp(micros) => {
            let zone = if data_type == (DataType::Timestamp { zoned: true }) { "Z" } else { "" };
            DateTime::from_str(&format!("{}{zone}", timestamp_text(*micros)))?.to_string()
        }
        Value::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
    })
}

fn double_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "INF" } else { "-INF" }.to_owned();
    }
    match format!("{x:e}").split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => x.to_string(),
    }
}

pub(crate) fn decimal_text(unscaled: i128, scale: u8) -> String {
    let power = 10_u128.pow(u32::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    let (whole, rest) = (unscaled.unsigned_abs() / power, unscaled.unsigned_abs() % power);
    if scale == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:0width$}", width = usize::from(scale))
}

/// The proleptic Gregorian date of a day, counted by walking years and months.
pub(crate) fn date_text(days_since_1970: i64) -> String {
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    // 400 years have 146,097 days; start at a multiple of them before the wanted day.
    let cycles = days_since_1970.div_euclid(146_097);
    let (mut year, mut rest) = (1970 + 400 * cycles, days_since_1970.rem_euclid(146_097));
    while rest >= 365 + i64::from(is_leap(year)) {
        rest -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

pub(crate) fn timestamp_text(micros: i64) -> String {
    let (day, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{fraction:06}", date_text(day))
}

#[cfg(test)]
mod tests;
