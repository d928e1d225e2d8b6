//! System query options.

use super::error::ODataError;
use super::filter::{self, Filter};
use super::schema::{EntitySet, Schema};
use percent_encoding::percent_decode_str;

/// Longest query string, in bytes as sent.
const MAX_QUERY: usize = 32 * 1024;

/// A property of the entity, or of the entity a navigation property leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) navigation: Option<usize>,
    pub(super) property: usize,
}

#[derive(Debug)]
pub(super) struct OrderBy {
    pub(super) path: Path,
    pub(super) descending: bool,
}

/// A navigation property and the properties wanted of its entity.
#[derive(Debug)]
pub(super) struct Expand {
    pub(super) navigation: usize,
    pub(super) properties: Vec<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) filter: Option<Filter>,
    /// `None`: all properties.
    pub(super) select: Option<Vec<usize>>,
    pub(super) expand: Vec<Expand>,
    pub(super) order_by: Vec<OrderBy>,
    pub(super) top: Option<u64>,
    pub(super) skip: u64,
    pub(super) count: bool,
    /// Rows already sent in earlier pages.
    pub(super) sent: u64,
    /// The options as they came, without `$skiptoken`: what the next link repeats.
    pub(super) repeat: String,
}

impl Options {
    pub(super) fn parse(schema: &Schema, set: &EntitySet, query: &str) -> Result<Self, ODataError> {
        if query.len() > MAX_QUERY {
            return Err(ODataError::bad_request(format!("the query is longer than {MAX_QUERY} bytes")));
        }
        let mut options = Self::default();
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !name.starts_with('$') {
                continue;
            }
            if seen.contains(&name) {
                return Err(ODataError::bad_request(format!("{name} is there twice")));
            }
            options.set(schema, set, &name, &value)?;
            if name != "$skiptoken" {
                let joint = if options.repeat.is_empty() { "" } else { "&" };
                options.repeat.push_str(joint);
                options.repeat.push_str(pair);
            }
            seen.push(name);
        }
        Ok(options)
    }

    /// Whether only options are there that make sense for a single entity.
    pub(super) fn is_for_entity(&self) -> bool {
        self.filter.is_none()
            && self.order_by.is_empty()
            && self.top.is_none()
            && self.skip == 0
            && self.sent == 0
            && !self.count
    }

    fn set(&mut self, schema: &Schema, set: &EntitySet, name: &str, value: &str) -> Result<(), ODataError> {
        match name {
            "$filter" => self.filter = Some(filter::parse(schema, set, value).map_err(|e| e.about("$filter"))?),
            "$select" => self.select = select(set, value).map_err(|e| e.about("$select"))?,
            "$expand" => self.expand = expand(schema, set, value).map_err(|e| e.about("$expand"))?,
            "$orderby" => self.order_by = order_by(schema, set, value).map_err(|e| e.about("$orderby"))?,
            "$top" => self.top = Some(count(value).map_err(|e| e.about("$top"))?),
            "$skip" => self.skip = count(value).map_err(|e| e.about("$skip"))?,
            "$skiptoken" => self.sent = count(value).map_err(|e| e.about("$skiptoken"))?,
            "$count" => self.count = boolean(value).map_err(|e| e.about("$count"))?,
            "$format" if value == "json" || value.starts_with("application/json") => {}
            "$format" => return Err(ODataError::not_implemented("only JSON is written").about("$format")),
            _ => return Err(ODataError::not_implemented(format!("{name} is not implemented"))),
        }
        Ok(())
    }
}

/// Percent-decoding only: in a URI's query, `+` stands for itself.
fn decode(text: &str) -> Result<String, ODataError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| ODataError::bad_request("the query is not UTF-8"))
}

fn count(value: &str) -> Result<u64, ODataError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = value.parse().ok().filter(|count| digits && *count <= i64::MAX as u64);
    parsed.ok_or_else(|| ODataError::bad_request(format!("{value:?} is not a count")))
}

fn boolean(value: &str) -> Result<bool, ODataError> {
    value.parse().map_err(|_| ODataError::bad_request(format!("{value:?} is neither true nor false")))
}

fn select(set: &EntitySet, value: &str) -> Result<Option<Vec<usize>>, ODataError> {
    let mut properties = Vec::new();
    for item in value.split(',').map(str::trim) {
        if item == "*" {
            return Ok(None);
        }
        // The navigation properties that $expand brings may be named here too; they change nothing.
        if set.navigation(item).is_some() {
            continue;
        }
        let property = property(set, item)?;
        if !properties.contains(&property) {
            properties.push(property);
        }
    }
    Ok(Some(properties))
}

fn property(set: &EntitySet, name: &str) -> Result<usize, ODataError> {
    set.property(name).ok_or_else(|| ODataError::bad_request(format!("{} has no property {name:?}", set.type_name())))
}

/// `property` or `navigation/property`.
pub(super) fn path(schema: &Schema, set: &EntitySet, text: &str) -> Result<Path, ODataError> {
    let Some((first, rest)) = text.split_once('/') else {
        return Ok(Path { navigation: None, property: property(set, text)? });
    };
    let unknown = || ODataError::bad_request(format!("{} has no navigation property {first:?}", set.type_name()));
    let navigation = set.navigation(first).ok_or_else(unknown)?;
    if rest.contains('/') {
        return Err(ODataError::not_implemented(format!("{text}: paths go over one navigation property")));
    }
    let property = property(&schema.sets[set.navigation[navigation].target], rest)?;
    Ok(Path { navigation: Some(navigation), property })
}

fn order_by(schema: &Schema, set: &EntitySet, value: &str) -> Result<Vec<OrderBy>, ODataError> {
    let mut keys = Vec::new();
    for item in value.split(',') {
        let mut words = item.split_whitespace();
        let name = words.next().ok_or_else(|| ODataError::bad_request("an item is empty"))?;
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(word) => return Err(ODataError::bad_request(format!("{word:?} is neither asc nor desc"))),
        };
        if words.next().is_some() {
            return Err(ODataError::bad_request(format!("{:?} is not a property and a direction", item.trim())));
        }
        keys.push(OrderBy { path: path(schema, set, name)?, descending });
    }
    Ok(keys)
}

fn expand(schema: &Schema, set: &EntitySet, value: &str) -> Result<Vec<Expand>, ODataError> {
    let mut found: Vec<Expand> = Vec::new();
    for item in split_outside(value)? {
        let (name, nested) = match item.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix(')').unwrap_or(rest)),
            None => (item.trim(), ""),
        };
        if name == "*" {
            return Err(ODataError::not_implemented("* is not implemented"));
        }
        let unknown = || ODataError::bad_request(format!("{} has no navigation property {name:?}", set.type_name()));
        let navigation = set.navigation(name).ok_or_else(unknown)?;
        if found.iter().any(|expand| expand.navigation == navigation) {
            return Err(ODataError::bad_request(format!("{name} is there twice")));
        }
        let target = &schema.sets[set.navigation[navigation].target];
        let all = || (0..target.properties.len()).collect();
        let properties = match nested.trim().strip_prefix("$select=") {
            Some(list) if !list.contains(';') => select(target, list)?.unwrap_or_else(all),
            None if nested.trim().is_empty() => all(),
            _ => return Err(ODataError::not_implemented(format!("{name}: only $select is implemented here"))),
        };
        found.push(Expand { navigation, properties });
    }
    Ok(found)
}

/// Splits at commas that are not inside parentheses.
fn split_outside(value: &str) -> Result<Vec<&str>, ODataError> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, c) in value.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1).ok_or_else(|| ODataError::bad_request("a parenthesis is not opened"))?
            }
            ',' if depth == 0 => {
                parts.push(&value[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(ODataError::bad_request("a parenthesis is not closed"));
    }
    parts.push(&value[start..]);
    Ok(parts)
}
