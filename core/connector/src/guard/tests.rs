#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use weft_model::contract::{
    ColumnRef, DataType, Field, ProjectColumn, Read, Relation, RelationalCapabilities, TimePart,
};

type Event = Result<ScanEvent, ContractError>;

/// What one call to `scan` does.
enum Act {
    Fail(ContractError),
    Answer(Vec<Event>),
    /// These, and then nothing more for ever.
    Hang(Vec<Event>),
}

#[derive(Default)]
struct Scripted {
    acts: Mutex<VecDeque<Act>>,
    calls: AtomicUsize,
    dropped: Arc<Notify>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl Connector for Scripted {
    async fn describe(&self, _: &CallContext) -> Result<Description, ContractError> {
        std::future::pending().await
    }

    async fn check(&self, _: &CallContext, _: &[String]) -> Result<Check, ContractError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(Check { system: "scripted".into(), tables: vec![] })
    }

    async fn scan(&self, _: &CallContext, _: ScanRequest) -> Result<ScanStream, ContractError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let act = self.acts.lock().unwrap().pop_front();
        let guard = NotifyOnDrop(self.dropped.clone());
        let events: BoxStream<'static, Event> = match act {
            None => return Err(ContractError::new(Code::SourceUnavailable, Fault::Source, "down")),
            Some(Act::Fail(error)) => return Err(error),
            Some(Act::Answer(events)) => stream::iter(events).boxed(),
            Some(Act::Hang(events)) => stream::iter(events).chain(stream::pending()).boxed(),
        };
        Ok(events
            .map(move |event| {
                let _held = &guard;
                event
            })
            .boxed())
    }
}

fn guarded(acts: Vec<Act>, limits: GuardLimits) -> (Guarded, Arc<Scripted>) {
    let scripted = Arc::new(Scripted { acts: Mutex::new(acts.into()), ..Scripted::default() });
    (Guarded::new("erp".into(), scripted.clone(), limits), scripted)
}

fn quick() -> GuardLimits {
    GuardLimits { retry_backoff: Duration::from_millis(1), breaker_failures: 0, ..GuardLimits::default() }
}

fn context(millis: u64) -> CallContext {
    CallContext { deadline: Instant::now() + Duration::from_millis(millis), traceparent: None }
}

fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field { name: name.into(), data_type, nullable, native_type: String::new() }
}

fn request() -> ScanRequest {
    let relation = Relation::Read(Read {
        table: "part".into(),
        alias: String::new(),
        columns: vec!["id".into(), "name".into()],
        schema: vec![field("id", DataType::Int64, false), field("name", DataType::Text, true)],
        filter: None,
        keys: None,
        limit: None,
    });
    ScanRequest { id: "s1".into(), relation, batch_rows: 1000, batch_bytes: 1 << 20, explain: false }
}

fn batch(ids: &[Option<i64>], names: &[&str]) -> Event {
    let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
    let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(names));
    Ok(ScanEvent::Batch(RecordBatch::try_from_iter_with_nullable([("a", ids, true), ("b", names, true)]).unwrap()))
}

fn end(rows: u64) -> Event {
    Ok(ScanEvent::End(End { outcome: Outcome::Complete, rows, statements: vec!["select 1".into()] }))
}

/// All rows, or the first error.
async fn drain(scan: Result<GuardedScan, SourceError>) -> Result<u64, ContractError> {
    let mut scan = scan.map_err(|e| e.error)?;
    let mut rows = 0;
    while let Some(batch) = scan.next().await {
        rows += batch.map_err(|e| e.error)?.num_rows() as u64;
    }
    assert!(scan.next().await.is_none());
    Ok(rows)
}

#[tokio::test]
async fn a_complete_answer_gives_its_rows_and_a_report() {
    let events = vec![batch(&[Some(1)], &["a"]), batch(&[Some(2), Some(3)], &["b", "c"]), end(3)];
    let (guarded, _) = guarded(vec![Act::Answer(events)], quick());
    let scan = guarded.scan(&context(1000), request()).await.unwrap();
    let report = scan.report();
    assert_eq!(scan.schema().field(0).name(), "id");
    assert!(!report.read().complete);
    assert_eq!(drain(Ok(scan)).await.unwrap(), 3);
    let report = report.read();
    assert_eq!((report.rows, report.complete), (3, true));
    assert_eq!(report.statements, ["select 1"]);
    assert!(report.bytes > 0);
}

#[tokio::test]
async fn whatever_is_not_a_complete_answer_is_an_error() {
    let truncated =
        Ok(ScanEvent::End(End { outcome: Outcome::Truncated("page limit".into()), rows: 1, statements: vec![] }));
    let one = || batch(&[Some(1)], &["a"]);
    let few: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let narrow = Ok(ScanEvent::Batch(RecordBatch::try_from_iter([("id", few.clone())]).unwrap()));
    let typed = Ok(ScanEvent::Batch(RecordBatch::try_from_iter([("id", few.clone()), ("name", few)]).unwrap()));
    for (events, code, text) in [
        (vec![], Code::StreamTruncated, "without its end marker"),
        (vec![one()], Code::StreamTruncated, "without its end marker"),
        (vec![one(), end(2)], Code::StreamTruncated, "counts 2 rows, but 1 came"),
        (vec![one(), truncated], Code::StreamTruncated, "page limit"),
        (vec![one(), end(1), one()], Code::ContractViolation, "after the end marker"),
        (vec![end(0), end(0)], Code::ContractViolation, "after the end marker"),
        (vec![narrow, end(1)], Code::ContractViolation, "1 columns instead of 2"),
        (vec![typed, end(1)], Code::InvalidData, "column name is text, but Int64 came"),
        (vec![batch(&[None], &["a"]), end(1)], Code::InvalidData, "column id is never null"),
        (vec![one(), Err(ContractError::new(Code::SourceFailed, Fault::Source, "boom"))], Code::SourceFailed, "boom"),
    ] {
        let (guarded, _) = guarded(vec![Act::Answer(events)], GuardLimits { retries: 0, ..quick() });
        let error = drain(guarded.scan(&context(1000), request()).await).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(text), "{error}");
    }
}

#[tokio::test]
async fn rows_and_bytes_are_limited() {
    let many = || vec![batch(&[Some(1), Some(2)], &["a", "b"]), batch(&[Some(3)], &["c"]), end(3)];
    let (rows, _) = guarded(vec![Act::Answer(many())], GuardLimits { max_rows: 2, ..quick() });
    let error = drain(rows.scan(&context(1000), request()).await).await.unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.contains("max_rows"));
    let (bytes, _) = guarded(vec![Act::Answer(many())], GuardLimits { max_bytes: 150, ..quick() });
    let error = drain(bytes.scan(&context(1000), request()).await).await.unwrap_err();
    assert!(error.message.contains("max_bytes"));
}

#[tokio::test]
async fn only_failures_before_the_first_event_are_tried_again() {
    let unavailable = || ContractError::new(Code::SourceUnavailable, Fault::Source, "down");
    let retry = ContractError::new(Code::RateLimited, Fault::Source, "later").with_retry(Retry::AfterMillis(1));
    let good = || Act::Answer(vec![batch(&[Some(1)], &["a"]), end(1)]);
    let (twice, calls) = guarded(vec![Act::Fail(unavailable()), Act::Fail(retry), good()], quick());
    assert_eq!(drain(twice.scan(&context(1000), request()).await).await.unwrap(), 1);
    assert_eq!(calls.calls.load(Ordering::SeqCst), 3);

    let (first_event, calls) = guarded(vec![Act::Answer(vec![Err(unavailable())]), good()], quick());
    assert_eq!(drain(first_event.scan(&context(1000), request()).await).await.unwrap(), 1);
    assert_eq!(calls.calls.load(Ordering::SeqCst), 2);

    let (midway, calls) =
        guarded(vec![Act::Answer(vec![batch(&[Some(1)], &["a"]), Err(unavailable())]), good()], quick());
    let error = drain(midway.scan(&context(1000), request()).await).await.unwrap_err();
    assert_eq!((error.code, calls.calls.load(Ordering::SeqCst)), (Code::SourceUnavailable, 1));

    let never = ContractError::new(Code::SourceFailed, Fault::Source, "no");
    let (final_error, calls) = guarded(vec![Act::Fail(never), good()], quick());
    assert!(final_error.scan(&context(1000), request()).await.is_err());
    assert_eq!(calls.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn retries_stop_at_the_budget() {
    let (down, calls) = guarded(vec![], GuardLimits { retries: 3, ..quick() });
    for _ in 0..50 {
        assert!(down.scan(&context(1000), request()).await.is_err());
    }
    let retries = calls.calls.load(Ordering::SeqCst) - 50;
    // Ten from the start, and one for every five calls.
    assert!((10..=20).contains(&retries), "{retries}");
}

#[tokio::test]
async fn the_deadline_ends_every_phase() {
    let (open, _) = guarded(vec![Act::Hang(vec![])], quick());
    let error = open.scan(&context(30), request()).await.unwrap_err();
    assert_eq!((error.error.code, &*error.source_name), (Code::DeadlineExceeded, "erp"));

    let limits = GuardLimits { timeout: Duration::from_millis(30), ..quick() };
    let (midway, scripted) = guarded(vec![Act::Hang(vec![batch(&[Some(1)], &["a"])])], limits.clone());
    let error = drain(midway.scan(&context(60_000), request()).await).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    tokio::time::timeout(Duration::from_secs(1), scripted.dropped.notified()).await.unwrap();

    let (after_end, _) = guarded(vec![Act::Hang(vec![end(0)])], limits.clone());
    let error = drain(after_end.scan(&context(60_000), request()).await).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);

    let (describe, _) = guarded(vec![], limits);
    assert_eq!(describe.describe(&context(60_000)).await.unwrap_err().error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn permits_are_held_to_the_end_and_the_queue_is_short() {
    let hang = || Act::Hang(vec![batch(&[Some(1)], &["a"])]);
    let limits = GuardLimits { concurrency: 1, queue: 1, ..quick() };
    let (guarded, scripted) = guarded(vec![hang(), hang()], limits);
    let first = guarded.scan(&context(5000), request()).await.unwrap();
    let waiting = tokio::spawn({
        let guarded = guarded.clone();
        async move { guarded.scan(&context(5000), request()).await.map(drop) }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = guarded.scan(&context(5000), request()).await.unwrap_err().error;
    assert_eq!((error.code, error.retry), (Code::Overloaded, Retry::AfterMillis(1000)));
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 1);
    drop(first);
    waiting.await.unwrap().unwrap();
    let late = guarded.check(&context(20), &[]).await;
    assert!(late.is_ok(), "the permit came back when the second scan was dropped");
}

#[tokio::test]
async fn the_breaker_opens_tries_once_and_closes() {
    let limits =
        GuardLimits { retries: 0, breaker_failures: 2, breaker_cooldown: Duration::from_millis(40), ..quick() };
    let (guarded, scripted) = guarded(vec![], limits);
    for _ in 0..2 {
        assert!(guarded.scan(&context(1000), request()).await.is_err());
    }
    let error = guarded.scan(&context(1000), request()).await.unwrap_err().error;
    assert!(error.message.contains("failed 2 times in a row"), "{error}");
    assert!(matches!(error.retry, Retry::AfterMillis(_)));
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 2);
    assert!(guarded.check(&context(1000), &[]).await.is_ok(), "a check goes through an open breaker");

    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(guarded.scan(&context(1000), request()).await.is_err(), "the probe fails and opens it again");
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 4);
    assert!(guarded.scan(&context(1000), request()).await.is_err());
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 4);

    tokio::time::sleep(Duration::from_millis(60)).await;
    for _ in 0..2 {
        scripted.acts.lock().unwrap().push_back(Act::Answer(vec![end(0)]));
        assert_eq!(drain(guarded.scan(&context(1000), request()).await).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn only_a_caller_with_time_can_blame_the_source() {
    let limits = GuardLimits {
        retries: 0,
        breaker_failures: 1,
        breaker_cooldown: Duration::from_secs(60),
        timeout: Duration::from_millis(300),
        ..quick()
    };
    let hangs = || vec![Act::Hang(vec![]), Act::Hang(vec![]), Act::Hang(vec![])];
    let (guarded, scripted) = guarded(hangs(), limits);
    for _ in 0..2 {
        assert!(guarded.scan(&context(10), request()).await.is_err());
    }
    assert!(guarded.scan(&context(10_000), request()).await.is_err());
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 3, "those in a hurry left the breaker closed");
    let error = guarded.scan(&context(10_000), request()).await.unwrap_err().error;
    assert_eq!((error.code, scripted.calls.load(Ordering::SeqCst)), (Code::SourceUnavailable, 3));
}

#[tokio::test]
async fn an_explanation_has_statements_and_no_rows() {
    let (good, _) = guarded(vec![Act::Answer(vec![end(0)])], quick());
    assert_eq!(good.explain(&context(1000), request()).await.unwrap(), ["select 1"]);
    for events in [vec![batch(&[Some(1)], &["a"]), end(1)], vec![end(1)], vec![end(0), end(0)], vec![]] {
        let (bad, _) = guarded(vec![Act::Answer(events)], quick());
        assert!(bad.explain(&context(1000), request()).await.is_err());
    }
}

#[tokio::test]
async fn a_relation_that_does_not_fit_together_is_not_sent() {
    let (guarded, scripted) = guarded(vec![], quick());
    let mut request = request();
    request.relation.read_mut("").unwrap().columns.push("nope".into());
    let error = guarded.scan(&context(1000), request).await.unwrap_err().error;
    assert_eq!((error.code, error.fault), (Code::InvalidRequest, Fault::Broker));
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 0);
}

/// From `id` to `next`, where both are of this type.
fn recursion(data_type: DataType) -> ScanRequest {
    let mut request = request();
    let columns = ["id", "next"];
    let read = request.relation.read_mut("").unwrap();
    read.columns = columns.map(str::to_owned).to_vec();
    read.schema = columns.map(|name| field(name, data_type, true)).to_vec();
    let [from, to] = columns.map(|name| vec![ColumnRef::bare(name)]);
    request.relation = Relation::Recurse { step: Box::new(request.relation), from, to, start: None };
    request
}

#[tokio::test]
async fn a_recursion_is_held_to_what_it_promises() {
    let pairs = |ids: &[Option<i64>]| {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        Ok(ScanEvent::Batch(
            RecordBatch::try_from_iter_with_nullable([("a", ids.clone(), true), ("b", ids, true)]).unwrap(),
        ))
    };
    let (good, _) = guarded(vec![Act::Answer(vec![pairs(&[Some(1), Some(2)]), end(2)])], quick());
    assert_eq!(drain(good.scan(&context(1000), recursion(DataType::Int64)).await).await.unwrap(), 2);
    let (bad, _) = guarded(vec![Act::Answer(vec![pairs(&[None]), end(1)])], quick());
    let error = drain(bad.scan(&context(1000), recursion(DataType::Int64)).await).await.unwrap_err();
    assert_eq!((error.code, error.fault), (Code::InvalidData, Fault::Connector), "a pair has no nulls");
    let (unsent, scripted) = guarded(vec![], quick());
    let error = unsent.scan(&context(1000), recursion(DataType::Float64)).await.unwrap_err().error;
    assert_eq!((error.code, error.fault), (Code::InvalidRequest, Fault::Broker));
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 0);
}

fn part_request(part: TimePart, data_type: DataType) -> ScanRequest {
    let input = Relation::Read(Read {
        table: "run".into(),
        alias: String::new(),
        columns: vec!["at".into()],
        schema: vec![field("at", data_type, true)],
        filter: None,
        keys: None,
        limit: None,
    });
    let column = ProjectColumn { name: "part".into(), column: ColumnRef::bare("at"), part: Some(part) };
    let relation = Relation::Project { input: Box::new(input), columns: vec![column] };
    ScanRequest { relation, ..request() }
}

#[tokio::test]
async fn parts_of_times_that_are_not_offered_are_never_asked_for() {
    let answer = || {
        let parts: ArrayRef = Arc::new(Int64Array::from(vec![Some(2017), None]));
        let batch = RecordBatch::try_from_iter_with_nullable([("part", parts, true)]).unwrap();
        Act::Answer(vec![Ok(ScanEvent::Batch(batch)), end(2)])
    };
    let (unknown, _) = guarded(vec![answer()], quick());
    let wanted = |part| part_request(part, DataType::Timestamp { zoned: true });
    assert_eq!(drain(unknown.scan(&context(1000), wanted(TimePart::Minutes)).await).await.unwrap(), 2);

    let (guard, scripted) = guarded(vec![answer()], quick());
    let offered = RelationalCapabilities { time_parts: vec![TimePart::Year], ..RelationalCapabilities::read_only() };
    let guard = guard.offering(&offered);
    assert_eq!(drain(guard.scan(&context(1000), wanted(TimePart::Year)).await).await.unwrap(), 2);
    let mut below = wanted(TimePart::Month);
    below.relation = Relation::Distinct { input: Box::new(below.relation) };
    let mut explained = below.clone();
    explained.explain = true;
    let errors = [
        guard.scan(&context(1000), below).await.unwrap_err().error,
        guard.explain(&context(1000), explained).await.unwrap_err().error,
    ];
    for error in errors {
        assert_eq!((error.code, error.fault), (Code::InvalidRequest, Fault::Broker));
        assert!(error.message.contains("the month of a time"), "{error}");
    }
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 1, "only the year was asked for");
}

#[tokio::test]
async fn a_part_of_what_has_no_such_part_is_never_asked_for() {
    let (guard, scripted) = guarded(vec![], quick());
    for (part, data_type) in [
        (TimePart::Year, DataType::Text),
        (TimePart::Year, DataType::Int64),
        (TimePart::Hours, DataType::Date),
        (TimePart::Minutes, DataType::Date),
    ] {
        let error = guard.scan(&context(1000), part_request(part, data_type)).await.unwrap_err().error;
        assert_eq!((error.code, error.fault), (Code::InvalidRequest, Fault::Broker));
        assert!(error.message.contains(&format!("has no {part}")), "{error}");
    }
    assert_eq!(scripted.calls.load(Ordering::SeqCst), 0);
}
