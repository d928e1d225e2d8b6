//! A scan: the guest computes a batch when its reader asks for one, and not before.

use crate::call::{Guest, out_of_time};
use crate::connector::{Source, violation};
use crate::convert::{batch_from_wit, end_from_wit, request_to_wit};
use crate::http::Contact;
use crate::sandbox::AbortOnDrop;
use crate::wit::exports::weft::connector::guest::ScanItem;
use crate::wit::weft::connector::types as w;
use futures::StreamExt;
use futures::stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use wasmtime::component::ResourceAny;
use weft_connector::{CallContext, ScanEvent, ScanStream};
use weft_model::contract::{ContractError, Field, ScanRequest};
use weft_model::{Code, Fault};

/// How much later than the guest's own deadline a caller gives up by itself.
pub(crate) const GRACE: Duration = Duration::from_millis(200);

type Item = Result<ScanEvent, ContractError>;

/// The reader's end.
struct Reader {
    pull: mpsc::Sender<oneshot::Sender<Item>>,
    deadline: Instant,
    _task: AbortOnDrop,
}

/// The guest's end.
struct Running {
    guest: Guest,
    scan: ResourceAny,
    fields: Vec<Field>,
    batch_rows: u32,
    empty_batches: u32,
    explain: bool,
    rows: u64,
    empty: u32,
}

pub(crate) async fn open(
    source: Arc<Source>,
    context: CallContext,
    request: ScanRequest,
) -> Result<ScanStream, ContractError> {
    let invalid = |message: String| ContractError::new(Code::InvalidRequest, Fault::Caller, message);
    let fields = request.relation.fields().map_err(|error| invalid(error.to_string()))?;
    let fields: Vec<Field> = fields.into_iter().map(|(_, field)| field).collect();
    let request = request_to_wit(request).map_err(|error| invalid(error.to_string()))?;

    let deadline = source.deadline(&context);
    let (pull, pulls) = mpsc::channel(1);
    let (opened, is_open) = oneshot::channel();
    let sandbox = source.component.sandbox.clone();
    let task = sandbox.spawn(async move {
        match Running::open(source, &context, &request, fields).await {
            Ok(running) => {
                if opened.send(Ok(())).is_ok() {
                    running.serve(pulls, deadline).await;
                }
            }
            // The caller may have gone; then nobody wants it.
            Err(error) => drop(opened.send(Err(error))),
        }
    });
    match timeout_at(deadline + GRACE, is_open).await {
        Ok(Ok(result)) => result?,
        Ok(Err(_)) => return Err(ContractError::new(Code::Internal, Fault::Broker, "the guest's thread stopped")),
        Err(_) => return Err(out_of_time()),
    }
    let reader = Reader { pull, deadline, _task: task };
    Ok(stream::unfold(Some(reader), |reader| async move {
        let reader = reader?;
        let item = reader.next().await;
        let is_last = !matches!(item, Ok(ScanEvent::Batch(_)));
        Some((item, (!is_last).then_some(reader)))
    })
    .boxed())
}

impl Reader {
    async fn next(&self) -> Item {
        let (reply, replied) = oneshot::channel();
        if self.pull.send(reply).await.is_err() {
            // The guest's end closes early only when its time is over.
            return Err(out_of_time());
        }
        match timeout_at(self.deadline + GRACE, replied).await {
            Ok(Ok(item)) => item,
            _ => Err(out_of_time()),
        }
    }
}

impl Running {
    async fn open(
        source: Arc<Source>,
        context: &CallContext,
        request: &w::ScanRequest,
        fields: Vec<Field>,
    ) -> Result<Self, ContractError> {
        let limits = source.limits.clone();
        let contact = if request.explain { Contact::Explain } else { Contact::Allowed };
        let mut guest = Guest::start(source, context, contact).await?;
        let scan = guest.open(request).await?;
        Ok(Self {
            guest,
            scan,
            fields,
            batch_rows: request.batch_rows.min(limits.batch_rows),
            empty_batches: limits.empty_batches,
            explain: request.explain,
            rows: 0,
            empty: 0,
        })
    }

    /// Answers one pull after the other, until the end, an error, or the reader's departure. A reader that does not
    /// come back in time loses the guest.
    async fn serve(mut self, mut pulls: mpsc::Receiver<oneshot::Sender<Item>>, deadline: Instant) {
        while let Ok(Some(reply)) = timeout_at(deadline, pulls.recv()).await {
            let item = self.next().await;
            let goes_on = matches!(item, Ok(ScanEvent::Batch(_)));
            if reply.send(item).is_err() || !goes_on {
                return;
            }
        }
    }

    async fn next(&mut self) -> Item {
        match self.guest.next(self.scan).await? {
            ScanItem::Batch(batch) => self.batch(batch),
            ScanItem::End(end) => self.end(end),
        }
    }

    fn batch(&mut self, batch: w::Batch) -> Item {
        if self.explain {
            return Err(violation("the connector sends rows where it should only explain"));
        }
        if batch.rows > self.batch_rows {
            let message = format!("the connector sends {} rows at once, {} are allowed", batch.rows, self.batch_rows);
            return Err(ContractError::new(Code::LimitExceeded, Fault::Connector, message));
        }
        self.empty = if batch.rows == 0 { self.empty + 1 } else { 0 };
        if self.empty > self.empty_batches {
            let message = format!("the connector sends more than {} batches without a row", self.empty_batches);
            return Err(ContractError::new(Code::LimitExceeded, Fault::Connector, message));
        }
        self.rows += u64::from(batch.rows);
        let batch = batch_from_wit(batch, &self.fields).map_err(|error| {
            let message = format!("the connector sends a batch that is not what was asked for: {error}");
            ContractError::new(Code::InvalidData, Fault::Connector, message)
        })?;
        Ok(ScanEvent::Batch(batch))
    }

    fn end(&mut self, end: w::End) -> Item {
        if end.rows != self.rows {
            let message = format!("the connector says that it sent {} rows; {} came", end.rows, self.rows);
            return Err(violation(&message));
        }
        let mut end = end_from_wit(end);
        if !self.explain {
            end.statements = self.guest.statements();
        }
        Ok(ScanEvent::End(end))
    }
}
