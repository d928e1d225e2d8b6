#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::query_gen::QueryGenerator;
use crate::scenario::generate;
use crate::union::quads;
use rand::SeedableRng;
use rand::rngs::StdRng;

#[test]
fn what_is_left_still_fails_and_nothing_can_be_left_out() {
    let scenario = generate(5, &[Transport::Memory]);
    let quads = quads(&scenario).unwrap();
    let generator = QueryGenerator::new(&quads);
    let mut rng = StdRng::seed_from_u64(5);
    let has_filter = |case: &Case| case.query.text().contains("FILTER") && !case.scenario.sources.is_empty();
    let query = std::iter::repeat_with(|| generator.query(&mut rng)).find(|q| q.text().contains("FILTER")).unwrap();
    let small = shrink(Case { scenario, query }, 10_000, has_filter);
    assert!(has_filter(&small));
    assert_eq!(small.scenario.sources.len(), 1);
    assert!(small.scenario.sources[0].rows.iter().all(Vec::is_empty), "rows are not needed for this");
    assert!(smaller(&small).iter().all(|case| !has_filter(case)), "{}", small.query.text());
}

#[test]
fn paths_and_expressions_lose_words() {
    let texts = |text: &str| smaller_texts(text);
    let path = "(<urn:a>/^<urn:b>|!(<urn:c>))*";
    for smaller in
        ["(<urn:a>)*", "<urn:a>/^<urn:b>|!(<urn:c>)*", "(<urn:a>/^<urn:b>|!<urn:c>)*", "(<urn:a>/^<urn:b>|!(<urn:c>))"]
    {
        assert!(texts(path).contains(&smaller.to_owned()), "{smaller}: {:?}", texts(path));
    }
    assert!(texts("?a + STR(?b)").contains(&"?a ".to_owned()), "{:?}", texts("?a + STR(?b)"));
    assert!(texts("\"a (b\" = ?x").iter().all(|text| !text.contains("(b") || text.contains("\"a (b\"")));
}
