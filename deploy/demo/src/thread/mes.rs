//! Shop floor data: work orders, serials, genealogy and machine runs.

use super::plm::program;
use super::{ASSEMBLED, BATCH, BATCHES, MACHINED, PUMP, UNITS, batch_of, serial};
use crate::calendar::instant;

pub(crate) struct Machine {
    pub(crate) code: &'static str,
    pub(crate) maker: &'static str,
    pub(crate) cell: &'static str,
}

pub(crate) struct WorkOrder {
    pub(crate) number: String,
    pub(crate) part: &'static str,
    pub(crate) planned_rev: &'static str,
    pub(crate) quantity: i64,
    pub(crate) status: &'static str,
    /// The batch, counted from 0; not a column.
    pub(crate) batch: usize,
}

pub(crate) struct MaterialRequest {
    pub(crate) work_order: String,
    pub(crate) part: &'static str,
    pub(crate) quantity: f64,
}

pub(crate) struct SerialItem {
    pub(crate) serial: String,
    pub(crate) part: &'static str,
    pub(crate) work_order: String,
    pub(crate) status: &'static str,
    /// Counted from 1 within the part; not a column.
    pub(crate) unit: usize,
}

pub(crate) struct Installation {
    pub(crate) assembly: String,
    pub(crate) component: String,
    pub(crate) installed_at: String,
    pub(crate) removed_at: Option<String>,
}

pub(crate) struct MachineRun {
    pub(crate) run: String,
    pub(crate) machine: &'static str,
    pub(crate) serial: String,
    pub(crate) program: String,
    pub(crate) started: String,
    pub(crate) ended: String,
    /// Seconds since the start of the story, for the samples of the run; not a column.
    pub(crate) offset: i64,
}

#[derive(Default)]
pub(crate) struct Mes {
    pub(crate) machines: Vec<Machine>,
    pub(crate) work_orders: Vec<WorkOrder>,
    pub(crate) requests: Vec<MaterialRequest>,
    pub(crate) serials: Vec<SerialItem>,
    pub(crate) genealogy: Vec<Installation>,
    pub(crate) runs: Vec<MachineRun>,
}

/// Seconds a machining run takes.
pub(crate) const RUN_SECONDS: i64 = 1_800;

pub(crate) fn generate() -> Mes {
    let machines = [
        ("MILL-1", "Ardent", "Cell 1"),
        ("MILL-2", "Ardent", "Cell 1"),
        ("LATHE-1", "Korvath", "Cell 2"),
        ("BENCH-1", "Own make", "Assembly"),
    ]
    .map(|(code, maker, cell)| Machine { code, maker, cell })
    .into();
    let mut mes = Mes { machines, ..Mes::default() };
    for batch in 0..BATCHES {
        mes.batch(batch);
    }
    mes.open_orders();
    mes.assemble();
    mes
}

/// The revision a batch was planned to. The fifth batch of housings should have been C.
fn planned_rev(part: &str, batch: usize) -> &'static str {
    match (part, batch) {
        ("MP-41" | PUMP, 0 | 1) => "A",
        ("MP-41", 2..=4) | (PUMP, 2 | 3) => "B",
        ("MP-41" | PUMP, _) => "C",
        ("MP-42", 3..) => "B",
        _ => "A",
    }
}

/// The program that really ran.
fn program_run(part: &str, unit: usize) -> String {
    match (part, unit) {
        ("MP-41", 13..=15) | ("MP-42", 20) => program(part, "A"),
        ("MP-43", 9) | ("MP-44", 30) => "TRIAL7.NC".to_owned(),
        _ => program(part, planned_rev(part, batch_of(unit))),
    }
}

impl Mes {
    fn batch(&mut self, batch: usize) {
        for (index, family) in MACHINED.iter().enumerate() {
            let number = format!("WO-25-{}", 101 + batch * 10 + index);
            self.order(number.clone(), family.part, batch, "closed");
            for unit in batch * BATCH + 1..=(batch + 1) * BATCH {
                let item = serial(family.part, unit);
                self.item(item.clone(), family.part, &number, "built", unit);
                let slot = (unit - batch * BATCH - 1) as i64;
                let offset = batch as i64 * 7 * 86_400 + slot * 2 * 3_600 + index as i64 * 86_400;
                self.runs.push(MachineRun {
                    run: format!("R{}{unit:04}", index + 1),
                    machine: family.machine,
                    serial: item,
                    program: program_run(family.part, unit),
                    started: instant(offset),
                    ended: instant(offset + RUN_SECONDS),
                    offset,
                });
            }
        }
        let number = format!("WO-25-{}", 105 + batch * 10);
        self.order(number.clone(), PUMP, batch, if batch + 1 == BATCHES { "open" } else { "closed" });
        for unit in batch * BATCH + 1..=(batch + 1) * BATCH {
            let status = if unit <= ASSEMBLED { "built" } else { "planned" };
            self.item(serial(PUMP, unit), PUMP, &number, status, unit);
        }
    }

    fn order(&mut self, number: String, part: &'static str, batch: usize, status: &'static str) {
        let planned_rev = planned_rev(part, batch);
        self.work_orders.push(WorkOrder { number, part, planned_rev, quantity: BATCH as i64, status, batch });
    }

    fn item(&mut self, serial: String, part: &'static str, work_order: &str, status: &'static str, unit: usize) {
        self.serials.push(SerialItem { serial, part, work_order: work_order.to_owned(), status, unit });
    }

    /// The next batch: released, nothing made yet. Two of its orders still plan superseded revisions.
    fn open_orders(&mut self) {
        let open = [("WO-25-161", "MP-41", "B"), ("WO-25-162", "MP-42", "B"), ("WO-25-163", "MP-41", "B")];
        for (number, part, planned_rev) in open {
            let order = WorkOrder {
                number: number.to_owned(),
                part,
                planned_rev,
                quantity: BATCH as i64,
                status: "open",
                batch: BATCHES,
            };
            self.work_orders.push(order);
        }
        let requests = [
            ("WO-25-155", "MP-46", 2.0),
            ("WO-25-155", "MP-49", 1.0),
            ("WO-25-161", "RM-316P", 11.4),
            ("WO-25-162", "RM-316P", 2.7),
            ("WO-25-163", "RM-316P", 11.4),
            ("WO-25-143", "RM-316B", 0.96),
        ];
        for (work_order, part, quantity) in requests {
            self.requests.push(MaterialRequest { work_order: work_order.to_owned(), part, quantity });
        }
    }

    fn assemble(&mut self) {
        for unit in 1..=ASSEMBLED {
            let at = (batch_of(unit) as i64 * 7 + 5) * 86_400 + ((unit - 1) % BATCH) as i64 * 3_600;
            for family in &MACHINED {
                let component = match (family.part, unit) {
                    ("MP-41", 14) => 15,
                    ("MP-41", 15) => 14,
                    _ => unit,
                };
                self.install(unit, family.part, component, at);
            }
        }
        let replaced_at = 33 * 86_400;
        let worn = serial("MP-42", 20);
        if let Some(row) = self.genealogy.iter_mut().find(|row| row.component == worn) {
            row.removed_at = Some(instant(replaced_at));
        }
        self.install(20, "MP-42", UNITS, replaced_at + 900);
    }

    fn install(&mut self, pump: usize, part: &str, unit: usize, at: i64) {
        self.genealogy.push(Installation {
            assembly: serial(PUMP, pump),
            component: serial(part, unit),
            installed_at: instant(at),
            removed_at: None,
        });
    }
}
