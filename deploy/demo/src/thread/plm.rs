//! Product data: parts, revisions, structure, changes and documents.

use super::PUMP;
use crate::calendar::{day, instant};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(crate) struct Part {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) unit: &'static str,
}

pub(crate) struct Revision {
    pub(crate) part: String,
    pub(crate) rev: &'static str,
    pub(crate) state: &'static str,
    pub(crate) effective_from: Option<String>,
    pub(crate) effective_to: Option<String>,
    pub(crate) material: Option<&'static str>,
    pub(crate) mass_kg: f64,
    pub(crate) change: Option<&'static str>,
}

pub(crate) struct BomLine {
    pub(crate) parent: String,
    pub(crate) parent_rev: &'static str,
    pub(crate) find_no: i64,
    pub(crate) child: String,
    pub(crate) quantity: f64,
}

pub(crate) struct Change {
    pub(crate) number: &'static str,
    pub(crate) title: &'static str,
    pub(crate) state: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) released_at: Option<String>,
}

pub(crate) struct ChangeItem {
    pub(crate) change: &'static str,
    pub(crate) part: String,
    pub(crate) rev: &'static str,
    pub(crate) role: &'static str,
}

pub(crate) struct Document {
    pub(crate) file_name: String,
    pub(crate) title: String,
    pub(crate) kind: &'static str,
    pub(crate) part: String,
    pub(crate) rev: &'static str,
    pub(crate) size_bytes: i64,
}

#[derive(Default)]
pub(crate) struct Plm {
    pub(crate) parts: Vec<Part>,
    pub(crate) revisions: Vec<Revision>,
    pub(crate) bom: Vec<BomLine>,
    pub(crate) changes: Vec<Change>,
    pub(crate) change_items: Vec<ChangeItem>,
    pub(crate) documents: Vec<Document>,
}

pub(crate) fn generate() -> Plm {
    let mut plm = Plm::default();
    plm.pump_parts();
    plm.pump_revisions();
    plm.changes();
    plm.documents();
    plm.skid(&mut StdRng::seed_from_u64(40));
    plm
}

/// Number, name, kind, unit of the pump and what it is made of.
const PUMP_PARTS: [(&str, &str, &str, &str); 12] = [
    (PUMP, "Metering pump MP-40", "ASSEMBLY", "EA"),
    ("MP-41", "Pump housing", "MANUFACTURED", "EA"),
    ("MP-42", "Rotor", "MANUFACTURED", "EA"),
    ("MP-43", "Drive shaft", "MANUFACTURED", "EA"),
    ("MP-44", "End cover", "MANUFACTURED", "EA"),
    ("MP-45", "Shaft seal 12 mm", "PURCHASED", "EA"),
    ("MP-46", "Ball bearing 6001", "PURCHASED", "EA"),
    ("MP-47", "Drive motor 24 V", "PURCHASED", "EA"),
    ("MP-48", "Cap screw M4x12", "STANDARD", "EA"),
    ("MP-49", "O-ring set", "PURCHASED", "SET"),
    ("RM-316B", "Bar stock 316L", "RAW", "M"),
    ("RM-316P", "Plate stock 316L", "RAW", "KG"),
];

/// Part, revision, state, first and last effective day, mass and releasing change. A last day of `None` is open.
type RevisionRow = (&'static str, &'static str, &'static str, Option<i64>, Option<i64>, f64, Option<&'static str>);
const PUMP_REVISIONS: [RevisionRow; 11] = [
    (PUMP, "A", "Superseded", Some(-120), Some(11), 2.410, Some("ECO-24-019")),
    (PUMP, "B", "Superseded", Some(12), Some(27), 2.395, Some("ECO-25-003")),
    (PUMP, "C", "Released", Some(28), None, 2.380, Some("ECO-25-007")),
    ("MP-41", "A", "Superseded", Some(-120), Some(11), 1.120, Some("ECO-24-019")),
    ("MP-41", "B", "Superseded", Some(12), Some(27), 1.105, Some("ECO-25-003")),
    ("MP-41", "C", "Released", Some(28), None, 1.090, Some("ECO-25-007")),
    ("MP-42", "A", "Superseded", Some(-120), Some(20), 0.240, Some("ECO-24-019")),
    ("MP-42", "B", "Released", Some(21), None, 0.238, Some("ECO-25-004")),
    ("MP-43", "A", "Released", Some(-120), None, 0.155, Some("ECO-24-019")),
    ("MP-44", "A", "Released", Some(-120), None, 0.310, Some("ECO-24-019")),
    ("MP-44", "B", "InWork", None, None, 0.305, None),
];

impl Plm {
    fn pump_parts(&mut self) {
        for (number, name, kind, unit) in PUMP_PARTS {
            self.parts.push(Part { number: number.to_owned(), name: name.to_owned(), kind, unit });
        }
    }

    fn pump_revisions(&mut self) {
        for (part, rev, state, from, to, mass_kg, change) in PUMP_REVISIONS {
            self.revisions.push(Revision {
                part: part.to_owned(),
                rev,
                state,
                effective_from: from.map(day),
                effective_to: to.map(day),
                material: (part != PUMP).then_some("1.4404"),
                mass_kg,
                change,
            });
        }
        for number in ["MP-45", "MP-46", "MP-47", "MP-48", "MP-49", "RM-316B", "RM-316P"] {
            self.buy(number.to_owned(), 0.05);
        }
        for rev in ["A", "B", "C"] {
            let children = ["MP-41", "MP-42", "MP-43", "MP-44", "MP-45", "MP-46", "MP-47", "MP-48", "MP-49"];
            for (position, child) in children.into_iter().enumerate() {
                let quantity = match child {
                    "MP-46" => 2.0,
                    "MP-48" => 8.0,
                    _ => 1.0,
                };
                self.line(PUMP, rev, position, child, quantity);
            }
            self.line("MP-41", rev, 0, "RM-316P", 1.9);
        }
        for (parent, rev, stock, quantity) in [
            ("MP-42", "A", "RM-316P", 0.45),
            ("MP-42", "B", "RM-316P", 0.45),
            ("MP-43", "A", "RM-316B", 0.16),
            ("MP-44", "A", "RM-316P", 0.6),
            ("MP-44", "B", "RM-316P", 0.6),
        ] {
            self.line(parent, rev, 0, stock, quantity);
        }
    }

    /// A bought part has one revision, effective since the product exists.
    fn buy(&mut self, part: String, mass_kg: f64) {
        self.revisions.push(Revision {
            part,
            rev: "A",
            state: "Released",
            effective_from: Some(day(-200)),
            effective_to: None,
            material: None,
            mass_kg,
            change: None,
        });
    }

    fn line(&mut self, parent: &str, parent_rev: &'static str, position: usize, child: &str, quantity: f64) {
        let find_no = 10 * (position as i64 + 1);
        self.bom.push(BomLine { parent: parent.to_owned(), parent_rev, find_no, child: child.to_owned(), quantity });
    }

    fn changes(&mut self) {
        let changes = [
            ("ECO-24-019", "Release of the metering pump", "Released", "New product", Some(-130)),
            ("ECO-25-003", "Housing: larger fillet at the inlet", "Released", "Tool life", Some(11)),
            ("ECO-25-004", "Rotor: vane chamfer", "Released", "Burrs at assembly", Some(19)),
            ("ECO-25-007", "Housing: datum scheme of the bore", "Released", "Perpendicularity of the bore", Some(26)),
            ("ECO-25-011", "Cover: lighter rib", "InReview", "Mass target", None),
        ];
        for (number, title, state, reason, released) in changes {
            let released_at = released.map(|days| instant(days * 86_400 + 5_400));
            self.changes.push(Change { number, title, state, reason, released_at });
        }
        let items: [(&str, &str, &str, &str); 12] = [
            ("ECO-24-019", PUMP, "A", "RESULTING"),
            ("ECO-24-019", "MP-41", "A", "RESULTING"),
            ("ECO-25-003", PUMP, "A", "AFFECTED"),
            ("ECO-25-003", PUMP, "B", "RESULTING"),
            ("ECO-25-003", "MP-41", "A", "AFFECTED"),
            ("ECO-25-003", "MP-41", "B", "RESULTING"),
            ("ECO-25-004", "MP-42", "A", "AFFECTED"),
            ("ECO-25-004", "MP-42", "B", "RESULTING"),
            ("ECO-25-007", PUMP, "C", "RESULTING"),
            ("ECO-25-007", "MP-41", "B", "AFFECTED"),
            ("ECO-25-007", "MP-41", "C", "RESULTING"),
            ("ECO-25-011", "MP-44", "A", "AFFECTED"),
        ];
        for (change, part, rev, role) in items {
            self.change_items.push(ChangeItem { change, part: part.to_owned(), rev, role });
        }
    }

    fn documents(&mut self) {
        let machined = [
            ("MP-41", "A"),
            ("MP-41", "B"),
            ("MP-41", "C"),
            ("MP-42", "A"),
            ("MP-42", "B"),
            ("MP-43", "A"),
            ("MP-44", "A"),
        ];
        for (index, (part, rev)) in machined.into_iter().enumerate() {
            let stem = part.replace('-', "");
            let kinds = [
                (program(part, rev), format!("NC program {part} {rev}"), "NC_PROGRAM"),
                (format!("{stem}_{rev}.step"), format!("Model {part} {rev}"), "CAD_MODEL"),
                (format!("{stem}_{rev}.pdf"), format!("Drawing {part} {rev}"), "DRAWING"),
            ];
            for (kind_index, (file_name, title, kind)) in kinds.into_iter().enumerate() {
                let size_bytes = 18_400 + (index * 7_919 + kind_index * 104_729) as i64;
                self.documents.push(Document { file_name, title, kind, part: part.to_owned(), rev, size_bytes });
            }
        }
    }

    /// The dosing skid around the pump: enough structure that the OData server has to page.
    fn skid(&mut self, random: &mut StdRng) {
        self.make("SK-10".to_owned(), "Dosing skid SK-10".to_owned(), "ASSEMBLY", 84.0);
        let groups = ["Frame", "Tank", "Valve manifold", "Control box", "Piping", "Sensor rail", "Drip tray", "Cover"];
        for (position, group) in groups.into_iter().enumerate() {
            let number = format!("SK-{}0", position + 2);
            self.make(
                number.clone(),
                group.to_owned(),
                "ASSEMBLY",
                f64::from(random.random_range(2_000..9_000)) / 1000.0,
            );
            self.line("SK-10", "A", position, &number, 1.0);
            for child in 0..random.random_range(6..11_usize) {
                let part = format!("SK-{}{}", position + 2, child + 1);
                let mass = f64::from(random.random_range(10..900)) / 1000.0;
                let word = ["bracket", "plate", "clamp", "hose", "fitting", "cable"][random.random_range(0..6_usize)];
                self.make(part.clone(), format!("{group} {word} {}", child + 1), "PURCHASED", mass);
                self.line(&number, "A", child, &part, f64::from(random.random_range(1..5)));
            }
            self.line(&number, "A", 20, "MP-48", f64::from(2 * random.random_range(1..7)));
        }
        self.line("SK-10", "A", 30, PUMP, 2.0);
    }

    fn make(&mut self, number: String, name: String, kind: &'static str, mass_kg: f64) {
        self.parts.push(Part { number: number.clone(), name, kind, unit: "EA" });
        self.buy(number, mass_kg);
    }
}

/// The file name of the NC program of a revision.
pub(crate) fn program(part: &str, rev: &str) -> String {
    format!("{}_{rev} OP10.NC", part.replace('-', ""))
}
