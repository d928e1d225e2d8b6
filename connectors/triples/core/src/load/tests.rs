#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Condition, Keys, Lookup, Table};

fn document<'a>(content: &'a str, format: Format) -> Document<'a> {
    Document { name: "doc", content: content.as_bytes(), format, base: Some("http://ex/doc"), graph: None }
}

fn load(documents: &[Document<'_>]) -> Result<Dataset, LoadError> {
    let mut loader = Loader::new(LoadLimits { document_bytes: 10_000, statements: 8 });
    documents.iter().try_for_each(|document| loader.add(document))?;
    Ok(loader.finish())
}

fn rows(dataset: &Dataset, table: Table) -> Vec<String> {
    let found = dataset.find(Lookup { table, condition: None, keys: None });
    let text = |row| {
        let cells = 0..table.columns().len();
        cells.map(|column| dataset.cell(table, row, column).replace('\u{1}', "|")).collect::<Vec<_>>().join(" ")
    };
    let mut rows: Vec<String> = found.flatten().map(text).collect();
    rows.sort();
    rows
}

#[test]
fn every_format_gives_the_same_statements() {
    let expected = [
        "Bd1n0 Ihttp://ex/p Thttp://www.w3.org/2001/XMLSchema#integer|01",
        "Ihttp://ex/a Ihttp://ex/p Bd1n0",
        "Ihttp://ex/a Ihttp://ex/p Len-us|x",
        "Ihttp://ex/a Ihttp://ex/p Sx",
    ];
    let turtle = "\u{feff}@prefix e: <> . <a> <p> _:z , 'x'@en-US , \"x\" , 'x' . _:z <p> 01 .";
    let lines = "<http://ex/a> <http://ex/p> _:z .\n<http://ex/a> <http://ex/p> \"x\"@en-US .\n\
        <http://ex/a> <http://ex/p> \"x\" .\n_:z <http://ex/p> \"01\"^^<http://www.w3.org/2001/XMLSchema#integer> .\n";
    let xml = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:e='http://ex/'>\
        <rdf:Description rdf:about='a'><e:p rdf:nodeID='z'/><e:p xml:lang='en-US'>x</e:p><e:p>x</e:p></rdf:Description>\
        <rdf:Description rdf:nodeID='z'><e:p rdf:datatype='http://www.w3.org/2001/XMLSchema#integer'>01</e:p>\
        </rdf:Description></rdf:RDF>";
    let texts = [
        (turtle, Format::Turtle),
        (turtle, Format::TriG),
        (lines, Format::NTriples),
        (lines, Format::NQuads),
        (xml, Format::RdfXml),
    ];
    for (text, format) in texts {
        let dataset = load(&[document(text, format)]).unwrap();
        assert_eq!(rows(&dataset, Table::Triples), expected, "{format}");
        assert_eq!(rows(&dataset, Table::Quads), [""; 0], "{format}");
        assert_eq!(dataset.distinct(Table::Triples, 0), 2);
    }
}

#[test]
fn blank_nodes_are_local_to_their_document_and_named_alike_every_time() {
    let text = "[] <p> [] . _:x <p> _:y .";
    let documents = [document(text, Format::Turtle), document(text, Format::Turtle)];
    let dataset = load(&documents).unwrap();
    assert_eq!(dataset.distinct(Table::Triples, 0), 4);
    assert_eq!(rows(&dataset, Table::Triples), rows(&load(&documents).unwrap(), Table::Triples));
}

#[test]
fn graphs_are_those_of_the_document_or_the_one_given() {
    let trig = document("<s> <p> <o> . <g> { <s> <p> <o> }", Format::TriG);
    let turtle = Document { graph: Some("http://ex/h"), ..document("<s> <p> <o> .", Format::Turtle) };
    let dataset = load(&[trig, turtle, turtle]).unwrap();
    assert_eq!(rows(&dataset, Table::Triples), ["Ihttp://ex/s Ihttp://ex/p Ihttp://ex/o"]);
    assert_eq!(
        rows(&dataset, Table::Quads),
        ["Ihttp://ex/s Ihttp://ex/p Ihttp://ex/o Ihttp://ex/g", "Ihttp://ex/s Ihttp://ex/p Ihttp://ex/o Ihttp://ex/h"]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let error = |document: Document<'_>| load(&[document]).unwrap_err().to_string();
    assert!(error(document("<s> <p> <o> .\n<s> <p> .", Format::Turtle)).starts_with("doc, line 2, column 9: "));
    assert!(error(document("<s> <p> <o> .", Format::NTriples)).starts_with("doc, line 1, column 1: "));
    let xml = error(document("<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n<b></a>", Format::RdfXml));
    assert!(xml.starts_with("doc, line 2, "), "{xml}");
    assert!(error(document("_:g { <s> <p> <o> }", Format::TriG)).contains("a graph without an IRI"));
    let relative = Document { base: None, ..document("<s> <p> <o> .", Format::Turtle) };
    assert!(error(relative).contains("line 1"));
    assert!(error(Document { base: Some("x"), ..relative }).contains("base IRI \"x\""));
    assert!(error(Document { graph: Some("x y"), ..relative }).contains("graph \"x y\""));
    assert!(error(document(&" ".repeat(10_001), Format::Turtle)).contains("10000 are allowed"));
    let many: String = (0..9).map(|i| format!("<s> <p> {i} .")).collect();
    assert!(error(document(&many, Format::Turtle)).contains("more than 8 statements"));
}

#[test]
fn lookups_find_what_a_scan_would() {
    let text = "<a> <p> <a> . <a> <p> <b> . <a> <q> <b> . <b> <p> <a> . <b> <q> 1 . <c> <p> <c> .";
    let dataset = load(&[document(text, Format::Turtle)]).unwrap();
    let one_of = |column, names: &[&str]| {
        let texts: Vec<String> = names.iter().map(|name| format!("Ihttp://ex/{name}")).collect();
        Condition::one_of(&dataset, column, texts.iter().map(String::as_str))
    };
    let conditions = [
        one_of(0, &["a", "c", "nowhere"]),
        one_of(2, &[]),
        Condition::Same(0, 2),
        Condition::Constant(false),
        Condition::Not(Box::new(one_of(1, &["p"]))),
        Condition::All(vec![one_of(0, &["a", "b"]), one_of(1, &["p"]), Condition::Not(Box::new(one_of(2, &["b"])))]),
        Condition::Any(vec![one_of(0, &["c"]), one_of(2, &["b"])]),
    ];
    let keys = [
        None,
        Some(Keys::new(&dataset, vec![0], [["Ihttp://ex/a"], ["Ihttp://ex/b"], ["Ihttp://ex/a"], ["Sx"]])),
        Some(Keys::new(&dataset, vec![2, 1], [["Ihttp://ex/a", "Ihttp://ex/p"], ["Ihttp://ex/b", "Ihttp://ex/q"]])),
        Some(Keys::new(&dataset, vec![1], Vec::<[&str; 1]>::new())),
    ];
    for condition in conditions {
        for keys in &keys {
            let lookup = Lookup { table: Table::Triples, condition: Some(condition.clone()), keys: keys.clone() };
            let mut found: Vec<u32> = dataset.find(lookup).flatten().collect();
            let statements = dataset.statements(Table::Triples);
            let has_key = |row: &Row| {
                let is = |key: &Vec<u32>, columns: &[usize]| columns.iter().zip(key).all(|(c, term)| row[*c] == *term);
                keys.as_ref().is_none_or(|keys| keys.keys.iter().any(|key| is(key, &keys.columns)))
            };
            let wanted = |row: &u32| condition.holds(statements.row(*row)) && has_key(statements.row(*row));
            found.sort_unstable();
            assert_eq!(found, (0..statements.len()).filter(wanted).collect::<Vec<_>>(), "{condition:?} {keys:?}");
        }
    }
}
