//! Rows of an entity set, request by request and page by page.

use crate::client::Client;
use crate::config::Config;
use crate::decode::decode;
use crate::filter::{Columns, Condition, Form};
use crate::literal::Literal;
use crate::plan::{Fetch, Order};
use crate::url::{encoded, path_segment};
use serde_json::{Map, Value as Json};
use std::collections::{HashSet, VecDeque};
use weft_guest::contract::DataType;
use weft_guest::{Code, ColumnRef, Error, JoinKind, KeyBlock, Result, Value};

pub type Row = Vec<Option<Value>>;

/// A parent that is read with its child.
#[derive(Clone, Copy)]
pub struct Expanded<'a> {
    pub parent: &'a Fetch,
    pub navigation: &'a str,
    pub kind: JoinKind,
    pub child_is_left: bool,
}

/// One request, and the keys it asks for.
pub struct Request {
    pub url: String,
    keys: Option<HashSet<String>>,
}

/// What is sent for a read.
pub struct Requests {
    pub requests: VecDeque<Request>,
    /// The service was asked for the order.
    pub ordered: bool,
}

/// The rest of a read.
pub struct Pages {
    requests: VecDeque<Request>,
    keys: Option<HashSet<String>>,
    next: Option<String>,
    pages: u32,
}

impl Requests {
    /// Plans the requests. `top` is how many rows are wanted at most, if that is known.
    pub fn new(
        config: &Config,
        fetch: &Fetch,
        expanded: Option<Expanded<'_>>,
        order: &[Order],
        top: Option<u64>,
    ) -> Result<Self> {
        let base = base_url(config, fetch, expanded);
        let (mut conditions, exact) = conditions(config, fetch, expanded);
        let keyed = match (&fetch.keys, expanded.and_then(|e| e.parent.keys.as_ref().map(|keys| (e, keys)))) {
            (Some(keys), _) => Some((keys, columns(config, fetch, ""))),
            (None, Some((e, keys))) => Some((keys, columns(config, e.parent, e.navigation))),
            (None, None) => None,
        };
        drop_longest(&mut conditions, config.max_url_bytes.saturating_sub(base.len() + 400));
        let condition = Condition::all(conditions);
        let exact = exact && condition.exact;
        if condition.form == Form::Never {
            return Ok(Self { requests: VecDeque::new(), ordered: true });
        }
        let blocks = match keyed {
            None => vec![(condition, None)],
            Some((keys, columns)) => {
                let room = config.max_url_bytes.saturating_sub(base.len() + 100);
                split(&columns.borrowed(), keys, &condition, room)?
            }
        };
        let order_by = order_by(config, fetch, order).filter(|_| blocks.len() == 1);
        let ordered = order.is_empty() || order_by.is_some();
        let exact = exact && blocks.iter().all(|(condition, _)| condition.exact);
        let top = top.filter(|_| exact && ordered && blocks.len() == 1);
        let requests = blocks.into_iter().map(|(condition, keys)| {
            let mut options = base.clone();
            if let Form::Text(filter) = &condition.form {
                options.push(format!("$filter={}", encoded(filter)));
            }
            options.extend(order_by.clone());
            options.extend(top.map(|top| format!("$top={top}")));
            let query = if options.is_empty() { String::new() } else { format!("?{}", options.options()) };
            Request { url: format!("{}{}{query}", config.url, path_segment(&fetch.set)), keys }
        });
        Ok(Self { requests: requests.collect(), ordered })
    }
}

/// The query options every request of a read has.
#[derive(Clone)]
struct Options {
    options: Vec<String>,
    path: usize,
}

impl Options {
    fn len(&self) -> usize {
        self.path + self.options.iter().map(|option| option.len() + 1).sum::<usize>()
    }

    fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    fn push(&mut self, option: String) {
        self.options.push(option);
    }

    fn extend(&mut self, option: Option<String>) {
        self.options.extend(option);
    }

    fn options(&self) -> String {
        self.options.join("&")
    }
}

fn base_url(config: &Config, fetch: &Fetch, expanded: Option<Expanded<'_>>) -> Options {
    let names = |fetch: &Fetch| fetch.fields.iter().map(|f| encoded(&f.name)).collect::<Vec<_>>().join(",");
    let mut options = Vec::new();
    if !fetch.fields.is_empty() {
        options.push(format!("$select={}", names(fetch)));
    }
    if let Some(e) = expanded {
        let select = if e.parent.fields.is_empty() { String::new() } else { format!("($select={})", names(e.parent)) };
        options.push(format!("$expand={}{select}", encoded(e.navigation)));
    }
    Options { options, path: config.url.len() + path_segment(&fetch.set).len() + 1 }
}

/// Columns with their path.
struct PathColumns<'a> {
    fetch: &'a Fetch,
    path: String,
    exact_text: bool,
}

impl PathColumns<'_> {
    fn borrowed(&self) -> Columns<'_> {
        Columns {
            fields: &self.fetch.fields,
            natives: &self.fetch.natives,
            path: &self.path,
            exact_text: self.exact_text,
        }
    }
}

fn columns<'a>(config: &Config, fetch: &'a Fetch, navigation: &str) -> PathColumns<'a> {
    let path = if navigation.is_empty() { String::new() } else { format!("{navigation}/") };
    PathColumns { fetch, path, exact_text: config.exact_text }
}

/// The conditions of a read, one by one, and whether they say everything there is to say.
fn conditions(config: &Config, fetch: &Fetch, expanded: Option<Expanded<'_>>) -> (Vec<Condition>, bool) {
    let own = columns(config, fetch, "");
    let mut found: Vec<Condition> = fetch.filter.iter().map(|filter| own.borrowed().condition(filter, true)).collect();
    let mut exact = true;
    if let Some(e) = expanded {
        if e.kind == JoinKind::Inner {
            let far = columns(config, e.parent, e.navigation);
            found.extend(e.parent.filter.iter().map(|filter| far.borrowed().condition(filter, true)));
            // A child without parent is dropped here.
            exact = false;
        }
    }
    (found, exact)
}

/// Leaves conditions to the check afterwards until the rest fits into a URL.
fn drop_longest(conditions: &mut [Condition], room: usize) {
    let length = |condition: &Condition| match &condition.form {
        Form::Text(text) => encoded(text).len() + 9,
        _ => 0,
    };
    while conditions.iter().map(length).sum::<usize>() > room {
        let Some(longest) = conditions.iter_mut().max_by_key(|condition| length(condition)) else { return };
        *longest = Condition::EVERYTHING;
    }
}

type Block = (Condition, Option<HashSet<String>>);

/// Splits a block of keys into conditions that each fit into a URL.
fn split(columns: &Columns<'_>, keys: &KeyBlock, condition: &Condition, room: usize) -> Result<Vec<Block>> {
    let fixed = match &condition.form {
        Form::Text(text) => encoded(text).len() + 10,
        _ => 0,
    };
    let room = room.saturating_sub(fixed);
    let mut blocks = Vec::new();
    let mut current = KeyList::default();
    for key in &keys.rows {
        let entry = KeyEntry::new(columns, keys, key);
        if entry.is_everything() {
            // The service cannot be asked for this key: it is asked for everything, and the keys are checked here.
            let all = keys.rows.iter().map(|key| key_text(key)).collect();
            let everything = Condition { exact: false, ..condition.clone() };
            return Ok(vec![(everything, Some(all))]);
        }
        if !current.is_empty() && current.bytes + entry.bytes > room {
            blocks.push(current.finish(columns, keys, condition));
            current = KeyList::default();
        }
        current.push(entry, key_text(key));
    }
    if !current.is_empty() {
        blocks.push(current.finish(columns, keys, condition));
    }
    Ok(blocks)
}

/// One key as a condition, and as a literal where `in` will do.
struct KeyEntry {
    condition: Condition,
    literal: Option<String>,
    bytes: usize,
}

impl KeyEntry {
    fn new(columns: &Columns<'_>, keys: &KeyBlock, key: &[Value]) -> Self {
        let condition = columns.key(&keys.columns, key);
        let literal = match (keys.columns.as_slice(), key) {
            ([name], [value]) => columns.key_literal(name, value),
            _ => None,
        };
        let literal = match literal {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        };
        let bytes = match (&literal, &condition.form) {
            (Some(text), _) => encoded(text).len() + 1,
            // ` or `, and brackets.
            (None, Form::Text(text)) => encoded(text).len() + 10,
            (None, _) => 0,
        };
        Self { condition, literal, bytes }
    }

    fn is_everything(&self) -> bool {
        self.condition.form == Form::Always
    }
}

#[derive(Default)]
struct KeyList {
    entries: Vec<KeyEntry>,
    keys: HashSet<String>,
    bytes: usize,
}

impl KeyList {
    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys that nothing can equal are not asked for.
    fn push(&mut self, entry: KeyEntry, key: String) {
        if entry.condition.form != Form::Never {
            self.bytes += entry.bytes;
            self.entries.push(entry);
            self.keys.insert(key);
        }
    }

    fn finish(self, columns: &Columns<'_>, keys: &KeyBlock, condition: &Condition) -> Block {
        let exact = self.entries.iter().all(|entry| entry.condition.exact);
        let literals: Option<Vec<&str>> = self.entries.iter().map(|entry| entry.literal.as_deref()).collect();
        let mine = match (literals, keys.columns.as_slice()) {
            (Some(literals), [name]) if literals.len() > 1 => {
                let form = Form::Text(format!("{}{name} in ({})", columns.path, literals.join(",")));
                Condition { form, exact }
            }
            _ => Condition::any(self.entries.into_iter().map(|entry| entry.condition)),
        };
        (Condition::all([mine, condition.clone()]), Some(self.keys))
    }
}

/// A key as text: equal for equal keys of one type.
fn key_text(key: &[Value]) -> String {
    let parts = key.iter().map(|value| match value {
        // Zero has two spellings.
        Value::Float64(v) => format!("{:?}", v + 0.0),
        other => format!("{other:?}"),
    });
    parts.collect::<Vec<_>>().join("\u{1f}")
}

/// `$orderby`, where the service sorts as asked. Nulls come first in ascending order (OData URL conventions, 5.1.4).
fn order_by(config: &Config, fetch: &Fetch, order: &[Order]) -> Option<String> {
    let mut parts = Vec::new();
    for key in order {
        // A column of the parent lies beyond, and is sorted here.
        let field = fetch.fields.get(key.place)?;
        let is_collated = !config.exact_text && matches!(field.data_type, DataType::Text);
        if is_collated || (field.nullable && key.nulls_first == key.descending) {
            return None;
        }
        parts.push(format!("{}{}", encoded(&field.name), if key.descending { "%20desc" } else { "" }));
    }
    (!parts.is_empty()).then(|| format!("$orderby={}", parts.join(",")))
}

impl Pages {
    pub fn new(requests: VecDeque<Request>) -> Self {
        Self { requests, keys: None, next: None, pages: 0 }
    }

    /// The wanted rows of the next page, of which there may be none; `None` after the last page.
    pub fn next(&mut self, config: &Config, fetch: &Fetch, expanded: Option<Expanded<'_>>) -> Result<Option<Vec<Row>>> {
        let url = match self.next.take() {
            Some(url) => url,
            None => {
                let Some(request) = self.requests.pop_front() else { return Ok(None) };
                self.keys = request.keys;
                request.url
            }
        };
        self.pages += 1;
        if self.pages > config.max_pages {
            let message =
                format!("entity set {}: more than the {} pages max_pages allows", fetch.set, config.max_pages);
            return Err(Error::new(Code::LimitExceeded, message));
        }
        let page = Client::new(config).page(&fetch.set, &url)?;
        self.next = page.next;
        let mut rows = Vec::with_capacity(page.rows.len());
        for json in &page.rows {
            rows.extend(self.row(json, fetch, expanded)?);
        }
        Ok(Some(rows))
    }

    /// Reads one entity and checks it again; `None` when it is not wanted.
    fn row(&self, json: &Map<String, Json>, fetch: &Fetch, expanded: Option<Expanded<'_>>) -> Result<Option<Row>> {
        let own = read_row(json, fetch)?;
        if !self.is_wanted(fetch, &own)? {
            return Ok(None);
        }
        let Some(e) = expanded else { return Ok(Some(own)) };
        let parent = match json.get(e.navigation) {
            Some(Json::Object(json)) => Some(read_row(json, e.parent)?),
            Some(Json::Null) => None,
            _ => {
                let message = format!("entity set {}: the service does not expand {}", fetch.set, e.navigation);
                return Err(Error::new(Code::InvalidData, message));
            }
        };
        let parent = match parent {
            Some(row) if self.is_wanted(e.parent, &row)? => Some(row),
            _ => None,
        };
        let parent = match (parent, e.kind) {
            (Some(row), _) => row,
            (None, JoinKind::Left) => vec![None; e.parent.fields.len()],
            (None, JoinKind::Inner) => return Ok(None),
        };
        let (mut left, right) = if e.child_is_left { (own, parent) } else { (parent, own) };
        left.extend(right);
        Ok(Some(left))
    }

    fn is_wanted(&self, fetch: &Fetch, row: &Row) -> Result<bool> {
        if let (Some(block), Some(keys)) = (&fetch.keys, &self.keys) {
            let places = block.columns.iter().map(|name| fetch.fields.iter().position(|field| &field.name == name));
            let key: Option<Vec<Value>> = places.map(|place| row.get(place?)?.clone()).collect();
            if !key.is_some_and(|key| keys.contains(&key_text(&key))) {
                return Ok(false);
            }
        }
        let Some(filter) = &fetch.filter else { return Ok(true) };
        let value = |column: &ColumnRef| {
            let place = fetch.fields.iter().position(|field| field.name == column.name)?;
            row.get(place).map(Option::as_ref)
        };
        Ok(filter.holds(&value)? == Some(true))
    }
}

fn read_row(json: &Map<String, Json>, fetch: &Fetch) -> Result<Row> {
    fetch.fields.iter().map(|field| decode(json.get(&field.name), &fetch.set, field)).collect()
}
