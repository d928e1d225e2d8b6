//! Credentials that follow their files.

use super::credentials::{CredentialBytes, CredentialError, CredentialFiles, Credentials};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The current credentials of a set of files. Handshakes use what is current when they start.
pub struct LiveCredentials {
    files: CredentialFiles,
    state: Mutex<State>,
}

struct State {
    current: Arc<Credentials>,
    /// What `current` was made of, to see that nothing changed.
    bytes: CredentialBytes,
}

impl fmt::Debug for LiveCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveCredentials").field("files", &self.files).field("current", &self.current()).finish()
    }
}

impl LiveCredentials {
    /// The files must be good at the start.
    pub fn load(files: CredentialFiles) -> Result<Self, CredentialError> {
        let bytes = CredentialBytes::read(&files)?;
        let current = Arc::new(Credentials::parse(&files, &bytes)?);
        Ok(Self { files, state: Mutex::new(State { current, bytes }) })
    }

    pub fn current(&self) -> Arc<Credentials> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).current.clone()
    }

    /// Reads the files again. `Ok(true)` when they had changed and are now in use; an error keeps what was.
    pub fn reload(&self) -> Result<bool, CredentialError> {
        let bytes = CredentialBytes::read(&self.files)?;
        if self.state.lock().unwrap_or_else(PoisonError::into_inner).bytes == bytes {
            return Ok(false);
        }
        let current = Arc::new(Credentials::parse(&self.files, &bytes)?);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State { current, bytes };
        Ok(true)
    }

    /// Reloads at this interval, for ever. Polling, because mounted secrets are swapped in ways file events miss.
    ///
    /// The three files change one after the other, so a mismatch in between is tried again and logged once.
    pub async fn follow(self: Arc<Self>, every: Duration) {
        let mut last_failure = None;
        loop {
            tokio::time::sleep(every).await;
            let live = self.clone();
            let Ok(outcome) = tokio::task::spawn_blocking(move || live.reload()).await else { continue };
            match outcome {
                Ok(changed) => {
                    last_failure = None;
                    if changed {
                        let current = self.current();
                        tracing::info!(id = %current.spiffe_id(), expires_at = ?current.expires_at(), "reloaded credentials");
                    }
                }
                Err(error) => {
                    let failure = with_causes(&error);
                    if last_failure.as_ref() != Some(&failure) {
                        tracing::warn!(error = %failure, "cannot reload credentials, keeping the old ones");
                        last_failure = Some(failure);
                    }
                }
            }
        }
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
