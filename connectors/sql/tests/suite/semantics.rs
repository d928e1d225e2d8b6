//! Random relations over random rows give what the words of the contract give.

use crate::evaluator::evaluate;
use crate::generator::{Generator, canonical, is_ordered};
use crate::world::{World, context, request, scan, schemas};
use rand::prelude::*;
use rand::rngs::StdRng;
use weft_connector::Connector;
use weft_model::contract::{ProjectColumn, Relation};

/// How often what was compared.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) compared: usize,
    pub(crate) empty: usize,
    pub(crate) skipped: usize,
    /// Closures that have more than one step.
    pub(crate) long: usize,
    /// With parts of times in the answer or on the way to it.
    pub(crate) parts: usize,
}

/// One seed for all runs, so that a failure is of the change; SEED tries another.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").map_or(1, |seed| seed.parse().expect("SEED is a number"))
}

/// Compares `cases` relations; the world is what the connector's database holds.
pub(crate) async fn compare(connector: &dyn Connector, world: &World, seed: u64, cases: usize, tally: &mut Tally) {
    let description = connector.describe(&context()).await.unwrap();
    let schemas = schemas(&description);
    let mut generator = Generator::new(StdRng::seed_from_u64(seed), world, &schemas);
    for case in 0..cases {
        let relation = match case % 7 {
            5 => generator.closure(),
            6 => generator.calendar(),
            depth => generator.relation(depth),
        };
        let Some(expected) = evaluate(&relation, world) else {
            tally.skipped += 1;
            continue;
        };
        let mut request = request(relation.clone());
        request.batch_rows = generator.rng.random_range(1..50);
        let answer = scan(connector, request.clone()).await;
        request.explain = true;
        let (rows, statement) = answer
            .unwrap_or_else(|e| panic!("seed {seed}, case {case}: {e} ({:?})\n{:#?}", e.detail, brief(&relation)));
        let ordered = is_ordered(&relation);
        let (expected, found) = (canonical(&expected.rows, ordered), canonical(&rows, ordered));
        assert!(
            expected == found,
            "seed {seed}, case {case}\n{statement}\n{:#?}\nexpected {expected:#?}\nfound {found:#?}",
            brief(&relation)
        );
        tally.compared += 1;
        tally.parts += usize::from(!relation.time_parts().is_empty() && !found.is_empty());
        tally.long += usize::from(is_long(&relation, world));
        tally.empty += usize::from(found.is_empty());
        let (nothing, explained) = scan(connector, request).await.unwrap();
        assert!(nothing.is_empty());
        assert_eq!(explained, statement);
    }
}

/// Whether a recursion on the way to the answer finds more than its step.
fn is_long(relation: &Relation, world: &World) -> bool {
    match relation {
        Relation::Read(_) => false,
        Relation::Recurse { step, from, to, .. } => {
            let columns = from.iter().chain(to).map(|c| ProjectColumn::of(&c.name, c.clone()));
            let single = Relation::Project { input: step.clone(), columns: columns.collect() };
            let rows = |relation| evaluate(relation, world).map_or(Vec::new(), |found| found.rows);
            let single = rows(&single);
            rows(relation).iter().any(|pair| !single.contains(pair))
        }
        Relation::Join { left, right, .. } => is_long(left, world) || is_long(right, world),
        Relation::Filter { input, .. }
        | Relation::Project { input, .. }
        | Relation::Aggregate { input, .. }
        | Relation::Distinct { input }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. } => is_long(input, world),
    }
}

/// The relation without what every read repeats.
fn brief(relation: &Relation) -> Relation {
    let mut brief = relation.clone();
    let aliases: Vec<String> = relation.reads().iter().map(|read| read.alias.clone()).collect();
    for alias in aliases {
        brief.read_mut(&alias).unwrap().schema.clear();
    }
    brief
}
