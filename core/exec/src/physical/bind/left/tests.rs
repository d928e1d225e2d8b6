#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, StringViewArray};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use weft_model::term::LiteralType;
use weft_model::term::TermType;

const PACE: Pace = Pace {
    block: 3,
    block_bytes: 1 << 20,
    read_ahead: 1_000,
    hash_from: None,
    goal: None,
    ordered: false,
    ahead_of_goal: false,
};

fn layout() -> Layout {
    let name = |name| Variable::new_unchecked(name);
    Layout::new(vec![
        (name("key"), TermType::Literal(LiteralType::String)),
        (name("row"), TermType::Literal(LiteralType::Integer)),
    ])
}

/// Rows with these keys, numbered, in batches of two; nothing is unbound.
fn left_rows(pace: Pace, keys: &[Option<&str>]) -> LeftRows {
    let schema = layout().schema().clone();
    let batches: Vec<_> = keys
        .chunks(2)
        .zip((0_i64..).step_by(2))
        .map(|(keys, first)| {
            let numbers = (first..).take(keys.len()).collect::<Int64Array>();
            let columns: Vec<ArrayRef> =
                vec![Arc::new(keys.iter().copied().collect::<StringViewArray>()), Arc::new(numbers)];
            Ok(RecordBatch::try_new(schema.clone(), columns).unwrap())
        })
        .collect();
    let rows = Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)));
    LeftRows::new(&layout(), &[Variable::new_unchecked("key")], pace, rows, &TaskContext::default()).unwrap()
}

fn numbers(rows: &RecordBatch) -> Vec<i64> {
    rows.column(1).as_primitive::<Int64Type>().values().to_vec()
}

/// The rows and the rows of keys of each block, and the rows of the rest if it comes to that.
async fn parts(mut left: LeftRows) -> (Vec<(Vec<i64>, Vec<i64>)>, Option<Vec<i64>>) {
    let mut blocks = Vec::new();
    loop {
        match left.next().await.unwrap() {
            None => return (blocks, None),
            Some(Part::Block(block)) => blocks.push((numbers(&block.rows), numbers(&block.keys))),
            Some(Part::Rest) => {
                let rest: Vec<_> = left.into_rest().map(|batch| numbers(&batch.unwrap())).collect().await;
                return (blocks, Some(rest.concat()));
            }
        }
    }
}

const KEYS: [Option<&str>; 9] =
    [Some("a"), Some("b"), Some("a"), None, Some("c"), Some("b"), Some("d"), None, Some("a")];

#[tokio::test]
async fn rows_of_one_key_are_in_one_block_of_what_is_read_ahead() {
    let blocks = vec![(vec![0, 1, 2, 3, 5, 7, 8], vec![0, 1, 3]), (vec![4, 6], vec![4, 6])];
    assert_eq!(parts(left_rows(PACE, &KEYS)).await, (blocks, None));
    assert_eq!(parts(left_rows(PACE, &[])).await, (vec![], None));
    let (blocks, _) = parts(left_rows(Pace { read_ahead: 1, ..PACE }, &KEYS)).await;
    let rows: Vec<_> = blocks.into_iter().map(|(rows, _)| rows).collect();
    assert_eq!(rows, [vec![0, 1], vec![2, 3], vec![4, 5], vec![6, 7], vec![8]]);
}

#[tokio::test]
async fn blocks_in_order_are_runs_of_rows() {
    let (blocks, rest) = parts(left_rows(Pace { ordered: true, hash_from: None, ..PACE }, &KEYS)).await;
    assert_eq!(rest, None);
    assert_eq!(blocks, [(vec![0, 1, 2, 3], vec![0, 1, 3]), (vec![4, 5, 6], vec![4, 5, 6]), (vec![7, 8], vec![7, 8])]);
}

#[tokio::test]
async fn the_rest_begins_with_the_key_that_is_one_too_many() {
    // Five different keys, where unbound is one.
    for (hash_from, is_rest) in [(1, true), (5, true), (6, false)] {
        let pace = Pace { hash_from: Some(hash_from), ..PACE };
        let (blocks, rest) = parts(left_rows(pace, &KEYS)).await;
        assert_eq!((blocks.is_empty(), rest.is_some()), (is_rest, is_rest), "{hash_from}");
        assert!(rest.is_none_or(|rows| rows == (0..9).collect::<Vec<_>>()), "{hash_from}");
    }
    // Keys that were asked for count, too.
    let pace = Pace { hash_from: Some(5), read_ahead: 2, ..PACE };
    let (blocks, rest) = parts(left_rows(pace, &KEYS)).await;
    assert_eq!((blocks.len(), rest), (2, Some(vec![4, 5, 6, 7, 8])));
}

#[tokio::test]
async fn blocks_grow_from_the_goal_on() {
    let keys: Vec<String> = (0..40).map(|n| format!("{n}")).collect();
    let keys: Vec<Option<&str>> = keys.iter().map(|key| Some(key.as_str())).collect();
    let pace = Pace { goal: Some(2), block: 16, ..PACE };
    let (blocks, _) = parts(left_rows(pace, &keys)).await;
    let sizes: Vec<usize> = blocks.iter().map(|(_, keys)| keys.len()).collect();
    assert_eq!(sizes, [2, 4, 8, 13, 13]);
    let mut left = left_rows(pace, &keys);
    assert!(matches!(left.next().await.unwrap(), Some(Part::Block(block)) if block.alone));
    assert_eq!((left.rows_ahead(), left.ended()), (0, false), "more is read than was wanted");
    let mut left = left_rows(Pace { ahead_of_goal: true, ..pace }, &keys);
    left.next().await.unwrap();
    assert!(left.ended());
    // A rest, once the keys are too many.
    let (blocks, rest) = parts(left_rows(Pace { hash_from: Some(7), ..pace }, &keys)).await;
    assert_eq!((blocks.len(), rest.map(|rows| rows.len())), (2, Some(34)));
}

#[tokio::test]
async fn long_keys_make_small_blocks() {
    let long = ["x", "y", "z"].map(|letter| letter.repeat(1_000));
    let keys = [Some(long[0].as_str()), Some("a"), Some(long[1].as_str()), Some("a"), Some(long[2].as_str())];
    let pace = Pace { block_bytes: 1_500, ..PACE };
    let (blocks, _) = parts(left_rows(pace, &keys)).await;
    let rows: Vec<_> = blocks.into_iter().map(|(rows, _)| rows).collect();
    assert_eq!(rows, [vec![0, 1, 3], vec![2], vec![4]]);
    let (blocks, _) = parts(left_rows(Pace { ordered: true, ..pace }, &keys)).await;
    let rows: Vec<_> = blocks.into_iter().map(|(rows, _)| rows).collect();
    assert_eq!(rows, [vec![0, 1], vec![2, 3], vec![4]]);
    // A key that is too long by itself is asked for alone.
    let (blocks, _) = parts(left_rows(Pace { block_bytes: 10, ..PACE }, &keys)).await;
    assert_eq!(blocks.len(), 4);
}
