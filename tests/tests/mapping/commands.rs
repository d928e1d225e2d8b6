//! `weft mapping preview`, `diff` and `suggest` on a live source.

use crate::programs::weft;
use crate::shop::{SCHEMA, Shop};
use std::collections::BTreeSet;

const IRI: (&str, &str) = ("rr:column \"homepage\" ]", "rr:column \"homepage\" ; rr:termType rr:IRI ]");

fn triples(turtle: &str) -> BTreeSet<String> {
    oxttl::TurtleParser::new().for_slice(turtle).map(|triple| triple.unwrap().to_string()).collect()
}

/// With as many rows as there are, a preview is the whole virtual graph.
#[test]
fn a_preview_is_what_queries_see() {
    let shop = Shop::start();
    let all = weft(
        shop.folder(),
        &["query", "--format", "turtle", "CONSTRUCT { ?s ?p ?o } { GRAPH <urn:weft:source:shop> { ?s ?p ?o } }"],
    );
    let shown = weft(shop.folder(), &["mapping", "preview", "shop", "--rows", "100"]).fine();
    assert_eq!(triples(&shown.out), triples(&all.fine().out), "{}", shown.out);
    assert!(shown.out.contains("\n# orders: 3 rows\n"), "{}", shown.out);
    assert!(shown.out.contains("  shop:order <https://e.example/shop/orders/A%2F1> ;\n"), "{}", shown.out);
    assert_eq!(shown.err, "36 triples of 3 tables\n");
}

/// Of the first row only; the rows its references need are read besides, and are no rows of the preview.
#[test]
fn a_preview_reads_few_rows_and_what_they_refer_to() {
    let shop = Shop::start();
    let shown =
        weft(shop.folder(), &["mapping", "preview", "shop", "--rows", "1", "--table", "line", "--table", "orders"]);
    let shown = shown.fine();
    let expected = "<https://e.example/shop/line/A%2F1/1> a shop:Line ;
  shop:item \"bolt\" ;
  shop:order <https://e.example/shop/orders/A%2F1> ;
  shop:pos 1 .
";
    assert!(shown.out.contains(expected), "{}", shown.out);
    assert_eq!(shown.out.matches(" a shop:").count(), 2, "{}", shown.out);
    let no_table = weft(shop.folder(), &["mapping", "preview", "shop", "--table", "lines"]);
    assert_eq!(no_table.status, 64);
    assert!(no_table.err.contains("no table \"lines\"; it has customer, line, orders"), "{}", no_table.err);
}

/// A value that is no term is told with its place, and by what becomes of it.
#[test]
fn values_that_are_no_terms_are_told_with_their_place() {
    let shop = Shop::start();
    shop.with("iri.ttl", &[IRI]);
    let preview = ["mapping", "preview", "shop", "--mapping", "iri.ttl"];
    let shown = weft(shop.folder(), &preview).fine();
    let line = 1 + shop.mapping().lines().position(|line| line.contains("\"homepage\"")).unwrap();
    let place = format!(
        "column homepage: \"no <iri>\" is not an IRI (iri.ttl:{line}, triples map <https://e.example/#customer>)"
    );
    assert!(shown.err.contains("refused (a query that needs them fails): 1 value of table customer"), "{}", shown.err);
    assert!(shown.err.contains(&place), "{}", shown.err);
    assert!(
        shown.out.contains("shop:homepage <https://ada.example/>") && !shown.out.contains("no <iri>"),
        "{}",
        shown.out
    );

    let config = shop.folder().join("weft.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[sources.shop]\n", "[sources.shop]\ninvalid_values = \"leave-out\"\n"))
        .unwrap();
    let shown = weft(shop.folder(), &preview).fine();
    assert!(shown.err.contains("left out: 1 value of table customer"), "{}", shown.err);
}

#[test]
fn values_that_match_nothing_are_told_with_their_place() {
    let shop = Shop::start();
    let matched =
        "rr:template \"https://e.example/item/{item}\" ; <https://weft.dev/ns#normalise> \"match '[a-m].*'\" ]";
    shop.with("matched.ttl", &[("rr:column \"item\" ]", matched)]);
    let shown = weft(shop.folder(), &["mapping", "preview", "shop", "--mapping", "matched.ttl"]).fine();
    let expected =
        "left out: 2 values of table line that no normaliser or code list matches: column item (matched.ttl:";
    assert!(shown.err.contains(expected), "{}", shown.err);
    assert!(shown.out.contains("shop:item <https://e.example/item/bolt>"), "{}", shown.out);
}

/// A table whose rows the connector refuses does not hide the others.
#[test]
fn a_table_that_cannot_be_read_is_told_after_the_others() {
    let shop = Shop::start_with(&format!("{SCHEMA} INSERT INTO orders VALUES ('D', 1, 'soon', 1);"));
    let shown = weft(shop.folder(), &["mapping", "preview", "shop", "--rows", "9"]);
    assert_eq!(shown.status, 76, "{}", shown.err);
    assert!(shown.err.contains("not read: table orders: ") && shown.err.contains("placed"), "{}", shown.err);
    assert!(shown.out.contains("shop:Customer"), "{}", shown.out);
    let diff = weft(shop.folder(), &["mapping", "diff", "shop", "shop.ttl"]);
    assert_eq!((diff.status, diff.out.as_str()), (76, ""), "{}", diff.err);
}

#[test]
fn a_difference_is_told_line_by_line_and_by_the_status() {
    let shop = Shop::start();
    let same = weft(shop.folder(), &["mapping", "diff", "shop", "shop.ttl"]);
    assert_eq!((same.status, same.out.as_str(), same.err.as_str()), (0, "", "0 triples fewer, 0 more, 36 the same\n"));

    shop.with("new.ttl", &[IRI, ("shop:placed", "shop:placedOn")]);
    let changed = weft(shop.folder(), &["mapping", "diff", "shop", "new.ttl"]);
    assert_eq!(changed.status, 1, "{}", changed.err);
    let expected = "- <https://e.example/shop/customer/1> shop:homepage \"https://ada.example/\" .
+ <https://e.example/shop/customer/1> shop:homepage <https://ada.example/> .
- <https://e.example/shop/customer/2> shop:homepage \"no <iri>\" .
- <https://e.example/shop/orders/A%2F1> shop:placed \"2026-01-02\"^^xsd:date .
+ <https://e.example/shop/orders/A%2F1> shop:placedOn \"2026-01-02\"^^xsd:date .
- <https://e.example/shop/orders/C3> shop:placed \"2026-02-03\"^^xsd:date .
+ <https://e.example/shop/orders/C3> shop:placedOn \"2026-02-03\"^^xsd:date .
";
    assert_eq!(changed.out, expected);
    assert!(changed.err.ends_with("4 triples fewer, 3 more, 32 the same\n"), "{}", changed.err);
    assert!(changed.err.starts_with("after: 1 value of table customer are no terms"), "{}", changed.err);
}

#[test]
fn the_answers_to_a_query_are_compared() {
    let shop = Shop::start();
    shop.with("new.ttl", &[("rr:column \"item\" ]", "rr:template \"{item}!\" ; rr:termType rr:Literal ]")]);
    let diff = |query: &str| {
        std::fs::write(shop.folder().join("q.rq"), query).unwrap();
        weft(shop.folder(), &["mapping", "diff", "shop", "new.ttl", "--query", "q.rq"])
    };
    let names = diff(
        "SELECT ?name (COUNT(?item) AS ?items) { ?c shop:name ?name . ?o shop:customer ?c . ?l shop:order ?o ; shop:item ?item } GROUP BY ?name",
    );
    assert_eq!((names.status, names.out.as_str()), (0, ""), "{}", names.err);
    assert_eq!(names.err, "0 rows fewer, 0 more, 2 the same\n");
    let items = diff("SELECT ?pos ?item ?none { ?l shop:item ?item ; shop:pos ?pos FILTER(?pos = 2) }");
    let expected = "+ ?pos = 2  ?item = \"nut!\"\n- ?pos = 2  ?item = \"nut\"\n";
    assert_eq!((items.status, items.out.as_str()), (1, expected), "{}", items.err);
    let ask = diff("ASK { ?l shop:item 'nut' }");
    assert_eq!((ask.status, ask.out.as_str()), (1, "+ false\n- true\n"), "{}", ask.err);
    let construct = diff("CONSTRUCT { ?l shop:is ?item } { ?l shop:item ?item ; shop:pos 2 }");
    assert_eq!(construct.out.lines().count(), 2, "{}", construct.out);
    let wrong = diff("SELECT {");
    assert_eq!(wrong.status, 65, "{}", wrong.err);
    assert!(wrong.err.starts_with("error: before: "), "{}", wrong.err);
    std::fs::write(shop.folder().join("new.ttl"), "<#a> <#b> .").unwrap();
    let broken = diff("ASK {}");
    assert_eq!(broken.status, 78, "{}", broken.err);
    assert!(broken.err.contains("new.ttl:1: "), "{}", broken.err);
}

#[test]
fn a_suggestion_replaces_nothing_unasked_and_needs_no_source_when_recorded() {
    let shop = Shop::start();
    let before = shop.mapping();
    let suggest = |more: &[&str]| weft(shop.folder(), &[&["mapping", "suggest", "shop"], more].concat());
    std::fs::write(shop.folder().join("shop.ttl"), "# mine\n").unwrap();
    let refused = suggest(&["--out", "shop.ttl"]);
    assert_eq!(refused.status, 64);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(shop.mapping(), "# mine\n");
    suggest(&["--out", "shop.ttl", "--force"]).fine();
    assert_eq!(shop.mapping(), before);
    assert_eq!(suggest(&[]).fine().out, before);

    let folder = shop.folder().join("alone");
    std::fs::create_dir(&folder).unwrap();
    let alone = |name: &str| std::fs::copy(shop.folder().join(name), folder.join(name)).unwrap();
    alone("weft.toml");
    let recorded = ["mapping", "suggest", "shop", "--recorded"];
    let nothing = weft(&folder, &recorded);
    assert_eq!(nothing.status, 64, "{}", nothing.err);
    assert!(nothing.err.contains("nothing is recorded"), "{}", nothing.err);
    std::fs::create_dir_all(folder.join("state/descriptions")).unwrap();
    alone("state/descriptions/shop.json");
    assert_eq!(weft(&folder, &recorded).fine().out, before);
    let other = weft(&folder, &[&recorded[..], &["--out", "other.ttl"]].concat()).fine();
    assert!(other.err.contains("to use it, write under [sources.shop]: mapping = \"other.ttl\""), "{}", other.err);
    assert_eq!(weft(&folder, &["mapping", "suggest", "shops", "--recorded"]).status, 64);
}
