//! The contract's model and its WIT encoding mean the same, and the same as its protobuf encoding.

#![allow(clippy::unwrap_used, clippy::panic)]

use arrow_array::RecordBatch;
use proptest::prelude::*;
use weft_grpc::convert as proto;
use weft_model::contract::{ColumnRef, Expression, Field, Relation};
use weft_tests::arbitrary;
use weft_wasm::convert::{self as wit, ConvertError, MAX_DEPTH};
use weft_wasm::wit::weft::connector::types as w;

fn fields_and_batch() -> impl Strategy<Value = (Vec<Field>, RecordBatch)> {
    arbitrary::fields().prop_flat_map(|fields| (Just(fields.clone()), arbitrary::batch(fields)))
}

proptest! {
    #[test]
    fn descriptions(description in arbitrary::description()) {
        let there = wit::description_to_wit(description.clone());
        let back = wit::description_from_wit(there).unwrap();
        prop_assert_eq!(&back, &description);
        prop_assert_eq!(back, proto::decode_description(proto::encode_description(&description)).unwrap());
    }

    #[test]
    fn checks(check in arbitrary::check()) {
        let back = wit::check_from_wit(wit::check_to_wit(check.clone())).unwrap();
        prop_assert_eq!(&back, &check);
        prop_assert_eq!(back, proto::decode_check(proto::encode_check(&check)).unwrap());
    }

    #[test]
    fn scan_requests(request in arbitrary::scan_request()) {
        let back = wit::request_from_wit(wit::request_to_wit(request.clone()).unwrap()).unwrap();
        prop_assert_eq!(&back, &request);
        let limits = proto::Limits::default();
        let message = proto::encode_scan_request(&request, &limits).unwrap();
        prop_assert_eq!(back, proto::decode_scan_request(message, &limits).unwrap());
    }

    #[test]
    fn ends(end in arbitrary::end()) {
        let back = wit::end_from_wit(wit::end_to_wit(end.clone()));
        prop_assert_eq!(&back, &end);
        prop_assert_eq!(back, proto::decode_end(proto::encode_end(&end)).unwrap());
    }

    #[test]
    fn errors(error in arbitrary::contract_error()) {
        prop_assert_eq!(wit::error_from_wit(wit::error_to_wit(error.clone())), error);
    }

    #[test]
    fn batches((fields, batch) in fields_and_batch()) {
        let there = wit::batch_to_wit(&batch, &fields).unwrap();
        prop_assert_eq!(wit::batch_from_wit(there, &fields).unwrap(), batch);
    }

    /// Damage of any kind is refused or means another batch; it never panics.
    #[test]
    fn damaged_batches_never_panic(
        (fields, batch) in fields_and_batch(),
        place in any::<prop::sample::Index>(),
        damage in 0..6_u8,
        value in any::<u32>(),
    ) {
        let mut there = wit::batch_to_wit(&batch, &fields).unwrap();
        if there.columns.is_empty() {
            return Ok(());
        }
        let place = place.index(there.columns.len());
        damage_column(&mut there.columns[place], damage, value);
        if damage == 5 {
            there.rows = there.rows.wrapping_add(value);
        }
        if let Ok(batch) = wit::batch_from_wit(there, &fields) {
            // Reading all of it touches every offset and every byte.
            let shown = format!("{batch:?}");
            prop_assert!(!shown.is_empty());
        }
    }
}

fn damage_column(column: &mut w::ColumnValues, damage: u8, value: u32) {
    match damage {
        0 => column.validity.push(value.to_le_bytes()[0]),
        1 => column.validity.clear(),
        2 => drop(column.validity.pop()),
        3 | 4 => match &mut column.values {
            w::Values::Texts(v) | w::Values::Binaries(v) if damage == 3 => {
                let middle = v.offsets.len() / 2;
                v.offsets[middle] = value;
            }
            w::Values::Texts(v) | w::Values::Binaries(v) => match v.bytes.first_mut() {
                Some(byte) => *byte = 0xff,
                None => v.bytes.push(0xff),
            },
            w::Values::Int64s(v) => drop(v.pop()),
            w::Values::Timestamps(v) => v.push(i64::from(value)),
            w::Values::Float64s(v) => drop(v.pop()),
            w::Values::Dates(v) => drop(v.pop()),
            w::Values::Booleans(v) => v.push(0),
            w::Values::Decimals(v) => v.iter_mut().for_each(|byte| *byte = 0x7f),
        },
        _ => {}
    }
}

fn column(name: &str) -> w::ExpressionNode {
    w::ExpressionNode::Column(w::ColumnRef { relation: String::new(), name: name.to_owned() })
}

fn filtered(predicate: w::Expression) -> Result<Relation, ConvertError> {
    let read = w::Read {
        table: "t".to_owned(),
        alias: String::new(),
        columns: Vec::new(),
        schema: Vec::new(),
        filter: None,
        keys: None,
        limit: None,
    };
    wit::relation_from_wit(vec![
        w::RelationNode::Read(read),
        w::RelationNode::Filter(w::FilterNode { input: 0, predicate }),
    ])
}

#[test]
fn node_lists_that_are_no_trees_are_refused() {
    use w::ExpressionNode as N;
    assert!(matches!(filtered(vec![]), Err(ConvertError::NoNodes { .. })));
    assert!(matches!(filtered(vec![N::Negate(0)]), Err(ConvertError::BadChild { node: 0, child: 0, .. })));
    assert!(matches!(filtered(vec![column("a"), N::Negate(7)]), Err(ConvertError::BadChild { child: 7, .. })));
    let twice = vec![column("a"), N::AndAll(vec![0, 0])];
    assert!(matches!(filtered(twice), Err(ConvertError::BadChild { node: 1, child: 0, .. })));
    let orphan = vec![column("a"), column("b"), N::Negate(1)];
    assert!(matches!(filtered(orphan), Err(ConvertError::Orphans { count: 1, .. })));
    assert!(wit::relation_from_wit(vec![w::RelationNode::Distinct(u32::MAX)]).is_err());
    assert!(filtered(vec![column("a"), N::Negate(0)]).is_ok());
}

#[test]
fn trees_deeper_than_the_contract_allows_are_refused_both_ways() {
    let chain = |depth: u32| {
        let negations = (0..depth - 1).map(w::ExpressionNode::Negate);
        std::iter::once(column("a")).chain(negations).collect::<Vec<_>>()
    };
    assert!(filtered(chain(MAX_DEPTH)).is_ok());
    assert!(matches!(filtered(chain(MAX_DEPTH + 1)), Err(ConvertError::TooDeep { .. })));
    let mut expression = Expression::Column(ColumnRef::bare("a"));
    for _ in 0..MAX_DEPTH {
        expression = Expression::Not(Box::new(expression));
    }
    let Ok(relation) = filtered(vec![column("a")]) else { panic!("a plain filter is refused") };
    let Relation::Filter { input, .. } = relation else { panic!("a filter became something else") };
    let deep = Relation::Filter { input, predicate: expression };
    assert!(matches!(wit::relation_to_wit(deep), Err(ConvertError::TooDeep { .. })));
}
