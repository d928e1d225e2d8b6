//! Reads of one table.

use crate::config::{Config, Row};
use weft_guest::contract::{DataType, End, Outcome};
use weft_guest::{
    BatchBuilder, Code, Error, Item, KeyBlock, Read, Relation, Result, Scan, ScanRequest, Value, compare,
};

pub struct TableScan {
    rows: std::vec::IntoIter<Row>,
    /// The place of each output column in a row.
    output: Vec<usize>,
    types: Vec<DataType>,
    batch_rows: u32,
    batch_bytes: usize,
    sent: u64,
    statements: Vec<String>,
}

fn refused(message: String) -> Error {
    Error::new(Code::InvalidRequest, message)
}

impl TableScan {
    pub fn open(config: Config, request: ScanRequest) -> Result<Self> {
        let Relation::Read(read) = request.relation else {
            return Err(refused("only single tables are read".to_owned()));
        };
        let table = config.load()?.into_iter().find(|table| table.name == read.table);
        let table = table.ok_or_else(|| Error::new(Code::SchemaChanged, format!("no table {:?}", read.table)))?;
        for field in &read.schema {
            let column = table.columns.iter().find(|column| column.name == field.name);
            let same = column.is_some_and(|c| same_type(c.data_type, field.data_type) && c.nullable == field.nullable);
            if !same {
                let message = format!("column {:?} of table {:?} is not what it was", field.name, read.table);
                return Err(Error::new(Code::SchemaChanged, message));
            }
        }
        let place = |name: &str| table.columns.iter().position(|column| column.name == name);
        let mut rows = Vec::new();
        for row in table.rows {
            if read.limit.is_some_and(|limit| rows.len() as u64 >= limit) || request.explain {
                break;
            }
            if matches(&read, &row, &place)? {
                rows.push(row);
            }
        }
        let output = read.columns.iter().map(|name| {
            let place = place(name).ok_or_else(|| refused(format!("no column {name:?}")))?;
            Ok((place, read.field(name)?.data_type))
        });
        let (output, types) = output.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Self {
            rows: rows.into_iter(),
            output,
            types,
            batch_rows: request.batch_rows,
            batch_bytes: request.batch_bytes as usize,
            sent: 0,
            statements: vec![format!("read {}", read.table)],
        })
    }
}

fn same_type(a: DataType, b: DataType) -> bool {
    match (a, b) {
        (DataType::Decimal(a), DataType::Decimal(b)) => (a.precision, a.scale) == (b.precision, b.scale),
        (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}

fn matches(read: &Read, row: &Row, place: &impl Fn(&str) -> Option<usize>) -> Result<bool> {
    if let Some(keys) = &read.keys {
        if !in_block(keys, row, place)? {
            return Ok(false);
        }
    }
    let Some(filter) = &read.filter else { return Ok(true) };
    let value = |column: &weft_guest::ColumnRef| place(&column.name).and_then(|i| row.get(i)).map(Option::as_ref);
    Ok(filter.holds(&value)? == Some(true))
}

fn in_block(keys: &KeyBlock, row: &Row, place: &impl Fn(&str) -> Option<usize>) -> Result<bool> {
    let mut values: Vec<Option<&Value>> = Vec::with_capacity(keys.columns.len());
    for name in &keys.columns {
        let place = place(name).ok_or_else(|| refused(format!("no key column {name:?}")))?;
        values.push(row.get(place).and_then(Option::as_ref));
    }
    let equal =
        |(value, key): (&Option<&Value>, &Value)| value.is_some_and(|v| compare(v, key).is_some_and(|o| o.is_eq()));
    Ok(keys.rows.iter().any(|key| values.iter().zip(key).all(equal)))
}

impl Scan for TableScan {
    fn next(&mut self) -> Result<Item> {
        let mut builder = BatchBuilder::new(self.types.clone());
        while builder.rows() < self.batch_rows && builder.bytes() < self.batch_bytes {
            let Some(row) = self.rows.next() else { break };
            let values = self.output.iter().map(|place| row.get(*place).and_then(Option::as_ref));
            builder
                .push(values)
                .map_err(|wrong| refused(format!("output column {} has another type", wrong.column)))?;
        }
        if builder.rows() > 0 {
            self.sent += u64::from(builder.rows());
            return Ok(Item::Batch(builder.finish()));
        }
        let statements = std::mem::take(&mut self.statements);
        Ok(Item::End(End { outcome: Outcome::Complete, rows: self.sent, statements }))
    }
}
