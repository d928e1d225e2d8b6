#![allow(clippy::unwrap_used)]
use super::*;

const SECOND: i64 = 1_000_000;

fn observation(shape: &str, has_constants: bool, keys: Option<u64>, rows: u64) -> Observation {
    Observation {
        source: "erp".into(),
        shape: Some(Shape { text: shape.to_owned(), has_constants }),
        keys,
        rows,
        first_rows: Duration::from_millis(2),
        elapsed: Duration::from_millis(3),
    }
}

fn kept(most: usize) -> Observations {
    Observations::new(most, Duration::from_secs(60))
}

fn rows(observed: &Observed, shape: &str) -> Option<f64> {
    Some(observed.sources.get("erp")?.shapes.get(shape)?.rows)
}

#[test]
fn the_newest_whole_read_counts_and_constants_are_averaged() {
    let observations = kept(10);
    for (second, rows) in [(1, 100), (2, 400)] {
        observations.record_at(second * SECOND, [observation("t", false, None, rows)], &[]);
        observations.record_at(second * SECOND, [observation("t[a = ?]", true, None, rows)], &[]);
    }
    let observed = observations.snapshot_at(3 * SECOND);
    assert_eq!((rows(&observed, "t"), rows(&observed, "t[a = ?]")), (Some(400.0), Some(250.0)));
}

#[test]
fn rows_per_key_are_those_of_all_blocks() {
    let observations = kept(10);
    let blocks = [(2_000, 4_000), (500, 0)].map(|(keys, rows)| observation("t keys", false, Some(keys), rows));
    observations.record_at(SECOND, blocks, &[]);
    assert_eq!(rows(&observations.snapshot_at(SECOND), "t keys"), Some(1.6));
    observations.record_at(SECOND, [observation("u keys", false, Some(0), 0)], &[]);
    assert_eq!(rows(&observations.snapshot_at(SECOND), "u keys"), None, "nothing was asked");
}

#[test]
fn a_snapshot_stays_and_small_changes_make_no_other() {
    let observations = kept(10);
    observations.record_at(SECOND, [observation("t", false, None, 1_000)], &[]);
    let first = observations.snapshot_at(SECOND);
    observations.record_at(SECOND, [observation("t", false, None, 1_050)], &[]);
    observations.record_at(SECOND, [observation("t", false, None, 1_020)], &[]);
    assert_eq!(rows(&observations.snapshot_at(SECOND), "t"), Some(1_000.0));
    observations.record_at(SECOND, [observation("t", false, None, 5_000)], &[]);
    assert_eq!(rows(&observations.snapshot_at(SECOND), "t"), Some(5_000.0));
    assert_eq!(rows(&first, "t"), Some(1_000.0), "a plan is being made with it");
}

#[test]
fn what_is_old_is_forgotten_and_what_is_seen_again_is_not() {
    let observations = kept(10);
    observations.record_at(SECOND, [observation("t", false, None, 1), observation("u", false, None, 1)], &[]);
    observations.record_at(50 * SECOND, [observation("t", false, None, 1)], &[]);
    let observed = observations.snapshot_at(90 * SECOND);
    assert_eq!((rows(&observed, "t"), rows(&observed, "u")), (Some(1.0), None));
    assert_eq!(rows(&observations.snapshot_at(111 * SECOND), "t"), None);
}

#[test]
fn the_oldest_make_room() {
    let observations = kept(16);
    for number in 0..100 {
        observations.record_at(number * SECOND / 10, [observation(&format!("t{number}"), false, None, 1)], &[]);
        let observed = observations.snapshot_at(number * SECOND / 10);
        assert!(observed.sources["erp"].shapes.len() <= 16, "{number}");
        assert_eq!(rows(&observed, &format!("t{number}")), Some(1.0));
    }
    let nothing = Observations::new(0, Duration::from_secs(60));
    nothing.record([observation("t", false, None, 1)], &[]);
    assert_eq!(*nothing.snapshot(), Observed::default());
}

#[test]
fn the_speed_of_a_source_moves_slowly() {
    let observations = kept(10);
    let timed = |first: u64, elapsed: u64, rows: u64| Observation {
        shape: None,
        first_rows: Duration::from_millis(first),
        elapsed: Duration::from_millis(elapsed),
        ..observation("t", false, None, rows)
    };
    let latency = |observations: &Observations| observations.lock().latencies["erp"];
    observations.record_at(SECOND, [timed(10, 20, 10)], &[]);
    assert_eq!(latency(&observations).row, Duration::ZERO, "ten rows say nothing of the next thousand");
    observations.record_at(SECOND, [timed(10, 110, 100_000)], &[]);
    let before = latency(&observations);
    assert_eq!((before.first_rows.as_millis(), before.row.as_nanos(), before.rows), (10, 1_000, 100_000));
    observations.record_at(SECOND, [timed(1_000, 1_100, 100_000)], &[]);
    assert_eq!(latency(&observations).first_rows.as_millis(), 208);
}
