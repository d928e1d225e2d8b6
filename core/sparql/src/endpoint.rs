//! An endpoint that is asked over HTTP.

use crate::options::check_url;
use crate::refusal::of_request;
use crate::{Credential, EndpointLimits, EndpointOptions, InvalidEndpoint, RequestForm, answer, tls};
use async_trait::async_trait;
use http::header;
use std::fmt;
use std::time::Duration;
use url::{Url, form_urlencoded};
use weft_connector::{CallContext, Endpoint, ScanStream, SelectLimits, SelectRequest};
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};

/// How long a connection stays open for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// A SPARQL endpoint at one URL (SPARQL 1.1 Protocol). Nothing is connected to before the first query.
pub struct HttpEndpoint {
    client: reqwest::Client,
    url: Url,
    request: RequestForm,
    credentials: Vec<Credential>,
    limits: EndpointLimits,
}

impl fmt::Debug for HttpEndpoint {
    /// Without the query of the URL, which may be nobody else's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEndpoint").field("host", &self.url.host_str()).field("path", &self.url.path()).finish()
    }
}

impl HttpEndpoint {
    /// # Errors
    /// When the URL, the credentials or the certificates cannot be used.
    pub fn new(options: EndpointOptions) -> Result<Self, InvalidEndpoint> {
        let url = check_url(&options.url, options.insecure)?;
        let tls = tls::client_config(options.trust.as_deref(), url.scheme() == "https")?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("weft/", env!("CARGO_PKG_VERSION")))
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(InvalidEndpoint::Client)?;
        let EndpointOptions { request, credentials, limits, .. } = options;
        Ok(Self { client, url, request, credentials, limits })
    }

    fn post(&self, context: &CallContext, query: String) -> reqwest::RequestBuilder {
        let (content_type, body) = match self.request {
            RequestForm::Direct => ("application/sparql-query", query),
            RequestForm::Form => {
                let form = form_urlencoded::Serializer::new(String::new()).append_pair("query", &query).finish();
                ("application/x-www-form-urlencoded", form)
            }
        };
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, answer::ACCEPT)
            .body(body);
        if let Some(traceparent) = &context.traceparent {
            request = request.header("traceparent", traceparent);
        }
        for credential in &self.credentials {
            request = request.header(&credential.name, &credential.value);
        }
        request
    }
}

#[async_trait]
impl Endpoint for HttpEndpoint {
    fn limits(&self) -> SelectLimits {
        SelectLimits { solutions: self.limits.shipped_solutions, query_bytes: self.limits.query_bytes }
    }

    async fn select(&self, context: &CallContext, mut request: SelectRequest) -> Result<ScanStream, ContractError> {
        let (bytes, limit) = (request.query.len(), self.limits.query_bytes);
        if bytes > limit {
            let message = format!("the query for it has {bytes} bytes, {limit} are allowed (max_query_bytes)");
            return Err(ContractError::new(Code::LimitExceeded, Fault::Caller, message));
        }
        let query = std::mem::take(&mut request.query);
        let response = self.post(context, query).send().await.map_err(|error| of_request(&error))?;
        answer::solutions(response, request, self.limits.response_bytes).await
    }
}
