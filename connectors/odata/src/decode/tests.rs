use super::*;
use weft_guest::decimal_type;

fn read(json: &str, data_type: DataType) -> Option<Value> {
    let json: Json = serde_json::from_str(json).unwrap();
    let field = Field { name: "p".into(), data_type, nullable: false, native_type: "Edm.X; in".into() };
    decode(Some(&json), "Parts", &field).ok().flatten()
}

#[test]
fn values_are_read_by_their_type_and_nothing_else() {
    let decimal = |unscaled| Some(Value::Decimal { unscaled, scale: 3 });
    let d = decimal_type(9, 3);
    for (json, expected) in [
        ("1.5", decimal(1_500)),
        ("\"1.5\"", decimal(1_500)),
        ("-0.005", decimal(-5)),
        ("1.5000", decimal(1_500)),
        ("1.5e1", decimal(15_000)),
        ("1500e-3", decimal(1_500)),
        ("0", decimal(0)),
        ("0.45", decimal(450)),
        ("123456.789", decimal(123_456_789)),
        ("1.0005", None),
        ("1234567", None),
        ("\"x\"", None),
        ("true", None),
        ("1e999999999999", None),
        ("1e400", None),
    ] {
        assert_eq!(read(json, d), expected, "{json}");
    }
    assert_eq!(read("9223372036854775807", DataType::Int64), Some(Value::Int64(i64::MAX)));
    assert_eq!(read("\"-9223372036854775808\"", DataType::Int64), Some(Value::Int64(i64::MIN)));
    for bad in ["9223372036854775808", "1.5", "1e3", "\"a\"", "{}"] {
        assert_eq!(read(bad, DataType::Int64), None, "{bad}");
    }
    assert_eq!(read("0.1", DataType::Float64), Some(Value::Float64(0.1)));
    assert_eq!(read("\"INF\"", DataType::Float64), Some(Value::Float64(f64::INFINITY)));
    assert_eq!(read("\"inf\"", DataType::Float64), None);
    assert_eq!(read("5", DataType::Text), None);
    assert_eq!(read("\"2017-02-29\"", DataType::Date), None);
    assert_eq!(
        read("\"2016-09-20T09:00:00.000Z\"", DataType::TimestampZoned),
        Some(Value::Timestamp(1_474_362_000_000_000))
    );
    assert_eq!(read("\"AP-_\"", DataType::Binary), Some(Value::Binary(vec![0, 255, 191])));
    assert_eq!(read("\"A\"", DataType::Binary), None);
    assert_eq!(read("null", DataType::Text), None);
}

#[test]
fn errors_name_the_entity_set_and_the_property() {
    let field =
        Field { name: "mass".into(), data_type: DataType::Int64, nullable: false, native_type: "Edm.Int32; in".into() };
    let message = |json: Option<Json>| decode(json.as_ref(), "Parts", &field).unwrap_err().message().to_owned();
    assert_eq!(message(Some(Json::String("x".repeat(100)))).len() < 200, true);
    assert!(message(Some(Json::Bool(true))).contains("entity set Parts: property mass: true is not of type Edm.Int32"));
    assert!(message(Some(Json::Null)).contains("null"));
    assert!(message(None).contains("leaves out property mass"));
}
