//! What annotations say a service does not do (`Org.OData.Capabilities.V1`), and units (`Org.OData.Measures.V1`).
//!
//! What no annotation mentions is taken as the protocol has it: supported.

use crate::metadata::{children, elements};
use roxmltree::Node;
use std::collections::HashMap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restrictions {
    pub readable: bool,
    pub filterable: bool,
    pub non_filterable: Vec<String>,
    /// Properties every filter must bind.
    pub required: Vec<String>,
    pub sortable: bool,
    pub non_sortable: Vec<String>,
    pub top: bool,
    pub expandable: bool,
    pub non_expandable: Vec<String>,
    pub countable: bool,
    /// The filter functions there are, when the service lists them.
    pub functions: Option<Vec<String>>,
}

impl Default for Restrictions {
    fn default() -> Self {
        Self {
            readable: true,
            filterable: true,
            non_filterable: Vec::new(),
            required: Vec::new(),
            sortable: true,
            non_sortable: Vec::new(),
            top: true,
            expandable: true,
            non_expandable: Vec::new(),
            countable: true,
            functions: None,
        }
    }
}

impl Restrictions {
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.as_ref().is_none_or(|functions| functions.iter().any(|function| function == name))
    }
}

/// All annotations that stand apart from what they are about, by target.
pub struct Terms<'a, 'input> {
    external: HashMap<String, Vec<Node<'a, 'input>>>,
    container: Vec<Node<'a, 'input>>,
}

/// A term without its namespace, where the namespace (or an alias of it) is that of the vocabulary.
fn term<'a>(annotation: Node<'a, '_>, vocabulary: &str) -> Option<&'a str> {
    let (prefix, name) = annotation.attribute("Term")?.rsplit_once('.')?;
    // Aliases are by convention the vocabulary's own name: `Capabilities`, or `Measures`.
    let is_alias = prefix == vocabulary || prefix == format!("Org.OData.{vocabulary}.V1");
    is_alias.then_some(name)
}

impl<'a, 'input> Terms<'a, 'input> {
    pub fn index(root: Node<'a, 'input>, qualified: &dyn Fn(&str) -> String) -> Self {
        let mut external: HashMap<String, Vec<_>> = HashMap::new();
        for block in elements(root, "Annotations") {
            let target = block.attribute("Target").unwrap_or_default();
            let target = match target.split_once('/') {
                Some((container, rest)) => format!("{}/{rest}", qualified(container)),
                None => qualified(target),
            };
            external.entry(target).or_default().extend(children(block, "Annotation"));
        }
        let mut container: Vec<_> =
            elements(root, "EntityContainer").flat_map(|node| children(node, "Annotation")).collect();
        for node in elements(root, "EntityContainer") {
            let namespace = node.parent().and_then(|schema| schema.attribute("Namespace")).unwrap_or_default();
            let name = format!("{namespace}.{}", node.attribute("Name").unwrap_or_default());
            container.extend(external.get(&name).into_iter().flatten());
        }
        Self { external, container }
    }

    /// The restrictions of an entity set: those of its container, then its own.
    pub fn restrictions(&self, set: Node<'a, 'input>, target: &str) -> Restrictions {
        let mut restrictions = Restrictions::default();
        let own = self.external.get(target).into_iter().flatten().copied();
        for annotation in self.container.iter().copied().chain(children(set, "Annotation")).chain(own) {
            if let Some(term) = term(annotation, "Capabilities") {
                restrictions.apply(term, annotation);
            }
        }
        restrictions
    }

    /// A fixed unit; one that stands in another property is no unit of the column.
    pub fn unit(&self, property: Node<'a, 'input>) -> Option<String> {
        let annotation = children(property, "Annotation").find(|node| term(*node, "Measures") == Some("Unit"))?;
        annotation.attribute("String").map(str::to_owned)
    }
}

impl Restrictions {
    fn apply(&mut self, term: &str, annotation: Node<'_, '_>) {
        let record = children(annotation, "Record").next();
        let value = |name: &str| {
            let record = record?;
            children(record, "PropertyValue").find(|node| node.attribute("Property") == Some(name))
        };
        let flag = |name: &str, default: bool| value(name).map_or(default, |node| boolean(node, default));
        let paths = |name: &str| value(name).map(paths).unwrap_or_default();
        match term {
            "FilterRestrictions" => {
                self.filterable = flag("Filterable", self.filterable);
                self.non_filterable.extend(paths("NonFilterableProperties"));
                self.required.extend(paths("RequiredProperties"));
            }
            "SortRestrictions" => {
                self.sortable = flag("Sortable", self.sortable);
                self.non_sortable.extend(paths("NonSortableProperties"));
                // One direction is not enough to be called sortable.
                self.non_sortable.extend(paths("AscendingOnlyProperties"));
                self.non_sortable.extend(paths("DescendingOnlyProperties"));
            }
            "ExpandRestrictions" => {
                self.expandable = flag("Expandable", self.expandable);
                self.non_expandable.extend(paths("NonExpandableProperties"));
            }
            "CountRestrictions" => self.countable = flag("Countable", self.countable),
            "ReadRestrictions" => self.readable = flag("Readable", self.readable),
            "TopSupported" => self.top = boolean(annotation, self.top),
            "FilterFunctions" => {
                let names = elements(annotation, "String").filter_map(|node| node.text());
                self.functions = Some(names.map(|name| name.trim().to_owned()).collect());
            }
            _ => {}
        }
    }
}

/// `Bool="false"`, or `<Bool>false</Bool>`; an annotation without a value has the term's default, which is true.
fn boolean(node: Node<'_, '_>, default: bool) -> bool {
    let text = node.attribute("Bool").or_else(|| children(node, "Bool").next().and_then(|child| child.text()));
    match text.map(str::trim) {
        Some("false") => false,
        Some("true") => true,
        _ => default,
    }
}

fn paths(node: Node<'_, '_>) -> Vec<String> {
    let elements = node
        .descendants()
        .filter(|child| matches!(child.tag_name().name(), "PropertyPath" | "NavigationPropertyPath" | "Path"));
    let texts = elements.filter_map(|child| child.text()).map(|text| text.trim().to_owned());
    let attributes = ["PropertyPath", "NavigationPropertyPath", "Path"];
    texts.chain(attributes.iter().filter_map(|name| node.attribute(*name)).map(str::to_owned)).collect()
}
