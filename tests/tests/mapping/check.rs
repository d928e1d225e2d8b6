//! `weft check` on mappings, and `weft source add`, without any source.

use crate::programs::weft;
use crate::shop::Shop;
use std::path::Path;

#[test]
fn everything_that_is_wrong_with_a_mapping_is_told_at_once() {
    let shop = Shop::start();
    let line_of = |text: &str| 1 + shop.mapping().lines().position(|line| line.contains(text)).unwrap();
    let (table, column, datatype) = (line_of("tableName \"line\""), line_of("\"placed\""), line_of("\"total\""));
    shop.with(
        "shop.ttl",
        &[
            ("tableName \"line\"", "tableName \"lien\""),
            ("\"placed\"", "\"plaxed\""),
            ("\"total\" ]", "\"total\" ; rr:datatype <http://www.w3.org/2001/XMLSchema#date> ]"),
        ],
    );
    let checked = weft(shop.folder(), &["check"]);
    assert_eq!(checked.status, 78);
    let errors: Vec<&str> = checked.out.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors.len(), 3, "{}", checked.out);
    assert!(
        errors[0].contains(&format!("shop.ttl:{table}: source shop has no table \"lien\", did you mean \"line\"?"))
    );
    assert!(
        errors[1].contains(&format!(
            "shop.ttl:{column}: table \"orders\" has no column \"plaxed\", did you mean \"placed\"?"
        ))
    );
    assert!(
        errors[2].contains(&format!("shop.ttl:{datatype}: column \"total\" of type decimal(10,2) cannot be xsd:date"))
    );
    assert!(checked.err.contains("3 errors"), "{}", checked.err);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let shop = Shop::start();
    let vocabulary = "@prefix o: <https://o.example/#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
        o:Customer a owl:Class . o:name a owl:DatatypeProperty .";
    std::fs::write(shop.folder().join("o.ttl"), vocabulary).unwrap();
    let config = shop.folder().join("weft.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, text.replace("[broker]\n", "[broker]\nontology = [\"o.ttl\"]\n")).unwrap();
    shop.with(
        "shop.ttl",
        &[
            ("line/{order_no}/{pos}", "line/{order_no}-{pos}"),
            ("rr:child \"order_no\" ; rr:parent \"no\"", "rr:child \"pos\" ; rr:parent \"no\""),
            ("shop:Customer", "<https://o.example/#Custmer>"),
            (
                "shop:name ; rr:objectMap [ rr:column \"name\"",
                "<https://o.example/#name> ; rr:objectMap [ rr:column \"id\"",
            ),
        ],
    );
    let checked = weft(shop.folder(), &["check"]).fine();
    let warnings: Vec<&str> = checked.out.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(warnings.len(), 3, "{}", checked.out);
    assert!(warnings[0].contains(
        "the ontology has no class <https://o.example/#Custmer>, did you mean <https://o.example/#Customer>?"
    ));
    assert!(warnings[1].contains("may give one IRI for different values"), "{}", warnings[1]);
    assert!(
        warnings[2].contains("column \"pos\" of table \"line\" is int64 and column \"no\" of table \"orders\" is text")
    );
    let note = "note     source shop: not mapped: 1 of 10 columns of mapped tables (customer.name)";
    assert!(checked.out.contains(note), "{}", checked.out);
}

/// A source that cannot be connected to does not keep its mapping from being checked.
#[test]
fn mappings_are_checked_without_identity() {
    let shop = Shop::start();
    shop.with("shop.ttl", &[("\"placed\"", "\"plaxed\"")]);
    std::fs::remove_file(shop.folder().join("certs/broker.key")).unwrap();
    let checked = weft(shop.folder(), &["check"]);
    assert_eq!(checked.status, 78);
    assert!(checked.out.contains("error    identity: "), "{}", checked.out);
    assert!(checked.out.contains("has no column \"plaxed\""), "{}", checked.out);
}

fn add(folder: &Path, arguments: &[&str]) -> crate::programs::Said {
    weft(folder, &[&["source", "add"], arguments].concat())
}

#[test]
fn a_second_source_shares_authority_broker_and_prefixes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let erp = [
        "erp",
        "--postgres",
        "postgres://reader@127.0.0.1:5432/erp",
        "--password-env",
        "ERP_PASSWORD",
        "--schema",
        "sales",
    ];
    let first = add(folder, &erp).fine();
    assert_eq!(first.out.matches("made ").count(), 7, "{}", first.out);
    std::fs::write(folder.join("mes.sqlite"), "").unwrap();
    let second = add(folder, &["mes", "--sqlite", "mes.sqlite", "--table", "run", "--table", "a \"b\""]).fine();
    assert_eq!(second.out.matches("made ").count(), 3, "{}", second.out);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(
        read("erp.toml").contains("password = { env = \"ERP_PASSWORD\" }\nschemas = [\"sales\"]\n"),
        "{}",
        read("erp.toml")
    );
    assert!(read("mes.toml").contains("tables = [\"run\", \"a \\\"b\\\"\"]\n"), "{}", read("mes.toml"));
    assert!(read("mes.toml").contains("allow = [\"spiffe://weft.local/broker\"]\n"), "{}", read("mes.toml"));
    let config = read("weft.toml");
    assert!(
        config.contains("[prefixes]\nmes = \"https://example.org/mes#\"\nerp = \"https://example.org/erp#\"\n"),
        "{config}"
    );
    assert_eq!(config.matches("[identity]").count(), 1, "{config}");
    let ports: Vec<&str> =
        config.split("https://127.0.0.1:").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(ports.len() == 2 && ports[0] != ports[1], "{ports:?}");
    let listed = weft(folder, &["source", "list"]).fine();
    assert!(listed.out.contains(" erp ") && listed.out.contains(" mes "), "{}", listed.out);
}

#[test]
fn what_cannot_be_added_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |arguments: &[&str], why: &str| {
        let said = add(folder, arguments);
        assert_eq!(said.status, 64, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
        assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{}", said.err);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{arguments:?} left files");
    };
    refused(&["erp"], "--postgres");
    refused(&["erp", "--postgres", "postgres://reader:hunter2@127.0.0.1/erp"], "--password-env or --password-file");
    refused(&["erp", "--postgres", "postgres://reader@127.0.0.1/erp?password=hunter2"], "--password-file");
    refused(&["erp", "--postgres", "mysql://reader@127.0.0.1/erp"], "begins with postgres://");
    refused(&["erp", "--postgres", "postgres://127.0.0.1/erp"], "postgres://USER@HOST:PORT/DATABASE");
    refused(&["ERP", "--postgres", "postgres://reader@127.0.0.1/erp"], "the name of a source has a-z");
    refused(&["erp", "--sqlite", "absent.sqlite"], "there is no file absent.sqlite");
    refused(&["erp", "--sqlite", "a", "--password-env", "X"], "belong to --postgres");
    refused(&["broker", "--postgres", "postgres://reader@127.0.0.1/erp"], "choose another name");
    refused(&["plm", "--config", "plm.toml", "--postgres", "postgres://reader@127.0.0.1/erp"], "choose another name");
    let domain = ["erp", "--postgres", "postgres://reader@127.0.0.1/erp", "--trust-domain", "Not A Domain"];
    refused(&domain, "trust domain");
    let base = add(folder, &["erp", "--postgres", "postgres://reader@127.0.0.1/erp", "--base", "no base"]);
    assert_eq!(base.status, 78, "{}", base.err);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn what_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let erp = ["erp", "--postgres", "postgres://reader@127.0.0.1/erp"];
    std::fs::write(folder.join("erp.toml"), "mine").unwrap();
    let there = add(folder, &erp);
    assert_eq!(there.status, 64);
    assert!(there.err.contains("erp.toml is there already"), "{}", there.err);
    std::fs::remove_file(folder.join("erp.toml")).unwrap();
    add(folder, &erp).fine();
    let config = std::fs::read(folder.join("weft.toml")).unwrap();
    let twice = add(folder, &erp);
    assert_eq!(twice.status, 64);
    assert!(twice.err.contains("has a source erp already"), "{}", twice.err);
    let other =
        add(folder, &["mes", "--postgres", "postgres://reader@127.0.0.1/mes", "--base", "https://other.example/"]);
    assert!(other.err.contains("has the base https://example.org/, not https://other.example/"), "{}", other.err);
    let certs = add(folder, &["mes", "--postgres", "postgres://reader@127.0.0.1/mes", "--certs", "elsewhere"]);
    assert!(certs.err.contains("name its folder by --certs"), "{}", certs.err);
    assert_eq!(std::fs::read(folder.join("weft.toml")).unwrap(), config);
}
