#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! The clients people have, against a real broker over a small real mesh. Each script in `tests/clients` asks what its
//! client can ask, and fails when an answer is not the one the data gives.
//!
//! The clients are installed once, from PyPI and npm, into `target/clients`. Where there is no Python or Node the scripts
//! that need it are skipped, unless the variable `CI` is `true`.

#[path = "clients/mesh.rs"]
mod mesh;

use mesh::Mesh;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const INSTALL_TIMEOUT: Duration = Duration::from_secs(170);
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn the_clients_people_have_get_the_right_answers() {
    let python = python();
    let node = node();
    let mesh = Mesh::start().unwrap();
    let mut failures = Vec::new();
    let mut scripts = vec![("curl.sh", curl())];
    for script in ["rdflib_client.py", "sparqlwrapper_client.py", "pyoxigraph_client.py"] {
        scripts.push((script, python.clone().map(|program| (program, sources().join(script)))));
    }
    scripts.push(("comunica.mjs", node));
    for (name, found) in scripts {
        let Some((program, script)) = found else { continue };
        let mut command = Command::new(program);
        command.arg(script).arg(&mesh.endpoint).env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "127.0.0.1");
        let begun = Instant::now();
        let output = finish(command, SCRIPT_TIMEOUT);
        eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
        if !output.status.success() {
            failures.push(format!("{name}: {}{}", text(&output.stdout), text(&output.stderr)));
        }
    }
    let log = fs::read_to_string(mesh.path("weft.log")).unwrap_or_default();
    assert!(failures.is_empty(), "{}\nthe broker said:\n{log}", failures.join("\n"));
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Where clients are installed.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients")
}

fn curl() -> Option<(PathBuf, PathBuf)> {
    has("curl", &["--version"]).then(|| ("bash".into(), sources().join("curl.sh")))
}

/// The Python that has the packages.
fn python() -> Option<PathBuf> {
    if !has("python3", &["-c", "import venv, ensurepip"]) {
        return None;
    }
    let folder = installed().join("python");
    let program = folder.join("bin/python");
    let wanted = fs::read_to_string(sources().join("requirements.txt")).unwrap();
    install(&folder, &wanted, || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        let mut pip = Command::new(&program);
        pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(sources().join("requirements.txt"));
        vec![venv, pip]
    });
    Some(program)
}

/// Node, and the script beside the packages it imports.
fn node() -> Option<(PathBuf, PathBuf)> {
    if !has("node", &["--version"]) || !has("npm", &["--version"]) {
        return None;
    }
    let folder = installed().join("node");
    let wanted = fs::read_to_string(sources().join("package.json")).unwrap();
    install(&folder, &wanted, || {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("package.json"), &wanted).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(&folder);
        vec![npm]
    });
    let script = folder.join("comunica.mjs");
    fs::copy(sources().join("comunica.mjs"), &script).unwrap();
    Some(("node".into(), script))
}

/// Runs the commands once for each content of the file that names the packages.
fn install(folder: &Path, wanted: &str, commands: impl FnOnce() -> Vec<Command>) {
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return;
    }
    eprintln!("installing into {}:\n{wanted}", folder.display());
    for command in commands() {
        let shown = format!("{command:?}");
        let output = finish(command, INSTALL_TIMEOUT);
        assert!(output.status.success(), "{shown}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    fs::write(stamp, wanted).unwrap();
}

/// Whether a program is there and works. On a build server it has to be.
fn has(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let works = output.is_ok_and(|output| output.status.success());
    let required = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(works || !required, "{program} is missing, and CI is true");
    if !works {
        eprintln!("skipped: what needs {program}, which is not here");
    }
    works
}

/// Waits for the end, and does not wait forever. What the process says is kept in files, so that no pipe fills up.
fn finish(mut command: Command, limit: Duration) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    command.stdin(Stdio::null()).stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > limit => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{command:?} did not end within {limit:?}: {}", fs::read_to_string(err).unwrap_or_default());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    Output { status, stdout: fs::read(out).unwrap(), stderr: fs::read(err).unwrap() }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
