#![allow(clippy::unwrap_used)]

use super::*;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array as _, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatchOptions, StringArray, StringViewArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Schema, TimeUnit};
use std::sync::Arc;

const LIMIT: usize = 16 << 20;

fn ipc(columns: Vec<(&str, ArrayRef)>) -> v1::Batch {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    v1::Batch { encoding: Some(Encoding::ArrowIpc(writer.into_inner().unwrap().into())) }
}

#[test]
fn other_layouts_become_the_one_of_the_contract() {
    let instants = TimestampMillisecondArray::from(vec![Some(5), None]).with_timezone("+02:00");
    let decoded = decode_batch(ipc(vec![
        ("text", Arc::new(StringArray::from(vec![Some("a"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec!["a", "a text that is longer than an inlined view"]))),
        ("small", Arc::new(Int16Array::from(vec![Some(-3), None]))),
        ("single", Arc::new(Float32Array::from(vec![0.5, -0.0]))),
        ("instant", Arc::new(instants)),
        ("day", Arc::new(Date32Array::from(vec![1, 2]))),
    ]))
    .unwrap();
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let types: Vec<_> = decoded.columns().iter().map(|c| c.data_type().clone()).collect();
    let wanted = [DataType::Utf8View, DataType::Utf8View, DataType::Int64, DataType::Float64, micros, DataType::Date32];
    assert_eq!(types, wanted);
    assert_eq!(decoded.column(2).to_data(), Int64Array::from(vec![Some(-3), None]).to_data());
    assert!(decoded.column(0).is_null(1));
}

#[test]
fn what_would_lose_something_is_refused() {
    let dictionary: DictionaryArray<Int32Type> = ["a", "b", "a"].into_iter().collect();
    let huge = Decimal128Array::from(vec![1000]).with_precision_and_scale(38, 0).unwrap();
    let too_late = TimestampMillisecondArray::from(vec![i64::MAX]);
    for (array, text) in [
        (Arc::new(dictionary) as ArrayRef, "dictionaries"),
        (Arc::new(TimestampNanosecondArray::from(vec![1])), "cannot become"),
        (Arc::new(too_late), "overflow"),
    ] {
        let error = decode_batch(ipc(vec![("c", array)])).unwrap_err().to_string().to_lowercase();
        assert!(error.contains(text), "{error}");
    }
    // Precision is only a promise in Arrow: the values have to be looked at.
    let lie = huge.into_data().into_builder().data_type(DataType::Decimal128(2, 0)).build().unwrap();
    let error = decode_batch(ipc(vec![("c", Arc::new(Decimal128Array::from(lie)))])).unwrap_err();
    assert!(error.to_string().contains("1000"), "{error}");
}

#[test]
fn large_batches_are_split_and_every_piece_is_small() {
    // Wide rows at the end, so that an even cut is not enough.
    let texts: Vec<String> = (0..4000).map(|i| "x".repeat(if i < 3900 { 10 } else { 60_000 })).collect();
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let messages = encode_batch(&batch, LIMIT).unwrap();
    assert!(messages.len() > 5);
    let mut came = Vec::new();
    for message in messages {
        let Some(Encoding::ArrowIpc(bytes)) = &message.encoding else { unreachable!("batches are sent as Arrow") };
        assert!(bytes.len() <= TARGET_BYTES, "{}", bytes.len());
        let piece = decode_batch(message).unwrap();
        let views = piece.column(0).as_any().downcast_ref::<StringViewArray>().unwrap();
        came.extend(views.iter().map(|text| text.unwrap().to_owned()));
    }
    assert_eq!(came, texts);
}

#[test]
fn a_row_too_large_for_a_message_is_an_error_and_a_large_one_is_not() {
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(["y".repeat(3 << 20), "z".to_owned()]));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let pieces = encode_batch(&batch, LIMIT).unwrap();
    assert_eq!(pieces.len(), 2);
    assert!(matches!(encode_batch(&batch, 2 << 20), Err(BatchError::TooLarge { .. })));
    assert!(matches!(encode_whole(&batch, 1 << 20), Err(BatchError::TooLarge { .. })));
}

#[test]
fn rows_without_columns_are_counted() {
    let options = RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let mut messages = encode_batch(&batch, LIMIT).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(decode_batch(messages.remove(0)).unwrap().num_rows(), 7);
    assert_eq!(encode_batch(&batch.slice(0, 0), LIMIT).unwrap().len(), 1);
}

#[test]
fn types_outside_the_contract_are_not_sent() {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let error = encode_batch(&RecordBatch::try_from_iter([("n", column)]).unwrap(), LIMIT).unwrap_err();
    assert!(error.to_string().contains("\"n\""), "{error}");
}

#[test]
fn no_damaged_byte_makes_the_decoder_panic() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None, Some(3)]));
    let numbers = Decimal128Array::from(vec![1, 2, 3]).with_precision_and_scale(9, 2).unwrap();
    let texts = ["a", "a text that is longer than an inlined view", "é"];
    for column in [
        days,
        Arc::new(numbers),
        Arc::new(StringArray::from_iter_values(texts)),
        Arc::new(LargeStringArray::from_iter_values(texts)),
        Arc::new(StringViewArray::from_iter_values(texts)),
        Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("UTC")),
    ] {
        let Some(Encoding::ArrowIpc(good)) = ipc(vec![("c", column)]).encoding else { unreachable!("made as Arrow") };
        for at in 0..good.len() {
            let original = good[at];
            for value in [0, 1, 2, 4, 0x7F, 0x80, 0xFF, original.wrapping_add(1), original.wrapping_sub(1)] {
                let mut bytes = good.to_vec();
                bytes[at] = value;
                let _ = decode_batch(v1::Batch { encoding: Some(Encoding::ArrowIpc(bytes.into())) });
            }
            let cut = good.slice(..at);
            assert!(
                at + 8 >= good.len() || decode_batch(v1::Batch { encoding: Some(Encoding::ArrowIpc(cut)) }).is_err()
            );
        }
    }
}
