//! Starts the processes of the demonstration, asks the questions, and ends everything.

mod ask;
mod check;
mod process;
mod show;

use crate::answers::expected;
use crate::files::{Ports, SQL_SOURCES, write_broker, write_configuration};
use crate::questions::{QUESTIONS, Question};
use crate::store::generate;
use crate::thread::Thread;
use anyhow::{Context, Result, bail};
use ask::Endpoint;
use process::Process;
use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a process may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
const BROKER_PORT: u16 = 7878;

/// Where things are, and whether to stay.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub once: bool,
    /// Of the broker on 127.0.0.1, 0 for any that is free.
    pub port: Option<u16>,
    pub directory: PathBuf,
    /// The folder with `weft` and `weft-connector-sql`.
    pub binaries: PathBuf,
    /// The OData component.
    pub guest: PathBuf,
}

/// Runs the demonstration. Fails when a process does not start, or with `once` when an answer is not the expected one.
pub async fn run(mut options: RunOptions) -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    fs::create_dir_all(&options.directory).with_context(|| format!("cannot create {}", options.directory.display()))?;
    options.directory = options.directory.canonicalize()?;
    options.guest = existing(&options.guest, "build it with plugins-sdk/build-guest.sh")?;
    options.binaries = options.binaries.canonicalize().context("the folder of the programs is not there")?;
    let _lock = lock(&options.directory)?;

    let mut processes = Vec::new();
    let ending = ended();
    tokio::pin!(ending);
    let outcome = tokio::select! {
        outcome = demonstrate(&options, &mut processes) => outcome,
        () = &mut ending => Ok(None),
    };
    let outcome = match outcome {
        Ok(Some(endpoint)) if !options.once => {
            show::invitation(&options, &endpoint);
            tokio::select! {
                () = &mut ending => Ok(()),
                died = process::any_death(&mut processes) => Err(died),
            }
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    process::end_all(processes).await;
    outcome
}

/// Ends at Ctrl-C or SIGTERM.
pub async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn existing(path: &Path, hint: &str) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{} is missing: {hint}", path.display()))
}

/// One demonstration at a time in a directory. The lock goes with the file handle.
fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another demonstration is running in {}", directory.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

async fn demonstrate(options: &RunOptions, processes: &mut Vec<Process>) -> Result<Option<Endpoint>> {
    let begun = Instant::now();
    let directory = &options.directory;
    let thread = generate(directory)?;
    let plm = start_odata(options, processes).await?;
    // Each takes a free port by itself: one that is found free beforehand can be taken by the time it is used.
    let mut ports = Ports { weft: broker_port(options), plm, sql: [0; 4] };
    write_configuration(directory, &ports, &options.guest)?;
    issue_certificates(options).await?;
    ports.sql = start_connectors(options, processes).await?;
    write_broker(directory, &ports, &options.guest)?;
    let endpoint = start_broker(options, processes).await?;
    ports.weft = endpoint.port;
    println!("Started {} processes in {:.1} s: {}", processes.len(), begun.elapsed().as_secs_f64(), show::cast(&ports));
    let wrong = ask_all(&thread, &endpoint).await?;
    if !wrong.is_empty() {
        let message =
            format!("{} of {} answers are not the expected ones: {}", wrong.len(), QUESTIONS.len(), wrong.join(", "));
        if options.once {
            bail!(message);
        }
        println!("{message}");
    }
    println!("\n{} questions in {:.1} s.", QUESTIONS.len(), begun.elapsed().as_secs_f64());
    Ok(Some(endpoint))
}

/// Names of the questions whose answer was not the expected one.
async fn ask_all(thread: &Thread, endpoint: &Endpoint) -> Result<Vec<&'static str>> {
    let mut wrong = Vec::new();
    for (index, question) in QUESTIONS.iter().enumerate() {
        show::question(index + 1, question);
        match ask_one(thread, endpoint, question).await {
            Ok(()) => {}
            Err(error) => {
                println!("  NOT THE EXPECTED ANSWER: {error:#}");
                wrong.push(question.name);
            }
        }
    }
    Ok(wrong)
}

async fn ask_one(thread: &Thread, endpoint: &Endpoint, question: &Question) -> Result<()> {
    let expected = expected(thread, question.name).context("no expected answer is known")?;
    let reply = endpoint.ask(question.text).await?;
    show::reply(&reply);
    check::compare(&expected, &reply.answer)
}

async fn start_odata(options: &RunOptions, processes: &mut Vec<Process>) -> Result<u16> {
    let port_file = options.directory.join("plm.port");
    if port_file.exists() {
        fs::remove_file(&port_file).context("cannot remove the port file of an earlier run")?;
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    let arguments = [
        "odata",
        "--data",
        "data/plm.sqlite",
        "--listen",
        "127.0.0.1:0",
        "--port-file",
        "plm.port",
        "--page-size",
        "50",
    ];
    let mut process = Process::start("plm", &program, &arguments, &options.directory)?;
    let ready = process.until(START_TIMEOUT, async || fs::read_to_string(&port_file).is_ok()).await;
    processes.push(process);
    ready?;
    fs::read_to_string(&port_file)?.trim().parse().context("the port file holds no port")
}

/// Unless it is told: the usual port where somebody may look for it, if it is free; otherwise any.
fn broker_port(options: &RunOptions) -> u16 {
    let usual = || !options.once && TcpListener::bind((Ipv4Addr::LOCALHOST, BROKER_PORT)).is_ok();
    options.port.unwrap_or_else(|| if usual() { BROKER_PORT } else { 0 })
}

/// A fresh development authority at every run: nothing expires, nothing old is trusted.
async fn issue_certificates(options: &RunOptions) -> Result<()> {
    let certs = options.directory.join("certs");
    if certs.exists() {
        fs::remove_dir_all(&certs).with_context(|| format!("cannot remove {}", certs.display()))?;
    }
    run_weft(options, &["cert", "authority", "--dir", "certs", "--trust-domain", "weft.dev"]).await?;
    for name in SQL_SOURCES.into_iter().chain(["broker"]) {
        let id = if name == "broker" { name.to_owned() } else { format!("connector/{name}") };
        let hosts = ["--host", "127.0.0.1", "--host", "localhost"];
        let arguments = [["cert", "issue", "--dir", "certs", "--name", name, "--id", &id].as_slice(), &hosts].concat();
        run_weft(options, &arguments).await?;
    }
    Ok(())
}

async fn run_weft(options: &RunOptions, arguments: &[&str]) -> Result<()> {
    process::complete(&options.binaries.join("weft"), arguments, &options.directory, START_TIMEOUT).await
}

/// The ports they listen on.
async fn start_connectors(options: &RunOptions, processes: &mut Vec<Process>) -> Result<[u16; 4]> {
    let program = options.binaries.join("weft-connector-sql");
    let first = processes.len();
    for name in SQL_SOURCES {
        let config = format!("connectors/{name}.toml");
        processes.push(Process::start(name, &program, &[&config], &options.directory)?);
    }
    let mut ports = [0; 4];
    for (process, port) in processes[first..].iter_mut().zip(&mut ports) {
        *port = process.logged_port(START_TIMEOUT, "serving address=127.0.0.1:").await?;
    }
    Ok(ports)
}

async fn start_broker(options: &RunOptions, processes: &mut Vec<Process>) -> Result<Endpoint> {
    let program = options.binaries.join("weft");
    let mut process = Process::start("weft", &program, &["serve", "--config", "weft.toml"], &options.directory)?;
    let port = process.logged_port(START_TIMEOUT, "ready: http://127.0.0.1:").await;
    processes.push(process);
    Endpoint::new(port?)
}
