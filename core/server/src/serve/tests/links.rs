//! Links over HTTP: who is let in, and what is handed on.
use super::*;
use crate::{AssertedLink, Decision, LinkAccess, LinkEndpoint, LinkQuery, LinkTokens};
use reqwest::{Client as Http, Method};
use serde_json::Value;

/// Tells what it was asked.
struct Echo;

#[async_trait]
impl LinkEndpoint for Echo {
    async fn list(&self, query: LinkQuery) -> Result<Value, Problem> {
        Ok(json!({ "asked": format!("{query:?}") }))
    }

    async fn explain(&self, id: &str) -> Result<Value, Problem> {
        match id {
            "absent" => Err(Problem::new(Code::NotFound, Fault::Caller, "no such link")),
            id => Ok(json!({ "explained": id })),
        }
    }

    async fn history(&self, id: &str) -> Result<Value, Problem> {
        Ok(json!({ "history": id }))
    }

    async fn assert(&self, author: &str, link: AssertedLink) -> Result<Value, Problem> {
        match link.subject.as_str() {
            "bad" => Err(Problem::new(Code::LinkRefused, Fault::Caller, "two names")),
            subject => Ok(json!({ "author": author, "subject": subject })),
        }
    }

    async fn decide(
        &self,
        author: &str,
        id: &str,
        decision: Decision,
        evidence: Option<String>,
    ) -> Result<Value, Problem> {
        Ok(json!({ "author": author, "id": id, "decision": format!("{decision:?}"), "evidence": evidence }))
    }
}

fn options(tokens: &[(&str, &str)]) -> ServerOptions {
    let mut known = LinkTokens::default();
    tokens.iter().for_each(|(name, secret)| known.add(name, secret));
    ServerOptions { links: Some(LinkAccess { endpoint: Arc::new(Echo), tokens: known }), ..ServerOptions::default() }
}

async fn ask(server: &Running, method: Method, path: &str, token: &str, body: &str) -> (u16, Value) {
    let mut request = Http::new().request(method, format!("{}{path}", server.url));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status == 401 {
        assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"links\"");
    }
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_that_is_known() {
    let none = start(ServerOptions::default()).await;
    let nobody = start(options(&[])).await;
    let ann = start(options(&[("ann", "s3cret")])).await;
    for (server, token) in [(&none, "s3cret"), (&nobody, "s3cret"), (&nobody, ""), (&ann, ""), (&ann, "s3cre")] {
        for (method, path) in [(Method::GET, "/links"), (Method::POST, "/links"), (Method::POST, "/links/1/confirm")] {
            let (status, problem) = ask(server, method.clone(), path, token, "").await;
            assert_eq!((status, problem["code"].as_str()), (401, Some("authentication-required")), "{method} {path}");
        }
    }
    assert_eq!(ask(&ann, Method::GET, "/links", "s3cret", "").await.0, 200);
}

#[tokio::test]
async fn what_is_asked_is_handed_on_with_the_name_of_who_asks() {
    let server = start(options(&[("ann", "s3cret"), ("bob", "b0b")])).await;
    let get = async |path: &str| ask(&server, Method::GET, path, "b0b", "").await;
    let (_, list) = get("/links?state=proposed&entity=https%3A%2F%2Fe%2Fa&after=7&limit=5").await;
    let asked = list["asked"].as_str().unwrap();
    assert!(asked.contains("state: Some(\"proposed\")") && asked.contains("entity: Some(\"https://e/a\")"), "{asked}");
    assert!(asked.contains("after: Some(7), limit: Some(5)"), "{asked}");
    assert_eq!(get("/links/12").await.1["explained"], "12");
    assert_eq!(get("/links/12/history").await.1["history"], "12");
    assert_eq!(get("/links/absent").await.0, 404);
    let post = async |path: &str, body: &str| ask(&server, Method::POST, path, "s3cret", body).await;
    let confirmed = post("/links/12/confirm", r#"{"evidence": "seen"}"#).await.1;
    assert_eq!(confirmed, json!({"author": "ann", "id": "12", "decision": "Confirm", "evidence": "seen"}));
    assert_eq!(post("/links/12/retire", "").await.1["decision"], "Retire");
    assert_eq!(post("/links", r#"{"subject": "a", "object": "b"}"#).await.1, json!({"author": "ann", "subject": "a"}));
    let (status, problem) = post("/links", r#"{"subject": "bad", "object": "b"}"#).await;
    assert_eq!(
        (status, problem["code"].as_str(), problem["detail"].as_str()),
        (422, Some("link-refused"), Some("two names"))
    );
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let server = start(options(&[("ann", "s3cret")])).await;
    for (method, path, body, status, message) in [
        (Method::GET, "/links?sate=proposed", "", 400, "parameter \"sate\" is not known"),
        (Method::GET, "/links?limit=many", "", 400, "is no such number"),
        (Method::GET, "/links?state=a&state=b", "", 400, "parameter state is there twice"),
        (Method::POST, "/links", "{", 400, "the body: "),
        (Method::POST, "/links", "{\"subject\": \"a\"}", 400, "missing field `object`"),
        (Method::POST, "/links/1/confirm", "{\"author\": \"eve\"}", 400, "unknown field `author`"),
        (Method::POST, "/links/1/forget", "", 404, "there is nothing at this path"),
        (Method::DELETE, "/links/1", "", 405, "allowed are GET, OPTIONS"),
        (Method::GET, "/links/1/confirm", "", 405, "allowed are POST, OPTIONS"),
    ] {
        let (found, problem) = ask(&server, method.clone(), path, "s3cret", body).await;
        assert_eq!(found, status, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(message), "{method} {path}: {problem}");
    }
    let large = format!("{{\"subject\": \"{}\", \"object\": \"b\"}}", "x".repeat(300_000));
    assert_eq!(ask(&server, Method::POST, "/links", "s3cret", &large).await.0, 400);
    let text = Http::new().post(format!("{}/links", server.url)).header("authorization", "Bearer s3cret").body("a=b");
    assert_eq!(text.send().await.unwrap().status().as_u16(), 415);
}
