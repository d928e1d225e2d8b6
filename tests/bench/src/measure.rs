//! Asks a question in turns: the floor, Weft, the floor, Weft ... and the SQL itself where there is one.

use crate::floor::{Floor, Sheet};
use crate::question::{Check, Program, Question, Sql};
use crate::stage::{Mesh, Traffic};
use anyhow::{Context, Result, bail, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use weft_server::{Answer, Encoder, QueryCall, QueryEndpoint, ResultFormat};

/// How long a question is repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// No further round begins after this time, once there were three.
    pub(crate) time: Duration,
}

/// What is known of a question after all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    pub(crate) rounds: usize,
    pub(crate) weft: Side,
    /// Planning, by Weft's own report.
    pub(crate) planning: f64,
    pub(crate) floor: Option<Side>,
    /// Milliseconds.
    pub(crate) sql: Option<Times>,
    /// Whether the SQL is what Weft should come near to.
    pub(crate) is_pushed_whole: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Side {
    pub(crate) times: Times,
    /// Milliseconds to the first row, in the middle.
    pub(crate) first_row: f64,
    pub(crate) traffic: Traffic,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) min: f64,
}

/// One answer.
struct Run {
    text: Vec<u8>,
    rows: u64,
    total: Duration,
    first_row: Duration,
    planning: Option<f64>,
    traffic: Traffic,
}

#[derive(Default)]
struct Runs {
    totals: Vec<Duration>,
    first_rows: Vec<Duration>,
    planning: Vec<f64>,
    traffic: Traffic,
}

/// # Errors
/// When an answer is not right, or somebody fails.
pub(crate) async fn measure(mesh: &Mesh, question: &Question, effort: Effort) -> Result<Measured> {
    let rows = warm_up(mesh, question).await?;
    let (mut weft, mut floor, mut sql) = (Runs::default(), Runs::default(), Vec::new());
    let begun = Instant::now();
    while weft.totals.len() < effort.rounds && (weft.totals.len() < 3 || begun.elapsed() < effort.time) {
        if let Some(program) = question.floor {
            floor.add(ask_floor(mesh, program).await?);
        }
        let run = ask_weft(mesh, &question.sparql).await?;
        ensure!(run.rows == rows, "Weft gave {} rows, and {rows} before", run.rows);
        weft.add(run);
        if let Some(statement) = sql_here(mesh, question)? {
            sql.push(statement.run()?.0);
        }
    }
    Ok(Measured {
        name: question.name,
        rows,
        rounds: weft.totals.len(),
        planning: middle(weft.planning.clone()),
        weft: weft.side(),
        floor: question.floor.map(|_| floor.side()),
        sql: (!sql.is_empty()).then(|| times(&sql)),
        is_pushed_whole: question.is_pushed_whole,
    })
}

/// One round that is not measured, in which the answers are compared. Gives the number of rows.
async fn warm_up(mesh: &Mesh, question: &Question) -> Result<u64> {
    let found = ask_weft(mesh, &question.sparql).await.context("Weft")?;
    if let Some(rows) = question.rows {
        ensure!(found.rows == rows, "Weft gave {} rows instead of {rows}", found.rows);
    }
    ensure!(found.rows > 0, "a question without an answer shows nothing");
    match (&question.check, question.floor) {
        (Check::Same, Some(program)) => same(&ask_floor(mesh, program).await.context("the floor")?.text, &found.text)?,
        (Check::Among(program), _) => among(&ask_floor(mesh, *program).await.context("the floor")?.text, &found.text)?,
        (Check::Same, None) => {}
    }
    if let Some(statement) = sql_here(mesh, question)? {
        let (_, rows) = statement.run().context("the SQL itself")?;
        ensure!(rows == found.rows, "the SQL itself gave {rows} rows and Weft {}", found.rows);
    }
    Ok(found.rows)
}

/// The header, and the sorted lines below it.
fn lines(text: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let mut lines = text.split(|byte| *byte == b'\n');
    let header = lines.next().unwrap_or_default();
    let mut lines: Vec<&[u8]> = lines.collect();
    lines.sort_unstable();
    (header, lines)
}

fn same(floor: &[u8], weft: &[u8]) -> Result<()> {
    let (floor, weft) = (lines(floor), lines(weft));
    ensure!(floor.0 == weft.0, "the header of Weft is {}", shown(weft.0));
    if floor.1.len() != weft.1.len() {
        bail!("Weft gave {} lines and the floor {}", weft.1.len(), floor.1.len());
    }
    match floor.1.iter().zip(&weft.1).find(|(floor, weft)| floor != weft) {
        Some((floor, weft)) => bail!("Weft says {:?} where the floor says {:?}", shown(weft), shown(floor)),
        None => Ok(()),
    }
}

fn among(all: &[u8], weft: &[u8]) -> Result<()> {
    let (all, weft) = (lines(all), lines(weft));
    ensure!(all.0 == weft.0, "the header of Weft is {}", shown(weft.0));
    let known: HashSet<&[u8]> = all.1.into_iter().collect();
    match weft.1.iter().find(|line| !known.contains(*line)) {
        Some(line) => bail!("Weft says {:?}, which is no row of the whole answer", shown(line)),
        None => Ok(()),
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

async fn ask_floor(mesh: &Mesh, program: Program) -> Result<Run> {
    let before = mesh.traffic();
    let floor = Floor::new(mesh);
    let sheet: Sheet = program(&floor).await?;
    let total = floor.begun.elapsed();
    Ok(Run {
        text: sheet.text().to_vec(),
        rows: sheet.rows(),
        total,
        first_row: sheet.first_row(),
        planning: None,
        traffic: mesh.traffic() - before,
    })
}

/// From the text of the question to the last byte of the answer, in this process.
async fn ask_weft(mesh: &Mesh, sparql: &str) -> Result<Run> {
    let before = mesh.traffic();
    let begun = Instant::now();
    let call = QueryCall { text: sparql.to_owned(), ..QueryCall::default() };
    let Answer::Solutions(solutions) = QueryEndpoint::query(&mesh.engine, call).await? else {
        bail!("the question is not a SELECT");
    };
    let report = solutions.report.clone();
    let mut encoder = Encoder::solutions(solutions, ResultFormat::Csv)?;
    let (mut text, mut first_row) = (Vec::new(), None);
    while let Some(piece) = encoder.next().await? {
        if encoder.written() > 0 {
            first_row.get_or_insert_with(|| begun.elapsed());
        }
        text.extend_from_slice(&piece);
    }
    let total = begun.elapsed();
    let traffic = mesh.traffic() - before;
    let planning = report()["planning"].as_f64();
    let rows = encoder.written();
    Ok(Run { text, rows, total, first_row: first_row.unwrap_or(total), planning, traffic })
}

impl Runs {
    fn add(&mut self, run: Run) {
        self.totals.push(run.total);
        self.first_rows.push(run.first_row);
        self.planning.extend(run.planning);
        self.traffic = run.traffic;
    }

    fn side(&self) -> Side {
        let first_row = middle(self.first_rows.iter().copied().map(millis).collect());
        Side { times: times(&self.totals), first_row, traffic: self.traffic }
    }
}

/// SQL with the file it is for.
struct Statement<'a> {
    text: &'a str,
    file: &'a Path,
}

/// The SQL itself is for SQLite.
fn sql_here<'a>(mesh: &'a Mesh, question: &'a Question) -> Result<Option<Statement<'a>>> {
    let Some(Sql { source, text }) = &question.sql else { return Ok(None) };
    if !mesh.is_sqlite() {
        return Ok(None);
    }
    Ok(Some(Statement { text, file: &mesh.member(source)?.source.file }))
}

impl Statement<'_> {
    /// Runs it with a connection that is open, and writes its cells as text. Gives the time and the rows.
    fn run(&self) -> Result<(Duration, u64)> {
        let database = Connection::open_with_flags(self.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // What a first statement reads of the schema is not part of it.
        let mut statement = database.prepare(self.text)?;
        let begun = Instant::now();
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let (mut text, mut count) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Null => {}
                    ValueRef::Integer(value) => write!(text, "{value},")?,
                    ValueRef::Real(value) => write!(text, "{value:E},")?,
                    ValueRef::Text(value) | ValueRef::Blob(value) => text.extend_from_slice(value),
                }
            }
            text.push(b'\n');
            count += 1;
        }
        Ok((begun.elapsed(), count))
    }
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn times(durations: &[Duration]) -> Times {
    let all: Vec<f64> = durations.iter().copied().map(millis).collect();
    Times { min: all.iter().copied().fold(f64::INFINITY, f64::min), median: middle(all) }
}

/// The value in the middle, or 0 of none.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_line_by_line_in_any_order() {
        assert!(same(b"a\r\n1\r\n2\r\n", b"a\r\n2\r\n1\r\n").is_ok());
        assert!(same(b"a\r\n1\r\n2\r\n", b"b\r\n2\r\n1\r\n").is_err());
        assert!(same(b"a\r\n1\r\n2\r\n", b"a\r\n1\r\n1\r\n").is_err());
        assert!(same(b"a\r\n1\r\n2\r\n", b"a\r\n1\r\n").is_err());
        assert!(among(b"a\r\n1\r\n2\r\n", b"a\r\n2\r\n").is_ok());
        assert!(among(b"a\r\n1\r\n2\r\n", b"a\r\n3\r\n").is_err());
    }

    #[test]
    fn the_middle_of_few_values() {
        assert_eq!((middle(vec![]), middle(vec![3.0, 1.0, 2.0])), (0.0, 2.0));
        let times = times(&[3, 1, 2].map(Duration::from_millis));
        assert_eq!((times.median, times.min), (2.0, 1.0));
    }
}
