//! The queries and how each is expected to end.

use std::fmt;
use std::path::PathBuf;
use weft_model::Code;

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A whole answer.
    Answered,
    /// An answer that broke off, with the code that the broker logged.
    Cut(String),
    /// A problem with this code.
    Failed(String),
    /// Nothing, long after the deadline.
    Silent,
    /// No HTTP answer: the connection broke.
    Broken(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("ok"),
            Self::Cut(code) => write!(f, "cut {code}"),
            Self::Failed(code) => f.write_str(code),
            Self::Silent => f.write_str("no end"),
            Self::Broken(why) => write!(f, "no answer: {why}"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) why: String,
    /// Endings that are right, with `or` between them.
    pub(crate) expected: String,
    pub(crate) text: String,
}

impl Case {
    /// An answer that broke off is one of those its query may have when its file says `cut`.
    pub(crate) fn expects(&self, ending: &Ending) -> bool {
        let may_be_cut = self.expected.starts_with("cut ") || self.expected.contains(" or cut ");
        let code = match ending {
            Ending::Cut(code) if may_be_cut => code,
            Ending::Failed(code) => code,
            Ending::Answered => "ok",
            _ => return false,
        };
        self.codes().any(|expected| expected == code)
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        self.expected.split(" or ").map(|code| code.trim_start_matches("cut ").trim())
    }
}

/// All queries, by name.
pub(crate) fn corpus() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/hostile");
    let mut cases: Vec<Case> = std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn read(path: PathBuf) -> Case {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let content = std::fs::read_to_string(&path).unwrap();
    let mut lines = content.splitn(3, '\n');
    let mut line = |prefix: &str| {
        let line = lines.next().and_then(|line| line.strip_prefix(prefix));
        line.unwrap_or_else(|| panic!("{name}: a line does not start with {prefix:?}")).to_owned()
    };
    let (why, expected) = (line("# "), line("# expect: "));
    let case = Case { text: repeated(lines.next().unwrap_or_default()), name, why, expected };
    for code in case.codes() {
        assert!(code == "ok" || code.parse::<Code>().is_ok(), "{}: {code} is no code", case.name);
    }
    case
}

/// The text with its repetitions written out.
fn repeated(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        whole.push_str(before);
        let (body, after) = after.split_once("}@").expect("a repetition ends with }@");
        let (times, body) = body.split_once(' ').expect("a repetition starts with a number and a blank");
        for i in 0..times.parse::<usize>().expect("a number of times") {
            whole.push_str(&body.replace("@i", &i.to_string()).replace("@j", &(i + 1).to_string()));
        }
        rest = after;
    }
    whole + rest
}
