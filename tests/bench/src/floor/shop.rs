//! Questions to many vendors: one joined request to each, all at once.

use super::relation::{Reading, compare as comparison, equal, joined, projected};
use super::{Floor, Sheet, integers, keys};
use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Decimal128Type;
use futures::future::try_join_all;
use weft_model::contract::{CompareOperator, Relation, Value};

/// Products with a feature, and their offers that come soon.
pub(crate) async fn feature(floor: &Floor<'_>) -> Result<Sheet> {
    let vendors = floor.mesh().members.iter().map(|member| async move {
        let name: &str = &member.name;
        let features = floor.read(name, "product_feature", &["product"])?.named("f");
        let features = features.filtered(equal("feature", Value::Int64(17)));
        let products = floor.read(name, "product", &["id", "label"])?.named("p");
        let soon = comparison("days", CompareOperator::LessOrEqual, Value::Int64(3));
        let offers = floor.read(name, "offer", &["product", "price"])?.named("o").filtered(soon);
        let relation = joined(joined(features, products, ("f.product", "p.id")), offers, ("p.id", "o.product"));
        let batches = floor.all(name, projected(relation, &["p.id", "p.label", "o.price"])).await?;
        anyhow::Ok((name, batches))
    });
    let mut sheet = floor.sheet("product,label,price");
    for (vendor, batches) in try_join_all(vendors).await? {
        write_offers(&mut sheet, vendor, &batches);
    }
    Ok(sheet)
}

/// What all vendors ask for the product that is product 5 of vendor 3.
pub(crate) async fn compare(floor: &Floor<'_>) -> Result<Sheet> {
    let shared = floor.read("vendor3", "product", &["shared"])?.filtered(equal("id", Value::Int64(5)));
    let shared = floor.all("vendor3", shared).await?;
    let block = keys("shared", [integers(shared.first().context("there is no such product")?, 0)[0]])?;
    let vendors = floor.mesh().members.iter().map(|member| {
        let block = block.clone();
        async move {
            let name: &str = &member.name;
            let relation = offers_of(floor, name, |products| products.keyed(block))?;
            anyhow::Ok((name, floor.all(name, relation).await?))
        }
    });
    let mut sheet = floor.sheet("product,label,price");
    for (vendor, batches) in try_join_all(vendors).await? {
        write_offers(&mut sheet, vendor, &batches);
    }
    Ok(sheet)
}

/// The offers of one product of one vendor.
pub(crate) async fn offers_of_one(floor: &Floor<'_>) -> Result<Sheet> {
    let of_five = |products: Reading| products.filtered(equal("id", Value::Int64(5)));
    let batches = floor.all("vendor3", offers_of(floor, "vendor3", of_five)?).await?;
    let mut sheet = floor.sheet("label,price");
    for batch in &batches {
        let (labels, prices) = (batch.column(1).as_string_view(), batch.column(2).as_primitive::<Decimal128Type>());
        for row in 0..batch.num_rows() {
            sheet.text_cell(labels.value(row));
            sheet.hundredths(prices.value(row));
            sheet.end_row();
        }
    }
    Ok(sheet)
}

/// Products and their offers: id, label, price.
fn offers_of(floor: &Floor<'_>, vendor: &str, chosen: impl FnOnce(Reading) -> Reading) -> Result<Relation> {
    let products = chosen(floor.read(vendor, "product", &["id", "label"])?.named("p"));
    let offers = floor.read(vendor, "offer", &["product", "price"])?.named("o");
    Ok(projected(joined(products, offers, ("p.id", "o.product")), &["p.id", "p.label", "o.price"]))
}

fn write_offers(sheet: &mut Sheet, vendor: &str, batches: &[RecordBatch]) {
    let prefix = format!("http://{vendor}.b/product/");
    for batch in batches {
        let (labels, prices) = (batch.column(1).as_string_view(), batch.column(2).as_primitive::<Decimal128Type>());
        for (row, product) in integers(batch, 0).iter().enumerate() {
            sheet.iri(&prefix, *product);
            sheet.text_cell(labels.value(row));
            sheet.hundredths(prices.value(row));
            sheet.end_row();
        }
    }
}
