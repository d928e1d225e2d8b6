//! From statements to a [`Mapping`].

use super::document::Document;
use super::{
    Location, LogicalTable, Mapping, MappingError, MappingLimits, ObjectMap, PredicateObjectMap, ReadFile, SqlName,
    TermMap, TriplesMap, vocabulary,
};
use crate::suggestion::{did_you_mean, nearest};
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{NamedNode, NamedOrBlankNode, Term};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Reads one document and collects everything that is wrong with it.
pub(super) struct Reader<'a> {
    file: Arc<str>,
    pub(super) base: &'a str,
    pub(super) limits: &'a MappingLimits,
    /// Reads a file that the document names.
    pub(super) files: &'a ReadFile<'a>,
    document: &'a Document,
    /// Statements that had a meaning, by number.
    used: Vec<bool>,
    /// Nodes with a property that is not understood: what they lack is not reported as well.
    faulty: HashSet<NamedOrBlankNode>,
    /// The triples maps by number.
    triples_maps: HashMap<NamedOrBlankNode, usize>,
    /// The name of the triples map that is read.
    current: Option<String>,
    pub(super) errors: Vec<MappingError>,
}

/// The object of a statement.
pub(super) struct Value {
    pub(super) term: Term,
    pub(super) line: u64,
}

/// What a `rr:subject` or `rr:subjectMap` says.
struct Subject {
    term: TermMap,
    classes: Vec<NamedNode>,
    graphs: Vec<TermMap>,
}

pub(super) fn read(
    file: &str,
    text: &str,
    base: &str,
    limits: &MappingLimits,
    files: &ReadFile<'_>,
) -> Result<Mapping, Vec<MappingError>> {
    let file: Arc<str> = file.into();
    let at = |(line, message): (u64, String)| MappingError { location: Location { file: file.clone(), line }, message };
    if text.len() > limits.document_bytes {
        let message = format!("the document has {} bytes, the limit is {}", text.len(), limits.document_bytes);
        return Err(vec![at((1, message))]);
    }
    let document = Document::parse(text, base).map_err(|faults| faults.into_iter().map(at).collect::<Vec<_>>())?;
    let mut reader = Reader {
        file: file.clone(),
        base,
        limits,
        files,
        document: &document,
        used: vec![false; document.statements.len()],
        faulty: HashSet::new(),
        triples_maps: HashMap::new(),
        current: None,
        errors: Vec::new(),
    };
    let mapping = reader.mapping();
    match super::ordered(reader.errors, limits.errors) {
        errors if errors.is_empty() => Ok(mapping),
        errors => Err(errors),
    }
}

impl Reader<'_> {
    fn mapping(&mut self) -> Mapping {
        self.check_vocabulary();
        let nodes: Vec<_> = self.document.subjects.iter().filter(|node| self.is_triples_map(node)).collect();
        self.triples_maps = nodes.iter().enumerate().map(|(number, node)| ((*node).clone(), number)).collect();
        if nodes.is_empty() {
            self.error(
                1,
                format!("the document has no triples map: no node has rr:logicalTable (rr: is {})", vocabulary::RR),
            );
        }
        let mut triples = 0;
        let mut triples_maps = Vec::new();
        for node in nodes {
            self.current = Some(self.name(node));
            let map = self.triples_map(node, &mut triples);
            self.current = None;
            triples_maps.extend(map);
            if triples > self.limits.triples {
                let line = self.line(node);
                let message =
                    format!("the mapping makes more than {} triple maps, which is the limit", self.limits.triples);
                self.error(line, message);
                break;
            }
        }
        if self.errors.is_empty() {
            self.check_unused();
        }
        Mapping { triples_maps }
    }

    fn check_vocabulary(&mut self) {
        let document = self.document;
        for statement in &document.statements {
            let checked = match (&statement.predicate, &statement.object) {
                (predicate, Term::NamedNode(class)) if *predicate == rdf::TYPE => {
                    vocabulary::check_class(class.as_str())
                }
                (predicate, _) => vocabulary::check_property(predicate.as_str()),
            };
            if let Err(message) = checked {
                self.faulty.insert(statement.subject.clone());
                self.error(statement.line, message);
            }
        }
    }

    /// A statement in R2RML's words that nothing refers to was meant for something.
    fn check_unused(&mut self) {
        let document = self.document;
        for (statement, used) in document.statements.iter().zip(self.used.clone()) {
            let property = statement.predicate.as_str();
            let Some(owner) = vocabulary::owner(property) else { continue };
            if !used {
                let name = self.name(&statement.subject);
                let shown = vocabulary::local_name(property).map(vocabulary::prefixed).unwrap_or_default();
                let message = format!("{shown} has no effect on {name}: it belongs to {owner}");
                self.error(statement.line, format!("{message}, and each of these to a triples map"));
            }
        }
    }

    fn is_triples_map(&self, node: &NamedOrBlankNode) -> bool {
        const MARKS: [&str; 4] = ["logicalTable", "subjectMap", "subject", "predicateObjectMap"];
        self.document.about(node).iter().map(|number| &self.document.statements[*number]).any(|statement| {
            let property = statement.predicate.as_str().strip_prefix(vocabulary::RR);
            let is_typed = statement.predicate == rdf::TYPE
                && matches!(&statement.object, Term::NamedNode(class) if class.as_str().strip_prefix(vocabulary::RR) == Some("TriplesMap"));
            is_typed || property.is_some_and(|name| MARKS.contains(&name))
        })
    }

    fn triples_map(&mut self, node: &NamedOrBlankNode, triples: &mut usize) -> Option<TriplesMap> {
        let table = self.table(node);
        let subject = self.subject(node);
        let in_default_graph = self.in_default_graph(node);
        let subject_graphs = subject.as_ref().map_or(0, |subject| subject.graphs.len());
        let mut predicate_objects = Vec::new();
        for value in self.values(node, "predicateObjectMap") {
            let Some(map) = self.node("rr:predicateObjectMap", "a node with rr:predicate and rr:object", &value) else {
                continue;
            };
            self.predicate_object_map(&map, value.line, &mut predicate_objects);
        }
        *triples += predicate_objects.iter().map(|p| (subject_graphs + p.graphs.len()).max(1)).sum::<usize>();
        let (table, table_line) = table?;
        let subject = subject?;
        *triples += subject.classes.len() * subject.graphs.len().max(1);
        Some(TriplesMap {
            name: self.name(node),
            location: self.location(self.line(node)),
            table,
            table_location: self.location(table_line),
            subject: subject.term,
            classes: subject.classes,
            graphs: subject.graphs,
            predicate_objects,
            in_default_graph,
        })
    }

    fn in_default_graph(&mut self, node: &NamedOrBlankNode) -> bool {
        let Some(value) = self.single(node, vocabulary::IN_DEFAULT_GRAPH) else { return true };
        match &value.term {
            Term::Literal(literal) if literal.datatype() == xsd::BOOLEAN => match literal.value() {
                "true" | "1" => return true,
                "false" | "0" => return false,
                _ => {}
            },
            _ => {}
        }
        let shown = self.shown(&value.term);
        self.error(value.line, format!("weft:inDefaultGraph must be true or false, not {shown}"));
        true
    }

    /// R2RML section 5.
    fn table(&mut self, node: &NamedOrBlankNode) -> Option<(LogicalTable, u64)> {
        let name = self.name(node);
        let Some(value) = self.single(node, "logicalTable") else {
            self.missing(node, self.line(node), format!("the triples map {name} has no rr:logicalTable"));
            return None;
        };
        let table = self.node("rr:logicalTable", "a node with rr:tableName or rr:sqlQuery", &value)?;
        let versions = self.values(&table, "sqlVersion");
        let (identifier, query) = (self.single(&table, "tableName"), self.single(&table, "sqlQuery"));
        let line = identifier.as_ref().or(query.as_ref()).map_or(value.line, |given| given.line);
        let found = match (identifier, query) {
            (Some(identifier), Some(query)) => {
                let message = "rr:tableName together with rr:sqlQuery: a logical table has one of them";
                self.error(identifier.line.max(query.line), message.to_owned());
                return None;
            }
            (None, None) => {
                let message = "the logical table has neither rr:tableName nor rr:sqlQuery";
                self.missing(&table, value.line, message.to_owned());
                return None;
            }
            (Some(identifier), None) => {
                if let Some(version) = versions.first() {
                    self.error(version.line, "rr:sqlVersion belongs to rr:sqlQuery".to_owned());
                }
                let text = self.text("rr:tableName", &identifier)?;
                LogicalTable::Named(self.checked(identifier.line, SqlName::table(&text))?)
            }
            (None, Some(query)) => {
                // Which version it is of, is for the database to know.
                versions.iter().for_each(|version| drop(self.iri("rr:sqlVersion", version)));
                LogicalTable::Query(self.text("rr:sqlQuery", &query)?)
            }
        };
        Some((found, line))
    }

    fn subject(&mut self, node: &NamedOrBlankNode) -> Option<Subject> {
        let name = self.name(node);
        let maps = self.values(node, "subjectMap");
        let constants = self.values(node, "subject");
        if maps.len() + constants.len() > 1 {
            let line = maps.iter().chain(&constants).map(|value| value.line).max()?;
            self.error(line, format!("the triples map {name} has two subject maps"));
            return None;
        }
        if let Some(value) = constants.first() {
            let term = Term::from(self.iri("rr:subject", value)?);
            let term = TermMap::Constant { term, location: self.location(value.line) };
            return Some(Subject { term, classes: Vec::new(), graphs: Vec::new() });
        }
        let Some(value) = maps.first() else {
            self.missing(node, self.line(node), format!("the triples map {name} has no subject map"));
            return None;
        };
        let map = self.node("rr:subjectMap", "a subject map; rr:subject names a constant subject", value)?;
        let classes = self.values(&map, "class").iter().filter_map(|class| self.iri("rr:class", class)).collect();
        let graphs = self.graphs(&map);
        Some(Subject { term: self.subject_map(&map, value.line)?, classes, graphs })
    }

    fn predicate_object_map(&mut self, node: &NamedOrBlankNode, line: u64, found: &mut Vec<PredicateObjectMap>) {
        let mut predicates = Vec::new();
        let constants = self.values(node, "predicate");
        let maps = self.values(node, "predicateMap");
        if constants.is_empty() && maps.is_empty() {
            self.missing(node, line, "the predicate-object map has no predicate".to_owned());
        }
        predicates.extend(constants.iter().filter_map(|value| self.constant_iri("rr:predicate", value)));
        predicates.extend(maps.iter().filter_map(|value| self.iri_map("rr:predicateMap", value)));
        let objects = self.objects(node, line);
        let graphs = self.graphs(node);
        let location = self.location(line);
        // One more than the limit is enough to know that there are too many.
        let room = self.limits.triples.saturating_add(1).saturating_sub(found.len());
        let pairs = predicates.iter().flat_map(|predicate| objects.iter().map(move |object| (predicate, object)));
        found.extend(pairs.take(room).map(|(predicate, object)| PredicateObjectMap {
            location: location.clone(),
            predicate: predicate.clone(),
            object: object.clone(),
            graphs: graphs.clone(),
        }));
    }

    fn objects(&mut self, node: &NamedOrBlankNode, line: u64) -> Vec<ObjectMap> {
        let constants = self.values(node, "object");
        let maps = self.values(node, "objectMap");
        if constants.is_empty() && maps.is_empty() {
            self.missing(node, line, "the predicate-object map has no object".to_owned());
        }
        let mut objects = Vec::new();
        for value in &constants {
            let Some(term) = self.constant("rr:object", value) else { continue };
            objects.push(ObjectMap::Term(TermMap::Constant { term, location: self.location(value.line) }));
        }
        for value in &maps {
            let expected = "an object map; rr:object names a constant object";
            let Some(map) = self.node("rr:objectMap", expected, value) else { continue };
            objects.extend(self.object_map(&map, value.line));
        }
        objects
    }

    fn graphs(&mut self, node: &NamedOrBlankNode) -> Vec<TermMap> {
        let constants = self.values(node, "graph");
        let maps = self.values(node, "graphMap");
        let mut graphs = Vec::new();
        let named = constants.iter().filter_map(|value| Some((self.constant_iri("rr:graph", value)?, value.line)));
        let mut found: Vec<_> = named.collect();
        found.extend(maps.iter().filter_map(|value| Some((self.iri_map("rr:graphMap", value)?, value.line))));
        for (graph, line) in found {
            let valid = graph.iri().map_or(Ok(()), |iri| vocabulary::check_graph(iri.as_str()));
            if let Some(()) = self.checked(line, valid) {
                graphs.push(graph);
            }
        }
        graphs
    }

    fn constant_iri(&mut self, property: &str, value: &Value) -> Option<TermMap> {
        let term = self.iri(property, value)?.into();
        Some(TermMap::Constant { term, location: self.location(value.line) })
    }

    /// The triples map that a term names, by its number.
    pub(super) fn parent(&mut self, value: &Value) -> Option<usize> {
        let node = self.node("rr:parentTriplesMap", "a triples map", value)?;
        let found = self.triples_maps.get(&node).copied();
        if found.is_none() {
            let name = self.name(&node);
            let known: Vec<String> = self.triples_maps.keys().map(|known| self.name(known)).collect();
            let suggestion = did_you_mean(nearest(&name, known.iter().map(String::as_str)));
            self.error(
                value.line,
                format!("rr:parentTriplesMap {name} is not a triples map of this document{suggestion}"),
            );
        }
        found
    }
}

/// Reading single statements.
impl Reader<'_> {
    pub(super) fn values(&mut self, node: &NamedOrBlankNode, property: &str) -> Vec<Value> {
        let mut values = Vec::new();
        let mut seen = HashSet::new();
        let document = self.document;
        for &number in document.about(node) {
            let statement = &document.statements[number];
            if vocabulary::local_name(statement.predicate.as_str()) != Some(property) {
                continue;
            }
            self.used[number] = true;
            if seen.insert(&statement.object) {
                values.push(Value { term: statement.object.clone(), line: statement.line });
            }
        }
        values
    }

    /// The value of a property that may be given once.
    pub(super) fn single(&mut self, node: &NamedOrBlankNode, property: &str) -> Option<Value> {
        let values = self.values(node, property);
        if let Some(second) = values.get(1) {
            self.error(second.line, format!("{} is given twice", vocabulary::prefixed(property)));
        }
        values.into_iter().next()
    }

    pub(super) fn node(&mut self, property: &str, expected: &str, value: &Value) -> Option<NamedOrBlankNode> {
        match &value.term {
            Term::NamedNode(node) => Some(node.clone().into()),
            Term::BlankNode(node) => Some(node.clone().into()),
            other => {
                self.error(value.line, format!("{property} {other} is not {expected}"));
                None
            }
        }
    }

    pub(super) fn iri(&mut self, property: &str, value: &Value) -> Option<NamedNode> {
        if let Term::NamedNode(node) = &value.term {
            return Some(node.clone());
        }
        let shown = self.shown(&value.term);
        self.error(value.line, format!("{property} must be an IRI, not {shown}"));
        None
    }

    pub(super) fn text(&mut self, property: &str, value: &Value) -> Option<String> {
        match &value.term {
            Term::Literal(literal) if literal.datatype() == xsd::STRING => Some(literal.value().to_owned()),
            term => {
                let shown = self.shown(term);
                self.error(value.line, format!("{property} must be a string, not {shown}"));
                None
            }
        }
    }

    pub(super) fn constant(&mut self, property: &str, value: &Value) -> Option<Term> {
        if matches!(value.term, Term::NamedNode(_) | Term::Literal(_)) {
            return Some(value.term.clone());
        }
        let shown = self.shown(&value.term);
        self.error(value.line, format!("{property} must be an IRI or a literal, not {shown}"));
        None
    }

    pub(super) fn checked<T>(&mut self, line: u64, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.error(line, message)).ok()
    }

    pub(super) fn error(&mut self, line: u64, message: String) {
        let location = self.location(line);
        let message = super::within(self.current.as_deref(), message);
        self.errors.push(MappingError { location, message });
    }

    /// An error about something a node lacks, unless a property of it was not understood: that may be the one.
    pub(super) fn missing(&mut self, node: &NamedOrBlankNode, line: u64, message: String) {
        if !self.faulty.contains(node) {
            self.error(line, message);
        }
    }

    pub(super) fn location(&self, line: u64) -> Location {
        Location { file: self.file.clone(), line }
    }

    fn line(&self, node: &NamedOrBlankNode) -> u64 {
        self.document.line(node).unwrap_or(1)
    }

    fn shown(&self, term: &Term) -> String {
        match term {
            Term::BlankNode(node) => self.name(&node.clone().into()),
            other => other.to_string(),
        }
    }

    fn name(&self, node: &NamedOrBlankNode) -> String {
        self.document.name(node)
    }
}
