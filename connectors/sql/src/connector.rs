//! The connector contract over either database.

use crate::catalogue::relational;
use crate::error::{OpenError, Result, invalid_request};
use crate::postgres::Postgres;
use crate::rows::RowLimits;
use crate::sqlite::Sqlite;
use crate::view::Views;
use crate::{Limits, SqlConfig};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::once;
use tokio::time::Instant;
use tracing::Instrument;
use weft_connector::{CallContext, Connector, ScanEvent, ScanStream};
use weft_model::contract::{
    CONTRACT_VERSION, Check, ContractRange, Description, End, Outcome, Relation, ScanRequest, UnquotedNames,
};

#[derive(Debug)]
enum System {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A connector for the one database its configuration names.
#[derive(Debug)]
pub struct SqlConnector {
    system: System,
    limits: Limits,
}

impl SqlConnector {
    /// Checks the configuration; the database is connected to by the first call.
    pub fn open(config: SqlConfig) -> std::result::Result<Self, OpenError> {
        let SqlConfig { database, views, limits } = config;
        let views = Views::new(views)?;
        limits.validate()?;
        let system = match database.sqlite_path()? {
            Some(path) => System::Sqlite(Sqlite::new(path, &database, views, limits)),
            None => System::Postgres(Postgres::new(&database, views, limits)?),
        };
        Ok(Self { system, limits })
    }

    /// Refuses configured views that are not one query that only reads, or that the database cannot run.
    ///
    /// # Errors
    ///
    /// `invalid-config` names the view; any other code says that the database could not be asked.
    pub async fn check_views(&self, context: &CallContext) -> Result<()> {
        let deadline = self.deadline(context);
        match &self.system {
            System::Sqlite(sqlite) => sqlite.check_views(deadline).await,
            System::Postgres(postgres) => postgres.check_views(deadline).await,
        }
    }

    /// The call's deadline, or the configured one where that is earlier.
    fn deadline(&self, context: &CallContext) -> Instant {
        context.deadline.min(Instant::now() + self.limits.statement_timeout())
    }

    async fn explain(&self, deadline: Instant, relation: Relation) -> Result<ScanStream> {
        let sql = match &self.system {
            System::Sqlite(sqlite) => sqlite.explain(deadline, relation).await?,
            System::Postgres(postgres) => postgres.explain(deadline, &relation).await?,
        };
        let end = End { outcome: Outcome::Complete, rows: 0, statements: vec![sql] };
        Ok(once(async { Ok(ScanEvent::End(end)) }).boxed())
    }

    async fn run(&self, deadline: Instant, request: ScanRequest) -> Result<ScanStream> {
        if request.batch_rows == 0 || request.batch_bytes == 0 {
            return Err(invalid_request("a batch must be allowed at least one row and one byte"));
        }
        let limits = RowLimits {
            rows: self.limits.rows,
            batch_rows: request.batch_rows.min(self.limits.batch_rows) as usize,
            batch_bytes: request.batch_bytes.min(self.limits.batch_bytes) as usize,
            cell_bytes: self.limits.cell_bytes as usize,
        };
        match &self.system {
            System::Sqlite(sqlite) => sqlite.scan(deadline, request.relation, limits).await,
            System::Postgres(postgres) => postgres.scan(deadline, request.relation, limits).await,
        }
    }
}

#[async_trait]
impl Connector for SqlConnector {
    async fn describe(&self, context: &CallContext) -> Result<Description> {
        let deadline = self.deadline(context);
        let tables = match &self.system {
            System::Sqlite(sqlite) => sqlite.describe(deadline).await?,
            System::Postgres(postgres) => postgres.describe(deadline).await?,
        };
        let unquoted = match &self.system {
            System::Sqlite(_) => UnquotedNames::AsWritten,
            System::Postgres(_) => UnquotedNames::LowerCase,
        };
        Ok(Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            contract: ContractRange { min: CONTRACT_VERSION, max: CONTRACT_VERSION },
            config_schema: crate::config::SCHEMA.into(),
            tables: tables.iter().map(|table| table.to_contract(self.limits.keys, unquoted)).collect(),
            relational: relational(self.limits.connections),
            default_mapping: None,
            change_feed: None,
        })
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check> {
        let deadline = self.deadline(context);
        match &self.system {
            System::Sqlite(sqlite) => sqlite.check(deadline, tables).await,
            System::Postgres(postgres) => postgres.check(deadline, tables).await,
        }
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream> {
        let span = crate::span::scan(context, &request);
        let deadline = self.deadline(context);
        let started = async {
            match request.explain {
                true => self.explain(deadline, request.relation).await,
                false => self.run(deadline, request).await,
            }
        };
        match started.instrument(span.clone()).await {
            Ok(stream) => Ok(crate::span::watch(span, stream)),
            Err(error) => {
                crate::span::failed(&span, &error);
                Err(error)
            }
        }
    }
}
