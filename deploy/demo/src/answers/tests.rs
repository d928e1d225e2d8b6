#![allow(clippy::unwrap_used, reason = "tests")]
//! The story, told by hand: what the generated rows must amount to.

use super::*;

fn column(answer: &Answer, name: &str) -> Vec<String> {
    let index = answer.variables.iter().position(|variable| variable == name).unwrap();
    answer.rows.iter().map(|row| row[index].clone().unwrap_or_default()).collect()
}

fn ask(question: &str) -> Answer {
    expected(&Thread::generate(), question).unwrap()
}

#[test]
fn an_unknown_question_has_no_answer() {
    assert!(expected(&Thread::generate(), "weather").is_none());
}

#[test]
fn the_recall_has_housings_of_batch_three_and_rotors_of_batch_four_but_not_the_replaced_one() {
    let mut components = column(&ask("recall"), "component");
    components.sort();
    let housings = (13..=18).map(|unit| format!("MP-41-{unit:04}"));
    let rotors = [19, 21, 22, 23, 24].map(|unit| format!("MP-42-{unit:04}"));
    assert_eq!(components, housings.chain(rotors).collect::<Vec<_>>());
    assert!(!column(&ask("recall"), "unit").contains(&"MP40/25-2021".to_owned()), "by a superseded link");
}

#[test]
fn four_parts_ran_the_wrong_program_and_two_of_them_failed() {
    let answer = ask("wrong-program");
    let mut serials = column(&answer, "serial");
    serials.dedup();
    assert_eq!(serials, ["MP-41-0013", "MP-41-0014", "MP-41-0015", "MP-42-0020"]);
    assert_eq!(
        column(&answer, "characteristic"),
        ["bore perpendicularity", "bore perpendicularity", "flange flatness", "", ""]
    );
}

#[test]
fn the_wall_that_failed_without_vibration_is_left_out() {
    let answer = ask("vibration");
    let mut serials = column(&answer, "serial");
    serials.sort();
    assert_eq!(serials, ["MP-41-0013", "MP-41-0014", "MP-41-0020", "MP-42-0022", "MP-43-0005"]);
}

#[test]
fn units_differ_for_the_bar_and_the_rings() {
    let answer = ask("units-of-measure");
    assert_eq!(column(&answer, "number"), ["MP-49"]);
    assert_eq!(column(&answer, "workOrder"), ["WO-25-155"]);
}

#[test]
fn the_change_hits_orders_purchases_and_reports() {
    let answer = ask("change-impact");
    let whats = column(&answer, "what");
    assert_eq!(whats[..2], ["PO-25-0031", "PO-25-0033"]);
    assert_eq!(whats[5..], ["WO-25-161", "WO-25-163"]);
    assert_eq!(column(&answer, "detail")[2..5], ["MP-41-0013", "MP-41-0014", "MP-41-0020"]);
}

#[test]
fn the_open_reports_follow_the_swapped_housing() {
    let answer = ask("open-reports");
    assert_eq!(column(&answer, "component"), ["MP-41-0014", "MP-41-0020"]);
    assert_eq!(column(&answer, "unit"), ["MP40/25-2105", "MP40/25-2140"]);
}

#[test]
fn the_plan_lagged_behind_the_change() {
    assert_eq!(column(&ask("effectivity"), "workOrder"), ["WO-25-141", "WO-25-161", "WO-25-163"]);
    assert_eq!(ask("hottest").rows.len(), 5);
}
