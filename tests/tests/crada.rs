#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! The example of `deploy/examples/crada` against its real systems: every question, through real processes, compared with
//! the answers that the peers kit computes from its seed files.

#[path = "crada/answers.rs"]
mod answers;
#[path = "crada/linked.rs"]
mod linked;
#[path = "crada/world.rs"]
mod world;

use answers::Answers;
use std::collections::BTreeSet;
use world::{Variant, World};

#[tokio::test(flavor = "multi_thread")]
async fn servers_give_the_answers_of_the_seed_files() {
    questions_are_answered(Variant::Servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_files_give_the_answers_of_the_seed_files() {
    questions_are_answered(Variant::Sqlite).await;
}

async fn questions_are_answered(variant: Variant) {
    let Some(kit) = world::kit() else {
        eprintln!("skipped: there is no peers kit at WEFT_SHARED (default ../shared)");
        return;
    };
    let world = World::start(kit, variant).await.unwrap();
    let answers = Answers::compute(world.kit()).unwrap();
    let mut wrong = Vec::new();
    let questions = world.questions().unwrap();
    assert!(questions.len() >= 16, "{questions:?}");
    for name in &questions {
        let rows = match world.ask(name).await {
            Ok(rows) => rows,
            Err(error) => {
                wrong.push(format!("{name}: {error:#}"));
                continue;
            }
        };
        let (expected, got) = (answers.expected(name), answers.normalised(name, &rows));
        let missing: BTreeSet<_> = expected.difference(&got).collect();
        let extra: BTreeSet<_> = got.difference(&expected).collect();
        assert!(!expected.is_empty(), "{name} expects nothing");
        if !(missing.is_empty() && extra.is_empty()) {
            wrong.push(format!("{name}: missing {missing:?}, extra {extra:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), questions.len(), wrong.join("\n"));
}

/// What the README says: one set of mappings, but for the names of the tables.
#[test]
fn the_mappings_of_both_variants_differ_in_table_names_only() {
    let mapping = |name: &str| std::fs::read_to_string(world::example().join("mappings").join(name)).unwrap();
    let body = |text: String| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let postgres = body(mapping("mes-postgres.ttl")).replace("\"mes.", "\"").replace("\"historian.", "\"");
    assert_eq!(postgres, body(mapping("mes-sqlite.ttl")));
}
