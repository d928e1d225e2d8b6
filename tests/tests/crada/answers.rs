//! What each question must find, from `answers.py` and the seed files of the kit. Both sides are brought to the same
//! form: a set of rows of text.

use super::world::{Kit, Row};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

type Rows = BTreeSet<Vec<String>>;

pub(crate) struct Answers {
    questions: Value,
    runs: Vec<Run>,
    /// Titles of the documents the PLM has.
    documents: BTreeSet<String>,
}

/// A row of `mes/machine_run.csv`.
struct Run {
    serial: String,
    program: String,
    recorded: bool,
    max_spindle: f64,
    edits: u32,
}

impl Answers {
    pub(crate) fn compute(kit: &Kit) -> Result<Self> {
        let output = Command::new("python3").arg(kit.folder.join("answers.py")).output().context("python3")?;
        ensure!(output.status.success(), "answers.py: {}", String::from_utf8_lossy(&output.stderr));
        let questions = serde_json::from_slice(&output.stdout)?;
        let runs = table(&kit.seed.join("mes/machine_run.csv"))?.iter().map(run).collect::<Result<_>>()?;
        let documents = table(&kit.seed.join("plm/Documents.csv"))?.into_iter().map(|mut row| row.remove("title"));
        let documents = documents.collect::<Option<_>>().context("documents have titles")?;
        Ok(Self { questions, runs, documents })
    }

    pub(crate) fn answer(&self, question: &str) -> &Value {
        let answer = &self.questions[question]["answer"];
        assert!(!answer.is_null(), "answers.py has no {question}");
        answer
    }

    fn not_inspected(&self) -> Vec<String> {
        texts(&self.answer("Q2")["machined_not_inspected"])
    }

    /// The rows a question must find, each as the columns that [`Self::normalised`] keeps.
    pub(crate) fn expected(&self, name: &str) -> Rows {
        match name {
            "q1-program-revision" => single(&self.answer("Q1")["recorded_in_own_stream"]),
            "q3-failures" => self.failures(),
            "q4-heat" => self.heat(),
            "q5-programs" => {
                let q5 = self.answer("Q5");
                let programs = tagged("program", &q5["nc_programs_not_updated"]);
                programs.chain(tagged("order", &q5["open_work_orders_planning_them"])).collect()
            }
            "q5-orders" => {
                let q5 = self.answer("Q5");
                tagged("purchase", &q5["open_purchases"]).chain(tagged("sale", &q5["open_sales"])).collect()
            }
            "q5-where-used" => single(&self.answer("Q5")["where_used_released"]),
            "q5-assemblies" => {
                let q5 = self.answer("Q5");
                let delivered = vec!["delivered".to_owned(), number(&q5["assemblies_delivered"])];
                tagged("stock", &q5["assemblies_in_stock"]).chain([delivered]).collect()
            }
            "q6-designed" => pairs(&self.answer("Q6")["as_designed"]),
            "q6-machined" => pairs(&self.answer("Q6")["effective_when_machined"]),
            "q6-built" => self.built(),
            "q6-spindle" => self.spindle(),
            "q7-editor" => self.editor(),
            "q8-limited" => self.limited(),
            "q9-open-reports" => self.open_reports(),
            "q10-unknown-programs" => self.unknown_programs(),
            "q12-screws" => Rows::from([vec![number(&self.answer("Q12")["screws"])]]),
            "q12-assemblies" => Rows::from([vec![number(&self.answer("Q12")["crada_asm"])]]),
            other => panic!("{other} has no expected answer"),
        }
    }

    fn failures(&self) -> Rows {
        let lots = object(self.answer("Q3"));
        let row = |(lot, found): (&String, &Value)| {
            let failed = sorted(texts(&found["failed"]));
            vec![lot.clone(), failed, number(&found["max_spindle"]), sorted(texts(&found["programs"]))]
        };
        lots.map(row).collect()
    }

    fn heat(&self) -> Rows {
        let q4 = self.answer("Q4");
        let customer = |assembly: &str| q4["delivered"][assembly].as_str().unwrap_or_default().to_owned();
        object(&q4["through"])
            .flat_map(|(assembly, through)| {
                texts(through).into_iter().map(|lot| vec![assembly.clone(), lot, customer(assembly)])
            })
            .collect()
    }

    fn built(&self) -> Rows {
        let q6 = self.answer("Q6");
        let mut rows = Rows::new();
        for (lot, built) in object(&q6["as_built"]) {
            let mut add = |kind: &str, value: String| rows.insert(vec![lot.clone(), kind.to_owned(), value]);
            add("heat", text(&built["heat"]));
            for program in texts(&built["programs_recorded"]) {
                add("program", program);
            }
            for revision in texts(&q6["as_planned"][lot]) {
                add("planned", revision);
            }
            for characteristic in texts(&q6["as_inspected"][lot]["failed"]) {
                add("failed", characteristic);
            }
        }
        rows
    }

    fn spindle(&self) -> Rows {
        let lots = ["BOX-02", "COVER-02", "PLATE-02"];
        let highest = |lot: &str| {
            let runs = self.runs.iter().filter(|run| lot_of(&run.serial) == lot);
            runs.map(|run| run.max_spindle).fold(f64::NEG_INFINITY, f64::max)
        };
        lots.iter().map(|lot| vec![(*lot).to_owned(), highest(lot).to_string()]).collect()
    }

    /// All items cut while editing, as the MES knows them; their failures as the kit counts them.
    fn editor(&self) -> Rows {
        let row = |(part, counts): (&String, &Value)| {
            let family = part.strip_prefix("CRADA-").unwrap();
            let edited: BTreeSet<_> = self
                .runs
                .iter()
                .filter(|run| run.edits > 0 && lot_of(&run.serial).starts_with(family))
                .map(|run| &run.serial)
                .collect();
            let inspected = counts["edited"].as_u64().unwrap() as usize;
            let unseen = self.not_inspected().iter().filter(|lot| lot.starts_with(family)).count();
            assert!((inspected..=inspected + unseen).contains(&edited.len()), "{part}: {} edited", edited.len());
            vec![part.clone(), edited.len().to_string(), number(&counts["edited_failed"])]
        };
        object(self.answer("Q7")).map(row).collect()
    }

    fn limited(&self) -> Rows {
        let row = |(lot, found): (&String, &Value)| {
            vec![lot.clone(), number(&found["limit"]), number(&found["max_spindle"]), number(&found["failed"])]
        };
        object(self.answer("Q8")).map(row).collect()
    }

    fn open_reports(&self) -> Rows {
        object(self.answer("Q9"))
            .flat_map(|(assembly, found)| {
                texts(&found["ncr"]).into_iter().map(|report| vec![assembly.clone(), text(&found["customer"]), report])
            })
            .collect()
    }

    /// Of the kit's answer, the programs that a run began with.
    fn unknown_programs(&self) -> Rows {
        let began: BTreeSet<(String, &str)> = self
            .runs
            .iter()
            .filter(|run| run.recorded && !self.documents.contains(&run.program))
            .map(|run| (lot_of(&run.serial), run.program.as_str()))
            .collect();
        let mut rows = Rows::new();
        for (lot, found) in object(self.answer("Q10")) {
            for program in texts(&found["programs"]).into_iter().filter(|p| began.contains(&(lot.clone(), p.as_str())))
            {
                rows.insert(vec![lot.clone(), program, found["failed"].to_string()]);
            }
        }
        assert_eq!(rows.len(), began.len());
        rows
    }

    /// The rows a question found, in the form of [`Self::expected`].
    pub(crate) fn normalised(&self, name: &str, rows: &[Row]) -> Rows {
        let columns =
            |names: &[&str]| rows.iter().map(|row| names.iter().map(|name| row.text(name)).collect()).collect();
        match name {
            "q1-program-revision" => {
                let uninspected = self.not_inspected();
                let lots = rows.iter().map(|row| row.text("lot")).filter(|lot| !uninspected.contains(lot));
                lots.map(|lot| vec![lot]).collect()
            }
            "q3-failures" => rows
                .iter()
                .map(|row| vec![row.text("lot"), row.list("failed"), row.number("highest"), row.list("programs")])
                .collect(),
            "q4-heat" => columns(&["assembly", "through", "customer"]),
            "q5-programs" => {
                rows.iter().flat_map(|row| row.tagged(&["program", "workOrder"], &["program", "order"])).collect()
            }
            "q5-orders" => columns(&["kind", "number"]),
            "q5-where-used" => columns(&["user"]),
            "q5-assemblies" => {
                let stock = rows.iter().filter(|row| row.text("customer").is_empty());
                let delivered = rows.len() - stock.clone().count();
                let stock = stock.map(|row| vec!["stock".to_owned(), row.text("assembly")]);
                stock.chain([vec!["delivered".to_owned(), delivered.to_string()]]).collect()
            }
            "q6-designed" | "q6-machined" => columns(&["part", "revision"]),
            "q6-built" => rows.iter().flat_map(built_rows).collect(),
            "q6-spindle" => rows.iter().map(|row| vec![row.text("lot"), row.number("highest")]).collect(),
            "q7-editor" => {
                rows.iter().map(|row| vec![row.text("part"), row.number("edited"), row.number("failed")]).collect()
            }
            "q8-limited" => rows
                .iter()
                .map(|row| vec![row.text("lot"), row.number("limit"), row.number("highest"), row.count("failed")])
                .collect(),
            "q9-open-reports" => columns(&["assembly", "customer", "report"]),
            "q10-unknown-programs" => rows
                .iter()
                .map(|row| vec![row.text("lot"), row.text("program"), (!row.text("report").is_empty()).to_string()])
                .collect(),
            "q12-screws" => rows.iter().map(|row| vec![row.number("screws")]).collect(),
            "q12-assemblies" => rows.iter().map(|row| vec![row.number("assemblies")]).collect(),
            other => panic!("{other} is not normalised"),
        }
    }
}

fn built_rows(row: &Row) -> Vec<Vec<String>> {
    let lot = row.text("lot");
    let lists = [("planned", "planned"), ("program", "recorded"), ("heat", "heat"), ("failed", "failed")];
    lists
        .into_iter()
        .flat_map(|(kind, name)| row.items(name).into_iter().map(move |value| (kind, value)))
        .map(|(kind, value)| vec![lot.clone(), kind.to_owned(), value])
        .collect()
}

impl Row {
    /// The items of a list separated by `|`.
    fn items(&self, name: &str) -> Vec<String> {
        self.text(name).split('|').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn list(&self, name: &str) -> String {
        sorted(self.items(name))
    }

    fn count(&self, name: &str) -> String {
        self.items(name).len().to_string()
    }

    fn number(&self, name: &str) -> String {
        let text = self.text(name);
        text.parse::<f64>().map_or(text, |number| number.to_string())
    }

    fn tagged(&self, names: &[&str], tags: &[&str]) -> Vec<Vec<String>> {
        let pairs = names.iter().zip(tags).map(|(name, tag)| vec![(*tag).to_owned(), self.text(name)]);
        pairs.filter(|pair| !pair[1].is_empty()).collect()
    }
}

fn run(row: &BTreeMap<String, String>) -> Result<Run> {
    Ok(Run {
        serial: row["serial"].clone(),
        program: row["program"].clone(),
        recorded: row["program_source"] == "recorded",
        max_spindle: row["max_spindle"].parse()?,
        edits: row["edits"].parse()?,
    })
}

/// The ERP lot of a serial: `Box-Hurco02-02of20` is `BOX-02`.
fn lot_of(serial: &str) -> String {
    let mut parts = serial.split('-');
    let family = parts.next().unwrap().to_uppercase();
    format!("{family}-{}", &parts.next_back().unwrap()[..2])
}

/// A CSV file without quoted fields, which is checked.
fn table(path: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let file = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut lines = file.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().context("a header")?;
    let row = |fields: Vec<String>| {
        ensure!(fields.len() == header.len() && !fields.iter().any(|field| field.contains('"')), "{}", path.display());
        Ok(header.iter().cloned().zip(fields).collect())
    };
    lines.map(row).collect()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().expect("an object").iter()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(text).collect()
}

fn number(value: &Value) -> String {
    value.as_f64().expect("a number").to_string()
}

fn sorted(items: Vec<String>) -> String {
    items.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("|")
}

fn single(value: &Value) -> Rows {
    texts(value).into_iter().map(|text| vec![text]).collect()
}

fn pairs(value: &Value) -> Rows {
    object(value).map(|(key, value)| vec![key.clone(), text(value)]).collect()
}

fn tagged(tag: &str, value: &Value) -> impl Iterator<Item = Vec<String>> + use<> {
    let tag = tag.to_owned();
    texts(value).into_iter().map(move |text| vec![tag.clone(), text])
}
