//! Expressions with patterns inside, in pieces that can be left out.

use super::Element;
use super::text::write_group;
use serde::{Deserialize, Serialize};

/// Text with patterns between. What stands beside an operator has brackets of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expression {
    Text(String),
    /// One after the other.
    Pieces(Vec<Expression>),
    /// `EXISTS` or `NOT EXISTS`.
    Exists {
        exists: bool,
        group: Vec<Element>,
    },
}

impl Expression {
    /// Puts `pieces` in the places of the `{}` of `form`.
    pub fn fill(form: &str, pieces: impl IntoIterator<Item = Self>) -> Self {
        let mut filled = String::new();
        let mut all = Vec::new();
        let mut pieces = pieces.into_iter();
        for (number, text) in form.split("{}").enumerate() {
            if number > 0 {
                match pieces.next() {
                    Some(Self::Text(piece)) => filled.push_str(&piece),
                    Some(piece) => {
                        all.push(Self::Text(std::mem::take(&mut filled)));
                        all.push(piece);
                    }
                    None => {}
                }
            }
            filled.push_str(text);
        }
        if all.is_empty() {
            return Self::Text(filled);
        }
        all.push(Self::Text(filled));
        Self::Pieces(all)
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 1);
        text
    }

    pub(super) fn write(&self, text: &mut String, depth: usize) {
        match self {
            Self::Text(own) => text.push_str(own),
            Self::Pieces(pieces) => pieces.iter().for_each(|piece| piece.write(text, depth)),
            Self::Exists { exists, group } => {
                text.push_str(if *exists { "EXISTS " } else { "NOT EXISTS " });
                write_group(text, group, depth);
            }
        }
    }
}

impl From<String> for Expression {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Expression {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
