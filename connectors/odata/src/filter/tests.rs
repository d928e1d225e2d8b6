use super::*;
use weft_guest::ColumnRef;
use weft_guest::contract::DataType;

fn render(expression: &Expression, wanted: bool, exact_text: bool, in_operator: bool) -> (String, bool) {
    let types = [
        ("t", "Edm.String", None, true),
        ("k", "Edm.String", None, false),
        ("i", "Edm.Int32", None, true),
        ("d", "Edm.Double", None, true),
        ("at", "Edm.DateTimeOffset", Some(7), true),
        ("g", "Edm.Guid", None, true),
        ("b", "Edm.Boolean", None, true),
    ];
    let fields: Vec<Field> = types
        .iter()
        .map(|(name, edm, _, nullable)| Field {
            name: (*name).to_owned(),
            // Conditions go by the native type.
            data_type: DataType::Text,
            nullable: *nullable,
            native_type: (*edm).to_owned(),
        })
        .collect();
    let natives: Vec<NativeType> = types
        .iter()
        .map(|(_, edm, precision, _)| NativeType {
            name: (*edm).to_owned(),
            precision: *precision,
            in_operator,
            navigations: Vec::new(),
        })
        .collect();
    let condition = Columns { fields: &fields, natives: &natives, path: "", exact_text }.condition(expression, wanted);
    let text = match condition.form {
        Form::Always => "ALWAYS".to_owned(),
        Form::Never => "NEVER".to_owned(),
        Form::Text(text) => text,
    };
    (text, condition.exact)
}

fn column(name: &str) -> Box<Expression> {
    Box::new(Expression::Column(ColumnRef { relation: String::new(), name: name.to_owned() }))
}

fn compare(name: &str, operator: CompareOperator, value: Value) -> Expression {
    Expression::Compare { operator, left: column(name), right: Box::new(Expression::Literal(value)) }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn conditions_cover_what_is_true_and_what_is_false() {
    use CompareOperator as C;
    let cases: Vec<(Expression, &str, bool, &str, bool)> = vec![
        (compare("i", C::Equal, Value::Int64(5)), "i eq 5", true, "i ne 5 and i ne null", true),
        (compare("i", C::NotEqual, Value::Int64(5)), "i ne 5 and i ne null", true, "i eq 5", true),
        (compare("i", C::Less, Value::Int64(5)), "i lt 5", true, "not (i lt 5) and i ne null", true),
        (compare("i", C::Equal, Value::Int64(1 << 40)), "NEVER", true, "i ne null", true),
        (compare("i", C::Less, Value::Int64(1 << 40)), "i ne null", true, "NEVER", true),
        (compare("i", C::Greater, Value::Int64(1 << 40)), "NEVER", true, "i ne null", true),
        (compare("t", C::Equal, text("it's")), "t eq 'it''s'", false, "t ne null", false),
        (compare("t", C::Less, text("a")), "t ne null", false, "t ne null", false),
        (compare("k", C::NotEqual, text("a")), "ALWAYS", false, "k eq 'a'", false),
        (compare("g", C::Equal, text("no guid")), "NEVER", true, "g ne null", true),
        (compare("d", C::Equal, Value::Float64(f64::NAN)), "NEVER", true, "d ne null", true),
        (
            compare("at", C::Equal, Value::Timestamp(0)),
            "at ge 1970-01-01T00:00:00Z and at lt 1970-01-01T00:00:01Z",
            false,
            "(at lt 1970-01-01T00:00:00Z or at ge 1970-01-01T00:00:00Z)",
            false,
        ),
        (
            compare("at", C::Less, Value::Timestamp(0)),
            "at lt 1970-01-01T00:00:00Z",
            true,
            "at ge 1970-01-01T00:00:00Z",
            true,
        ),
        (
            compare("at", C::Less, Value::Timestamp(-1)),
            "at lt 1970-01-01T00:00:00Z",
            false,
            "at ge 1969-12-31T23:59:59Z",
            false,
        ),
        (Expression::IsNull(column("t")), "t eq null", true, "t ne null", true),
        (Expression::IsNull(column("k")), "NEVER", true, "ALWAYS", true),
        (*column("b"), "b eq true", true, "b eq false", true),
        (
            Expression::Text { operator: TextOperator::Contains, input: column("t"), pattern: "a'b".into() },
            "contains(t,'a''b')",
            false,
            "t ne null",
            false,
        ),
        (
            Expression::Text { operator: TextOperator::StartsWith, input: column("g"), pattern: "a".into() },
            "g ne null",
            false,
            "g ne null",
            false,
        ),
    ];
    for (expression, if_true, exact_true, if_false, exact_false) in cases {
        assert_eq!(render(&expression, true, false, false), (if_true.to_owned(), exact_true), "{expression:?}");
        assert_eq!(render(&expression, false, false, false), (if_false.to_owned(), exact_false), "{expression:?}");
        let negated = Expression::Not(Box::new(expression));
        assert_eq!(render(&negated, true, false, false).0, if_false, "{negated:?}");
    }
}

#[test]
fn connectives_keep_their_brackets() {
    use CompareOperator as C;
    let one = || compare("i", C::Equal, Value::Int64(1));
    let two = || compare("t", C::NotEqual, text("x"));
    let or = Expression::Or(vec![one(), Expression::Not(Box::new(one()))]);
    assert_eq!(render(&or, true, false, false).0, "(i eq 1 or (i ne 1 and i ne null))");
    let and = Expression::And(vec![or, two()]);
    assert_eq!(
        render(&and, true, true, false),
        ("(i eq 1 or (i ne 1 and i ne null)) and t ne 'x' and t ne null".into(), true)
    );
    assert_eq!(render(&and, true, false, false).1, false);
    assert_eq!(render(&Expression::And(vec![]), true, false, false), ("ALWAYS".into(), true));
    assert_eq!(render(&Expression::Or(vec![]), true, false, false), ("NEVER".into(), true));
}

#[test]
fn lists_use_in_where_the_service_has_it() {
    let list =
        Expression::In { input: column("i"), values: vec![Value::Int64(1), Value::Int64(1 << 40), Value::Int64(2)] };
    assert_eq!(render(&list, true, false, true), ("i in (1,2)".into(), true));
    assert_eq!(render(&list, true, false, false), ("(i eq 1 or i eq 2)".into(), true));
    assert_eq!(
        render(&list, false, false, true).0,
        "i ne 1 and i ne null and i ne null and i ne 2 and i ne null and i ne null"
    );
    let empty = Expression::In { input: column("i"), values: Vec::new() };
    assert_eq!(render(&empty, true, false, true), ("NEVER".into(), true));
}
