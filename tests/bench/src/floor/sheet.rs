//! An answer as SPARQL CSV.

use std::io::Write as _;
use std::time::{Duration, Instant};

pub(crate) struct Sheet {
    text: Vec<u8>,
    rows: u64,
    /// Whether a cell is the first of its row.
    fresh: bool,
    begun: Instant,
    first_row: Option<Duration>,
}

impl Sheet {
    pub(super) fn new(header: &str, begun: Instant) -> Self {
        Self { text: format!("{header}\r\n").into_bytes(), rows: 0, fresh: true, begun, first_row: None }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// From the question to the first row.
    pub(crate) fn first_row(&self) -> Duration {
        self.first_row.unwrap_or_else(|| self.begun.elapsed())
    }

    pub(super) fn end_row(&mut self) {
        self.text.extend_from_slice(b"\r\n");
        self.fresh = true;
        self.rows += 1;
        if self.first_row.is_none() {
            self.first_row = Some(self.begun.elapsed());
        }
    }

    pub(super) fn iri(&mut self, prefix: &str, key: i64) {
        self.cell();
        self.text.extend_from_slice(prefix.as_bytes());
        self.digits(key);
    }

    pub(super) fn integer(&mut self, value: i64) {
        self.cell();
        self.digits(value);
    }

    /// `1.25E1`: the canonical form of XML Schema.
    pub(super) fn double(&mut self, value: f64) {
        self.cell();
        let begin = self.text.len();
        // Writing into memory does not fail.
        write!(self.text, "{value:E}").ok();
        let written = &self.text[begin..];
        if !written.contains(&b'.')
            && let Some(exponent) = written.iter().position(|byte| *byte == b'E')
        {
            let exponent = begin + exponent;
            self.text.splice(exponent..exponent, *b".0");
        }
    }

    /// A number with two places, in as few digits as it needs.
    pub(super) fn hundredths(&mut self, value: i128) {
        self.cell();
        let (whole, part) = (value / 100, value % 100);
        match part {
            0 => write!(self.text, "{whole}"),
            _ if part % 10 == 0 => write!(self.text, "{whole}.{}", part / 10),
            _ => write!(self.text, "{whole}.{part:02}"),
        }
        .ok();
    }

    /// Days since 1970-01-01.
    pub(super) fn date(&mut self, days: i32) {
        self.cell();
        let (year, month, day) = civil(i64::from(days));
        write!(self.text, "{year:04}-{month:02}-{day:02}").ok();
    }

    pub(super) fn text_cell(&mut self, text: &str) {
        self.cell();
        if text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n')) {
            self.text.push(b'"');
            self.text.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            self.text.push(b'"');
        } else {
            self.text.extend_from_slice(text.as_bytes());
        }
    }

    pub(super) fn unbound(&mut self) {
        self.cell();
    }

    fn cell(&mut self) {
        if !self.fresh {
            self.text.push(b',');
        }
        self.fresh = false;
    }

    fn digits(&mut self, value: i64) {
        // From the last digit to the first.
        let mut buffer = [0_u8; 20];
        let mut place = buffer.len();
        let mut rest = value.unsigned_abs();
        loop {
            place -= 1;
            buffer[place] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.text.push(b'-');
        }
        self.text.extend_from_slice(&buffer[place..]);
    }
}

/// The Gregorian date of a day (Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_as_sparql_csv() {
        let mut sheet = Sheet::new("a,b", Instant::now());
        sheet.iri("http://b/part/", -12);
        sheet.double(100.0);
        sheet.end_row();
        sheet.text_cell("a \"b\", c");
        sheet.unbound();
        sheet.end_row();
        for hundredths in [1250, 1200, 1205, 7] {
            sheet.hundredths(hundredths);
        }
        sheet.date(0);
        sheet.date(19_782);
        sheet.integer(i64::MIN);
        sheet.double(-0.125);
        sheet.end_row();
        let expected = "a,b\r\nhttp://b/part/-12,1.0E2\r\n\"a \"\"b\"\", c\",\r\n\
                        12.5,12,12.05,0.07,1970-01-01,2024-02-29,-9223372036854775808,-1.25E-1\r\n";
        assert_eq!(String::from_utf8_lossy(sheet.text()), expected);
        assert_eq!(sheet.rows(), 3);
    }
}
