#![allow(clippy::unwrap_used)]
use super::*;
use http::Request;

async fn read(request: Request<&'static str>) -> Result<QueryCall, Problem> {
    let (parts, body) = request.into_parts();
    let options = ServerOptions { query_bytes: 100, ..ServerOptions::default() };
    read_query(&parts, Body::from(body), &options).await
}

fn get(query: &str) -> Request<&'static str> {
    Request::get(format!("/sparql?{query}")).body("").unwrap()
}

fn post(content_type: &str, body: &'static str) -> Request<&'static str> {
    Request::post("/sparql").header(CONTENT_TYPE, content_type).body(body).unwrap()
}

#[tokio::test]
async fn the_three_ways_say_the_same() {
    let form = "application/x-www-form-urlencoded";
    let asked = "ASK%20%7B+%3Fs+%3Fp+%22%C3%A9%22+%7D";
    let expected = "ASK { ?s ?p \"é\" }";
    assert_eq!(read(get(&format!("query={asked}"))).await.unwrap().text, expected);
    assert_eq!(read(post(form, "query=ASK%20%7B+%3Fs+%3Fp+%22%C3%A9%22+%7D")).await.unwrap().text, expected);
    assert_eq!(
        read(post("application/sparql-query; charset=UTF-8", "ASK { ?s ?p \"é\" }")).await.unwrap().text,
        expected
    );
    let call =
        read(get("default-graph-uri=urn:a&query=ASK%7B%7D&named-graph-uri=urn:b&named-graph-uri=urn:c&timeout=2&x=y"))
            .await
            .unwrap();
    assert_eq!((call.default_graphs, call.named_graphs), (vec!["urn:a".into()], vec!["urn:b".into(), "urn:c".into()]));
    assert_eq!(call.timeout, Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn what_breaks_the_protocol_is_named() {
    let form = "application/x-www-form-urlencoded";
    for (request, code, message) in [
        (get(""), Code::InvalidRequest, "the request has no query"),
        (get("query=a&query=b"), Code::InvalidRequest, "more than one query"),
        (get("query=%FF"), Code::InvalidRequest, "parameter query is not UTF-8"),
        (
            get("query=a&default-graph-uri=here"),
            Code::InvalidRequest,
            "default-graph-uri: \"here\" is not an absolute IRI",
        ),
        (get("query=a&named-graph-uri="), Code::InvalidRequest, "named-graph-uri: \"\" is not an absolute IRI"),
        (get("query=a&named-graph-uri=urn:a%20b"), Code::InvalidRequest, "is not an absolute IRI"),
        (get("default-graph-uri=urn:x"), Code::InvalidRequest, "the request has no query"),
        (get("query=a&timeout=soon"), Code::InvalidRequest, "parameter timeout: \"soon\" is not a duration"),
        (get("query=a&timeout=0"), Code::InvalidRequest, "parameter timeout"),
        (get("query=a&explain=analyze"), Code::InvalidRequest, "parameter explain is for /explain"),
        (get("query=a&explain=run"), Code::InvalidRequest, "\"run\" is neither \"plan\" nor \"analyze\""),
        (get("update=DROP+ALL"), Code::ReadOnly, "answers queries only"),
        (post(form, "update=DROP+ALL"), Code::ReadOnly, "answers queries only"),
        (post("application/sparql-update", "DROP ALL"), Code::ReadOnly, "answers queries only"),
        (post("text/plain", "ASK {}"), Code::UnsupportedMediaType, "not \"text/plain\""),
        (post("application/sparql-query;charset=latin1", "ASK {}"), Code::UnsupportedMediaType, "charset \"latin1\""),
        (get(&format!("query={}", "a".repeat(101))), Code::QueryTooLarge, "more than 100 bytes (limits.query_bytes)"),
        (post("application/sparql-query", LONG), Code::QueryTooLarge, "more than 100 bytes"),
        (post(form, LONG), Code::QueryTooLarge, "more than 100 bytes"),
    ] {
        let problem = read(request).await.unwrap_err();
        assert!(problem.code == code && problem.message.contains(message), "{problem:?}, not {message}");
    }
}

const LONG: &str = match std::str::from_utf8(&[b'x'; 400]) {
    Ok(text) => text,
    Err(_) => "",
};

#[tokio::test]
async fn a_query_is_run_for_its_explanation_only_where_that_is_asked_for() {
    let read = async |request: Request<&'static str>| {
        let (parts, body) = request.into_parts();
        read_explained(&parts, Body::from(body), &ServerOptions::default()).await.unwrap().analyze
    };
    assert!(!read(get("query=a")).await);
    assert!(!read(get("query=a&explain=plan")).await);
    assert!(read(get("query=a&explain=analyze")).await);
    assert!(read(post("application/x-www-form-urlencoded", "explain=analyze&query=a")).await);
}

#[tokio::test]
async fn the_timeout_is_bounded_by_the_configured_one() {
    assert_eq!(read(get("query=a&timeout=7d")).await.unwrap().timeout, Some(Duration::from_secs(30)));
    assert_eq!(read(get("query=a")).await.unwrap().timeout, Some(Duration::from_secs(30)));
}

#[test]
fn only_a_valid_trace_context_is_taken() {
    let read = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", value.parse().unwrap());
        read_traceparent(&headers)
    };
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(read(good).as_deref(), Some(good));
    for bad in [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
}

#[test]
fn a_graph_is_named_once_and_by_an_absolute_iri() {
    let read = |query: &str| {
        let (parts, _) = get(query).into_parts();
        read_graph_name(&parts).map_err(|problem| problem.message)
    };
    let named = |iri: &str| Ok(Some(GraphName::Named(NamedNode::new(iri).unwrap())));
    assert_eq!(read(""), Ok(None));
    assert_eq!(read("default"), Ok(Some(GraphName::Default)));
    assert_eq!(read("default="), Ok(Some(GraphName::Default)));
    assert_eq!(read("graph=urn%3Aa"), named("urn:a"));
    assert_eq!(read("graph=https://e/%C3%A9%23x"), named("https://e/é#x"));
    for (query, message) in [
        ("default=yes", "parameter default has no value"),
        ("graph=x", "is not an absolute IRI"),
        ("graph=urn:a%3E%20%7B", "is not an absolute IRI"),
        ("graph=urn:a&default", "more than one graph"),
        ("graph=urn:a&graph=urn:b", "more than one graph"),
        ("graf=urn:a", "\"graf\" is not known"),
        ("graph=%FF", "is not UTF-8"),
    ] {
        let problem = read(query).unwrap_err();
        assert!(problem.contains(message), "{query}: {problem}");
    }
}

#[tokio::test]
async fn a_view_is_asked_for_by_parameters() {
    let call =
        read(get("query=ASK%7B%7D&thread=true&as-of=2026-03-01&valid-at=2017-08-01T12%3A00%3A00Z")).await.unwrap();
    assert_eq!(call.view.thread, Some(true));
    assert_eq!(call.view.time.as_of.as_deref(), Some("2026-03-01"));
    assert_eq!(call.view.time.valid_at.as_deref(), Some("2017-08-01T12:00:00Z"));
    let call = read(get("query=ASK%7B%7D&view=audit&thread=false")).await.unwrap();
    assert_eq!((call.view.name.as_deref(), call.view.thread), (Some("audit"), Some(false)));
    assert_eq!(read(get("query=ASK%7B%7D")).await.unwrap().view, AskedView::default());
    for (query, message) in [
        ("query=a&thread=yes", "parameter thread: \"yes\" is neither \"true\" nor \"false\""),
        ("query=a&view=b&view=c", "the request has more than one parameter view"),
        ("query=a&as-of=%FF", "parameter as-of is not UTF-8"),
    ] {
        let problem = read(get(query)).await.unwrap_err();
        assert_eq!((problem.code, problem.message.as_str()), (Code::InvalidRequest, message));
    }
}
