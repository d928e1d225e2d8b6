//! From TOML to rules, with the line of all that is wrong.

use super::fields::{Fields, Report, Value, Wrong, number};
use super::{Fuzzy, KeySource, LinkRule, RuleFile, RuleLimits, Side, Similarity};
use crate::SAME_THING_AS;
use oxrdf::NamedNode;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use weft_mapping::Normaliser;

/// Rules of one file.
const MOST_RULES: usize = 1_000;

/// What names in a file can mean.
struct Names<'a> {
    prefixes: &'a [(String, String)],
    sources: &'a [&'a str],
}

pub(super) fn read(text: &str, prefixes: &[(String, String)], sources: &[&str]) -> Result<RuleFile, Vec<Wrong>> {
    let report = Report::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        report.at(&error.span().unwrap_or_default(), error.message().replace('\n', "; "));
    }
    if !errors.is_empty() {
        return Err(report.into_wrong());
    }
    let rules = {
        let fields = Fields::new(&report, root.get_ref(), root.span(), "the file".to_owned());
        let rules = read_rules(&report, &fields, &Names { prefixes, sources });
        fields.end();
        rules
    };
    let wrong = report.into_wrong();
    if wrong.is_empty() { Ok(RuleFile { rules }) } else { Err(wrong) }
}

fn read_rules<'a>(report: &'a Report<'a>, fields: &Fields<'a>, names: &Names<'_>) -> Vec<LinkRule> {
    let Some(value) = fields.get("rule") else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        fields.wrong(&value.span(), "rules are written [[rule]]");
        return Vec::new();
    };
    if list.len() > MOST_RULES {
        fields.wrong(&value.span(), format!("there are {} rules, and {MOST_RULES} are allowed", list.len()));
        return Vec::new();
    }
    let mut rules: Vec<LinkRule> = Vec::new();
    for item in list.iter() {
        let DeValue::Table(table) = item.get_ref() else {
            fields.wrong(&item.span(), "a rule is a table");
            continue;
        };
        let Some((rule, place)) = read_rule(report, table, item.span(), names) else { continue };
        if rules.iter().any(|known| known.name == rule.name) {
            report.at(&place, format!("there is a rule {} already", rule.name));
        }
        rules.push(rule);
    }
    rules
}

fn read_rule<'a>(
    report: &'a Report<'a>,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    names: &Names<'_>,
) -> Option<(LinkRule, Range<usize>)> {
    let what = match table.iter().find(|(key, _)| key.get_ref() == "name").map(|(_, name)| name.get_ref()) {
        Some(DeValue::String(name)) => format!("rule {name}"),
        _ => "a rule".to_owned(),
    };
    let fields = Fields::new(report, table, span.clone(), what);
    let name = read_name(&fields);
    let predicate = fields
        .text("predicate")
        .map_or_else(|| Some(NamedNode::new_unchecked(SAME_THING_AS)), |(text, span)| names.iri(&fields, text, &span));
    let sides = [side(&fields, "left", names), side(&fields, "right", names)];
    let exact = fields.texts("exact");
    let fuzzy = read_fuzzy(&fields);
    let block = read_block(&fields);
    let [confirm, propose, confidence] = read_scores(&fields);
    let confirm_ambiguous = match fields.text("ambiguous") {
        None | Some(("propose", _)) => false,
        Some(("confirm", _)) => true,
        Some((other, span)) => {
            fields.wrong(&span, format!("ambiguous is \"propose\" or \"confirm\", not {other:?}"));
            false
        }
    };
    let limits = read_limits(&fields);
    if let [Some(left), Some(right)] = &sides {
        check_keys(&fields, [left, right], &exact, &fuzzy, &block);
    }
    fields.end();
    let [left, right] = sides;
    let (name, place) = name?;
    let rule = LinkRule {
        name,
        predicate: predicate?,
        left: left?,
        right: right?,
        exact: exact.into_iter().map(|(key, _)| key.to_owned()).collect::<BTreeSet<_>>().into_iter().collect(),
        fuzzy: fuzzy.into_iter().map(|(fuzzy, _)| fuzzy).collect(),
        block: block.into_iter().map(|(key, length, _)| (key, length)).collect(),
        confirm,
        propose,
        confidence,
        confirm_ambiguous,
        limits,
    };
    Some((rule, place))
}

fn read_name(fields: &Fields<'_>) -> Option<(String, Range<usize>)> {
    let Some((name, span)) = fields.text("name") else {
        fields.wrong(&fields.span, "a rule has a name");
        return None;
    };
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    if !plain || name.is_empty() || name.len() > 64 {
        fields.wrong(&span, "the name of a rule has a-z, 0-9, -, _ and ., at most 64");
        return None;
    }
    Some((name.to_owned(), span))
}

fn read_scores(fields: &Fields<'_>) -> [f64; 3] {
    let score = |key, default: f64| {
        let number = fields.number(key, default);
        if !(0.0..=1.0).contains(&number) {
            fields.wrong(&fields.span, format!("{key} is {number}, and scores are from 0 to 1"));
        }
        number
    };
    let confirm = score("confirm", 0.95);
    let propose = score("propose", confirm.min(0.8));
    let confidence = score("confidence", 1.0);
    if propose > confirm {
        fields.wrong(&fields.span, format!("propose is {propose}, which is above confirm, {confirm}"));
    }
    if confidence < propose {
        fields.wrong(&fields.span, format!("confidence is {confidence}: no link could reach propose, {propose}"));
    }
    [confirm, propose, confidence]
}

fn read_limits(fields: &Fields<'_>) -> RuleLimits {
    let default = RuleLimits::default();
    let Some(limits) = fields.table("limits") else { return default };
    let read = RuleLimits {
        most_entities: limits.count("most_entities", default.most_entities),
        most_candidates: limits.count("most_candidates", default.most_candidates),
        most_counterparts: limits.count("most_counterparts", default.most_counterparts),
        most_links: limits.count("most_links", default.most_links),
    };
    limits.end();
    read
}

fn side(fields: &Fields<'_>, key: &'static str, names: &Names<'_>) -> Option<Side> {
    let Some(side) = fields.table(key) else {
        if fields.get(key).is_none() {
            fields.wrong(&fields.span, format!("there is no {key}: say which entities it links"));
        }
        return None;
    };
    let source = side.text("source");
    if let Some((name, span)) = &source
        && !names.sources.contains(name)
    {
        side.wrong(span, format!("there is no source {name:?}; there are {}", names.sources.join(", ")));
    }
    let class = side.text("class");
    let pattern = side.text("pattern");
    let keys = match pattern {
        Some((text, span)) => {
            if class.is_some() {
                side.wrong(&span, "a side has a class or a pattern, and not both");
            }
            pattern_keys(&side, text)
        }
        None => property_keys(&side, class, names),
    };
    let normalise = read_normalisers(&side, keys.as_ref());
    side.end();
    Some(Side { source: source.map(|(name, _)| name.to_owned()), keys: keys?, normalise })
}

fn pattern_keys(side: &Fields<'_>, text: &str) -> Option<KeySource> {
    let listed = side.texts("keys");
    if listed.is_empty() {
        side.wrong(&side.span, "keys lists the variables of the pattern that are keys, such as [\"serial\"]");
        return None;
    }
    let mut variables = Vec::new();
    for (name, span) in listed {
        if !is_key_name(name) {
            side.wrong(&span, format!("{name:?} is no name of a key: letters, digits and _, and not entity"));
        } else if !text.contains(&format!("?{name}")) && !text.contains(&format!("${name}")) {
            side.wrong(&span, format!("the pattern has no variable ?{name}"));
        } else if !variables.iter().any(|known| known == name) {
            variables.push(name.to_owned());
        }
    }
    if !text.contains("?entity") && !text.contains("$entity") {
        side.wrong(&side.span, "the pattern has no variable ?entity, which is what is linked");
    }
    Some(KeySource::Pattern { text: text.trim().to_owned(), variables })
}

fn property_keys(side: &Fields<'_>, class: Option<(&str, Range<usize>)>, names: &Names<'_>) -> Option<KeySource> {
    let class = match class {
        Some((text, span)) => Some(names.iri(side, text, &span)?),
        None => None,
    };
    let Some(keys) = side.table("keys") else {
        if side.get("keys").is_none() {
            side.wrong(&side.span, "keys says the property of each key, such as { serial = \"ex:serialNumber\" }");
        }
        return None;
    };
    let mut properties = BTreeMap::new();
    for (name, span, value) in keys.pairs() {
        if !is_key_name(name) {
            side.wrong(&span, format!("{name:?} is no name of a key: letters, digits and _, and not entity"));
            continue;
        }
        match value.get_ref() {
            DeValue::String(text) => {
                if let Some(property) = names.iri(side, text, &value.span()) {
                    properties.insert(name.to_owned(), property);
                }
            }
            _ => side.wrong(&value.span(), format!("key {name} is the name of a property")),
        }
    }
    if properties.is_empty() {
        side.wrong(&keys.span, "there are no keys");
    }
    Some(KeySource::Properties { class, properties })
}

fn read_normalisers(side: &Fields<'_>, keys: Option<&KeySource>) -> BTreeMap<String, Normaliser> {
    let mut normalisers = BTreeMap::new();
    let Some(table) = side.table("normalise") else { return normalisers };
    let is_key = |name: &str| match keys {
        Some(KeySource::Properties { properties, .. }) => properties.contains_key(name),
        Some(KeySource::Pattern { variables, .. }) => variables.iter().any(|known| known == name),
        // The keys themselves are wrong, and told already.
        None => true,
    };
    for (name, span, value) in table.pairs() {
        if !is_key(name) {
            side.wrong(&span, format!("there is no key {name} to normalise"));
        }
        let DeValue::String(text) = value.get_ref() else {
            side.wrong(&value.span(), format!("the normaliser of {name} is a text, such as \"trim | upper\""));
            continue;
        };
        match Normaliser::parse(text) {
            Ok(normaliser) => {
                normalisers.insert(name.to_owned(), normaliser);
            }
            Err(error) => side.wrong(&value.span(), format!("normaliser of {name}: {error}")),
        }
    }
    normalisers
}

fn read_fuzzy(fields: &Fields<'_>) -> Vec<(Fuzzy, Range<usize>)> {
    let Some(table) = fields.table("fuzzy") else { return Vec::new() };
    let mut all = Vec::new();
    for (key, span, value) in table.pairs() {
        let (similarity, weight) = match value.get_ref() {
            DeValue::String(name) => (Some(name.as_ref()), Some(1.0)),
            DeValue::Table(inner) => fuzzy_fields(inner),
            _ => (None, None),
        };
        let known = similarity.and_then(Similarity::of);
        let (Some(similarity), Some(weight)) = (known, weight.filter(|weight| *weight > 0.0)) else {
            let names: Vec<&str> = Similarity::ALL.iter().map(|(name, _)| *name).collect();
            fields.wrong(
                &value.span(),
                format!(
                    "fuzzy key {key} is a similarity, or {{ similarity, weight }} with a weight above 0; similarities are {}",
                    names.join(", ")
                ),
            );
            continue;
        };
        all.push((Fuzzy { key: key.to_owned(), similarity, weight }, span));
    }
    all
}

fn fuzzy_fields<'a>(table: &'a DeTable<'_>) -> (Option<&'a str>, Option<f64>) {
    let of = |name: &str| table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value);
    let unknown = table.iter().any(|(key, _)| !["similarity", "weight"].contains(&key.get_ref().as_ref()));
    let similarity = of("similarity").and_then(|value| value.get_ref().as_str()).filter(|_| !unknown);
    (similarity, of("weight").map_or(Some(1.0), |value: &Value<'_>| number(value)))
}

fn read_block(fields: &Fields<'_>) -> Vec<(String, usize, Range<usize>)> {
    let Some(table) = fields.table("block") else { return Vec::new() };
    let mut block = Vec::new();
    for (key, span, value) in table.pairs() {
        match number(value).filter(|n| n.fract() == 0.0 && (0.0..=1000.0).contains(n)) {
            Some(length) => block.push((key.to_owned(), length as usize, span)),
            None => fields.wrong(
                &value.span(),
                format!("block {key} is how many of the first characters must be equal, up to 1000; 0: the whole key"),
            ),
        }
    }
    block
}

/// Every key that is compared must be there on both sides, and something must keep all from being compared with all.
fn check_keys(
    fields: &Fields<'_>,
    [left, right]: [&Side; 2],
    exact: &[(&str, Range<usize>)],
    fuzzy: &[(Fuzzy, Range<usize>)],
    block: &[(String, usize, Range<usize>)],
) {
    let (of_left, of_right) = (left.key_names(), right.key_names());
    let exact_keys = exact.iter().map(|(key, span)| (*key, span));
    let fuzzy_keys = fuzzy.iter().map(|(fuzzy, span)| (fuzzy.key.as_str(), span));
    let block_keys = block.iter().map(|(key, _, span)| (key.as_str(), span));
    for (key, span) in exact_keys.chain(fuzzy_keys).chain(block_keys) {
        for (side, keys) in [("left", &of_left), ("right", &of_right)] {
            if !keys.contains(&key) {
                fields.wrong(span, format!("the {side} has no key {key}; it has {}", keys.join(", ")));
            }
        }
    }
    for (side, keys) in [("left", &of_left), ("right", &of_right)] {
        let twice = keys.iter().enumerate().find(|(i, key)| keys[..*i].contains(key));
        if let Some((_, key)) = twice {
            fields.wrong(&fields.span, format!("the {side} has two keys {key}"));
        }
    }
    if exact.is_empty() && fuzzy.is_empty() {
        fields.wrong(&fields.span, "say which keys must be equal (exact) or similar (fuzzy)");
    } else if exact.is_empty() && block.is_empty() {
        fields.wrong(
            &fields.span,
            "all would be compared with all: say a key that must be equal (exact), or the first characters of one (block)",
        );
    }
}

fn is_key_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name != "entity"
        && name.len() <= 64
}

impl Names<'_> {
    /// An IRI, or a name with a prefix.
    fn iri(&self, fields: &Fields<'_>, text: &str, span: &Range<usize>) -> Option<NamedNode> {
        let expanded = match text.split_once(':') {
            Some((prefix, local)) if !local.starts_with("//") => {
                let namespace = self.prefixes.iter().find(|(known, _)| known == prefix).map(|(_, iri)| iri);
                match namespace {
                    Some(namespace) => format!("{namespace}{local}"),
                    None if matches!(prefix, "urn" | "tag" | "mailto" | "did") => text.to_owned(),
                    None => {
                        fields.wrong(span, format!("{text:?}: prefix {prefix:?} is not declared"));
                        return None;
                    }
                }
            }
            _ => text.to_owned(),
        };
        match NamedNode::new(&expanded) {
            Ok(node) => Some(node),
            Err(error) => {
                fields.wrong(span, format!("{text:?} is neither an absolute IRI nor a name with a prefix: {error}"));
                None
            }
        }
    }
}
