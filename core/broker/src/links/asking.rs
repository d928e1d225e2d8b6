//! Asking the sources for entities, keys and classes, by SPARQL as anybody would.

use crate::config::Config;
use crate::failure::Failure;
use futures::StreamExt;
use oxrdf::{NamedNode, Term};
use weft_model::Code;
use weft_server::{Answer, QueryCall, QueryEndpoint};

/// IRIs in one query.
const VALUES: usize = 500;

/// Calls `visit` with each row of a SELECT.
pub(super) async fn for_each_row(
    sources: &dyn QueryEndpoint,
    config: &Config,
    text: String,
    visit: &mut (dyn FnMut(Vec<Option<Term>>) -> Result<(), Failure> + Send),
) -> Result<(), Failure> {
    let timeout = config.links.as_ref().map(|links| links.rule_timeout);
    let base_iri = Some(config.broker.base.clone());
    let call = QueryCall { text, base_iri, timeout, ..QueryCall::default() };
    let Answer::Solutions(mut solutions) = sources.query(call).await? else {
        return Err(Failure::new(Code::Internal, "a SELECT query has no solutions"));
    };
    while let Some(batch) = solutions.rows.next().await {
        batch?.rows().into_iter().try_for_each(&mut *visit)?;
    }
    Ok(())
}

/// Which of the entities are instances of a class.
pub(super) async fn instances(
    sources: &dyn QueryEndpoint,
    config: &Config,
    class: &NamedNode,
    entities: &[&NamedNode],
) -> Result<Vec<NamedNode>, Failure> {
    let mut found = Vec::new();
    for block in entities.chunks(VALUES) {
        let values: Vec<String> = block.iter().map(ToString::to_string).collect();
        let text =
            format!("SELECT DISTINCT ?entity WHERE {{ VALUES ?entity {{ {} }} ?entity a {class} }}", values.join(" "));
        for_each_row(sources, config, text, &mut |row| {
            if let Some(Some(Term::NamedNode(entity))) = row.into_iter().next() {
                found.push(entity);
            }
            Ok(())
        })
        .await?;
    }
    Ok(found)
}
