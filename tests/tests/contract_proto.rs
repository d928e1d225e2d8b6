//! The contract's model and its protobuf encoding mean the same, and nothing foreign breaks the decoder.

#![allow(clippy::unwrap_used, clippy::panic)]

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType as ArrowType;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use weft_grpc::convert::*;
use weft_model::contract::{DataType, Expression, Field, Relation, TimePart, Value};
use weft_model::{Code, Fault};
use weft_proto::v1;
use weft_tests::arbitrary;

const MESSAGE_BYTES: usize = 16 << 20;

/// Over the wire and back.
fn sent<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

fn fields_and_batch() -> impl Strategy<Value = (Vec<Field>, RecordBatch)> {
    arbitrary::fields().prop_flat_map(|fields| (Just(fields.clone()), arbitrary::batch(fields)))
}

proptest! {
    #[test]
    fn descriptions(description in arbitrary::description()) {
        prop_assert_eq!(decode_description(sent(&encode_description(&description))).unwrap(), description);
    }

    #[test]
    fn checks(check in arbitrary::check()) {
        prop_assert_eq!(decode_check(sent(&encode_check(&check))).unwrap(), check);
    }

    #[test]
    fn scan_requests(request in arbitrary::scan_request()) {
        let limits = Limits::default();
        let wire = sent(&encode_scan_request(&request, &limits).unwrap());
        prop_assert_eq!(decode_scan_request(wire, &limits).unwrap(), request);
    }

    #[test]
    fn ends(end in arbitrary::end()) {
        prop_assert_eq!(decode_end(sent(&encode_end(&end))).unwrap(), end);
    }

    #[test]
    fn errors(error in arbitrary::contract_error()) {
        prop_assert_eq!(decode_error(sent(&encode_error(&error)), Code::Internal), error.clone());
        let with_detail = error.with_detail("password=hunter2");
        let wire = encode_error(&with_detail).encode_to_vec();
        prop_assert!(!wire.windows(7).any(|bytes| bytes == b"hunter2"));
    }

    #[test]
    fn arrow_batches((_, batch) in fields_and_batch()) {
        let mut messages = encode_batch(&batch, MESSAGE_BYTES).unwrap();
        prop_assert_eq!(messages.len(), 1);
        prop_assert_eq!(decode_batch(sent(&messages.remove(0))).unwrap(), batch);
    }

    #[test]
    fn plain_columns((fields, batch) in fields_and_batch()) {
        let columns = plain(&fields, &batch);
        let message = v1::Batch { encoding: Some(v1::batch::Encoding::Columns(columns)) };
        prop_assert_eq!(decode_batch(sent(&message)).unwrap(), batch);
    }

    #[test]
    fn damaged_arrow_bytes_never_panic(
        (_, batch) in fields_and_batch(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let messages = encode_batch(&batch, MESSAGE_BYTES).unwrap();
        let Some(v1::batch::Encoding::ArrowIpc(bytes)) = &messages[0].encoding else { panic!("not Arrow") };
        let mut bytes = bytes.to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let message = v1::Batch { encoding: Some(v1::batch::Encoding::ArrowIpc(bytes.into())) };
        if let Ok(decoded) = decode_batch(message) {
            touch_everything(&decoded);
        }
    }

    #[test]
    fn damaged_columns_never_panic(
        (fields, batch) in fields_and_batch(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let columns = plain(&fields, &batch);
        let mut bytes = v1::Batch { encoding: Some(v1::batch::Encoding::Columns(columns)) }.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(decoded) = v1::Batch::decode(bytes.as_slice()).ok().and_then(|batch| decode_batch(batch).ok()) {
            touch_everything(&decoded);
        }
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let message = v1::Batch { encoding: Some(v1::batch::Encoding::ArrowIpc(bytes.clone().into())) };
        prop_assert!(decode_batch(message).is_err());
        let limits = Limits::default();
        let _ = v1::ScanRequest::decode(bytes.as_slice()).map(|wire| decode_scan_request(wire, &limits));
        let _ = v1::Description::decode(bytes.as_slice()).map(decode_description);
        let _ = v1::CheckResponse::decode(bytes.as_slice()).map(decode_check);
        let _ = v1::ErrorDetail::decode(bytes.as_slice()).map(|wire| decode_error(wire, Code::Internal));
    }

    #[test]
    fn damaged_requests_never_panic(
        request in arbitrary::scan_request(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let limits = Limits::default();
        let mut bytes = encode_scan_request(&request, &limits).unwrap().encode_to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = v1::ScanRequest::decode(bytes.as_slice()).map(|wire| decode_scan_request(wire, &limits));
    }
}

/// Reads every value the way the engine would, so that a batch that only seems valid shows itself.
fn touch_everything(batch: &RecordBatch) {
    for column in batch.columns() {
        assert_eq!(column.len(), batch.num_rows());
        column.to_data().validate_full().unwrap();
        match column.data_type() {
            ArrowType::Utf8View => assert!(column.as_string_view().iter().flatten().all(|t| t.len() < 1 << 30)),
            ArrowType::BinaryView => assert!(column.as_binary_view().iter().flatten().all(|t| t.len() < 1 << 30)),
            _ => assert!(column.null_count() <= column.len()),
        }
    }
}

fn bits(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, bit) in bits.enumerate() {
        if i % 8 == 0 {
            bytes.push(0);
        }
        if bit {
            *bytes.last_mut().unwrap() |= 1 << (i % 8);
        }
    }
    bytes
}

/// The layout as the protobuf file describes it, written without Arrow's help.
fn plain(fields: &[Field], batch: &RecordBatch) -> v1::Columns {
    let columns =
        fields.iter().zip(batch.columns()).map(|(field, array)| plain_column(field, array.as_ref())).collect();
    v1::Columns { rows: u32::try_from(batch.num_rows()).unwrap(), columns }
}

fn plain_column(field: &Field, array: &dyn Array) -> v1::ColumnData {
    let mut column = v1::ColumnData { name: field.name.clone(), nullable: field.nullable, ..Default::default() };
    if array.null_count() > 0 {
        column.validity = bits((0..array.len()).map(|row| array.is_valid(row))).into();
    }
    let kind = |kind: v1::TypeKind| v1::DataType { kind: kind.into(), ..Default::default() };
    let (data_type, values) = match field.data_type {
        DataType::Boolean => {
            let array = array.as_boolean();
            (kind(v1::TypeKind::Boolean), bits((0..array.len()).map(|row| array.is_valid(row) && array.value(row))))
        }
        DataType::Int64 => (
            kind(v1::TypeKind::Int64),
            array.as_primitive::<Int64Type>().values().iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        DataType::Float64 => (
            kind(v1::TypeKind::Float64),
            array.as_primitive::<Float64Type>().values().iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        DataType::Date => (
            kind(v1::TypeKind::Date),
            array.as_primitive::<Date32Type>().values().iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        DataType::Decimal { precision, scale } => (
            v1::DataType { precision: precision.into(), scale: scale.into(), ..kind(v1::TypeKind::Decimal) },
            array.as_primitive::<Decimal128Type>().values().iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        DataType::Timestamp { zoned } => (
            v1::DataType { zoned, ..kind(v1::TypeKind::Timestamp) },
            array.as_primitive::<TimestampMicrosecondType>().values().iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        DataType::Text => {
            let texts = array.as_string_view();
            let (offsets, values) = concatenated(texts.iter().map(|text| text.unwrap_or_default().as_bytes()));
            column.offsets = offsets.into();
            (kind(v1::TypeKind::Text), values)
        }
        DataType::Binary => {
            let (offsets, values) = concatenated(array.as_binary_view().iter().map(Option::unwrap_or_default));
            column.offsets = offsets.into();
            (kind(v1::TypeKind::Binary), values)
        }
    };
    column.data_type = Some(data_type);
    column.values = values.into();
    column
}

fn concatenated<'a>(values: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut offsets = 0_u32.to_le_bytes().to_vec();
    for value in values {
        bytes.extend_from_slice(value);
        offsets.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    }
    (offsets, bytes)
}

fn node(node: v1::expression_node::Node) -> v1::ExpressionNode {
    v1::ExpressionNode { node: Some(node) }
}

fn filtered(nodes: Vec<v1::ExpressionNode>) -> v1::Relation {
    let read = v1::Read { filter: Some(v1::Expression { nodes }), ..Default::default() };
    v1::Relation { nodes: vec![v1::RelationNode { node: Some(v1::relation_node::Node::Read(read)) }] }
}

#[test]
fn node_lists_that_are_not_one_tree_are_refused() {
    use v1::expression_node::Node as N;
    let limits = Limits { nodes: 50, depth: 10, ..Limits::default() };
    let leaf = || node(N::Column(v1::ColumnRef::default()));
    let both = |left, right| node(N::Compare(v1::Compare { operator: 1, left, right }));
    let chain = |levels: u32| -> Vec<_> {
        (0..levels).map(|i| if i == 0 { leaf() } else { node(N::Negation(i - 1)) }).collect()
    };
    for (nodes, text) in [
        (vec![], "is missing"),
        (vec![node(N::Negation(0))], "names the child 0"),
        (vec![leaf(), node(N::Negation(5))], "names the child 5"),
        (vec![leaf(), both(0, 0)], "names the child 0"),
        (vec![leaf(), leaf(), node(N::Negation(1))], "node 0 of a condition is not part"),
        (vec![v1::ExpressionNode { node: None }], "does not know"),
        (vec![leaf(), leaf(), node(N::Compare(v1::Compare { operator: 99, left: 0, right: 1 }))], "does not know"),
        (vec![node(N::Literal(v1::Value { value: None }))], "does not know"),
        (chain(11), "more than 10 levels"),
        (chain(51), "more than 50 nodes"),
    ] {
        let error = decode_relation(sent(&filtered(nodes)), &limits).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    assert!(decode_relation(filtered(chain(10)), &limits).is_ok());
    assert!(decode_relation(v1::Relation { nodes: vec![v1::RelationNode { node: None }] }, &limits).is_err());
}

#[test]
fn our_own_trees_are_held_to_the_limits_too() {
    let mut deep = Expression::Literal(Value::Boolean(true));
    for _ in 0..500 {
        deep = Expression::Not(Box::new(deep));
    }
    let mut read = weft_model::contract::Read {
        table: "t".into(),
        alias: String::new(),
        columns: vec![],
        schema: vec![],
        filter: Some(deep),
        keys: None,
        limit: None,
    };
    let error = encode_relation(&Relation::Read(read.clone()), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("levels"), "{error}");
    read.filter = Some(Expression::And(vec![Expression::Literal(Value::Boolean(true)); 20_000]));
    let error = encode_relation(&Relation::Read(read), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("nodes"), "{error}");
}

#[test]
fn a_later_version_is_understood_as_far_as_that_is_safe() {
    let int = || v1::DataType { kind: v1::TypeKind::Int64.into(), ..Default::default() };
    let column = |name: &str, data_type| v1::Column {
        name: name.into(),
        data_type: Some(data_type),
        binding: 77,
        text_comparison: 77,
        filterable: true,
        ..Default::default()
    };
    let future = v1::DataType { kind: 99, ..Default::default() };
    let filter = |operation, data_type, level| v1::FilterCapability { operation, data_type, level };
    let table = v1::Table {
        name: "t".into(),
        columns: vec![column("a", int()), column("b", future)],
        keys: vec![v1::Key { columns: vec!["b".into()] }, v1::Key { columns: vec!["a".into()] }],
        filters: vec![filter(1, 2, 3), filter(99, 2, 3), filter(1, 99, 3), filter(1, 2, 99), filter(0, 0, 0)],
        ..Default::default()
    };
    let wire = v1::Description {
        contract: Some(v1::ContractRange { min: 1, max: 9 }),
        tables: vec![table],
        relational: Some(v1::RelationalCapabilities {
            join: 9,
            sort: 9,
            aggregates: vec![1, 9],
            time_parts: vec![1, 99, 0],
            ..Default::default()
        }),
        ..Default::default()
    };
    let description = decode_description(wire.clone()).unwrap();
    let table = &description.tables[0];
    assert_eq!(table.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(table.keys, [["a"]]);
    assert_eq!(table.filters.len(), 1);
    assert_eq!(description.relational.aggregates.len(), 1);
    assert_eq!(description.relational.time_parts, [TimePart::Year]);

    let mut broken = wire;
    broken.tables[0].columns[0].data_type = None;
    let error = decode_description(broken).unwrap_err().to_string();
    assert!(error.contains("column a of table t"), "{error}");
    assert!(decode_end(v1::End::default()).is_err(), "no outcome is not complete");
    let unknown = v1::ErrorDetail { code: "from-the-future".into(), fault: 42, ..Default::default() };
    let error = decode_error(unknown, Code::SourceFailed);
    assert_eq!((error.code, error.fault), (Code::SourceFailed, Fault::Connector));
}

#[test]
fn a_projected_column_that_is_not_known_is_refused() {
    use v1::project_column::Source;
    let read = v1::RelationNode { node: Some(v1::relation_node::Node::Read(v1::Read::default())) };
    let projected = |source| {
        let column = v1::ProjectColumn { name: "p".into(), source };
        let project = v1::Project { input: 0, columns: vec![column] };
        let node = v1::RelationNode { node: Some(v1::relation_node::Node::Project(project)) };
        decode_relation(sent(&v1::Relation { nodes: vec![read.clone(), node] }), &Limits::default())
    };
    let column = || Some(v1::ColumnRef { relation: String::new(), name: "at".into() });
    let part = |column, part| Some(Source::Part(v1::PartOfTime { column, part }));
    for source in [None, part(column(), 0), part(column(), 99), part(None, 1)] {
        assert!(projected(source.clone()).is_err(), "{source:?}");
    }
    let Ok(Relation::Project { columns, .. }) = projected(part(column(), 4)) else { panic!("not a projection") };
    assert_eq!(columns[0].part, Some(TimePart::Hours));
    // A reader of a version without parts finds no column there, and refuses too.
    let mut tags = v1::ProjectColumn { name: String::new(), source: part(column(), 1) }.encode_to_vec();
    tags.truncate(1);
    assert_eq!(tags, [3 << 3 | 2]);
}

#[test]
fn nan_and_negative_zero_keep_their_bits() {
    for value in [f64::NAN, -0.0, f64::MIN_POSITIVE] {
        let check = weft_model::contract::Check {
            system: String::new(),
            tables: vec![(String::new(), weft_model::contract::CheckOutcome::Row(vec![Some(Value::Float64(value))]))],
        };
        let back = decode_check(sent(&encode_check(&check))).unwrap();
        let weft_model::contract::CheckOutcome::Row(row) = &back.tables[0].1 else { panic!("not a row") };
        let Some(Value::Float64(came)) = row[0] else { panic!("not a number") };
        assert_eq!(came.to_bits(), value.to_bits());
    }
}
