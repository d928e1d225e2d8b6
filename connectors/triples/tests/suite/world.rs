//! Documents in a folder, and requests.

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringViewArray};
use arrow_schema::{DataType as Arrow, Field as ArrowField, Schema};
use futures::StreamExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use weft_connector::{CallContext, Connector, ScanEvent};
use weft_connector_triples::{FileConfig, Limits, TriplesConfig, TriplesConnector};
use weft_model::contract::{
    ColumnRef, CompareOperator, ContractError, DataType, End, Expression, Field, KeyBlock, Read, Relation, ScanRequest,
    Value,
};

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) files: Vec<FileConfig>,
    pub(crate) limits: Limits,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: Vec::new(), limits: Limits::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a document; a new one is added to the configuration.
    pub(crate) fn write(&mut self, name: &str, content: &str) -> &mut Self {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        if !self.files.iter().any(|file| file.path == path) {
            self.files.push(FileConfig { path, base: Some("http://ex/".into()), ..FileConfig::default() });
        }
        self
    }

    pub(crate) fn open(&self) -> TriplesConnector {
        TriplesConnector::open(&TriplesConfig { files: self.files.clone(), limits: self.limits }).unwrap()
    }

    pub(crate) fn refusal(&self) -> String {
        let config = TriplesConfig { files: self.files.clone(), limits: self.limits };
        TriplesConnector::open(&config).unwrap_err().to_string()
    }
}

pub(crate) fn context() -> CallContext {
    CallContext { deadline: Instant::now() + Duration::from_secs(20), traceparent: None }
}

pub(crate) fn read(table: &str, columns: &[&str]) -> Read {
    let names = if table == "quads" { &["s", "p", "o", "g"][..] } else { &["s", "p", "o"] };
    let field = |name: &&str| Field {
        name: (*name).to_owned(),
        data_type: DataType::Text,
        nullable: false,
        native_type: String::new(),
    };
    Read {
        table: table.to_owned(),
        alias: String::new(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        schema: names.iter().map(field).collect(),
        filter: None,
        keys: None,
        limit: None,
    }
}

pub(crate) fn request(read: Read) -> ScanRequest {
    ScanRequest {
        id: "q1-1".into(),
        relation: Relation::Read(read),
        batch_rows: 3,
        batch_bytes: 1 << 20,
        explain: false,
    }
}

pub(crate) fn column(name: &str) -> Expression {
    Expression::Column(ColumnRef::bare(name))
}

pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(crate) fn equal(name: &str, value: &str) -> Expression {
    let (left, right) = (Box::new(column(name)), Box::new(Expression::Literal(text(value))));
    Expression::Compare { operator: CompareOperator::Equal, left, right }
}

pub(crate) fn keys(columns: &[&str], rows: &[&[&str]]) -> KeyBlock {
    let arrays: Vec<ArrayRef> = (0..columns.len())
        .map(|i| Arc::new(rows.iter().map(|row| Some(row[i])).collect::<StringViewArray>()) as ArrayRef)
        .collect();
    let fields: Vec<ArrowField> = columns.iter().map(|name| ArrowField::new(*name, Arrow::Utf8View, false)).collect();
    let keys = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    KeyBlock { columns: columns.iter().map(|name| (*name).to_owned()).collect(), keys }
}

/// The rows in text order, and the end.
pub(crate) async fn scan(
    connector: &dyn Connector,
    request: ScanRequest,
) -> Result<(Vec<Vec<String>>, End), ContractError> {
    let most = request.batch_rows as usize;
    let mut stream = connector.scan(&context(), request).await?;
    let (mut rows, mut end) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event? {
            ScanEvent::Batch(batch) => {
                assert!(end.is_none() && batch.num_rows() > 0 && batch.num_rows() <= most);
                let columns: Vec<_> = batch.columns().iter().map(|column| column.as_string_view()).collect();
                let cells = |row| columns.iter().map(|column| column.value(row).to_owned()).collect();
                rows.extend((0..batch.num_rows()).map(cells));
            }
            ScanEvent::End(last) => end = Some(last),
        }
    }
    let end = end.expect("an end");
    rows.sort();
    assert!(end.statements.len() == 1);
    Ok((rows, end))
}

pub(crate) async fn rows(connector: &dyn Connector, read: Read) -> Vec<Vec<String>> {
    let (rows, end) = scan(connector, request(read)).await.unwrap();
    assert_eq!(end.rows, rows.len() as u64);
    rows
}
