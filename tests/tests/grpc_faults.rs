//! What can go wrong between a broker and a connector, over real mutual TLS on loopback: every fault ends in an error
//! that names it, in time, and none in a short answer.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "grpc_faults/loopback.rs"]
mod loopback;

use self::loopback::*;
use arrow_array::Int64Array;
use futures::StreamExt as _;
use futures::stream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Clock};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use weft_connector::ScanEvent;
use weft_grpc::{ServeLimits, ServeOptions, Server};
use weft_identity::{CertificateRequest, issue};
use weft_model::contract::{CheckOutcome, ContractError, ContractRange, End, Outcome, ScanRequest, Value};
use weft_model::{Code, Fault, Retry};
use weft_tests::ports::free_address;

/// The error of a scan against a server that answers as told.
async fn fault(events: fn() -> Vec<Event>) -> ContractError {
    let pki = Pki::new();
    let server = start(Scripted::answering(events), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    let error = drain(&guarded, 5000).await.unwrap_err();
    server.stop().await;
    error
}

#[tokio::test]
async fn all_three_verbs_arrive_with_their_context() {
    let pki = Pki::new();
    let connector = Scripted::answering(|| vec![batch(0..3), batch(3..5), end(5)]);
    let server = start(connector.clone(), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    assert_eq!(guarded.describe(&context(5000)).await.unwrap().name, "scripted");
    let check = guarded.check(&context(5000), &["part".into()]).await.unwrap();
    assert_eq!(check.tables, [("part".to_owned(), CheckOutcome::Row(vec![Some(Value::Int64(1)), None]))]);
    let mut scan = guarded.scan(&context(5000), request()).await.unwrap();
    let report = scan.report();
    let mut rows = 0;
    while let Some(batch) = scan.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 5);
    assert_eq!(report.read().statements, ["select id, name from part"]);

    let seen = connector.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    for (seen, _) in &seen {
        assert_eq!(seen.traceparent.as_deref(), Some(TRACE));
        let left = seen.deadline.saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(1) && left <= Duration::from_secs(5), "{left:?}");
    }
    assert_eq!(seen[1].1.as_ref(), Some(&request()));
    server.stop().await;
}

#[tokio::test]
async fn many_rows_come_whole_and_in_order() {
    let pki = Pki::new();
    let server = start(Scripted::answering(|| vec![batch(0..200_000), end(200_000)]), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    let batches = drain(&guarded, 60_000).await.unwrap();
    assert!(batches.len() > 3, "the batch is split to stay under 1 MiB");
    let ids = batches.iter().flat_map(|b| b.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec());
    assert!(ids.eq(0..200_000));
    server.stop().await;
}

#[tokio::test]
async fn a_connector_that_is_down_is_unavailable_and_comes_back() {
    let pki = Pki::new();
    let guarded = guard(connect(free_address(), pki.credentials("broker"), ERP));
    let error = drain(&guarded, 5000).await.unwrap_err();
    assert_eq!((error.code, error.fault), (Code::SourceUnavailable, Fault::Source));
    assert!(error.message.contains("cannot connect"), "{error}");

    let server = start(Scripted::answering(|| vec![end(0)]), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    assert!(drain(&guarded, 5000).await.is_ok());
    let address = server.address;
    server.stop().await;
    assert_eq!(drain(&guarded, 5000).await.unwrap_err().code, Code::SourceUnavailable);
    let options = ServeOptions {
        listen: address,
        credentials: pki.credentials("erp"),
        allow: vec![id(BROKER)],
        limits: ServeLimits::default(),
    };
    let again = Server::bind(options).await.unwrap();
    let task = tokio::spawn(again.run(Scripted::answering(|| vec![end(0)]), std::future::pending()));
    assert!(drain(&guarded, 5000).await.is_ok(), "the next call connects again");
    task.abort();
}

#[tokio::test]
async fn a_slow_connector_meets_the_deadline() {
    let pki = Pki::new();
    let connector = Scripted::new(|_| stream::iter([batch(0..1)]).chain(stream::pending()).boxed());
    let server = start(connector.clone(), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    let began = Clock::now();
    let error = drain(&guarded, 300).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_secs(2));
    timeout(Duration::from_secs(1), connector.dropped.notified()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_silent_server_meets_the_handshake_timeout_or_the_deadline() {
    let pki = Pki::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let guarded = guard(connect(silent.local_addr().unwrap(), pki.credentials("broker"), ERP));
    let error = drain(&guarded, 300).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn identities_that_do_not_fit_are_refused_by_name() {
    let (pki, foreign) = (Pki::new(), Pki::new());
    let server = start(Scripted::answering(|| vec![end(0)]), &pki).await;
    for (credentials, expected, code, text) in [
        (foreign.credentials("broker"), ERP, Code::Unauthenticated, "trust bundle"),
        (foreign.trusting("broker", &pki.path("ca.pem")), ERP, Code::Unauthenticated, "does not trust the authority"),
        (
            pki.credentials("broker"),
            "spiffe://weft.dev/connector/mes",
            Code::Unauthenticated,
            "the peer is spiffe://weft.dev/connector/erp",
        ),
        (pki.credentials("other"), ERP, Code::PermissionDenied, "allow list"),
    ] {
        let guarded = guard(connect(server.address, credentials, expected));
        for _ in 0..3 {
            let error = drain(&guarded, 5000).await.unwrap_err();
            assert_eq!((error.code, error.fault), (code, Fault::Config), "{error}");
            assert!(error.message.contains(text), "{error}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn certificates_rotate_without_a_restart() {
    let pki = Pki::new();
    let credentials = pki.credentials("erp");
    let server = start_with(Scripted::answering(|| vec![end(0)]), credentials.clone(), ServeLimits::default()).await;
    let mine = pki.credentials("broker");
    let guarded = guard(connect(server.address, mine.clone(), ERP));
    assert!(drain(&guarded, 5000).await.is_ok());
    for name in ["broker", "erp"] {
        let request = CertificateRequest {
            name: format!("{name}2"),
            path: if name == "erp" { "connector/mes".into() } else { name.into() },
            hosts: vec![],
            validity: Duration::from_secs(3600),
        };
        issue(pki.0.path(), &request).unwrap();
        for kind in ["key", "pem"] {
            std::fs::rename(pki.path(&format!("{name}2.{kind}")), pki.path(&format!("{name}.{kind}"))).unwrap();
        }
    }
    assert!(credentials.reload().unwrap() && mine.reload().unwrap());
    // New credentials make a new connection, and that one meets the server's new identity.
    let error = drain(&guarded, 5000).await.unwrap_err();
    assert!(error.message.contains("connector/mes"), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn contract_versions_without_overlap_name_both_ranges() {
    let pki = Pki::new();
    let connector = Arc::new(Scripted {
        range: ContractRange { min: 2, max: 3 },
        script: Box::new(|_| stream::empty().boxed()),
        dropped: Arc::default(),
        seen: Mutex::default(),
    });
    let server = start(connector, &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    let error = guarded.describe(&context(5000)).await.unwrap_err().error;
    assert_eq!(error.code, Code::ContractViolation);
    assert!(error.message.contains("2 to 3") && error.message.contains("1 to 1"), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn answers_that_are_not_what_was_asked_for_are_errors() {
    let swapped = fault(|| {
        let Ok(ScanEvent::Batch(batch)) = batch(0..1) else { panic!("a batch") };
        vec![Ok(ScanEvent::Batch(batch.project(&[1, 0]).unwrap())), end(1)]
    })
    .await;
    assert_eq!(swapped.code, Code::InvalidData);
    assert!(swapped.message.contains("column id is int64"), "{swapped}");

    let cut = fault(|| vec![batch(0..10)]).await;
    assert_eq!(cut.code, Code::StreamTruncated);

    let truncated = fault(|| {
        vec![
            batch(0..10),
            Ok(ScanEvent::End(End {
                outcome: Outcome::Truncated("10 rows a page".into()),
                rows: 10,
                statements: vec![],
            })),
        ]
    })
    .await;
    assert_eq!(truncated.code, Code::StreamTruncated);
    assert!(truncated.message.contains("10 rows a page"), "{truncated}");

    assert_eq!(fault(|| vec![batch(0..10), end(11)]).await.code, Code::StreamTruncated);
    assert_eq!(fault(|| vec![end(0), batch(0..1)]).await.code, Code::ContractViolation);
}

#[tokio::test]
async fn errors_keep_code_fault_retry_and_message_but_not_the_detail() {
    let error = fault(|| {
        let error = ContractError::new(Code::SchemaChanged, Fault::Source, "part.name is gone – überall")
            .with_retry(Retry::Replan)
            .with_detail("password=hunter2");
        vec![batch(0..1), Err(error)]
    })
    .await;
    assert_eq!((error.code, error.fault, error.retry), (Code::SchemaChanged, Fault::Source, Retry::Replan));
    assert_eq!(error.message, "part.name is gone – überall");
    assert_eq!(error.detail, None);

    let long = fault(|| vec![Err(ContractError::new(Code::SourceFailed, Fault::Source, "é".repeat(100_000)))]).await;
    assert_eq!(long.code, Code::SourceFailed);
    assert!(long.message.len() > 1000);
}

#[tokio::test]
async fn dropping_the_stream_cancels_the_remote_scan() {
    let pki = Pki::new();
    let connector = Scripted::new(|_| {
        stream::unfold(0, |i| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((batch(i..i + 1), i + 1))
        })
        .boxed()
    });
    let server = start(connector.clone(), &pki).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    let mut scan = guarded.scan(&context(60_000), request()).await.unwrap();
    scan.next().await.unwrap().unwrap();
    drop(scan);
    timeout(Duration::from_secs(1), connector.dropped.notified()).await.unwrap();

    // Also where the connector says nothing, and where the first event never came.
    let silent = Scripted::new(|_| stream::pending().boxed());
    let silent_server = start(silent.clone(), &pki).await;
    let guarded = guard(connect(silent_server.address, pki.credentials("broker"), ERP));
    let call = tokio::spawn(async move { guarded.scan(&context(60_000), request()).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    call.abort();
    timeout(Duration::from_secs(1), silent.dropped.notified()).await.unwrap();
    server.stop().await;
    silent_server.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_stream_is_an_error() {
    let pki = Pki::new();
    let connector = Scripted::new(|_| stream::iter([batch(0..1)]).chain(stream::pending()).boxed());
    let server = start(connector, &pki).await;
    let (proxy, target) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), server.address);
    let address = proxy.local_addr().unwrap();
    let relay = tokio::spawn(async move {
        let (mut near, _) = proxy.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        // Long enough for the first batch.
        let _ = timeout(Duration::from_millis(500), tokio::io::copy_bidirectional(&mut near, &mut far)).await;
    });
    let guarded = guard(connect(address, pki.credentials("broker"), ERP));
    let error = drain(&guarded, 10_000).await.unwrap_err();
    assert_eq!(error.code, Code::SourceUnavailable, "{error}");
    relay.await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_does_not_stop_the_others() {
    let pki = Pki::new();
    let flood = |_: &ScanRequest| stream::repeat_with(|| batch(0..5_000)).boxed();
    let server = start(Scripted::new(flood), &pki).await;
    let connector = connect(server.address, pki.credentials("broker"), ERP);
    let guarded = guard(connector);
    let mut unread = Vec::new();
    for _ in 0..6 {
        unread.push(guarded.scan(&context(60_000), request()).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let described = timeout(Duration::from_secs(5), guarded.describe(&context(5000))).await;
    assert!(described.unwrap().is_ok());
    drop(unread);
    server.stop().await;
}

#[tokio::test]
async fn connections_over_the_limit_are_closed_and_others_still_work() {
    let pki = Pki::new();
    let limits = ServeLimits {
        connections: 2,
        handshake_timeout: Duration::from_millis(200),
        drain: Duration::from_millis(100),
        ..ServeLimits::default()
    };
    let server = start_with(Scripted::answering(|| vec![end(0)]), pki.credentials("erp"), limits).await;
    let idle: Vec<_> = futures::future::join_all((0..2).map(|_| TcpStream::connect(server.address))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let guarded = guard(connect(server.address, pki.credentials("broker"), ERP));
    assert_eq!(drain(&guarded, 5000).await.unwrap_err().code, Code::SourceUnavailable);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(drain(&guarded, 5000).await.is_ok(), "the idle ones were dropped by the handshake timeout");
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn without_allowed_clients_nothing_is_served() {
    let pki = Pki::new();
    let options = ServeOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        credentials: pki.credentials("erp"),
        allow: vec![],
        limits: ServeLimits::default(),
    };
    assert!(Server::bind(options).await.unwrap_err().to_string().contains("allow list"));
}
