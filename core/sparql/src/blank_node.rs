//! Labels of blank nodes: those of one answer are no others.

use oxrdf::{BlankNode, Term};

/// Labels the blank nodes of one answer.
pub(crate) struct Labels {
    prefix: String,
}

impl Labels {
    /// `request` is unique among the requests of a query.
    pub(crate) fn new(request: &str) -> Self {
        let mut prefix = String::from("v");
        prefix.extend(request.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
        prefix.push('x');
        Self { prefix }
    }

    pub(crate) fn own(&self, term: Term) -> Term {
        match term {
            Term::BlankNode(node) => BlankNode::new_unchecked(format!("{}{}", self.prefix, node.as_str())).into(),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_label_is_the_same_within_an_answer_and_another_elsewhere() {
        let (one, two) = (Labels::new("q1-2"), Labels::new("q1-3"));
        for label in ["b0", "a.b", "0", "x", "\u{e9}\u{300}"] {
            let node: Term = BlankNode::new(label).unwrap().into();
            let labelled = one.own(node.clone());
            assert_eq!(one.own(node.clone()), labelled);
            assert_ne!(two.own(node.clone()), labelled);
            let Term::BlankNode(labelled) = labelled else { unreachable!() };
            BlankNode::new(labelled.as_str()).unwrap();
        }
    }
}
