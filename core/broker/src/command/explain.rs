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
        Some(endpoint) => Client::new(endpoint, explain.asked.timeout)?.explain(&text, explain.json).await?,
        None => {
            let (engine, config) = local_engine(explain.asked.config.as_ref()).await?;
            let base_iri = Some(config.broker.base.clone());
            let call = QueryCall { text, base_iri, timeout: explain.asked.timeout, ..QueryCall::default() };
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
