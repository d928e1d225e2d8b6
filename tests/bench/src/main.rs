//! Weft against what a good engineer would write by hand for each question.
//!
//! Generated data behind real connector processes over mutual TLS; the engine in this process, and the broker as a process.
//! Both sides do the same job (the same bytes of the same answer), in turns; a run whose answers differ fails. Nothing about
//! time is asserted: times are printed as ratios, with a word where they are not what is aimed at.

mod cli;
mod data;
mod endpoint;
mod floor;
mod growth;
mod measure;
mod peers;
mod planning;
mod question;
mod report;
mod run;
mod stage;

use anyhow::{Result, bail};
use clap::Parser as _;
use cli::{Cli, Command};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// As in the broker.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As the broker's workers: operators poll each other.
const STACK: usize = 32 << 20;

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<()> {
    // For libraries that take no provider; ours is passed explicitly.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?;
    let done = runtime.block_on(async {
        // What runs is dropped then, and its processes with it.
        tokio::select! {
            done = execute(cli) => done,
            stopped = stopped() => stopped,
        }
    });
    runtime.shutdown_background();
    done
}

async fn execute(cli: Cli) -> Result<()> {
    match cli.command {
        None => run::run(&cli.run).await,
        Some(Command::Run(options)) => run::run(&options).await,
        Some(Command::Growth(options)) => growth::grow(&options).await,
        Some(Command::Peers(options)) => peers::compare(&options).await,
        Some(Command::List) => {
            list();
            Ok(())
        }
    }
}

/// Fails when the process is asked to end.
async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    bail!("stopped before the end")
}

fn list() {
    for question in question::questions(data::Scale::thousands(1, 0)) {
        println!("{}", question.name);
    }
}
