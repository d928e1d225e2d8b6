//! The rows of the five systems and the links between them. Deterministic: every call gives the same thread.
//!
//! The story. Aldermoor Fluidics machines housing, rotor, shaft and cover of its metering pump MP-40 in six weekly
//! batches of six, assembles 35 pumps and ships 28. Along the way: the housing changes from revision A to B (ECO-25-003)
//! and to C (ECO-25-007); three housings of the third batch still run the program of revision A; the fifth batch is
//! planned to B although C is effective; a loose clamp makes some runs vibrate, and most of those parts fail inspection;
//! plate heat H-5513 is later found off specification; two housings are swapped at assembly; a rotor is replaced before
//! shipping.

mod erp;
mod historian;
mod links;
mod mes;
mod plm;
mod quality;

use erp::Erp;
pub(crate) use links::{Link, SAME_THING_AS, iri};
use mes::Mes;
pub(crate) use mes::{Installation, MachineRun, SerialItem, WorkOrder};
use plm::Plm;
use quality::Quality;

pub(crate) use historian::Sample;

/// Parts machined in-house, in the order of their position in the pump.
pub(crate) const MACHINED: [Family; 4] = [
    Family { part: "MP-41", machine: "MILL-2", stock: "RM-316P" },
    Family { part: "MP-42", machine: "MILL-1", stock: "RM-316P" },
    Family { part: "MP-43", machine: "LATHE-1", stock: "RM-316B" },
    Family { part: "MP-44", machine: "MILL-1", stock: "RM-316P" },
];
pub(crate) const PUMP: &str = "MP-40";
pub(crate) const BATCHES: usize = 6;
pub(crate) const BATCH: usize = 6;
pub(crate) const UNITS: usize = BATCHES * BATCH;
pub(crate) const ASSEMBLED: usize = 35;

/// One machined part: where it is cut, and from what.
pub(crate) struct Family {
    pub(crate) part: &'static str,
    pub(crate) machine: &'static str,
    pub(crate) stock: &'static str,
}

/// Parts that were cut with the loose clamp: (index in [`MACHINED`], unit).
pub(crate) const CHATTER: [(usize, usize); 6] = [(0, 13), (0, 14), (0, 20), (1, 22), (2, 5), (3, 17)];

/// The whole thread.
pub struct Thread {
    pub(crate) plm: Plm,
    pub(crate) erp: Erp,
    pub(crate) mes: Mes,
    pub(crate) samples: Vec<Sample>,
    pub(crate) quality: Quality,
    pub(crate) links: Vec<Link>,
}

impl Thread {
    pub(crate) fn generate() -> Self {
        let plm = plm::generate();
        let mes = mes::generate();
        let erp = erp::generate(&mes);
        let samples = historian::generate(&mes);
        let quality = quality::generate(&mes);
        let links = links::generate(&mes, &erp, &quality);
        Self { plm, erp, mes, samples, quality, links }
    }
}

/// The batch a unit (counted from 1) was made in, counted from 0.
pub(crate) fn batch_of(unit: usize) -> usize {
    (unit - 1) / BATCH
}

/// The serial number the MES gives.
pub(crate) fn serial(part: &str, unit: usize) -> String {
    format!("{part}-{unit:04}")
}

#[cfg(test)]
mod tests;
