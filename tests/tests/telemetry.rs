#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! Spans, as a collector that speaks OTLP over gRPC receives them from a broker process.

#[path = "protocol/endless.rs"]
#[allow(dead_code, reason = "each suite uses its part")]
mod endless;
#[path = "grpc_faults/loopback.rs"]
#[allow(dead_code, reason = "the fault tests use the rest")]
mod loopback;

use endless::{Broker, Endless};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Keeps what it is sent: the name of the service, and the span.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let service = text(&resource.resource.unwrap_or_default().attributes, "service.name");
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| (service.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.clone());
    match found {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        format!("http://{address}")
    }

    fn spans(&self, name: &str) -> Vec<Span> {
        let received = self.0.lock().unwrap();
        received.iter().filter(|(_, span)| span.name == name).map(|(_, span)| span.clone()).collect()
    }
}

async fn ask(broker: &Broker, query: &str, traceparent: Option<&str>) -> u16 {
    let url = format!("http://{}/sparql", broker.address);
    let mut request = reqwest::Client::new().post(url).header("content-type", "application/sparql-query");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    let response = request.body(query.to_owned()).send().await.unwrap();
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_a_span_in_the_trace_of_its_client_and_so_are_its_scans() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let collector = Collector::default();
    let otlp = collector.start().await;
    let connector = Endless::new(2500);
    let config = format!("[telemetry]\notlp = \"{otlp}\"\nservice_name = \"mesh-7\"\n");
    let mut broker = Broker::start(connector.clone(), &config).await;
    let query = "SELECT ?part ?name { ?part <https://e/name> ?name }";
    assert_eq!(ask(&broker, query, Some(&format!("00-{TRACE}-{PARENT}-01"))).await, 200);
    assert_eq!(ask(&broker, "DESCRIBE * { ?secret", None).await, 400);
    // The last spans are sent when the process ends.
    broker.terminate();

    assert!(collector.0.lock().unwrap().iter().all(|(service, _)| service == "mesh-7"));
    let queries = collector.spans("query");
    assert_eq!(queries.len(), 2, "{queries:?}");
    let (answered, failed): (Vec<Span>, Vec<Span>) = queries.into_iter().partition(|span| hex(&span.trace_id) == TRACE);
    let (answered, failed) = (&answered[0], &failed[0]);
    assert_eq!(hex(&answered.parent_span_id), PARENT);
    assert_eq!(text(&answered.attributes, "db.system.name"), "weft");
    assert_eq!(text(&answered.attributes, "db.operation.name"), "SELECT");
    assert_eq!(text(&answered.attributes, "db.response.returned_rows"), "2500");
    assert!(answered.end_time_unix_nano > answered.start_time_unix_nano);
    assert_eq!(text(&failed.attributes, "db.operation.name"), "DESCRIBE");
    assert_eq!(text(&failed.attributes, "error.type"), "invalid-query");
    assert_eq!((failed.parent_span_id.as_slice(), failed.status.clone().unwrap().code), (&[][..], 2));

    // What the connector was given is a span of the broker's in the same trace.
    let given = connector.traces.lock().unwrap().clone();
    assert_eq!(given.len(), 1);
    let parts: Vec<&str> = given[0].split('-').collect();
    let received = collector.0.lock().unwrap();
    let caller = received.iter().map(|(_, span)| span).find(|span| hex(&span.span_id) == parts[2]);
    assert_eq!((parts[1], hex(&caller.expect("the span that called").trace_id).as_str()), (TRACE, TRACE));
    // Queries may hold private data.
    let all = format!("{received:?}");
    assert!(!all.contains("https://e/name") && !all.contains("secret"), "{all}");
}
