//! A first mapping for a source, to be edited by hand.
//!
//! It has the shape of the W3C's Direct Mapping, made pleasant: a triples map a table, IRIs from keys, foreign keys as
//! references, tables of two foreign keys as direct properties, columns as literals. Classes and properties are those of the
//! ontology that fit by name and type; what none fits gets a term of the source's own namespace. The same description and
//! ontology always give the same text.

mod name;
mod score;
mod shape;
mod terms;
mod words;
mod write;

pub use terms::OntologyTerms;
pub(crate) use terms::{OntologyTerm, TermClass, is_datatype, local_name};

use crate::r2rml::MappingLimits;
use name::{Names, Namespaces, Prefixes, class_names, paths, property_name};
use oxrdf::NamedNode;
use score::{Candidate, Choice, Matcher, Wanted, WantedKind, assign};
use shape::{Entity, Link, Shape, column_names, link_words, reference_words, required, shapes, table_words};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::contract::{Column, Description, ForeignKey};
use words::{Words, compared, split};
use write::{Identifiers, Writer, shown_list};

/// What a mapping is suggested from.
#[derive(Clone, Copy, Debug)]
pub struct SuggestRequest<'a> {
    pub source: &'a str,
    /// The source's IRIs begin with it and the name of the source.
    pub base: &'a str,
    /// Prefixes to shorten IRIs with: (prefix, namespace).
    pub prefixes: &'a [(String, String)],
    pub description: &'a Description,
    pub ontology: &'a OntologyTerms,
}

/// A mapping in Turtle, and what is worth knowing of it.
#[derive(Clone, Debug)]
pub struct Suggestion {
    pub text: String,
    pub tables: usize,
    /// Classes and properties of the ontology, and the source's own.
    pub ontology_terms: usize,
    pub own_terms: usize,
    /// What someone should look at, a sentence each.
    pub remarks: Vec<String>,
}

/// Why there is no suggestion.
#[derive(Debug, thiserror::Error)]
pub enum SuggestError {
    #[error("source {0} has no table with columns")]
    NoTables(String),
    #[error("source {source_name} has {columns} columns, and a mapping makes at most {limit} triple maps")]
    TooLarge { source_name: String, columns: usize, limit: usize },
    #[error("the base {base:?} and source {source_name} make no IRI")]
    Namespace { base: String, source_name: String },
}

/// A table that is a thing, with its terms.
struct ChosenEntity<'a> {
    shape: &'a Entity<'a>,
    class: NamedNode,
    choice: Choice,
    /// The template, as Turtle.
    subject: String,
    properties: Vec<ChosenProperty<'a>>,
    remarks: Vec<String>,
}

/// A table that is references, with its term.
struct ChosenLink<'a> {
    shape: &'a Link<'a>,
    subject: String,
    property: ChosenProperty<'a>,
}

/// A column or a reference, with its term.
struct ChosenProperty<'a> {
    iri: NamedNode,
    choice: Choice,
    column: Option<&'a Column>,
    reference: Option<&'a ForeignKey>,
}

/// What becomes a property of a thing.
#[derive(Clone, Copy)]
enum Item<'a> {
    Column(&'a Column),
    Reference(&'a ForeignKey),
    Link(&'a Link<'a>),
}

/// The namespace of a source's own classes and properties.
pub fn source_namespace(base: &str, source: &str) -> Option<String> {
    Some(Namespaces::new(base, source)?.terms)
}

/// Suggests a mapping.
pub fn suggest(request: &SuggestRequest<'_>) -> Result<Suggestion, SuggestError> {
    let columns =
        request.description.tables.iter().map(|table| table.columns.len() + table.foreign_keys.len() + 1).sum();
    let limit = MappingLimits::default().triples;
    let source_name = request.source.to_owned();
    if columns > limit {
        return Err(SuggestError::TooLarge { source_name, columns, limit });
    }
    let shapes = shapes(request.description);
    if shapes.is_empty() {
        return Err(SuggestError::NoTables(source_name));
    }
    let Some(namespaces) = Namespaces::new(request.base, request.source) else {
        return Err(SuggestError::Namespace { base: request.base.to_owned(), source_name });
    };
    let (entities, links) = Choices::new(request, &shapes).named(&namespaces, Identifiers::new(request.description));
    Ok(written(request, &namespaces, &entities, &links))
}

/// Things, what becomes a property of each, and what the ontology has for it.
struct Choices<'a> {
    entities: Vec<&'a Entity<'a>>,
    items: Vec<Vec<Item<'a>>>,
    classes: Vec<Choice>,
    properties: Vec<Vec<Choice>>,
}

impl<'a> Choices<'a> {
    fn new(request: &SuggestRequest<'_>, shapes: &'a [Shape<'a>]) -> Self {
        let (mut entities, mut links) = (Vec::new(), Vec::new());
        for shape in shapes {
            match shape {
                Shape::Entity(entity) => entities.push(entity),
                Shape::Link(link) => links.push(link),
            }
        }
        let matcher = Matcher::new(request.ontology);
        let wanted = entities.iter().map(|entity| matcher.candidates(&class_wanted(entity)));
        let classes = assign(&wanted.collect::<Vec<_>>());
        let class_of: BTreeMap<&str, &NamedNode> = entities
            .iter()
            .zip(&classes)
            .filter_map(|(entity, choice)| Some((entity.table.name.as_str(), &choice.taken.as_ref()?.iri)))
            .collect();
        let items: Vec<Vec<Item<'_>>> = entities.iter().map(|entity| items(entity, &links)).collect();
        let mut properties = Vec::with_capacity(entities.len());
        for (entity, items) in entities.iter().zip(&items) {
            let wanted = items.iter().map(|item| item_wanted(entity, *item, &class_of));
            properties.push(assign(&wanted.map(|wanted| matcher.candidates(&wanted)).collect::<Vec<_>>()));
        }
        Self { entities, items, classes, properties }
    }

    /// With the source's own terms where the ontology has none, and with templates.
    fn named(self, namespaces: &Namespaces, identifiers: Identifiers) -> (Vec<ChosenEntity<'a>>, Vec<ChosenLink<'a>>) {
        let own = own_properties(&self.entities, &self.items);
        let names = class_names(&self.entities);
        let paths = paths(self.entities.iter().map(|entity| entity.table.name.as_str()));
        let (mut found, mut links) = (Vec::new(), Vec::new());
        for (i, (entity, class)) in self.entities.into_iter().zip(self.classes).enumerate() {
            let table = entity.table.name.as_str();
            let path = paths.get(table).map_or("", String::as_str);
            let prefix = format!("{}{path}/", namespaces.things);
            let mut properties = Vec::with_capacity(self.items[i].len());
            for ((item, choice), own) in self.items[i].iter().zip(&self.properties[i]).zip(&own[i]) {
                let property = property(*item, choice, &namespaces.terms, own);
                match item {
                    Item::Link(shape) => {
                        let subject = identifiers.template(&prefix, shape.subject.iter().copied());
                        links.push(ChosenLink { shape, subject, property });
                    }
                    _ => properties.push(property),
                }
            }
            let columns = entity.table.columns.iter().map(|column| column.name.as_str());
            let subject = match entity.key {
                Some(key) => identifiers.template(&prefix, key.iter().map(String::as_str)),
                None => identifiers.template(&format!("{path}/"), columns),
            };
            let own = names.get(table).map_or("", String::as_str);
            let class_iri = term(&class, &namespaces.terms, own);
            let remarks = remarks(entity);
            found.push(ChosenEntity { shape: entity, class: class_iri, choice: class, subject, properties, remarks });
        }
        (found, links)
    }
}

fn items<'a>(entity: &'a Entity<'a>, links: &[&'a Link<'a>]) -> Vec<Item<'a>> {
    let columns = entity.literals.iter().map(|column| Item::Column(column));
    let references = entity.references.iter().map(|key| Item::Reference(key));
    let links =
        links.iter().filter(|link| link.from.referenced_table == entity.table.name).map(|link| Item::Link(link));
    columns.chain(references).chain(links).collect()
}

fn class_wanted<'a>(entity: &Entity<'_>) -> Wanted<'a> {
    let words = compared(&table_words(&entity.table.name).join("_"));
    Wanted { names: vec![(words, 1.0)], kind: WantedKind::Class }
}

fn item_wanted<'a>(entity: &Entity<'_>, item: Item<'_>, classes: &BTreeMap<&str, &'a NamedNode>) -> Wanted<'a> {
    let table = entity.table.name.as_str();
    let class = classes.get(table).copied();
    let reference = |words: Words, key: &ForeignKey| {
        let mut names = column_names(table, &words);
        let target = classes.get(key.referenced_table.as_str()).copied();
        // Of several references to one table, its name tells none from the others.
        let to_same = entity.references.iter().filter(|other| other.referenced_table == key.referenced_table);
        if to_same.count() < 2 {
            names.push((compared(&table_words(&key.referenced_table).join("_")), 0.85));
            names.extend(target.map(|class| (compared(local_name(class.as_str())), 0.85)));
        }
        Wanted { names, kind: WantedKind::Reference { class, target } }
    };
    match item {
        Item::Column(column) => {
            let names = column_names(table, &split(&column.name));
            Wanted { names, kind: WantedKind::Literal { data_type: column.data_type, class } }
        }
        Item::Reference(key) => reference(reference_words(entity.table, key), key),
        Item::Link(link) => reference(link_words(link), link.to),
    }
}

/// The names of properties where the ontology has none. Within a table each is given once; a name that some column has is
/// given to no reference of any table, so that its values are all literals.
fn own_properties(entities: &[&Entity<'_>], items: &[Vec<Item<'_>>]) -> Vec<Vec<String>> {
    let column_name = |item: &Item<'_>| match item {
        Item::Column(column) => Some(property_name(&split(&column.name))),
        _ => None,
    };
    let literals: BTreeSet<String> = items.iter().flatten().filter_map(column_name).collect();
    let mut found = Vec::with_capacity(items.len());
    for (entity, items) in entities.iter().zip(items) {
        let mut names = Names::default();
        let mut of_table = Vec::with_capacity(items.len());
        for item in items {
            let reference = |words: Words| {
                let name = property_name(&words);
                if literals.contains(&name) { format!("{name}Ref") } else { name }
            };
            let wanted = match item {
                Item::Column(column) => property_name(&split(&column.name)),
                Item::Reference(key) => reference(reference_words(entity.table, key)),
                Item::Link(link) => reference(link_words(link)),
            };
            of_table.push(names.unique(wanted));
        }
        found.push(of_table);
    }
    found
}

fn property<'a>(item: Item<'a>, choice: &Choice, terms: &str, own: &str) -> ChosenProperty<'a> {
    let (column, reference) = match item {
        Item::Column(column) => (Some(column), None),
        Item::Reference(key) => (None, Some(key)),
        Item::Link(link) => (None, Some(link.to)),
    };
    ChosenProperty { iri: term(choice, terms, own), choice: choice.clone(), column, reference }
}

/// The term that was taken, or the source's own. Letters and digits are valid in any IRI.
fn term(choice: &Choice, terms: &str, own: &str) -> NamedNode {
    let own = || NamedNode::new_unchecked(format!("{terms}{own}"));
    choice.taken.as_ref().map_or_else(own, |Candidate { iri, .. }| iri.clone())
}

fn remarks(entity: &Entity<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if entity.key.is_none() {
        remarks.push("Each row is a blank node of all its columns: name a key, and it has an IRI.".to_owned());
    }
    let nullable: Vec<String> = entity.nullable_subject().into_iter().map(str::to_owned).collect();
    if !nullable.is_empty() {
        remarks.push(format!("Rows give nothing where one of these is null: {}.", shown_list(&nullable)));
    }
    let required: Vec<String> = required(entity.table).into_iter().map(str::to_owned).collect();
    if !required.is_empty() {
        remarks.push(format!("Every read must give values for {}.", shown_list(&required)));
    }
    remarks
}

fn written(
    request: &SuggestRequest<'_>,
    namespaces: &Namespaces,
    entities: &[ChosenEntity<'_>],
    links: &[ChosenLink<'_>],
) -> Suggestion {
    let prefixes = Prefixes::new(request.source, &namespaces.terms, request.prefixes);
    let mut writer = Writer::new(prefixes, request);
    let mut remarks = Vec::new();
    for entity in entities {
        let table = write::shown(&entity.shape.table.name);
        remarks.extend(entity.remarks.iter().map(|remark| format!("table {table}: {remark}")));
        writer.entity(entity);
    }
    links.iter().for_each(|link| writer.link(link));
    let properties =
        entities.iter().flat_map(|entity| &entity.properties).chain(links.iter().map(|link| &link.property));
    let choices = entities.iter().map(|entity| &entity.choice).chain(properties.map(|property| &property.choice));
    let (known, own): (Vec<&Choice>, Vec<&Choice>) = choices.partition(|choice| choice.taken.is_some());
    let tables = entities.len() + links.len();
    Suggestion { text: writer.finish(tables), tables, ontology_terms: known.len(), own_terms: own.len(), remarks }
}
