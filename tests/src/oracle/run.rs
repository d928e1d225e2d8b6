//! Runs cases by number, on some threads.

use super::draw::{CASES_OF_A_WORLD, World};
use super::keep::examine;
use super::summary::Summary;
use crate::case::{Case, Outcome, ask_for};
use crate::mesh::{Guests, Mesh};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};

/// Threads of the runtime beyond those that ask, so that a query that never lets go does not stop the others.
const SPARE_THREADS: usize = 2;

const PROGRESS_EVERY: Duration = Duration::from_secs(60);

pub struct Options {
    pub seed: u64,
    /// The numbers of the cases.
    pub cases: Range<u64>,
    /// Cases looked at at once.
    pub jobs: usize,
    /// After so many failures the rest is not looked at.
    pub most_failures: usize,
    /// Where failing cases are kept.
    pub keep: PathBuf,
    /// Prints each query before it is asked.
    pub verbose: bool,
}

struct Running<'a> {
    options: &'a Options,
    handle: &'a Handle,
    guests: &'a Guests,
    summary: Mutex<Summary>,
    next_world: AtomicU64,
    begun: Instant,
    told: Mutex<Instant>,
}

/// Runs the cases. The summary has the failures; an error is one of the harness.
pub fn run(options: &Options) -> anyhow::Result<Summary> {
    let runtime = Builder::new_multi_thread().worker_threads(options.jobs + SPARE_THREADS).enable_all().build()?;
    let guests = runtime.block_on(Guests::install())?;
    let now = Instant::now();
    let running = Running {
        options,
        handle: runtime.handle(),
        guests: &guests,
        summary: Mutex::new(Summary::default()),
        next_world: AtomicU64::new(options.cases.start / CASES_OF_A_WORLD),
        begun: now,
        told: Mutex::new(now),
    };
    let results: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs).map(|_| scope.spawn(|| running.work())).collect();
        let broken = |_| Err(anyhow::anyhow!("a worker panicked"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(broken)).collect()
    });
    let summary = running.summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    runtime.shutdown_background();
    results.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(summary)
}

impl Running<'_> {
    fn work(&self) -> anyhow::Result<()> {
        let _inside = self.handle.enter();
        loop {
            let world = self.next_world.fetch_add(1, Ordering::Relaxed);
            let cases = self.cases_of(world);
            let enough = self.with(|summary| summary.failures.len() >= self.options.most_failures);
            if cases.start >= self.options.cases.end || enough {
                return Ok(());
            }
            self.world(world, cases)?;
            self.tell();
        }
    }

    fn cases_of(&self, world: u64) -> Range<u64> {
        let first = (world * CASES_OF_A_WORLD).max(self.options.cases.start);
        first..((world + 1) * CASES_OF_A_WORLD).min(self.options.cases.end)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Summary) -> T) -> T {
        change(&mut self.summary.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn timed<T>(&self, on: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.with(|summary| summary.spent(on, begun.elapsed().as_secs_f64()));
        result
    }

    fn world(&self, number: u64, cases: Range<u64>) -> anyhow::Result<()> {
        let world = self.timed("scenarios", || World::new(self.options.seed, number))?;
        let folder = tempfile::tempdir()?;
        let opened = self.timed("connecting", || {
            self.handle.block_on(Mesh::open(&world.scenario, folder.path(), Some(self.guests)))
        });
        let mesh = match opened {
            Ok(mesh) => Arc::new(mesh),
            Err(error) => {
                let failure = format!("world {number} of seed {} does not open: {error:#}", self.options.seed);
                self.with(|summary| summary.failures.push(failure));
                return Ok(());
            }
        };
        self.with(|summary| {
            for source in &world.scenario.sources {
                *summary.transports.entry(format!("{:?}", source.transport)).or_default() += 1;
            }
        });
        for case in cases {
            self.case(&world, &mesh, case)?;
        }
        Ok(())
    }

    fn case(&self, world: &World, mesh: &Arc<Mesh>, number: u64) -> anyhow::Result<()> {
        let seed = self.options.seed;
        let drawn = self.timed("drawing and the oracle", || world.case(seed, number));
        let (query, expected) = match drawn {
            Ok(drawn) => drawn,
            Err(error) => {
                let failure = format!("seed {seed}, case {number}: the oracle itself: {error:#}");
                self.with(|summary| summary.failures.push(failure));
                return Ok(());
            }
        };
        if self.options.verbose {
            println!("seed {seed}, case {number}:\n{}", query.text());
        }
        mesh.forget();
        let begun = Instant::now();
        let outcome = self.timed("asking and judging", || match expected {
            None => Ok(Outcome::Undecided("the oracle's answer is too large or takes too long")),
            Some(expected) => self.handle.block_on(ask_for(mesh.clone(), &world.union, &query, expected)),
        })?;
        self.with(|summary| {
            summary.took(begun.elapsed());
            summary.add(&query, !world.scenario.things.is_empty(), &outcome);
            summary.asked(&mesh.scans());
        });
        if let Outcome::Undecided(reason) = outcome {
            println!("undecided, {reason}: ./dev oracle --seed {seed} --case {number}");
        }
        if outcome.failure().is_none() {
            return Ok(());
        }
        let case = Case { scenario: world.scenario.clone(), query };
        let folder = self.options.keep.join(format!("seed-{seed}-case-{number}"));
        let report = examine(self.handle, case, &outcome, self.guests, &folder);
        let failure = format!("seed {seed}, case {number} (./dev oracle --seed {seed} --case {number}):\n{report}");
        println!("{failure}\n");
        self.with(|summary| summary.failures.push(failure));
        Ok(())
    }

    /// Rarely says how far it is.
    fn tell(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() < PROGRESS_EVERY {
            return;
        }
        *told = Instant::now();
        let (cases, failures) = self.with(|summary| (summary.total.cases, summary.failures.len()));
        let seconds = self.begun.elapsed().as_secs();
        println!("oracle: {cases} cases, {failures} failures after {seconds} s");
    }
}
