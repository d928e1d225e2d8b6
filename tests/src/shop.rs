//! Shops with one vocabulary: as many sources as wanted that are all alike, and others that have nothing to do with them.
//!
//! Each shop has products, offers and reviews with IRIs of its own; the products it means by them, their features and
//! the makers have IRIs all shops share. Only mappings and descriptions are made here, which is what plans are made of.

use oxrdf::NamedNode;
use std::sync::Arc;
use weft_mapping::{Mapping, VirtualGraph};
use weft_model::contract::{
    AggregateFunction, Binding, Capability, Column, ContractRange, DataType, Description, FilterCapability,
    FilterOperation, ForeignKey, JoinSupport, RelationalCapabilities, Statistic, Table, TextComparison,
};

pub const PREFIX: &str = "PREFIX s: <http://shop.example/v#>\n";

/// Questions by what they show, without their prefix.
pub const QUESTIONS: &[(&str, &str)] = &[
    ("one product", "SELECT * { <http://shop3.example/product/7> s:label ?label ; s:producer ?maker }"),
    (
        "one product and its offers",
        "SELECT * { ?offer s:product <http://shop3.example/product/7> ; s:price ?price ; s:days ?days }",
    ),
    ("a star", "SELECT * { ?p a s:Product ; s:label ?label ; s:producer ?maker ; s:weight ?weight ; s:added ?added }"),
    (
        "offers of products with a feature",
        "SELECT ?label ?price { ?p s:feature <http://shop.example/feature/12> ; s:label ?label . \
         ?o s:product ?p ; s:price ?price ; s:days ?days FILTER (?price < 20) }",
    ),
    (
        "a product everywhere",
        "SELECT ?offer ?price ?label { ?p s:means <http://shop.example/product/99> ; s:label ?label . \
         ?offer s:product ?p ; s:price ?price OPTIONAL { ?p s:weight ?weight } }",
    ),
    (
        "reviews by what is meant",
        "SELECT ?maker ?text { ?p s:means ?what ; s:producer ?maker . ?what s:title ?title . \
         ?review s:about ?p ; s:rating 5 ; s:text ?text }",
    ),
    ("shared subjects", "SELECT * { ?what s:title ?title ; s:category ?category FILTER (?category = \"saw\") }"),
    ("rows in order", "SELECT ?label { ?p a s:Product ; s:label ?label ; s:weight ?weight } ORDER BY ?weight LIMIT 10"),
    ("all of one predicate", "SELECT (COUNT(*) AS ?n) { ?x s:label ?label }"),
];

/// `http://shopN.example/` for N from 1.
pub fn shops(count: usize) -> Vec<VirtualGraph> {
    (1..=count).map(shop).collect()
}

/// Sources of other things, whose names are given by the predicate that shops use: each has so many tables.
pub fn plants(count: usize, tables: usize) -> Vec<VirtualGraph> {
    (1..=count).map(|number| plant(number, tables)).collect()
}

fn shop(number: usize) -> VirtualGraph {
    let tables = vec![
        table(
            "product",
            5_000,
            &[
                ("id", DataType::Int64),
                ("label", DataType::Text),
                ("maker", DataType::Int64),
                ("means", DataType::Int64),
                ("weight", DataType::Float64),
                ("added", DataType::Date),
            ],
            &["id"],
        ),
        table(
            "product_feature",
            40_000,
            &[("product", DataType::Int64), ("feature", DataType::Int64)],
            &["product", "feature"],
        ),
        referring(
            table(
                "offer",
                20_000,
                &[
                    ("id", DataType::Int64),
                    ("product", DataType::Int64),
                    ("price", DataType::Decimal { precision: 10, scale: 2 }),
                    ("days", DataType::Int64),
                ],
                &["id"],
            ),
            "product",
        ),
        referring(
            table(
                "review",
                50_000,
                &[
                    ("id", DataType::Int64),
                    ("product", DataType::Int64),
                    ("rating", DataType::Int64),
                    ("text", DataType::Text),
                ],
                &["id"],
            ),
            "product",
        ),
        table(
            "listing",
            5_000,
            &[("means", DataType::Int64), ("title", DataType::Text), ("category", DataType::Text)],
            &["means"],
        ),
    ];
    graph(&format!("shop{number}"), tables, &SHOP.replace("NUMBER", &number.to_string()))
}

const SHOP: &str = r#"
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix s: <http://shop.example/v#> .
<#product> rr:logicalTable [ rr:tableName "product" ] ;
    rr:subjectMap [ rr:template "http://shopNUMBER.example/product/{id}" ; rr:class s:Product ] ;
    rr:predicateObjectMap [ rr:predicate s:label ; rr:objectMap [ rr:column "label" ] ] ,
        [ rr:predicate s:weight ; rr:objectMap [ rr:column "weight" ] ] ,
        [ rr:predicate s:added ; rr:objectMap [ rr:column "added" ] ] ,
        [ rr:predicate s:producer ; rr:objectMap [ rr:template "http://shop.example/maker/{maker}" ] ] ,
        [ rr:predicate s:means ; rr:objectMap [ rr:template "http://shop.example/product/{means}" ] ] .
<#feature> rr:logicalTable [ rr:tableName "product_feature" ] ;
    rr:subjectMap [ rr:template "http://shopNUMBER.example/product/{product}" ] ;
    rr:predicateObjectMap [ rr:predicate s:feature ; rr:objectMap [ rr:template "http://shop.example/feature/{feature}" ] ] .
<#offer> rr:logicalTable [ rr:tableName "offer" ] ;
    rr:subjectMap [ rr:template "http://shopNUMBER.example/offer/{id}" ; rr:class s:Offer ] ;
    rr:predicateObjectMap [ rr:predicate s:product ; rr:objectMap [ rr:template "http://shopNUMBER.example/product/{product}" ] ] ,
        [ rr:predicate s:price ; rr:objectMap [ rr:column "price" ] ] ,
        [ rr:predicate s:days ; rr:objectMap [ rr:column "days" ] ] ,
        [ rr:predicate s:vendor ; rr:object <http://shopNUMBER.example/> ] .
<#review> rr:logicalTable [ rr:tableName "review" ] ;
    rr:subjectMap [ rr:template "http://shopNUMBER.example/review/{id}" ; rr:class s:Review ] ;
    rr:predicateObjectMap [ rr:predicate s:about ; rr:objectMap [ rr:template "http://shopNUMBER.example/product/{product}" ] ] ,
        [ rr:predicate s:rating ; rr:objectMap [ rr:column "rating" ] ] ,
        [ rr:predicate s:text ; rr:objectMap [ rr:column "text" ] ] .
<#listing> rr:logicalTable [ rr:tableName "listing" ] ;
    rr:subjectMap [ rr:template "http://shop.example/product/{means}" ] ;
    rr:predicateObjectMap [ rr:predicate s:title ; rr:objectMap [ rr:column "title" ] ] ,
        [ rr:predicate s:category ; rr:objectMap [ rr:column "category" ] ] .
"#;

fn plant(number: usize, count: usize) -> VirtualGraph {
    let mut mapping = "@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix s: <http://shop.example/v#> .\n".to_owned();
    let mut tables = Vec::with_capacity(count);
    for place in 0..count {
        let name = format!("machine{place}");
        let columns = [
            ("id", DataType::Int64),
            ("label", DataType::Text),
            ("value", DataType::Float64),
            ("part", DataType::Text),
        ];
        tables.push(table(&name, 1_000, &columns, &["id"]));
        mapping.push_str(&format!(
            "<#{name}> rr:logicalTable [ rr:tableName \"{name}\" ] ;
    rr:subjectMap [ rr:template \"http://plant{number}.example/{name}/{{id}}\" ; rr:class s:Machine ] ;
    rr:predicateObjectMap [ rr:predicate s:label ; rr:objectMap [ rr:column \"label\" ] ] ,
        [ rr:predicate s:value{place} ; rr:objectMap [ rr:column \"value\" ] ] ,
        [ rr:predicate s:part ; rr:objectMap [ rr:template \"http://plant{number}.example/part/{{part}}\" ] ] .\n"
        ));
    }
    graph(&format!("plant{number}"), tables, &mapping)
}

#[allow(clippy::expect_used, reason = "both are written here")]
fn graph(name: &str, tables: Vec<Table>, mapping: &str) -> VirtualGraph {
    let base = "http://broker.example/";
    let description = Description {
        name: "shop".into(),
        version: "1".into(),
        contract: ContractRange { min: 1, max: 1 },
        config_schema: "{}".into(),
        tables,
        relational: RelationalCapabilities {
            join: JoinSupport::Any,
            project: true,
            distinct: true,
            sort: Capability::Exact,
            limit: Capability::Exact,
            aggregates: vec![
                AggregateFunction::Count,
                AggregateFunction::Sum,
                AggregateFunction::Min,
                AggregateFunction::Max,
            ],
            recurse: true,
            ..RelationalCapabilities::read_only()
        },
        default_mapping: None,
        change_feed: None,
    };
    let mapping = Mapping::parse(&format!("{name}.ttl"), mapping, base).expect("the mapping is written here");
    let graph = NamedNode::new_unchecked(format!("urn:weft:source:{name}"));
    VirtualGraph::new(name, graph, &mapping, Arc::new(description), base).expect("the mapping fits the tables")
}

fn table(name: &str, rows: u64, columns: &[(&str, DataType)], key: &[&str]) -> Table {
    use FilterOperation::*;
    let all = [Equal, NotEqual, Range, In, IsNull, StartsWith, EndsWith, Contains, Or, Not, CompareColumns];
    let filter = |operation| FilterCapability { operation, data_type: None, level: Capability::Exact };
    let statistic = |count| Some(Statistic { count, measured_at: 0 });
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).to_owned(),
        data_type: *data_type,
        nullable: false,
        native_type: String::new(),
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::Optional,
        filterable: true,
        sortable: true,
        distinct: statistic(rows / 10),
    };
    Table {
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        keys: vec![key.iter().map(|name| (*name).to_owned()).collect()],
        foreign_keys: Vec::new(),
        rows: statistic(rows),
        filters: all.map(filter).to_vec(),
        max_keys: 5_000,
        sql: None,
    }
}

fn referring(mut table: Table, column: &str) -> Table {
    table.foreign_keys.push(ForeignKey {
        name: format!("of_{column}"),
        columns: vec![column.to_owned()],
        referenced_table: column.to_owned(),
        referenced_columns: vec!["id".to_owned()],
    });
    table
}
