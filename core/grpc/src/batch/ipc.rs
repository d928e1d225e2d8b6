//! Arrow IPC streams of one batch.
//!
//! The reader of the Arrow crate trusts the framing, the schema and the buffer positions of what it reads: a wrong one is
//! a panic there. So all three are checked here first, and only types that can become a contract type get through.

use super::{BatchError, MAX_ROWS};
use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{Endianness, Field, Message, MetadataVersion, Precision, Type, root_as_message};
use arrow_schema::{DataType, Field as ArrowField, Schema};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

const CONTINUATION: u32 = 0xFFFF_FFFF;
const ALIGNMENT: usize = 8;
const MAX_COLUMNS: usize = 10_000;

/// Text and binary travel with offsets: more compact than views, and known to every Arrow implementation.
pub(super) fn encode(batch: &RecordBatch) -> Result<Vec<u8>, BatchError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let array = to_wire(array);
        let data_type = array.data_type();
        if !can_encode(data_type) {
            let reason = format!("{data_type} is not a type of the contract");
            return Err(BatchError::Column(field.name().clone(), reason));
        }
        fields.push(ArrowField::new(field.name(), data_type.clone(), field.is_nullable()));
        columns.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &rows)?;
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options)?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

fn to_wire(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => {
            let views = array.as_string_view();
            let bytes = views.lengths().map(|length| length as usize).sum();
            let mut builder = StringBuilder::with_capacity(views.len(), bytes);
            builder.extend(views.iter());
            Arc::new(builder.finish())
        }
        DataType::BinaryView => {
            let views = array.as_binary_view();
            let bytes = views.lengths().map(|length| length as usize).sum();
            let mut builder = BinaryBuilder::with_capacity(views.len(), bytes);
            builder.extend(views.iter());
            Arc::new(builder.finish())
        }
        _ => array.clone(),
    }
}

fn can_encode(data_type: &DataType) -> bool {
    use arrow_schema::TimeUnit::Microsecond;
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int64
            | DataType::Decimal128(_, _)
            | DataType::Float64
            | DataType::Utf8
            | DataType::Date32
            | DataType::Timestamp(Microsecond, _)
            | DataType::Binary
    )
}

fn broken(reason: impl Into<String>) -> BatchError {
    BatchError::Ipc(reason.into())
}

/// A schema message, one record batch message, and perhaps an end-of-stream marker.
pub(super) fn decode(bytes: Bytes) -> Result<RecordBatch, BatchError> {
    let mut frames = Frames { bytes: &bytes, position: 0 };
    let head = frames.next()?.ok_or_else(|| broken("it has no schema"))?;
    let schema_message = parse(head.metadata)?;
    let schema = check_schema(&schema_message)?;
    let body = frames.next()?.ok_or_else(|| broken("it has no record batch"))?;
    if frames.next()?.is_some() {
        return Err(broken("it has more than one record batch"));
    }
    let message = parse(body.metadata)?;
    let batch = message.header_as_record_batch().ok_or_else(|| broken("the second message is not a record batch"))?;
    check_batch(&batch, &schema, body.length)?;
    let schema = Arc::new(schema);
    let buffer = Buffer::from(bytes.slice(body.start..body.start + body.length));
    Ok(read_record_batch(&buffer, batch, schema, &HashMap::new(), None, &message.version())?)
}

fn parse(metadata: &[u8]) -> Result<Message<'_>, BatchError> {
    root_as_message(metadata).map_err(|error| broken(format!("a message cannot be read: {error}")))
}

struct Frame<'a> {
    metadata: &'a [u8],
    /// Where the body is in the whole.
    start: usize,
    length: usize,
}

struct Frames<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Frames<'a> {
    fn next(&mut self) -> Result<Option<Frame<'a>>, BatchError> {
        if self.position == self.bytes.len() {
            return Ok(None);
        }
        let mut length = self.number()?;
        if length == CONTINUATION {
            length = self.number()?;
        }
        if length == 0 {
            if self.position != self.bytes.len() {
                return Err(broken("bytes follow the end of the stream"));
            }
            return Ok(None);
        }
        let metadata = self.take(length as usize)?;
        let body =
            usize::try_from(parse(metadata)?.bodyLength()).map_err(|_| broken("a body has a negative length"))?;
        let start = self.position;
        self.take(body)?;
        Ok(Some(Frame { metadata, start, length: body }))
    }

    fn number(&mut self) -> Result<u32, BatchError> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BatchError> {
        let end = self.position.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.position..end)).ok_or_else(|| broken("it is cut off"))?;
        self.position += length;
        Ok(taken)
    }
}

fn check_schema(message: &Message<'_>) -> Result<Schema, BatchError> {
    let schema = message.header_as_schema().ok_or_else(|| broken("the first message is not a schema"))?;
    if schema.endianness() != Endianness::Little {
        return Err(broken("it is not little endian"));
    }
    let fields = schema.fields().ok_or_else(|| broken("the schema has no fields"))?;
    if fields.len() > MAX_COLUMNS {
        return Err(broken(format!("it has more than {MAX_COLUMNS} columns")));
    }
    for field in fields {
        let name = || field.name().unwrap_or_default().to_owned();
        if field.dictionary().is_some() {
            return Err(BatchError::Column(name(), "dictionaries are not allowed".to_owned()));
        }
        if !can_decode(&field) {
            let reason =
                format!("Arrow type {:?}, as declared, cannot become a type of the contract", field.type_type());
            return Err(BatchError::Column(name(), reason));
        }
    }
    Ok(fb_to_schema(schema))
}

/// Exactly the types that `normalise` knows, with parameters that the Arrow crate reads without panic.
fn can_decode(field: &Field<'_>) -> bool {
    if field.children().is_some_and(|children| !children.is_empty()) {
        return false;
    }
    match field.type_type() {
        Type::Bool | Type::Utf8 | Type::LargeUtf8 | Type::Utf8View => true,
        Type::Binary | Type::LargeBinary | Type::BinaryView => true,
        Type::Int => field
            .type_as_int()
            .is_some_and(|int| matches!((int.bitWidth(), int.is_signed()), (8 | 16 | 32, _) | (64, true))),
        Type::FloatingPoint => field
            .type_as_floating_point()
            .is_some_and(|float| matches!(float.precision(), Precision::SINGLE | Precision::DOUBLE)),
        Type::Date => field.type_as_date().is_some_and(|date| date.unit() == arrow_ipc::DateUnit::DAY),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|timestamp| {
            use arrow_ipc::TimeUnit;
            matches!(timestamp.unit(), TimeUnit::SECOND | TimeUnit::MILLISECOND | TimeUnit::MICROSECOND)
        }),
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            decimal.bitWidth() == 128
                && (1..=38).contains(&decimal.precision())
                && (0..=decimal.precision()).contains(&decimal.scale())
        }),
        _ => false,
    }
}

fn check_batch(batch: &arrow_ipc::RecordBatch<'_>, schema: &Schema, body: usize) -> Result<(), BatchError> {
    if batch.compression().is_some() {
        return Err(broken("it is compressed"));
    }
    let rows = usize::try_from(batch.length()).ok().filter(|rows| *rows <= MAX_ROWS);
    let rows = rows.ok_or_else(|| broken("the number of rows is not possible"))?;
    let nulls = null_counts(batch, schema.fields().len(), rows)?;
    let lengths = buffer_lengths(batch, body)?;
    let mut data_buffers = batch.variadicBufferCounts().into_iter().flatten();
    let mut next = 0_usize;
    for (field, nulls) in schema.fields().iter().zip(nulls) {
        let layout = Layout::of(field.data_type(), rows);
        let more = if layout.is_view {
            let count = data_buffers.next().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|count| *count <= lengths.len());
            count.ok_or_else(|| broken("the buffers of a view column are not counted"))?
        } else {
            layout.more
        };
        let (Some(validity), Some(values)) = (lengths.get(next), lengths.get(next + 1)) else {
            return Err(broken("a column has no buffers"));
        };
        if nulls > 0 && *validity < rows.div_ceil(8) {
            return Err(broken("a validity buffer is too short"));
        }
        if *values < layout.bytes || values % layout.width != 0 {
            return Err(broken("a buffer is too short, or ends within an element"));
        }
        next += 2 + more;
    }
    if data_buffers.next().is_some() || next != lengths.len() {
        return Err(broken(format!("{} buffers came instead of {next}", lengths.len())));
    }
    Ok(())
}

/// What the second buffer of a column must hold (the first is its validity), and how many follow it.
struct Layout {
    width: usize,
    bytes: usize,
    more: usize,
    is_view: bool,
}

impl Layout {
    fn of(data_type: &DataType, rows: usize) -> Self {
        let fixed = |width| Self { width, bytes: rows * width, more: 0, is_view: false };
        // Without rows, the one offset may be left out.
        let offsets =
            |width| Self { width, bytes: if rows == 0 { 0 } else { (rows + 1) * width }, more: 1, is_view: false };
        match data_type {
            DataType::Boolean => Self { width: 1, bytes: rows.div_ceil(8), more: 0, is_view: false },
            DataType::Utf8 | DataType::Binary => offsets(4),
            DataType::LargeUtf8 | DataType::LargeBinary => offsets(8),
            DataType::Utf8View | DataType::BinaryView => Self { is_view: true, ..fixed(16) },
            other => fixed(other.primitive_width().unwrap_or(1)),
        }
    }
}

fn null_counts(batch: &arrow_ipc::RecordBatch<'_>, columns: usize, rows: usize) -> Result<Vec<usize>, BatchError> {
    let nodes = batch.nodes().ok_or_else(|| broken("the record batch has no nodes"))?;
    if nodes.len() != columns {
        return Err(broken(format!("{} columns are declared, but {} came", columns, nodes.len())));
    }
    let mut counts = Vec::with_capacity(columns);
    for node in nodes {
        let nulls = usize::try_from(node.null_count()).ok().filter(|nulls| *nulls <= rows);
        if usize::try_from(node.length()) != Ok(rows) || nulls.is_none() {
            return Err(broken("a column has another number of rows than the batch"));
        }
        counts.extend(nulls);
    }
    Ok(counts)
}

fn buffer_lengths(batch: &arrow_ipc::RecordBatch<'_>, body: usize) -> Result<Vec<usize>, BatchError> {
    let buffers = batch.buffers().ok_or_else(|| broken("the record batch has no buffers"))?;
    let mut lengths = Vec::with_capacity(buffers.len());
    for buffer in buffers {
        let (offset, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let span = offset.ok().zip(length.ok());
        let end = span.and_then(|(offset, length)| offset.checked_add(length));
        if end.is_none_or(|end| end > body) {
            return Err(broken("a buffer is outside of the body"));
        }
        lengths.extend(span.map(|(_, length)| length));
    }
    Ok(lengths)
}
