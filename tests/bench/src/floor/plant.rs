//! Questions about the plant.

use super::relation::{aggregate as calculated, closure, compare, equal, greatest, grouped, starts_with, text};
use super::{Floor, Sheet, doubles, integers, keys, mean};
use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type};
use futures::StreamExt as _;
use std::collections::HashMap;
use weft_model::contract::{AggregateFunction, CompareOperator, Expression, Value};

const UNIT: &str = "http://b/unit/";
const ORDER: &str = "http://b/order/";
const PART: &str = "http://b/part/";
const ITEM: &str = "http://b/item/";

/// A unit by its key, its order, its part.
pub(crate) async fn entity(floor: &Floor<'_>) -> Result<Sheet> {
    let units = floor.read("mes", "unit", &["torque", "orders"])?.filtered(equal("id", Value::Int64(4_711)));
    let units = floor.all("mes", units).await?;
    let unit = units.first().context("there is no such unit")?;
    let order = integers(unit, 1)[0];
    let orders = floor.read("erp", "orders", &["part"])?.filtered(equal("id", Value::Int64(order)));
    let orders = floor.all("erp", orders).await?;
    let part = integers(orders.first().context("there is no such order")?, 0)[0];
    let parts = floor.read("plm", "part", &["name", "material"])?.filtered(equal("id", Value::Int64(part)));
    let parts = floor.all("plm", parts).await?;
    let found = parts.first().context("there is no such part")?;
    let mut sheet = floor.sheet("torque,order,part,name,material");
    sheet.double(doubles(unit, 0)[0]);
    sheet.iri(ORDER, order);
    sheet.iri(PART, part);
    sheet.text_cell(found.column(0).as_string_view().value(0));
    sheet.text_cell(found.column(1).as_string_view().value(0));
    sheet.end_row();
    Ok(sheet)
}

/// An order by its number; then its part and its units at once.
pub(crate) async fn rows_10(floor: &Floor<'_>) -> Result<Sheet> {
    let orders = floor.read("erp", "orders", &["id", "part"])?.filtered(equal("number", text("O-00000017")));
    let orders = floor.all("erp", orders).await?;
    let order = orders.first().context("there is no such order")?;
    let (order, part) = (integers(order, 0)[0], integers(order, 1)[0]);
    let parts = floor.read("plm", "part", &["name"])?.filtered(equal("id", Value::Int64(part)));
    let units = floor.read("mes", "unit", &["id", "torque"])?.filtered(equal("orders", Value::Int64(order)));
    let (parts, units) = tokio::try_join!(floor.all("plm", parts), floor.all("mes", units))?;
    let name = parts.first().context("there is no such part")?.column(0).as_string_view().value(0);
    let mut sheet = floor.sheet("unit,torque,name");
    for batch in &units {
        for (unit, torque) in integers(batch, 0).iter().zip(doubles(batch, 1)) {
            sheet.iri(UNIT, *unit);
            sheet.double(*torque);
            sheet.text_cell(name);
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// From a material to parts, orders and units.
pub(crate) async fn rows_1000(floor: &Floor<'_>) -> Result<Sheet> {
    let parts = floor.read("plm", "part", &["id", "number"])?.filtered(equal("material", text("titanium")));
    let parts = floor.all("plm", parts).await?;
    let numbers = texts_by_key(&parts);
    let orders = floor.read("erp", "orders", &["id", "part"])?.keyed(keys("part", numbers.keys().copied())?);
    let orders = floor.all("erp", orders).await?;
    let part_of = pairs(&orders);
    let units = floor.read("mes", "unit", &["id", "orders", "torque"])?.keyed(keys("orders", part_of.keys().copied())?);
    let mut units = floor.scan("mes", units).await?;
    let mut sheet = floor.sheet("unit,torque,number");
    while let Some(batch) = units.next().await {
        write_units(&mut sheet, &batch?, &part_of, &numbers);
    }
    Ok(sheet)
}

/// All parts, orders and units, read at once; units are joined as they come.
pub(crate) async fn rows_100000(floor: &Floor<'_>) -> Result<Sheet> {
    let parts = floor.read("plm", "part", &["id", "material"])?;
    let orders = floor.read("erp", "orders", &["id", "part"])?;
    let units = floor.read("mes", "unit", &["id", "orders", "torque"])?;
    let units = floor.scan("mes", units);
    let (parts, orders, mut units) = tokio::try_join!(floor.all("plm", parts), floor.all("erp", orders), units)?;
    let (materials, part_of) = (texts_by_key(&parts), pairs(&orders));
    let mut sheet = floor.sheet("unit,torque,material");
    while let Some(batch) = units.next().await {
        write_units(&mut sheet, &batch?, &part_of, &materials);
    }
    Ok(sheet)
}

/// Units (id, orders, torque) with a text of their part.
fn write_units(sheet: &mut Sheet, units: &RecordBatch, part_of: &HashMap<i64, i64>, texts: &HashMap<i64, &str>) {
    let torques = doubles(units, 2);
    for ((unit, order), torque) in integers(units, 0).iter().zip(integers(units, 1)).zip(torques) {
        if let Some(text) = part_of.get(order).and_then(|part| texts.get(part)) {
            sheet.iri(UNIT, *unit);
            sheet.double(*torque);
            sheet.text_cell(text);
            sheet.end_row();
        }
    }
}

/// Units are summed by order where they are; the sums meet orders and parts here.
pub(crate) async fn aggregate(floor: &Floor<'_>) -> Result<Sheet> {
    let parts = floor.read("plm", "part", &["id", "material"])?;
    let orders = floor.read("erp", "orders", &["id", "part"])?;
    let sums = vec![
        calculated("sum", AggregateFunction::Sum, Some("torque")),
        calculated("count", AggregateFunction::Count, Some("torque")),
    ];
    let units = grouped(floor.read("mes", "unit", &["orders", "torque"])?, &["orders"], sums);
    let units = floor.all("mes", units);
    let (parts, orders, units) = tokio::try_join!(floor.all("plm", parts), floor.all("erp", orders), units)?;
    let (materials, part_of) = (texts_by_key(&parts), pairs(&orders));
    let mut sums: HashMap<&str, (f64, i64)> = HashMap::new();
    for batch in &units {
        for ((order, sum), count) in integers(batch, 0).iter().zip(doubles(batch, 1)).zip(integers(batch, 2)) {
            if let Some(material) = part_of.get(order).and_then(|part| materials.get(part)) {
                let (all, rows) = sums.entry(*material).or_default();
                *all += sum;
                *rows += count;
            }
        }
    }
    let mut sheet = floor.sheet("material,mean");
    for (material, (sum, count)) in sums {
        sheet.text_cell(material);
        sheet.double(mean(sum, count));
        sheet.end_row();
    }
    Ok(sheet)
}

/// Orders of steel parts with the hours of rework, where there was any.
pub(crate) async fn optional(floor: &Floor<'_>) -> Result<Sheet> {
    let parts = floor.read("plm", "part", &["id"])?.filtered(equal("material", text("steel")));
    let parts = floor.all("plm", parts).await?;
    let parts = parts.iter().flat_map(|batch| integers(batch, 0)).copied();
    let orders = floor.read("erp", "orders", &["id"])?.keyed(keys("part", parts)?);
    let orders = floor.all("erp", orders).await?;
    let orders: Vec<i64> = orders.iter().flat_map(|batch| integers(batch, 0)).copied().collect();
    let rework = floor.read("mes", "rework", &["orders", "hours"])?.keyed(keys("orders", orders.iter().copied())?);
    let rework = floor.all("mes", rework).await?;
    let mut hours_of: HashMap<i64, Vec<f64>> = HashMap::new();
    for batch in &rework {
        for (order, hours) in integers(batch, 0).iter().zip(doubles(batch, 1)) {
            hours_of.entry(*order).or_default().push(*hours);
        }
    }
    let mut sheet = floor.sheet("order,hours");
    for order in orders {
        let Some(all) = hours_of.get(&order) else {
            sheet.iri(ORDER, order);
            sheet.unbound();
            sheet.end_row();
            continue;
        };
        for hours in all {
            sheet.iri(ORDER, order);
            sheet.double(*hours);
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// Any ten units whose order and part are known.
pub(crate) async fn limit_10(floor: &Floor<'_>) -> Result<Sheet> {
    let units = floor.read("mes", "unit", &["id", "orders", "torque"])?.limited(10);
    let sheet = units_with_material(floor, units.into()).await?;
    ensure!(sheet.rows() == 10, "a unit has no order or no part");
    Ok(sheet)
}

/// The ten units with the highest torque.
pub(crate) async fn top_10(floor: &Floor<'_>) -> Result<Sheet> {
    let units = greatest(floor.read("mes", "unit", &["id", "orders", "torque"])?, "torque", 10);
    let sheet = units_with_material(floor, units).await?;
    ensure!(sheet.rows() == 10, "a unit has no order or no part");
    Ok(sheet)
}

async fn units_with_material(floor: &Floor<'_>, units: weft_model::contract::Relation) -> Result<Sheet> {
    let units = floor.all("mes", units).await?;
    let orders = units.iter().flat_map(|batch| integers(batch, 1)).copied();
    let orders = floor.read("erp", "orders", &["id", "part"])?.keyed(keys("id", orders)?);
    let orders = floor.all("erp", orders).await?;
    let part_of = pairs(&orders);
    let parts = floor.read("plm", "part", &["id", "material"])?.keyed(keys("id", part_of.values().copied())?);
    let parts = floor.all("plm", parts).await?;
    let materials = texts_by_key(&parts);
    let mut sheet = floor.sheet("unit,torque,material");
    for batch in &units {
        write_units(&mut sheet, batch, &part_of, &materials);
    }
    Ok(sheet)
}

/// All items below the root.
pub(crate) async fn bom_down(floor: &Floor<'_>) -> Result<Sheet> {
    let steps = floor.read("plm", "component", &["parent", "child"])?;
    closure_from(floor, closure(steps, "parent", "child", keys("parent", [0])?)).await
}

/// All items an item is in.
pub(crate) async fn bom_up(floor: &Floor<'_>) -> Result<Sheet> {
    let steps = floor.read("plm", "component", &["parent", "child"])?;
    closure_from(floor, closure(steps, "child", "parent", keys("child", [77_777])?)).await
}

async fn closure_from(floor: &Floor<'_>, closure: weft_model::contract::Relation) -> Result<Sheet> {
    let mut scan = floor.scan("plm", closure).await?;
    let mut sheet = floor.sheet("item");
    while let Some(batch) = scan.next().await {
        for item in integers(&batch?, 1) {
            sheet.iri(ITEM, *item);
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// All of it is computed by the one source.
pub(crate) async fn group(floor: &Floor<'_>) -> Result<Sheet> {
    let aggregates = vec![
        calculated("count", AggregateFunction::Count, None),
        calculated("sum", AggregateFunction::Sum, Some("torque")),
        calculated("most", AggregateFunction::Max, Some("torque")),
    ];
    let units = grouped(floor.read("mes", "unit", &["station", "torque"])?, &["station"], aggregates);
    let mut sheet = floor.sheet("station,units,mean,most");
    for batch in &floor.all("mes", units).await? {
        let (stations, counts) = (batch.column(0).as_string_view(), integers(batch, 1));
        for (row, count) in counts.iter().enumerate() {
            sheet.text_cell(stations.value(row));
            sheet.integer(*count);
            sheet.double(mean(doubles(batch, 2)[row], *count));
            sheet.double(doubles(batch, 3)[row]);
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// Ten properties of every part.
pub(crate) async fn star(floor: &Floor<'_>) -> Result<Sheet> {
    let columns =
        ["id", "number", "name", "description", "material", "revision", "state", "owner", "mass", "price", "released"];
    let mut scan = floor.scan("plm", floor.read("plm", "part", &columns)?).await?;
    let mut sheet = floor.sheet("part,number,name,description,material,revision,state,owner,mass,price,released");
    while let Some(batch) = scan.next().await {
        let batch = batch?;
        let texts: Vec<_> = (1..8).map(|column| batch.column(column).as_string_view()).collect();
        let masses = doubles(&batch, 8);
        let prices = batch.column(9).as_primitive::<Decimal128Type>();
        let released = batch.column(10).as_primitive::<Date32Type>();
        for (row, part) in integers(&batch, 0).iter().enumerate() {
            sheet.iri(PART, *part);
            texts.iter().for_each(|column| sheet.text_cell(column.value(row)));
            sheet.double(masses[row]);
            sheet.hundredths(prices.value(row));
            sheet.date(released.value(row));
            sheet.end_row();
        }
    }
    Ok(sheet)
}

pub(crate) async fn filter_string(floor: &Floor<'_>) -> Result<Sheet> {
    let units = floor.read("mes", "unit", &["id", "station"])?.filtered(starts_with("serial", "U-0000123"));
    let mut sheet = floor.sheet("unit,station");
    for batch in &floor.all("mes", units).await? {
        let stations = batch.column(1).as_string_view();
        for (row, unit) in integers(batch, 0).iter().enumerate() {
            sheet.iri(UNIT, *unit);
            sheet.text_cell(stations.value(row));
            sheet.end_row();
        }
    }
    Ok(sheet)
}

pub(crate) async fn filter_number(floor: &Floor<'_>) -> Result<Sheet> {
    let most = compare("torque", CompareOperator::Less, Value::Float64(125.0));
    let mut scan = floor.scan("mes", floor.read("mes", "unit", &["id", "torque"])?.filtered(most)).await?;
    let mut sheet = floor.sheet("unit,torque");
    while let Some(batch) = scan.next().await {
        let batch = batch?;
        for (unit, torque) in integers(&batch, 0).iter().zip(doubles(&batch, 1)) {
            sheet.iri(UNIT, *unit);
            sheet.double(*torque);
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// The orders of June 2024.
pub(crate) async fn filter_date(floor: &Floor<'_>) -> Result<Sheet> {
    let june = Expression::And(vec![
        compare("ordered", CompareOperator::GreaterOrEqual, Value::Date(19_875)),
        compare("ordered", CompareOperator::Less, Value::Date(19_905)),
    ]);
    let mut scan = floor.scan("erp", floor.read("erp", "orders", &["id", "ordered"])?.filtered(june)).await?;
    let mut sheet = floor.sheet("order,ordered");
    while let Some(batch) = scan.next().await {
        let batch = batch?;
        let dates = batch.column(1).as_primitive::<Date32Type>();
        for (row, order) in integers(&batch, 0).iter().enumerate() {
            sheet.iri(ORDER, *order);
            sheet.date(dates.value(row));
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// The second column by the first.
fn pairs(batches: &[RecordBatch]) -> HashMap<i64, i64> {
    let pairs = batches.iter().flat_map(|batch| integers(batch, 0).iter().zip(integers(batch, 1)));
    pairs.map(|(key, value)| (*key, *value)).collect()
}

fn texts_by_key(batches: &[RecordBatch]) -> HashMap<i64, &str> {
    let mut found = HashMap::new();
    for batch in batches {
        found.extend(integers(batch, 0).iter().copied().zip(batch.column(1).as_string_view().iter().flatten()));
    }
    found
}
