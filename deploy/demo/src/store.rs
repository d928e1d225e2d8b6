//! Writes the thread into SQLite files, one a system, and the link store.

use crate::thread::{PUMP, Thread};
use anyhow::{Context, Result};
use rusqlite::types::Null;
use rusqlite::{Connection, Statement, params};
use std::fs;
use std::path::Path;

/// Generates the data files below `directory`, replacing what an earlier run left there.
pub fn generate(directory: &Path) -> Result<Thread> {
    let data = directory.join("data");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let thread = Thread::generate();
    write(&data.join("plm.sqlite"), include_str!("../schema/plm.sql"), |db| plm(db, &thread))?;
    write(&data.join("erp.sqlite"), include_str!("../schema/erp.sql"), |db| erp(db, &thread))?;
    write(&data.join("mes.sqlite"), include_str!("../schema/mes.sql"), |db| mes(db, &thread))?;
    write(&data.join("historian.sqlite"), include_str!("../schema/historian.sql"), |db| historian(db, &thread))?;
    write(&data.join("quality.sqlite"), include_str!("../schema/quality.sql"), |db| quality(db, &thread))?;
    write(&data.join("links.sqlite"), include_str!("../schema/links.sql"), |db| links(db, &thread))?;
    Ok(thread)
}

/// Fills a new file beside the old one and then takes its place, so that no half-written file is ever read.
fn write(path: &Path, schema: &str, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
    let fresh = path.with_extension("fresh");
    let context = || format!("cannot write {}", path.display());
    if fresh.exists() {
        fs::remove_file(&fresh).with_context(context)?;
    }
    let mut db = Connection::open(&fresh).with_context(context)?;
    let transaction = db.transaction().with_context(context)?;
    transaction.execute_batch(schema).with_context(context)?;
    fill(&transaction).with_context(context)?;
    transaction.commit().with_context(context)?;
    db.execute_batch("ANALYZE").with_context(context)?;
    db.close().map_err(|(_, error)| error).with_context(context)?;
    fs::rename(&fresh, path).with_context(context)
}

/// Runs `execute` for every row with the prepared statement.
fn insert<T>(
    db: &Connection,
    sql: &str,
    rows: &[T],
    execute: impl Fn(&T, &mut Statement<'_>) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare(sql)?;
    for row in rows {
        execute(row, &mut statement)?;
    }
    Ok(())
}

fn plm(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    let plm = &thread.plm;
    insert(db, "INSERT INTO Parts VALUES (?, ?, ?, ?, ?)", &plm.parts, |row, s| {
        s.execute(params![row.number, row.name, row.kind, row.unit, "Released"])
    })?;
    insert(db, "INSERT INTO Changes VALUES (?, ?, ?, ?, ?)", &plm.changes, |row, s| {
        s.execute(params![row.number, row.title, row.state, row.reason, row.released_at])
    })?;
    insert(db, "INSERT INTO Revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &plm.revisions, |row, s| {
        s.execute(params![
            row.part,
            row.rev,
            row.state,
            row.effective_from,
            row.effective_to,
            row.material,
            row.mass_kg,
            row.change
        ])
    })?;
    insert(db, "INSERT INTO BomLines VALUES (?, ?, ?, ?, ?)", &plm.bom, |row, s| {
        s.execute(params![row.parent, row.parent_rev, row.find_no, row.child, row.quantity])
    })?;
    insert(db, "INSERT INTO ChangeItems VALUES (?, ?, ?, ?)", &plm.change_items, |row, s| {
        s.execute(params![row.change, row.part, row.rev, row.role])
    })?;
    insert(db, "INSERT INTO Documents VALUES (?, ?, ?, ?, ?, ?)", &plm.documents, |row, s| {
        s.execute(params![row.file_name, row.title, row.kind, row.part, row.rev, row.size_bytes])
    })?;
    Ok(())
}

fn erp(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    let erp = &thread.erp;
    insert(db, "INSERT INTO party VALUES (?, ?, ?)", &erp.parties, |row, s| {
        s.execute(params![row.name, row.role, row.country])
    })?;
    insert(db, "INSERT INTO item VALUES (?, ?, ?, ?)", &erp.items, |row, s| {
        s.execute(params![row.code, row.description, row.unit, row.lead_days])
    })?;
    insert(db, "INSERT INTO lot VALUES (?, ?, ?, ?)", &erp.lots, |row, s| {
        s.execute(params![row.number, row.item, row.supplier, row.received])
    })?;
    insert(db, "INSERT INTO purchase_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &erp.purchase_lines, |row, s| {
        s.execute(params![
            row.purchase_order,
            row.line,
            row.supplier,
            row.item,
            row.quantity,
            row.unit_price,
            row.status,
            row.due
        ])
    })?;
    insert(db, "INSERT INTO production_order VALUES (?, ?, ?, ?, ?)", &erp.production_orders, |row, s| {
        s.execute(params![row.number, row.item, row.quantity, row.starts, row.status])
    })?;
    insert(db, "INSERT INTO consumption VALUES (?, ?, ?)", &erp.consumption, |row, s| {
        s.execute(params![row.production_order, row.lot, row.quantity])
    })?;
    insert(db, "INSERT INTO sales_order VALUES (?, ?, ?, ?)", &erp.sales_orders, |row, s| {
        s.execute(params![row.number, row.customer, row.status, row.shipped])
    })?;
    insert(db, "INSERT INTO finished_unit VALUES (?, ?, ?)", &erp.finished_units, |row, s| {
        s.execute(params![row.unit, PUMP, row.sales_order])
    })?;
    Ok(())
}

fn mes(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    let mes = &thread.mes;
    insert(db, "INSERT INTO machine VALUES (?, ?, ?)", &mes.machines, |row, s| {
        s.execute(params![row.code, row.maker, row.cell])
    })?;
    insert(db, "INSERT INTO work_order VALUES (?, ?, ?, ?, ?)", &mes.work_orders, |row, s| {
        s.execute(params![row.number, row.part, row.planned_rev, row.quantity, row.status])
    })?;
    insert(db, "INSERT INTO material_request VALUES (?, ?, ?)", &mes.requests, |row, s| {
        s.execute(params![row.work_order, row.part, row.quantity])
    })?;
    insert(db, "INSERT INTO serial VALUES (?, ?, ?, ?)", &mes.serials, |row, s| {
        s.execute(params![row.serial, row.part, row.work_order, row.status])
    })?;
    insert(db, "INSERT INTO genealogy VALUES (?, ?, ?, ?)", &mes.genealogy, |row, s| {
        s.execute(params![row.assembly, row.component, row.installed_at, row.removed_at])
    })?;
    insert(db, "INSERT INTO machine_run VALUES (?, ?, ?, ?, ?, ?)", &mes.runs, |row, s| {
        s.execute(params![row.run, row.machine, row.serial, row.program, row.started, row.ended])
    })?;
    Ok(())
}

fn historian(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    insert(db, "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", &thread.samples, |row, s| {
        s.execute(params![Null, row.run, row.machine, row.signal, row.at, row.value])
    })?;
    Ok(())
}

fn quality(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    let quality = &thread.quality;
    insert(db, "INSERT INTO inspection_result VALUES (?, ?, ?, ?, ?, ?, ?)", &quality.results, |row, s| {
        s.execute(params![
            row.barcode,
            row.characteristic,
            row.measured,
            row.lower_limit,
            row.upper_limit,
            row.verdict,
            row.inspected
        ])
    })?;
    insert(db, "INSERT INTO nonconformance VALUES (?, ?, ?, ?, ?)", &quality.nonconformances, |row, s| {
        s.execute(params![row.number, row.barcode, row.opened, row.disposition, row.closed])
    })?;
    Ok(())
}

fn links(db: &Connection, thread: &Thread) -> rusqlite::Result<()> {
    insert(db, "INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &thread.links, |row, s| {
        s.execute(params![
            row.subject,
            row.predicate,
            row.object,
            row.rule,
            row.author,
            row.evidence,
            row.confidence,
            row.state,
            Null,
            Null,
            row.recorded_at,
            row.superseded_at
        ])
    })?;
    Ok(())
}
