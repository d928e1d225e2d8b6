//! SPARQL endpoints on loopback: for SERVICE, and for the result formats.

use anyhow::{Context, ensure};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use weft_exec::Engine;
use weft_server::{Health, QueryEndpoint, Server, ServerOptions};

/// A server over an engine.
pub(super) struct Running {
    pub(super) url: String,
    endpoint: watch::Sender<Arc<dyn QueryEndpoint>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) async fn start(engine: Engine, base_iri: Option<String>) -> anyhow::Result<Self> {
        let endpoint: Arc<dyn QueryEndpoint> = Arc::new(engine);
        let (endpoint, endpoints) = watch::channel(endpoint);
        let options = ServerOptions { base_iri, drain_timeout: Duration::from_secs(2), ..ServerOptions::default() };
        let server = Server::bind("127.0.0.1:0".parse()?, endpoints, Health::default(), options).await?;
        let url = format!("http://{}/sparql", server.local_address()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Ok(Self { url, endpoint, stop, task })
    }

    /// Answers by another engine from now on.
    pub(super) fn replace(&self, engine: Engine) {
        self.endpoint.send_replace(Arc::new(engine));
    }

    /// The body of an answer in the format of a media type.
    pub(super) async fn ask(&self, query: &str, media_type: &str) -> anyhow::Result<Vec<u8>> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client
            .post(&self.url)
            .header("content-type", "application/sparql-query")
            .header("accept", media_type)
            .body(query.to_owned());
        let response = request.send().await?;
        let (status, kind) = (response.status(), response.headers().get("content-type").cloned());
        let body = response.bytes().await?;
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        let kind = kind.context("no media type")?;
        ensure!(kind.to_str()?.starts_with(media_type), "{kind:?} instead of {media_type}");
        Ok(body.to_vec())
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        Ok(self.task.await?)
    }
}
