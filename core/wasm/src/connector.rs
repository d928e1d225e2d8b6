//! A source behind a component.

use crate::call::{Guest, out_of_time};
use crate::convert::{check_from_wit, description_from_wit};
use crate::error::SandboxError;
use crate::http::{Contact, HttpAccess, HttpGrant};
use crate::limits::GuestLimits;
use crate::sandbox::InstalledComponent;
use crate::scan;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use weft_connector::{CallContext, Connector, ScanStream};
use weft_model::contract::{CONTRACT_VERSION, Check, ContractError, Description, ScanRequest};
use weft_model::{Code, Fault};

/// What the configuration of one source grants its guest. Nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    pub http: Option<HttpGrant>,
}

/// A [`Connector`] that answers every call with a fresh guest.
#[derive(Debug)]
pub struct WasmConnector {
    source: Arc<Source>,
}

/// One configured source.
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) component: InstalledComponent,
    /// JSON, for the guest. May hold what is nobody's business.
    pub(crate) config: String,
    pub(crate) limits: GuestLimits,
    pub(crate) http: Option<Arc<HttpAccess>>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("component", &self.component)
            .field("limits", &self.limits)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

impl Source {
    pub(crate) fn deadline(&self, context: &CallContext) -> Instant {
        context.deadline.min(Instant::now() + self.limits.time)
    }
}

impl WasmConnector {
    /// Binds a component to a source. `config` is the JSON handed to the guest with every call.
    ///
    /// # Errors
    /// What the component imports and the grants do not give; grants and limits that are not possible.
    pub fn new(
        name: &str,
        component: InstalledComponent,
        config: String,
        grants: &Grants,
        limits: GuestLimits,
    ) -> Result<Self, SandboxError> {
        let source_name = || name.to_owned();
        let allowed = component.sandbox.limits().guest_memory;
        if limits.memory > allowed {
            return Err(SandboxError::Limit {
                source_name: source_name(),
                key: "memory",
                found: u64::try_from(limits.memory).unwrap_or(u64::MAX),
                rule: format!("the sandbox has room for {allowed} bytes a guest"),
            });
        }
        let granted = grants.http.as_ref().filter(|grant| !grant.allow.is_empty());
        if component.imports_http && granted.is_none() {
            return Err(SandboxError::NotGranted {
                component: component.name.to_string(),
                source_name: source_name(),
                import: "weft:connector/http".to_owned(),
                line: format!("sources.{name}.wasm.http.allow = [\"https://host/path/\"]"),
            });
        }
        let http = granted.map(HttpAccess::new).transpose();
        let http = http.map_err(|cause| SandboxError::Grant { source_name: source_name(), cause })?.map(Arc::new);
        Ok(Self { source: Arc::new(Source { name: name.into(), component, config, limits, http }) })
    }

    /// Runs one call on the guests' threads. Dropping the future drops the guest.
    async fn run<T: Send + 'static>(&self, context: &CallContext, call: impl AsyncCall<T>) -> Result<T, ContractError> {
        let (source, context) = (Arc::clone(&self.source), context.clone());
        let deadline = source.deadline(&context);
        let (answer, answered) = oneshot::channel();
        let sandbox = source.component.sandbox.clone();
        let _task = sandbox.spawn(async move {
            let result = match Guest::start(source, &context, Contact::Allowed).await {
                Ok(guest) => call.call(guest).await,
                Err(error) => Err(error),
            };
            // The caller may have gone; then nobody wants it.
            let _ = answer.send(result);
        });
        // The guest's own deadline comes first; this one is for guests' threads that never get a turn.
        match timeout_at(deadline + scan::GRACE, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ContractError::new(Code::Internal, Fault::Broker, "the guest's thread stopped")),
            Err(_) => Err(out_of_time()),
        }
    }
}

/// What is done with a fresh guest.
trait AsyncCall<T>: Send + 'static {
    fn call(self, guest: Guest) -> impl Future<Output = Result<T, ContractError>> + Send;
}

struct Describe;

impl AsyncCall<Description> for Describe {
    async fn call(self, mut guest: Guest) -> Result<Description, ContractError> {
        let description = guest.describe().await?;
        let contract = description.contract;
        if !(contract.min..=contract.max).contains(&CONTRACT_VERSION) {
            let message = format!(
                "the connector speaks contract versions {} to {}, the broker speaks {CONTRACT_VERSION}",
                contract.min, contract.max
            );
            return Err(ContractError::new(Code::ContractViolation, Fault::Connector, message));
        }
        description_from_wit(description).map_err(|error| violation(&format!("the description is wrong: {error}")))
    }
}

struct CheckTables(Vec<String>);

impl AsyncCall<Check> for CheckTables {
    async fn call(self, mut guest: Guest) -> Result<Check, ContractError> {
        let report = guest.check(&self.0).await?;
        check_from_wit(report).map_err(|error| violation(&format!("the check report is wrong: {error}")))
    }
}

pub(crate) fn violation(message: &str) -> ContractError {
    ContractError::new(Code::ContractViolation, Fault::Connector, message)
}

#[async_trait]
impl Connector for WasmConnector {
    async fn describe(&self, context: &CallContext) -> Result<Description, ContractError> {
        self.run(context, Describe).await
    }

    async fn check(&self, context: &CallContext, tables: &[String]) -> Result<Check, ContractError> {
        self.run(context, CheckTables(tables.to_vec())).await
    }

    async fn scan(&self, context: &CallContext, request: ScanRequest) -> Result<ScanStream, ContractError> {
        scan::open(Arc::clone(&self.source), context.clone(), request).await
    }
}
