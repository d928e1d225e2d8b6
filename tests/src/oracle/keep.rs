//! What becomes of a case that fails: it is made small, kept as a folder, and told about.

use crate::case::{Case, Outcome};
use crate::mesh::Guests;
use crate::shrink::shrink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Smaller cases that are tried for one that fails.
const ATTEMPTS: usize = 800;
const SHRINK_FOR: Duration = Duration::from_secs(60);

/// Where failures are kept.
pub fn cases_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/oracle")
}

/// The folders of all kept cases.
pub fn kept_cases() -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(cases_folder())? {
        let path = entry?.path();
        folders.extend(path.is_dir().then_some(path));
    }
    folders.sort();
    Ok(folders)
}

/// Makes a failing case small, keeps it and says what is wrong with it.
pub(super) fn examine(handle: &Handle, case: Case, outcome: &Outcome, guests: &Guests, folder: &Path) -> String {
    let kind = outcome.failure();
    // What never ends is better not tried again and again.
    if kind == Some("silent") {
        return format!("no end; {}\n{}", kept(&case, folder), case.query.text());
    }
    let run = |case: &Case| handle.block_on(case.run(Some(guests))).ok();
    // Some failures need the very batches of the first run.
    if run(&case).is_none_or(|again| again.failure() != kind) {
        let report = handle.block_on(case.report(outcome, Some(guests)));
        return format!("(does not fail every time) {}\n{report}", kept(&case, folder));
    }
    let until = Instant::now() + SHRINK_FOR;
    let fails = |case: &Case| Instant::now() < until && run(case).is_some_and(|outcome| outcome.failure() == kind);
    let small = shrink(case, ATTEMPTS, fails);
    let again = run(&small).unwrap_or(Outcome::Undecided("gone"));
    let shown = if again.failure() == kind { &again } else { outcome };
    format!("{}\n{}", kept(&small, folder), handle.block_on(small.report(shown, Some(guests))))
}

fn kept(case: &Case, folder: &Path) -> String {
    match case.save(folder) {
        Ok(()) => format!("kept as {}", folder.display()),
        Err(error) => format!("not kept: {error:#}"),
    }
}
