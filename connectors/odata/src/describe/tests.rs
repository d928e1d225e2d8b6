use super::*;

fn property(edm_type: &str, precision: Option<u8>, scale: Option<u8>) -> Property {
    Property {
        name: "p".to_owned(),
        edm_type: edm_type.to_owned(),
        is_enum: !edm_type.starts_with("Edm."),
        nullable: true,
        precision,
        scale,
        unit: None,
    }
}

#[test]
fn types_are_those_of_the_contract() {
    let shown = |edm, precision, scale| format!("{:?}", data_type(&property(edm, precision, scale)));
    assert_eq!(shown("Edm.Byte", None, None), "DataType::Int64");
    assert_eq!(shown("Edm.Guid", None, None), "DataType::Text");
    assert_eq!(shown("My.Enum", None, None), "DataType::Text");
    assert_eq!(shown("Edm.DateTimeOffset", Some(7), None), "DataType::TimestampZoned");
    let decimal = |precision, scale| match data_type(&property("Edm.Decimal", precision, scale)) {
        DataType::Decimal(d) => (d.precision, d.scale),
        _ => (0, 0),
    };
    assert_eq!(decimal(Some(9), Some(3)), (9, 3));
    assert_eq!(decimal(Some(9), None), (38, 12));
    assert_eq!(decimal(None, None), (38, 12));
    assert_eq!(decimal(Some(99), Some(2)), (38, 2));
}

#[test]
fn what_cannot_be_compared_surely_is_not_filterable() {
    for (edm_type, comparable) in
        [("Edm.String", true), ("Edm.Single", false), ("Edm.Duration", false), ("My.Enum", false), ("Edm.Guid", true)]
    {
        assert_eq!(is_comparable(&property(edm_type, None, None)), comparable, "{edm_type}");
    }
}
