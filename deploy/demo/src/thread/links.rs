//! Links: what ties things together whose keys differ from system to system.

use super::erp::Erp;
use super::mes::Mes;
use super::quality::{Quality, barcode};
use super::{PUMP, serial};
use crate::calendar::instant;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) const SAME_THING_AS: &str = "https://weft.dev/ns#sameThingAs";
const RESOLVED_BY: &str = "https://weft.dev/ns#resolvedBy";
/// The base of every IRI of the demonstration.
pub(crate) const BASE: &str = "https://demo.weft.dev/";
/// R2RML section 7.3: everything but unreserved characters is percent-encoded.
const IRI_SAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One row of the link store.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) subject: String,
    pub(crate) predicate: &'static str,
    pub(crate) object: String,
    pub(crate) rule: Option<&'static str>,
    pub(crate) author: Option<&'static str>,
    pub(crate) evidence: String,
    pub(crate) confidence: f64,
    pub(crate) state: &'static str,
    pub(crate) recorded_at: String,
    pub(crate) superseded_at: Option<String>,
}

impl Link {
    /// Whether the link counts today.
    pub(crate) fn is_current(&self) -> bool {
        self.state == "confirmed" && self.superseded_at.is_none()
    }
}

pub(crate) fn iri(kind: &str, key: &str) -> String {
    format!("{BASE}{kind}/{}", utf8_percent_encode(key, IRI_SAFE))
}

pub(crate) fn generate(mes: &Mes, erp: &Erp, quality: &Quality) -> Vec<Link> {
    let mut links: Vec<Link> = erp
        .finished_units
        .iter()
        .map(|unit| {
            let built = serial(PUMP, unit.pump);
            let evidence = format!("packing list of {built}");
            same_thing(iri("unit", &unit.unit), iri("item", &built), "packing-list", evidence)
        })
        .collect();
    for item in &mes.serials {
        let code = barcode(item.part, item.unit);
        if quality.results.iter().any(|result| result.barcode == code) {
            let evidence = format!("label scan of {}", item.serial);
            links.push(same_thing(iri("specimen", &code), iri("item", &item.serial), "label-scan", evidence));
        }
    }
    links.extend(decisions(quality));
    links.extend(not_in_force(erp));
    links
}

fn same_thing(subject: String, object: String, rule: &'static str, evidence: String) -> Link {
    Link {
        subject,
        predicate: SAME_THING_AS,
        object,
        rule: Some(rule),
        author: None,
        evidence,
        confidence: 1.0,
        state: "confirmed",
        recorded_at: instant(60 * 86_400),
        superseded_at: None,
    }
}

/// What the change board asserted: the perpendicularity findings are resolved by the new datum scheme.
fn decisions(quality: &Quality) -> Vec<Link> {
    let housings = [barcode("MP-41", 13), barcode("MP-41", 14), barcode("MP-41", 20)];
    let resolved = quality.nonconformances.iter().filter(|report| housings.contains(&report.barcode));
    resolved
        .map(|report| Link {
            predicate: RESOLVED_BY,
            rule: None,
            author: Some("change board"),
            ..same_thing(
                iri("nonconformance", &report.number),
                iri("change", "ECO-25-007"),
                "",
                "minutes of 2025-02-03".to_owned(),
            )
        })
        .collect()
}

/// Links that no answer may use: a guess nobody confirmed, a mistake that was corrected, one that was withdrawn.
fn not_in_force(erp: &Erp) -> Vec<Link> {
    let guess = same_thing(
        iri("specimen", "AQ.41.99999"),
        iri("item", "MP-41-0011"),
        "label-guess",
        "smudged label".to_owned(),
    );
    let wrong = same_thing(
        iri("unit", &erp.finished_units[2].unit),
        iri("item", &serial(PUMP, 13)),
        "packing-list",
        "misread digit".to_owned(),
    );
    let withdrawn = same_thing(
        iri("unit", &erp.finished_units[0].unit),
        iri("item", &serial(PUMP, 22)),
        "packing-list",
        String::new(),
    );
    vec![
        Link { confidence: 0.41, state: "proposed", ..guess },
        Link { superseded_at: Some(instant(61 * 86_400)), ..wrong },
        Link { state: "retired", ..withdrawn },
    ]
}
