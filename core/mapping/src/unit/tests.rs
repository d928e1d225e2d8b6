#![allow(clippy::unwrap_used)]

use super::{Conversion, QUDT, UNITS};
use oxrdf::NamedNode;

fn conversion(from: &str, to: &str) -> Result<Conversion, String> {
    let unit = |name: &str| NamedNode::new(format!("{QUDT}{name}")).unwrap();
    Conversion::new(&unit(from), &unit(to))
}

#[test]
fn numbers_are_converted_exactly() {
    for (from, to, number, expected) in [
        ("IN", "MilliM", (1, 0), (254, 1)),
        ("IN", "M", (-125, 2), (-3175, 5)),
        ("MilliM", "M", (5, 1), (5, 4)),
        ("M", "MilliM", (5, 4), (5, 1)),
        ("LB", "KiloGM", (2, 0), (90_718_474, 8)),
        ("OZ", "GM", (1, 0), (28_349_523_125, 9)),
        ("DEG_C", "K", (20, 0), (29_315, 2)),
        ("K", "DEG_C", (29_315, 2), (20, 0)),
        ("DEG_C", "DEG_F", (100, 0), (212, 0)),
        ("DEG_C", "DEG_F", (-40, 0), (-40, 0)),
        ("DEG", "ARCSEC", (5, 1), (1_800, 0)),
        ("KiloW-HR", "J", (1, 3), (3_600, 0)),
        ("REV-PER-SEC", "REV-PER-MIN", (25, 1), (150, 0)),
        ("PERCENT", "UNITLESS", (5, 0), (5, 2)),
        ("M", "M", (70, 1), (7, 0)),
    ] {
        let converted = conversion(from, to).unwrap().convert(number.0, number.1);
        assert_eq!(converted, Some(expected), "{number:?} {from} in {to}");
    }
}

#[test]
fn what_is_not_exact_or_of_another_kind_is_refused() {
    let error = |from, to| conversion(from, to).unwrap_err();
    assert_eq!(
        error("MilliM", "IN"),
        "the factor from MilliM to IN is 5/127, which no decimal is exactly: convert the other way, or keep the unit"
    );
    assert!(error("DEG_F", "DEG_C").contains("5/9"));
    assert_eq!(
        error("MilliM", "KiloGM"),
        "MilliM is a unit of length and KiloGM one of mass: there is nothing to convert"
    );
    assert_eq!(
        error("Millim", "M"),
        format!("<{QUDT}Millim> is not among the units that can be converted, did you mean <{QUDT}MilliM>?")
    );
    let other = NamedNode::new("http://ex/mm").unwrap();
    let metre = NamedNode::new(format!("{QUDT}M")).unwrap();
    assert!(Conversion::new(&other, &metre).unwrap_err().starts_with("<http://ex/mm> is not among the units"));
}

#[test]
fn too_many_places_or_digits_give_nothing() {
    let metres = conversion("MicroM", "M").unwrap();
    assert_eq!(metres.convert(1, 12), Some((1, 18)));
    assert_eq!(metres.convert(1, 13), None);
    assert_eq!(conversion("M", "NanoM").unwrap().convert(i128::MAX, 0), None);
    assert_eq!(conversion("DEG_C", "K").unwrap().convert(i128::MAX, 0), None);
}

#[test]
fn every_unit_is_there_once_and_converts_to_itself() {
    for (number, unit) in UNITS.iter().enumerate() {
        assert!(UNITS[..number].iter().all(|other| other.name != unit.name), "{}", unit.name);
        let same = conversion(unit.name, unit.name).unwrap();
        assert_eq!(same.convert(125, 2), Some((125, 2)), "{}", unit.name);
    }
}
