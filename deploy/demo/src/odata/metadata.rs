//! The service and metadata documents.

use super::schema::{Edm, EntitySet, Property, Schema};
use serde_json::{Value, json};
use std::fmt::Write;

const NAMESPACE: &str = "aldermoor.plm";

pub(super) fn service_document(schema: &Schema, root: &str) -> Value {
    let sets: Vec<Value> =
        schema.sets.iter().map(|set| json!({ "name": set.name, "kind": "EntitySet", "url": set.name })).collect();
    json!({ "@odata.context": format!("{root}$metadata"), "value": sets })
}

/// CSDL XML of OData 4.0. Names come from SQL identifiers made of letters, digits and underscores, so nothing needs
/// escaping.
pub(super) fn metadata(schema: &Schema) -> String {
    let mut types = String::new();
    let mut container = String::new();
    for set in &schema.sets {
        entity_type(&mut types, schema, set);
        entity_set(&mut container, schema, set);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n\
         <edmx:Reference Uri=\"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Capabilities.V1.xml\">\
         <edmx:Include Namespace=\"Org.OData.Capabilities.V1\" Alias=\"Capabilities\"/></edmx:Reference>\n\
         <edmx:DataServices>\n\
         <Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\n\
         {types}<EntityContainer Name=\"Service\">\n\
         <Annotation Term=\"Capabilities.ConformanceLevel\" EnumMember=\"Capabilities.ConformanceLevelType/Minimal\"/>\n\
         <Annotation Term=\"Capabilities.FilterFunctions\"><Collection><String>startswith</String>\
         <String>endswith</String><String>contains</String></Collection></Annotation>\n\
         {container}</EntityContainer>\n</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n"
    )
}

/// Writing to a `String` cannot fail, so the results of `write!` are dropped here and below.
fn entity_type(out: &mut String, schema: &Schema, set: &EntitySet) {
    let _ = writeln!(out, "<EntityType Name=\"{}\">", set.type_name());
    let keys: String = set.key.iter().map(|&k| format!("<PropertyRef Name=\"{}\"/>", set.properties[k].name)).collect();
    let _ = writeln!(out, "<Key>{keys}</Key>");
    for property in &set.properties {
        let _ = writeln!(out, "{}", property_element(property));
    }
    for navigation in &set.navigation {
        let target = &schema.sets[navigation.target];
        let nullable = navigation.columns.iter().any(|&(here, _)| set.properties[here].nullable);
        let _ = write!(
            out,
            "<NavigationProperty Name=\"{}\" Type=\"{NAMESPACE}.{}\" Nullable=\"{nullable}\">",
            navigation.name,
            target.type_name()
        );
        for &(here, there) in &navigation.columns {
            let (here, there) = (&set.properties[here].name, &target.properties[there].name);
            let _ = write!(out, "<ReferentialConstraint Property=\"{here}\" ReferencedProperty=\"{there}\"/>");
        }
        let _ = writeln!(out, "</NavigationProperty>");
    }
    let _ = writeln!(out, "</EntityType>");
}

fn property_element(property: &Property) -> String {
    let facets = match property.edm {
        Edm::Decimal { precision, scale } => format!(" Precision=\"{precision}\" Scale=\"{scale}\""),
        Edm::DateTimeOffset => " Precision=\"6\"".to_owned(),
        _ => String::new(),
    };
    let Property { name, edm, nullable } = property;
    format!("<Property Name=\"{name}\" Type=\"{}\" Nullable=\"{nullable}\"{facets}/>", edm.name())
}

fn entity_set(out: &mut String, schema: &Schema, set: &EntitySet) {
    let _ = writeln!(out, "<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\">", set.name, set.type_name());
    for navigation in &set.navigation {
        let (name, target) = (&navigation.name, &schema.sets[navigation.target].name);
        let _ = writeln!(out, "<NavigationPropertyBinding Path=\"{name}\" Target=\"{target}\"/>");
    }
    let _ = writeln!(out, "</EntitySet>");
}
