//! `weft explain`.

use super::ask::{local_engine, quiet_logs, read_text};
use crate::cli::Explain;
use crate::failure::Failure;
use weft_model::Code;
use weft_server::{Client, QueryCall, QueryEndpoint};

pub(crate) async fn run(explain: Explain) -> Result<(), Failure> {
    let _telemetry = quiet_logs()?;
    let text = read_text(&explain.text)?;
    let shown = match &explain.asked.endpoint {
        Some(endpoint) => {
            let client = Client::new(endpoint, explain.asked.timeout)?.seeing(explain.seen.asked());
            match explain.analyze {
                true => client.analyze(&text, explain.json).await?,
                false => client.explain(&text, explain.json).await?,
            }
        }
        None => {
            let (engine, config) = local_engine(explain.asked.config.as_ref()).await?;
            let base_iri = Some(config.broker.base.clone());
            let (timeout, analyze, view) = (explain.asked.timeout, explain.analyze, explain.seen.asked());
            let call = QueryCall { text, base_iri, timeout, analyze, view, ..QueryCall::default() };
            let explanation = QueryEndpoint::explain(&engine, call).await?;
            if explain.json {
                serde_json::to_string_pretty(&explanation.json)
                    .map_err(|error| Failure::caused(Code::Internal, &error))?
            } else {
                explanation.text
            }
        }
    };
    println!("{}", shown.trim_end());
    Ok(())
}
