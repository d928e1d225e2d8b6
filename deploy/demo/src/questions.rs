//! The questions of the demonstration, as they stand in the files of `questions/`.

/// A question in words and in SPARQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// The file name without its ending.
    pub(crate) name: &'static str,
    /// The whole file: the question in words as comment lines, a blank line, the query.
    pub(crate) text: &'static str,
}

macro_rules! questions {
    ($($name:literal),* $(,)?) => {
        /// Each crosses three sources or more.
        pub(crate) const QUESTIONS: &[Question] =
            &[$(Question { name: $name, text: include_str!(concat!("../questions/", $name, ".rq")) },)*];
    };
}

questions![
    "recall",
    "wrong-program",
    "vibration",
    "units-of-measure",
    "change-impact",
    "open-reports",
    "hottest",
    "effectivity",
];

impl Question {
    /// The leading comment lines as one sentence.
    pub(crate) fn words(&self) -> String {
        let lines: Vec<&str> = self.text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        lines.join(" ")
    }

    /// The query without the words and the prefix declarations.
    pub(crate) fn short(&self) -> String {
        let lines: Vec<&str> = self
            .text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("PREFIX") && !line.trim().is_empty())
            .collect();
        lines.join("\n")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_question_is_sparql_with_words_and_an_expected_answer() {
        let thread = crate::Thread::generate();
        let mut names = HashSet::new();
        for question in QUESTIONS {
            assert!(names.insert(question.name), "{} is there twice", question.name);
            assert!(question.words().ends_with('?') || question.words().contains('?'), "{}", question.name);
            let query = spargebra::SparqlParser::new().parse_query(question.text);
            assert!(query.is_ok(), "{}: {query:?}", question.name);
            let answer = crate::answers::expected(&thread, question.name).unwrap();
            assert!(!answer.rows.is_empty(), "{} has no rows", question.name);
            assert!(answer.rows.iter().all(|row| row.len() == answer.variables.len()), "{}", question.name);
        }
    }
}
