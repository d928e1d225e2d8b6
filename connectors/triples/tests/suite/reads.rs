//! What is asked and what comes.

use crate::world::{World, column, context, equal, keys, read, request, rows, scan, text};
use weft_connector::Connector as _;
use weft_model::Code;
use weft_model::contract::{CheckOutcome, CompareOperator, DataType, Expression, Read, Relation, TextOperator, Value};

const TURTLE: &str = "<a> <p> <a>, <b>, 1 . <b> <p> <a> ; <q> 'x', 'x'@EN . <c> <q> <c> . <a> <p> <b> .";

fn world() -> World {
    let mut world = World::new();
    world.write("a.ttl", TURTLE).write("b.trig", "<a> <p> <a> . <g> { <a> <p> <b> } <h> { <a> <p> <b>, <c> }");
    world
}

fn iri(name: &str) -> String {
    format!("Ihttp://ex/{name}")
}

fn pairs(names: &[(&str, &str)]) -> Vec<Vec<String>> {
    let mut pairs: Vec<_> = names.iter().map(|(a, b)| vec![iri(a), iri(b)]).collect();
    pairs.sort();
    pairs
}

#[tokio::test]
async fn two_tables_hold_every_statement_once() {
    let world = world();
    let connector = world.open();
    let all = rows(&connector, read("triples", &["s", "p", "o"])).await;
    assert_eq!(all.len(), 7);
    assert!(all.contains(&vec![iri("b"), iri("q"), "Len\u{1}x".into()]));
    let integer = "Thttp://www.w3.org/2001/XMLSchema#integer\u{1}1";
    assert!(all.contains(&vec![iri("a"), iri("p"), integer.into()]));
    let named = rows(&connector, read("quads", &["g", "o"])).await;
    assert_eq!(named, pairs(&[("g", "b"), ("h", "b"), ("h", "c")]));

    let description = connector.describe(&context()).await.unwrap();
    let names: Vec<_> = description.tables.iter().map(|table| (table.name.as_str(), table.columns.len())).collect();
    assert_eq!(names, [("triples", 3), ("quads", 4)]);
    let triples = &description.tables[0];
    assert_eq!(triples.rows.unwrap().count, 7);
    let distinct: Vec<u64> = triples.columns.iter().map(|column| column.distinct.unwrap().count).collect();
    assert_eq!(distinct, [3, 2, 6]);
    assert!(description.default_mapping.unwrap().contains("rr:tableName \"quads\""));
}

#[tokio::test]
async fn filters_keys_and_limits_are_exact() {
    let world = world();
    let connector = world.open();
    let ask = async |filter: Option<Expression>, change: fn(&mut Read)| {
        let mut read = Read { filter, ..read("triples", &["s", "o"]) };
        change(&mut read);
        rows(&connector, read).await
    };
    let same = |unequal| {
        let operator = if unequal { CompareOperator::NotEqual } else { CompareOperator::Equal };
        Expression::Compare { operator, left: Box::new(column("s")), right: Box::new(column("o")) }
    };
    assert_eq!(ask(Some(equal("s", &iri("b"))), |_| {}).await.len(), 3);
    assert_eq!(ask(Some(same(false)), |_| {}).await, pairs(&[("a", "a"), ("c", "c")]));
    assert_eq!(ask(Some(same(true)), |_| {}).await.len(), 5);
    let either = Expression::Or(vec![equal("o", &iri("c")), equal("o", "Sx"), equal("o", "Snowhere")]);
    assert_eq!(ask(Some(either.clone()), |_| {}).await.len(), 2);
    assert_eq!(ask(Some(Expression::Not(Box::new(either))), |_| {}).await.len(), 5);
    let list = Expression::In { input: Box::new(column("p")), values: vec![text(&iri("q")), text("Sx")] };
    assert_eq!(ask(Some(list.clone()), |_| {}).await.len(), 3);
    assert_eq!(ask(Some(Expression::And(vec![list, equal("s", &iri("c"))])), |_| {}).await, pairs(&[("c", "c")]));
    assert_eq!(ask(Some(Expression::IsNull(Box::new(column("o")))), |_| {}).await.len(), 0);

    assert_eq!(ask(None, |read| read.limit = Some(4)).await.len(), 4);
    assert_eq!(ask(None, |read| read.limit = Some(0)).await.len(), 0);
    let keyed = ask(None, |read| {
        read.keys = Some(keys(&["o", "p"], &[&["Ihttp://ex/a", "Ihttp://ex/p"], &["Ihttp://ex/c", "Ihttp://ex/p"]]));
    });
    assert_eq!(keyed.await, pairs(&[("a", "a"), ("b", "a")]));
    let both = ask(Some(equal("p", &iri("q"))), |read| {
        read.keys = Some(keys(&["s"], &[&["Ihttp://ex/b"], &["Ihttp://ex/a"], &["Sno"]]));
    });
    assert_eq!(both.await.len(), 2);
}

#[tokio::test]
async fn nothing_asked_for_still_counts() {
    let world = world();
    let connector = world.open();
    let (rows, end) = scan(&connector, request(read("triples", &[]))).await.unwrap();
    assert_eq!((rows.len(), end.rows), (7, 7));
    let mut explained = request(Read { filter: Some(equal("s", "Sx")), limit: Some(2), ..read("quads", &["g"]) });
    explained.explain = true;
    let (rows, end) = scan(&connector, explained).await.unwrap();
    assert_eq!(rows.len(), 0);
    assert_eq!(end.statements, ["look up g in quads where s = \"Sx\", at most 2"]);
}

#[tokio::test]
async fn what_was_not_declared_or_described_is_refused() {
    let mut world = world();
    world.limits = limits();
    let connector = world.open();
    let refused = async |relation: Relation| {
        let mut request = request(read("triples", &["s"]));
        request.relation = relation;
        scan(&connector, request).await.unwrap_err()
    };
    let filtered = |filter| Relation::Read(Read { filter: Some(filter), ..read("triples", &["s"]) });
    let input = || Box::new(column("s"));
    let prefix = Expression::Text { operator: TextOperator::StartsWith, input: input(), pattern: "I".into() };
    assert_eq!(refused(filtered(prefix)).await.code, Code::InvalidRequest);
    let number = Expression::In { input: input(), values: vec![Value::Int64(1)] };
    assert_eq!(refused(filtered(number)).await.code, Code::InvalidRequest);
    let many = Expression::In { input: input(), values: vec![text("Sx"); 20] };
    assert!(refused(filtered(many)).await.message.contains("limits.nodes"));
    let distinct = Relation::Distinct { input: Box::new(Relation::Read(read("triples", &["s"]))) };
    assert_eq!(refused(distinct).await.code, Code::InvalidRequest);
    let block = keys(&["s"], &[&["Sa"], &["Sb"], &["Sc"]]);
    let keyed = Relation::Read(Read { keys: Some(block), ..read("triples", &["s"]) });
    assert!(refused(keyed).await.message.contains("limits.keys allows 2"));
    assert_eq!(refused(Relation::Read(read("tuples", &["s"]))).await.code, Code::SchemaChanged);
    let mut other = read("triples", &["s"]);
    other.schema[0].data_type = DataType::Int64;
    assert_eq!(refused(Relation::Read(other)).await.code, Code::SchemaChanged);
}

fn limits() -> weft_connector_triples::Limits {
    weft_connector_triples::Limits { keys: 2, nodes: 20, ..weft_connector_triples::Limits::default() }
}

#[tokio::test]
async fn check_tells_no_rows_from_rows() {
    let mut world = World::new();
    world.write("a.nt", "<http://ex/a> <http://ex/p> <http://ex/a> .\n");
    let connector = world.open();
    let check = connector.check(&context(), &[]).await.unwrap();
    assert!(check.system.ends_with("a.nt"));
    let cell = |name: &str| Some(text(&iri(name)));
    assert_eq!(check.tables[0].1, CheckOutcome::Row(vec![cell("a"), cell("p"), cell("a")]));
    assert_eq!(check.tables[1], ("quads".to_owned(), CheckOutcome::Empty));
    let other = connector.check(&context(), &["tuples".into()]).await.unwrap();
    assert!(matches!(&other.tables[0].1, CheckOutcome::Failed(message) if message.contains("tuples")));
}
