//! A connector with as many rows as are wanted, over gRPC, and a broker process in front of it.

use crate::loopback::{Pki, Running, start};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_model::contract::{
    Binding, CONTRACT_VERSION, Check, CheckOutcome, Column, ContractError, ContractRange, DataType, Description, End,
    Outcome, RelationalCapabilities, ScanRequest, Table, TextComparison,
};

const BATCH: u64 = 1000;

const MAPPING: &str = "
    @prefix rr: <http://www.w3.org/ns/r2rml#> .
    <#part> rr:logicalTable [ rr:tableName \"part\" ] ;
      rr:subjectMap [ rr:template \"https://e/part/{id}\" ] ;
      rr:predicateObjectMap [ rr:predicate <https://e/name> ; rr:objectMap [ rr:column \"name\" ] ] .";

/// Counts what is asked of it.
#[derive(Debug)]
pub(crate) struct Endless {
    rows: u64,
    pub(crate) sent: Arc<AtomicU64>,
    pub(crate) scans: Arc<AtomicU64>,
    /// The trace contexts scans came with.
    pub(crate) traces: std::sync::Mutex<Vec<String>>,
}

/// Counts a scan for as long as its stream lives.
struct Alive(Arc<AtomicU64>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Endless {
    pub(crate) fn new(rows: u64) -> Arc<Self> {
        Arc::new(Self { rows, sent: Arc::default(), scans: Arc::default(), traces: std::sync::Mutex::default() })
    }
}

#[async_trait]
impl Connector for Endless {
    async fn describe(&self, _: &CallContext) -> Result<Description, ContractError> {
        let column = |name: &str, data_type| Column {
            name: name.into(),
            data_type,
            nullable: false,
            native_type: String::new(),
            unit: None,
            text_comparison: TextComparison::CodePoint,
            binding: Binding::None,
            filterable: false,
            sortable: false,
            distinct: None,
        };
        let table = Table {
            name: "part".into(),
            columns: vec![column("id", DataType::Int64), column("name", DataType::Text)],
            keys: vec![vec!["id".into()]],
            foreign_keys: Vec::new(),
            rows: None,
            filters: Vec::new(),
            max_keys: 0,
            sql: None,
        };
        Ok(Description {
            name: "endless".into(),
            version: "1".into(),
            contract: ContractRange { min: CONTRACT_VERSION, max: CONTRACT_VERSION },
            config_schema: "{}".into(),
            tables: vec![table],
            relational: RelationalCapabilities::read_only(),
            default_mapping: Some(MAPPING.into()),
            change_feed: None,
        })
    }

    async fn check(&self, _: &CallContext, _: &[String]) -> Result<Check, ContractError> {
        Ok(Check { system: "endless".into(), tables: vec![("part".into(), CheckOutcome::Empty)] })
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        let (alive, sent, rows) = (Alive(self.scans.clone()), self.sent.clone(), self.rows);
        self.traces.lock().unwrap().extend(context.traceparent.clone());
        let fields = request.relation.fields().unwrap();
        let names: Vec<String> = fields.into_iter().map(|(_, field)| field.name).collect();
        let batches = stream::iter((0..rows).step_by(BATCH as usize)).map(move |first| {
            let _ = &alive;
            sent.fetch_add(BATCH.min(rows - first), Ordering::SeqCst);
            Ok(ScanEvent::Batch(batch(&names, first..rows.min(first + BATCH))))
        });
        let end = End { outcome: Outcome::Complete, rows, statements: vec!["all parts".into()] };
        Ok(batches.chain(stream::iter([Ok(ScanEvent::End(end))])).boxed())
    }
}

fn batch(names: &[String], rows: std::ops::Range<u64>) -> RecordBatch {
    let columns = names.iter().map(|name| {
        let column: ArrayRef = match name.as_str() {
            "id" => Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64))),
            _ => Arc::new(StringViewArray::from_iter_values(rows.clone().map(|row| format!("part number {row}")))),
        };
        (name, column, false)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A broker process whose only source is the connector, which runs here.
pub(crate) struct Broker {
    child: Child,
    _connector: Running,
    _folder: Pki,
    pub(crate) address: SocketAddr,
}

impl Broker {
    /// `config` is put behind the configuration.
    pub(crate) async fn start(connector: Arc<Endless>, config: &str) -> Self {
        let pki = Pki::new();
        let running = start(connector, &pki).await;
        let text = format!(
            "[broker]\nbase = \"https://e/\"\nlisten = \"127.0.0.1:0\"\n[identity]\ncertificate = \"broker.pem\"\n\
             key = \"broker.key\"\ntrust = \"ca.pem\"\n[sources.erp.grpc]\nendpoint = \"https://{}\"\n\
             identity = \"spiffe://weft.dev/connector/erp\"\n{config}",
            running.address
        );
        fs::write(pki.path("weft.toml"), text).unwrap();
        let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("weft");
        let mut command = Command::new(program);
        command.arg("serve").current_dir(pki.path("")).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let ready = tokio::task::spawn_blocking(move || {
            let found = lines.by_ref().find_map(|line| {
                let (_, rest) = line.split_once("ready: http://")?;
                rest.split_once("/sparql")?.0.parse().ok()
            });
            // Nobody reading would block the broker when it logs.
            std::thread::spawn(move || lines.for_each(drop));
            found
        });
        let Some(address) = ready.await.unwrap() else {
            panic!("the broker ended: {:?}", child.wait());
        };
        Self { child, _connector: running, _folder: pki, address }
    }

    /// Bytes of memory the process has now.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) fn terminate(&mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
