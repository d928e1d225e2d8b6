//! Installs peers once, under the folder of the bench, from the registries their users install them from.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Some hundreds of packages come from far away.
const LIMIT: Duration = Duration::from_secs(600);

/// The folder in which peers are installed.
#[derive(Clone, Debug)]
pub(super) struct Kit {
    folder: PathBuf,
}

/// The folder of the scripts.
pub(super) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

impl Kit {
    pub(super) fn new(bench: &Path) -> Result<Self> {
        let folder = bench.join("peers");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self { folder: folder.canonicalize()? })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// The folder of the programs of a Python that has the packages.
    pub(super) fn python(&self) -> Result<PathBuf> {
        let requirements = scripts().join("requirements.txt");
        let folder = self.folder.join("python");
        let programs = folder.join("bin");
        self.once(&folder, &fs::read_to_string(&requirements)?, || {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv", "--clear"]).arg(&folder);
            let mut pip = Command::new(programs.join("python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            pip.arg(&requirements);
            Ok(vec![venv, pip])
        })?;
        Ok(programs)
    }

    /// The script, beside the packages it imports.
    pub(super) fn node(&self, script: &str) -> Result<PathBuf> {
        let folder = self.folder.join("node");
        let wanted = fs::read_to_string(scripts().join("package.json"))?;
        self.once(&folder, &wanted, || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("package.json"), &wanted)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
            npm.current_dir(&folder);
            Ok(vec![npm])
        })?;
        let placed = folder.join(script);
        fs::copy(scripts().join(script), &placed)?;
        Ok(placed)
    }

    /// The class path of a main class and the libraries of its project.
    pub(super) fn java(&self, project: &str, main: &str) -> Result<String> {
        let sources = scripts().join("java");
        let manifest = sources.join(project);
        let files = ["Lines.java".to_owned(), format!("{main}.java")].map(|file| sources.join(file));
        let folder = self.folder.join(main.to_lowercase());
        let (classes, libraries) = (folder.join("classes"), folder.join("libraries"));
        let mut wanted = fs::read_to_string(&manifest)?;
        for file in &files {
            wanted.push_str(&fs::read_to_string(file)?);
        }
        self.once(&folder, &wanted, || {
            fs::create_dir_all(&classes)?;
            let mut maven = Command::new("mvn");
            maven.args(["--quiet", "--batch-mode", "--file"]).arg(&manifest).arg("dependency:copy-dependencies");
            maven.arg(format!("-DoutputDirectory={}", libraries.display()));
            let mut javac = Command::new("javac");
            javac.arg("-cp").arg(libraries.join("*")).arg("-d").arg(&classes).args(&files);
            Ok(vec![maven, javac])
        })?;
        Ok(format!("{}:{}/*", classes.display(), libraries.display()))
    }

    /// Runs the commands once for each content of what names the packages.
    fn once(&self, folder: &Path, wanted: &str, commands: impl FnOnce() -> Result<Vec<Command>>) -> Result<()> {
        let stamp = folder.join("installed");
        if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for command in commands()? {
            eprintln!("installing the peers for {name} into {}: {}", folder.display(), shown(&command));
            run(command, &self.log(&format!("install-{name}")))?;
        }
        Ok(fs::write(stamp, wanted)?)
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Waits for the end of a command, and not for ever. What it says is in the log, so that no pipe fills up.
pub(super) fn run(mut command: Command, log: &Path) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > LIMIT {
            child.kill().ok();
            child.wait().ok();
            bail!("{name} did not end within {} s; see {}", LIMIT.as_secs(), log.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("{name} failed ({status}): {}", last_lines(log));
    }
    Ok(())
}

/// Where most programs say what went wrong.
fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_installed_is_left_alone_until_it_changes() {
        let bench = tempfile::tempdir().unwrap();
        let kit = Kit::new(bench.path()).unwrap();
        let folder = kit.folder().join("thing");
        let install = |wanted: &str, script: &str| {
            kit.once(&folder, wanted, || {
                fs::create_dir_all(&folder)?;
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(script).current_dir(&folder);
                Ok(vec![shell])
            })
        };
        let error = install("1", "echo nothing like it; false").unwrap_err();
        assert!(error.to_string().contains("nothing like it"), "{error}");
        install("1", "echo a > made").unwrap();
        install("1", "false").unwrap();
        assert!(install("2", "false").is_err());
        install("2", "true").unwrap();
        assert!(!folder.join("made").exists());
    }
}
