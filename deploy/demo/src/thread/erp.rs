//! Commercial data: parties, items, lots, orders. The ERP counts finished pumps by its own unit numbers.

use super::mes::Mes;
use super::{ASSEMBLED, MACHINED, PUMP};
use crate::calendar::day;

pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) role: &'static str,
    pub(crate) country: &'static str,
}

pub(crate) struct Item {
    pub(crate) code: &'static str,
    pub(crate) description: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) lead_days: Option<i64>,
}

pub(crate) struct Lot {
    pub(crate) number: &'static str,
    pub(crate) item: &'static str,
    pub(crate) supplier: &'static str,
    pub(crate) received: String,
}

pub(crate) struct PurchaseLine {
    pub(crate) purchase_order: &'static str,
    pub(crate) line: i64,
    pub(crate) supplier: &'static str,
    pub(crate) item: &'static str,
    pub(crate) quantity: f64,
    pub(crate) unit_price: f64,
    pub(crate) status: &'static str,
    pub(crate) due: String,
}

pub(crate) struct ProductionOrder {
    pub(crate) number: String,
    pub(crate) item: &'static str,
    pub(crate) quantity: i64,
    pub(crate) starts: String,
    pub(crate) status: &'static str,
}

pub(crate) struct Consumption {
    pub(crate) production_order: String,
    pub(crate) lot: &'static str,
    pub(crate) quantity: f64,
}

pub(crate) struct SalesOrder {
    pub(crate) number: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) status: &'static str,
    pub(crate) shipped: Option<String>,
}

pub(crate) struct FinishedUnit {
    pub(crate) unit: String,
    pub(crate) sales_order: Option<&'static str>,
    /// Counted from 1; not a column.
    pub(crate) pump: usize,
}

pub(crate) struct Erp {
    pub(crate) parties: Vec<Party>,
    pub(crate) items: Vec<Item>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) purchase_lines: Vec<PurchaseLine>,
    pub(crate) production_orders: Vec<ProductionOrder>,
    pub(crate) consumption: Vec<Consumption>,
    pub(crate) sales_orders: Vec<SalesOrder>,
    pub(crate) finished_units: Vec<FinishedUnit>,
}

pub(crate) fn generate(mes: &Mes) -> Erp {
    Erp {
        parties: parties(),
        items: items(),
        lots: lots(),
        purchase_lines: purchase_lines(),
        production_orders: mes.work_orders.iter().map(production_order).collect(),
        consumption: mes.work_orders.iter().filter_map(consumption).collect(),
        sales_orders: sales_orders(),
        finished_units: (1..=ASSEMBLED).map(finished_unit).collect(),
    }
}

fn parties() -> Vec<Party> {
    [
        ("Brightwater Metals", "supplier", "GB"),
        ("Kestrel Alloys", "supplier", "SE"),
        ("Sealwright", "supplier", "DE"),
        ("Corvane Dialysis", "customer", "NL"),
        ("Lindqvist Water", "customer", "SE"),
        ("Pelham Biotech", "customer", "IE"),
    ]
    .map(|(name, role, country)| Party { name, role, country })
    .into()
}

/// Units of measure are kept by hand in the ERP: the bar and the O-ring set disagree with the PLM.
fn items() -> Vec<Item> {
    [
        (PUMP, "Metering pump", "EA", None),
        ("MP-41", "Housing, machined", "EA", None),
        ("MP-42", "Rotor, machined", "EA", None),
        ("MP-43", "Shaft, turned", "EA", None),
        ("MP-44", "Cover, machined", "EA", None),
        ("MP-45", "Seal 12", "EA", Some(21)),
        ("MP-46", "Bearing 6001", "EA", Some(14)),
        ("MP-47", "Motor 24V", "EA", Some(42)),
        ("MP-48", "Screw M4x12", "EA", Some(7)),
        ("MP-49", "O-rings", "EA", Some(10)),
        ("RM-316B", "316L bar", "KG", Some(28)),
        ("RM-316P", "316L plate", "KG", Some(28)),
    ]
    .map(|(code, description, unit, lead_days)| Item { code, description, unit, lead_days })
    .into()
}

fn lots() -> Vec<Lot> {
    [
        ("H-5511", "RM-316B", "Kestrel Alloys", -20),
        ("H-5512", "RM-316P", "Brightwater Metals", -20),
        ("H-5513", "RM-316P", "Brightwater Metals", 10),
        ("H-5514", "RM-316B", "Kestrel Alloys", 17),
        ("H-5516", "RM-316P", "Kestrel Alloys", 24),
    ]
    .map(|(number, item, supplier, received)| Lot { number, item, supplier, received: day(received) })
    .into()
}

fn purchase_lines() -> Vec<PurchaseLine> {
    [
        ("PO-24-0871", 1, "Kestrel Alloys", "RM-316B", 12.0, 8.4, "received", -20),
        ("PO-24-0872", 1, "Brightwater Metals", "RM-316P", 90.0, 6.95, "received", -20),
        ("PO-25-0007", 1, "Brightwater Metals", "RM-316P", 40.0, 7.1, "received", 10),
        ("PO-25-0012", 1, "Kestrel Alloys", "RM-316B", 12.0, 8.55, "received", 17),
        ("PO-25-0012", 2, "Kestrel Alloys", "RM-316P", 60.0, 7.3, "received", 24),
        ("PO-25-0031", 1, "Kestrel Alloys", "RM-316P", 80.0, 7.3, "open", 66),
        ("PO-25-0033", 1, "Sealwright", "MP-49", 60.0, 2.1, "open", 60),
        ("PO-25-0033", 2, "Sealwright", "MP-45", 60.0, 4.75, "open", 60),
    ]
    .map(|(purchase_order, line, supplier, item, quantity, unit_price, status, due)| PurchaseLine {
        purchase_order,
        line,
        supplier,
        item,
        quantity,
        unit_price,
        status,
        due: day(due),
    })
    .into()
}

fn production_order(order: &super::WorkOrder) -> ProductionOrder {
    ProductionOrder {
        number: order.number.clone(),
        item: order.part,
        quantity: order.quantity,
        starts: day(order.batch as i64 * 7),
        status: if order.status == "open" { "released" } else { "done" },
    }
}

/// The heat a machining order was cut from. Orders still open have drawn nothing.
fn consumption(order: &super::WorkOrder) -> Option<Consumption> {
    let family = MACHINED.iter().find(|family| family.part == order.part)?;
    if order.status == "open" {
        return None;
    }
    let lot = match (family.stock, family.part, order.batch) {
        ("RM-316B", _, 0..=2) => "H-5511",
        ("RM-316B", ..) => "H-5514",
        (_, "MP-41", 0 | 1) | (_, "MP-42", 0..=2) | (_, "MP-44", 0..=4) => "H-5512",
        (_, "MP-41", 2) | (_, "MP-42", 3) | (_, "MP-44", _) => "H-5513",
        _ => "H-5516",
    };
    Some(Consumption { production_order: order.number.clone(), lot, quantity: order.quantity as f64 * 1.9 })
}

fn sales_orders() -> Vec<SalesOrder> {
    [
        ("SO-25-001", "Corvane Dialysis", "shipped", Some(14)),
        ("SO-25-002", "Lindqvist Water", "shipped", Some(28)),
        ("SO-25-003", "Pelham Biotech", "shipped", Some(35)),
        ("SO-25-004", "Corvane Dialysis", "shipped", Some(45)),
        ("SO-25-005", "Lindqvist Water", "open", None),
    ]
    .map(|(number, customer, status, shipped)| SalesOrder { number, customer, status, shipped: shipped.map(day) })
    .into()
}

/// Pumps 1 to 28 are shipped; the rest is in stock, two of them reserved for the open order.
fn finished_unit(pump: usize) -> FinishedUnit {
    let sales_order = match pump {
        1..=8 => Some("SO-25-001"),
        9..=16 => Some("SO-25-002"),
        17..=24 => Some("SO-25-003"),
        25..=28 => Some("SO-25-004"),
        29 | 30 => Some("SO-25-005"),
        _ => None,
    };
    FinishedUnit { unit: format!("MP40/25-{:04}", 2_000 + pump * 7), sales_order, pump }
}
