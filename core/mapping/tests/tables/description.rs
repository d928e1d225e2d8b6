//! Tables written in a few words: a line for each, `name column:type ...`, with `!` behind the type of a column that is
//! never null and `?` behind that of a text which is not compared by code point. Indented lines below a table are
//! `key column ...`, `foreign column,... -> table(column,...)`, `lower` (of a database that reads names without quotes in lower
//! case) and `query SELECT ...` (the table is made of it).

use weft_model::contract::{
    Binding, Column, ContractRange, DataType, Description, ForeignKey, RelationalCapabilities, SqlTable, Table,
    TextComparison, UnquotedNames,
};

pub(crate) fn description(text: &str) -> Description {
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        match (line.starts_with(' '), words.next().unwrap()) {
            (false, name) => tables.push(table(name, words)),
            (true, "key") => tables.last_mut().unwrap().keys.push(words.map(str::to_owned).collect()),
            (true, "foreign") => tables.last_mut().unwrap().foreign_keys.push(foreign_key(&words.collect::<Vec<_>>())),
            (true, "lower") => sql(tables.last_mut().unwrap()).unquoted = UnquotedNames::LowerCase,
            (true, "query") => sql(tables.last_mut().unwrap()).query = Some(words.collect::<Vec<_>>().join(" ")),
            (true, other) => panic!("{other} is none of key, foreign, lower and query"),
        }
    }
    Description {
        name: "test".into(),
        version: "1".into(),
        contract: ContractRange { min: 1, max: 1 },
        config_schema: "{}".into(),
        tables,
        relational: RelationalCapabilities::read_only(),
        default_mapping: None,
        change_feed: None,
    }
}

fn sql(table: &mut Table) -> &mut SqlTable {
    table.sql.get_or_insert(SqlTable { unquoted: UnquotedNames::AsWritten, query: None })
}

fn table<'a>(name: &str, columns: impl Iterator<Item = &'a str>) -> Table {
    Table {
        name: name.into(),
        columns: columns.map(column).collect(),
        keys: Vec::new(),
        foreign_keys: Vec::new(),
        rows: None,
        filters: Vec::new(),
        max_keys: 0,
        sql: None,
    }
}

fn column(text: &str) -> Column {
    let (name, data_type) = text.split_once(':').unwrap();
    let kind = data_type.trim_end_matches(['!', '?']);
    Column {
        name: name.into(),
        data_type: parse_type(kind),
        nullable: !data_type.contains('!'),
        native_type: kind.into(),
        unit: None,
        text_comparison: if data_type.contains('?') { TextComparison::Unknown } else { TextComparison::CodePoint },
        binding: Binding::Optional,
        filterable: true,
        sortable: true,
        distinct: None,
    }
}

fn parse_type(text: &str) -> DataType {
    if let Some(arguments) = text.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')) {
        let (precision, scale) = arguments.split_once(',').unwrap();
        return DataType::Decimal { precision: precision.parse().unwrap(), scale: scale.parse().unwrap() };
    }
    match text {
        "boolean" => DataType::Boolean,
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "text" => DataType::Text,
        "date" => DataType::Date,
        "instant" => DataType::Timestamp { zoned: true },
        "timestamp" => DataType::Timestamp { zoned: false },
        "binary" => DataType::Binary,
        other => panic!("no type {other}"),
    }
}

fn foreign_key(words: &[&str]) -> ForeignKey {
    let [columns, "->", target] = words else { panic!("a foreign key is written a,b -> table(c,d)") };
    let (table, referenced) = target.trim_end_matches(')').split_once('(').unwrap();
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    ForeignKey {
        name: format!("fk_{}", columns.replace(',', "_")),
        columns: list(columns),
        referenced_table: table.into(),
        referenced_columns: list(referenced),
    }
}
