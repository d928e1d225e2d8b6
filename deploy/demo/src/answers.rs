//! What the answers must be, computed from the generated rows without SPARQL, mappings or broker.

use crate::thread::{Installation, Link, MachineRun, SAME_THING_AS, SerialItem, Thread, WorkOrder, iri};
use std::collections::{BTreeSet, HashMap};

/// A value as a person reads it: the IRI, or the lexical form of the literal. `None` is unbound.
pub(crate) type Cell = Option<String>;

/// An answer: rows in the order the question asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) variables: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// The answer to a question of `questions/`, by the name of its file; `None` for a name that is not there.
pub(crate) fn expected(thread: &Thread, question: &str) -> Option<Answer> {
    let facts = Facts::new(thread);
    let (variables, rows) = match question {
        "recall" => ("customer unit component partName", facts.recall("H-5513")),
        "wrong-program" => ("serial program ran planned characteristic", facts.wrong_program()),
        "vibration" => ("serial machineCode failed peak", facts.vibration(4.0)),
        "units-of-measure" => ("number plmUnit erpUnit workOrder quantity", facts.units_of_measure()),
        "change-impact" => ("kind what detail", facts.change_impact("ECO-25-007")),
        "open-reports" => ("customer unit component report disposition", facts.open_reports()),
        "hottest" => ("temperature at serial title letter", facts.hottest(5)),
        "effectivity" => ("workOrder starts planned effective", facts.effectivity()),
        _ => return None,
    };
    Some(Answer { variables: variables.split(' ').map(str::to_owned).collect(), rows })
}

fn cell(value: impl ToString) -> Cell {
    Some(value.to_string())
}

/// The rows, with the few lookups that several answers need.
struct Facts<'a> {
    thread: &'a Thread,
    /// Serial number to the things of other systems that current links say it is, by IRI.
    same: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Facts<'a> {
    fn new(thread: &'a Thread) -> Self {
        let current: Vec<&Link> =
            thread.links.iter().filter(|link| link.is_current() && link.predicate == SAME_THING_AS).collect();
        let same = thread
            .mes
            .serials
            .iter()
            .map(|item| {
                let node = iri("item", &item.serial);
                let known = current.iter().filter(|link| link.object == node).map(|link| link.subject.as_str());
                (item.serial.as_str(), known.collect())
            })
            .collect();
        Self { thread, same }
    }

    fn item(&self, serial: &str) -> Option<&'a SerialItem> {
        self.thread.mes.serials.iter().find(|item| item.serial == serial)
    }

    /// (customer, unit number, whether the order is shipped) of an assembled pump.
    fn sold(&self, pump: &str) -> Option<(&'a str, &'a str, bool)> {
        let erp = &self.thread.erp;
        let known = &self.same[pump];
        let unit = erp.finished_units.iter().find(|unit| known.contains(&iri("unit", &unit.unit).as_str()))?;
        let sale = erp.sales_orders.iter().find(|sale| Some(sale.number) == unit.sales_order)?;
        Some((sale.customer, &unit.unit, sale.status == "shipped"))
    }

    fn is_specimen(&self, serial: &str, barcode: &str) -> bool {
        self.same[serial].contains(&iri("specimen", barcode).as_str())
    }

    /// Characteristics of a part that failed.
    fn failed(&self, serial: &str) -> Vec<&'a str> {
        let results = self.thread.quality.results.iter().filter(|result| result.verdict == "FAIL");
        results.filter(|result| self.is_specimen(serial, &result.barcode)).map(|result| result.characteristic).collect()
    }

    fn installations(&self, component: &str) -> Vec<&'a Installation> {
        self.thread.mes.genealogy.iter().filter(|row| row.component == component).collect()
    }

    fn part_name(&self, number: &str) -> Option<&'a str> {
        self.thread.plm.parts.iter().find(|part| part.number == number).map(|part| part.name.as_str())
    }

    fn recall(&self, lot: &str) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for drawn in self.thread.erp.consumption.iter().filter(|row| row.lot == lot) {
            for item in self.thread.mes.serials.iter().filter(|item| item.work_order == drawn.production_order) {
                let installed = self.installations(&item.serial);
                for pump in installed.into_iter().filter(|row| row.removed_at.is_none()) {
                    if let Some((customer, unit, true)) = self.sold(&pump.assembly) {
                        rows.push(vec![
                            cell(customer),
                            cell(unit),
                            cell(&item.serial),
                            self.part_name(item.part).map(Into::into),
                        ]);
                    }
                }
            }
        }
        rows.sort();
        rows
    }

    /// The revision a program belongs to; `None` for programs the PLM does not know.
    fn program_rev(&self, run: &MachineRun) -> Option<&'static str> {
        self.thread.plm.documents.iter().find(|document| document.file_name == run.program).map(|document| document.rev)
    }

    fn wrong_program(&self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for run in &self.thread.mes.runs {
            let order = self.item(&run.serial).map(|item| item.work_order.as_str());
            let planned = self.thread.mes.work_orders.iter().find(|row| Some(row.number.as_str()) == order);
            let (Some(ran), Some(planned)) = (self.program_rev(run), planned) else { continue };
            if ran == planned.planned_rev {
                continue;
            }
            let failed = self.failed(&run.serial);
            let found = if failed.is_empty() { vec![None] } else { failed.into_iter().map(cell).collect() };
            for characteristic in found {
                rows.push(vec![
                    cell(&run.serial),
                    cell(&run.program),
                    cell(ran),
                    cell(planned.planned_rev),
                    characteristic,
                ]);
            }
        }
        rows.sort_by(|a, b| (&a[0], &a[4]).cmp(&(&b[0], &b[4])));
        rows
    }

    fn vibration(&self, above: f64) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for run in &self.thread.mes.runs {
            let failed = self.failed(&run.serial).len();
            let samples = self.thread.samples.iter().filter(|s| s.run == run.run && s.signal == "vibration");
            let peak = samples.map(|sample| sample.value).fold(f64::NEG_INFINITY, f64::max);
            if failed > 0 && peak > above {
                rows.push((peak, vec![cell(&run.serial), cell(run.machine), cell(failed), cell(peak)]));
            }
        }
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn units_of_measure(&self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for part in &self.thread.plm.parts {
            for item in self.thread.erp.items.iter().filter(|item| item.code == part.number && item.unit != part.unit) {
                for request in self.thread.mes.requests.iter().filter(|request| request.part == item.code) {
                    let open = |o: &&WorkOrder| o.number == request.work_order && o.status == "open";
                    if self.thread.mes.work_orders.iter().any(|order| open(&order)) {
                        let row = [&part.number, part.unit, item.unit, &request.work_order].map(cell);
                        rows.push(row.into_iter().chain([cell(request.quantity)]).collect());
                    }
                }
            }
        }
        rows.sort();
        rows
    }

    fn change_impact(&self, change: &str) -> Vec<Vec<Cell>> {
        let plm = &self.thread.plm;
        let mut rows = BTreeSet::new();
        for entry in plm.change_items.iter().filter(|entry| entry.change == change) {
            let planned = |o: &&WorkOrder| o.part == entry.part && o.planned_rev == entry.rev;
            if entry.role == "AFFECTED" {
                for order in self.thread.mes.work_orders.iter().filter(planned).filter(|order| order.status == "open") {
                    rows.insert(vec![cell("work order"), cell(&order.number), cell(order.planned_rev)]);
                }
                continue;
            }
            for usage in plm.bom.iter().filter(|line| line.parent == entry.part && line.parent_rev == entry.rev) {
                let lines = self.thread.erp.purchase_lines.iter().filter(|line| line.item == usage.child);
                for line in lines.filter(|line| line.status == "open") {
                    rows.insert(vec![cell("purchase"), cell(line.purchase_order), cell(line.supplier)]);
                }
            }
        }
        let resolved =
            self.thread.links.iter().filter(|link| link.object == iri("change", change) && link.is_current());
        for link in resolved {
            let reports = &self.thread.quality.nonconformances;
            for report in reports.iter().filter(|report| iri("nonconformance", &report.number) == link.subject) {
                for item in self.thread.mes.serials.iter().filter(|i| self.is_specimen(&i.serial, &report.barcode)) {
                    rows.insert(vec![cell("quality report"), cell(&report.number), cell(&item.serial)]);
                }
            }
        }
        rows.into_iter().collect()
    }

    fn open_reports(&self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for report in self.thread.quality.nonconformances.iter().filter(|report| report.closed.is_none()) {
            for item in self.thread.mes.serials.iter().filter(|i| self.is_specimen(&i.serial, &report.barcode)) {
                for pump in self.installations(&item.serial) {
                    if let Some((customer, unit, true)) = self.sold(&pump.assembly) {
                        let disposition = report.disposition.map(Into::into);
                        rows.push(vec![
                            cell(customer),
                            cell(unit),
                            cell(&item.serial),
                            cell(&report.number),
                            disposition,
                        ]);
                    }
                }
            }
        }
        rows.sort();
        rows
    }

    fn hottest(&self, count: usize) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for run in self.thread.mes.runs.iter().filter(|run| run.serial.starts_with("MP-41-")) {
            let documents = self.thread.plm.documents.iter().filter(|document| document.file_name == run.program);
            for document in documents.filter(|document| document.kind == "NC_PROGRAM") {
                let samples = self.thread.samples.iter().filter(|sample| sample.run == run.run);
                for sample in samples.filter(|sample| sample.signal == "spindle_temperature") {
                    let row = [&sample.at, &run.serial, &document.title, document.rev].map(cell);
                    rows.push((sample.value, row.to_vec()));
                }
            }
        }
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let first = rows.into_iter().take(count);
        first.map(|(value, row)| [cell(value)].into_iter().chain(row).collect()).collect()
    }

    fn effectivity(&self) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for order in &self.thread.mes.work_orders {
            let started = self.thread.erp.production_orders.iter().filter(|row| row.number == order.number);
            for started in started {
                for revision in self.thread.plm.revisions.iter().filter(|revision| revision.part == order.part) {
                    let from = revision.effective_from.as_ref().is_some_and(|from| *from <= started.starts);
                    let to = revision.effective_to.as_ref().is_none_or(|to| started.starts <= *to);
                    if from && to && revision.rev != order.planned_rev {
                        rows.push([&order.number, &started.starts, order.planned_rev, revision.rev].map(cell).to_vec());
                    }
                }
            }
        }
        rows.sort();
        rows
    }
}

#[cfg(test)]
mod tests;
