//! From a PostgreSQL database to an answer, by the steps of the README and no others.

use crate::postgres::Postgres;
use crate::programs::{case, connector, is_kept, weft};
use std::path::Path;
use std::time::Instant;
use weft_tests::ports::free_address;

const LATE: &str = "PREFIX ex: <https://plant.example/vocab#>
PREFIX m: <https://plant.example/maintenance#>
SELECT ?name ?what ?who WHERE {
  ?order a ex:WorkOrder ; ex:description ?what ; ex:equipment/ex:name ?name ; ex:opened ?opened .
  FILTER NOT EXISTS { ?order ex:closed ?closed }
  OPTIONAL { ?order ex:reportedBy/m:fullName ?who }
} ORDER BY ?opened";

const SKILLS: &str = "PREFIX ex: <https://plant.example/vocab#>
PREFIX m: <https://plant.example/maintenance#>
SELECT ?who (COUNT(?skill) AS ?skills) (SUM(?hours) AS ?worked) WHERE {
  { SELECT ?person (SUM(?h) AS ?hours) { ?labour m:badge ?person ; m:hours ?h } GROUP BY ?person }
  ?person m:fullName ?who ; ex:hasSkill ?skill .
} GROUP BY ?who ORDER BY ?who";

#[test]
fn a_new_database_answers_in_a_few_steps() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database("maintenance", &case("maintenance/schema.sql"));
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listen = free_address();

    let password = server.password_file().display().to_string();
    let added = weft(
        folder,
        &[
            "source",
            "add",
            "maintenance",
            "--postgres",
            &url,
            "--password-file",
            &password,
            "--base",
            "https://plant.example/",
            "--listen",
            &listen.to_string(),
        ],
    )
    .fine();
    assert!(added.out.contains("weft-connector-sql maintenance.toml &"), "{}", added.out);
    with_ontology(folder);
    let _connector = connector(folder, "maintenance.toml", listen);

    let unmapped = weft(folder, &["check"]);
    assert_eq!(unmapped.status, 78);
    assert!(unmapped.out.contains("`weft mapping suggest maintenance --out maintenance.ttl`"), "{}", unmapped.out);

    let suggested = weft(folder, &["mapping", "suggest", "maintenance", "--out", "maintenance.ttl"]).fine();
    assert!(suggested.err.contains("9 tables; "), "{}", suggested.err);
    assert!(!suggested.err.contains("to use it"), "{}", suggested.err);
    let mapping = std::fs::read_to_string(folder.join("maintenance.ttl")).unwrap();
    is_kept(&case("maintenance/expected.ttl"), &mapping);

    let checked = weft(folder, &["check"]).fine();
    assert!(checked.out.contains("ok       source maintenance: "), "{}", checked.out);
    assert!(checked.out.contains("triple maps fit its recorded tables"), "{}", checked.out);

    let late = weft(folder, &["query", LATE, "--format", "csv"]).fine();
    assert_eq!(late.out, "name,what,who\r\nFeed pump,Seal leaks,Eva Ek\r\nConveyor,Belt is worn,\r\n");
    let skills = weft(folder, &["query", SKILLS, "--format", "csv"]).fine();
    assert_eq!(skills.out, "who,skills,worked\r\nAda Holm,2,1.1E1\r\nNils Berg,1,1.25E0\r\n");
    println!("from a database to an answer: {:.1} s of programs", begun.elapsed().as_secs_f64());
    nothing_holds(folder, server.password());
}

/// The ontology of the plant, as someone who has one adds it.
fn with_ontology(folder: &Path) {
    std::fs::copy(case("maintenance/ontology.ttl"), folder.join("plant.ttl")).unwrap();
    let path = folder.join("weft.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = "base = \"https://plant.example/\"\n";
    assert!(text.contains(line), "{text}");
    std::fs::write(path, text.replace(line, &format!("{line}ontology = [\"plant.ttl\"]\n"))).unwrap();
}

/// No file of the folder has the secret.
fn nothing_holds(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_holds(&path, secret);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(secret), "{} has the password", path.display());
        }
    }
}
