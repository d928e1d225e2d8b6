//! What the server offers besides answers to queries: graphs, descriptions, and pages of other origins.
use super::*;
use reqwest::header::HeaderMap;
use reqwest::{Client as Http, Method, Response};

fn options() -> ServerOptions {
    let node = NamedNode::new_unchecked;
    ServerOptions {
        graphs: vec![node("urn:catalogue"), node("http://127.0.0.1/graphs/erp")],
        catalogue: Some(node("urn:catalogue")),
        ..ServerOptions::default()
    }
}

async fn send(server: &Running, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Http::new().request(method, format!("{}{path}", server.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn get_as(server: &Running, path: &str, accept: &str) -> Response {
    send(server, Method::GET, path, &[("accept", accept)]).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn content_type(response: &Response) -> &str {
    header(response.headers(), "content-type")
}

#[tokio::test]
async fn a_graph_comes_in_the_format_that_is_liked_best() {
    let server = start(ServerOptions::default()).await;
    for (accept, expected, start) in [
        ("*/*", "text/turtle; charset=utf-8", "@prefix e: <https://e/> .\ne:n0 e:n0 \": xxx\""),
        ("application/n-triples", "application/n-triples", "<https://e/n0> <https://e/n0> \": xxx\" ."),
        ("text/turtle;q=0.2, application/ld+json;q=0.3", "application/ld+json", "["),
        ("application/rdf+xml, text/csv", "application/rdf+xml", "<?xml"),
    ] {
        let response = get_as(&server, "/sparql?query=CONSTRUCT+2", accept).await;
        assert_eq!((response.status().as_u16(), content_type(&response)), (200, expected));
        assert_eq!(
            (header(response.headers(), "vary"), response.headers().contains_key("weft-report")),
            ("accept", true)
        );
        let body = response.text().await.unwrap();
        assert!(body.starts_with(start), "{body}");
        let head = send(&server, Method::HEAD, "/sparql?query=CONSTRUCT+2", &[("accept", accept)]).await;
        assert_eq!(content_type(&head), expected);
    }
    let refused = get_as(&server, "/sparql?query=CONSTRUCT+2", "text/csv").await;
    assert_eq!((refused.status(), server.queries.load(Ordering::SeqCst)), (http::StatusCode::NOT_ACCEPTABLE, 0));
    assert!(refused.text().await.unwrap().contains("offered are text/turtle, application/n-triples"));
    let refused = get_as(&server, "/sparql?query=yes", "text/turtle").await;
    assert_eq!(refused.status(), 406);
}

#[tokio::test]
async fn a_large_graph_is_streamed_and_may_be_left() {
    let server = start(ServerOptions::default()).await;
    let client = Client::new(&server.url, None).unwrap();
    for format in GraphFormat::ALL {
        let wanted = Wanted { results: Some(ResultFormat::Json), graph: Some(*format) };
        let answer = client.query("CONSTRUCT 20000", wanted).await.unwrap();
        assert!(answer.is_graph && answer.report.is_none());
        let pieces: Vec<_> = answer.body.map(|piece| piece.unwrap()).collect().await;
        let count = String::from_utf8(pieces.concat()).unwrap().matches(": xxx").count();
        assert_eq!(count, 20_000, "{format}");
    }
    assert!(!client.query("rows 1", Wanted { results: Some(ResultFormat::Json), graph: None }).await.unwrap().is_graph);
    settles("the end of all queries", || server.queries.load(Ordering::SeqCst) == 0).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /sparql?query=CONSTRUCT+900000000 HTTP/1.1\r\nHost: weft\r\n\r\n").await.unwrap();
    settles("the start", || server.queries.load(Ordering::SeqCst) == 1).await;
    drop(socket);
    settles("the end of the query", || server.queries.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn the_service_describes_itself() {
    let server = start(options()).await;
    let response = get_as(&server, "/sparql", "text/turtle").await;
    assert_eq!((response.status().as_u16(), content_type(&response)), (200, "text/turtle; charset=utf-8"));
    let text = response.text().await.unwrap();
    for expected in [
        &format!("<{}/sparql> a sd:Service", server.url),
        "sd:supportedLanguage sd:SPARQL11Query",
        "formats:SPARQL_Results_TSV",
        "formats:JSON-LD",
        "sd:name <urn:part>",
        "sd:name <urn:catalogue>",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert_eq!(text.matches("sd:NamedGraph").count(), 3, "{text}");
    let json = get_as(&server, "/sparql/", "application/ld+json").await;
    assert_eq!(content_type(&json), "application/ld+json");
    let head = send(&server, Method::HEAD, "/sparql", &[]).await;
    assert_eq!(content_type(&head), "text/turtle; charset=utf-8");
    assert_eq!(head.text().await.unwrap(), "");
    assert_eq!(get_as(&server, "/sparql", "text/csv").await.status(), 406);
    for path in ["/sparql?timeout=5", "/sparql?default-graph-uri=urn:x"] {
        assert_eq!(get_as(&server, path, "*/*").await.status(), 400, "{path}");
    }
    let hostile = send(&server, Method::GET, "/sparql", &[("host", "x> <y")]).await;
    assert_eq!(hostile.status(), 400);
    let url = "https://weft.example/mesh/".parse().unwrap();
    let behind = start(ServerOptions { public_url: Some(url), ..options() }).await;
    let text = get_as(&behind, "/sparql", "*/*").await.text().await.unwrap();
    assert!(text.contains("<https://weft.example/mesh/sparql> a sd:Service"), "{text}");
}

#[tokio::test]
async fn void_tells_of_sources_what_the_catalogue_knows() {
    let server = start(options()).await;
    let response = get_as(&server, "/.well-known/void", "*/*").await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    for expected in [
        "a void:DatasetDescription",
        "void:subset <http://127.0.0.1/graphs/erp>",
        "dcterms:title \"SELECT ?s ?p ?o WHERE { GRAPH <urn:catalogue> { ?s ?p ?o } }\"",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains("subset <urn:part>"), "{text}");
    let head = send(&server, Method::HEAD, "/.well-known/void", &[("accept", "application/rdf+xml")]).await;
    assert_eq!(content_type(&head), "application/rdf+xml");
    assert_eq!(send(&server, Method::POST, "/.well-known/void", &[]).await.status(), 405);
    let without = start(ServerOptions::default()).await;
    assert!(get_as(&without, "/.well-known/void", "*/*").await.text().await.unwrap().contains("void:sparqlEndpoint"));
}

#[tokio::test]
async fn graphs_are_read_by_name_and_never_written() {
    let server = start(options()).await;
    for (path, pattern) in [
        ("/graphs?graph=urn%3Apart", "GRAPH <urn:part> { ?s ?p ?o }"),
        ("/graphs/?graph=urn:catalogue", "GRAPH <urn:catalogue> { ?s ?p ?o }"),
        ("/graphs?default", "WHERE { ?s ?p ?o }"),
        // Nobody named it before, and there are statements in it.
        ("/graphs?graph=urn:column", "GRAPH <urn:column> { ?s ?p ?o }"),
    ] {
        let response = get_as(&server, path, "application/n-triples").await;
        assert_eq!((response.status().as_u16(), content_type(&response)), (200, "application/n-triples"), "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(pattern), "{text}");
        let head = send(&server, Method::HEAD, path, &[]).await;
        assert_eq!((head.status().as_u16(), content_type(&head)), (200, "text/turtle; charset=utf-8"));
    }
    for (path, status) in [
        ("/graphs", 400),
        ("/graphs?graph=part", 400),
        ("/graphs?graph=urn:part&default", 400),
        ("/graphs?graph=urn:absent", 404),
        ("/graphs/absent", 404),
    ] {
        assert_eq!(get_as(&server, path, "*/*").await.status(), status, "{path}");
        assert_eq!(send(&server, Method::HEAD, path, &[]).await.status(), status, "{path}");
    }
    assert_eq!(get_as(&server, "/graphs?default", "text/csv").await.status(), 406);
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
        let refused = send(&server, method, "/graphs?graph=urn:part", &[]).await;
        assert_eq!((refused.status().as_u16(), header(refused.headers(), "allow")), (405, "GET, HEAD, OPTIONS"));
        let problem: serde_json::Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&405.into(), &"method-not-allowed".into()));
    }
}

/// Section 4.1: the IRI of the request is that of the graph.
#[tokio::test]
async fn a_graph_may_be_named_by_the_address_of_the_request() {
    let server = start(ServerOptions { public_url: Some("http://127.0.0.1/".parse().unwrap()), ..options() }).await;
    let text = get_as(&server, "/graphs/erp", "*/*").await.text().await.unwrap();
    assert!(text.contains("GRAPH <http://127.0.0.1/graphs/erp> { ?s ?p ?o }"), "{text}");
}

#[tokio::test]
async fn pages_of_other_origins_read_only_what_the_configuration_allows() {
    let origin = "https://app.example";
    let asked = [("origin", origin)];
    let preflight = [("origin", origin), ("access-control-request-method", "POST")];
    let server = start(ServerOptions::default()).await;
    for headers in [&asked[..], &preflight] {
        let response = send(&server, Method::OPTIONS, "/sparql", headers).await;
        assert_eq!(response.status(), 204);
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }
    let cors_origins = vec!["http://localhost:3000".to_owned(), origin.to_owned()];
    let server = start(ServerOptions { cors_origins, ..ServerOptions::default() }).await;
    let response = send(&server, Method::OPTIONS, "/sparql", &preflight).await;
    let headers = response.headers();
    assert_eq!((response.status().as_u16(), header(headers, "access-control-allow-origin")), (204, origin));
    assert_eq!(header(headers, "access-control-allow-methods"), "GET, HEAD, POST, OPTIONS");
    assert_eq!(header(headers, "access-control-allow-headers"), "accept, content-type, traceparent");
    assert_eq!((header(headers, "access-control-max-age"), header(headers, "vary")), ("600", "origin"));
    for path in ["/sparql?query=yes", "/sparql?query=fail", "/nowhere"] {
        let response = send(&server, Method::GET, path, &asked).await;
        assert_eq!(header(response.headers(), "access-control-allow-origin"), origin, "{path}");
        assert!(header(response.headers(), "access-control-expose-headers").starts_with("weft-report, "));
    }
    for other in ["https://app.example.evil", "null", "https://APP.example"] {
        let response = send(&server, Method::GET, "/sparql?query=yes", &[("origin", other)]).await;
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{other}");
        assert!(response.headers().get_all("vary").iter().any(|value| value == "origin"), "{other}");
    }
    let any = start(ServerOptions { cors_origins: vec!["*".into()], ..ServerOptions::default() }).await;
    let response = send(&any, Method::GET, "/sparql?query=yes", &[("origin", "null")]).await;
    assert_eq!(header(response.headers(), "access-control-allow-origin"), "*");
}
