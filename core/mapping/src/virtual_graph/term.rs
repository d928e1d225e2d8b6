//! The type of a term map, and how its columns become it.

use super::blank_node::label_shape;
use super::computed::{check_number, coded, converted, normalised, normalised_column};
use super::datatype::{declared, natural_of};
use super::resolve::{Resolver, constant};
use super::{Build, MappedTerm};
use crate::r2rml::{Location, TermKind, TermMap, is_relative};
use oxrdf::NamedNode;
use weft_model::contract::{Column, DataType, Table, TypeKind};
use weft_model::term::{IriShape, KeyKind, LiteralType, TermType};

impl<'a> Resolver<'a> {
    pub(super) fn term(&mut self, map: &TermMap, table: &'a Table) -> Option<MappedTerm> {
        let term = self.unwritten(map, table)?;
        self.note(table, &term, map.location());
        Some(term)
    }

    fn unwritten(&mut self, map: &TermMap, table: &'a Table) -> Option<MappedTerm> {
        match map {
            TermMap::Constant { term, .. } => Some(constant(term.clone())),
            TermMap::Column { column, kind, location } => {
                let column = self.column(table, column, location)?;
                self.column_term(table, column, kind, location)
            }
            TermMap::Template { shape, columns, kind, location } => {
                let columns = self.columns(table, columns, location)?;
                let mapped = match kind {
                    TermKind::Normalised { values, kind } => {
                        let columns = columns.iter().zip(values);
                        let columns: Vec<Column> =
                            columns.map(|(column, value)| normalised_column(column, value.as_ref())).collect();
                        let term = self.template_term(shape, &columns.iter().collect::<Vec<_>>(), kind);
                        term.map(|term| normalised(term, values))
                    }
                    kind => self.template_term(shape, &columns, kind),
                };
                self.mapped(mapped, location)
            }
        }
    }

    fn mapped(&mut self, mapped: Result<MappedTerm, String>, location: &Location) -> Option<MappedTerm> {
        mapped.map_err(|message| self.error(location, message)).ok()
    }

    fn column_term(
        &mut self,
        table: &Table,
        column: &Column,
        kind: &TermKind,
        location: &Location,
    ) -> Option<MappedTerm> {
        let mapped = match kind {
            TermKind::Normalised { values, kind } => {
                let column = normalised_column(column, values.first().and_then(Option::as_ref));
                let term = self.column_term(table, &column, kind, location)?;
                return Some(normalised(term, values));
            }
            TermKind::Coded(list) => Ok(coded(column, list)),
            TermKind::Measured { unit, conversion, datatype, .. } => {
                self.measure(table, column, unit, location);
                match conversion {
                    Some(conversion) => converted(column, conversion),
                    None => {
                        literal(column, datatype.as_ref()).and_then(|term| check_number(column, &term).map(|()| term))
                    }
                }
            }
            TermKind::Iri => self.iri_column(column),
            TermKind::BlankNode => self.blank_node(&[String::new(), String::new()], &[column]),
            TermKind::Literal { datatype, language: None } => literal(column, datatype.as_ref()),
            TermKind::Literal { language: Some(tag), .. } => language(column, tag),
            TermKind::Encoded => self.encoded(column, true),
        };
        self.mapped(mapped, location)
    }

    fn template_term(&self, shape: &IriShape, columns: &[&Column], kind: &TermKind) -> Result<MappedTerm, String> {
        match kind {
            TermKind::Iri => {
                let prefix = if is_relative(shape)? { self.base } else { "" };
                Ok(iri(&prefixed(prefix, shape.parts())?, columns))
            }
            TermKind::BlankNode => self.blank_node(shape.parts(), columns),
            // The reader lets only columns be encoded.
            TermKind::Encoded | TermKind::Coded(_) | TermKind::Measured { .. } | TermKind::Normalised { .. } => {
                Err("this kind of term map needs rr:column".to_owned())
            }
            TermKind::Literal { datatype, language } => Ok(MappedTerm {
                term_type: TermType::General,
                columns: names(columns),
                build: Build::LiteralTemplate {
                    parts: shape.parts().to_vec(),
                    datatype: datatype.clone(),
                    language: language.clone(),
                },
            }),
        }
    }

    /// A column as IRIs: text may be absolute. The text of most other types never is and has no character that a
    /// template would encode, so that it is what the template `base{column}` builds, and joins on the column.
    fn iri_column(&self, column: &Column) -> Result<MappedTerm, String> {
        if matches!(column.data_type.kind(), TypeKind::Text | TypeKind::Timestamp) {
            let build = Build::IriColumn { base: self.base.to_owned() };
            return Ok(MappedTerm { term_type: TermType::General, columns: names(&[column]), build });
        }
        Ok(iri(&prefixed(self.base, &[String::new(), String::new()])?, &[column]))
    }

    /// A column of encoded terms.
    fn encoded(&self, column: &Column, literals: bool) -> Result<MappedTerm, String> {
        let parts = [String::new(), String::new()];
        let labels = label_shape(self.source, &parts).map_err(|error| error.to_string())?;
        encoded_column(column, Build::EncodedTerm { labels, literals })
    }

    /// A subject, which is no literal.
    pub(super) fn subject(&mut self, map: &TermMap, table: &'a Table) -> Option<MappedTerm> {
        let mapped = self.term(map, table)?;
        let Build::EncodedTerm { labels, .. } = mapped.build else { return Some(mapped) };
        Some(MappedTerm { build: Build::EncodedTerm { labels, literals: false }, ..mapped })
    }

    /// A predicate or a graph, which are IRIs.
    pub(super) fn iri_term(&mut self, map: &TermMap, table: &'a Table) -> Option<MappedTerm> {
        let TermMap::Column { column, kind: TermKind::Encoded, location } = map else { return self.term(map, table) };
        let column = self.column(table, column, location)?;
        let term = self.mapped(encoded_column(column, Build::EncodedIri), location)?;
        self.note(table, &term, location);
        Some(term)
    }

    fn blank_node(&self, parts: &[String], columns: &[&Column]) -> Result<MappedTerm, String> {
        let shape = label_shape(self.source, parts).map_err(|error| error.to_string())?;
        Ok(MappedTerm { term_type: TermType::General, columns: names(columns), build: Build::BlankNode(shape) })
    }
}

fn encoded_column(column: &Column, build: Build) -> Result<MappedTerm, String> {
    if column.data_type != DataType::Text {
        let (name, data_type) = (&column.name, column.data_type);
        return Err(format!("column {name:?} of type {data_type} cannot hold encoded terms: only text does"));
    }
    Ok(MappedTerm { term_type: TermType::General, columns: names(&[column]), build })
}

fn names(columns: &[&Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

fn iri(shape: &IriShape, columns: &[&Column]) -> MappedTerm {
    if !shape.is_injective() {
        let build = Build::IriTemplate(shape.clone());
        return MappedTerm { term_type: TermType::General, columns: names(columns), build };
    }
    let key = |column: &&Column| if column.data_type == DataType::Int64 { KeyKind::Int64 } else { KeyKind::Text };
    let term_type = TermType::Iri { shape: shape.clone(), keys: columns.iter().map(key).collect() };
    MappedTerm { term_type, columns: names(columns), build: Build::Columns }
}

/// The shape with these parts behind a prefix.
fn prefixed(prefix: &str, parts: &[String]) -> Result<IriShape, String> {
    let mut template = String::new();
    for c in prefix.chars() {
        escape(c, &mut template);
    }
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            template.push_str("{key}");
        }
        part.chars().for_each(|c| escape(c, &mut template));
    }
    IriShape::parse(&template).map(|(shape, _)| shape).map_err(|error| error.to_string())
}

fn escape(c: char, template: &mut String) {
    if matches!(c, '\\' | '{' | '}') {
        template.push('\\');
    }
    template.push(c);
}

fn literal(column: &Column, datatype: Option<&NamedNode>) -> Result<MappedTerm, String> {
    let literal = match datatype {
        None => natural_of(column),
        Some(datatype) => declared(column.data_type, datatype).map_err(|why| {
            format!("column {:?} of type {} cannot be {}: {why}", column.name, column.data_type, short(datatype))
        })?,
    };
    Ok(MappedTerm { term_type: TermType::Literal(literal), columns: names(&[column]), build: Build::Columns })
}

fn language(column: &Column, tag: &str) -> Result<MappedTerm, String> {
    if column.data_type != DataType::Text {
        return Err(format!(
            "column {:?} of type {} cannot have a language: only text has",
            column.name, column.data_type
        ));
    }
    let term_type = TermType::LangString(tag.to_owned());
    Ok(MappedTerm { term_type, columns: names(&[column]), build: Build::Columns })
}

fn short(datatype: &NamedNode) -> String {
    TermType::Literal(LiteralType::Other(datatype.clone())).to_string()
}
