#![allow(clippy::unwrap_used)]
use super::*;

const RULE: &str = r#"
[[rule]]
name = "lot-of-item"
exact = ["family", "number"]
confidence = 0.98

[rule.left]
source = "mes"
class = "weft:Item"
keys = { serial = "ex:serialNumber" }
normalise = { serial = 'match "(?<family>[A-Za-z]+)-.*-(?<number>\d+)of\d+" | upper' }

[rule.right]
source = "erp"
pattern = "?entity ex:lotNumber ?lot FILTER(?lot != '')"
keys = ["lot"]
normalise = { lot = 'match "(?<family>[A-Z]+)-(?<number>\d+)"' }
"#;

fn parse(text: &str) -> Result<RuleFile, Vec<String>> {
    let prefixes = [("ex".to_owned(), "https://e/".to_owned()), ("weft".to_owned(), "https://weft.dev/ns#".to_owned())];
    RuleFile::parse(Path::new("links.toml"), text, &prefixes, &["mes", "erp"])
        .map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
}

#[test]
fn a_rule_is_read_and_asks_for_its_keys() {
    let file = parse(RULE).unwrap();
    let rule = file.rule("lot-of-item").unwrap();
    assert_eq!(rule.predicate.as_str(), crate::SAME_THING_AS);
    assert_eq!((rule.confirm, rule.propose, rule.confidence), (0.95, 0.8, 0.98));
    assert_eq!(rule.left.key_names(), ["family", "number"]);
    assert_eq!(
        rule.left.query(None),
        "SELECT DISTINCT ?entity ?serial WHERE {\n  ?entity a <https://weft.dev/ns#Item> .\n  \
         ?entity <https://e/serialNumber> ?serial .\n}"
    );
    let graph = NamedNode::new_unchecked("urn:weft:source:erp");
    assert!(
        rule.right.query(Some(&graph)).contains("GRAPH <urn:weft:source:erp> {\n  ?entity ex:lotNumber ?lot FILTER")
    );
}

#[test]
fn the_text_of_a_rule_changes_with_what_it_decides_and_not_with_its_limits() {
    let text = |source: &str| parse(source).unwrap().rules[0].text();
    let limits = format!("{RULE}\n[rule.limits]\nmost_links = 5\n");
    assert_eq!(text(RULE), text(&limits));
    assert_eq!(parse(&limits).unwrap().rules[0].limits.most_links, 5);
    assert_ne!(text(RULE), text(&RULE.replace("| upper", "| lower")));
    assert_ne!(text(RULE), text(&RULE.replace("0.98", "0.97")));
    assert_eq!(text(RULE), text(&RULE.replace("class = ", "# a comment\nclass = ")));
}

#[test]
fn all_that_is_wrong_is_told_with_its_line() {
    let text = r#"
[[rule]]
name = "Lots!"
exacts = ["a"]
confirm = 2
[rule.left]
source = "mees"
class = "foo:Item"
keys = { serial = "ex:s" }
normalise = { serial = "uper", other = "trim" }
[rule.right]
pattern = "?x ex:lot ?lot"
keys = ["lots"]
limit = 3
[[rule]]
name = "b"
fuzzy = { name = "soundex" }
"#;
    let wrong = parse(text).map(|_| ()).unwrap_err();
    for expected in [
        "links.toml:3: rule Lots!: the name of a rule has a-z",
        "links.toml:4: rule Lots!: unknown key exacts; did you mean exact?",
        "confirm is 2, and scores are from 0 to 1",
        "links.toml:7: rule Lots!, left: there is no source \"mees\"; there are mes, erp",
        "links.toml:8: rule Lots!, left: \"foo:Item\": prefix \"foo\" is not declared",
        "links.toml:10: rule Lots!, left: normaliser of serial: ",
        "links.toml:13: rule Lots!, right: the pattern has no variable ?lots",
        "the pattern has no variable ?entity",
        "links.toml:14: rule Lots!, right: unknown key limit",
        "rule b: there is no left",
        "links.toml:17: rule b: fuzzy key name is a similarity",
    ] {
        assert!(wrong.iter().any(|line| line.contains(expected)), "{expected} is not in {wrong:#?}");
    }
}

#[test]
fn nothing_is_compared_with_everything() {
    let fuzzy = RULE.replace("exact = [\"family\", \"number\"]", "fuzzy = { number = \"jaro-winkler\" }");
    let wrong = parse(&fuzzy).map(|_| ()).unwrap_err();
    assert!(wrong[0].contains("all would be compared with all"), "{wrong:?}");
    assert!(parse(&fuzzy.replace("confidence", "block = { family = 2 }\nconfidence")).is_ok());
    let none = RULE.replace("exact = [\"family\", \"number\"]", "");
    assert!(parse(&none).map(|_| ()).unwrap_err()[0].contains("say which keys must be equal"));
    let unknown = RULE.replace("\"number\"]", "\"serial\"]");
    assert!(parse(&unknown).map(|_| ()).unwrap_err()[0].contains("the left has no key serial; it has family, number"));
}

#[test]
fn syntax_errors_have_lines_and_names_are_told_apart() {
    let wrong = parse("[[rule]]\nname = \n").map(|_| ()).unwrap_err();
    assert!(wrong[0].starts_with("links.toml:2: "), "{wrong:?}");
    let twice = format!("{RULE}{RULE}");
    assert!(parse(&twice).map(|_| ()).unwrap_err()[0].contains("there is a rule lot-of-item already"));
    assert_eq!(parse("").unwrap().rules.len(), 0);
    assert!(parse("rules = 1").map(|_| ()).unwrap_err()[0].contains("unknown key rules; did you mean rule?"));
}

#[test]
fn the_commented_example_is_valid_and_says_the_defaults() {
    let text = include_str!("../../../../deploy/links.example.toml");
    let rule = parse(&text.replace("\"plm\"", "\"mes\"")).unwrap().rules.remove(0);
    let plain = parse(RULE).unwrap().rules.remove(0);
    assert_eq!(rule.limits, RuleLimits::default());
    assert_eq!(rule.predicate, plain.predicate);
    assert_eq!((rule.confirm, rule.propose, rule.confidence), (0.95, 0.8, 1.0));
    assert_eq!(rule.confirm_ambiguous, plain.confirm_ambiguous);
    assert_eq!(rule.left.normalise["name"].apply("ACME  Pumps, Inc").as_deref(), Some("acme pumps"));
}
