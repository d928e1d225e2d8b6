//! What each command does.

pub(crate) mod cert;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod link;
pub(crate) mod mapping;
pub(crate) mod query;
pub(crate) mod serve;
pub(crate) mod source;

mod ask;
