//! A scan: rows of the plan's source, in its order, cut to its limit.

use crate::config::Config;
use crate::plan::{Fetch, Order, Plan, Source};
use crate::rows::{Expanded, Pages, Requests, Row};
use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use weft_guest::contract::{End, Outcome};
use weft_guest::{BatchBuilder, Code, ColumnRef, Error, Item, JoinKind, Result, Scan, ScanRequest, Value, compare};

pub struct ODataScan {
    config: Config,
    plan: Plan,
    state: State,
    batch_rows: u32,
    batch_bytes: usize,
    builder: BatchBuilder,
    /// Rows that are ready for the output.
    ready: VecDeque<Row>,
    /// Rows still to be left out.
    skip: u64,
    /// Rows still wanted.
    left: Option<u64>,
    sent: u64,
}

enum State {
    /// Only explain: what would be sent.
    Explain(Vec<String>),
    Running(Feed),
    Finished,
}

/// Where rows come from.
struct Feed {
    pages: Pages,
    /// The read's own limit.
    left: Option<u64>,
    /// The right side of a join that is computed here, by key.
    build: Option<HashMap<String, Vec<Row>>>,
    /// The order is made here: all rows first.
    sort: bool,
}

impl ODataScan {
    pub fn open(config: Config, request: ScanRequest) -> Result<Self> {
        let plan = Plan::new(request.relation, &config)?;
        let builder = BatchBuilder::new(plan.types()?);
        let state = match request.explain {
            true => State::Explain(statements(&config, &plan)?),
            false => State::Running(Feed::open(&config, &plan)?),
        };
        Ok(Self {
            state,
            batch_rows: request.batch_rows,
            batch_bytes: request.batch_bytes as usize,
            builder,
            ready: VecDeque::new(),
            skip: plan.offset,
            left: plan.count,
            sent: 0,
            config,
            plan,
        })
    }

    /// Refills `ready` with at least a row, unless there are no more.
    fn refill(&mut self) -> Result<()> {
        while self.ready.is_empty() {
            let State::Running(feed) = &mut self.state else { return Ok(()) };
            if self.left == Some(0) {
                self.state = State::Finished;
                return Ok(());
            }
            let rows = match feed.sort {
                true => {
                    feed.sort = false;
                    Some(feed.sorted(&self.config, &self.plan)?)
                }
                false => feed.next(&self.config, &self.plan)?,
            };
            match rows {
                Some(rows) => self.ready.extend(rows),
                None => self.state = State::Finished,
            }
            while self.skip > 0 && self.ready.pop_front().is_some() {
                self.skip -= 1;
            }
        }
        Ok(())
    }
}

impl Scan for ODataScan {
    fn next(&mut self) -> Result<Item> {
        if let State::Explain(statements) = &mut self.state {
            let statements = std::mem::take(statements);
            return Ok(Item::End(End { outcome: Outcome::Complete, rows: 0, statements }));
        }
        self.refill()?;
        while self.builder.rows() < self.batch_rows && self.builder.bytes() < self.batch_bytes && self.left != Some(0) {
            // A batch ends with its page: who waits for rows should not wait for more of them.
            let Some(row) = self.ready.pop_front() else { break };
            let values = self.plan.output.iter().map(|(_, place)| row.get(*place).and_then(Option::as_ref));
            self.builder.push(values).map_err(|wrong| {
                Error::new(Code::Internal, format!("output column {} has a value of another type", wrong.column))
            })?;
            self.left = self.left.map(|left| left - 1);
        }
        if self.builder.rows() > 0 {
            self.sent += u64::from(self.builder.rows());
            return Ok(Item::Batch(self.builder.finish()));
        }
        Ok(Item::End(End { outcome: Outcome::Complete, rows: self.sent, statements: Vec::new() }))
    }
}

/// The sides of the source: what is read page by page, with what it expands, and what is read before it.
fn sides(source: &Source) -> (&Fetch, Option<Expanded<'_>>, Option<&Fetch>) {
    match source {
        Source::Read(fetch) => (fetch, None, None),
        Source::Expand { child, parent, navigation, kind, child_is_left } => {
            let expanded = Expanded { parent, navigation, kind: *kind, child_is_left: *child_is_left };
            (child, Some(expanded), None)
        }
        Source::Local { left, right, .. } => (left, None, Some(right)),
    }
}

fn requests(config: &Config, plan: &Plan) -> Result<Requests> {
    let (fetch, expanded, build) = sides(&plan.source);
    // Places count from the left; the child of an expanding request may stand on the right.
    let width = match expanded {
        Some(e) if !e.child_is_left => e.parent.fields.len(),
        _ => 0,
    };
    let order: Option<Vec<Order>> =
        plan.order.iter().map(|key| Some(Order { place: key.place.checked_sub(width)?, ..*key })).collect();
    let is_limited_before = fetch.limit.is_some() && !plan.order.is_empty();
    let pushes_order = build.is_none() && order.is_some() && !is_limited_before;
    let wanted = plan.count.map(|count| count.saturating_add(plan.offset));
    let top = match (wanted, fetch.limit) {
        (Some(wanted), Some(limit)) => Some(wanted.min(limit)),
        (wanted, limit) => wanted.or(limit),
    };
    // Rows that are dropped, multiplied or sorted afterwards cannot be counted before.
    let counts = build.is_none() && plan.filters.is_empty() && !is_limited_before;
    let order = if pushes_order { order.unwrap_or_default() } else { Vec::new() };
    let top = if is_limited_before { fetch.limit } else { top.filter(|_| counts) };
    let mut requests = Requests::new(config, fetch, expanded, &order, top)?;
    requests.ordered &= pushes_order || plan.order.is_empty();
    Ok(requests)
}

fn statements(config: &Config, plan: &Plan) -> Result<Vec<String>> {
    let mut urls = Vec::new();
    if let (_, _, Some(build)) = sides(&plan.source) {
        urls.extend(Requests::new(config, build, None, &[], build.limit)?.requests);
    }
    urls.extend(requests(config, plan)?.requests);
    Ok(urls.into_iter().map(|request| format!("GET {}", request.url)).collect())
}

impl Feed {
    fn open(config: &Config, plan: &Plan) -> Result<Self> {
        let requests = requests(config, plan)?;
        let (fetch, _, build) = sides(&plan.source);
        let build = build.map(|side| load(config, side, plan)).transpose()?;
        Ok(Self { left: fetch.limit, sort: !requests.ordered, pages: Pages::new(requests.requests), build })
    }

    /// The next rows of the source that pass the plan's filters; `None` after the last.
    fn next(&mut self, config: &Config, plan: &Plan) -> Result<Option<Vec<Row>>> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let (fetch, expanded, _) = sides(&plan.source);
        let Some(mut rows) = self.pages.next(config, fetch, expanded)? else { return Ok(None) };
        if let Some(left) = &mut self.left {
            rows.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= rows.len() as u64;
        }
        if let (Some(build), Source::Local { right, kind, on, .. }) = (&self.build, &plan.source) {
            let places: Vec<usize> = on.iter().map(|(left, _)| *left).collect();
            rows = rows.into_iter().flat_map(|row| probe(build, row, &places, *kind, right.fields.len())).collect();
        }
        let mut wanted = Vec::with_capacity(rows.len());
        for row in rows {
            if passes(plan, &row)? {
                wanted.push(row);
            }
        }
        Ok(Some(wanted))
    }

    /// All rows, in the plan's order.
    fn sorted(&mut self, config: &Config, plan: &Plan) -> Result<Vec<Row>> {
        let mut all = Vec::new();
        while let Some(rows) = self.next(config, plan)? {
            all.extend(rows);
        }
        all.sort_by(|a, b| order(&plan.order, a, b));
        Ok(all)
    }
}

fn passes(plan: &Plan, row: &Row) -> Result<bool> {
    for (filter, names) in &plan.filters {
        let value = |column: &ColumnRef| {
            let found = names.iter().find(|(name, _)| name.relation == column.relation && name.name == column.name);
            row.get(found?.1).map(Option::as_ref)
        };
        if filter.holds(&value)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn order(keys: &[Order], a: &Row, b: &Row) -> Ordering {
    for key in keys {
        let (a, b) = (a.get(key.place).and_then(Option::as_ref), b.get(key.place).and_then(Option::as_ref));
        let nulls = if key.nulls_first { Ordering::Less } else { Ordering::Greater };
        let found = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => nulls,
            (Some(_), None) => nulls.reverse(),
            (Some(a), Some(b)) => {
                let found = compare(a, b).unwrap_or(Ordering::Equal);
                if key.descending { found.reverse() } else { found }
            }
        };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

/// Reads the right side of a join whole.
fn load(config: &Config, side: &Fetch, plan: &Plan) -> Result<HashMap<String, Vec<Row>>> {
    let Source::Local { on, .. } = &plan.source else { return Ok(HashMap::new()) };
    let places: Vec<usize> = on.iter().map(|(_, right)| *right).collect();
    let mut pages = Pages::new(Requests::new(config, side, None, &[], side.limit)?.requests);
    let mut found: HashMap<String, Vec<Row>> = HashMap::new();
    let mut rows = 0;
    let mut left = side.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    while left > 0 {
        let Some(mut page) = pages.next(config, side, None)? else { break };
        page.truncate(left);
        left -= page.len();
        rows += page.len();
        if rows > config.max_join_rows {
            let message = format!(
                "entity set {}: more than the {} rows max_join_rows allows on one side of a join",
                side.set, config.max_join_rows
            );
            return Err(Error::new(Code::LimitExceeded, message));
        }
        for row in page {
            if let Some(key) = join_key(&row, &places) {
                found.entry(key).or_default().push(row);
            }
        }
    }
    Ok(found)
}

fn probe(build: &HashMap<String, Vec<Row>>, row: Row, places: &[usize], kind: JoinKind, width: usize) -> Vec<Row> {
    let matches = join_key(&row, places).and_then(|key| build.get(&key));
    let join = |right: &Row| row.iter().chain(right).cloned().collect::<Row>();
    match (matches, kind) {
        (Some(matches), _) => matches.iter().map(join).collect(),
        (None, JoinKind::Left) => vec![join(&vec![None; width])],
        (None, JoinKind::Inner) => Vec::new(),
    }
}

/// A key as text, equal where [`compare`] says so; `None` when a part is null, which equals nothing.
fn join_key(row: &Row, places: &[usize]) -> Option<String> {
    let mut key = String::new();
    for place in places {
        let part = match row.get(*place)?.as_ref()? {
            Value::Int64(v) => crate::literal::decimal(i128::from(*v), 0),
            Value::Decimal { unscaled, scale } => plain(&crate::literal::decimal(*unscaled, *scale)),
            Value::Float64(v) if v.is_nan() => return None,
            Value::Float64(v) => format!("float {:?}", v + 0.0),
            other => format!("{other:?}"),
        };
        key.push_str(&part);
        key.push('\u{1f}');
    }
    Some(key)
}

/// A decimal without trailing zeros.
fn plain(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}
