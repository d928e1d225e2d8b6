//! The alias step: names become the things they are names of, and the keys of a join become all of their names.

use super::keys::KeySource;
use super::narrow::Given;
use super::operators::{Selected, select};
use super::stream_exec::StreamExec;
use super::{Relation, Run, build};
use crate::columns::{Layout, TermReader, internal};
use crate::error::QueryError;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, StringViewArray, UInt32Array};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;
use datafusion_common::{DataFusionError, Result as StreamResult};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oxrdf::Variable;
use std::sync::Arc;
use weft_model::term::{EncodedTerm, TermType, encode, encode_iri};
use weft_model::{Aliases, Code, Fault};
use weft_plan::Node;

/// Rows that the keys of one block may become.
const MOST_NAMES: usize = 1 << 20;

/// Builds the step over `input`.
pub(super) fn alias(
    run: &Arc<Run>,
    node: &Node,
    names: &[(Variable, Variable)],
    input: &Node,
    (given, keys): (Given<'_>, Option<&KeySource>),
) -> Result<Relation, QueryError> {
    let aliases = run.aliases.clone().ok_or_else(|| internal("an alias step without aliases"))?;
    let keys = keys.map(|keys| names_of(keys, names, &*aliases)).transpose()?;
    let input = build(run, input, given.keyed(keys.as_ref()))?;
    let things: Vec<Thing> = things(&input, node, names);
    let mut selected = Vec::new();
    for binding in &node.bindings {
        let own = things.iter().find(|thing| thing.variable == binding.variable);
        selected.push(match own.map(|thing| &thing.ways[0]) {
            Some(way) => Selected { variable: binding.variable.clone(), ..general(&input, way)? },
            None => Selected::of(&input, &binding.variable)?,
        });
    }
    let shown = selected.len();
    for way in things.iter().flat_map(|thing| &thing.ways[thing.compared_from()..]) {
        selected.push(Selected { variable: compared(selected.len()), ..general(&input, way)? });
    }
    let rows = select(&input.plan, selected)?;
    let columns = columns(&rows.layout, &things, shown)?;
    let types = rows.layout.variables().iter().zip(rows.layout.types()).take(shown);
    let mut optional = rows.optional.clone();
    optional.truncate(shown);
    let kept = super::layout(types.map(|(v, t)| (v.clone(), t.clone())).collect(), &mut optional);
    let own = rows.layout.types().iter().take(shown).map(|term_type| term_type.columns().len()).sum();
    let step = Arc::new(Step { things: columns, shown: own, aliases });
    let schema = kept.schema().clone();
    let plan = StreamExec::new("Alias", schema.clone(), move |context| {
        let (rows, step, target) = (rows.plan.clone(), step.clone(), schema.clone());
        let batches = stream::once(async move { rows.execute(0, context) }).try_flatten();
        let named = batches.map(move |batch| step.replace(&batch?, &target));
        Box::pin(RecordBatchStreamAdapter::new(schema.clone(), named))
    });
    Ok(Relation { plan, layout: kept, optional })
}

/// A thing, and all that must say the same of it.
struct Thing {
    variable: Variable,
    /// Variables of the input.
    ways: Vec<Variable>,
    is_shown: bool,
}

impl Thing {
    fn compared_from(&self) -> usize {
        usize::from(self.is_shown)
    }
}

/// The things of a step, each with the variables it is made of.
fn things(input: &Relation, node: &Node, names: &[(Variable, Variable)]) -> Vec<Thing> {
    let mut things: Vec<Thing> = Vec::new();
    for (own, thing) in names {
        match things.iter_mut().find(|known| known.variable == *thing) {
            Some(known) => known.ways.push(own.clone()),
            None => {
                let itself = input.layout.get(thing).map(|_| thing.clone());
                let ways = itself.into_iter().chain([own.clone()]).collect();
                let is_shown = node.binding(thing).is_some();
                things.push(Thing { variable: thing.clone(), ways, is_shown });
            }
        }
    }
    things
}

fn general(input: &Relation, variable: &Variable) -> Result<Selected, QueryError> {
    Selected::widened(input, variable, &TermType::General)
}

/// A name no variable of the plan has.
fn compared(number: usize) -> Variable {
    Variable::new_unchecked(format!("_:compared.{number}"))
}

/// The columns of each thing: the first is shown or the one the others are compared with.
fn columns(layout: &Layout, things: &[Thing], shown: usize) -> Result<Vec<ThingColumns>, QueryError> {
    let start = |variable: &Variable| match layout.get(variable) {
        Some((start, TermType::General)) => Ok(start),
        _ => Err(QueryError::from(internal(format!("an alias step without a column for {variable}")))),
    };
    let mut next = shown;
    let mut found = Vec::with_capacity(things.len());
    for thing in things {
        let mut columns = Vec::with_capacity(thing.ways.len());
        if thing.is_shown {
            columns.push(start(&thing.variable)?);
        }
        for _ in thing.compared_from()..thing.ways.len() {
            columns.push(start(&compared(next))?);
            next += 1;
        }
        found.push(ThingColumns { columns, is_shown: thing.is_shown });
    }
    Ok(found)
}

struct ThingColumns {
    columns: Vec<usize>,
    is_shown: bool,
}

struct Step {
    things: Vec<ThingColumns>,
    /// So many columns are shown.
    shown: usize,
    aliases: Arc<dyn Aliases>,
}

impl Step {
    /// The rows over things, without those that call one thing two things.
    fn replace(&self, batch: &RecordBatch, target: &SchemaRef) -> StreamResult<RecordBatch> {
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        let mut agreeing: Option<BooleanArray> = None;
        for thing in &self.things {
            let Some((first, others)) = thing.columns.split_first() else { continue };
            let things = self.representatives(&batch.columns()[*first])?;
            for other in others {
                let other = self.representatives(&batch.columns()[*other])?;
                let same = (0..batch.num_rows()).map(|row| {
                    let before = agreeing.as_ref().is_none_or(|mask| mask.value(row));
                    Some(before && things.is_valid(row) && other.is_valid(row) && things.value(row) == other.value(row))
                });
                let same: BooleanArray = same.collect();
                agreeing = Some(same);
            }
            if thing.is_shown {
                columns[*first] = Arc::new(things);
            }
        }
        columns.truncate(self.shown);
        for field in &target.fields()[columns.len()..] {
            columns.push(arrow_array::new_null_array(field.data_type(), batch.num_rows()));
        }
        let rows = RecordBatch::try_new(target.clone(), columns)?;
        match agreeing {
            Some(mask) => Ok(filter_record_batch(&rows, &mask)?),
            None => Ok(rows),
        }
    }

    /// The representatives of encoded terms.
    fn representatives(&self, names: &ArrayRef) -> StreamResult<StringViewArray> {
        let names = names
            .as_string_view_opt()
            .ok_or_else(|| DataFusionError::Internal("encoded terms that are not text".to_owned()))?;
        let thing = |name: &str| match EncodedTerm::read(name) {
            Ok(EncodedTerm::Iri(iri)) => self.aliases.representative(iri).filter(|first| *first != iri).map(encode_iri),
            _ => None,
        };
        let things: Vec<Option<String>> = names.iter().map(|name| name.and_then(thing)).collect();
        if things.iter().all(Option::is_none) {
            return Ok(names.clone());
        }
        Ok(names.iter().zip(&things).map(|(name, thing)| thing.as_deref().or(name)).collect())
    }
}

/// The keys with all names of the things among them. What is no representative is no thing, and has none.
fn names_of(keys: &KeySource, names: &[(Variable, Variable)], aliases: &dyn Aliases) -> Result<KeySource, QueryError> {
    let mut variables: Vec<(Variable, TermType)> =
        keys.layout.variables().iter().cloned().zip(keys.layout.types().iter().cloned()).collect();
    let mut columns: Vec<ArrayRef> = keys.rows.columns().to_vec();
    let mut rows = keys.rows.num_rows();
    for (own, thing) in names {
        let Some((start, term_type)) = keys.layout.get(thing) else { continue };
        let (mut taken, mut named): (Vec<u32>, Vec<Option<String>>) = (Vec::new(), Vec::new());
        if rows > 0 {
            let reader = TermReader::new(term_type, &columns[start..start + term_type.columns().len()])?;
            for row in 0..rows {
                let row_number = u32::try_from(row).unwrap_or(u32::MAX);
                for name in all_names(reader.term(row)?.map(|term| encode(&term)), aliases) {
                    taken.push(row_number);
                    named.push(name);
                }
                if named.len() > MOST_NAMES {
                    let message = format!("the things of one block of keys have more than {MOST_NAMES} names");
                    return Err(limit_exceeded_by(message));
                }
            }
        }
        let taken = UInt32Array::from(taken);
        let take = |column: &ArrayRef| arrow_select::take::take(column, &taken, None);
        columns = columns.iter().map(take).collect::<Result<_, _>>().map_err(DataFusionError::from)?;
        rows = named.len();
        columns.push(Arc::new(named.into_iter().collect::<StringViewArray>()));
        variables.push((own.clone(), TermType::General));
    }
    let layout = Layout::new(variables);
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    let rows = RecordBatch::try_new_with_options(layout.schema().clone(), columns, &options);
    Ok(KeySource { layout, rows: rows.map_err(DataFusionError::from)? })
}

/// A term that is no IRI of a thing with several names is its own only name; unbound is no key and stays so.
fn all_names(thing: Option<String>, aliases: &dyn Aliases) -> Vec<Option<String>> {
    let Some(thing) = thing else { return vec![None] };
    let Ok(EncodedTerm::Iri(iri)) = EncodedTerm::read(&thing) else { return vec![Some(thing)] };
    let names = aliases.names(iri);
    match names.first() {
        None => vec![Some(thing)],
        Some(first) if *first == iri => names.into_iter().map(|name| Some(encode_iri(name))).collect(),
        Some(_) => Vec::new(),
    }
}

fn limit_exceeded_by(message: String) -> QueryError {
    QueryError::new(Code::LimitExceeded, Fault::Caller, message)
}

#[cfg(test)]
mod tests;
