#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The server on a free port, over generated data.
struct Service {
    root: String,
    client: reqwest::Client,
    _directory: TempDir,
}

impl Service {
    async fn start(page_size: u64) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        crate::generate(directory.path()).unwrap();
        let database = Database::open(&directory.path().join("data/plm.sqlite"), page_size).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}{ROOT}", listener.local_addr().unwrap());
        tokio::spawn(serve(database, listener, std::future::pending()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { root, client, _directory: directory }
    }

    async fn get(&self, request: &str) -> (u16, Value) {
        let url = if request.starts_with("http") { request.to_owned() } else { format!("{}{request}", self.root) };
        let response = self.client.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["OData-Version"], "4.0");
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn rows(&self, request: &str) -> Vec<Value> {
        let (status, body) = self.get(request).await;
        assert_eq!(status, 200, "{request}: {body}");
        body["value"].as_array().unwrap().clone()
    }

    async fn keys(&self, request: &str, property: &str) -> Vec<String> {
        let rows = self.rows(request).await;
        rows.iter().map(|row| row[property].as_str().unwrap_or("null").to_owned()).collect()
    }

    async fn all(&self, request: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, request.to_owned());
        loop {
            let (status, body) = self.get(&next).await;
            assert_eq!(status, 200, "{body}");
            rows.extend(body["value"].as_array().unwrap().clone());
            pages += 1;
            match body["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return (rows, pages),
            }
        }
    }
}

fn encoded(filter: &str) -> String {
    percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn metadata_has_keys_navigation_and_constraints() {
    let service = Service::start(100).await;
    let (status, body) = service.get("$metadata").await;
    let text = body.as_str().unwrap();
    assert_eq!(status, 200);
    for expected in [
        "<Key><PropertyRef Name=\"part_number\"/><PropertyRef Name=\"rev\"/></Key>",
        "<Property Name=\"mass_kg\" Type=\"Edm.Decimal\" Nullable=\"true\" Precision=\"9\" Scale=\"3\"/>",
        "<Property Name=\"released_at\" Type=\"Edm.DateTimeOffset\" Nullable=\"true\" Precision=\"6\"/>",
        "<NavigationProperty Name=\"parent\" Type=\"aldermoor.plm.Revision\" Nullable=\"false\">\
         <ReferentialConstraint Property=\"parent_part_number\" ReferencedProperty=\"part_number\"/>\
         <ReferentialConstraint Property=\"parent_rev\" ReferencedProperty=\"rev\"/></NavigationProperty>",
        "<NavigationPropertyBinding Path=\"child\" Target=\"Parts\"/>",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let (_, service_document) = service.get("").await;
    assert_eq!(service_document["value"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn filters_select_the_rows_they_say() {
    let service = Service::start(100).await;
    let cases: [(&str, &str, &str, &[&str]); 19] = [
        ("Parts", "number eq 'MP-41'", "number", &["MP-41"]),
        ("Parts", "'MP-41' eq number", "number", &["MP-41"]),
        ("Parts", "number in ('MP-41','MP-99','MP-42')", "number", &["MP-41", "MP-42"]),
        ("Parts", "startswith(name,'Drive') and kind ne 'PURCHASED'", "number", &["MP-43"]),
        ("Parts", "endswith(name,'316L')", "number", &["RM-316B", "RM-316P"]),
        ("Parts", "contains(name,'MP-4') or unit eq 'M'", "number", &["MP-40", "RM-316B"]),
        ("Parts", "contains(name,'%') or contains(name,'_') or name eq 'O''Ring'", "number", &[]),
        ("Revisions", "part_number eq 'MP-41' and mass_kg lt 1.12 and not (rev eq 'C')", "rev", &["B"]),
        ("Revisions", "part_number eq 'MP-41' and 1.105 le mass_kg", "rev", &["A", "B"]),
        ("Revisions", "effective_from eq null", "rev", &["B"]),
        ("Revisions", "part_number eq 'MP-44' and effective_from ne 2024-09-08", "rev", &["B"]),
        ("Revisions", "part_number eq 'MP-44' and not (effective_from ge 2025-01-01)", "rev", &["A", "B"]),
        ("Revisions", "part_number eq 'MP-44' and effective_from in (null,2024-09-08)", "rev", &["A", "B"]),
        ("Revisions", "part_number eq 'MP-41' and effective_to le 2025-01-17", "rev", &["A"]),
        ("Revisions", "change/state eq 'Released' and part/kind eq 'ASSEMBLY'", "rev", &["A", "B", "C"]),
        ("Changes", "released_at gt 2025-01-25T08:30:00.5+01:00 and state eq 'Released'", "number", &["ECO-25-007"]),
        ("Changes", "released_at lt 2025-01-17T07:30:00.5Z", "number", &["ECO-24-019", "ECO-25-003"]),
        (
            "Changes",
            "released_at ge 2025-01-17T07:30:00.0Z and released_at lt 2025-01-20T00:00:00Z",
            "number",
            &["ECO-25-003"],
        ),
        ("ChangeItems", "change_number eq 'ECO-25-007' and role eq change_number", "role", &[]),
    ];
    for (set, filter, property, expected) in cases {
        let keys = service.keys(&format!("{set}?$filter={}", encoded(filter)), property).await;
        assert_eq!(keys, expected, "{set} {filter}");
    }
}

#[tokio::test]
async fn pages_cover_everything_once_in_every_order() {
    let service = Service::start(17).await;
    let (_, count) = service.get("BomLines/$count").await;
    let total = count.as_u64().unwrap() as usize;
    for options in ["", "?$orderby=quantity%20desc", "?$orderby=child/name,find_no%20desc&$count=true"] {
        let (rows, pages) = service.all(&format!("BomLines{options}")).await;
        let mut keys: Vec<String> = rows
            .iter()
            .map(|row| format!("{}{}{}", row["parent_part_number"], row["parent_rev"], row["find_no"]))
            .collect();
        assert_eq!((rows.len(), pages), (total, total.div_ceil(17)), "{options}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), total, "{options}");
    }
    let (rows, pages) = service.all("BomLines?$skip=3&$top=40").await;
    assert_eq!((rows.len(), pages), (40, 3));
    assert_eq!(service.rows("BomLines?$top=0").await.len(), 0);
    assert_eq!(service.get("BomLines?$count=true&$top=1&$filter=find_no%20eq%2010").await.1["@odata.count"], json!(20));
}

#[tokio::test]
async fn a_chain_longer_than_sqlite_expressions_are_deep_is_answered() {
    let service = Service::start(100).await;
    let chain: Vec<String> = (0..1_200).map(|n| format!("find_no%20eq%20{n}")).collect();
    let rows = service.rows(&format!("BomLines?$top=1&$filter={}", chain.join("%20or%20"))).await;
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn ascending_order_puts_null_first() {
    let service = Service::start(100).await;
    let query =
        format!("Revisions?$filter={}&$orderby=effective_from%20asc", encoded("startswith(part_number,'MP-44')"));
    assert_eq!(service.keys(&query, "rev").await, ["B", "A"]);
    assert_eq!(service.keys(&query.replace("asc", "desc"), "rev").await, ["A", "B"]);
}

#[tokio::test]
async fn expansion_nests_and_selection_narrows() {
    let service = Service::start(100).await;
    let rows = service
        .rows("Revisions?$select=rev&$expand=part($select=name,unit),change($select=state)&$filter=part_number%20eq%20%27MP-44%27")
        .await;
    assert_eq!(
        rows[0],
        json!({ "rev": "A", "part": { "name": "End cover", "unit": "EA" }, "change": { "state": "Released" } })
    );
    assert_eq!(rows[1], json!({ "rev": "B", "part": { "name": "End cover", "unit": "EA" }, "change": null }));
    let (_, body) = service.get("Revisions(rev='C',part_number='MP-41')?$select=mass_kg").await;
    assert_eq!(body["mass_kg"], json!(1.09));
    let (_, body) = service.get("Documents('MP41_A%20OP10.NC')").await;
    assert_eq!((body["kind"].as_str(), body["revision_rev"].as_str()), (Some("NC_PROGRAM"), Some("A")));
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_odata_form() {
    let service = Service::start(100).await;
    let deep = format!("Parts?$filter={}1%20eq%201{}", "(".repeat(500), ")".repeat(500));
    let cases: [(&str, u16, &str); 24] = [
        ("Nothing", 404, "no entity set \"Nothing\""),
        ("Parts('none')", 404, "no Part has this key"),
        ("Revisions('MP-41')", 400, "the key of Revisions is (part_number, rev)"),
        ("Revisions(part_number='MP-41')", 400, "the key of Revisions"),
        ("Parts('a'", 400, "no closing parenthesis"),
        ("Parts('MP-40')?$top=1", 400, "$select and $expand only"),
        ("Parts('MP-40')/name", 501, "not implemented"),
        ("Parts?$filter=", 400, "found the end"),
        ("Parts?$filter=colour%20eq%20%27red%27", 400, "no property \"colour\""),
        ("Parts?$filter=number%20eq%207", 400, "property number is Edm.String"),
        ("Parts?$filter=number%20eq%20%27x", 400, "a quote is not closed"),
        ("Parts?$filter=number%20like%20%27x%27", 400, "found \"like\""),
        ("Parts?$filter=number%20eq%20%27x%27%20name", 400, "expected and, or, or the end, found \"name\""),
        ("Parts?$filter=tolower(number)%20eq%20%27x%27", 501, "the function tolower"),
        ("BomLines?$filter=find_no%20add%201%20eq%202", 501, "add is not implemented"),
        ("BomLines?$filter=parent/part/number%20eq%20%27x%27", 501, "over one navigation property"),
        ("Parts?$search=pump", 501, "$search is not implemented"),
        ("Parts?$apply=aggregate(x)", 501, "$apply is not implemented"),
        ("BomLines?$expand=parent($expand=part)", 501, "only $select"),
        ("BomLines?$expand=uncle", 400, "no navigation property \"uncle\""),
        ("Parts?$top=-1", 400, "\"-1\" is not a count"),
        ("Parts?$top=1&$top=2", 400, "$top is there twice"),
        ("Parts?$orderby=name%20up", 400, "neither asc nor desc"),
        (&deep, 400, "nested deeper than 64"),
    ];
    for (request, status, message) in cases {
        let (found, body) = service.get(request).await;
        let text = body["error"]["message"].as_str().unwrap_or_default();
        assert!(found == status && text.contains(message), "{request}: {found} {body}");
        assert!(body["error"]["code"].is_string(), "{request}");
    }
    let response = service.client.delete(format!("{}Parts('MP-40')", service.root)).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    assert_eq!(service.rows("Parts?unknown=1&$top=1").await.len(), 1);
}
