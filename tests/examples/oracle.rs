//! The oracle for as long as one likes: `./dev oracle --cases N --seed S [--from I] [--jobs J]`, or one case again: `--case I`.
//!
//! `--replay FOLDER` tells about a kept case.
//!
//! Exit status 1 when an answer is wrong, an error comes in the place of one, or a case does not end.

use anyhow::{Context, bail};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use weft_tests::case::Case;
use weft_tests::mesh::Guests;
use weft_tests::oracle::{Options, cases_folder, run};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, folder] = arguments.as_slice()
        && option == "--replay"
    {
        return replay(Path::new(folder));
    }
    let options = options(arguments.into_iter())?;
    let summary = run(&options)?;
    println!("{}\n{}", summary.table(), summary.details());
    if options.cases.end - options.cases.start > 1 {
        let Range { start, end } = options.cases;
        println!(
            "again: ./dev oracle --cases {} --from {start} --seed {} --jobs {}",
            end - start,
            options.seed,
            options.jobs
        );
    }
    println!("{}", summary.line(options.seed));
    Ok(if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn replay(folder: &Path) -> anyhow::Result<ExitCode> {
    let case = Case::load(folder)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let guests = runtime.block_on(Guests::install())?;
    let outcome = runtime.block_on(case.run(Some(&guests)))?;
    println!("{}", runtime.block_on(case.report(&outcome, Some(&guests))));
    runtime.shutdown_background();
    Ok(if outcome.failure().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let (mut from, mut count) = (0_u64, 10_000_u64);
    let mut options =
        Options { seed: 1, cases: 0..0, jobs: 1, most_failures: 20, keep: cases_folder(), verbose: false };
    while let Some(name) = arguments.next() {
        if name == "--verbose" {
            options.verbose = true;
            continue;
        }
        let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
        let number: u64 = value.parse().with_context(|| format!("{name} needs a number, not {value:?}"))?;
        match name.as_str() {
            "--cases" => count = number,
            "--from" => from = number,
            "--seed" => options.seed = number,
            "--case" => (from, count) = (number, 1),
            "--jobs" => options.jobs = usize::try_from(number).unwrap_or(1).max(1),
            "--failures" => options.most_failures = usize::try_from(number).unwrap_or(usize::MAX),
            _ => bail!(
                "unknown option {name}: there are --cases, --from, --seed, --jobs, --case, --failures and --verbose"
            ),
        }
    }
    options.cases = from..from.saturating_add(count);
    Ok(options)
}
