//! Parts of dates and times, alone, in groups, and of what another SELECT has computed.

use super::*;
use weft_model::contract::TimePart;

fn part(name: &str, column: &str, part: TimePart) -> ProjectColumn {
    ProjectColumn { name: name.into(), column: ColumnRef::bare(column), part: Some(part) }
}

fn project(input: Relation, columns: Vec<ProjectColumn>) -> Relation {
    Relation::Project { input: boxed(input), columns }
}

pub(super) fn cases() -> Vec<Case> {
    let times = || Relation::Read(read("item", "", &["day", "at", "mass"]));
    let of_at = TimePart::ALL.map(|p| part(p.name(), "at", p));
    let of_day = [TimePart::Year, TimePart::Month, TimePart::Day].map(|p| part(&format!("d{p}"), "day", p));
    let buckets = Relation::Aggregate {
        input: boxed(project(times(), [&of_at[..4], &[ProjectColumn::of("mass", ColumnRef::bare("mass"))]].concat())),
        group: ["year", "month", "day", "hours"].map(ColumnRef::bare).into(),
        aggregates: vec![aggregate("most", AggregateFunction::Max, Some("mass"), false)],
    };
    let late = Relation::Filter {
        input: boxed(project(times(), vec![part("hours", "at", TimePart::Hours)])),
        predicate: compare("hours", CompareOperator::Greater, Value::Int64(21)),
    };
    let limited = Relation::Limit { input: boxed(times()), offset: 0, count: Some(5) };
    vec![
        ("parts", project(times(), [&of_at[..], &of_day].concat())),
        ("parts_grouped", buckets),
        ("parts_filtered", late),
        ("parts_of_derived", project(limited, [&of_at[..], &of_day].concat())),
    ]
}

#[test]
fn parts_that_a_column_does_not_have_are_refused_by_name() {
    for (column, wanted, type_name) in
        [("day", TimePart::Hours, "date"), ("day", TimePart::Minutes, "date"), ("name", TimePart::Year, "text")]
    {
        let relation = project(Relation::Read(read("item", "", &[column])), vec![part("p", column, wanted)]);
        let (code, message) = error(&relation);
        assert_eq!(code, Code::InvalidRequest);
        assert!(message.contains(&format!("{column:?} of type {type_name} has no {wanted}")), "{message}");
    }
}
