//! One list of error codes, with what each means to an HTTP client, a gRPC peer and a shell.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Who has to act for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    Caller,
    Config,
    Source,
    Connector,
    Broker,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    Never,
    /// After this many milliseconds the same request may succeed.
    AfterMillis(u64),
    /// The plan is out of date: describe the source again and plan again.
    Replan,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $http:literal, $grpc:literal, $exit:literal;)*) => {
        /// What went wrong, in terms that a program can act on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name, as it appears in answers, logs and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status of an answer that fails with this code.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)* }
            }

            /// The gRPC status number (google.rpc.Code).
            pub fn grpc_status(self) -> i32 {
                match self { $(Self::$variant => $grpc,)* }
            }

            /// The exit status of a command, after sysexits.h.
            pub fn exit_status(self) -> u8 {
                match self { $(Self::$variant => $exit,)* }
            }
        }
    };
}

codes! {
    /// The request breaks the protocol it came by.
    InvalidRequest = "invalid-request", 400, 3, 64;
    /// The query is not SPARQL.
    InvalidQuery = "invalid-query", 400, 3, 65;
    /// The query is SPARQL, but this version does not evaluate it.
    UnsupportedQuery = "unsupported-query", 501, 12, 65;
    /// The query is longer or deeper than the configured limits.
    QueryTooLarge = "query-too-large", 413, 3, 65;
    /// The path is right and the method is not one it has.
    MethodNotAllowed = "method-not-allowed", 405, 12, 64;
    /// The body is of a kind that is not read here.
    UnsupportedMediaType = "unsupported-media-type", 415, 3, 64;
    /// The request would change data, which belongs to the sources.
    ReadOnly = "read-only", 403, 7, 77;
    /// None of the result formats the client accepts is offered.
    NotAcceptable = "not-acceptable", 406, 3, 64;
    /// A named thing does not exist.
    NotFound = "not-found", 404, 5, 64;
    /// The configuration is wrong.
    InvalidConfig = "invalid-config", 500, 9, 78;
    /// A mapping is wrong, or does not fit the source it is for.
    InvalidMapping = "invalid-mapping", 500, 9, 78;
    /// The connector or the system behind it cannot be reached.
    SourceUnavailable = "source-unavailable", 503, 14, 69;
    /// The system behind the connector answered with an error.
    SourceFailed = "source-failed", 502, 2, 69;
    /// The other side's certificate or credentials are not accepted.
    Unauthenticated = "unauthenticated", 502, 16, 77;
    /// The caller has to say who it is, in a way that is believed.
    AuthenticationRequired = "authentication-required", 401, 16, 77;
    /// A link is not as the shapes of links, or links themselves, must be.
    LinkRefused = "link-refused", 422, 9, 65;
    /// The identity is known and may not do this.
    PermissionDenied = "permission-denied", 403, 7, 77;
    /// A sandboxed connector asked for what the configuration does not grant.
    NotGranted = "not-granted", 502, 7, 77;
    /// The source asks for fewer requests.
    RateLimited = "rate-limited", 503, 8, 75;
    /// The time allowed is over.
    DeadlineExceeded = "deadline-exceeded", 504, 4, 75;
    /// The caller went away.
    Cancelled = "cancelled", 499, 1, 75;
    /// A stream stopped without its end marker, or its end marker says that rows are missing.
    StreamTruncated = "stream-truncated", 502, 15, 76;
    /// A source sent data that is not what it declared.
    InvalidData = "invalid-data", 502, 15, 76;
    /// The two sides have no contract version in common, or one broke the contract.
    ContractViolation = "contract-violation", 502, 9, 76;
    /// A table or column the plan uses is no longer there.
    SchemaChanged = "schema-changed", 502, 10, 75;
    /// A sandboxed connector crashed.
    GuestTrapped = "guest-trapped", 502, 13, 70;
    /// A configured limit (rows, bytes, memory, output) stopped the work.
    LimitExceeded = "limit-exceeded", 507, 8, 75;
    /// Too much is already running.
    Overloaded = "overloaded", 503, 8, 75;
    /// A defect of Weft itself.
    Internal = "internal", 500, 13, 70;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the name of a code this version knows.
#[derive(Debug, thiserror::Error)]
#[error("unknown error code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name_and_means_failure_everywhere() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse::<Code>().ok(), Some(*code));
            assert!(code.http_status() >= 400);
            assert!((1..=16).contains(&code.grpc_status()));
            assert!(code.exit_status() >= 64);
        }
    }
}
