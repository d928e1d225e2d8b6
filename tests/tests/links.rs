//! Links by the binary `weft` and over HTTP, as a person or a program looks after them. The entities are in a file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "links/desk.rs"]
mod desk;

use desk::{Broker, Desk};
use serde_json::{Value, json};

const RULES: &str = r#"
[[rule]]
name = "lot-of-item"
exact = ["family", "number"]
[rule.left]
class = "ex:Item"
keys = { serial = "ex:serial" }
normalise = { serial = 'match "(?<family>[A-Za-z]+)-.*-(?<number>\d+)of\d+" | upper | strip_zeros' }
[rule.right]
class = "ex:Lot"
keys = { lot = "ex:number" }
normalise = { lot = 'match "(?<family>[A-Z]+)-(?<number>\d+)" | strip_zeros' }
"#;

const DATA: &str = r#"
ex:i1 a ex:Item ; ex:serial "Box-M1-01of3" . ex:i2 a ex:Item ; ex:serial "Box-M1-02of3" . ex:i3 a ex:Item ; ex:serial "odd" .
ex:l1 a ex:Lot ; ex:number "BOX-01" . ex:l2 a ex:Lot ; ex:number "BOX-2" . ex:l9 a ex:Lot ; ex:number "BOX-9" .
"#;

const SHAPES: &str = r#"
ex:S a sh:NodeShape ; sh:targetSubjectsOf weft:sameThingAs ; sh:class ex:Item ; sh:message "a link begins at an item" ;
  sh:property [ sh:path weft:sameThingAs ; sh:maxCount 1 ; sh:message "an item is one lot" ] .
ex:O a sh:NodeShape ; sh:targetObjectsOf weft:sameThingAs ; sh:pattern "/l[0-9]$" .
"#;

fn states(list: &Value) -> Vec<(String, String)> {
    let short = |value: &Value| value.as_str().unwrap().trim_start_matches("https://example.com/").to_owned();
    let mut states: Vec<(String, String)> =
        list.as_array().unwrap().iter().map(|link| (short(&link["subject"]), short(&link["state"]))).collect();
    states.sort();
    states
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn a_rule_finds_links_and_a_second_run_nothing_new() {
    let desk = Desk::new(DATA, RULES, "");
    let dry = desk.json(&["link", "run", "--dry-run"]);
    assert_eq!(dry[0]["changes"]["new"], 2);
    assert_eq!(desk.json(&["link", "list"]), json!([]));
    let run = desk.json(&["link", "run"]);
    assert_eq!(
        (&run[0]["confirmed"], &run[0]["left"]["keyed"], &run[0]["left"]["without"]),
        (&json!(2), &json!(2), &json!(1))
    );
    assert_eq!(run[0]["right"]["examples_without"], json!(["https://example.com/l9"]));
    let list = desk.json(&["link", "list"]);
    assert_eq!(states(&list), pairs(&[("i1", "confirmed"), ("i2", "confirmed")]));
    let again = desk.json(&["link", "run", "lot-of-item"]);
    assert_eq!(again[0]["changes"], json!({"new": 0, "changed": 0, "unchanged": 2, "suspect": 0}));
    assert_eq!(desk.json(&["link", "list"]), list);
    let csv = desk.ok(&["query", "--format", "csv", "SELECT ?l { GRAPH weft:links { ex:i1 weft:sameThingAs ?l } }"]);
    assert_eq!(csv, "l\r\nhttps://example.com/l1\r\n");
    let text = desk.ok(&["link", "run"]);
    assert!(
        text.contains("left: 2 of 3 have a counterpart (2 have usable keys, 0 have several), 1 have none"),
        "{text}"
    );
    let id = list[0]["id"].as_str().unwrap();
    let explained = desk.ok(&["link", "explain", id]);
    assert!(explained.contains("rule lot-of-item says confirmed, confidence 1"), "{explained}");
    assert!(explained.contains("because family \"BOX\", number \"1\""), "{explained}");
    assert!(explained.contains("normalise serial match"), "{explained}");
}

#[test]
fn what_a_person_says_is_never_undone_by_a_rule() {
    let desk = Desk::new(DATA, RULES, "");
    desk.json(&["link", "run"]);
    let id = |subject: &str| {
        let list = desk.json(&["link", "list", "--entity", subject]);
        list[0]["id"].as_str().unwrap().to_owned()
    };
    let first = id("ex:i1");
    let retired = desk.json(&["link", "retire", &first, "--author", "ann", "--evidence", "another box"]);
    assert_eq!((&retired["state"], &retired["opinions"].as_array().unwrap().len()), (&json!("retired"), &2));
    desk.json(&["link", "run"]);
    assert_eq!(states(&desk.json(&["link", "list"])), pairs(&[("i1", "retired"), ("i2", "confirmed")]));
    assert_eq!(desk.ok(&["query", "--format", "csv", "SELECT ?l { ex:i1 weft:sameThingAs ?l }"]), "l\r\n");

    let second = id("ex:i2");
    desk.json(&["link", "confirm", &second, "--author", "ann"]);
    desk.data(&DATA.replace("BOX-2", "BOX-3"));
    let run = desk.json(&["link", "run"]);
    assert_eq!(run[0]["changes"]["suspect"], 1);
    assert_eq!(states(&desk.json(&["link", "list"])), pairs(&[("i1", "retired"), ("i2", "confirmed")]));
    let history = desk.json(&["link", "history", &second]);
    let said: Vec<(&str, &str)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["state"].as_str().unwrap(), record["author"].as_str().unwrap_or("rule")))
        .collect();
    assert_eq!(said, [("confirmed", "rule"), ("confirmed", "ann"), ("suspect", "rule")]);
}

#[test]
fn what_is_gone_or_of_a_changed_rule_is_suspect() {
    let desk = Desk::new(DATA, RULES, "");
    desk.json(&["link", "run"]);
    let early = desk.json(&["link", "list"])[0]["recorded_at"].as_str().unwrap().to_owned();
    desk.data(&DATA.replace("ex:l2 a ex:Lot", "ex:l2 a ex:Other"));
    desk.json(&["link", "run"]);
    let list = desk.json(&["link", "list", "--state", "suspect"]);
    assert_eq!(states(&list), pairs(&[("i2", "suspect")]));
    assert_eq!(list[0]["evidence"], "no longer among the entities of the rule: <https://example.com/l2>");
    assert_eq!(
        states(&desk.json(&["link", "list", "--as-of", &early])),
        pairs(&[("i1", "confirmed"), ("i2", "confirmed")])
    );
    desk.rules("");
    let list = desk.json(&["link", "list", "--rule", "lot-of-item", "--state", "suspect"]);
    assert_eq!(states(&list), pairs(&[("i1", "suspect"), ("i2", "suspect")]));
    assert!(list.as_array().unwrap().iter().any(|link| link["evidence"] == "the rule is no longer there"));
    desk.rules(RULES);
    desk.data(DATA);
    desk.json(&["link", "run"]);
    assert_eq!(states(&desk.json(&["link", "list"])), pairs(&[("i1", "confirmed"), ("i2", "confirmed")]));
}

#[test]
fn a_link_that_violates_a_shape_is_refused_with_its_message() {
    let desk = Desk::new(DATA, RULES, SHAPES);
    let refused = |arguments: &[&str], message: &str| {
        let (status, error) = desk.fails(arguments);
        assert_eq!(status, 65, "{error}");
        assert!(error.contains(message), "{error}");
    };
    let assert = ["link", "assert", "--author", "ann"];
    refused(
        &[&assert[..], &["ex:l1", "ex:l2"]].concat(),
        "a link begins at an item: <https://example.com/l1> is not a",
    );
    refused(&[&assert[..], &["ex:i1", "ex:i2"]].concat(), "does not match");
    refused(&[&assert[..], &["ex:i1", "ex:i1"]].concat(), "does not match");
    desk.json(&[&assert[..], &["ex:i1", "ex:l9"]].concat());
    refused(
        &[&assert[..], &["ex:i1", "ex:l2"]].concat(),
        "an item is one lot: <https://example.com/i1> would have 2 values",
    );
    let run = desk.json(&["link", "run"]);
    assert_eq!((&run[0]["refused"], &run[0]["confirmed"]), (&json!(1), &json!(1)));
    assert!(run[0]["violations"][0].as_str().unwrap().contains("an item is one lot"), "{run}");
    assert_eq!(states(&desk.json(&["link", "list"])), pairs(&[("i1", "confirmed"), ("i2", "confirmed")]));
    desk.shapes(
        "ex:S a sh:NodeShape ; sh:targetSubjectsOf weft:sameThingAs ; sh:pattern \"/i1$\" ; sh:message \"one only\" .",
    );
    desk.json(&["link", "run"]);
    let suspect = desk.json(&["link", "list", "--state", "suspect"]);
    assert!(suspect[0]["evidence"].as_str().unwrap().starts_with("a shape is violated: one only"), "{suspect}");
}

#[test]
fn a_rule_that_would_link_everything_is_stopped_with_nothing_recorded() {
    let many: String =
        (0..60).map(|i| format!("ex:a{i} a ex:Item ; ex:same 1 . ex:b{i} a ex:Lot ; ex:same 1 .\n")).collect();
    let rule = |limit: &str| {
        format!(
            "[[rule]]\nname = \"all\"\nexact = [\"k\"]\nlimits = {{ {limit} }}\n[rule.left]\nclass = \"ex:Item\"\n\
             keys = {{ k = \"ex:same\" }}\n[rule.right]\nclass = \"ex:Lot\"\nkeys = {{ k = \"ex:same\" }}\n"
        )
    };
    let desk = Desk::new(&many, &rule("most_candidates = 3000"), "");
    for (limit, message) in [
        (
            "most_candidates = 3000",
            "rule all: the block 1 has 60 by 60 candidates, more than 3000 (limits.most_candidates)",
        ),
        ("most_counterparts = 20", "would have more than 20 counterparts (limits.most_counterparts)"),
        ("most_counterparts = 100, most_links = 3599", "it would make more than 3599 links (limits.most_links)"),
        ("most_entities = 59", "the left has more than 59 entities (limits.most_entities)"),
    ] {
        desk.rules(&rule(limit));
        let (status, error) = desk.fails(&["link", "run"]);
        assert_eq!(status, 75, "{error}");
        assert!(error.contains(message) && error.contains("nothing of it was recorded"), "{error}");
        assert_eq!(desk.json(&["link", "list"]), json!([]));
    }
}

#[test]
fn everything_wrong_with_rules_and_shapes_is_told_with_file_and_line() {
    let rules = RULES.replace("exact =", "exakt =").replace("ex:Lot", "foo:Lot").replace("| upper", "| uper");
    let desk =
        Desk::new(DATA, &rules, "ex:S sh:targetSubjectsOf weft:sameThingAs ; sh:xone () ; sh:nodeKind ex:What .");
    let (status, text) = desk.fails(&["check"]);
    assert_eq!(status, 78);
    for expected in [
        "error    links.toml:4: rule lot-of-item: unknown key exakt; did you mean exact?",
        "error    links.toml:8: rule lot-of-item, left: normaliser of serial: ",
        "error    links.toml:10: rule lot-of-item, right: \"foo:Lot\": prefix \"foo\" is not declared",
        "error    shapes.ttl: shape https://example.com/S: sh:xone is not supported here",
        "error    shapes.ttl: shape https://example.com/S: <https://example.com/What> is no sh:nodeKind",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let (status, _) = desk.fails(&["link", "run"]);
    assert_eq!(status, 78);
    desk.rules(&RULES.replace(
        "class = \"ex:Item\"\nkeys = { serial = \"ex:serial\" }",
        "pattern = \"?entity ex:serial ?serial . }\"\nkeys = [\"serial\"]",
    ));
    desk.shapes("");
    let (_, error) = desk.fails(&["link", "run"]);
    assert!(error.contains("rule lot-of-item, left: "), "{error}");
    let (status, error) = desk.fails(&["link", "run", "other"]);
    assert!(status == 64 && error.contains("there is no rule \"other\"; there are lot-of-item"), "{error}");
    let (status, error) = desk.fails(&["link", "explain", "0123456789abcdef"]);
    assert!(status == 64 && error.contains("there is no link 0123456789abcdef"), "{error}");
    let (status, error) = desk.fails(&["link", "list", "--as-of", "soon"]);
    assert!(status == 64 && error.contains("is not an ISO 8601 time"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_looked_after_over_http_and_queries_see_it_without_a_restart() {
    let desk = Desk::new(DATA, RULES, SHAPES);
    let broker = Broker::serve(&desk).await;
    assert_eq!(broker.get("/links", "").await.0, 401);
    assert_eq!(broker.get("/links", "wrong").await.0, 401);
    assert_eq!(broker.get("/links", "s3cret").await, (200, json!({"links": [], "next": null})));
    let asserted = json!({"subject": "https://example.com/i1", "object": "https://example.com/l1", "evidence": "seen"});
    let (status, link) = broker.post("/links", "s3cret", &asserted).await;
    assert_eq!((status, &link["state"], &link["opinions"][0]["author"]), (200, &json!("confirmed"), &json!("ann")));
    broker.settles("SELECT ?l { ex:i1 weft:sameThingAs ?l }", &["https://example.com/l1"]).await;

    let second = json!({"subject": "https://example.com/i1", "object": "https://example.com/l2"});
    let (status, problem) = broker.post("/links", "s3cret", &second).await;
    assert_eq!((status, &problem["code"]), (422, &json!("link-refused")));
    assert!(problem["detail"].as_str().unwrap().contains("an item is one lot"), "{problem}");

    // What another process records is seen, too.
    desk.json(&["link", "run"]);
    broker.settles("SELECT ?l { ?i weft:sameThingAs ?l }", &["https://example.com/l1", "https://example.com/l2"]).await;
    let (_, list) = broker.get("/links?state=confirmed&limit=1", "s3cret").await;
    let next = list["next"].as_i64().unwrap();
    let (_, rest) = broker.get(&format!("/links?state=confirmed&limit=5&after={next}"), "s3cret").await;
    assert_eq!((list["links"].as_array().unwrap().len(), rest["links"].as_array().unwrap().len()), (1, 1));

    let id = link["id"].as_str().unwrap();
    let (status, retired) =
        broker.post(&format!("/links/{id}/retire"), "s3cret", &json!({"evidence": "mixed up"})).await;
    assert_eq!((status, &retired["state"]), (200, &json!("retired")));
    broker.settles("SELECT ?l { ?i weft:sameThingAs ?l }", &["https://example.com/l2"]).await;
    let query = "SELECT ?why { GRAPH weft:linkRecords { ?r weft:linkAuthor 'ann' ; weft:linkState 'retired' ; weft:linkEvidence ?why } }";
    broker.settles(query, &["mixed up"]).await;
    let (_, history) = broker.get(&format!("/links/{id}/history"), "s3cret").await;
    assert_eq!(history["history"].as_array().unwrap().len(), 3, "{history}");
    assert_eq!(broker.get("/links/zzz", "s3cret").await.0, 400);
    assert_eq!(broker.get("/links/0123456789abcdef", "s3cret").await.0, 404);
    let (status, problem) = broker.post("/links", "s3cret", &json!({"subject": "not an iri", "object": "urn:b"})).await;
    assert!(status == 400 && problem["detail"].as_str().unwrap().contains("is not an absolute IRI"), "{problem}");
    assert!(!broker.log().contains("s3cret"));
}
