//! Whether the links that queries see are still those of the store.

use crate::config::Config;
use crate::failure::Failure;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use weft_index::{LinkStore, LinkTime};
use weft_model::Code;

/// Looks at the store now and then: others write to it, too, and links begin and cease to be valid.
pub(crate) struct LinkWatch {
    /// Nothing where there are no links.
    store: Option<PathBuf>,
    refresh: Duration,
    next_look: Instant,
    seen: Seen,
}

/// What the index was built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    last_record: Option<i64>,
    /// When the next link begins or ceases to be valid.
    until: Option<LinkTime>,
}

impl LinkWatch {
    /// To be made before the index is built, so that nothing in between is missed.
    pub(crate) async fn start(config: &Config) -> Result<Self, Failure> {
        let refresh = config.links.as_ref().map(|links| links.refresh).unwrap_or_default();
        let mut watch = Self { store: config.link_store(), refresh, next_look: Instant::now(), seen: Seen::default() };
        watch.note().await?;
        Ok(watch)
    }

    /// Ends once the index should be built again; never, where there are no links.
    pub(crate) async fn changed(&mut self) {
        if self.store.is_none() {
            return std::future::pending().await;
        }
        loop {
            sleep_until(self.next_look).await;
            self.next_look = Instant::now() + self.refresh;
            match self.look().await {
                Ok(now) if now.last_record != self.seen.last_record => return,
                Ok(_) if self.seen.until.as_ref().is_some_and(|until| *until <= LinkTime::now()) => return,
                Ok(_) => {}
                Err(failure) => tracing::warn!("the link store cannot be read, links stay as they were: {failure}"),
            }
        }
    }

    /// Notes what there is now, before the index is built from it.
    pub(crate) async fn note(&mut self) -> Result<(), Failure> {
        if self.store.is_some() {
            self.seen = self.look().await?;
        }
        Ok(())
    }

    /// After the index was built, which took so long: building takes at most half of the time.
    pub(crate) fn built_in(&mut self, took: Duration) {
        self.next_look = Instant::now() + self.refresh.max(took);
    }

    async fn look(&self) -> Result<Seen, Failure> {
        let Some(path) = self.store.clone() else { return Ok(Seen::default()) };
        let looked = tokio::task::spawn_blocking(move || {
            let store = LinkStore::open(&path)?;
            let last_record = store.last()?.map(|(record, _)| record);
            Ok(Seen { last_record, until: store.next_change_of_validity(&LinkTime::now())? })
        });
        looked.await.map_err(|error| Failure::caused(Code::Internal, &error))?
    }
}
