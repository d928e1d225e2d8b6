//! Questions about times: parts of them are what rows are grouped by, where the rows are.

use super::relation::{aggregate, grouped, time_parts};
use super::{Floor, Sheet, doubles, integers, mean};
use anyhow::Result;
use weft_model::contract::{AggregateFunction, TimePart};

pub(crate) async fn hours(floor: &Floor<'_>) -> Result<Sheet> {
    buckets(floor, &[TimePart::Hours], "hour,readings,mean").await
}

pub(crate) async fn days(floor: &Floor<'_>) -> Result<Sheet> {
    buckets(floor, &[TimePart::Year, TimePart::Month, TimePart::Day], "year,month,day,readings,mean").await
}

async fn buckets(floor: &Floor<'_>, parts: &[TimePart], header: &str) -> Result<Sheet> {
    let readings = time_parts(floor.read("historian", "reading", &["at", "value"])?, "at", parts, "value");
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let aggregates = vec![
        aggregate("count", AggregateFunction::Count, None),
        aggregate("sum", AggregateFunction::Sum, Some("value")),
    ];
    let mut sheet = floor.sheet(header);
    for batch in &floor.all("historian", grouped(readings, &names, aggregates)).await? {
        let (counts, sums) = (integers(batch, parts.len()), doubles(batch, parts.len() + 1));
        for (row, (count, sum)) in counts.iter().zip(sums).enumerate() {
            for part in 0..parts.len() {
                sheet.integer(integers(batch, part)[row]);
            }
            sheet.integer(*count);
            sheet.double(mean(*sum, *count));
            sheet.end_row();
        }
    }
    Ok(sheet)
}
