//! `$metadata`: CSDL XML, as far as tables need it (OData CSDL XML 4.01).

use crate::restrictions::{Restrictions, Terms};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::HashMap;
use weft_guest::{Code, Error, Result};

/// The most XML nodes of `$metadata`. The largest known services have some hundred thousand.
const MAX_NODES: u32 = 2_000_000;
/// The longest chain of base types.
const MAX_BASE_TYPES: usize = 20;

pub struct Metadata {
    /// `4.0` or `4.01`.
    pub version: String,
    pub sets: Vec<EntitySet>,
}

pub struct EntitySet {
    pub name: String,
    pub properties: Vec<Property>,
    pub key: Vec<String>,
    pub navigations: Vec<NavigationProperty>,
    pub restrictions: Restrictions,
}

#[derive(Clone)]
pub struct Property {
    pub name: String,
    /// Qualified; enumerations are named here and have `is_enum`.
    pub edm_type: String,
    pub is_enum: bool,
    pub nullable: bool,
    pub precision: Option<u8>,
    /// `None`: absent or variable.
    pub scale: Option<u8>,
    pub unit: Option<String>,
}

/// A single-valued navigation property with referential constraints.
pub struct NavigationProperty {
    pub name: String,
    pub target: String,
    /// Property here, property there.
    pub constraints: Vec<(String, String)>,
}

struct Schema<'a, 'input> {
    /// Qualified name to element.
    entity_types: HashMap<String, Node<'a, 'input>>,
    enum_types: Vec<String>,
    /// Type definitions and what they stand for.
    definitions: HashMap<String, String>,
    aliases: HashMap<String, String>,
}

fn unreadable(reason: impl std::fmt::Display) -> Error {
    Error::new(Code::InvalidData, format!("the $metadata of the service cannot be read: {reason}"))
}

impl Metadata {
    pub fn parse(xml: &str) -> Result<Self> {
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(xml, options).map_err(unreadable)?;
        let root = document.root_element();
        if root.tag_name().name() != "Edmx" {
            return Err(unreadable(format_args!("its root element is {}, not Edmx", root.tag_name().name())));
        }
        let version = root.attribute("Version").unwrap_or_default().to_owned();
        if !version.starts_with('4') {
            return Err(unreadable(format_args!("it is of OData version {version:?}; version 4 is needed")));
        }
        let schema = Schema::index(root);
        let terms = Terms::index(root, &|name| schema.qualified(name));
        let mut sets = Vec::new();
        for container in elements(root, "EntityContainer") {
            let namespace = container.parent().and_then(|node| node.attribute("Namespace")).unwrap_or_default();
            let container_name = format!("{namespace}.{}", container.attribute("Name").unwrap_or_default());
            for set in children(container, "EntitySet") {
                sets.push(schema.entity_set(set, &container_name, &terms)?);
            }
        }
        Ok(Self { version, sets })
    }
}

pub fn children<'a, 'input>(node: Node<'a, 'input>, name: &str) -> impl Iterator<Item = Node<'a, 'input>> {
    let name = name.to_owned();
    node.children().filter(move |child| child.tag_name().name() == name)
}

pub fn elements<'a, 'input>(node: Node<'a, 'input>, name: &str) -> impl Iterator<Item = Node<'a, 'input>> {
    let name = name.to_owned();
    node.descendants().filter(move |child| child.tag_name().name() == name)
}

impl<'a, 'input> Schema<'a, 'input> {
    fn index(root: Node<'a, 'input>) -> Self {
        let mut schema = Self {
            entity_types: HashMap::new(),
            enum_types: Vec::new(),
            definitions: HashMap::new(),
            aliases: HashMap::new(),
        };
        for node in elements(root, "Schema").chain(elements(root, "Include")) {
            if let (Some(alias), Some(namespace)) = (node.attribute("Alias"), node.attribute("Namespace")) {
                schema.aliases.insert(alias.to_owned(), namespace.to_owned());
            }
        }
        for node in elements(root, "Schema") {
            let namespace = node.attribute("Namespace").unwrap_or_default();
            for child in node.children() {
                let name = format!("{namespace}.{}", child.attribute("Name").unwrap_or_default());
                match child.tag_name().name() {
                    "EntityType" => drop(schema.entity_types.insert(name, child)),
                    "EnumType" => schema.enum_types.push(name),
                    "TypeDefinition" => {
                        let underlying = child.attribute("UnderlyingType").unwrap_or_default();
                        schema.definitions.insert(name, underlying.to_owned());
                    }
                    _ => {}
                }
            }
        }
        schema
    }

    /// A qualified name with its namespace instead of an alias.
    fn qualified(&self, name: &str) -> String {
        match name.rsplit_once('.') {
            Some((prefix, rest)) => match self.aliases.get(prefix) {
                Some(namespace) => format!("{namespace}.{rest}"),
                None => name.to_owned(),
            },
            None => name.to_owned(),
        }
    }

    /// The type and its base types, the base first.
    fn lineage(&self, name: &str) -> Result<Vec<Node<'a, 'input>>> {
        let mut lineage = Vec::new();
        let mut next = Some(self.qualified(name));
        while let Some(name) = next {
            let found = self.entity_types.get(&name).copied();
            let node = found.ok_or_else(|| unreadable(format_args!("there is no entity type {name}")))?;
            if lineage.len() >= MAX_BASE_TYPES {
                return Err(unreadable(format_args!("the base types of {name} never end")));
            }
            lineage.push(node);
            next = node.attribute("BaseType").map(|base| self.qualified(base));
        }
        lineage.reverse();
        Ok(lineage)
    }

    fn entity_set(&self, set: Node<'a, 'input>, container: &str, terms: &Terms<'a, 'input>) -> Result<EntitySet> {
        let name = set.attribute("Name").ok_or_else(|| unreadable("an entity set has no name"))?.to_owned();
        let lineage = self.lineage(set.attribute("EntityType").unwrap_or_default())?;
        let key: Vec<String> = lineage
            .iter()
            .flat_map(|node| children(*node, "Key"))
            .flat_map(|key| children(key, "PropertyRef"))
            // An alias stands for a path into a complex property, which is no column.
            .filter_map(|part| part.attribute("Name").map(str::to_owned))
            .collect();
        let bindings: HashMap<&str, &str> = children(set, "NavigationPropertyBinding")
            .filter_map(|binding| Some((binding.attribute("Path")?, binding.attribute("Target")?)))
            .collect();
        let properties = lineage.iter().flat_map(|node| children(*node, "Property"));
        let navigations = lineage.iter().flat_map(|node| children(*node, "NavigationProperty"));
        let restrictions = terms.restrictions(set, &format!("{container}/{name}"));
        let mut found = EntitySet {
            properties: properties.filter_map(|node| self.property(node, terms)).collect(),
            navigations: navigations.filter_map(|node| navigation(node, &bindings)).collect(),
            name,
            key,
            restrictions,
        };
        for property in &mut found.properties {
            property.nullable &= !found.key.contains(&property.name);
        }
        if !found.key.iter().all(|part| found.properties.iter().any(|property| &property.name == part)) {
            found.key.clear();
        }
        Ok(found)
    }

    /// `None` for what is no column: collections, complex values, streams, geometries.
    fn property(&self, node: Node<'a, 'input>, terms: &Terms<'a, 'input>) -> Option<Property> {
        let name = node.attribute("Name")?.to_owned();
        let mut edm_type = self.qualified(node.attribute("Type")?);
        if let Some(underlying) = self.definitions.get(&edm_type) {
            edm_type = underlying.clone();
        }
        let is_enum = self.enum_types.contains(&edm_type);
        if !is_enum && !crate::describe::is_column_type(&edm_type) {
            return None;
        }
        Some(Property {
            name,
            edm_type,
            is_enum,
            nullable: node.attribute("Nullable") != Some("false"),
            precision: node.attribute("Precision").and_then(|text| text.parse().ok()),
            scale: node.attribute("Scale").and_then(|text| text.parse().ok()),
            unit: terms.unit(node),
        })
    }
}

fn navigation(node: Node<'_, '_>, bindings: &HashMap<&str, &str>) -> Option<NavigationProperty> {
    let name = node.attribute("Name")?;
    if node.attribute("Type")?.starts_with("Collection(") {
        return None;
    }
    let constraints: Vec<_> = children(node, "ReferentialConstraint")
        .filter_map(|c| Some((c.attribute("Property")?.to_owned(), c.attribute("ReferencedProperty")?.to_owned())))
        .collect();
    let target = (*bindings.get(name)?).to_owned();
    (!constraints.is_empty()).then(|| NavigationProperty { name: name.to_owned(), target, constraints })
}

#[cfg(test)]
mod tests;
