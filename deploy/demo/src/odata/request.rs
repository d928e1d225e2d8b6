//! The resource path: what of the service is asked for.

use super::error::ODataError;
use super::literal::{Literal, quoted};
use super::schema::{EntitySet, Schema};
use percent_encoding::percent_decode_str;

#[derive(Debug, PartialEq)]
pub(super) enum Resource {
    ServiceDocument,
    Metadata,
    Set(usize),
    Count(usize),
    /// One entity: the values of the key properties, in key order.
    Entity(usize, Vec<Literal>),
}

pub(super) fn parse(schema: &Schema, root: &str, path: &str) -> Result<Resource, ODataError> {
    let outside = || ODataError::not_found(format!("the service is at {root}"));
    let rest =
        path.strip_prefix(root).or_else(|| (path == root.trim_end_matches('/')).then_some("")).ok_or_else(outside)?;
    let decoded = rest.trim_end_matches('/').split('/').map(|part| percent_decode_str(part).decode_utf8());
    let segments: Vec<_> =
        decoded.collect::<Result<_, _>>().map_err(|_| ODataError::bad_request("the path is not UTF-8"))?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        [""] => Ok(Resource::ServiceDocument),
        ["$metadata"] => Ok(Resource::Metadata),
        ["$batch" | "$all" | "$crossjoin" | "$entity"] => {
            Err(ODataError::not_implemented(format!("{} is not implemented", segments[0])))
        }
        [first] => entity_or_set(schema, first),
        [first, "$count"] => match entity_or_set(schema, first)? {
            Resource::Set(set) => Ok(Resource::Count(set)),
            _ => Err(ODataError::bad_request("$count of a single entity")),
        },
        [first, ..] => {
            entity_or_set(schema, first)?;
            Err(ODataError::not_implemented("paths below an entity are not implemented: use $select or $expand"))
        }
        [] => Err(outside()),
    }
}

fn entity_or_set(schema: &Schema, segment: &str) -> Result<Resource, ODataError> {
    let (name, key) = match segment.split_once('(') {
        None => (segment, None),
        Some((name, rest)) => {
            let unclosed = || ODataError::bad_request(format!("the key of {name} has no closing parenthesis"));
            (name, Some(rest.strip_suffix(')').ok_or_else(unclosed)?))
        }
    };
    let index = schema.set(name).ok_or_else(|| ODataError::not_found(format!("there is no entity set {name:?}")))?;
    match key {
        None => Ok(Resource::Set(index)),
        Some(key) => Ok(Resource::Entity(index, key_values(&schema.sets[index], key)?)),
    }
}

/// `'a'`, or `name='a',other=2` in any order.
fn key_values(set: &EntitySet, text: &str) -> Result<Vec<Literal>, ODataError> {
    let names: Vec<&str> = set.key.iter().map(|&index| set.properties[index].name.as_str()).collect();
    let wrong = || ODataError::bad_request(format!("the key of {} is ({})", set.name, names.join(", ")));
    let mut values: Vec<Option<Literal>> = vec![None; names.len()];
    let mut rest = text.trim();
    loop {
        let named = rest.split_once('=').filter(|(name, _)| names.contains(&name.trim()));
        let (position, value) = match named {
            Some((name, value)) => (names.iter().position(|n| *n == name.trim()), value),
            None if names.len() == 1 => (Some(0), rest),
            None => (None, rest),
        };
        let (literal, after) = key_literal(value.trim_start()).ok_or_else(wrong)?;
        let slot = position.and_then(|position| values.get_mut(position)).filter(|slot| slot.is_none());
        *slot.ok_or_else(wrong)? = Some(literal);
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if after.trim().is_empty() => break,
            None => return Err(wrong()),
        }
    }
    values.into_iter().collect::<Option<_>>().ok_or_else(wrong)
}

fn key_literal(text: &str) -> Option<(Literal, &str)> {
    if let Some((value, rest)) = quoted(text) {
        return Some((Literal::Text(value), rest));
    }
    let end = text.find(',').unwrap_or(text.len());
    Literal::unquoted(text[..end].trim())
        .filter(|literal| *literal != Literal::Null)
        .map(|literal| (literal, &text[end..]))
}
