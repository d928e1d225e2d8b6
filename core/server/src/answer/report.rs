//! The report of an answer as a header.

use http::{HeaderName, HeaderValue};
use serde_json::Value;

/// Proxies and clients refuse long headers.
const REPORT_BYTES: usize = 4 * 1024;

pub(crate) static REPORT: HeaderName = HeaderName::from_static("weft-report");

/// Without the statements where it would be too long; headers are ASCII.
pub(super) fn header(report: &Value) -> Option<HeaderValue> {
    let fits = |text: String| (text.len() <= REPORT_BYTES).then_some(text);
    let text = fits(ascii_json(report)).or_else(|| {
        let mut short = report.clone();
        for source in short.get_mut("sources").and_then(Value::as_array_mut).into_iter().flatten() {
            source.as_object_mut()?.remove("statements");
        }
        fits(ascii_json(&short))
    })?;
    HeaderValue::from_str(&text).ok()
}

fn ascii_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_report_fits_a_header_and_reads_back() {
        let report = json!({"sources": [{"name": "größe😀", "statements": ["SELECT 1"]}], "rows": 3});
        let text = header(&report).unwrap();
        assert_eq!(serde_json::from_str::<Value>(text.to_str().unwrap()).unwrap(), report);
        let long = json!({"sources": [{"name": "erp", "statements": ["x".repeat(9000)]}]});
        assert_eq!(header(&long).unwrap(), r#"{"sources":[{"name":"erp"}]}"#);
        assert_eq!(header(&json!({"sources": [{"name": "x".repeat(9000)}]})), None);
    }
}
