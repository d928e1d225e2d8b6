//! Different keys, numbered as they come.

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::SchemaRef;
use datafusion_common::{DataFusionError, Result};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

/// Rows whose keys are encoded at once.
const CHUNK: usize = 1_024;

/// The keys seen so far, each once, one after the other in one buffer. Columns that are all null are a key, too.
pub(super) struct KeySet {
    columns: Vec<usize>,
    converter: RowConverter,
    keys: Rows,
    /// Positions among the keys.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl KeySet {
    /// The keys are what rows of the schema have in these columns; without columns there is one key.
    pub(super) fn new(schema: &SchemaRef, columns: Vec<usize>) -> Result<Self> {
        let fields = columns.iter().map(|c| SortField::new(schema.field(*c).data_type().clone())).collect();
        let converter = RowConverter::new(fields)?;
        let keys = converter.empty_rows(0, 0);
        Ok(Self { columns, converter, keys, table: HashTable::new(), hasher: DefaultHashBuilder::default() })
    }

    pub(super) fn len(&self) -> usize {
        if self.columns.is_empty() { 1 } else { self.keys.num_rows() }
    }

    /// Bytes of the keys and their table.
    pub(super) fn size(&self) -> usize {
        self.keys.size() + self.table.capacity() * 2 * size_of::<u32>()
    }

    /// The bytes of each key, in their order.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.keys.iter().map(|key| key.data().len())
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.table.clear();
    }

    /// Appends the numbers of the keys of the first rows, as many as there are before the one that would be a key more
    /// than `most`, and says how many those are.
    pub(super) fn number(&mut self, batch: &RecordBatch, most: usize, numbers: &mut Vec<u32>) -> Result<usize> {
        let rows = batch.num_rows();
        if self.columns.is_empty() {
            numbers.resize(numbers.len() + rows, 0);
            return Ok(rows);
        }
        for start in (0..rows).step_by(CHUNK) {
            let length = CHUNK.min(rows - start);
            let fitting = self.number_chunk(batch, start, length, most, numbers)?;
            if fitting < length {
                return Ok(start + fitting);
            }
        }
        Ok(rows)
    }

    /// Adds the keys of all rows.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.number(batch, usize::MAX, &mut Vec::new()).map(|_| ())
    }

    /// The rows whose keys are not among those seen.
    pub(super) fn others(&mut self, batch: &RecordBatch) -> Result<BooleanArray> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| batch.column(*c).clone()).collect();
        let encoded = self.converter.convert_columns(&columns)?;
        let is_other = |row| {
            let key = encoded.row(row);
            let hash = self.hasher.hash_one(key.data());
            self.table.find(hash, |n| self.keys.row(*n as usize).data() == key.data()).is_none()
        };
        Ok((0..batch.num_rows()).map(|row| Some(is_other(row))).collect())
    }

    fn number_chunk(
        &mut self,
        batch: &RecordBatch,
        start: usize,
        length: usize,
        most: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<usize> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| batch.column(*c).slice(start, length)).collect();
        let encoded = self.converter.convert_columns(&columns)?;
        for row in 0..length {
            let key = encoded.row(row);
            let hash = self.hasher.hash_one(key.data());
            if let Some(known) = self.table.find(hash, |n| self.keys.row(*n as usize).data() == key.data()) {
                numbers.push(*known);
                continue;
            }
            if self.keys.num_rows() >= most {
                return Ok(row);
            }
            let number = u32::try_from(self.keys.num_rows())
                .map_err(|_| DataFusionError::ResourcesExhausted("more than 2^32 keys".to_owned()))?;
            self.keys.push(key);
            let (keys, hasher) = (&self.keys, &self.hasher);
            self.table.insert_unique(hash, number, |n| hasher.hash_one(keys.row(*n as usize).data()));
            numbers.push(number);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow_array::{Int64Array, StringViewArray};
    use arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;

    fn rows(numbers: Vec<Option<i64>>, texts: Vec<Option<&str>>) -> RecordBatch {
        let fields = vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8View, true)];
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(numbers)), Arc::new(StringViewArray::from_iter(texts))];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    #[test]
    fn keys_are_numbered_once_over_all_batches() {
        let batch =
            rows(vec![Some(1), Some(1), None, Some(2), None], vec![Some("a"), Some("b"), None, Some("a"), None]);
        let mut both = KeySet::new(&batch.schema(), vec![0, 1]).unwrap();
        let mut numbers = Vec::new();
        assert_eq!(both.number(&batch, 10, &mut numbers).unwrap(), 5);
        assert_eq!(both.number(&batch.slice(1, 2), 10, &mut numbers).unwrap(), 2);
        assert_eq!((numbers, both.len()), (vec![0, 1, 2, 3, 2, 1, 2], 4));
        both.clear();
        assert_eq!(both.len(), 0);
        let mut none = KeySet::new(&batch.schema(), Vec::new()).unwrap();
        let mut numbers = Vec::new();
        assert_eq!(none.number(&batch, 1, &mut numbers).unwrap(), 5);
        assert_eq!((numbers, none.len()), (vec![0; 5], 1));
    }

    #[test]
    fn others_are_the_rows_of_keys_that_were_not_added() {
        let batch = rows(vec![Some(1), Some(2), None, Some(2)], vec![Some("a"), Some("b"), None, Some("a")]);
        let mut keys = KeySet::new(&batch.schema(), vec![0, 1]).unwrap();
        keys.add(&batch.slice(1, 2)).unwrap();
        let others: Vec<bool> = keys.others(&batch).unwrap().iter().flatten().collect();
        assert_eq!(others, [true, false, false, true]);
    }

    #[test]
    fn rows_fit_up_to_the_key_that_is_one_too_many() {
        let count = i64::try_from(3 * CHUNK).unwrap();
        let batch = rows((0..count).map(|n| Some(n / 2)).collect(), vec![None; 3 * CHUNK]);
        for most in [0, 1, CHUNK / 2, CHUNK / 2 + 1, CHUNK] {
            let mut keys = KeySet::new(&batch.schema(), vec![0]).unwrap();
            let mut numbers = Vec::new();
            assert_eq!(keys.number(&batch, most, &mut numbers).unwrap(), 2 * most, "{most}");
            assert_eq!((numbers.len(), keys.len()), (2 * most, most), "{most}");
        }
    }
}
