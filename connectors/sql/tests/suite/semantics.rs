//! Random relations over random rows give what the words of the contract give.

use crate::evaluator::evaluate;
use crate::generator::{Generator, canonical, is_ordered};
use crate::world::{World, context, request, scan, schemas};
use rand::prelude::*;
use rand::rngs::StdRng;
use weft_connector::Connector;
use weft_model::contract::Relation;

/// How often what was compared.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) compared: usize,
    pub(crate) empty: usize,
    pub(crate) skipped: usize,
}

pub(crate) fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or_else(|| rand::rng().random())
}

/// Compares `cases` relations; the world is what the connector's database holds.
pub(crate) async fn compare(connector: &dyn Connector, world: &World, seed: u64, cases: usize, tally: &mut Tally) {
    let description = connector.describe(&context()).await.unwrap();
    let schemas = schemas(&description);
    let mut generator = Generator::new(StdRng::seed_from_u64(seed), world, &schemas);
    for case in 0..cases {
        let depth = case % 5;
        let relation = generator.relation(depth);
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
        tally.empty += usize::from(found.is_empty());
        let (nothing, explained) = scan(connector, request).await.unwrap();
        assert!(nothing.is_empty());
        assert_eq!(explained, statement);
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
