#![allow(clippy::unwrap_used)]

use super::*;
use crate::http::Secret;

fn access(allow: &[&str]) -> HttpAccess {
    let allow = allow.iter().map(|&text| text.to_owned()).collect();
    HttpAccess::new(&HttpGrant { allow, ..HttpGrant::default() }).unwrap()
}

#[test]
fn urls_are_compared_by_their_parts() {
    let access = access(&["http://erp.example:8080/odata/plm/", "http://other.example/api"]);
    let allowed = [
        "http://erp.example:8080/odata/plm/",
        "http://erp.example:8080/odata/plm/Parts?$filter=a%20eq%20'..'",
        "HTTP://ERP.example:8080/odata/plm/PartRevisions('CRADA-BOX%2FD')",
        "http://erp.example:8080/x/../odata/plm/Parts",
        "http://erp.example:8080/odata/plm/a/%2e%2e/Parts",
        "http://other.example:80/api",
        "http://other.example/api/x#fragment",
    ];
    for url in allowed {
        assert!(access.check(url).is_ok(), "{url}: {:?}", access.check(url));
    }
    let refused = [
        "https://erp.example:8080/odata/plm/",
        "http://erp.example/odata/plm/",
        "http://erp.example:8080/odata/plm",
        "http://erp.example:8080/ODATA/plm/",
        "http://erp.example:8080/odata/plm/../secret",
        "http://erp.example:8080/odata/plm/%2e%2e/secret",
        "http://erp.example:8080/odata/plm/%2E./secret",
        "http://erp.example:8080/odata/plm/..%2fsecret",
        "http://erp.example:8080/odata/plm/%2e%2e%2fsecret",
        "http://erp.example:8080/odata/plm/%252e%252e/secret",
        "http://erp.example:8080/odata/plm/..%5csecret",
        "http://erp.example:8080/odata/plm/..\\secret",
        "http://erp.example:8080\\@evil.example/odata/plm/",
        "http://erp.example:8080@evil.example/odata/plm/",
        "http://user@erp.example:8080/odata/plm/",
        "http://:secret@erp.example:8080/odata/plm/",
        "http://erp.example.evil:8080/odata/plm/",
        "http://evil.example/http://erp.example:8080/odata/plm/",
        "http://other.example/apiary",
        "http://other.example/api\n",
        "//erp.example:8080/odata/plm/",
        "file:///etc/passwd",
        "gopher://erp.example:8080/odata/plm/",
        "",
    ];
    for url in refused {
        assert!(access.check(url).is_err(), "{url}");
    }
}

#[test]
fn literal_addresses_are_checked_in_every_spelling() {
    let allow = ["http://127.0.0.1/", "http://169.254.169.254/", "http://[::1]/", "http://93.184.215.14/"];
    let closed = access(&allow);
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
    ] {
        assert!(matches!(closed.check(url), Err(Denial::Address(_))), "{url}: {:?}", closed.check(url));
    }
    assert!(closed.check("http://93.184.215.14/").is_ok());
    let allow = allow.iter().map(|&text| text.to_owned()).collect();
    let open = HttpAccess::new(&HttpGrant { allow, allow_private: true, ..HttpGrant::default() }).unwrap();
    assert!(open.check("http://127.0.0.1/").is_ok());
    assert!(open.check("http://169.254.169.254/").is_err());
}

#[test]
fn nothing_is_allowed_by_default() {
    assert!(matches!(access(&[]).check("http://erp.example/"), Err(Denial::NotAllowed(_))));
}

#[test]
fn bad_grants_are_refused_with_the_reason() {
    let bad = |grant: HttpGrant| HttpAccess::new(&grant).err().map(|e| e.to_string()).unwrap_or_default();
    let prefix = |text: &str| bad(HttpGrant { allow: vec![text.to_owned()], ..HttpGrant::default() });
    assert!(prefix("erp.example/odata").contains("allow: \"erp.example/odata\""));
    assert!(prefix("ftp://erp.example/").contains("neither http nor https"));
    let shown = prefix("http://joe:pass@erp.example/");
    assert!(shown.contains("use credentials") && !shown.contains("pass@"), "{shown}");
    assert!(prefix("http://*.example/").contains("wildcards"));
    assert!(prefix("http://erp.example/?a=b").contains("query"));

    let credential = |prefix: Option<&str>, header: &str, value: &str| Credential {
        prefix: prefix.map(str::to_owned),
        header: header.to_owned(),
        value: Secret::new(value),
    };
    let with = |allow: &[&str], c: Credential| {
        let allow = allow.iter().map(|&text| text.to_owned()).collect();
        bad(HttpGrant { allow, credentials: vec![c], ..HttpGrant::default() })
    };
    let two = ["http://a.example/", "http://b.example/"];
    assert!(with(&two, credential(None, "x-key", "k")).contains("needs a prefix"));
    assert!(with(&two, credential(Some("http://c.example/"), "x-key", "k")).contains("not one of those allowed"));
    assert!(with(&two[..1], credential(None, "x key", "k")).contains("not a header name"));
    let shown = with(&two[..1], credential(None, "x-key", "top\nsecret"));
    assert!(shown.contains("cannot be sent") && !shown.contains("secret"), "{shown}");
    assert!(with(&two[..1], credential(None, "Host", "k")).contains("belongs to the transport"));
    assert!(
        bad(HttpGrant {
            allow: vec!["https://a.example/".into()],
            trust: Some("nothing".into()),
            ..HttpGrant::default()
        })
        .contains("no certificate")
    );
}

#[test]
fn a_credential_goes_to_its_prefix_only_and_is_never_shown() {
    let grant = HttpGrant {
        allow: vec!["http://a.example/".into(), "http://b.example/".into()],
        credentials: vec![Credential {
            prefix: Some("http://a.example/plm/".into()),
            header: "Authorization".into(),
            value: Secret::new("Bearer canary"),
        }],
        ..HttpGrant::default()
    };
    let access = HttpAccess::new(&grant).unwrap();
    let names = |url: &str| access.injected(&access.check(url).unwrap()).count();
    assert_eq!(names("http://a.example/plm/Parts"), 1);
    assert_eq!(names("http://a.example/other"), 0);
    assert_eq!(names("http://b.example/plm/Parts"), 0);
    assert!(!format!("{grant:?} {access:?}").contains("canary"));
}
