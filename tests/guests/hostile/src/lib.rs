//! A fixture that breaks every rule it can. `{"on": "describe" | "open" | "next", "do": BEHAVIOUR, "url": ...}` says which
//! and when; elsewhere it behaves: one table `t` with columns `id` (int64) and `name` (text) and three rows.

// What is built here is wrong on purpose, so the typed builders are of no use.
use serde::Deserialize;
use std::cell::Cell;
use std::hint::black_box;
use weft_guest::bindings::exports::weft::connector::guest::{Guest, GuestScan, Scan, ScanItem};
use weft_guest::bindings::weft::connector::types as w;
use weft_guest::http;

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Moment {
    Describe,
    Open,
    Next,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    Nothing,
    Loop,
    Allocate,
    Trap,
    Panic,
    Recurse,
    /// More rows in one batch than asked for.
    FloodRows,
    /// More bytes at once than the host takes.
    FloodBytes,
    FloodLog,
    /// Batches without a row, for ever.
    Empty,
    /// Batches with rows, for ever.
    Endless,
    BadOffsets,
    FallingOffsets,
    MissingOffsets,
    BadUtf8,
    WrongType,
    WrongWidth,
    ShortColumn,
    ShortValidity,
    Null,
    /// The end says more rows than came.
    Miscount,
    /// Rows in answer to an explain.
    Talkative,
    BadErrorText,
    Fetch,
    FetchMany,
    Credentials,
    OldContract,
    BadDecimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    on: Moment,
    #[serde(rename = "do")]
    behaviour: Behaviour,
    #[serde(default)]
    url: String,
}

struct Hostile;

struct HostileScan {
    config: Config,
    step: Cell<u32>,
    sent: Cell<u64>,
    batch_rows: u32,
    explain: bool,
}

weft_guest::bindings::export!(Hostile with_types_in weft_guest::bindings);

impl Guest for Hostile {
    type Scan = HostileScan;

    fn describe(config: String) -> Result<w::Description, w::Error> {
        let config = parse(&config)?;
        misbehave(&config, Moment::Describe)?;
        let old = config.on == Moment::Describe && config.behaviour == Behaviour::OldContract;
        let bad_decimal = config.on == Moment::Describe && config.behaviour == Behaviour::BadDecimal;
        let mut columns = vec![column("id", w::DataType::Int64), column("name", w::DataType::Text)];
        if bad_decimal {
            columns.push(column("d", w::DataType::Decimal(w::DecimalType { precision: 99, scale: 100 })));
        }
        Ok(w::Description {
            name: "weft-guest-hostile".to_owned(),
            version: "0".to_owned(),
            contract: if old { w::ContractRange { min: 7, max: 9 } } else { w::ContractRange { min: 1, max: 1 } },
            config_schema: "{}".to_owned(),
            tables: vec![w::Table {
                name: "t".to_owned(),
                columns,
                keys: vec![vec!["id".to_owned()]],
                foreign_keys: Vec::new(),
                rows: None,
                filters: Vec::new(),
                max_keys: 0,
                sql: None,
            }],
            relational: w::RelationalCapabilities {
                join: w::JoinSupport::None,
                project: false,
                distinct: false,
                sort: w::Capability::None,
                limit: w::Capability::None,
                aggregates: Vec::new(),
                recurse: false,
                time_parts: Vec::new(),
                max_concurrency: 4,
            },
            default_mapping: None,
            change_feed: None,
        })
    }

    fn check(_config: String, _tables: Vec<String>) -> Result<w::CheckReport, w::Error> {
        Ok(w::CheckReport { system: "hostile".to_owned(), tables: Vec::new() })
    }
}

impl GuestScan for HostileScan {
    fn open(config: String, request: w::ScanRequest) -> Result<Scan, w::Error> {
        let config = parse(&config)?;
        misbehave(&config, Moment::Open)?;
        let (batch_rows, explain) = (request.batch_rows, request.explain);
        Ok(Scan::new(Self { config, step: Cell::new(0), sent: Cell::new(0), batch_rows, explain }))
    }

    fn next(&self) -> Result<ScanItem, w::Error> {
        misbehave(&self.config, Moment::Next)?;
        let step = self.step.replace(self.step.get() + 1);
        let behaviour = if self.config.on == Moment::Next { self.config.behaviour } else { Behaviour::Nothing };
        let batch = match behaviour {
            Behaviour::Endless => rows(self.batch_rows),
            Behaviour::Empty => rows(0),
            Behaviour::FloodRows => rows(self.batch_rows.saturating_add(1)),
            Behaviour::Talkative => rows(3),
            _ if step > 0 || self.explain => {
                let lie = u64::from(behaviour == Behaviour::Miscount);
                let statements = vec!["GET https://made.up/by/the/guest".to_owned()];
                let rows = self.sent.get() + lie;
                return Ok(ScanItem::End(w::End { outcome: w::Outcome::Complete, rows, statements }));
            }
            broken => break_batch(rows(3), broken),
        };
        self.sent.set(self.sent.get() + u64::from(batch.rows));
        Ok(ScanItem::Batch(batch))
    }
}

fn column(name: &str, data_type: w::DataType) -> w::Column {
    w::Column {
        name: name.to_owned(),
        data_type,
        nullable: false,
        native_type: String::new(),
        unit: None,
        text_comparison: w::TextComparison::CodePoint,
        binding: w::Binding::None,
        filterable: false,
        sortable: false,
        distinct: None,
    }
}

fn error(code: &str, message: &str) -> w::Error {
    w::Error {
        code: code.to_owned(),
        fault: w::Fault::Source,
        retry: w::Retry::Never,
        message: message.to_owned(),
        detail: None,
    }
}

fn parse(config: &str) -> Result<Config, w::Error> {
    weft_guest::report_panics();
    serde_json::from_str(config).map_err(|e| error("invalid-config", &e.to_string()))
}

fn rows(count: u32) -> w::Batch {
    let mut names = w::ByteValues { offsets: vec![0], bytes: Vec::new() };
    for i in 0..count {
        names.bytes.extend_from_slice(format!("é{i}").as_bytes());
        names.offsets.push(names.bytes.len() as u32);
    }
    w::Batch {
        rows: count,
        columns: vec![
            w::ColumnValues { validity: Vec::new(), values: w::Values::Int64s((0..i64::from(count)).collect()) },
            w::ColumnValues { validity: Vec::new(), values: w::Values::Texts(names) },
        ],
    }
}

fn break_batch(mut batch: w::Batch, behaviour: Behaviour) -> w::Batch {
    let set_offsets = |batch: &mut w::Batch, offsets: Vec<u32>| {
        if let w::Values::Texts(texts) = &mut batch.columns[1].values {
            texts.offsets = offsets;
        }
    };
    match behaviour {
        Behaviour::BadOffsets => set_offsets(&mut batch, vec![0, 3, 6, u32::MAX]),
        Behaviour::FallingOffsets => set_offsets(&mut batch, vec![0, 6, 3, 9]),
        Behaviour::MissingOffsets => set_offsets(&mut batch, vec![0, 9]),
        Behaviour::BadUtf8 => set_offsets(&mut batch, vec![0, 1, 6, 9]),
        Behaviour::WrongType => batch.columns[0].values = w::Values::Float64s(vec![1.0, 2.0, 3.0]),
        Behaviour::WrongWidth => drop(batch.columns.pop()),
        Behaviour::ShortColumn => batch.columns[0].values = w::Values::Int64s(vec![1]),
        Behaviour::ShortValidity => batch.columns[0].validity = vec![7, 0, 0],
        Behaviour::Null => batch.columns[0].validity = vec![0b101],
        _ => {}
    }
    batch
}

fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX { 0 } else { black_box(recurse(depth + 1)) + 1 }
}

fn misbehave(config: &Config, now: Moment) -> Result<(), w::Error> {
    if config.on != now {
        return Ok(());
    }
    match config.behaviour {
        Behaviour::Loop => loop {
            black_box(());
        },
        Behaviour::Allocate => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
                black_box(&hoard);
            }
        }
        Behaviour::Trap => core::arch::wasm32::unreachable(),
        Behaviour::Panic => panic!("the guest gives up"),
        Behaviour::Recurse => drop(black_box(recurse(0))),
        Behaviour::FloodBytes => return Err(error("source-failed", &"x".repeat(40 << 20))),
        Behaviour::FloodLog => {
            for i in 0..5_000 {
                weft_guest::log::write(weft_guest::log::Level::Debug, &format!("line {i}\nforged line"));
            }
        }
        Behaviour::BadErrorText => return Err(error("no-such-code", "\u{1b}[2Jred\nherring")),
        Behaviour::Fetch => fetch(&config.url, "accept").map(drop)?,
        Behaviour::FetchMany => loop {
            fetch(&config.url, "accept")?;
        },
        Behaviour::Credentials => fetch(&config.url, "Authorization").map(drop)?,
        _ => {}
    }
    Ok(())
}

/// Fails with the response's body, for the test to see what the server saw.
fn fetch(url: &str, header: &str) -> Result<(), w::Error> {
    let headers = vec![http::Header { name: header.to_owned(), value: "x".to_owned() }];
    let request = http::Request { method: http::Method::Get, url: url.to_owned(), headers, body: Vec::new() };
    match http::send(&request) {
        Ok(response) if response.status == 200 => Ok(()),
        Ok(response) => Err(error("source-failed", &String::from_utf8_lossy(&response.body))),
        Err(failure) => {
            let code = match failure.kind {
                http::HttpErrorKind::NotGranted => "not-granted",
                http::HttpErrorKind::LimitExceeded => "limit-exceeded",
                http::HttpErrorKind::TimedOut => "deadline-exceeded",
                http::HttpErrorKind::InvalidRequest => "invalid-request",
                _ => "source-unavailable",
            };
            Err(error(code, &failure.message))
        }
    }
}
