//! The sections `[views.NAME]`.

use serde::Deserialize;
use weft_exec::LinkTimes;
use weft_index::LinkTime;

/// What queries see that ask for the view by its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct View {
    /// Each thing under one name.
    thread: bool,
    /// The links that were recorded at this time.
    as_of: Option<String>,
    /// The links that are valid at this time.
    valid_at: Option<String>,
}

impl View {
    pub(crate) fn seen(&self) -> weft_exec::View {
        let time = LinkTimes { as_of: self.as_of.clone(), valid_at: self.valid_at.clone() };
        weft_exec::View { thread: self.thread, time }
    }

    /// The keys and what is wrong with them.
    pub(super) fn check(&self, name: &str, has_links: bool, wrong: &mut Vec<(String, String)>) {
        for (key, time) in [("as_of", &self.as_of), ("valid_at", &self.valid_at)] {
            let Some(time) = time else { continue };
            let key = format!("views.{name}.{key}");
            if let Err(error) = time.parse::<LinkTime>() {
                wrong.push((key, error.to_string()));
            } else if !has_links {
                wrong.push((key, "there are no links to choose from: links.store is not set".to_owned()));
            }
        }
    }
}
