//! The demonstration from the command line.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use weft_demo::{ODataDatabase, Ports, RunOptions, generate, run, serve_odata, write_configuration};

#[derive(Parser)]
#[command(name = "weft-demo", version, about = "A small digital thread, the processes around it, and questions to it")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write data, links, mappings, questions and configurations into a directory
    Generate { directory: PathBuf },
    /// Serve a SQLite file as OData v4 at /plm/
    Odata {
        /// The SQLite file
        #[arg(long)]
        data: PathBuf,
        #[arg(long, default_value = "127.0.0.1:7300")]
        listen: SocketAddr,
        /// Where to write the port that is listened on
        #[arg(long)]
        port_file: Option<PathBuf>,
        /// Rows in one answer at most
        #[arg(long, default_value_t = 100)]
        page_size: u64,
    },
    /// Generate, start everything, ask the questions, and leave the endpoint up until Ctrl-C
    Run {
        /// End after the answers; fails when one is not the expected one
        #[arg(long)]
        once: bool,
        /// Where the endpoint is on 127.0.0.1, 0 for any free port; by default 7878 if it is free, and any with --once
        #[arg(long)]
        port: Option<u16>,
        /// Where everything is written
        #[arg(long, default_value = ".demo")]
        directory: PathBuf,
        /// Where `weft` and `weft-connector-sql` are; by default, beside this program
        #[arg(long)]
        binaries: Option<PathBuf>,
        /// The OData component; by default ../guests/components/odata.wasm beside this program
        #[arg(long)]
        guest: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match execute(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weft-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> Result<()> {
    match command {
        Command::Generate { directory } => {
            generate(&directory)?;
            write_configuration(&directory, &Ports::default(), &beside("../guests/components/odata.wasm")?)
        }
        Command::Odata { data, listen, port_file, page_size } => odata(data, listen, port_file, page_size).await,
        Command::Run { once, port, directory, binaries, guest } => {
            let binaries = binaries.map_or_else(|| beside("."), Ok)?;
            let guest = guest.map_or_else(|| beside("../guests/components/odata.wasm"), Ok)?;
            run(RunOptions { once, port, directory, binaries, guest }).await
        }
    }
}

fn beside(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Ok(program.parent().map(|directory| directory.join(name)).unwrap_or_default())
}

async fn odata(data: PathBuf, listen: SocketAddr, port_file: Option<PathBuf>, page_size: u64) -> Result<()> {
    let database = ODataDatabase::open(&data, page_size)?;
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    if let Some(file) = port_file {
        // Written elsewhere first: whoever waits for the file never reads half a number.
        let fresh = file.with_extension("fresh");
        let written = fs::write(&fresh, address.port().to_string()).and_then(|()| fs::rename(&fresh, &file));
        written.with_context(|| format!("cannot write {}", file.display()))?;
    }
    eprintln!("odata: serving {} at http://{address}/plm/", data.display());
    serve_odata(database, listener, weft_demo::ended()).await
}
