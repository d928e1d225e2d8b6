//! Inspection: parts carry barcodes of the quality system, which are not the serial numbers of the MES.

use super::mes::{Mes, SerialItem};
use super::{CHATTER, MACHINED, batch_of};
use crate::calendar::day;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub(crate) struct InspectionResult {
    pub(crate) barcode: String,
    pub(crate) characteristic: &'static str,
    pub(crate) measured: f64,
    pub(crate) lower_limit: Option<f64>,
    pub(crate) upper_limit: Option<f64>,
    pub(crate) verdict: &'static str,
    pub(crate) inspected: String,
}

pub(crate) struct Nonconformance {
    pub(crate) number: String,
    pub(crate) barcode: String,
    pub(crate) opened: String,
    pub(crate) disposition: Option<&'static str>,
    pub(crate) closed: Option<String>,
}

#[derive(Default)]
pub(crate) struct Quality {
    pub(crate) results: Vec<InspectionResult>,
    pub(crate) nonconformances: Vec<Nonconformance>,
}

/// Part, characteristic, nominal value, tolerance, and whether only the upper limit counts. In micrometres.
const CHARACTERISTICS: [(&str, &str, i64, i64, bool); 9] = [
    ("MP-41", "bore diameter", 28_000, 21, false),
    ("MP-41", "bore perpendicularity", 0, 50, true),
    ("MP-41", "flange flatness", 0, 40, true),
    ("MP-41", "wall thickness", 4_000, 100, false),
    ("MP-42", "outer diameter", 27_940, 13, false),
    ("MP-42", "runout", 0, 20, true),
    ("MP-42", "vane width", 3_000, 25, false),
    ("MP-43", "journal diameter", 12_000, 11, false),
    ("MP-43", "straightness", 0, 15, true),
];

/// The housing that went to assembly without inspection.
const NOT_INSPECTED: usize = 11;

pub(crate) fn generate(mes: &Mes) -> Quality {
    let mut random = StdRng::seed_from_u64(9_100);
    let mut quality = Quality::default();
    for item in mes.serials.iter().filter(|item| item.part != "MP-40" && item.part != "MP-44") {
        if (item.part, item.unit) != ("MP-41", NOT_INSPECTED) {
            quality.inspect(item, &mut random);
        }
    }
    quality
}

pub(crate) fn barcode(part: &str, unit: usize) -> String {
    format!("AQ.{}.{:05}", &part[3..], 41_000 + unit * 13)
}

fn fails(item: &SerialItem, characteristic: &str) -> bool {
    let chatter = CHATTER.iter().any(|&(family, unit)| MACHINED[family].part == item.part && unit == item.unit);
    match characteristic {
        "bore perpendicularity" | "runout" => chatter,
        "straightness" => chatter,
        "flange flatness" => chatter && item.unit == 14,
        "wall thickness" => item.unit == 27,
        _ => false,
    }
}

impl Quality {
    fn inspect(&mut self, item: &SerialItem, random: &mut StdRng) {
        let inspected = day(batch_of(item.unit) as i64 * 7 + 4);
        let barcode = barcode(item.part, item.unit);
        let mut failed = false;
        for (_, characteristic, nominal, tolerance, upper_only) in CHARACTERISTICS.iter().filter(|c| c.0 == item.part) {
            let fail = fails(item, characteristic);
            failed |= fail;
            let spread = tolerance * 8 / 10;
            let inside =
                if *upper_only { random.random_range(1..=spread) } else { random.random_range(-spread..=spread) };
            let deviation = if fail { tolerance + 3 + inside.abs() / 4 } else { inside };
            self.results.push(InspectionResult {
                barcode: barcode.clone(),
                characteristic,
                measured: millimetres(nominal + deviation),
                lower_limit: (!upper_only).then(|| millimetres(nominal - tolerance)),
                upper_limit: Some(millimetres(nominal + tolerance)),
                verdict: if fail { "FAIL" } else { "PASS" },
                inspected: inspected.clone(),
            });
        }
        if failed {
            self.report(item, barcode, inspected);
        }
    }

    /// A failed part gets a nonconformance; those of housings 14 and 20 were never closed.
    fn report(&mut self, item: &SerialItem, barcode: String, opened: String) {
        let open = item.part == "MP-41" && [14, 20].contains(&item.unit);
        let number = format!("NCR-25-{:03}", self.nonconformances.len() + 1);
        let disposition = (!open).then_some(if item.part == "MP-42" { "REWORK" } else { "USE-AS-IS" });
        let closed = (!open).then(|| day(batch_of(item.unit) as i64 * 7 + 9));
        self.nonconformances.push(Nonconformance { number, barcode, opened, disposition, closed });
    }
}

fn millimetres(micrometres: i64) -> f64 {
    micrometres as f64 / 1000.0
}
