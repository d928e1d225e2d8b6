//! Links that rules find between the systems: one thing with many names, and questions that follow them.

use super::answers::Answers;
use super::world::{self, Variant, World};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// For the broker to see links that somebody else recorded.
const REFRESHED: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_has_many_names_by_declared_rules_only() {
    let Some(kit) = world::kit() else {
        eprintln!("skipped: there is no peers kit at WEFT_SHARED (default ../shared)");
        return;
    };
    let world = World::start(kit, Variant::Linked).await.unwrap();
    let answers = Answers::compute(world.kit()).unwrap();
    let before = world.ask("links/q3-failed-characteristics").await.unwrap();
    assert!(before.is_empty(), "there are links before a rule ran");

    check_coverage(&world.run().unwrap());
    wait_for_links(&world).await;
    let mut wrong = Vec::new();
    for (question, expected) in expected(&answers) {
        let rows = world.ask(&format!("links/{question}")).await.unwrap();
        let found: BTreeSet<Vec<String>> =
            rows.iter().map(|row| columns(question).iter().map(|name| row.text(name)).collect()).collect();
        if found != expected {
            wrong.push(format!("{question}: expected {expected:?}\nfound {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    names_of_box_2(&world).await;
    evidence_can_be_asked_for(&world).await;
    a_second_run_writes_nothing(&world);
    a_changed_rule_makes_its_links_suspect(&world);
}

impl World {
    fn link(&self, arguments: &[&str]) -> Result<Value> {
        let config = ["--config", self.config(), "--json"];
        let output = self.weft(&[&["link"], arguments, &config].concat())?;
        serde_json::from_str(&output).with_context(|| output)
    }

    /// The coverage of each rule.
    fn run(&self) -> Result<BTreeMap<String, Value>> {
        let outcomes = self.link(&["run"])?;
        let outcomes = outcomes.as_array().context("a list")?;
        Ok(outcomes.iter().map(|outcome| (outcome["rule"].as_str().unwrap().to_owned(), outcome.clone())).collect())
    }
}

fn check_coverage(outcomes: &BTreeMap<String, Value>) {
    let numbers = |rule: &str, side: &str| {
        let side = &outcomes[rule][side];
        ["entities", "linked", "ambiguous", "without"].map(|name| side[name].as_u64().unwrap())
    };
    // 60 parts and 20 assemblies are lots of their own; 4 heats, of which two were delivered twice, are not items.
    assert_eq!(numbers("lot-of-item", "left"), [80, 80, 0, 0]);
    let [lots, linked, ambiguous, _] = numbers("lot-of-item", "right");
    assert!(lots > linked, "heats are lots, too");
    assert_eq!((linked, ambiguous), (80, 0));
    // 59 of the 60 parts were inspected; the assemblies are items without an inspection.
    assert_eq!(numbers("item-of-inspected-part", "left"), [59, 59, 0, 0]);
    assert_eq!(numbers("item-of-inspected-part", "right"), [80, 59, 0, 21]);
    assert_eq!(
        (outcomes["lot-of-item"]["confirmed"].as_u64(), outcomes["lot-of-item"]["proposed"].as_u64()),
        (Some(80), Some(0))
    );
}

async fn wait_for_links(world: &World) {
    let count = "SELECT (COUNT(*) AS ?count) WHERE { GRAPH <https://weft.dev/ns#links> { ?a <https://weft.dev/ns#sameThingAs> ?b } }";
    let deadline = Instant::now() + REFRESHED;
    loop {
        let rows = world.query(count).await.unwrap();
        // Each is there both ways, as the ontology says that the property is symmetric.
        if rows[0].text("count") == "278" {
            return;
        }
        assert!(Instant::now() < deadline, "queries see {} links", rows[0].text("count"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn columns(question: &str) -> &'static [&'static str] {
    match question {
        "q1-inspected-revision" | "q2-not-inspected" => &["lot"],
        "q3-failed-characteristics" => &["lot", "failed"],
        "q6-inspected" => &["lot", "revision", "failed"],
        "q7-edited" => &["part", "wasEdited", "inspected", "failures"],
        other => panic!("{other} is not known"),
    }
}

type Rows = BTreeSet<Vec<String>>;

/// What the questions must find, from the seed files.
fn expected(answers: &Answers) -> Vec<(&'static str, Rows)> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let single = |value: &Value| -> Rows { texts(value).into_iter().map(|text| vec![text]).collect() };
    let object = |value: &Value| value.as_object().unwrap().clone();
    let failed = object(answers.answer("Q3"))
        .into_iter()
        .flat_map(|(lot, found)| texts(&found["failed"]).into_iter().map(move |failed| vec![lot.clone(), failed]))
        .collect();
    let inspected = object(&answers.answer("Q6")["as_inspected"]).into_iter().flat_map(|(lot, found)| {
        let revision = found["revision"].as_str().unwrap().to_owned();
        let failed = texts(&found["failed"]);
        let failed = if failed.is_empty() { vec![String::new()] } else { failed };
        failed.into_iter().map(move |failed| vec![lot.clone(), revision.clone(), failed])
    });
    let edited = object(answers.answer("Q7")).into_iter().filter(|(_, found)| found["edited"].is_number()).flat_map(
        |(part, found)| {
            [("true", "edited", "edited_failed"), ("false", "not_edited", "not_edited_failed")].map(
                |(was, count, failed)| {
                    vec![part.clone(), was.to_owned(), found[count].to_string(), found[failed].to_string()]
                },
            )
        },
    );
    vec![
        ("q1-inspected-revision", single(&answers.answer("Q1")["recorded_in_own_stream"])),
        ("q2-not-inspected", single(&answers.answer("Q2")["machined_not_inspected"])),
        ("q3-failed-characteristics", failed),
        ("q6-inspected", inspected.collect()),
        ("q7-edited", edited.collect()),
    ]
}

/// ERP lot, serial and machine file, inspected part: by links, in one step or two.
async fn names_of_box_2(world: &World) {
    let query =
        "SELECT DISTINCT ?name WHERE { <https://crada.example/lot/BOX-02> <https://weft.dev/ns#sameThingAs>+ ?name }";
    let names: BTreeSet<String> = world.query(query).await.unwrap().iter().map(|row| row.text("name")).collect();
    let expected = ["inspected/nist_mtc_crada_box_rev-D/2", "item/Box-Hurco02-02of20", "lot/BOX-02"];
    assert_eq!(names, expected.map(|name| format!("https://crada.example/{name}")).into());
}

async fn evidence_can_be_asked_for(world: &World) {
    let query = "PREFIX weft: <https://weft.dev/ns#> PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> \
                 SELECT ?rule ?evidence ?state ?confidence WHERE { GRAPH weft:linkRecords { ?record a weft:LinkRecord ; \
                 rdf:object <https://crada.example/lot/BOX-02> ; weft:linkRule ?rule ; weft:linkEvidence ?evidence ; \
                 weft:linkState ?state ; weft:linkConfidence ?confidence } }";
    let rows = world.query(query).await.unwrap();
    assert_eq!(rows.len(), 1);
    let texts = ["rule", "evidence", "state", "confidence"].map(|name| rows[0].text(name));
    assert_eq!(texts, ["lot-of-item", "family \"BOX\", number \"2\"", "confirmed", "1.0E0"]);
    let nothing = world.query("SELECT ?r WHERE { ?r <https://weft.dev/ns#linkRule> ?rule }").await.unwrap();
    assert!(nothing.is_empty(), "records are not part of the default graph");
}

fn a_second_run_writes_nothing(world: &World) {
    let last = |world: &World| world.link(&["list", "--limit", "1000"]).unwrap();
    let before = last(world);
    assert_eq!(before.as_array().unwrap().len(), 139);
    for outcome in world.run().unwrap().values() {
        let changes = &outcome["changes"];
        let counts = ["new", "changed", "suspect"].map(|name| changes[name].as_u64());
        assert_eq!(counts, [Some(0); 3], "{outcome}");
    }
    assert_eq!(last(world), before);
}

fn a_changed_rule_makes_its_links_suspect(world: &World) {
    let file = world.path("links.toml");
    let rules = fs::read_to_string(&file).unwrap();
    fs::write(&file, rules.replacen(")of[0-9]+", ")of20", 1)).unwrap();
    let suspect = world.link(&["list", "--state", "suspect", "--limit", "1000"]).unwrap();
    assert_eq!(suspect.as_array().unwrap().len(), 80);
    assert_eq!(suspect[0]["evidence"], "the rule was changed since it ran");
    let outcome = &world.run().unwrap()["lot-of-item"];
    assert_eq!(outcome["changes"]["changed"], 80, "{outcome}");
    let id = suspect[0]["id"].as_str().unwrap();
    let history = world.link(&["history", id]).unwrap();
    let states: Vec<&str> =
        history.as_array().unwrap().iter().map(|record| record["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["confirmed", "suspect", "confirmed"]);
}
