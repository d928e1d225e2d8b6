//! Links of other times, through the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use weft_index::{Link, LinkState, LinkStore, LinkTime};

/// The binary beside this test's own folder; building the tests does not build it.
fn weft() -> PathBuf {
    if let Some(path) = std::env::var_os("WEFT_BIN") {
        return path.into();
    }
    let path = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("weft");
    assert!(path.exists(), "{} is missing: build the binary first", path.display());
    path
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(weft()).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// The answer as CSV, without its head.
fn ask(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(folder, &[&["query", "--format", "csv"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    rows.sort();
    rows
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[&["query"], arguments].concat());
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn link(subject: &str, object: &str, state: LinkState) -> Link {
    let node = |name: &str| oxrdf::NamedNode::new(format!("https://example.com/{name}")).unwrap();
    Link {
        subject: node(subject),
        predicate: oxrdf::NamedNode::new("https://weft.dev/ns#sameThingAs").unwrap(),
        object: node(object),
        rule: None,
        author: Some("somebody".to_owned()),
        evidence: None,
        confidence: None,
        state,
        valid_from: None,
        valid_to: None,
    }
}

/// A later time than that of all that is recorded.
fn now() -> String {
    std::thread::sleep(Duration::from_millis(5));
    let now = LinkTime::now();
    std::thread::sleep(Duration::from_millis(5));
    now.as_str().to_owned()
}

const QUERY: &str = "SELECT ?x ?m { ?x ex:p ?n ; ex:q ?m }";

/// `a` and `b` are linked, and later not any more; `c` and `d` are one in 2017 only.
fn folder() -> (tempfile::TempDir, [String; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let config = "[broker]\nbase = \"https://example.com/\"\nlisten = \"127.0.0.1:0\"\nontology = [\"o.ttl\"]\n\
                  [prefixes]\nex = \"https://example.com/\"\nweft = \"https://weft.dev/ns#\"\n\
                  [links]\nstore = \"links.sqlite\"\nmax_aliases = 3\n\
                  [views.then]\nthread = true\nvalid_at = \"2017-06-01\"\n";
    std::fs::write(dir.path().join("weft.toml"), config).unwrap();
    let data = "@base <https://example.com/> . <a> <p> 1 . <b> <q> 2 . <c> <p> 3 . <d> <q> 4 .";
    std::fs::write(dir.path().join("o.ttl"), data).unwrap();
    let mut store = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let before = now();
    let time = |text: &str| Some(text.to_owned());
    let in_2017 =
        Link { valid_from: time("2017-01-01"), valid_to: time("2018-01-01"), ..link("d", "c", LinkState::Confirmed) };
    store.record(&[link("b", "a", LinkState::Confirmed), in_2017]).unwrap();
    let linked = now();
    store.record(&[link("b", "a", LinkState::Retired)]).unwrap();
    (dir, [before, linked])
}

#[test]
fn links_are_those_of_the_time_asked_for() {
    let (dir, [before, linked]) = folder();
    let ask = |arguments: &[&str]| ask(dir.path(), &[arguments, &[QUERY]].concat());
    let (a, c) = ("https://example.com/a,2", "https://example.com/c,4");
    assert!(ask(&[]).is_empty());
    assert!(ask(&["--thread"]).is_empty());
    assert_eq!(ask(&["--thread", "--as-of", &linked]), [a]);
    assert!(ask(&["--as-of", &linked]).is_empty(), "another time is not the thread view");
    assert!(ask(&["--thread", "--as-of", &before]).is_empty());
    assert_eq!(ask(&["--thread", "--valid-at", "2017-06-01"]), [c]);
    assert_eq!(ask(&["--thread", "--as-of", &linked, "--valid-at", "2017-06-01T12:00:00Z"]), [a, c]);
    assert!(ask(&["--thread", "--as-of", &before, "--valid-at", "2017-06-01"]).is_empty());
    assert_eq!(ask(&["--view", "then"]), [c]);
    let pragmas = format!("#pragma weft:thread\n#pragma weft:as-of \"{linked}\"\n{QUERY}");
    assert_eq!(self::ask(dir.path(), &[&pragmas]), [a]);
    let graph = "SELECT ?s ?o { GRAPH weft:links { ?s weft:sameThingAs ?o } }";
    let links = |arguments: &[&str]| self::ask(dir.path(), &[arguments, &[graph]].concat());
    assert!(links(&[]).is_empty());
    assert_eq!(links(&["--as-of", &linked]), ["https://example.com/b,https://example.com/a"]);
    assert_eq!(links(&["--valid-at", "2017-06-01"]), ["https://example.com/d,https://example.com/c"]);
    // In the thread view a link is one between a thing and itself.
    assert_eq!(links(&["--thread", "--as-of", &linked]), ["https://example.com/a,https://example.com/a"]);
    let names = "SELECT ?x ?name { GRAPH weft:aliases { ?x weft:alias ?name } }";
    let expected = ["https://example.com/a,https://example.com/a", "https://example.com/a,https://example.com/b"];
    assert_eq!(self::ask(dir.path(), &["--thread", "--as-of", &linked, names]), expected);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let (dir, _) = folder();
    let refused = |arguments: &[&str]| refused(dir.path(), &[arguments, &[QUERY]].concat());
    assert!(
        refused(&["--as-of", "soon"]).contains("as-of: \"soon\" is not an ISO 8601 time"),
        "{}",
        refused(&["--as-of", "soon"])
    );
    assert!(refused(&["--view", "than"]).contains("there is no view \"than\"; there are then"));
    let mut store = LinkStore::open(&dir.path().join("links.sqlite")).unwrap();
    let chain: Vec<Link> =
        ["a", "b", "c"].iter().zip(["b", "c", "d"]).map(|(s, o)| link(s, o, LinkState::Confirmed)).collect();
    store.record(&chain).unwrap();
    let told = refused(&["--thread"]);
    assert!(
        told.contains(
            "there is no thread view: <https://example.com/a> and the things linked with it by \
                       weft:sameThingAs have 4 names; links.max_aliases allows 3"
        ),
        "{told}"
    );
    assert!(ask(dir.path(), &[QUERY]).is_empty(), "what is not in the thread view is answered");
}

#[test]
fn views_of_the_config_are_checked() {
    let (dir, _) = folder();
    let path = dir.path().join("weft.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"2017-06-01\"", "\"2017-06-31\"");
    std::fs::write(&path, text).unwrap();
    let output = run(dir.path(), &["check"]);
    let told = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("views.then.valid_at"), "{told}");
}
