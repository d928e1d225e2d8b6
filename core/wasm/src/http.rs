//! The HTTP capability: what may be asked for, of which addresses, and how much.
//!
//! Nothing is allowed by default. The host parses and compares URLs itself, checks every address a name resolves to,
//! follows redirects one by one under the same checks, and adds what the guest must not see.

mod address;
mod credential;
mod grant;
mod headers;
mod session;

pub use credential::{Credential, Secret};
pub use grant::{HttpGrant, InvalidGrant};

pub(crate) use grant::HttpAccess;
pub(crate) use session::{Contact, HttpSession, Request, RequestError};
