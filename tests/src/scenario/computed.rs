//! Terms that mappings compute from values: normalised ones, codes, numbers in other units. What the chains of steps do is
//! said here once more, in plain code.

use super::BASE;
use super::mapping::quoted;
use super::pools::{self, pick};
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use weft_model::contract::{DataType, Value};

/// A chain of steps, and what it does; nothing where a value does not match.
pub(crate) struct ChainRule {
    pub(crate) text: &'static str,
    /// The group that stands for the value, where the chain has groups.
    group: Option<&'static str>,
    pub(crate) apply: fn(&str) -> Option<String>,
}

pub(crate) const CHAINS: &[ChainRule] = &[
    ChainRule { text: "trim | upper", group: None, apply: |text| Some(text.trim().to_uppercase()) },
    ChainRule {
        text: "fold",
        group: None,
        apply: |text| Some(text.to_uppercase().chars().flat_map(char::to_lowercase).collect()),
    },
    ChainRule {
        text: "strip_zeros",
        group: None,
        apply: |text| {
            let mut text = text.to_owned();
            while text.len() > 1 && text.starts_with('0') {
                text.remove(0);
            }
            Some(text)
        },
    },
    ChainRule { text: "pad 3 '0'", group: None, apply: |text| Some(format!("{text:0>3}")) },
    ChainRule {
        text: "replace '[^A-Za-z0-9]' -> ''",
        group: None,
        apply: |text| Some(text.chars().filter(char::is_ascii_alphanumeric).collect()),
    },
    ChainRule {
        text: r"match '[A-Za-z]?(?<n>[0-9]+)' -> '{n}'",
        group: None,
        apply: |text| {
            let digits = text.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(text);
            (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
        },
    },
    ChainRule {
        text: "match '[^/]+'",
        group: None,
        apply: |text| (!text.is_empty() && !text.contains('/')).then(|| text.to_owned()),
    },
    ChainRule {
        text: "match '(?<head>[^-]*)-(?<tail>[^-]*)' | upper",
        group: Some("tail"),
        apply: |text| {
            let (head, tail) = text.split_once('-')?;
            (!head.contains('-') && !tail.contains('-')).then(|| tail.to_uppercase())
        },
    },
];

/// A template with its columns, some of them normalised. `fill` makes the text of the template of the placeholders.
pub(super) fn template(rng: &mut StdRng, columns: &[String], fill: impl Fn(&[String]) -> String) -> String {
    let chain = &CHAINS[rng.random_range(0..CHAINS.len())];
    let of_one = columns.len() > 1 && rng.random_bool(0.5);
    let normalised = |column: &String| !of_one || *column == columns[0];
    let placeholder = |column: &String| match chain.group {
        Some(group) if normalised(column) => format!("{column}.{group}"),
        _ => column.clone(),
    };
    let placeholders: Vec<String> = columns.iter().map(placeholder).collect();
    let steps = quoted(chain.text);
    let rule = match of_one {
        true => format!("[ rr:column {} ; weft:steps {steps} ]", quoted(&columns[0])),
        false => steps,
    };
    format!("rr:template {} ; weft:normalise {rule}", quoted(&fill(&placeholders)))
}

/// A chain for the one value of an object map.
pub(super) fn normaliser(rng: &mut StdRng) -> String {
    let whole: Vec<&ChainRule> = CHAINS.iter().filter(|chain| chain.group.is_none()).collect();
    format!(" ; weft:normalise {}", quoted(whole[rng.random_range(0..whole.len())].text))
}

/// What a column of codes or numbers may be mapped to instead of a literal.
pub(super) fn object(rng: &mut StdRng, name: &str, data_type: DataType) -> Option<String> {
    let column = format!("rr:column {}", quoted(name));
    match data_type {
        DataType::Text | DataType::Int64 if rng.random_bool(0.5) => {
            Some(format!("{column} ; weft:codeList {}", code_list(rng, data_type)))
        }
        DataType::Int64 | DataType::Decimal { .. } => {
            const UNIT: &str = "http://qudt.org/vocab/unit/";
            let convert =
                if rng.random_bool(0.7) { format!(" ; weft:convertTo <{UNIT}MilliM>") } else { String::new() };
            let node = match rng.random_bool(0.3) {
                true => format!(" ; weft:quantity {}", quoted(&format!("{BASE}part/{{{name}}}"))),
                false => String::new(),
            };
            Some(format!("{column} ; weft:unit <{UNIT}IN>{convert}{node}"))
        }
        _ => None,
    }
}

fn code_list(rng: &mut StdRng, data_type: DataType) -> String {
    let iris = ["part/1", "part/2", "part/x1", "order/1", "machine/1#this", "state/on", "state/off"];
    let mut codes = BTreeSet::new();
    for _ in 0..pick(rng, &[1, 2, 3, 5]) {
        codes.insert(match pools::value(rng, data_type, false) {
            Value::Int64(number) => number.to_string(),
            Value::Text(text) if text.len() < 20 => text,
            _ => "1".to_owned(),
        });
    }
    let entry = |code: &String, iri: &str| format!("[ weft:code {} ; weft:concept <{BASE}{iri}> ]", quoted(code));
    let entries: Vec<String> = codes.iter().map(|code| entry(code, pick(rng, &iris))).collect();
    let unknown = match rng.random_bool(0.4) {
        true => format!(" ; weft:unknownCode \"{BASE}{}\"", pick(rng, &["part/{code}", "state/{code}"])),
        false => String::new(),
    };
    format!("[ weft:entry {}{unknown} ]", entries.join(" , "))
}
