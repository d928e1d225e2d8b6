//! A PostgreSQL server of the bench's own, with the rows of SQLite files.

use super::Process;
use anyhow::{Context, Result, bail};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

const USER: &str = "weft";
const START: Duration = Duration::from_secs(30);
/// Bytes handed over at once.
const PIECE: usize = 256 << 10;

pub(crate) struct Postgres {
    port: u16,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Postgres {
    /// Makes a cluster in a folder that goes when this is dropped, and starts its server.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let programs = programs()?;
        let cluster = folder.path().join("cluster").display().to_string();
        let initdb = programs.join("initdb").display().to_string();
        let arguments = ["-D", &cluster, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        let (program, prefix) = unprivileged(initdb);
        let made = Command::new(&program).args(&prefix).args(arguments).stdin(Stdio::null()).output();
        let made = made.with_context(|| format!("cannot start {program}"))?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let text = port.to_string();
        let (program, mut arguments) = unprivileged(programs.join("postgres").display().to_string());
        let settings = ["unix_socket_directories=", "fsync=off", "max_connections=300", "shared_buffers=256MB"];
        arguments.extend(["-D", &cluster, "-p", &text, "-h", "127.0.0.1"].map(str::to_owned));
        arguments.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let process = Process::start("postgres", Path::new(&program), &arguments, folder.path())?;
        let server = Self { port, process, _folder: folder };
        server.ready().await?;
        Ok(server)
    }

    async fn ready(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            match self.connect("postgres").await {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > START => return Err(error.context("PostgreSQL did not start")),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn connect(&self, database: &str) -> Result<Client> {
        let settings = format!("host=127.0.0.1 port={} user={USER} dbname={database}", self.port);
        let (client, connection) = tokio_postgres::connect(&settings, NoTls).await?;
        // Ends when the client is dropped.
        tokio::spawn(async { connection.await.ok() });
        Ok(client)
    }

    /// Makes a database with the tables, rows and indexes of an SQLite file, and gives its URL.
    pub(crate) async fn copy(&self, name: &str, file: &Path) -> Result<String> {
        self.connect("postgres").await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let client = self.connect(name).await?;
        let (tables, indexes) = schema(file)?;
        for (table, statement) in &tables {
            client.batch_execute(statement).await?;
            let (sender, receiver) = tokio::sync::mpsc::channel(2);
            let (path, table_name) = (file.to_owned(), table.clone());
            let reader = tokio::task::spawn_blocking(move || read_rows(&path, &table_name, &sender));
            write_rows(&client, table, receiver).await.with_context(|| format!("table {table}"))?;
            reader.await??;
        }
        for statement in &indexes {
            client.batch_execute(statement).await?;
        }
        client.batch_execute("VACUUM ANALYZE").await?;
        Ok(format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.process.interrupt();
    }
}

/// The name of a table, and the statement that creates it.
type Created = (String, String);

/// The statements of tables by name, and of indexes.
fn schema(file: &Path) -> Result<(Vec<Created>, Vec<String>)> {
    let database = Connection::open(file)?;
    let mut list = database.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let rows = list.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (mut tables, mut indexes) = (Vec::new(), Vec::new());
    for row in rows {
        let (kind, name, sql): (String, String, String) = row?;
        match kind.as_str() {
            _ if name.starts_with("sqlite_") => {}
            "table" => {
                // An INTEGER of SQLite has 64 bits, text compares by code point.
                let sql = sql.replace(" INTEGER", " BIGINT").replace(" DOUBLE", " DOUBLE PRECISION");
                tables.push((name, sql.replace(" TEXT", " TEXT COLLATE \"C\"")));
            }
            _ => indexes.push(sql),
        }
    }
    Ok((tables, indexes))
}

type Pieces = tokio::sync::mpsc::Sender<Bytes>;

/// Rows in the text format of COPY. Generated text has no character that it escapes.
fn read_rows(file: &Path, table: &str, pieces: &Pieces) -> Result<()> {
    let database = Connection::open(file)?;
    let mut statement = database.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut piece = BytesMut::with_capacity(PIECE + 1024);
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            if column > 0 {
                piece.put_u8(b'\t');
            }
            match row.get_ref(column)? {
                ValueRef::Null => piece.put_slice(b"\\N"),
                ValueRef::Integer(value) => piece.put_slice(value.to_string().as_bytes()),
                ValueRef::Real(value) => piece.put_slice(value.to_string().as_bytes()),
                ValueRef::Text(text) | ValueRef::Blob(text) => piece.put_slice(text),
            }
        }
        piece.put_u8(b'\n');
        if piece.len() >= PIECE && pieces.blocking_send(piece.split().freeze()).is_err() {
            // The writer has failed and says why.
            return Ok(());
        }
    }
    pieces.blocking_send(piece.freeze()).ok();
    Ok(())
}

async fn write_rows(client: &Client, table: &str, mut pieces: tokio::sync::mpsc::Receiver<Bytes>) -> Result<()> {
    let mut sink = pin!(client.copy_in(&format!("COPY {table} FROM STDIN")).await?);
    while let Some(piece) = pieces.recv().await {
        sink.send(piece).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// Where the programs of the server are: Debian keeps them out of the path.
fn programs() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    let has_both = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    folders.into_iter().find(has_both).context("PostgreSQL is not installed (initdb and postgres)")
}

/// The server refuses to run as root; in a user namespace the same user has another number.
fn unprivileged(program: String) -> (String, Vec<String>) {
    let is_root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    if !is_root {
        return (program, Vec::new());
    }
    let prefix = ["--user", "--map-user=1000", "--map-group=1000", "--", &program].map(str::to_owned);
    ("unshare".to_owned(), prefix.to_vec())
}
