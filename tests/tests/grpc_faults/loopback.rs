//! A scripted connector, certificates, and both ends of a connection on loopback.

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use weft_connector::{CallContext, Connector, GuardLimits, Guarded, ScanEvent, ScanStream};
use weft_grpc::{ClientLimits, ClientOptions, GrpcConnector, ServeLimits, ServeOptions, Server};
use weft_identity::{CertificateRequest, CredentialFiles, LiveCredentials, SpiffeId, create_authority, issue};
use weft_model::contract::{
    Check, CheckOutcome, ContractError, ContractRange, DataType, Description, End, Field, Outcome, Read, Relation,
    RelationalCapabilities, ScanRequest, Value,
};

pub(crate) const BROKER: &str = "spiffe://weft.dev/broker";
pub(crate) const ERP: &str = "spiffe://weft.dev/connector/erp";
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(crate) type Event = Result<ScanEvent, ContractError>;
pub(crate) type Script = Box<dyn Fn(&ScanRequest) -> BoxStream<'static, Event> + Send + Sync>;

/// A connector whose answers are given by the test.
pub(crate) struct Scripted {
    pub(crate) range: ContractRange,
    pub(crate) script: Script,
    /// Notified when a scan's stream is dropped.
    pub(crate) dropped: Arc<Notify>,
    pub(crate) seen: Mutex<Vec<(CallContext, Option<ScanRequest>)>>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

pub(crate) struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&ScanRequest) -> BoxStream<'static, Event> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            range: ContractRange { min: 1, max: 1 },
            script: Box::new(script),
            dropped: Arc::default(),
            seen: Mutex::default(),
        })
    }

    /// Each scan answers these.
    pub(crate) fn answering(events: fn() -> Vec<Event>) -> Arc<Self> {
        Self::new(move |_| stream::iter(events()).boxed())
    }
}

#[async_trait]
impl Connector for Scripted {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.seen.lock().unwrap().push((context.clone(), None));
        Ok(Description {
            name: "scripted".into(),
            version: "1".into(),
            contract: self.range,
            config_schema: "{}".into(),
            tables: vec![],
            relational: RelationalCapabilities::read_only(),
            default_mapping: None,
            change_feed: None,
        })
    }

    async fn check(&self, _: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        let row = |name: &String| (name.clone(), CheckOutcome::Row(vec![Some(Value::Int64(1)), None]));
        Ok(Check { system: "scripted 1".into(), tables: tables.iter().map(row).collect() })
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        let events = (self.script)(&request);
        self.seen.lock().unwrap().push((context.clone(), Some(request)));
        let held = NotifyOnDrop(self.dropped.clone());
        Ok(events
            .map(move |event| {
                let _held = &held;
                event
            })
            .boxed())
    }
}

/// Certificates for a broker, a stranger and two connectors.
pub(crate) struct Pki(pub(crate) tempfile::TempDir);

impl Pki {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        create_authority(dir.path(), "weft.dev").unwrap();
        for (name, path) in
            [("broker", "broker"), ("other", "other"), ("erp", "connector/erp"), ("mes", "connector/mes")]
        {
            let request = CertificateRequest {
                name: name.into(),
                path: path.into(),
                hosts: vec!["localhost".into()],
                validity: Duration::from_secs(3600),
            };
            issue(dir.path(), &request).unwrap();
        }
        Self(dir)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn credentials(&self, name: &str) -> Arc<LiveCredentials> {
        self.trusting(name, &self.path("ca.pem"))
    }

    pub(crate) fn trusting(&self, name: &str, trust: &Path) -> Arc<LiveCredentials> {
        let files = CredentialFiles {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
            trust: trust.to_owned(),
        };
        Arc::new(LiveCredentials::load(files).unwrap())
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        timeout(Duration::from_secs(5), self.task).await.unwrap().unwrap();
    }
}

pub(crate) fn id(text: &str) -> SpiffeId {
    text.parse().unwrap()
}

pub(crate) async fn start_with(
    connector: Arc<dyn Connector>,
    credentials: Arc<LiveCredentials>,
    limits: ServeLimits,
) -> Running {
    let options = ServeOptions { listen: "127.0.0.1:0".parse().unwrap(), credentials, allow: vec![id(BROKER)], limits };
    let server = Server::bind(options).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(connector, async move { drop(stopped.await) }));
    Running { address, stop: Some(stop), task }
}

pub(crate) async fn start(connector: Arc<dyn Connector>, pki: &Pki) -> Running {
    let limits = ServeLimits { drain: Duration::from_millis(500), ..ServeLimits::default() };
    start_with(connector, pki.credentials("erp"), limits).await
}

pub(crate) fn connect(address: SocketAddr, credentials: Arc<LiveCredentials>, server: &str) -> GrpcConnector {
    let options = ClientOptions {
        endpoint: format!("https://{address}"),
        server: id(server),
        credentials,
        limits: ClientLimits::default(),
    };
    GrpcConnector::new(options).unwrap()
}

pub(crate) fn guard(connector: GrpcConnector) -> Guarded {
    let limits = GuardLimits { retries: 0, ..GuardLimits::default() };
    Guarded::new("erp".into(), Arc::new(connector), limits)
}

pub(crate) fn context(millis: u64) -> CallContext {
    CallContext { deadline: Instant::now() + Duration::from_millis(millis), traceparent: Some(TRACE.into()) }
}

pub(crate) fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.into(), data_type, nullable: true, native_type: "native".into() }
}

pub(crate) fn request() -> ScanRequest {
    let relation = Relation::Read(Read {
        table: "part".into(),
        alias: String::new(),
        columns: vec!["id".into(), "name".into()],
        schema: vec![field("id", DataType::Int64), field("name", DataType::Text)],
        filter: None,
        keys: None,
        limit: None,
    });
    ScanRequest { id: "scan-1".into(), relation, batch_rows: 1000, batch_bytes: 1 << 20, explain: false }
}

pub(crate) fn batch(ids: std::ops::Range<i64>) -> Event {
    let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(ids.clone().map(|i| format!("part number {i}"))));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    Ok(ScanEvent::Batch(RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("name", names, true)]).unwrap()))
}

pub(crate) fn end(rows: u64) -> Event {
    Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows, statements: vec!["select id, name from part".into()] }))
}

pub(crate) async fn drain(guarded: &Guarded, millis: u64) -> Result<Vec<RecordBatch>, ContractError> {
    let mut scan = guarded.scan(&context(millis), request()).await.map_err(|e| {
        assert_eq!(&*e.source_name, "erp");
        e.error
    })?;
    let mut batches = Vec::new();
    while let Some(batch) = scan.next().await {
        batches.push(batch.map_err(|e| e.error)?);
    }
    Ok(batches)
}
