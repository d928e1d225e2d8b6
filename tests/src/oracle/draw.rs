//! Case number `n` of a seed.

use crate::compare::{Found, evaluate, is_determined_cut, whole};
use crate::query_gen::{Query, QueryGenerator};
use crate::scenario::{Scenario, Transport, draw_things, generate};
use crate::union::{Union, union};
use anyhow::Context;
use oxrdf::Quad;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Cases that share a scenario: connecting its sources costs as much as some queries.
pub(super) const CASES_OF_A_WORLD: u64 = 10;

const TRANSPORTS: &[Transport] = &[Transport::Memory, Transport::Memory, Transport::Sqlite, Transport::Wasm];

/// Queries without an answer say little; so many are drawn for one that has some.
const TRIES: usize = 5;

/// A scenario, and all its triples.
pub struct World {
    pub number: u64,
    pub scenario: Scenario,
    pub union: Union,
    quads: Vec<Quad>,
}

impl World {
    /// World `number` of a seed.
    pub fn new(seed: u64, number: u64) -> anyhow::Result<Self> {
        let mut scenario = generate(mixed(seed, number, 1), TRANSPORTS);
        let plain = union(&scenario).with_context(|| format!("the scenario of world {number} of seed {seed}"))?;
        scenario.things = draw_things(&mut StdRng::seed_from_u64(mixed(seed, number, 3)), &plain.named());
        let union = union(&scenario).with_context(|| format!("the scenario of world {number} of seed {seed}"))?;
        let quads = union.named();
        Ok(Self { number, scenario, union, quads })
    }

    /// The query of a case of this world, and the oracle's answer to all of it; none where the oracle cannot say.
    pub fn case(&self, seed: u64, case: u64) -> anyhow::Result<(Query, Option<Found>)> {
        let generator = QueryGenerator::new(&self.quads);
        draw(&generator, &mut StdRng::seed_from_u64(mixed(seed, case, 2)), &self.union)
    }
}

/// Independent of its neighbours (the finaliser of splitmix64).
fn mixed(seed: u64, number: u64, use_of: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ use_of;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A query that mostly has an answer.
pub fn draw(generator: &QueryGenerator<'_>, rng: &mut StdRng, union: &Union) -> anyhow::Result<(Query, Option<Found>)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut query = other_names(generator.query(rng), rng, union)?;
        settle(&mut query, union)?;
        let found = evaluate(union, &whole(&query).text()).with_context(|| query.text())?;
        let fits = match &found {
            None => false,
            Some(Found::Boolean(value)) => *value || rng.random_bool(0.3),
            Some(found) => !found.is_empty() || rng.random_bool(0.15),
        };
        if fits || tries == TRIES {
            return Ok((query, found));
        }
    }
}

/// In the thread view, the query with other names for some of its constants.
fn other_names(query: Query, rng: &mut StdRng, union: &Union) -> anyhow::Result<Query> {
    let mut text = serde_json::to_string(&query)?;
    for (name, first) in union.first_names() {
        if rng.random_bool(0.3) {
            text = text.replace(&format!("<{first}>"), &format!("<{name}>"));
        }
    }
    Ok(serde_json::from_str(&text)?)
}

/// Takes LIMIT and OFFSET from sub-queries where they would leave a choice.
pub fn settle(query: &mut Query, union: &Union) -> anyhow::Result<()> {
    let dataset = query.dataset.clone();
    let mut failed = None;
    query.sub_queries(&mut |inner| {
        if inner.limit.is_none() && inner.offset.is_none() {
            return;
        }
        let alone = Query { dataset: dataset.clone(), ..whole(inner) };
        let is_settled = match evaluate(union, &alone.text()) {
            Ok(Some(Found::Rows { variables, rows })) => is_determined_cut(inner, &variables, &rows),
            Ok(_) => false,
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        if !is_settled {
            (inner.limit, inner.offset) = (None, None);
        }
    });
    failed.map_or(Ok(()), Err)
}
