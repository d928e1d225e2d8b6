//! Draws the sources, tables and rows of a scenario.

use super::pools::{self, pick};
use super::{BASE, Scenario, Source, Transport, Tuning, capabilities, mapping, offer_everything, ontology};
use crate::memory::Row;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashSet;
use weft_model::contract::{
    Binding, CONTRACT_VERSION, Column, ContractRange, DataType, Description, ForeignKey, RelationalCapabilities,
    Statistic, Table, TextComparison, Value,
};

/// A kind of thing with an IRI template that sources share, and the types its keys may have.
pub(super) struct Concept {
    pub(super) class: &'static str,
    /// The text around the placeholders.
    pub(super) parts: &'static [&'static str],
    keys: &'static [&'static [DataType]],
}

const INT: DataType = DataType::Int64;
const TEXT: DataType = DataType::Text;

/// `part/x{}` overlaps with `part/{}`; `item/{}-{}` gives one IRI for different keys.
pub(super) const CONCEPTS: &[Concept] = &[
    Concept { class: "Part", parts: &["part/", ""], keys: &[&[INT], &[TEXT], &[TEXT]] },
    Concept { class: "Order", parts: &["order/", ""], keys: &[&[INT]] },
    Concept { class: "Revision", parts: &["rev/", "/", ""], keys: &[&[TEXT, INT], &[INT, INT]] },
    Concept { class: "Item", parts: &["item/", "-", ""], keys: &[&[TEXT, TEXT], &[TEXT, INT]] },
    Concept { class: "SparePart", parts: &["part/x", ""], keys: &[&[TEXT], &[INT]] },
    Concept { class: "Machine", parts: &["machine/", "#this"], keys: &[&[TEXT]] },
    Concept { class: "Day", parts: &["day/", ""], keys: &[&[DataType::Date]] },
];

/// A table being drawn.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) concept: usize,
    pub(super) key: Vec<usize>,
    pub(super) references: Vec<Reference>,
    /// Text columns that hold IRIs.
    pub(super) iris: HashSet<usize>,
    pub(super) columns: Vec<Column>,
    keyed: bool,
    foreign_keys: Vec<ForeignKey>,
    rows: Vec<Row>,
}

/// Columns that hold the key of some thing.
pub(super) struct Reference {
    pub(super) concept: usize,
    pub(super) columns: Vec<usize>,
    parent: Parent,
}

/// The table of the same source that has all the keys a reference may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// None has.
    Elsewhere,
    /// An earlier one, by number.
    Earlier(usize),
    /// The table itself: links along which one can go round in circles.
    Own,
}

/// One scenario for each seed; `transports` are those the sources are split over.
pub fn generate(seed: u64, transports: &[Transport]) -> Scenario {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = pick(&mut rng, &[1, 1, 2, 2, 2, 2, 3, 3, 4, 5]);
    // Few concepts, so that sources speak of the same things.
    let concepts: Vec<usize> = (0..3).map(|_| pick(&mut rng, &[0, 0, 0, 1, 2, 3, 4, 5, 6])).collect();
    let kind = if rng.random_bool(0.35) { Kind::Apart } else { Kind::Overlapping };
    let sources: Vec<Source> = (0..count).map(|number| source(&mut rng, number, &concepts, transports, kind)).collect();
    let tuning = Tuning::draw(&mut rng);
    let axioms = ontology::draw(&mut rng, &sources);
    Scenario { sources, tuning, axioms, things: Vec::new() }
}

/// How much the tables of a scenario have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Predicates are shared, keys may be missing: most patterns match in several places.
    Overlapping,
    /// Every table has keys and predicates of its own and can mostly do all: what can move to the source does.
    Apart,
}

fn source(rng: &mut StdRng, number: usize, concepts: &[usize], transports: &[Transport], kind: Kind) -> Source {
    let transport = pick(rng, transports);
    let mut drafts: Vec<Draft> = Vec::new();
    for i in 0..pick(rng, &[1, 1, 2, 2, 3]) {
        let name = pick(rng, &["items", "stock", "Order Lines", "mes.run", "log"]);
        let keyed = kind == Kind::Apart || rng.random_bool(0.6);
        let mut draft = draft(rng, format!("{name}{i}"), concepts, &drafts, transport, keyed);
        fill(rng, &mut draft, &drafts, transport);
        drafts.push(draft);
    }
    let name = format!("s{number}");
    let mapping = mapping::document(rng, &name, &drafts, kind);
    let (tables, rows) = drafts.into_iter().map(table).unzip();
    let mut description = describe(tables);
    match transport {
        Transport::Memory if kind == Kind::Apart && rng.random_bool(0.8) => {
            offer_everything(&mut description, pick(rng, &[1_000, 1_000, 3, 1]));
        }
        Transport::Memory => capabilities::assign(rng, &mut description),
        Transport::Sqlite | Transport::Wasm => capabilities::offer_nothing(&mut description),
    }
    Source { graph: format!("urn:weft:source:{name}"), name, mapping, description, rows, transport }
}

/// A column without anything special.
pub fn plain_column(name: &str, data_type: DataType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        data_type,
        nullable,
        native_type: format!("memory {data_type}"),
        unit: None,
        text_comparison: TextComparison::CodePoint,
        binding: Binding::None,
        filterable: true,
        sortable: true,
        distinct: None,
    }
}

/// A table with one key, or none when `key` is empty, that offers nothing.
pub fn plain_table(name: &str, columns: Vec<Column>, key: &[&str]) -> Table {
    let key: Vec<String> = key.iter().map(|column| (*column).to_owned()).collect();
    Table {
        name: name.to_owned(),
        columns,
        keys: if key.is_empty() { Vec::new() } else { vec![key] },
        foreign_keys: Vec::new(),
        rows: None,
        filters: Vec::new(),
        max_keys: 0,
        sql: None,
    }
}

/// A source with these tables that reads and does nothing more.
pub fn describe(tables: Vec<Table>) -> Description {
    Description {
        name: "weft-tests-memory".into(),
        version: "1".into(),
        contract: ContractRange { min: CONTRACT_VERSION, max: CONTRACT_VERSION },
        config_schema: "{}".into(),
        tables,
        relational: RelationalCapabilities::read_only(),
        default_mapping: None,
        change_feed: None,
    }
}

fn table(draft: Draft) -> (Table, Vec<Row>) {
    let key: Vec<String> = draft.key.iter().map(|i| draft.columns[*i].name.clone()).collect();
    let count = draft.rows.len() as u64;
    let key: Vec<&str> = if draft.keyed { key.iter().map(String::as_str).collect() } else { Vec::new() };
    let table = Table {
        foreign_keys: draft.foreign_keys,
        rows: Some(Statistic { count, measured_at: 0 }),
        ..plain_table(&draft.name, draft.columns, &key)
    };
    (table, draft.rows)
}

fn draft(
    rng: &mut StdRng,
    name: String,
    concepts: &[usize],
    earlier: &[Draft],
    transport: Transport,
    keyed: bool,
) -> Draft {
    let concept = pick(rng, concepts);
    let mut draft = Draft {
        name,
        concept,
        key: Vec::new(),
        references: Vec::new(),
        iris: HashSet::new(),
        columns: Vec::new(),
        keyed,
        foreign_keys: Vec::new(),
        rows: Vec::new(),
    };
    for data_type in pick(rng, CONCEPTS[concept].keys) {
        let nullable = !draft.keyed && rng.random_bool(0.3);
        let name = pick(rng, &["id", "part no", "Code"]);
        let index = add_column(&mut draft, name, *data_type, nullable);
        draft.key.push(index);
    }
    for _ in 0..pick(rng, &[1, 2, 2, 3, 4]) {
        let nullable = rng.random_bool(0.5);
        let data_type = value_type(rng, transport);
        let index = add_column(&mut draft, "v", data_type, nullable);
        if data_type == TEXT && rng.random_bool(0.12) {
            draft.iris.insert(index);
        }
    }
    for _ in 0..pick(rng, &[0, 0, 1, 1, 2]) {
        reference(rng, &mut draft, concepts, earlier, transport);
    }
    if rng.random_bool(0.35) {
        own_reference(rng, &mut draft, transport);
    }
    draft
}

fn value_type(rng: &mut StdRng, transport: Transport) -> DataType {
    let decimals = [(9, 2), (12, 3), (20, 2), (30, 10)];
    let (precision, scale) = pick(rng, &decimals);
    let types = [
        DataType::Boolean,
        INT,
        INT,
        DataType::Decimal { precision, scale },
        DataType::Float64,
        TEXT,
        TEXT,
        TEXT,
        DataType::Date,
        DataType::Timestamp { zoned: true },
        DataType::Timestamp { zoned: false },
        DataType::Binary,
    ];
    // The guest that serves tables has no binary columns.
    let offered = if transport == Transport::Wasm { types.len() - 1 } else { types.len() };
    pick(rng, &types[..offered])
}

fn add_column(draft: &mut Draft, stem: &str, data_type: DataType, nullable: bool) -> usize {
    let index = draft.columns.len();
    let name = if index == 0 { stem.to_owned() } else { format!("{stem}{index}") };
    draft.columns.push(plain_column(&name, data_type, nullable));
    index
}

/// Adds columns that refer to some thing, along a foreign key where an earlier table has its keys.
fn reference(rng: &mut StdRng, draft: &mut Draft, concepts: &[usize], earlier: &[Draft], transport: Transport) {
    let parents: Vec<usize> = (0..earlier.len()).filter(|i| earlier[*i].keyed).collect();
    if !parents.is_empty() && transport != Transport::Wasm && rng.random_bool(0.6) {
        let parent = pick(rng, &parents);
        let other = &earlier[parent];
        let nullable = rng.random_bool(0.4);
        let columns: Vec<usize> =
            other.key.iter().map(|i| add_column(draft, "ref", other.columns[*i].data_type, nullable)).collect();
        let names = other.key.iter().map(|i| other.columns[*i].name.clone()).collect();
        foreign_key(draft, &columns, other.name.clone(), names);
        draft.references.push(Reference { concept: other.concept, columns, parent: Parent::Earlier(parent) });
        return;
    }
    let concept = pick(rng, concepts);
    let nullable = rng.random_bool(0.4);
    let types = pick(rng, CONCEPTS[concept].keys);
    let columns = types.iter().map(|data_type| add_column(draft, "ref", *data_type, nullable)).collect();
    draft.references.push(Reference { concept, columns, parent: Parent::Elsewhere });
}

/// Adds columns that refer to rows of the table itself.
fn own_reference(rng: &mut StdRng, draft: &mut Draft, transport: Transport) {
    let nullable = rng.random_bool(0.6) || draft.key.iter().any(|i| draft.columns[*i].nullable);
    let types: Vec<DataType> = draft.key.iter().map(|i| draft.columns[*i].data_type).collect();
    let columns: Vec<usize> = types.into_iter().map(|data_type| add_column(draft, "up", data_type, nullable)).collect();
    if draft.keyed && transport != Transport::Wasm {
        let names = draft.key.iter().map(|i| draft.columns[*i].name.clone()).collect();
        foreign_key(draft, &columns, draft.name.clone(), names);
    }
    draft.references.push(Reference { concept: draft.concept, columns, parent: Parent::Own });
}

fn foreign_key(draft: &mut Draft, columns: &[usize], referenced_table: String, referenced_columns: Vec<String>) {
    draft.foreign_keys.push(ForeignKey {
        name: format!("fk{}", draft.references.len()),
        columns: columns.iter().map(|i| draft.columns[*i].name.clone()).collect(),
        referenced_table,
        referenced_columns,
    });
}

fn fill(rng: &mut StdRng, draft: &mut Draft, earlier: &[Draft], transport: Transport) {
    // A reference that may not be null, to a table without rows, leaves nothing to say.
    let barren = draft.references.iter().any(|r| {
        matches!(r.parent, Parent::Earlier(i) if earlier[i].rows.is_empty()) && !draft.columns[r.columns[0]].nullable
    });
    let count = if barren { 0 } else { pick(rng, &[0, 1, 3, 5, 8, 8, 12, 20, 30]) };
    let mut seen = HashSet::new();
    for _ in 0..count {
        let row = row(rng, draft, earlier, transport == Transport::Memory);
        let key: Vec<_> = draft.key.iter().map(|i| format!("{:?}", row[*i])).collect();
        if !draft.keyed || seen.insert(key) {
            draft.rows.push(row);
        }
    }
    refer_to_own(rng, draft);
    if !draft.keyed && !draft.rows.is_empty() && rng.random_bool(0.5) {
        draft.rows.push(draft.rows[0].clone());
    }
}

/// Every row refers to some row of the table, or to none where it may.
fn refer_to_own(rng: &mut StdRng, draft: &mut Draft) {
    let own: Vec<Vec<usize>> =
        draft.references.iter().filter(|r| r.parent == Parent::Own).map(|r| r.columns.clone()).collect();
    for columns in own {
        let nullable = draft.columns[columns[0]].nullable;
        for row in 0..draft.rows.len() {
            let other = draft.rows[rng.random_range(0..draft.rows.len())].clone();
            let none = nullable && rng.random_bool(0.25);
            for (ours, theirs) in columns.iter().zip(&draft.key) {
                draft.rows[row][*ours] = if none { None } else { other[*theirs].clone() };
            }
        }
    }
}

fn row(rng: &mut StdRng, draft: &Draft, earlier: &[Draft], odd: bool) -> Row {
    let mut row: Row = Vec::with_capacity(draft.columns.len());
    for (i, column) in draft.columns.iter().enumerate() {
        if column.nullable && rng.random_bool(0.3) {
            row.push(None);
        } else if draft.key.contains(&i) {
            row.push(Some(pools::key(rng, column.data_type)));
        } else if draft.iris.contains(&i) {
            row.push(Some(Value::Text(iri(rng))));
        } else {
            row.push(Some(pools::value(rng, column.data_type, odd)));
        }
    }
    for reference in &draft.references {
        refer(rng, draft, reference, earlier, &mut row);
    }
    row
}

fn refer(rng: &mut StdRng, draft: &Draft, reference: &Reference, earlier: &[Draft], row: &mut Row) {
    let parent = match reference.parent {
        Parent::Earlier(number) => &earlier[number],
        Parent::Own => return,
        Parent::Elsewhere => {
            for i in &reference.columns {
                let null = draft.columns[*i].nullable && rng.random_bool(0.2);
                row[*i] = (!null).then(|| pools::key(rng, draft.columns[*i].data_type));
            }
            return;
        }
    };
    let nullable = draft.columns[reference.columns[0]].nullable;
    if parent.rows.is_empty() || (nullable && rng.random_bool(0.2)) {
        reference.columns.iter().for_each(|i| row[*i] = None);
        return;
    }
    let other = &parent.rows[rng.random_range(0..parent.rows.len())];
    for (ours, theirs) in reference.columns.iter().zip(&parent.key) {
        row[*ours] = other[*theirs].clone();
    }
}

fn iri(rng: &mut StdRng) -> String {
    let iris = ["part/1", "part/2", "part/A%2FB", "part/x1", "order/1", "rev/1/1", "item/a-b", "machine/1#this", "é"];
    let path = pick(rng, &iris);
    // R2RML allows relative ones, which the base completes.
    if rng.random_bool(0.3) { path.to_owned() } else { format!("{BASE}{path}") }
}
