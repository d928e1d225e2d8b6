//! One run: every question of every site, planning, and the broker as a process.

use crate::cli::{Place, RunOptions};
use crate::data::{Data, Scale, Site};
use crate::endpoint::measure_endpoint;
use crate::measure::{Effort, measure};
use crate::planning::measure_planning;
use crate::question::{Question, questions};
use crate::report::{Machine, Report, now};
use crate::stage::{Mesh, Postgres, Store};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::time::Duration;
use weft_exec::QueryRequest;

/// Sensor rows of a whole run, and of a quick one.
const READINGS: u64 = 10_000_000;
const QUICK_READINGS: u64 = 1_000_000;

/// Parts of a run that are no questions, as `--only` names them.
const HTTP: &str = "http";
const PLANNING: &str = "planning";

impl RunOptions {
    /// A name that means nothing is a mistake.
    fn check(&self, names: &[&str]) -> Result<()> {
        let known: Vec<&str> = names.iter().copied().chain([HTTP, PLANNING]).collect();
        match self.only.iter().find(|part| !known.iter().any(|name| name.contains(part.as_str()))) {
            Some(part) => bail!("--only {part}: there are {}", known.join(", ")),
            None => Ok(()),
        }
    }

    /// A whole name means that one; a part of a name means all that have it.
    fn wants(&self, name: &str, names: &[&str]) -> bool {
        let means = |part: &String| name == part || (!names.contains(&part.as_str()) && name.contains(part.as_str()));
        self.only.is_empty() || self.only.iter().any(means)
    }
}

impl Place {
    pub(crate) fn data(&self, quick: bool) -> Data {
        let readings = self.readings.unwrap_or(if quick { QUICK_READINGS } else { READINGS });
        Data::new(&self.folder, Scale::thousands(self.scale, readings))
    }
}

pub(crate) async fn run(options: &RunOptions) -> Result<()> {
    let data = options.place.data(options.quick);
    let all = questions(data.scale);
    let names: Vec<&'static str> = all.iter().map(|question| question.name).collect();
    options.check(&names)?;
    let is_wanted = |name: &str| options.wants(name, &names);
    let chosen: Vec<Question> = all.into_iter().filter(|question| is_wanted(question.name)).collect();
    let server = if options.postgres { Some(Postgres::start().await?) } else { None };
    let mut report = Report {
        begun: now(),
        machine: Machine::now(),
        scale: data.scale,
        store: if options.postgres { "postgresql" } else { "sqlite" },
        optimised: !cfg!(debug_assertions),
        questions: Vec::new(),
        failed: Vec::new(),
        planning: Vec::new(),
        endpoint: Vec::new(),
        connectors: Vec::new(),
    };
    let mut sites: BTreeSet<Site> = chosen.iter().map(|question| question.site).collect();
    if is_wanted(HTTP) {
        sites.insert(Site::Plant);
    }
    for site in sites {
        let store = match &server {
            // A database for each of hundreds of vendors measures the database's own housekeeping.
            Some(_) if matches!(site, Site::Shop(vendors) if vendors > 50) => {
                eprintln!("not asked over PostgreSQL: {site:?}");
                continue;
            }
            Some(server) => Store::Postgres(server),
            None => Store::Sqlite,
        };
        let mesh = Mesh::start(&data, site, store).await?;
        ask_all(&mesh, &chosen, site, options, &mut report).await;
        report.connectors.push((mesh.members.len(), mesh.connector_memory()?));
        if site == Site::Plant && is_wanted(HTTP) {
            report.endpoint =
                measure_endpoint(&mesh, &questions(data.scale), if options.quick { 5 } else { 15 }).await?;
        }
    }
    if is_wanted(PLANNING) {
        report.planning = measure_planning(&data, &[10, 100, 1_000], if options.quick { 5 } else { 20 }).await?;
    }
    finish(options, &report)
}

async fn ask_all(mesh: &Mesh, chosen: &[Question], site: Site, options: &RunOptions, report: &mut Report) {
    for question in chosen.iter().filter(|question| question.site == site) {
        eprintln!("asking {}", question.name);
        if options.explain {
            explain(mesh, question).await;
        }
        match measure(mesh, question, effort(options)).await {
            Ok(measured) => report.questions.push(measured),
            Err(error) => report.failed.push((question.name.to_owned(), format!("{error:#}"))),
        }
    }
}

/// A question that cannot be explained is asked nevertheless, and then fails for its reason.
async fn explain(mesh: &Mesh, question: &Question) {
    let request = QueryRequest { text: question.sparql.clone(), ..QueryRequest::default() };
    match mesh.engine.explain(request).await {
        Ok(explanation) => println!("{}\n{}", question.name, explanation.to_text()),
        Err(error) => println!("{}\n{error}", question.name),
    }
}

fn effort(options: &RunOptions) -> Effort {
    let (rounds, seconds) = if options.quick { (9, 4) } else { (31, 20) };
    Effort { rounds: options.rounds.unwrap_or(rounds), time: Duration::from_secs(seconds) }
}

fn finish(options: &RunOptions, report: &Report) -> Result<()> {
    print!("{}", report.table()?);
    let path = report.write(&options.place.folder, options.json.as_ref()).context("the results")?;
    eprintln!("results: {}", path.display());
    if !report.failed.is_empty() {
        let names: Vec<&str> = report.failed.iter().map(|(name, _)| name.as_str()).collect();
        bail!("without a right answer: {}", names.join(", "));
    }
    Ok(())
}
