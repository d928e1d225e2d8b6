#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::statements::COLUMNS;
use crate::{Link, LinkState};
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use futures::StreamExt;
use oxrdf::vocab::rdf;
use rand::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::ScanEvent;
use weft_model::contract::{ColumnRef, CompareOperator, Expression, KeyBlock, Outcome};

const ONTOLOGY: &str = r#"
@prefix ex: <https://example.com/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Part a owl:Class ; rdfs:label "Part"@en, "Teil"@de ; ex:number 7 , 8.50 , "x" ; rdfs:seeAlso [ ex:number 7 ] .
ex:Lot a owl:Class ; rdfs:subClassOf ex:Part ; rdfs:label "Lot"@en ; ex:number 7 .
ex:part a owl:ObjectProperty ; rdfs:domain ex:Lot ; rdfs:range ex:Part .
"#;

fn context(timeout: Duration) -> CallContext {
    CallContext { deadline: Instant::now() + timeout, traceparent: None }
}

fn index_of(sources: &[VirtualGraph]) -> Index {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("o.ttl");
    std::fs::write(&file, ONTOLOGY).unwrap();
    let mut links = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let node = |name: String| NamedNode::new(format!("https://example.com/{name}")).unwrap();
    let recorded: Vec<Link> = (0..40)
        .map(|i| Link {
            subject: node(format!("a{}", i % 7)),
            predicate: node(format!("p{}", i % 3)),
            object: node(format!("b{i}")),
            rule: None,
            author: None,
            evidence: None,
            confidence: None,
            state: LinkState::Confirmed,
            valid_from: None,
            valid_to: None,
        })
        .collect();
    links.record(&recorded).unwrap();
    let inputs = IndexInputs {
        ontology: &[file],
        base: "https://example.com/",
        rules: None,
        publication: None,
        links: Some(&links),
        sources,
    };
    Index::build(&inputs, &IndexLimits { link_page: 9, ..IndexLimits::default() }).unwrap()
}

fn read(columns: &[&str]) -> Read {
    let field = |name: &&str| Field {
        name: (*name).to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
    };
    Read {
        table: "statements".into(),
        alias: String::new(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        schema: COLUMNS.iter().map(field).collect(),
        filter: None,
        keys: None,
        limit: None,
    }
}

fn request(read: Read, batch_rows: u32) -> ScanRequest {
    ScanRequest { id: "t".into(), relation: Relation::Read(read), batch_rows, batch_bytes: 1 << 20, explain: false }
}

/// All rows, having checked that the stream is well formed.
async fn rows(index: &Index, request: ScanRequest) -> Vec<Vec<String>> {
    let mut stream = index.scan(&context(Duration::from_secs(10)), request.clone()).await.unwrap();
    let mut rows = Vec::new();
    let mut end = None;
    while let Some(event) = stream.next().await {
        assert!(end.is_none(), "something after the end");
        match event.unwrap() {
            ScanEvent::End(last) => end = Some(last),
            ScanEvent::Batch(batch) => {
                assert!(batch.num_rows() > 0 && batch.num_rows() <= request.batch_rows as usize);
                for row in 0..batch.num_rows() {
                    rows.push(batch.columns().iter().map(|c| c.as_string_view().value(row).to_owned()).collect());
                }
            }
        }
    }
    let end = end.unwrap();
    assert_eq!((end.outcome, end.rows), (Outcome::Complete, rows.len() as u64));
    rows
}

fn compare(column: &str, value: &str) -> Expression {
    Expression::Compare {
        operator: CompareOperator::Equal,
        left: Box::new(Expression::Column(ColumnRef::bare(column))),
        right: Box::new(Expression::Literal(Value::Text(value.into()))),
    }
}

fn one_of(column: &str, values: &[String]) -> Expression {
    Expression::In {
        input: Box::new(Expression::Column(ColumnRef::bare(column))),
        values: values.iter().map(|v| Value::Text(v.clone())).collect(),
    }
}

fn key_block(columns: &[usize], rows: &BTreeSet<Vec<String>>) -> KeyBlock {
    let arrays: Vec<(&str, ArrayRef)> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let values = StringViewArray::from_iter_values(rows.iter().map(|row| &row[i]));
            (COLUMNS[*column], Arc::new(values) as ArrayRef)
        })
        .collect();
    KeyBlock {
        columns: columns.iter().map(|c| COLUMNS[*c].to_owned()).collect(),
        keys: RecordBatch::try_from_iter(arrays).unwrap(),
    }
}

/// Every combination of equalities, lists and key blocks against a filter over all rows.
#[tokio::test]
async fn lookups_equal_brute_force() {
    let index = index_of(&[]);
    for table in ["statements", "links"] {
        look_up_by_brute_force(&index, table).await;
    }
}

async fn look_up_by_brute_force(index: &Index, table: &str) {
    let read = |columns: &[&str]| Read { table: table.into(), ..read(columns) };
    let all = rows(index, request(read(&COLUMNS), 1000)).await;
    let mut random = StdRng::seed_from_u64(7);
    let mut found_any = 0;
    for case in 0..400 {
        let value = |column: usize, random: &mut StdRng| match random.random_range(0..10) {
            0 => "Ihttps://example.com/absent".to_owned(),
            1 => "Thttp://www.w3.org/2001/XMLSchema#integer\u{1}07".to_owned(),
            _ => all.choose(random).unwrap()[column].clone(),
        };
        let mut wanted = read(&COLUMNS);
        let mut expected = all.clone();
        let mut parts = Vec::new();
        for column in 0..4 {
            match random.random_range(0..5) {
                0 => {
                    let v = value(column, &mut random);
                    parts.push(compare(COLUMNS[column], &v));
                    expected.retain(|row| row[column] == v);
                }
                1 => {
                    let list: Vec<String> =
                        (0..random.random_range(0..5)).map(|_| value(column, &mut random)).collect();
                    parts.push(one_of(COLUMNS[column], &list));
                    expected.retain(|row| list.contains(&row[column]));
                }
                _ => {}
            }
        }
        if random.random_bool(0.5) {
            let columns: Vec<usize> = (0..4).filter(|_| random.random_bool(0.5)).collect();
            if !columns.is_empty() {
                let keys: BTreeSet<Vec<String>> = (0..random.random_range(0..6))
                    .map(|_| columns.iter().map(|c| value(*c, &mut random)).collect())
                    .collect();
                wanted.keys = Some(key_block(&columns, &keys));
                expected.retain(|row| keys.contains(&columns.iter().map(|c| row[*c].clone()).collect::<Vec<_>>()));
            }
        }
        wanted.filter = (!parts.is_empty()).then_some(Expression::And(parts));
        let mut found = rows(index, request(wanted, random.random_range(1..20))).await;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "case {case}");
        found_any += usize::from(!found.is_empty());
    }
    assert!(found_any > 100, "only {found_any} cases of {table} found something");
}

/// All columns of the link records against a filter over all rows.
#[tokio::test]
async fn records_of_links_are_found_by_their_cells() {
    let index = index_of(&[]);
    let described = index.virtual_graph().description.clone();
    let table = described.tables.iter().find(|table| table.name == "link records").unwrap();
    let names: Vec<&str> =
        table.columns.iter().filter(|column| !column.nullable).map(|column| column.name.as_str()).collect();
    let read = |columns: &[&str]| Read { table: table.name.clone(), schema: read(&names).schema, ..read(columns) };
    let fields = |mut read: Read| {
        read.schema = names.iter().map(|name| Field { name: (*name).to_owned(), ..read.schema[0].clone() }).collect();
        read
    };
    let all = rows(&index, request(fields(read(&names)), 7)).await;
    assert_eq!(all.len(), 40);
    assert!(all.iter().all(|row| row[5] == "Sconfirmed"), "{:?}", all[0]);
    let mut random = StdRng::seed_from_u64(11);
    for case in 0..300 {
        let mut expected = all.clone();
        let mut parts = Vec::new();
        for (column, name) in names.iter().enumerate() {
            if random.random_bool(0.8) {
                continue;
            }
            let mut list: Vec<String> =
                (0..random.random_range(1..4)).map(|_| all.choose(&mut random).unwrap()[column].clone()).collect();
            list.push("Ihttps://example.com/absent".to_owned());
            parts.push(one_of(name, &list));
            expected.retain(|row| list.contains(&row[column]));
        }
        let mut wanted = fields(read(&names));
        if random.random_bool(0.5) {
            let ends: BTreeSet<String> = (0..5).map(|_| all.choose(&mut random).unwrap()[2].clone()).collect();
            let values = StringViewArray::from_iter_values(&ends);
            let keys = RecordBatch::try_from_iter([("subject", Arc::new(values) as ArrayRef)]).unwrap();
            wanted.keys = Some(KeyBlock { columns: vec!["subject".to_owned()], keys });
            expected.retain(|row| ends.contains(&row[2]));
        }
        wanted.filter = (!parts.is_empty()).then_some(Expression::And(parts));
        let mut found = rows(&index, request(wanted, random.random_range(1..20))).await;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "case {case}");
    }
    let check = index.check(&context(Duration::from_secs(1)), &["link records".to_owned()]).await.unwrap();
    assert!(matches!(&check.tables[0].1, CheckOutcome::Row(cells) if cells.len() == table.columns.len()));
}

#[tokio::test]
async fn limit_and_projection_are_exact() {
    let index = index_of(&[]);
    for limit in [0, 1, 5, 1000] {
        let found = rows(&index, request(Read { limit: Some(limit), ..read(&["object"]) }, 2)).await;
        assert_eq!(found.len() as u64, limit.min(index.len() - 40), "all but the links");
        assert!(found.iter().all(|row| row.len() == 1));
    }
}

#[tokio::test]
async fn explain_says_what_would_be_looked_up_and_reads_nothing() {
    let index = index_of(&[]);
    let filter = Expression::And(vec![compare("predicate", "Ihttps://example.com/p1")]);
    let keys = key_block(&[0], &BTreeSet::from([vec!["Ihttps://example.com/a1".to_owned()]]));
    let wanted = Read { filter: Some(filter), keys: Some(keys), ..read(&["object"]) };
    let asked = ScanRequest { explain: true, ..request(wanted, 10) };
    let events: Vec<_> = index.scan(&context(Duration::from_secs(1)), asked).await.unwrap().collect().await;
    let [Ok(ScanEvent::End(end))] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        end.statements,
        ["GRAPH ?graph { ?subject <https://example.com/p1> ?object } VALUES (?subject) { 1 keys }"]
    );
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let index = index_of(&[]);
    let call = context(Duration::from_secs(1));
    let mut not_text = read(&["object"]);
    not_text.filter = Some(Expression::Compare {
        operator: CompareOperator::Equal,
        left: Box::new(Expression::Column(ColumnRef::bare("object"))),
        right: Box::new(Expression::Literal(Value::Int64(7))),
    });
    let mut negated = read(&["object"]);
    negated.filter = Some(Expression::Not(Box::new(compare("object", "Sx"))));
    let mut unknown = read(&["object"]);
    unknown.schema[0].name = "other".into();
    let no_term = Read { filter: Some(compare("object", "not encoded")), ..read(&["object"]) };
    for (read, code) in [
        (not_text, Code::InvalidRequest),
        (negated, Code::InvalidRequest),
        (unknown, Code::SchemaChanged),
        (no_term, Code::InvalidRequest),
        (Read { table: "other".into(), ..read(&["object"]) }, Code::SchemaChanged),
    ] {
        let Err(error) = index.scan(&call, request(read, 10)).await else { panic!("accepted") };
        assert_eq!(error.code, code, "{error}");
    }
}

#[tokio::test]
async fn a_scan_past_its_deadline_fails_and_never_looks_complete() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("o.ttl");
    let many: String = (0..3000).map(|i| format!("<s{i}> <p> <o{i}> .\n")).collect();
    std::fs::write(&file, many).unwrap();
    let inputs = IndexInputs {
        ontology: &[file],
        base: "https://example.com/",
        rules: None,
        publication: None,
        links: None,
        sources: &[],
    };
    let index = Index::build(&inputs, &IndexLimits::default()).unwrap();
    let stream = index.scan(&context(Duration::ZERO), request(read(&COLUMNS), 10)).await.unwrap();
    let last = stream.collect::<Vec<_>>().await.pop().unwrap();
    assert_eq!(last.unwrap_err().code, Code::DeadlineExceeded);

    let small = IndexLimits { statements: 2999, ..IndexLimits::default() };
    let inputs = IndexInputs {
        ontology: &[dir.path().join("o.ttl")],
        base: "https://e/",
        rules: None,
        publication: None,
        links: None,
        sources: &[],
    };
    let error = Index::build(&inputs, &small).unwrap_err().to_string();
    assert_eq!(error, "the index would hold more than 2999 statements (limits.index_statements)");
}

#[tokio::test]
async fn the_virtual_graph_has_a_map_for_each_predicate_and_class() {
    let index = index_of(&[]);
    let graph = index.virtual_graph();
    let classes: BTreeSet<String> = graph
        .triples
        .iter()
        .filter(|map| map.in_default_graph)
        .filter(|map| map.predicate.term_type == weft_model::term::TermType::Constant(rdf::TYPE.into_owned().into()))
        .map(|map| map.object.term_type.to_string())
        .collect();
    assert_eq!(classes.len(), 2, "{classes:?}");
    let others = ["link records", "catalogue"];
    assert!(
        graph.triples.iter().all(|map| map.in_default_graph || others.iter().any(|name| map.table.starts_with(name)))
    );

    let described = index_of(&[graph]);
    let with_catalogue = described.virtual_graph();
    let catalogue: Vec<_> =
        with_catalogue.triples.iter().filter(|map| !map.in_default_graph && map.table != "link records").collect();
    assert!(!catalogue.is_empty() && catalogue.iter().all(|map| map.table.starts_with("catalogue")));
    let tables = Read { table: "catalogue".into(), ..read(&["subject"]) };
    let tables = Read { filter: Some(compare("object", "Ihttps://weft.dev/ns#Table")), ..tables };
    let found = rows(&described, request(tables, 10)).await;
    assert!(found.contains(&vec!["Ihttps://weft.dev/ns#index/table/statements".to_owned()]), "{found:?}");
}

/// What the planner relies on: all rows of the tables of all triple maps are all statements, each once.
#[tokio::test]
async fn the_triple_maps_together_give_every_statement_once() {
    let described = index_of(&[index_of(&[]).virtual_graph()]);
    let graph = described.virtual_graph();
    for (table, in_default_graph) in [("statements", true), ("catalogue", false)] {
        let mut expected = rows(&described, request(Read { table: table.into(), ..read(&COLUMNS[..3]) }, 1000)).await;
        if in_default_graph {
            let links = Read { table: "links".into(), ..read(&COLUMNS[..3]) };
            expected.extend(rows(&described, request(links, 1000)).await);
        }
        let mut found = Vec::new();
        let triples = graph.triples.iter().filter(|map| map.table != "link records");
        for map in triples.filter(|map| map.in_default_graph == in_default_graph) {
            let columns: Vec<&str> = [&map.subject, &map.predicate, &map.object]
                .iter()
                .flat_map(|t| &t.columns)
                .map(String::as_str)
                .collect();
            let mut wanted = Read { table: map.table.clone(), ..read(&columns) };
            wanted.schema.retain(|field| columns.contains(&field.name.as_str()));
            let constant = |mapped: &weft_mapping::MappedTerm| match &mapped.term_type {
                weft_model::term::TermType::Constant(term) => Some(weft_model::term::encode(term)),
                _ => None,
            };
            for mut row in rows(&described, request(wanted, 1000)).await {
                if let Some(predicate) = constant(&map.predicate) {
                    row.insert(1, predicate);
                }
                if let Some(object) = constant(&map.object) {
                    row.insert(2, object);
                }
                found.push(row);
            }
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn check_tells_empty_from_missing() {
    let index = index_of(&[]);
    let tables = ["statements".to_owned(), "links".to_owned(), "other".to_owned()];
    let check = index.check(&context(Duration::from_secs(1)), &tables).await.unwrap();
    assert!(matches!(&check.tables[0].1, CheckOutcome::Row(cells) if cells.len() == 4));
    assert!(matches!(&check.tables[1].1, CheckOutcome::Row(cells) if cells.len() == 4));
    let nothing =
        IndexInputs { ontology: &[], base: "https://e/", rules: None, publication: None, links: None, sources: &[] };
    let nothing = Index::build(&nothing, &IndexLimits::default()).unwrap();
    let empty = nothing.check(&context(Duration::from_secs(1)), &tables).await.unwrap();
    assert_eq!([&empty.tables[0].1, &empty.tables[1].1], [&CheckOutcome::Empty; 2]);
    assert!(matches!(&check.tables[2].1, CheckOutcome::Failed(_)));
}
