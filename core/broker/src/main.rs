//! `weft`: the broker and its command line.
//!
//! Commands write data to stdout and everything else to stderr. The exit status says what kind of thing went wrong
//! ([`weft_model::Code::exit_status`]).

mod cli;
mod command;
mod config;
mod failure;
mod links;
mod mesh;
mod output;
mod telemetry;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::process::ExitCode;
use weft_model::Code;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of stack of each worker. Only what is used is memory.
const STACK: usize = 32 << 20;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return tell_usage(&usage),
    };
    match start(cli) {
        Ok(status) => status,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code.exit_status())
        }
    }
}

fn start(cli: Cli) -> Result<ExitCode, Failure> {
    // The process-wide default is for libraries below that take no provider; ours is passed explicitly.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Operators poll each other: a plan as deep as limits.algebra_depth allows needs more than the usual stack.
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| Failure::caused(Code::Internal, &error))?;
    let result = runtime.block_on(run(cli.command));
    // Blocking work may still be running for a cancelled query; it ends with the process.
    runtime.shutdown_background();
    result
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        // Whether there is a difference is told by its status.
        Command::Mapping(mapping) => return command::mapping::run(mapping).await,
        Command::Serve(serve) => command::serve::run(serve).await,
        Command::Query(query) => command::query::run(query).await,
        Command::Explain(explain) => command::explain::run(explain).await,
        Command::Check(check) => command::check::run(check).await,
        Command::Link(link) => command::link::run(link).await,
        Command::Source(source) => command::source::run(source).await,
        Command::Cert(cert) => command::cert::run(cert),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version are answers; a wrong command line is a wrong request.
fn tell_usage(usage: &clap::Error) -> ExitCode {
    let shown = usage.print();
    match (usage.use_stderr(), shown) {
        (false, Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::from(Code::InvalidRequest.exit_status()),
    }
}
