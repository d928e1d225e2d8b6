//! Data-driven: each file under `tests/cases` is a configuration, with what is expected of it in its first comments.
#![allow(clippy::unwrap_used, clippy::panic)]
use super::load::parse;
use super::value::parse_size;
use super::*;
use config::Environment;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/weft.example.toml");

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Environment::with_prefix("WEFT").prefix_separator("__").separator("__").source(Some(pairs))
}

fn read(text: &str) -> Result<Config, ConfigErrors> {
    parse(Path::new("conf/weft.toml"), text, environment(&[]))
}

const MINIMAL: &str = "[broker]\nbase = \"https://demo.weft.dev/\"\n";

/// The first lines of a case are `# expect: MESSAGE`, one for each error, in their order.
#[test]
fn each_bad_configuration_is_refused_with_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/cases");
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
        assert!(!expected.is_empty(), "{} expects nothing", path.display());
        let name = path.file_name().unwrap();
        let error = match parse(Path::new(name), &text, environment(&[])) {
            Ok(_) => panic!("{} was accepted", path.display()),
            Err(error) => error.to_string(),
        };
        if error.lines().ne(expected.iter().copied()) {
            wrong.push(format!("expected\n{}\nfound\n{error}\n", expected.join("\n")));
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 15, "only {cases} cases were found");
}

#[test]
fn the_commented_example_is_valid_and_says_the_defaults() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let config = parse(Path::new(EXAMPLE), &text, environment(&[])).unwrap();
    assert_eq!(config.sources.len(), 2);
    let shown = |limits: &Limits| format!("{limits:?}");
    assert_eq!(shown(&config.limits), shown(&Limits::default()));
    assert_eq!(config.engine_limits().plan.rules, weft_plan::Rules::default());
    assert_eq!(format!("{:?}", config.server), format!("{:?}", ServerSection::default()));
    assert_eq!(format!("{:?}", config.sandbox), format!("{:?}", Sandbox::default()));
    assert_eq!(format!("{:?}", config.sources["erp"].limits), format!("{:?}", source::SourceLimits::default()));
    // Every key of the sections of limits is in it, so that the reference is whole.
    let undocumented = shown(&config.limits)
        .split([' ', '{', ','])
        .filter_map(|word| word.strip_suffix(':'))
        .filter(|key| !text.lines().any(|line| line.starts_with(&format!("{key} ="))))
        .map(str::to_owned)
        .collect::<Vec<_>>();
    assert_eq!(undocumented, [""; 0]);
}

#[test]
fn a_minimal_file_has_defaults_and_paths_beside_it() {
    let config = read(MINIMAL).unwrap();
    assert_eq!(config.broker.listen.to_string(), "127.0.0.1:7878");
    assert_eq!(config.description_file("erp"), Path::new("conf/state/descriptions/erp.json"));
    assert!(config.sources.is_empty() && config.credential_files().is_none());
    assert_eq!(config.path(Path::new("/etc/x")), Path::new("/etc/x"));
}

#[test]
fn the_environment_is_laid_over_the_file() {
    let variables = [
        ("WEFT__LIMITS__QUERY_TIMEOUT", "7s"),
        ("WEFT__LIMITS__PLAN_NODES", "77"),
        ("WEFT__BROKER__LISTEN", "127.0.0.1:1"),
        ("WEFT_SHARED", "/elsewhere"),
    ];
    let config = parse(Path::new("weft.toml"), MINIMAL, environment(&variables)).unwrap();
    assert_eq!(config.limits.query_timeout, Duration::from_secs(7));
    assert_eq!(config.limits.engine().plan.plan_nodes, 77);
    assert_eq!(config.broker.listen.port(), 1);
    let unknown = parse(Path::new("weft.toml"), MINIMAL, environment(&[("WEFT__LIMITS__QUERY_TIMEOT", "7s")]));
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "weft.toml: limits.query_timeot: unknown key; did you mean query_timeout?"
    );
}

#[test]
fn the_ontology_is_followed_everywhere_or_where_a_source_says_so() {
    let source = "[sources.SOURCE.wasm]\ncomponent = \"x.wasm\"\n[sources.SOURCE]\n".replace("SOURCE", "a");
    let reasons = |broker: &str, source: &str| {
        let text = format!("{MINIMAL}{broker}\n{source}");
        let config = read(&text).unwrap();
        (config.reasons_by_default(), config.reasons_in("a"), config.reasons_anywhere())
    };
    let none = format!("{source}reasoning = \"none\"\n");
    let ql = format!("{source}reasoning = \"ql\"\n");
    assert_eq!(reasons("", &source), (true, true, true));
    assert_eq!(reasons("", &none), (true, false, true));
    assert_eq!(reasons("reasoning = \"none\"", &ql), (false, true, true));
    assert_eq!(reasons("reasoning = \"none\"", &source), (false, false, false));
    let unknown = read(&format!("{MINIMAL}reasoning = \"owl\"\n")).unwrap_err().to_string();
    assert!(unknown.contains("reasoning") && unknown.contains("ql"), "{unknown}");
}

#[test]
fn guests_get_their_configuration_as_it_is_written() {
    let text = format!(
        "{MINIMAL}[sources.plm.wasm]\ncomponent = \"x.wasm\"\nmemory = \"8MiB\"\n[sources.plm.wasm.config]\n\
         url = \"http://127.0.0.1/\"\nPageSize = 50\nnested = {{ deep = [true, 1.5] }}\n"
    );
    let config = read(&text).unwrap();
    let Some(Transport::Wasm(wasm)) = config.sources["plm"].transport() else { panic!("no wasm section") };
    let expected = serde_json::json!({"url": "http://127.0.0.1/", "PageSize": 50, "nested": {"deep": [true, 1.5]}});
    assert_eq!((wasm.guest_limits().memory, &wasm.config), (8 << 20, &expected));
}

#[test]
fn a_secret_is_read_from_a_file_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "Bearer s3cret\n").unwrap();
    let secret = SecretSource::File("token".into()).read(folder.path()).unwrap();
    assert!(secret == weft_wasm::Secret::new("Bearer s3cret"));
    assert!(!format!("{secret:?}").contains("s3cret"));
    assert!(SecretSource::File("absent".into()).read(folder.path()).is_err());
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    assert!(SecretSource::File("empty".into()).read(folder.path()).is_err());
    let unset = SecretSource::Env("WEFT_TEST_UNSET_SECRET".into()).read(folder.path()).unwrap_err();
    assert!(unset.contains("WEFT_TEST_UNSET_SECRET"));
}

#[test]
fn sizes_are_read_and_nonsense_is_not() {
    for (text, size) in [("1", 1), ("512B", 512), ("64KiB", 65_536), ("2 MiB", 2 << 20), ("1GB", 1_000_000_000)] {
        assert_eq!(parse_size(text), Some(size), "{text}");
    }
    for text in ["", "0", "-1", "MiB", "1.5MiB", "64mb", "99999999TiB", "18446744073709551616"] {
        assert_eq!(parse_size(text), None, "{text}");
    }
}

#[test]
fn the_server_is_told_what_clients_need() {
    let section = "[server]\npublic_url = \"https://weft.example/mesh\"\ncors_origins = [\"*\"]\ncors_max_age = \"1h\"\ntrusted_proxies = [\"10.0.0.1\"]\n";
    let options = read(&format!("{MINIMAL}{section}")).unwrap().server_options();
    assert_eq!(options.public_url.unwrap().as_str(), "https://weft.example/mesh/");
    assert_eq!((options.cors_origins, options.cors_max_age), (vec!["*".to_owned()], Duration::from_secs(3600)));
    assert_eq!(options.trusted_proxies, ["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(options.base_iri.as_deref(), Some("https://demo.weft.dev/"));
    let plain = read(MINIMAL).unwrap().server_options();
    assert!(plain.public_url.is_none() && plain.cors_origins.is_empty());
    assert!(plain.graphs.contains(&plain.catalogue.unwrap()) && plain.graphs.len() == 4);
}

#[test]
fn the_example_of_a_service_says_the_defaults() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let config = parse(Path::new(EXAMPLE), &text, environment(&[])).unwrap();
    let (iri, service) = config.services.first_key_value().unwrap();
    let bare: Config = read(&format!("{MINIMAL}[services.\"{iri}\"]\n")).unwrap();
    let default = &bare.services[iri];
    assert_eq!((service.url(iri), service.insecure), (default.url(iri), default.insecure));
    assert_eq!((service.request(), service.endpoint_limits()), (default.request(), default.endpoint_limits()));
    assert_eq!(service.limits.guard(), default.limits.guard());
    assert_eq!(service.credentials.len(), 1);
}
