#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use std::collections::HashSet;

#[test]
fn the_thread_is_the_same_every_time() {
    let (a, b) = (Thread::generate(), Thread::generate());
    assert_eq!(a.samples.len(), b.samples.len());
    assert!(a.samples.iter().zip(&b.samples).all(|(a, b)| a.value == b.value && a.at == b.at));
    assert!(a.quality.results.iter().zip(&b.quality.results).all(|(a, b)| a.measured == b.measured));
    assert!(a.plm.bom.iter().zip(&b.plm.bom).all(|(a, b)| a.child == b.child && a.quantity == b.quantity));
}

#[test]
fn it_is_large_enough_to_page_and_to_aggregate() {
    let thread = Thread::generate();
    assert!(thread.plm.bom.len() > 100, "{}", thread.plm.bom.len());
    assert!(thread.samples.len() > 10_000, "{}", thread.samples.len());
    assert_eq!(thread.mes.serials.len(), 5 * UNITS);
}

/// The keys that different systems share really are the same.
#[test]
fn references_across_systems_hold() {
    let thread = Thread::generate();
    let parts: HashSet<_> = thread.plm.parts.iter().map(|part| part.number.as_str()).collect();
    let revisions: HashSet<_> = thread.plm.revisions.iter().map(|r| (r.part.as_str(), r.rev)).collect();
    let serials: HashSet<_> = thread.mes.serials.iter().map(|item| item.serial.as_str()).collect();
    let runs: HashSet<_> = thread.mes.runs.iter().map(|run| run.run.as_str()).collect();
    assert!(thread.erp.items.iter().all(|item| parts.contains(item.code)));
    assert!(thread.plm.bom.iter().all(|line| parts.contains(line.child.as_str())));
    assert!(thread.mes.work_orders.iter().all(|order| revisions.contains(&(order.part, order.planned_rev))));
    assert!(thread.mes.runs.iter().all(|run| serials.contains(run.serial.as_str())));
    assert!(thread.samples.iter().all(|sample| runs.contains(sample.run.as_str())));
    let installed = thread.mes.genealogy.iter().flat_map(|row| [&row.assembly, &row.component]);
    assert!(installed.into_iter().all(|serial| serials.contains(serial.as_str())));
    let orders: HashSet<_> = thread.mes.work_orders.iter().map(|order| order.number.as_str()).collect();
    assert_eq!(orders.len(), thread.mes.work_orders.len());
    assert!(thread.mes.requests.iter().all(|request| orders.contains(request.work_order.as_str())));
    let programs: HashSet<_> = thread.plm.documents.iter().map(|document| document.file_name.as_str()).collect();
    let unknown: HashSet<_> =
        thread.mes.runs.iter().map(|run| run.program.as_str()).filter(|program| !programs.contains(program)).collect();
    assert_eq!(unknown, HashSet::from(["TRIAL7.NC"]));
}

#[test]
fn one_housing_has_no_inspection_and_only_current_links_count() {
    let thread = Thread::generate();
    let of = |serial: &str| {
        let node = iri("item", serial);
        thread.links.iter().filter(|link| link.object == node && link.is_current()).count()
    };
    assert_eq!(of("MP-41-0011"), 0);
    assert_eq!(of("MP-41-0012"), 1);
    assert_eq!(of("MP-40-0013"), 1);
    assert_eq!(thread.links.iter().filter(|link| !link.is_current()).count(), 3);
}
