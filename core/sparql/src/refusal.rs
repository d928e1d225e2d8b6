//! Answers that are no solutions: what they mean to whoever asked.

use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use std::error::Error;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault, Retry};

/// The most bytes of an error's text that are kept for the log.
const DETAIL_BYTES: usize = 4 << 10;
/// The longest wait an endpoint can ask for.
const MAX_WAIT_SECONDS: u64 = 3_600;

pub(crate) fn failed(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::SourceFailed, Fault::Source, message)
}

pub(crate) fn truncated(message: impl Into<String>) -> ContractError {
    ContractError::new(Code::StreamTruncated, Fault::Source, message)
}

/// What a status other than success says. What the endpoint wrote is for the log only.
pub(crate) async fn of_status(mut response: Response) -> ContractError {
    let status = response.status();
    let wait = wait_asked_for(response.headers());
    let mut text = Vec::new();
    while text.len() < DETAIL_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        text.extend_from_slice(&chunk[..chunk.len().min(DETAIL_BYTES - text.len())]);
    }
    with_status(status, wait).with_detail(String::from_utf8_lossy(&text))
}

fn with_status(status: StatusCode, wait: Option<u64>) -> ContractError {
    if status.is_redirection() {
        return failed(format!("it answers with a redirect (status {}), which is not followed", status.as_u16()));
    }
    let message = format!("it answers with status {}", status.as_u16());
    let retry = wait.map_or(Retry::Never, |seconds| Retry::AfterMillis(seconds * 1_000));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ContractError::new(Code::Unauthenticated, Fault::Config, message)
        }
        StatusCode::TOO_MANY_REQUESTS => {
            ContractError::new(Code::RateLimited, Fault::Source, message).with_retry(retry)
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ContractError::new(Code::SourceUnavailable, Fault::Source, message).with_retry(retry)
        }
        _ => failed(message),
    }
}

/// `Retry-After` in seconds; dates are left to the usual backoff.
fn wait_asked_for(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds <= MAX_WAIT_SECONDS).then_some(seconds)
}

/// A request that got no answer. The cause that matters is at the end of reqwest's chain, or the TLS error in it.
pub(crate) fn of_request(error: &reqwest::Error) -> ContractError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(found) = cause {
        if let Some(tls) = inner_tls(found) {
            return ContractError::new(Code::Unauthenticated, Fault::Source, "its certificate is not accepted")
                .with_detail(tls);
        }
        last = found.to_string();
        cause = found.source();
    }
    ContractError::new(Code::SourceUnavailable, Fault::Source, "it cannot be reached").with_detail(last)
}

/// An I/O error keeps what it was made of inside, not as its source; and that may be an I/O error again.
fn inner_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut error = error;
    while let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        error = inner;
    }
    error.downcast_ref()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Error as IoError;

    #[test]
    fn a_certificate_is_found_at_fault_however_deep_the_error_is() {
        let tls = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let twice = IoError::other(IoError::other(tls()));
        for error in [IoError::other(tls()), IoError::other(IoError::other(tls())), IoError::other(twice)] {
            assert!(inner_tls(&error).is_some(), "{error}");
        }
        assert!(inner_tls(&tls()).is_some());
        assert!(inner_tls(&IoError::other("refused")).is_none());
        assert!(inner_tls(&IoError::from_raw_os_error(111)).is_none());
    }

    #[test]
    fn a_status_says_who_has_to_act_and_when_to_come_again() {
        for (status, code, retry) in [
            (400, Code::SourceFailed, Retry::Never),
            (301, Code::SourceFailed, Retry::Never),
            (401, Code::Unauthenticated, Retry::Never),
            (429, Code::RateLimited, Retry::AfterMillis(2_000)),
            (500, Code::SourceFailed, Retry::Never),
            (503, Code::SourceUnavailable, Retry::AfterMillis(2_000)),
        ] {
            let error = with_status(StatusCode::from_u16(status).unwrap(), Some(2));
            assert_eq!((error.code, error.retry), (code, retry), "{status}");
            assert!(error.message.contains(&status.to_string()), "{error}");
        }
        let mut headers = HeaderMap::new();
        for (text, wait) in [("7", Some(7)), ("99999999", None), ("-1", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None)]
        {
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(wait_asked_for(&headers), wait, "{text}");
        }
    }
}
