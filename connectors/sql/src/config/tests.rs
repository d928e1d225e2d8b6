#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const FULL: &str = r#"
listen = "127.0.0.1:7101"
[identity]
certificate = "certs/erp.pem"
key = "/abs/erp.key"
trust = "certs/ca.pem"
allow = ["spiffe://weft.dev/broker"]
[database]
url = "sqlite:erp.sqlite"
tables = ["a", "b"]
[limits]
rows = 5
"#;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Service, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("erp.toml");
    std::fs::write(&path, text).unwrap();
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut service = Service::read_with(&path, variables)?;
    let folder = folder.path().display().to_string();
    service.database.url = service.database.url.replace(&folder, "FOLDER");
    service.identity.certificate = service.identity.certificate.display().to_string().replace(&folder, "FOLDER").into();
    Ok(service)
}

#[test]
fn a_file_is_read_with_paths_relative_to_it_and_defaults_for_the_rest() {
    let service = read(FULL, &[]).unwrap();
    assert_eq!(service.database.url, "sqlite:FOLDER/erp.sqlite");
    assert_eq!(service.identity.certificate, Path::new("FOLDER/certs/erp.pem"));
    assert_eq!(service.identity.key, Path::new("/abs/erp.key"));
    assert_eq!(service.database.tables, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!((service.limits.rows, service.limits.connections), (5, 4));
}

#[test]
fn the_environment_overrides_the_file() {
    let variables =
        [("WEFT_SQL__LIMITS__ROWS", "7"), ("WEFT_SQL__DATABASE__TABLES", "x,y"), ("WEFT_SQL__LISTEN", "127.0.0.1:0")];
    let service = read(FULL, &variables).unwrap();
    assert_eq!(service.limits.rows, 7);
    assert_eq!(service.database.tables, Some(vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!(service.listen, "127.0.0.1:0");
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    for (line, key, suggestion) in [
        ("[limits]\nrows = 5", "limits.row", Some("limits.rows")),
        ("url = ", "database.urls", Some("database.url")),
        ("listen = ", "lisen", Some("listen")),
    ] {
        let last = key.rsplit('.').next().unwrap();
        let wrong = match line {
            "[limits]\nrows = 5" => FULL.replace("rows = 5", "row = 5"),
            _ => FULL.replacen(line, &format!("{last} = \"x\"\n{line}"), 1),
        };
        match read(&wrong, &[]) {
            Err(ConfigError::UnknownKey { key: found, suggestion: s, .. }) => {
                assert_eq!((found.as_str(), s.as_deref()), (key, suggestion));
            }
            other => panic!("{key}: {other:?}"),
        }
    }
    let environment = read(FULL, &[("WEFT_SQL__LIMITS__NODE", "3")]).unwrap_err().to_string();
    assert!(environment.contains("limits.nodes"), "{environment}");
}

#[test]
fn views_are_read_with_their_names_as_written() {
    let views = "[[views]]\nname = \"Heavy\"\nsql = \'\'\'\nSELECT 1 AS \"Id\"\n\'\'\'\nkeys = [[\"Id\"]]\n\
                 columns = [{ name = \"Id\", type = \"INTEGER\" }]\n";
    let service = read(&format!("{FULL}{views}"), &[]).unwrap();
    let column = ViewColumn { name: "Id".into(), declared: "INTEGER".into() };
    let view = View {
        name: "Heavy".into(),
        sql: "SELECT 1 AS \"Id\"\n".into(),
        keys: vec![vec!["Id".into()]],
        columns: vec![column],
    };
    assert_eq!(service.connector().views, [view]);
    let wrong = read(&format!("{FULL}{}", views.replace("keys", "key")), &[]).unwrap_err().to_string();
    assert!(wrong.contains("views[0].key") && wrong.contains("views[0].keys"), "{wrong}");
}

#[test]
fn the_schema_and_the_defaults_agree() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let limits = schema["properties"]["limits"]["properties"].as_object().unwrap();
    let defaults = serde_json::Value::Object(limits.iter().map(|(k, v)| (k.clone(), v["default"].clone())).collect());
    let from_schema: Limits = serde_json::from_value(defaults).unwrap();
    assert_eq!(format!("{from_schema:?}"), format!("{:?}", Limits::default()));
    assert_eq!(limits.len(), format!("{:?}", Limits::default()).matches(": ").count());
}

#[test]
fn urls_say_which_database() {
    let path = |url: &str| SqlConfig::new(url).database.sqlite_path();
    assert_eq!(path("sqlite:/a/b.db").unwrap(), Some(PathBuf::from("/a/b.db")));
    assert_eq!(path("sqlite:///a/b.db").unwrap(), Some(PathBuf::from("/a/b.db")));
    assert_eq!(path("postgres://u@h/d").unwrap(), None);
    assert!(matches!(path("mysql://u@h/d"), Err(OpenError::UnknownScheme(s)) if s == "mysql"));
    assert!(path("erp.db").is_err());
}
