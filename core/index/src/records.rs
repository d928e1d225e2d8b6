//! The table of link records: what is held of links and why, for queries that ask for evidence.
//!
//! It is read from the link store when a query asks, and never kept in memory: there may be many records, and few queries ask.
//! All that a scan sees is as it was when the index was built.

use crate::lookup::invalid;
use crate::{AsOf, IndexError, LINK_RECORDS_GRAPH, LinkFilter, LinkRecord, LinkStore, NAMESPACE, Recorded};
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema};
use futures::StreamExt;
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{NamedNode, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::time::Instant;
use weft_connector::{ScanEvent, ScanStream};
use weft_links::LinkId;
use weft_mapping::{Build, GraphMap, MappedTerm, TripleMap};
use weft_model::contract::{
    Binding, Capability, CheckOutcome, Column, CompareOperator, ContractError, DataType, End, Expression,
    FilterCapability, FilterOperation, Outcome, Read, Statistic, Table, TextComparison, TypeKind, Value,
};
use weft_model::term::{TermType, double_text, encode_iri, encode_literal};
use weft_model::{Code, Fault};

/// The name of the table.
pub(crate) const RECORDS: &str = "link records";

/// Records have IRIs of this form, with their number at the end.
const RECORD: &str = "urn:weft:link-record:";

/// Values that one statement asks for.
const BLOCK: usize = 500;

/// Records read at once: their evidence may be long.
const PAGE: usize = 1_000;

const QUEUED_BATCHES: usize = 2;

/// Columns and the properties they are the objects of; the first is the record itself.
const COLUMNS: [(&str, &str); 13] = [
    ("record", ""),
    ("link", "https://weft.dev/ns#link"),
    ("subject", "http://www.w3.org/1999/02/22-rdf-syntax-ns#subject"),
    ("predicate", "http://www.w3.org/1999/02/22-rdf-syntax-ns#predicate"),
    ("object", "http://www.w3.org/1999/02/22-rdf-syntax-ns#object"),
    ("state", "https://weft.dev/ns#linkState"),
    ("rule", "https://weft.dev/ns#linkRule"),
    ("author", "https://weft.dev/ns#linkAuthor"),
    ("evidence", "https://weft.dev/ns#linkEvidence"),
    ("confidence", "https://weft.dev/ns#linkConfidence"),
    ("valid_from", "https://weft.dev/ns#validFrom"),
    ("valid_to", "https://weft.dev/ns#validTo"),
    ("recorded_at", "https://weft.dev/ns#recordedAt"),
];

const NULLABLE: [&str; 6] = ["rule", "author", "evidence", "confidence", "valid_from", "valid_to"];

/// The records that are current at a time of the store.
pub(crate) struct LinkRecords {
    store: Arc<Mutex<LinkStore>>,
    filter: LinkFilter,
    table: Table,
}

impl LinkRecords {
    /// Nothing where the store has no records at that time.
    pub(crate) fn open(store: &LinkStore, at: &AsOf, max_keys: u32) -> Result<Option<Self>, IndexError> {
        let Some((last, _)) = store.last()? else { return Ok(None) };
        let filter = LinkFilter { recorded: Recorded::At(store.snapshot(at)?), ..LinkFilter::default() };
        let store = Arc::new(Mutex::new(store.again()?));
        Ok(Some(Self { store, filter, table: described(last, max_keys) }))
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn check(&self) -> CheckOutcome {
        let records = self.store.lock().unwrap_or_else(PoisonError::into_inner).list(&self.filter, i64::MIN, 1);
        match records.as_deref() {
            Ok([]) => CheckOutcome::Empty,
            Ok([record, ..]) => CheckOutcome::Row(cells(record).map(|cell| cell.map(Value::Text)).into()),
            Err(error) => CheckOutcome::Failed(error.to_string()),
        }
    }

    pub(crate) fn triple_maps() -> Vec<TripleMap> {
        let column = |name: &str| MappedTerm {
            term_type: TermType::General,
            columns: vec![name.to_owned()],
            build: Build::Encoded,
        };
        let constant = |iri: &str| MappedTerm {
            term_type: TermType::Constant(Term::NamedNode(NamedNode::new_unchecked(iri))),
            columns: Vec::new(),
            build: Build::Columns,
        };
        let map = |predicate: &str, object: MappedTerm| TripleMap {
            table: RECORDS.to_owned(),
            subject: column("record"),
            predicate: constant(predicate),
            object,
            graph: GraphMap::Constant(NamedNode::new_unchecked(LINK_RECORDS_GRAPH)),
            in_default_graph: false,
            join: None,
            requires: Vec::new(),
        };
        let class = map(rdf::TYPE.as_str(), constant(&format!("{NAMESPACE}LinkRecord")));
        let properties = COLUMNS[1..].iter().map(|(name, property)| map(property, column(name)));
        [class].into_iter().chain(properties).collect()
    }

    /// Starts a scan. Dropping the stream ends it at the next page.
    pub(crate) fn scan(
        &self,
        read: &Read,
        (batch_rows, batch_bytes): (u32, u32),
        deadline: Instant,
        explain: bool,
    ) -> Result<ScanStream, ContractError> {
        let conditions = Conditions::of(read)?;
        let columns = read.columns.iter().map(|name| position(name)).collect::<Result<Vec<_>, _>>()?;
        let statement = conditions.describe(&self.filter);
        if explain {
            let end = End { outcome: Outcome::Complete, rows: 0, statements: vec![statement] };
            return Ok(futures::stream::iter([Ok(ScanEvent::End(end))]).boxed());
        }
        let fields: Vec<ArrowField> =
            read.columns.iter().map(|name| ArrowField::new(name, ArrowType::Utf8View, is_nullable(name))).collect();
        let scan = Scan {
            store: self.store.clone(),
            filter: self.filter.clone(),
            conditions,
            columns,
            schema: Arc::new(Schema::new(fields)),
            limit: read.limit.unwrap_or(u64::MAX),
            page: (batch_rows.max(1) as usize).min(PAGE),
            batch_bytes: batch_bytes.max(1) as usize,
            deadline,
        };
        let (sender, receiver) = mpsc::channel(QUEUED_BATCHES);
        tokio::task::spawn_blocking(move || {
            let last = match scan.run(&sender) {
                Ok(rows) => Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows, statements: vec![statement] })),
                Err(Some(error)) => Err(error),
                Err(None) => return,
            };
            // Nobody listening is no error here.
            sender.blocking_send(last).ok();
        });
        Ok(futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })
        .boxed())
    }
}

struct Scan {
    store: Arc<Mutex<LinkStore>>,
    filter: LinkFilter,
    conditions: Conditions,
    columns: Vec<usize>,
    schema: Arc<Schema>,
    limit: u64,
    page: usize,
    batch_bytes: usize,
    deadline: Instant,
}

/// Why a scan ends early: an error, or nobody listens.
type Stop = Option<ContractError>;

impl Scan {
    fn run(&self, sender: &mpsc::Sender<Result<ScanEvent, ContractError>>) -> Result<u64, Stop> {
        let mut rows = 0;
        for filter in self.conditions.filters(&self.filter) {
            let mut after = i64::MIN;
            while rows < self.limit {
                if Instant::now() >= self.deadline {
                    let message = "the time for the scan of the link records is over";
                    return Err(Some(ContractError::new(Code::DeadlineExceeded, Fault::Broker, message)));
                }
                // The lock is not held while a batch waits for its reader.
                let page = self.store.lock().unwrap_or_else(PoisonError::into_inner).list(&filter, after, self.page);
                let page = page.map_err(|error| Some(failed(&error)))?;
                let found: Vec<_> = page.iter().map(cells).filter(|cells| self.conditions.allow(cells)).collect();
                let room = usize::try_from(self.limit - rows).unwrap_or(usize::MAX);
                let found = &found[..found.len().min(room)];
                rows += found.len() as u64;
                self.send(found, sender)?;
                match page.last() {
                    Some(last) if page.len() == self.page => after = last.record,
                    _ => break,
                }
            }
        }
        Ok(rows)
    }

    /// In batches of at most so many bytes, but for a single row that has more.
    fn send(
        &self,
        rows: &[[Option<String>; 13]],
        sender: &mpsc::Sender<Result<ScanEvent, ContractError>>,
    ) -> Result<(), Stop> {
        let bytes = |row: &[Option<String>; 13]| {
            self.columns.iter().filter_map(|column| row[*column].as_ref()).map(|cell| cell.len() + 16).sum::<usize>()
        };
        let mut start = 0;
        let mut size = 0;
        for (end, row) in rows.iter().enumerate() {
            size += bytes(row);
            let next = rows.get(end + 1).map_or(0, bytes);
            if end + 1 == rows.len() || size + next > self.batch_bytes {
                let batch = self.batch(&rows[start..=end]).map_err(Some)?;
                sender.blocking_send(Ok(ScanEvent::Batch(batch))).map_err(|_| None)?;
                (start, size) = (end + 1, 0);
            }
        }
        Ok(())
    }

    fn batch(&self, rows: &[[Option<String>; 13]]) -> Result<RecordBatch, ContractError> {
        let array = |column: &usize| {
            let mut builder = StringViewBuilder::new();
            rows.iter().for_each(|cells| builder.append_option(cells[*column].as_deref()));
            Arc::new(builder.finish()) as ArrayRef
        };
        let columns = self.columns.iter().map(array).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(|error| {
            ContractError::new(Code::Internal, Fault::Broker, "a batch does not fit").with_detail(error)
        })
    }
}

fn failed(error: &IndexError) -> ContractError {
    ContractError::new(Code::SourceFailed, Fault::Broker, "the link store failed").with_detail(error)
}

/// For each column the cells that are allowed, and rows of keys.
struct Conditions {
    allowed: BTreeMap<usize, BTreeSet<String>>,
    keys: Option<(Vec<usize>, BTreeSet<Vec<String>>)>,
}

impl Conditions {
    fn of(read: &Read) -> Result<Self, ContractError> {
        let mut conditions = Self { allowed: BTreeMap::new(), keys: None };
        let mut pending: Vec<&Expression> = read.filter.iter().collect();
        while let Some(expression) = pending.pop() {
            match expression {
                Expression::And(parts) => pending.extend(parts),
                Expression::Compare { operator: CompareOperator::Equal, left, right } => {
                    match (left.as_ref(), right.as_ref()) {
                        (Expression::Column(column), Expression::Literal(value))
                        | (Expression::Literal(value), Expression::Column(column)) => {
                            conditions.restrict(&column.name, std::slice::from_ref(value))?;
                        }
                        _ => return Err(invalid("the index compares columns with constants only")),
                    }
                }
                Expression::In { input, values } => match input.as_ref() {
                    Expression::Column(column) => conditions.restrict(&column.name, values)?,
                    _ => return Err(invalid("the index compares columns with constants only")),
                },
                other => {
                    let message = "link records are found by equality, lists of values and their conjunction only";
                    return Err(invalid(message).with_detail(format!("{other:?}")));
                }
            }
        }
        if let Some(block) = &read.keys {
            let columns = block.columns.iter().map(|name| position(name)).collect::<Result<Vec<_>, _>>()?;
            let mut arrays = Vec::with_capacity(columns.len());
            for array in block.keys.columns() {
                arrays.push(array.as_string_view_opt().ok_or_else(|| invalid("a key of the index is no text"))?);
            }
            let rows = 0..block.keys.num_rows();
            let rows = rows.map(|row| arrays.iter().map(|array| array.value(row).to_owned()).collect()).collect();
            conditions.keys = Some((columns, rows));
        }
        Ok(conditions)
    }

    fn restrict(&mut self, column: &str, values: &[Value]) -> Result<(), ContractError> {
        let mut set = BTreeSet::new();
        for value in values {
            let Value::Text(text) = value else { return Err(invalid(format!("column {column} holds text"))) };
            set.insert(text.clone());
        }
        let former = self.allowed.remove(&position(column)?);
        let both = former.map_or_else(|| set.clone(), |former| former.intersection(&set).cloned().collect());
        self.allowed.insert(position(column)?, both);
        Ok(())
    }

    fn allow(&self, cells: &[Option<String>; 13]) -> bool {
        let in_set =
            |(column, set): (&usize, &BTreeSet<String>)| cells[*column].as_ref().is_some_and(|c| set.contains(c));
        let is_key = |(columns, rows): &(Vec<usize>, BTreeSet<Vec<String>>)| {
            let key: Option<Vec<String>> = columns.iter().map(|column| cells[*column].clone()).collect();
            key.is_some_and(|key| rows.contains(&key))
        };
        self.allowed.iter().all(in_set) && self.keys.as_ref().is_none_or(is_key)
    }

    /// The cells a column may have, by a filter or by keys.
    fn values(&self, column: usize) -> Option<BTreeSet<String>> {
        let of_keys = self.keys.as_ref().and_then(|(columns, rows)| {
            let place = columns.iter().position(|known| *known == column)?;
            Some(rows.iter().map(|row| row[place].clone()).collect())
        });
        self.allowed.get(&column).cloned().or(of_keys)
    }

    /// Reads of the store that find each record that is allowed once, and perhaps others.
    fn filters(&self, base: &LinkFilter) -> Vec<LinkFilter> {
        let iri = |cell: &String| cell.strip_prefix('I').map(NamedNode::new_unchecked);
        if let Some(records) = self.values(0) {
            let number = |cell: &String| cell.strip_prefix('I')?.strip_prefix(RECORD)?.parse::<i64>().ok();
            let numbers: Vec<i64> = records.iter().filter_map(number).collect();
            return numbers.chunks(BLOCK).map(|block| LinkFilter { records: block.to_vec(), ..base.clone() }).collect();
        }
        if let Some(links) = self.values(1) {
            let id = |cell: &String| cell.strip_prefix('S')?.parse::<LinkId>().ok();
            return links.iter().filter_map(id).map(|id| LinkFilter { id: Some(id), ..base.clone() }).collect();
        }
        for (column, other) in [(2, 4), (4, 2)] {
            let fewer = |ends: &BTreeSet<String>| self.values(other).is_none_or(|others| ends.len() <= others.len());
            let Some(ends) = self.values(column).filter(fewer) else { continue };
            let ends: Vec<NamedNode> = ends.iter().filter_map(iri).collect();
            return ends
                .chunks(BLOCK)
                .map(|block| LinkFilter {
                    subjects: if column == 2 { block.to_vec() } else { Vec::new() },
                    objects: if column == 4 { block.to_vec() } else { Vec::new() },
                    ..base.clone()
                })
                .collect();
        }
        let state = self.values(5).filter(|states| states.len() == 1);
        let state = state.and_then(|states| states.first()?.strip_prefix('S')?.parse().ok());
        vec![LinkFilter { state, ..base.clone() }]
    }

    fn describe(&self, filter: &LinkFilter) -> String {
        let mut parts: Vec<String> = self
            .allowed
            .iter()
            .map(|(column, values)| format!("{} IN ({} values)", COLUMNS[*column].0, values.len()))
            .collect();
        if let Some((columns, rows)) = &self.keys {
            let names: Vec<&str> = columns.iter().map(|column| COLUMNS[*column].0).collect();
            parts.push(format!("({}) IN ({} keys)", names.join(", "), rows.len()));
        }
        if let Recorded::At(time) = &filter.recorded {
            parts.push(format!("recorded {time}"));
        }
        format!("link records: {}", parts.join(", "))
    }
}

fn position(name: &str) -> Result<usize, ContractError> {
    COLUMNS.iter().position(|(known, _)| *known == name).ok_or_else(|| {
        ContractError::new(Code::SchemaChanged, Fault::Broker, format!("table {RECORDS} has no column {name:?}"))
    })
}

fn is_nullable(name: &str) -> bool {
    NULLABLE.contains(&name)
}

/// The encoded cells of a record, in the order of [`COLUMNS`].
fn cells(record: &LinkRecord) -> [Option<String>; 13] {
    let text = |text: &str| encode_literal(text, xsd::STRING.as_str());
    // The canonical form has no zeros at the end of the fraction.
    let time = |time: &weft_links::LinkTime| {
        let seconds = time.as_str().trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
        encode_literal(&format!("{seconds}Z"), xsd::DATE_TIME.as_str())
    };
    [
        Some(encode_iri(&format!("{RECORD}{}", record.record))),
        Some(text(&record.id.to_string())),
        Some(encode_iri(record.subject.as_str())),
        Some(encode_iri(record.predicate.as_str())),
        Some(encode_iri(record.object.as_str())),
        Some(text(record.state.as_str())),
        record.rule.as_deref().map(text),
        record.author.as_deref().map(text),
        record.evidence.as_deref().map(text),
        record.confidence.map(|confidence| encode_literal(&double_text(confidence), xsd::DOUBLE.as_str())),
        record.valid_from.as_ref().map(time),
        record.valid_to.as_ref().map(time),
        Some(time(&record.recorded_at)),
    ]
}

fn described(records: i64, max_keys: u32) -> Table {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let measured_at = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    let statistic = Some(Statistic { count: records.unsigned_abs(), measured_at });
    let exact = |operation| FilterCapability { operation, data_type: Some(TypeKind::Text), level: Capability::Exact };
    let column = |(name, _): &(&str, &str)| Column {
        name: (*name).to_owned(),
        data_type: DataType::Text,
        nullable: is_nullable(name),
        native_type: String::new(),
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::Optional,
        filterable: true,
        sortable: false,
        distinct: statistic.filter(|_| matches!(*name, "record")),
    };
    Table {
        name: RECORDS.to_owned(),
        keys: vec![vec!["record".to_owned()]],
        columns: COLUMNS.iter().map(column).collect(),
        foreign_keys: Vec::new(),
        rows: statistic,
        filters: vec![exact(FilterOperation::Equal), exact(FilterOperation::In)],
        max_keys,
        sql: None,
    }
}
