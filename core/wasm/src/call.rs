//! One call of a guest: a fresh store, its deadline, and what its failures mean.

use crate::connector::Source;
use crate::convert::error_from_wit;
use crate::http::{Contact, HttpSession};
use crate::limits::Stopped;
use crate::state::{GuestState, one_line};
use crate::wit::Connector;
use crate::wit::exports::weft::connector::guest::ScanItem;
use crate::wit::weft::connector::types as w;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use wasmtime::component::ResourceAny;
use wasmtime::{Store, Trap};
use weft_connector::CallContext;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

/// The most of a guest's message that is shown.
const MESSAGE_BYTES: usize = 2_000;
/// The most of a guest's detail that is logged.
const DETAIL_BYTES: usize = 8_000;

/// A live guest. Dropping it ends the guest and whatever it is doing. After a trap or a timeout it must be dropped: a
/// store that was left in the middle of a call is never entered again.
pub(crate) struct Guest {
    store: Store<GuestState>,
    bindings: Connector,
    source: Arc<Source>,
    deadline: Instant,
    // After the store: the allocator has a place for each permit.
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// Makes a guest for one call.
    pub(crate) async fn start(
        source: Arc<Source>,
        context: &CallContext,
        contact: Contact,
    ) -> Result<Self, ContractError> {
        let deadline = source.deadline(context);
        let sandbox = source.component.sandbox.clone();
        let Ok(Ok(place)) = timeout_at(deadline, sandbox.places().acquire_owned()).await else {
            let message = "all places in the sandbox are taken";
            return Err(
                ContractError::new(Code::Overloaded, Fault::Broker, message).with_retry(Retry::AfterMillis(100))
            );
        };
        let http = source.http.clone().map(|access| {
            HttpSession::new(access, Arc::clone(&source.name), contact, deadline, context.traceparent.clone())
        });
        let mut store = sandbox.store(GuestState::new(Arc::clone(&source.name), source.limits.clone(), deadline, http));
        let bindings = match timeout_at(deadline, source.component.pre.instantiate_async(&mut store)).await {
            Ok(Ok(bindings)) => bindings,
            Ok(Err(error)) => return Err(stopped(&error, store.data())),
            Err(_) => return Err(out_of_time()),
        };
        Ok(Self { store, bindings, source, deadline, _place: place })
    }

    pub(crate) async fn describe(&mut self) -> Result<w::Description, ContractError> {
        let call = self.bindings.weft_connector_guest().call_describe(&mut self.store, &self.source.config);
        let answer = timeout_at(self.deadline, call).await;
        self.settle(answer)
    }

    pub(crate) async fn check(&mut self, tables: &[String]) -> Result<w::CheckReport, ContractError> {
        let call = self.bindings.weft_connector_guest().call_check(&mut self.store, &self.source.config, tables);
        let answer = timeout_at(self.deadline, call).await;
        self.settle(answer)
    }

    pub(crate) async fn open(&mut self, request: &w::ScanRequest) -> Result<ResourceAny, ContractError> {
        let scan = self.bindings.weft_connector_guest().scan();
        let answer = timeout_at(self.deadline, scan.call_open(&mut self.store, &self.source.config, request)).await;
        self.settle(answer)
    }

    pub(crate) async fn next(&mut self, scan: ResourceAny) -> Result<ScanItem, ContractError> {
        let guest = self.bindings.weft_connector_guest();
        let answer = timeout_at(self.deadline, guest.scan().call_next(&mut self.store, scan)).await;
        self.settle(answer)
    }

    /// The requests the guest sent so far.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.store.data().statements()
    }

    fn settle<T>(&self, answer: Result<wasmtime::Result<Result<T, w::Error>>, Elapsed>) -> Result<T, ContractError> {
        match answer {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(said(error, self.store.data())),
            Ok(Err(error)) => Err(stopped(&error, self.store.data())),
            Err(_) => Err(out_of_time()),
        }
    }
}

/// An error the guest reported itself.
fn said(error: w::Error, state: &GuestState) -> ContractError {
    let mut error = error_from_wit(error);
    error.message = one_line(&error.message, MESSAGE_BYTES);
    error.detail = error.detail.map(|detail| one_line(&detail, DETAIL_BYTES));
    match state.denied() {
        // The host knows better than the guest what the configuration lacks.
        Some(denied) if error.code == Code::NotGranted => {
            ContractError::new(Code::NotGranted, Fault::Config, denied).with_detail(error.message)
        }
        _ => error,
    }
}

pub(crate) fn out_of_time() -> ContractError {
    ContractError::new(Code::DeadlineExceeded, Fault::Source, "the connector did not answer in time")
}

/// A guest that did not return: a limit, a trap, or values that are not what the interface says.
fn stopped(error: &wasmtime::Error, state: &GuestState) -> ContractError {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        return match stopped {
            Stopped::Deadline => out_of_time(),
            limit => ContractError::new(Code::LimitExceeded, Fault::Connector, limit.to_string()),
        };
    }
    let shown = one_line(&format!("{error:#}"), DETAIL_BYTES);
    let detail = match state.last_error() {
        Some(last) => format!("the guest said: {last}; {shown}"),
        None => shown.clone(),
    };
    let (code, message) = match error.downcast_ref::<Trap>() {
        Some(trap) => (Code::GuestTrapped, format!("the connector crashed: {trap}")),
        // The engine has no type for it.
        None if shown.contains("hostcalls has been exhausted") => {
            let allowed = state.limits().output_bytes;
            (Code::LimitExceeded, format!("the connector hands over more than the {allowed} bytes allowed at once"))
        }
        None => (Code::ContractViolation, "the connector breaks the component interface".to_owned()),
    };
    ContractError::new(code, Fault::Connector, message).with_detail(detail)
}
