//! What the catalogue tells beside the sources: prefixes, example questions, and when sources were described.

use super::{Described, read_text};
use crate::config::Config;
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use weft_index::{Publication, Question, QuestionForm};
use weft_model::Code;
use weft_plan::{Catalogue, Form, plan};

/// Publishes what these sources are part of.
pub(crate) fn publication(config: &Config, described: &[Described]) -> Result<Publication, Failure> {
    let files = question_files(config)?;
    let questions = files.iter().map(|path| read_question(config, path));
    Ok(Publication {
        prefixes: config.prefix_list(),
        questions: questions.collect::<Result<_, _>>()?,
        described_at: described.iter().map(|source| (source.source.name.clone(), source.at)).collect(),
    })
}

/// The queries of the folder of questions, in the order of their names.
pub(crate) fn question_files(config: &Config) -> Result<Vec<PathBuf>, Failure> {
    let Some(folder) = config.questions() else { return Ok(Vec::new()) };
    let failed = |error: std::io::Error| {
        Failure::new(Code::InvalidConfig, format!("cannot read broker.questions, {}: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "rq") {
            files.push(path);
        }
    }
    let most = config.limits.questions;
    if files.len() > most {
        let message = format!("{} has {} questions; limits.questions allows {most}", folder.display(), files.len());
        return Err(Failure::new(Code::InvalidConfig, message));
    }
    files.sort();
    Ok(files)
}

/// A question that parses and is within the limits of a query.
pub(crate) fn read_question(config: &Config, path: &Path) -> Result<Question, Failure> {
    let limits = config.engine_limits().plan;
    let text = read_text(path, limits.query_bytes)?;
    // What a query is does not depend on the sources.
    let nothing = Catalogue::new(Vec::new(), config.prefix_list());
    let plan = plan(&text, Some(&config.broker.base), None, &nothing, &limits)
        .map_err(|error| Failure::new(error.code, format!("{}: {}", path.display(), error.message)))?;
    let form = match plan.form {
        Form::Select(_) => QuestionForm::Select,
        Form::Ask => QuestionForm::Ask,
        Form::Construct(_) if is_describe(&plan.algebra) => QuestionForm::Describe,
        Form::Construct(_) => QuestionForm::Construct,
    };
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Question::new(&name, &text, form))
}

/// The algebra tells the form after the base, if it has one.
fn is_describe(algebra: &str) -> bool {
    let inner =
        algebra.strip_prefix("(base <").and_then(|rest| rest.split_once("> ")).map_or(algebra, |(_, rest)| rest);
    inner.starts_with("(describe")
}
