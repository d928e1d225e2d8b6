//! What follows from an ontology: answers equal those over the closure of all data, and plans are those of a mapping that
//! says it all. A folder of `cases/ontology` is a question with its plan; `UPDATE=1` rewrites the plans.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use oxrdf::vocab::{rdf, rdfs};
use oxrdf::{NamedNode, NamedNodeRef, NamedOrBlankNode, Quad, QuadRef, Term, Triple};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_mapping::Ontology;
use weft_model::contract::{DataType, Relation, Value};
use weft_plan::{Catalogue, PlanLimits, plan};
use weft_tests::case::{Outcome, ask_for};
use weft_tests::closure::{close, statements};
use weft_tests::compare::{Found, evaluate};
use weft_tests::mesh::Mesh;
use weft_tests::oracle::draw;
use weft_tests::query_gen::QueryGenerator;
use weft_tests::scenario::{
    MappingDocument, Scenario, Source, Transport, Tuning, describe, generate, offer_everything, plain_column,
    plain_table,
};
use weft_tests::shop;
use weft_tests::union::union;

const PREFIXES: &str = "PREFIX ex: <http://example.com/vocab#>\n";

/// Worlds with an ontology, of about two in five that have one.
const WORLDS: usize = 30;
const DRAWN: u64 = 300;
const QUERIES: usize = 4;

/// Random ontologies over random sources that are held in memory: every query is asked of the saturated mappings, and of
/// all data closed by brute force. The oracle does the same over all transports.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_over_the_closure() {
    let (mut worlds, mut right, mut more) = (0, 0, 0);
    for seed in 0..DRAWN {
        if worlds == WORLDS {
            break;
        }
        let scenario = generate(90_000 + seed, &[Transport::Memory]);
        if scenario.axioms.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let mesh = Arc::new(Mesh::open(&scenario, folder.path(), None).await.unwrap());
        let all = union(&scenario).unwrap();
        let asserted = union(&Scenario { axioms: Vec::new(), ..scenario.clone() }).unwrap();
        more += usize::from(all.dataset().len() > asserted.dataset().len());
        worlds += 1;
        let quads = all.named();
        let generator = QueryGenerator::new(&quads);
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..QUERIES {
            let (query, expected) = draw(&generator, &mut rng, &all).unwrap();
            let Some(expected) = expected else { continue };
            mesh.forget();
            match ask_for(mesh.clone(), &all, &query, expected).await.unwrap() {
                Outcome::Right { .. } => right += 1,
                Outcome::Refused(_) | Outcome::Undecided(_) => {}
                wrong => panic!("world {seed}\n{}\n{}\n{wrong:?}", scenario.axioms.join("\n"), query.text()),
            }
        }
    }
    assert!(worlds == WORLDS && more > 15 && right > 70, "{worlds} ontologies, {more} say something, {right} answers");
}

/// Statements of the index are closed one by one, which is the closure of them all.
#[test]
fn the_consequences_of_each_statement_are_those_of_all() {
    let mut new = 0;
    for seed in 0..60 {
        let scenario = generate(91_000 + seed, &[Transport::Memory]);
        let axioms = scenario.ontology().unwrap();
        let rules = Ontology::read(&axioms);
        let asserted = union(&Scenario { axioms: Vec::new(), ..scenario }).unwrap().named();
        let mut found: BTreeSet<String> = asserted.iter().map(ToString::to_string).collect();
        for quad in &asserted {
            let entailed = rules.entailed(&quad.clone().into());
            found.extend(entailed.into_iter().map(|triple| triple.in_graph(quad.graph_name.clone()).to_string()));
        }
        let expected: BTreeSet<String> = close(asserted.clone(), &axioms).iter().map(Quad::to_string).collect();
        assert_eq!(found, expected, "seed {seed}");
        new += expected.len() - asserted.len();
    }
    assert!(new > 200, "only {new} follow");
}

/// A column with its name and type, and whether it can be null.
type ColumnOf<'a> = (&'a str, DataType, bool);

fn source(name: &str, tables: &[(&str, &[ColumnOf<'_>])], map: &str, rows: Vec<Vec<Vec<i64>>>) -> Source {
    let table = |(name, columns): &(&str, &[(&str, DataType, bool)])| {
        let columns =
            columns.iter().map(|(name, data_type, nullable)| plain_column(name, *data_type, *nullable)).collect();
        plain_table(name, columns, &["id"])
    };
    let mut description = describe(tables.iter().map(table).collect());
    offer_everything(&mut description, 1_000);
    let prologue =
        format!("@prefix rr: <http://www.w3.org/ns/r2rml#> .\n@prefix ex: <http://example.com/vocab#> .\n{map}\n");
    // Less than nothing is nothing.
    let cell = |n: i64| (n >= 0).then_some(Value::Int64(n));
    Source {
        name: name.to_owned(),
        graph: format!("urn:weft:source:{name}"),
        mapping: MappingDocument { prologue, maps: Vec::new() },
        description,
        rows: rows
            .into_iter()
            .map(|rows| rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect())
            .collect(),
        transport: Transport::Memory,
    }
}

/// An MES with runs on machines, and a PLM with programs.
fn plant() -> Scenario {
    let int = DataType::Int64;
    let mes = source(
        "mes",
        &[
            ("machine", &[("id", int, false), ("power", int, true)]),
            ("run", &[("id", int, false), ("machine", int, false), ("program", int, true)]),
        ],
        "<#machine> rr:logicalTable [ rr:tableName \"machine\" ] ;
            rr:subjectMap [ rr:template \"http://example.com/machine/{id}\" ; rr:class ex:Machine ] ;
            rr:predicateObjectMap [ rr:predicate ex:power ; rr:objectMap [ rr:column \"power\" ] ] .
         <#run> rr:logicalTable [ rr:tableName \"run\" ] ;
            rr:subjectMap [ rr:template \"http://example.com/run/{id}\" ; rr:class ex:Run ] ;
            rr:predicateObjectMap [ rr:predicate ex:on ; rr:objectMap [ rr:template \"http://example.com/machine/{machine}\" ] ] ;
            rr:predicateObjectMap [ rr:predicate ex:ran ; rr:objectMap [ rr:template \"http://example.com/program/{program}\" ] ] .",
        vec![vec![vec![1, 10], vec![2, -1]], vec![vec![1, 1, 7], vec![2, 1, -1], vec![3, 2, 8], vec![4, 9, 7]]],
    );
    let plm = source(
        "plm",
        &[("program", &[("id", int, false), ("size", int, true)])],
        "<#program> rr:logicalTable [ rr:tableName \"program\" ] ;
            rr:subjectMap [ rr:template \"http://example.com/program/{id}\" ; rr:class ex:Program ] ;
            rr:predicateObjectMap [ rr:predicate ex:size ; rr:objectMap [ rr:column \"size\" ] ] .",
        vec![vec![vec![7, 100], vec![9, -1]]],
    );
    let axioms = [
        "ex:Machine rdfs:subClassOf ex:Equipment .",
        "ex:power rdfs:domain ex:Machine .",
        "ex:on rdfs:domain ex:Run .",
        "ex:ran rdfs:range ex:Document .",
        "ex:ran rdfs:domain ex:Programmed .",
        "ex:Program rdfs:subClassOf ex:Document .",
        "ex:hosted owl:inverseOf ex:on .",
        "ex:on rdfs:subPropertyOf ex:used .",
        "ex:ran rdfs:subPropertyOf ex:used .",
    ];
    let axioms = axioms.map(str::to_owned).to_vec();
    Scenario { sources: vec![mes, plm], tuning: Tuning::default(), axioms, things: Vec::new() }
}

async fn open() -> Mesh {
    let folder = tempfile::tempdir().unwrap();
    Mesh::open(&plant(), folder.path(), None).await.unwrap()
}

fn rows(found: Found) -> BTreeSet<String> {
    let Found::Rows { variables, rows } = found else { panic!("rows are expected") };
    let count = rows.len();
    let line = |row: Vec<Option<Term>>| {
        let cells = variables.iter().zip(row).map(|(variable, cell)| format!("{variable} {cell:?}"));
        cells.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join("; ")
    };
    let lines: BTreeSet<String> = rows.into_iter().map(line).collect();
    assert_eq!(lines.len(), count, "the answers are sets");
    lines
}

/// What follows costs no more than what is said: a class of one table is one scan of it, without DISTINCT.
#[tokio::test]
async fn what_follows_is_asked_for_like_what_is_said() {
    let mesh = open().await;
    let all = union(&plant()).unwrap();
    for (query, scans, distinct) in [
        ("SELECT * { ?x a ex:Equipment }", 1, false),
        ("SELECT * { ?x a ex:Machine }", 1, false),
        ("SELECT * { ?x a ex:Machine ; ex:power ?power }", 1, false),
        ("SELECT * { ?x a ex:Equipment ; ex:power ?power }", 1, false),
        ("SELECT * { ?x a ex:Run ; ex:on ?machine }", 1, false),
        ("SELECT * { ?x a ex:Programmed }", 1, false),
        ("SELECT * { ?machine ex:hosted ?run }", 1, false),
        ("SELECT * { ?machine ex:hosted ?run . ?run ex:ran ?program }", 1, false),
        ("SELECT * { <http://example.com/machine/1> ex:hosted ?run }", 1, false),
        // Two properties of one row.
        ("SELECT * { ?run ex:used ?what }", 1, false),
        // Programs the PLM knows, and those that ran: the same ones are in both.
        ("SELECT * { ?x a ex:Document }", 2, true),
    ] {
        mesh.forget();
        let before = mesh.scans().len();
        let text = format!("{PREFIXES}{query}");
        let found = rows(mesh.ask(&text).await.unwrap());
        let expected = rows(evaluate(&all, &text).unwrap().unwrap());
        assert_eq!(found, expected, "{query}");
        assert!(!found.is_empty(), "{query}");
        let asked: Vec<Relation> = mesh.scans().split_off(before.min(mesh.scans().len()));
        let plan = mesh.explain(&text).await;
        assert_eq!(asked.len(), scans, "{query}\n{plan}");
        assert_eq!(plan.contains("Distinct"), distinct, "{query}\n{plan}");
    }
}

#[tokio::test]
async fn every_question_has_its_plan() {
    let mesh = open().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/ontology");
    let mut questions: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    questions.retain(|path| path.extension().is_some_and(|extension| extension == "rq"));
    questions.sort();
    assert!(questions.len() >= 5, "questions are missing");
    let mut wrong = Vec::new();
    for question in questions {
        let found = mesh.explain(&std::fs::read_to_string(&question).unwrap()).await;
        let kept = question.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&kept, &found).unwrap();
        } else if std::fs::read_to_string(&kept).unwrap_or_default() != found {
            wrong.push(format!("--- {} is now\n{found}", kept.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In the same graph as what it follows from, and in no other.
#[tokio::test]
async fn what_follows_is_where_it_follows_from() {
    let mesh = open().await;
    let all = union(&plant()).unwrap();
    let text = format!("{PREFIXES}SELECT ?g ?x {{ GRAPH ?g {{ ?x a ex:Document }} }}");
    let found = rows(mesh.ask(&text).await.unwrap());
    assert_eq!(found, rows(evaluate(&all, &text).unwrap().unwrap()));
    assert_eq!(found.len(), 4, "two ran by the MES, two are known to the PLM: {found:?}");
    let followed = |quad: QuadRef<'_>| quad.to_string().contains("Document") && !quad.graph_name.is_default_graph();
    assert_eq!(all.dataset().iter().filter(|quad| followed(*quad)).count(), 4);
}

/// The parser draws the names of aggregates.
fn without_drawn_names(text: &str) -> String {
    let is_drawn = |word: &str| word.len() > 20 && word.chars().all(|c| c.is_ascii_hexdigit());
    text.split('"').map(|word| if is_drawn(word) { "drawn" } else { word }).collect::<Vec<_>>().join("\"")
}

/// What follows beside it changes no plan, whatever it makes of the mappings, and planning takes as long as before.
#[test]
fn plans_of_what_is_said_stay_as_they_are() {
    let axioms = "@prefix s: <http://shop.example/v#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
        @prefix owl: <http://www.w3.org/2002/07/owl#> .
        s:Product rdfs:subClassOf s:Thing . s:Offer rdfs:subClassOf s:Thing . s:Thing rdfs:subClassOf s:Entity .
        s:product rdfs:domain s:Offer ; rdfs:range s:Product . s:label rdfs:subPropertyOf s:says . s:text rdfs:subPropertyOf s:says .
        s:offered owl:inverseOf s:product . s:producer rdfs:range s:Maker ; rdfs:subPropertyOf s:from . s:about rdfs:range s:Product .";
    let rules = Ontology::read(&statements(axioms).unwrap());
    let shops = shop::shops(100);
    let more: Vec<_> = shops.iter().map(|shop| rules.saturate(shop.clone(), 1_000).unwrap()).collect();
    let count = |graphs: &[weft_mapping::VirtualGraph]| graphs.iter().map(|graph| graph.triples.len()).sum::<usize>();
    assert!(count(&more) >= count(&shops) * 3 / 2, "{} and {} triple maps", count(&shops), count(&more));
    let [before, after] = [shops, more].map(|graphs| Catalogue::new(graphs, Vec::new()));
    let limits = PlanLimits::default();
    let mut times = [Duration::ZERO; 2];
    for (name, question) in shop::QUESTIONS {
        let text = format!("{}{question}", shop::PREFIX);
        let plans = [&before, &after].map(|catalogue| plan(&text, None, None, catalogue, &limits).unwrap());
        let [a, b] = plans.map(|plan| without_drawn_names(&format!("{:?}", plan.root)));
        let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        assert!(a == b, "{name}: {}\n{}", &a[same..(same + 400).min(a.len())], &b[same..(same + 400).min(b.len())]);
        for (time, catalogue) in times.iter_mut().zip([&before, &after]) {
            let begun = Instant::now();
            for _ in 0..3 {
                plan(&text, None, None, catalogue, &limits).unwrap();
            }
            *time += begun.elapsed();
        }
    }
    let above = format!("{}SELECT * {{ ?x a s:Entity }}", shop::PREFIX);
    let found = plan(&above, None, None, &after, &limits).unwrap();
    assert!(!format!("{:?}", found.root).contains("Distinct"), "products and offers of a hundred shops are apart");
    eprintln!("planning: {times:?} without and with what follows");
}

const WEFT: &str = "https://weft.dev/ns#";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(name: &str) -> Vec<Triple> {
    statements(&std::fs::read_to_string(repository().join("ontology").join(name)).unwrap()).unwrap()
}

/// The terms of the vocabulary.
fn declared() -> BTreeSet<String> {
    let is_term = |triple: &&Triple| {
        triple.predicate == rdf::TYPE && triple.subject.to_string().starts_with("<https://weft.dev/ns#")
    };
    document("weft.ttl").iter().filter(is_term).map(|triple| named(&triple.subject)).collect()
}

fn named(subject: &NamedOrBlankNode) -> String {
    match subject {
        NamedOrBlankNode::NamedNode(node) => node.as_str().to_owned(),
        NamedOrBlankNode::BlankNode(node) => node.to_string(),
    }
}

#[test]
fn every_word_is_explained() {
    let vocabulary = document("weft.ttl");
    let objects = |term: &str, predicate: NamedNodeRef<'_>| -> Vec<Term> {
        let of = |triple: &&Triple| named(&triple.subject) == term && triple.predicate == predicate;
        vocabulary.iter().filter(of).map(|triple| triple.object.clone()).collect()
    };
    let declared = declared();
    for term in &declared {
        for predicate in [rdfs::LABEL, rdfs::COMMENT] {
            let texts = objects(term, predicate);
            let fits = |text: &Term| matches!(text, Term::Literal(literal) if literal.language() == Some("en") && !literal.value().is_empty());
            assert!(texts.len() == 1 && fits(&texts[0]), "{term}: {predicate} {texts:?}");
        }
        let comment = objects(term, rdfs::COMMENT)[0].to_string();
        assert!(comment.contains('.') && comment.len() > 14, "{term} is not explained: {comment}");
        assert_eq!(
            objects(term, rdfs::IS_DEFINED_BY),
            [Term::from(NamedNode::new_unchecked("https://weft.dev/ns"))],
            "{term}"
        );
        for class in objects(term, rdfs::DOMAIN).into_iter().chain(objects(term, rdfs::RANGE)) {
            let Term::NamedNode(class) = class else { panic!("{term}: {class}") };
            let is_known =
                declared.contains(class.as_str()) || class.as_str().starts_with("http://www.w3.org/2001/XMLSchema#");
            assert!(is_known, "{term}: {class} is not declared");
        }
    }
    // The thin vocabulary, whole.
    for class in "Part PartRevision PartUsage Effectivity Item Lot Requirement ChangeOrder Artifact Operation Equipment Observation \
        Characteristic Nonconformance MaintenanceAction Organization Source ThreadLink"
        .split_whitespace()
    {
        assert!(declared.contains(&format!("{WEFT}{class}")), "{class}");
    }
    for property in "revisionOf supersedes usesPart usedIn effectiveFor instanceOf madeFrom consumedLot installedIn producedBy \
        performedOn ranProgram definedBy validatedBy measured characteristicOf hasResult hasUnit nonconformanceOf nonconformsTo \
        affects resolvedBy suppliedBy shippedTo sameThingAs"
        .split_whitespace()
    {
        assert!(declared.contains(&format!("{WEFT}{property}")), "{property}");
    }
}

/// Mappings, questions, alignments and shapes speak no word of the namespace that is not in the vocabulary.
#[test]
fn every_word_that_is_used_is_declared() {
    let mut files = Vec::new();
    let mut folders = vec![repository().join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ttl" || extension == "rq") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20, "{files:?}");
    files.push(repository().join("ontology/alignments.ttl"));
    let (mut declared, mut used) = (declared(), 0);
    let extensions = document("mapping-extensions.ttl");
    declared
        .extend(extensions.iter().filter(|triple| triple.predicate == rdf::TYPE).map(|triple| named(&triple.subject)));
    // The named graphs of the index are no words.
    let graphs = ["ontology", "links", "catalogue", "aliases", "records"];
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("weft:") {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == ':') {
                continue;
            }
            let word: String = text[at + 5..].chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            let is_known =
                word.is_empty() || graphs.contains(&word.as_str()) || declared.contains(&format!("{WEFT}{word}"));
            assert!(is_known, "{}: weft:{word} is not declared", file.display());
            used += 1;
        }
    }
    assert!(used > 100, "only {used} words");
}

/// Shapes are about words that there are, each with a message.
#[test]
fn every_shape_is_about_declared_words() {
    let (shapes, declared) = (document("shapes.ttl"), declared());
    let sh = |name: &str| format!("http://www.w3.org/ns/shacl#{name}");
    let mut targets = 0;
    for triple in &shapes {
        if let ("targetClass" | "class" | "path", Term::NamedNode(word)) =
            (triple.predicate.as_str().rsplit('#').next().unwrap(), &triple.object)
        {
            assert!(declared.contains(word.as_str()), "{word} is not declared");
            targets += usize::from(triple.predicate.as_str() == sh("targetClass"));
        }
        if triple.predicate.as_str() == sh("property") {
            let Term::BlankNode(node) = &triple.object else { panic!("{triple}") };
            let is_told =
                |other: &Triple| other.subject == node.clone().into() && other.predicate.as_str() == sh("message");
            assert!(shapes.iter().any(is_told), "a property of {} has no message", triple.subject);
        }
    }
    assert!(targets > 20, "{targets}");
}

/// Nothing of the files that ship is left out silently or by mistake.
#[test]
fn what_ships_is_followed() {
    let mut all = document("weft.ttl");
    all.extend(document("alignments.ttl"));
    let rules = Ontology::read(&all);
    assert_eq!(rules.notes(), Vec::<String>::new());
    let item = NamedNode::new_unchecked(format!("{WEFT}Item"));
    let thing = NamedNode::new_unchecked("urn:thing");
    let is = Triple::new(thing, rdf::TYPE.into_owned(), item);
    let found: BTreeSet<String> = rules.entailed(&is).iter().map(|triple| triple.object.to_string()).collect();
    assert_eq!(
        found,
        BTreeSet::from([
            "<http://www.w3.org/ns/prov#Entity>".to_owned(),
            "<http://www.w3.org/ns/sosa/FeatureOfInterest>".to_owned()
        ])
    );
}
