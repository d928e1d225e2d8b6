//! The PostgreSQL of the kit of third-party systems, with data and port of its own, stopped when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Peer {
    script: PathBuf,
    state: TempDir,
    port: u16,
}

impl Peer {
    /// `None`, with a word why, where the kit is not.
    pub(crate) fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let shared = std::env::var_os("WEFT_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
        let script = shared.join("peers/postgres/peer");
        if !script.exists() {
            println!("skipped: there is no {} (WEFT_SHARED)", script.display());
            return None;
        }
        let mut peer = Self { script, state: tempfile::tempdir().unwrap(), port: 0 };
        assert!(peer.run("install"), "peer install failed");
        // Found free as late as can be: what is free can be taken by somebody else until it is used.
        peer.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(peer.run("start"), "peer start failed");
        Some(peer)
    }

    fn run(&self, verb: &str) -> bool {
        let mut command = Command::new(&self.script);
        command.arg(verb).env("PEERS_STATE", self.state.path()).env("PEER_PORT", self.port.to_string());
        command.status().unwrap().success()
    }

    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn stop(&self) {
        assert!(self.run("stop"), "peer stop failed");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.run("stop");
    }
}
