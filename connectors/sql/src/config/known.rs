//! Finds keys that do not exist, and what may have been meant.

use serde_json::Value;

/// The first key of `tree` that `schema` does not know, with the closest one that it does.
pub(super) fn unknown_key(schema: &str, tree: &Value) -> Option<(String, Option<String>)> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    unknown_in(&schema, tree, "")
}

fn unknown_in(schema: &Value, tree: &Value, prefix: &str) -> Option<(String, Option<String>)> {
    if let (Some(items), Some(elements)) = (schema.get("items"), tree.as_array()) {
        let place = prefix.trim_end_matches('.');
        return elements
            .iter()
            .enumerate()
            .find_map(|(i, element)| unknown_in(items, element, &format!("{place}[{i}].")));
    }
    let properties = schema.get("properties")?.as_object()?;
    tree.as_object()?.iter().find_map(|(key, value)| {
        let path = format!("{prefix}{key}");
        match properties.get(key) {
            Some(known) => unknown_in(known, value, &format!("{path}.")),
            None => Some((path, closest(key, properties.keys()).map(|found| format!("{prefix}{found}")))),
        }
    })
}

fn closest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let scored = known.map(|candidate| (strsim::jaro_winkler(key, candidate), candidate.as_str()));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 > 0.75).then_some(best.1)
}
