#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! The catalogue and the ontology of the demonstration, asked over HTTP as an editor, documentation or an agent would; and the
//! shapes of mapped things over its data, with pySHACL from PyPI (`target/clients/shacl`). Without Python these are skipped,
//! unless the variable `CI` is `true`.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PREFIXES: &str = "PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX void: <http://rdfs.org/ns/void#> PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX sosa: <http://www.w3.org/ns/sosa/>
PREFIX cat: <https://weft.dev/ns#>
";

const SOURCES: [&str; 5] = ["erp", "historian", "mes", "plm", "quality"];

/// The demonstration, which ends what it started when it is told to end.
struct Demo {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().and_then(Path::parent).unwrap().join("weft-demo");
        assert!(program.is_file(), "{} is missing: run cargo build --workspace first", program.display());
        let mut command = Command::new(program);
        command.arg("run").arg("--directory").arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(guests) = std::env::var_os("WEFT_GUESTS") {
            command.arg("--guest").arg(Path::new(&guests).join("odata.wasm"));
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let up = lines.find(|line| line.contains("stays up at http://127.0.0.1:"));
        std::thread::spawn(move || lines.for_each(drop));
        let up = up.expect("it ended without staying up");
        let address = up.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let address = address.trim_end_matches('/').trim_end_matches("/sparql").to_owned();
        Self { child, address, folder }
    }

    fn weft(&self, arguments: &[&str]) -> (bool, String) {
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().and_then(Path::parent).unwrap().join("weft");
        let output = Command::new(program).args(arguments).current_dir(self.folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }

    async fn get(&self, path: &str) -> String {
        let answer = reqwest::get(format!("{}{path}", self.address)).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// The rows of a SELECT, as the texts of what is bound.
    async fn select(&self, query: &str) -> Vec<BTreeMap<String, String>> {
        let answer = reqwest::Client::new()
            .post(format!("{}/sparql", self.address))
            .header("content-type", "application/sparql-query")
            .header("accept", "application/sparql-results+json")
            .body(query.to_owned())
            .send()
            .await
            .unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{query}\n{text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        let row = |row: &Value| {
            let cells = row.as_object().unwrap().iter();
            cells.map(|(name, cell)| (name.clone(), cell["value"].as_str().unwrap().to_owned())).collect()
        };
        json["results"]["bindings"].as_array().unwrap().iter().map(row).collect()
    }

    async fn explain(&self, query: &str) -> String {
        let (fine, text) = tokio::task::block_in_place(|| {
            self.weft(&["explain", "--endpoint", &format!("{}/sparql", self.address), query])
        });
        assert!(fine, "{text}");
        text
    }

    async fn ask(&self, query: &str) -> Vec<BTreeMap<String, String>> {
        self.select(&format!("{PREFIXES}{query}")).await
    }

    /// The values of `?x`.
    async fn values(&self, query: &str) -> BTreeSet<String> {
        self.ask(query).await.into_iter().map(|row| row["x"].clone()).collect()
    }

    async fn catalogue(&self, pattern: &str) -> Vec<BTreeMap<String, String>> {
        self.ask(&format!("SELECT * {{ GRAPH cat:catalogue {{ {pattern} }} }}")).await
    }

    async fn count(&self, pattern: &str) -> u64 {
        self.ask(&format!("SELECT (COUNT(*) AS ?n) {{ {pattern} }}")).await[0]["n"].parse().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let terminated = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status();
        for _ in 0..100 {
            if terminated.is_err() || !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_tells_what_it_can_be_asked() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let demo = Demo::start();
    sources(&demo).await;
    an_editor(&demo).await;
    an_agent(&demo).await;
    the_void_description_is_the_catalogue(&demo).await;
    nothing_is_told_that_is_nobodys_business(&demo).await;
    what_follows_can_be_asked_for(&demo).await;
    questions_are_checked(&demo);
    shapes(&demo);
}

async fn sources(demo: &Demo) {
    let rows = demo
        .catalogue(
            "?s a dcat:Dataset, void:Dataset, cat:Source ; dcterms:title ?x ; cat:connector ?c ; cat:describedAt ?at",
        )
        .await;
    let titles: BTreeSet<&str> = rows.iter().map(|row| row["x"].as_str()).collect();
    assert_eq!(titles, BTreeSet::from(SOURCES));
    assert_eq!(rows.len(), SOURCES.len());
    for row in &rows {
        assert!(row["at"].as_str() > "2024", "{row:?}");
    }
    assert_eq!(demo.catalogue("?c a dcat:Catalog ; dcat:dataset ?s . ?s a cat:Source").await.len(), SOURCES.len());
    let served = "?s dcat:distribution/dcat:accessService ?d . ?d a dcat:DataService ; dcat:servesDataset ?s";
    assert_eq!(demo.catalogue(served).await.len(), SOURCES.len());
    let columns = demo.catalogue("<urn:weft:source:mes> cat:table ?t . ?t rdfs:label \"machine_run\" ; cat:column ?c . ?c rdfs:label ?x ; cat:dataType ?type").await;
    assert!(columns.iter().any(|row| row["x"] == "program" && row["type"] == "text"), "{columns:?}");
    let references =
        demo.catalogue("?c rdfs:label \"work_order\" ; cat:references ?o . ?t cat:column ?o ; rdfs:label ?x").await;
    assert!(references.iter().any(|row| row["x"] == "work_order"), "{references:?}");
    let rows = demo.catalogue("?t rdfs:label \"serial\" ; cat:rows ?n ; cat:countedAt ?at").await;
    assert!(rows.iter().all(|row| row["n"].parse::<u64>().unwrap() > 0), "{rows:?}");
}

/// Prefixes and examples, as an editor loads them.
async fn an_editor(demo: &Demo) {
    let rows = demo.catalogue("?c a dcat:Catalog ; sh:declare [ sh:prefix ?x ; sh:namespace ?namespace ]").await;
    let prefixes: BTreeMap<_, _> = rows.iter().map(|row| (row["x"].as_str(), row["namespace"].as_str())).collect();
    assert_eq!(prefixes["weft"], "https://weft.dev/ns#");
    assert_eq!(prefixes["ex"], "https://demo.weft.dev/vocab#");
    let examples = demo.catalogue("?q a sh:SPARQLExecutable, sh:SPARQLSelectExecutable ; rdfs:label ?label ; rdfs:comment ?comment ; sh:select ?text ; sh:prefixes/sh:declare/sh:prefix \"weft\"").await;
    assert_eq!(examples.len(), 8, "{examples:?}");
    let recall = examples.iter().find(|row| row["q"].ends_with("/recall")).unwrap();
    assert_eq!(recall["label"], "Plate heat H-5513 turned out to be off specification.");
    assert!(recall["comment"].ends_with("which part is it, and who has the pump?"), "{recall:?}");
    for example in &examples {
        assert!(!demo.select(&example["text"]).await.is_empty(), "{example:?}");
    }
}

/// Which sources have a class or a property, how its things are named, and where a property leads.
async fn an_agent(demo: &Demo) {
    let having = |class: &str| {
        format!(
            "SELECT ?x {{ GRAPH cat:catalogue {{ ?s dcterms:title ?x ; void:classPartition/void:class {class} }} }}"
        )
    };
    let sources = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(demo.values(&having("cat:Operation")).await, sources(&["mes"]));
    assert_eq!(demo.values(&having("cat:Observation")).await, sources(&["historian", "quality"]));
    // What follows can be asked for like what is said.
    assert_eq!(demo.values(&having("prov:Activity")).await, sources(&["mes"]));
    let named = demo.catalogue("?p void:class cat:Operation ; void:uriSpace ?space ; cat:uriTemplate ?template ; void:uriRegexPattern ?pattern").await;
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0]["space"], "https://demo.weft.dev/run/");
    assert_eq!(named[0]["template"], "https://demo.weft.dev/run/{run}");
    let fitting = format!("SELECT ?x {{ ?x a cat:Operation FILTER(!REGEX(STR(?x), {:?})) }}", named[0]["pattern"]);
    assert_eq!(demo.values(&fitting).await, BTreeSet::new());
    let linksets = demo.catalogue("?l a void:Linkset ; void:linkPredicate cat:ranProgram ; void:subjectsTarget/dcterms:title ?from ; void:objectsTarget/dcterms:title ?to").await;
    let ends: BTreeSet<(&str, &str)> = linksets.iter().map(|row| (row["from"].as_str(), row["to"].as_str())).collect();
    assert_eq!(ends, BTreeSet::from([("mes", "plm")]));
    // A count is told where it is one.
    let counts =
        demo.catalogue("?s dcterms:title ?source ; void:classPartition [ void:class ?class ; void:entities ?n ]").await;
    assert!(counts.len() > 5, "{counts:?}");
    for row in &counts {
        let (class, source) = (&row["class"], &row["source"]);
        let n = demo.count(&format!("GRAPH <urn:weft:source:{source}> {{ ?x a <{class}> }}")).await;
        assert_eq!(row["n"], n.to_string(), "{row:?}");
    }
    let vocabularies = demo.catalogue("?s dcterms:title \"mes\" ; void:vocabulary ?x").await;
    assert!(vocabularies.iter().any(|row| row["x"] == "https://weft.dev/ns#"), "{vocabularies:?}");
    // The catalogue is not part of what is said of things.
    assert_eq!(demo.count("?x a cat:Table").await, 0);
}

async fn the_void_description_is_the_catalogue(demo: &Demo) {
    let read = |text: &str| -> BTreeSet<String> {
        text.lines().filter(|line| !line.contains("_:")).map(str::to_owned).collect()
    };
    let triples = |path: String| {
        let request =
            reqwest::Client::new().get(format!("{}{path}", demo.address)).header("accept", "application/n-triples");
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let all = read(&triples("/graphs?graph=https://weft.dev/ns%23catalogue".to_owned()).await);
    let void = read(&triples("/.well-known/void".to_owned()).await);
    let own = |line: &&String| line.contains(&demo.address) || line.starts_with("<urn:weft:service>");
    let strange: Vec<_> = void.iter().filter(|line| !all.contains(*line) && !own(line)).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    let partitions = |lines: &BTreeSet<String>| {
        lines.iter().filter(|line| line.contains("rdfs.org/ns/void#")).cloned().collect::<BTreeSet<_>>()
    };
    assert!(partitions(&all).is_subset(&void));
    let endpoint = format!("<urn:weft:service> <http://www.w3.org/ns/dcat#endpointURL> <{}/sparql> .", demo.address);
    assert!(void.contains(&endpoint), "{void:#?}");
}

/// Neither addresses, nor files, nor identities, nor settings.
async fn nothing_is_told_that_is_nobodys_business(demo: &Demo) {
    let text = demo.get("/graphs?graph=https://weft.dev/ns%23catalogue").await;
    assert!(text.len() > 10_000, "{} bytes", text.len());
    for word in [
        "127.0.0.1",
        "localhost",
        "spiffe:",
        ".pem",
        ".sqlite",
        ".wasm",
        "endpoint",
        &demo.folder.path().display().to_string(),
    ] {
        let line = text.lines().find(|line| line.contains(word) && !line.contains("ns/void#"));
        assert_eq!(line, None, "{word}");
    }
}

async fn what_follows_can_be_asked_for(demo: &Demo) {
    assert!(demo.count("?x a cat:Operation").await > 10);
    for (above, below) in [
        ("prov:Activity", "cat:Operation"),
        ("sosa:Platform", "cat:Equipment"),
        ("sosa:Observation", "cat:Observation"),
    ] {
        let of = |class: &str| format!("SELECT ?x {{ ?x a {class} }}");
        assert_eq!(demo.values(&of(above)).await, demo.values(&of(below)).await, "{above}");
    }
    // By its own row, and not by those of others that say so, too.
    let artifacts = format!(
        "{PREFIXES}PREFIX ex: <https://demo.weft.dev/vocab#>\nSELECT * {{ ?d a cat:Artifact ; ex:fileName ?name }}"
    );
    let plan = demo.explain(&artifacts).await;
    assert_eq!(plan.matches("    sends: ").count(), 1, "{plan}");
    assert_eq!(demo.count("GRAPH cat:links { ?x a ?class }").await, 0, "links say nothing of classes");
    // Links are said in one direction, and found in both.
    let links = demo.count("?a cat:sameThingAs ?b").await;
    assert!(links > 10 && links == demo.count("?a cat:sameThingAs ?b . ?b cat:sameThingAs ?a").await, "{links}");
    assert_eq!(demo.count("?a prov:wasGeneratedBy ?b").await, demo.count("?a cat:producedBy ?b").await);
}

/// `weft check` reads every question, and says what is wrong with one and where.
fn questions_are_checked(demo: &Demo) {
    let (fine, text) = demo.weft(&["check", "--config", "weft.toml"]);
    assert!(fine, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("ok       question ")).count(), 8, "{text}");
    assert!(text.contains("source mes: ") && text.contains(" more triple maps follow from the ontology"), "{text}");
    fs::write(demo.folder.path().join("questions/wrong.rq"), "# What?\nSELECT * { ?x ?y }").unwrap();
    let (fine, text) = demo.weft(&["check", "--config", "weft.toml"]);
    assert!(!fine && text.contains("wrong.rq: syntax error at line 2, column "), "{text}");
    fs::remove_file(demo.folder.path().join("questions/wrong.rq")).unwrap();
}

fn shapes(demo: &Demo) {
    let Some(python) = python() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no Python with venv and pip");
        eprintln!("skipped: there is no Python with venv and pip, or no package index");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python)
        .arg(root.join("clients/shapes.py"))
        .arg(format!("{}/sparql", demo.address))
        .arg(root.join("../ontology/shapes.ttl"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    eprintln!("{told}");
}

/// A Python with what `clients/shapes-requirements.txt` wants, installed once for each of its versions.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let requirements = root.join("clients/shapes-requirements.txt");
    let wanted = fs::read_to_string(&requirements).unwrap();
    let folder = root.join("../target/clients/shacl");
    let (program, stamp) = (folder.join("bin/python"), folder.join("installed.txt"));
    if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|known| known == wanted) {
        return Some(program);
    }
    let run = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    let made = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        && run(Command::new(&program).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements));
    if !made {
        return None;
    }
    fs::write(stamp, wanted).unwrap();
    Some(program)
}
