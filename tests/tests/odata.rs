//! The OData connector in the sandbox: against a scripted server for what services do at the edges, and against SAP CAP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use futures::StreamExt;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;
use weft_connector::{Connector, ScanEvent};
use weft_model::contract::{
    Capability, CheckOutcome, ColumnRef, CompareOperator, ContractError, DataType, Description, End, Expression, Field,
    FilterOperation, JoinKind, KeyBlock, Outcome, Read, Relation, ScanRequest, SortKey, TextOperator, Value,
};
use weft_model::{Code, Retry};
use weft_tests::arbitrary::array;
use weft_tests::guests::{call_within, install_guest};
use weft_tests::http_server::{HttpServer, Received, Reply};
use weft_wasm::{Grants, GuestLimits, HttpGrant, InstalledComponent, Sandbox, SandboxLimits, WasmConnector};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(SandboxLimits::default()).unwrap());

async fn odata(url: &str, extra: &Json) -> WasmConnector {
    static COMPONENT: tokio::sync::OnceCell<InstalledComponent> = tokio::sync::OnceCell::const_new();
    let component = COMPONENT.get_or_init(|| async { install_guest(&SANDBOX, "odata").await.unwrap() }).await.clone();
    let mut config = json!({"url": url});
    for (key, value) in extra.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let grant = HttpGrant { allow: vec![url.to_owned()], allow_private: true, ..HttpGrant::default() };
    let grants = Grants { http: Some(grant) };
    WasmConnector::new("plm", component, config.to_string(), &grants, GuestLimits::default()).unwrap()
}

const METADATA: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="S" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="Part"><Key><PropertyRef Name="id"/></Key>
 <Property Name="id" Type="Edm.String" Nullable="false"/><Property Name="mass" Type="Edm.Decimal" Precision="9" Scale="3"/>
 <Property Name="count" Type="Edm.Int32"/><Property Name="owner_id" Type="Edm.Int32"/>
 <NavigationProperty Name="owner" Type="S.Owner"><ReferentialConstraint Property="owner_id" ReferencedProperty="id"/></NavigationProperty>
</EntityType>
<EntityType Name="Owner"><Key><PropertyRef Name="id"/></Key>
 <Property Name="id" Type="Edm.Int32" Nullable="false"/><Property Name="name" Type="Edm.String"/></EntityType>
<EntityContainer Name="C">
 <EntitySet Name="Parts" EntityType="S.Part"><NavigationPropertyBinding Path="owner" Target="Owners"/></EntitySet>
 <EntitySet Name="Owners" EntityType="S.Owner"/><EntitySet Name="Secrets" EntityType="S.Owner"/>
 <EntitySet Name="Empty" EntityType="S.Owner"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;

/// A service that answers every entity set by a function of the request.
async fn service(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> HttpServer {
    HttpServer::start(move |request| match request.target.as_str() {
        "/odata/$metadata" => Reply::new(200, "application/xml", METADATA),
        _ => answer(request),
    })
    .await
    .unwrap()
}

fn field(description: &Description, table: &str, column: &str) -> Field {
    let table = description.tables.iter().find(|t| t.name == table).unwrap();
    let column = table.column(column).unwrap();
    Field {
        name: column.name.clone(),
        data_type: column.data_type,
        nullable: column.nullable,
        native_type: column.native_type.clone(),
    }
}

fn read(description: &Description, table: &str, alias: &str, columns: &[&str]) -> Read {
    Read {
        table: table.to_owned(),
        alias: alias.to_owned(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        schema: columns.iter().map(|c| field(description, table, c)).collect(),
        filter: None,
        keys: None,
        limit: None,
    }
}

fn keys(read: &Read, column: &str, values: Vec<Value>) -> KeyBlock {
    let field = read.schema.iter().find(|f| f.name == column).unwrap();
    let arrow = arrow_schema::Field::new(column, field.data_type.to_arrow(), false);
    let values = array(field.data_type, values.into_iter().map(Some).collect());
    let schema = arrow_schema::Schema::new(vec![arrow]);
    KeyBlock { columns: vec![column.to_owned()], keys: RecordBatch::try_new(schema.into(), vec![values]).unwrap() }
}

fn column(name: &str) -> Box<Expression> {
    Box::new(Expression::Column(ColumnRef::bare(name)))
}

fn compare(name: &str, operator: CompareOperator, value: Value) -> Expression {
    Expression::Compare { operator, left: column(name), right: Box::new(Expression::Literal(value)) }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

async fn describe(connector: &WasmConnector) -> Description {
    connector.describe(&call_within(Duration::from_secs(20))).await.unwrap()
}

async fn scan(connector: &WasmConnector, relation: Relation) -> Result<(Vec<RecordBatch>, End), ContractError> {
    run(connector, relation, false).await
}

async fn run(
    connector: &WasmConnector,
    relation: Relation,
    explain: bool,
) -> Result<(Vec<RecordBatch>, End), ContractError> {
    let request = ScanRequest { id: "t".to_owned(), relation, batch_rows: 500, batch_bytes: 1 << 20, explain };
    let mut stream = connector.scan(&call_within(Duration::from_secs(20)), request).await?;
    let mut batches = Vec::new();
    while let Some(event) = stream.next().await {
        match event? {
            ScanEvent::Batch(batch) => batches.push(batch),
            ScanEvent::End(end) => return Ok((batches, end)),
        }
    }
    panic!("no end");
}

/// The texts of a column over all batches.
fn texts(batches: &[RecordBatch], index: usize) -> Vec<Option<String>> {
    batches.iter().flat_map(|b| b.column(index).as_string_view().iter().map(|v| v.map(str::to_owned))).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|t| Some((*t).to_owned())).collect()
}

#[tokio::test]
async fn metadata_becomes_tables() {
    let server = service(|_| Reply::new(200, "text/plain", "41")).await;
    let connector = odata(&server.url("/odata/"), &json!({"statistics": true, "tables": ["Parts", "Owners"]})).await;
    let description = describe(&connector).await;
    let names: Vec<_> = description.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["Parts", "Owners"]);
    let parts = &description.tables[0];
    assert_eq!(parts.keys, [["id"]]);
    assert_eq!(parts.rows.map(|s| s.count), Some(41));
    assert_eq!(parts.foreign_keys[0].name, "owner");
    assert_eq!(parts.column("mass").unwrap().data_type, DataType::Decimal { precision: 9, scale: 3 });
    let id = parts.column("id").unwrap();
    assert!(!id.nullable && !id.sortable, "text is not sorted by code point for sure");
    assert_eq!(parts.filter_capability(FilterOperation::Equal, id), Capability::Exact);
    assert_eq!(parts.filter_capability(FilterOperation::Range, id), Capability::None);
    assert_eq!(parts.filter_capability(FilterOperation::Range, parts.column("mass").unwrap()), Capability::Exact);
    let error = odata(&server.url("/odata/"), &json!({"tables": ["Prats"]})).await;
    let error = error.describe(&call_within(Duration::from_secs(20))).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidConfig);
    assert!(error.message.contains("Prats"), "{error:?}");
    let unknown = odata(&server.url("/odata/"), &json!({"pagesize": 1})).await;
    let error = unknown.describe(&call_within(Duration::from_secs(20))).await.unwrap_err();
    assert!(error.code == Code::InvalidConfig && error.message.contains("pagesize"), "{error:?}");
}

#[tokio::test]
async fn pages_are_followed_and_requests_counted() {
    let server = service(|request| match request.target.as_str() {
        t if t.contains("skiptoken=2") => Reply::json(r#"{"value":[{"id":"c"}]}"#),
        t if t.contains("skiptoken=1") => Reply::json(r#"{"value":[],"@odata.nextLink":"/odata/Parts?$skiptoken=2"}"#),
        _ => Reply::json(r#"{"value":[{"id":"a"},{"id":"b"}],"@odata.nextLink":"Parts?$skiptoken=1"}"#),
    })
    .await;
    let connector = odata(&server.url("/odata"), &json!({"page_size": 2})).await;
    let description = describe(&connector).await;
    let plain = read(&description, "Parts", "", &["id"]);
    let (batches, end) = scan(&connector, Relation::Read(plain.clone())).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["a", "b", "c"]));
    assert_eq!((end.rows, &end.outcome), (3, &Outcome::Complete));
    let root = server.url("/odata/");
    let sent = ["Parts?$select=id", "Parts?$skiptoken=1", "Parts?$skiptoken=2"].map(|t| format!("GET {root}{t}"));
    assert_eq!(end.statements, sent);
    assert!(server.received().iter().any(|r| r.header("prefer") == Some("odata.maxpagesize=2")));
    // What is enough ends the scan: the third page is never asked for.
    let limited = Read { limit: Some(2), ..plain };
    let (batches, end) = scan(&connector, Relation::Read(limited)).await.unwrap();
    assert_eq!((texts(&batches, 0).len(), end.statements.len()), (2, 1));
    assert!(end.statements[0].ends_with("Parts?$select=id&$top=2"), "{:?}", end.statements);
}

#[tokio::test]
async fn links_that_leave_the_service_or_go_in_circles_are_errors() {
    for (link, expected) in [
        ("http://evil.example/odata/Parts", Code::InvalidData),
        ("/other/Parts", Code::InvalidData),
        ("../secret", Code::InvalidData),
        ("Parts?$select=id", Code::InvalidData),
        ("Parts?$skiptoken=x", Code::InvalidData),
    ] {
        let body = json!({"value": [{"id": "a"}], "@odata.nextLink": link}).to_string();
        let server = service(move |_| Reply::json(body.clone())).await;
        let connector = odata(&server.url("/odata/"), &json!({"max_pages": 3})).await;
        let description = describe(&connector).await;
        let error = scan(&connector, Relation::Read(read(&description, "Parts", "", &["id"]))).await.unwrap_err();
        assert_eq!(error.code, expected, "{link}: {error:?}");
    }
    let server = service(|r| {
        let n = r.target.len();
        Reply::json(json!({"value": [], "@odata.nextLink": format!("Parts?$skiptoken={}", "x".repeat(n))}).to_string())
    })
    .await;
    let connector = odata(&server.url("/odata/"), &json!({"max_pages": 3})).await;
    let description = describe(&connector).await;
    let error = scan(&connector, Relation::Read(read(&description, "Parts", "", &["id"]))).await.unwrap_err();
    assert!(error.code == Code::LimitExceeded && error.message.contains("max_pages"), "{error:?}");
}

#[tokio::test]
async fn values_are_escaped_and_rows_checked_again() {
    // A service that compares text without regard to case, and knows nothing of apostrophes it was not told of.
    let server = service(|_| Reply::json(r#"{"value":[{"id":"it's & more"},{"id":"IT'S & MORE"}]}"#)).await;
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let description = describe(&connector).await;
    let filter = compare("id", CompareOperator::Equal, text("it's & more"));
    let filtered = Read { filter: Some(filter), limit: Some(1), ..read(&description, "Parts", "", &["id"]) };
    let (batches, end) = scan(&connector, Relation::Read(filtered)).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["it's & more"]));
    let filter = "$filter=id%20eq%20%27it%27%27s%20%26%20more%27";
    assert!(end.statements[0].ends_with(filter), "no $top over a filter that may let others through: {end:?}");
}

#[tokio::test]
async fn key_blocks_are_split_by_length_and_answered_without_duplicates() {
    let server = service(|request| {
        // Answers with every key of the request in both cases: a service with a loose collation.
        let asked = request.target.split("%27").skip(1).step_by(2);
        let ids: BTreeSet<String> = asked.flat_map(|id| [id.to_lowercase(), id.to_uppercase()]).collect();
        let rows: Vec<Json> = ids.into_iter().map(|id| json!({"id": id})).collect();
        Reply::json(json!({"value": rows}).to_string())
    })
    .await;
    let wanted: Vec<String> = (0..200).map(|i| format!("key-{i:03}")).chain(["KEY-000".to_owned()]).collect();
    for (in_operator, most) in [(true, 5), (false, 12)] {
        let extra = json!({"max_url_bytes": 1_000, "in_operator": in_operator});
        let connector = odata(&server.url("/odata/"), &extra).await;
        let description = describe(&connector).await;
        let plain = read(&description, "Parts", "", &["id"]);
        let block = keys(&plain, "id", wanted.iter().map(|k| text(k)).collect());
        let (batches, end) = scan(&connector, Relation::Read(Read { keys: Some(block), ..plain })).await.unwrap();
        let mut found: Vec<String> = texts(&batches, 0).into_iter().flatten().collect();
        found.sort();
        let mut expected = wanted.clone();
        expected.sort();
        assert_eq!(found, expected);
        assert!((2..=most).contains(&end.statements.len()), "{} requests", end.statements.len());
        assert!(end.statements.iter().all(|s| s.len() <= 1_004), "{:?}", end.statements);
    }
    // Nothing to ask for, nothing asked.
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let description = describe(&connector).await;
    let plain = read(&description, "Owners", "", &["id"]);
    let block = keys(&plain, "id", vec![Value::Int64(1 << 40)]);
    let (batches, end) = scan(&connector, Relation::Read(Read { keys: Some(block), ..plain })).await.unwrap();
    assert_eq!((batches.len(), end.statements.len()), (0, 0));
}

#[tokio::test]
async fn what_is_not_as_declared_is_invalid_data() {
    for (row, problem) in [
        (json!({"id": "a", "mass": "heavy", "count": 1}), "property mass: \"heavy\" is not of type Edm.Decimal"),
        (json!({"id": "a", "mass": 0.0001, "count": 1}), "property mass"),
        (json!({"id": "a", "mass": null, "count": 1.5}), "property count: 1.5 is not of type Edm.Int32"),
        (json!({"id": null, "mass": null, "count": 1}), "property id: null"),
        (json!({"id": 7, "mass": null, "count": 1}), "property id: 7"),
        (json!({"id": "a", "mass": null}), "leaves out property count"),
    ] {
        let body = json!({"value": [row]}).to_string();
        let server = service(move |_| Reply::json(body.clone())).await;
        let connector = odata(&server.url("/odata/"), &json!({})).await;
        let description = describe(&connector).await;
        let plain = read(&description, "Parts", "", &["id", "mass", "count"]);
        let error = scan(&connector, Relation::Read(plain)).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidData, "{error:?}");
        assert!(error.message.contains("entity set Parts") && error.message.contains(problem), "{error:?}");
    }
    let server = service(|_| Reply::new(200, "text/html", "<html>log in</html>")).await;
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let description = describe(&connector).await;
    let error = scan(&connector, Relation::Read(read(&description, "Parts", "", &["id"]))).await.unwrap_err();
    assert!(error.code == Code::InvalidData && error.message.contains("not a page"), "{error:?}");
}

#[tokio::test]
async fn statuses_become_codes_and_the_service_is_quoted() {
    for (status, code, retry) in [
        (400, Code::SourceFailed, Retry::Never),
        (401, Code::Unauthenticated, Retry::Never),
        (403, Code::PermissionDenied, Retry::Never),
        (404, Code::SchemaChanged, Retry::Replan),
        (429, Code::RateLimited, Retry::AfterMillis(7_000)),
        (500, Code::SourceFailed, Retry::AfterMillis(1_000)),
        (503, Code::SourceUnavailable, Retry::AfterMillis(7_000)),
    ] {
        let server = service(move |_| {
            let body = r#"{"error":{"code":"E17","message":"the disk is on fire"}}"#;
            Reply::new(status, "application/json", body).with_header("retry-after", "7")
        })
        .await;
        let connector = odata(&server.url("/odata/"), &json!({})).await;
        let description = describe(&connector).await;
        let error = scan(&connector, Relation::Read(read(&description, "Parts", "", &["id"]))).await.unwrap_err();
        assert_eq!((error.code, error.retry), (code, retry), "{status}: {error:?}");
        let quoted = format!("(status {status}): E17 the disk is on fire");
        assert!(error.message.contains("Parts") && error.message.contains(&quoted), "{error:?}");
    }
}

#[tokio::test]
async fn a_check_tells_no_rows_from_no_permission() {
    let server = service(|request| match request.target.split('?').next().unwrap_or_default() {
        "/odata/Secrets" => Reply::new(403, "application/json", "{}"),
        "/odata/Empty" => Reply::json(r#"{"value":[]}"#),
        "/odata/Owners" => Reply::json(r#"{"value":[{"id":1,"name":null}]}"#),
        _ => Reply::json(r#"{"value":[{"id":true}]}"#),
    })
    .await;
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let check = connector.check(&call_within(Duration::from_secs(20)), &[]).await.unwrap();
    let outcome = |name: &str| check.tables.iter().find(|(table, _)| table == name).map(|(_, o)| o.clone()).unwrap();
    assert!(check.system.contains("OData 4.0"), "{}", check.system);
    assert_eq!(outcome("Owners"), CheckOutcome::Row(vec![Some(Value::Int64(1)), None]));
    assert_eq!(outcome("Empty"), CheckOutcome::Empty);
    assert!(matches!(outcome("Secrets"), CheckOutcome::Denied(_)));
    assert!(matches!(outcome("Parts"), CheckOutcome::Failed(_)));
}

fn join(left: Read, right: Read, kind: JoinKind, on: (&str, &str)) -> Relation {
    let pair = (ColumnRef::new(&left.alias, on.0), ColumnRef::new(&right.alias, on.1));
    Relation::Join {
        left: Box::new(Relation::Read(left)),
        right: Box::new(Relation::Read(right)),
        kind,
        on: vec![pair],
    }
}

#[tokio::test]
async fn a_foreign_key_is_followed_in_one_request_or_joined_here() {
    let server = service(|request| match request.target.split('?').next().unwrap_or_default() {
        "/odata/Parts" => Reply::json(
            r#"{"value":[{"id":"a","owner_id":1,"owner":{"id":1,"name":"Ann"}},
                {"id":"b","owner_id":2,"owner":{"id":2,"name":"ann"}},
                {"id":"c","owner_id":null,"owner":null},{"id":"d","owner_id":1,"owner":{"id":1,"name":"Ann"}}]}"#,
        ),
        _ => Reply::json(r#"{"value":[{"id":1,"name":"Ann"},{"id":2,"name":"ann"},{"id":3,"name":"Bob"}]}"#),
    })
    .await;
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let description = describe(&connector).await;
    let parts = || read(&description, "Parts", "p", &["id", "owner_id"]);
    let owners = || read(&description, "Owners", "o", &["id", "name"]);
    let ann = || Some(compare("name", CompareOperator::Equal, text("Ann")));

    let inner = join(parts(), Read { filter: ann(), ..owners() }, JoinKind::Inner, ("owner_id", "id"));
    let (batches, end) = scan(&connector, inner).await.unwrap();
    assert_eq!((texts(&batches, 0), texts(&batches, 3)), (some(&["a", "d"]), some(&["Ann", "Ann"])));
    let sent = "Parts?$select=id,owner_id&$expand=owner($select=id,name)&$filter=owner/name%20eq%20%27Ann%27";
    assert_eq!(end.statements, [format!("GET {}", server.url(&format!("/odata/{sent}")))]);

    let left = join(parts(), Read { filter: ann(), ..owners() }, JoinKind::Left, ("owner_id", "id"));
    let (batches, end) = scan(&connector, left).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["a", "b", "c", "d"]));
    let ann_or_none = [Some("Ann".to_owned()), None, None, Some("Ann".to_owned())];
    assert_eq!(texts(&batches, 3), ann_or_none);
    assert_eq!(end.statements.len(), 1);
    assert!(!end.statements[0].contains("filter"), "{end:?}");

    // The parent on the left: inner expands all the same, left outer is joined here.
    let reversed = join(owners(), parts(), JoinKind::Inner, ("id", "owner_id"));
    let (batches, end) = scan(&connector, reversed).await.unwrap();
    assert_eq!((texts(&batches, 1), texts(&batches, 2)), (some(&["Ann", "ann", "Ann"]), some(&["a", "b", "d"])));
    assert_eq!(end.statements.len(), 1);
    let outer = join(owners(), parts(), JoinKind::Left, ("id", "owner_id"));
    let (batches, end) = scan(&connector, outer.clone()).await.unwrap();
    assert_eq!(texts(&batches, 1), some(&["Ann", "Ann", "ann", "Bob"]));
    assert_eq!(texts(&batches, 2), [some(&["a", "d", "b"]), vec![None]].concat());
    assert_eq!(end.statements.len(), 2);
    let (_, explained) = run(&connector, outer, true).await.unwrap();
    assert_eq!(explained.statements, end.statements);

    let strict = odata(&server.url("/odata/"), &json!({"max_join_rows": 3})).await;
    let outer = join(owners(), parts(), JoinKind::Left, ("id", "owner_id"));
    let error = scan(&strict, outer).await.unwrap_err();
    assert!(error.code == Code::LimitExceeded && error.message.contains("max_join_rows"), "{error:?}");
}

#[tokio::test]
async fn order_and_limit_are_the_services_or_made_here() {
    let server =
        service(|_| Reply::json(r#"{"value":[{"id":"b","count":2},{"id":"C","count":null},{"id":"a","count":1}]}"#))
            .await;
    let connector = odata(&server.url("/odata/"), &json!({})).await;
    let description = describe(&connector).await;
    let top = |name: &str, descending, nulls_first| Relation::Limit {
        input: Box::new(Relation::Sort {
            input: Box::new(Relation::Read(read(&description, "Parts", "", &["id", "count"]))),
            keys: vec![SortKey { column: ColumnRef::bare(name), descending, nulls_first }],
        }),
        offset: 1,
        count: Some(2),
    };
    let (_, explained) = run(&connector, top("count", true, false), true).await.unwrap();
    assert!(explained.statements[0].ends_with("$orderby=count%20desc&$top=3"), "{explained:?}");
    // Nulls at the other end, and text, are sorted here.
    let (batches, end) = scan(&connector, top("count", false, false)).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["b", "C"]));
    assert!(!end.statements[0].contains("$orderby") && !end.statements[0].contains("$top"), "{end:?}");
    let (batches, _) = scan(&connector, top("id", false, false)).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["a", "b"]));
}

/// The real thing: SAP CAP with the PLM of the peers kit, on a port of its own.
struct Cap {
    folder: PathBuf,
    state: tempfile::TempDir,
    port: u16,
}

impl Cap {
    fn start() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join("shared");
        let shared = std::env::var_os("WEFT_SHARED").map_or(root, PathBuf::from);
        let folder = shared.join("peers");
        if !folder.join("peers").is_file() {
            println!("skipped: no peers kit in {}", folder.display());
            return None;
        }
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let cap = Self { folder, state: tempfile::tempdir().unwrap(), port };
        let up = cap.command("peers", &["up", "cap"]);
        assert!(up.status.success(), "cap is not up: {}", String::from_utf8_lossy(&up.stderr));
        Some(cap)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> std::process::Output {
        Command::new(self.folder.join(program))
            .args(arguments)
            .env("PEERS_STATE", self.state.path())
            .env("PEER_PORT", self.port.to_string())
            .output()
            .unwrap()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/odata/v4/plm/", self.port)
    }
}

impl Drop for Cap {
    fn drop(&mut self) {
        self.command("cap/peer", &["stop"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cap_answers_as_its_seed_says() {
    let Some(cap) = tokio::task::spawn_blocking(Cap::start).await.unwrap() else { return };
    let connector = odata(&cap.url(), &json!({"in_operator": true, "statistics": true})).await;
    let description = describe(&connector).await;
    let count = |name: &str| description.tables.iter().find(|t| t.name == name).unwrap().rows.unwrap().count;
    assert_eq!((count("Parts"), count("PartRevisions"), count("BomLines")), (322, 341, 483));
    let check = connector.check(&call_within(Duration::from_secs(20)), &[]).await.unwrap();
    assert_eq!(check.tables.len(), 7);
    assert!(check.tables.iter().all(|(_, outcome)| matches!(outcome, CheckOutcome::Row(_))), "{check:?}");

    // Every row, page by page.
    let revisions = read(&description, "PartRevisions", "", &["id", "part_number", "massKg", "effectiveFrom"]);
    let (batches, end) = scan(&connector, Relation::Read(revisions.clone())).await.unwrap();
    let ids: Vec<String> = texts(&batches, 0).into_iter().flatten().collect();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), end.rows), (341, 341, 341));
    assert!(end.statements.len() >= 4, "{:?}", end.statements);

    // Filters: the service and a filter over all rows agree, false and unknown told apart.
    let masses: Vec<Option<i128>> =
        batches.iter().flat_map(|b| b.column(2).as_primitive::<Decimal128Type>().iter()).collect();
    let heavy = compare("massKg", CompareOperator::Greater, Value::Decimal { unscaled: 1_500, scale: 3 });
    for (filter, expected) in [
        (heavy.clone(), masses.iter().filter(|m| m.is_some_and(|m| m > 1_500)).count()),
        (Expression::Not(Box::new(heavy.clone())), masses.iter().filter(|m| m.is_some_and(|m| m <= 1_500)).count()),
        (Expression::IsNull(column("massKg")), masses.iter().filter(|m| m.is_none()).count()),
        (
            Expression::Or(vec![heavy, Expression::IsNull(column("massKg"))]),
            masses.iter().filter(|m| m.is_none_or(|m| m > 1_500)).count(),
        ),
    ] {
        let filtered = Read { filter: Some(filter.clone()), ..revisions.clone() };
        let (_, end) = scan(&connector, Relation::Read(filtered)).await.unwrap();
        assert_eq!(end.rows, expected as u64, "{filter:?}: {:?}", end.statements);
    }
    let crada =
        Expression::Text { operator: TextOperator::StartsWith, input: column("id"), pattern: "CRADA-BOX/".into() };
    let filtered = Read { filter: Some(crada), ..revisions.clone() };
    let (batches, end) = scan(&connector, Relation::Read(filtered)).await.unwrap();
    let expected: Vec<&String> = ids.iter().filter(|id| id.starts_with("CRADA-BOX/")).collect();
    assert_eq!((texts(&batches, 0).len(), end.statements.len()), (expected.len(), 1));
    assert!(!expected.is_empty());

    // Keys with slashes, all of them, in few requests.
    let block = keys(&revisions, "id", ids.iter().map(|id| text(id)).collect());
    let (batches, end) =
        scan(&connector, Relation::Read(Read { keys: Some(block), ..revisions.clone() })).await.unwrap();
    let found: BTreeSet<String> = texts(&batches, 0).into_iter().flatten().collect();
    assert_eq!(found, ids.iter().cloned().collect());
    println!("341 keys in {} requests", end.statements.len());

    // An instant with seven digits, exactly and in a range.
    let changes = read(&description, "Changes", "", &["number", "createdAt"]);
    let at = Value::Timestamp(1_474_362_000_000_000);
    let filtered = Read { filter: Some(compare("createdAt", CompareOperator::Equal, at)), ..changes };
    let (batches, _) = scan(&connector, Relation::Read(filtered)).await.unwrap();
    assert_eq!(texts(&batches, 0), some(&["ECO-0001"]));

    // One request for a join along a foreign key.
    let lines = read(&description, "BomLines", "l", &["id", "child_id", "parent_id"]);
    let parents = read(&description, "PartRevisions", "r", &["id", "rev"]);
    let rev = compare("rev", CompareOperator::Equal, text("D"));
    let relation = join(lines, Read { filter: Some(rev), ..parents }, JoinKind::Inner, ("parent_id", "id"));
    let (batches, end) = scan(&connector, relation).await.unwrap();
    let children: BTreeSet<String> = batches
        .iter()
        .flat_map(|b| {
            let (children, parents) = (b.column(1).as_string_view(), b.column(3).as_string_view());
            children.iter().zip(parents).filter(|(_, p)| *p == Some("CRADA-ASM/D")).map(|(c, _)| c.unwrap().to_owned())
        })
        .collect();
    let expected = ["91274A118/A", "CRADA-BOX/D", "CRADA-COVER/B", "CRADA-PLATE/A", "GSK-2210/A"];
    assert_eq!(children, expected.map(str::to_owned).into());
    assert_eq!(end.statements.len(), 1, "{:?}", end.statements);

    // The service's order, and a limit it keeps.
    let sorted = Relation::Limit {
        input: Box::new(Relation::Sort {
            input: Box::new(Relation::Read(read(&description, "BomLines", "", &["id", "qty"]))),
            keys: vec![SortKey { column: ColumnRef::bare("id"), descending: true, nulls_first: false }],
        }),
        offset: 1,
        count: Some(3),
    };
    let (batches, end) = scan(&connector, sorted).await.unwrap();
    let found: Vec<i64> =
        batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(found.len(), 3);
    assert!(found.is_sorted_by(|a, b| a > b), "{found:?}");
    assert!(end.statements.len() == 1 && end.statements[0].contains("$top=4"), "{:?}", end.statements);
}
