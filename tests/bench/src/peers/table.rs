//! What came out, for people and for programs.

use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    pub(super) scale: Option<crate::data::Scale>,
    pub(super) optimised: bool,
    pub(super) rows: Vec<Row>,
    pub(super) systems: Vec<Used>,
    pub(super) skipped: Vec<Skipped>,
}

/// One question to one system.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) question: &'static str,
    pub(super) system: &'static str,
    /// In the middle of warm runs.
    pub(super) millis: Option<f64>,
    /// Of a warm run, where there are sources to ask.
    pub(super) requests: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) rows: Option<u64>,
    /// Why there is no time, or what is wrong.
    pub(super) note: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Used {
    pub(super) site: &'static str,
    pub(super) system: &'static str,
    pub(super) version: String,
    /// Bytes, where it has a process of its own.
    pub(super) peak_memory: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) site: &'static str,
    pub(super) system: &'static str,
    pub(super) reason: String,
}

impl Table {
    /// # Errors
    /// Only those of formatting, which there are not.
    pub(super) fn text(&self) -> Result<String> {
        let mut text = String::new();
        writeln!(
            text,
            "{:<18}{:<10}{:>12}{:>10}{:>10}{:>12}{:>9}  ",
            "question", "system", "ms", "x Weft", "requests", "KiB", "rows"
        )?;
        let mut before = "";
        for row in &self.rows {
            if !before.is_empty() && before != row.question {
                writeln!(text)?;
            }
            before = row.question;
            writeln!(
                text,
                "{:<18}{:<10}{:>12}{:>10}{:>10}{:>12}{:>9}  {}",
                row.question,
                row.system,
                decimals(row.millis),
                decimals(self.ratio(row)),
                number(row.requests),
                number(row.bytes.map(|bytes| bytes.div_ceil(1024))),
                number(row.rows),
                row.note.as_deref().unwrap_or_default()
            )?;
        }
        writeln!(text)?;
        for used in &self.systems {
            let memory = used.peak_memory.map_or(String::new(), |bytes| format!(", at most {} MiB", bytes >> 20));
            writeln!(text, "{} over {}: version {}{memory}", used.system, used.site, used.version)?;
        }
        for skipped in &self.skipped {
            writeln!(text, "SKIPPED {} over {}: {}", skipped.system, skipped.site, skipped.reason)?;
        }
        Ok(text)
    }

    /// How many times as long as Weft.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let weft = self.rows.iter().find(|other| other.question == row.question && other.system == super::WEFT)?;
        Some(row.millis? / weft.millis?)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn decimals(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
