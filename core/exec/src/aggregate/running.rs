//! What an aggregate has seen so far, summed up.

use super::Function;
use crate::expression::{Bounds, TooLong, quotient, sort_key, sum};
use oxrdf::{Literal, Term};
use oxsdatatypes::Integer;
use spareval::ExpressionTerm;
use weft_model::term::encode;
use weft_plan::{term_of, value_of};

/// Where a term stands in ORDER BY, and its words.
type OrderKey = (Vec<u8>, String);

#[derive(Clone)]
pub(super) struct Running {
    /// The argument was an error somewhere, and with it the whole is.
    pub(super) has_failed: bool,
    pub(super) count: i64,
    /// The sum.
    pub(super) number: Option<ExpressionTerm>,
    /// The least, the greatest, or the sample: a term of the group, in its own words.
    pub(super) term: Option<Term>,
    /// The strings joined so far.
    pub(super) joined: Option<String>,
}

impl Running {
    pub(super) fn new(function: &Function) -> Self {
        let number = function.is_of_numbers().then(|| ExpressionTerm::IntegerLiteral(Integer::default()));
        Self { has_failed: false, count: 0, number, term: None, joined: None }
    }

    pub(super) fn fail(&mut self) {
        *self = Self { has_failed: true, count: 0, number: None, term: None, joined: None };
    }

    /// Adds a term that is not an error. Fails when a joined string gets too long.
    pub(super) fn add(&mut self, function: &Function, term: Term, bounds: Bounds) -> Result<(), TooLong> {
        if self.has_failed {
            return Ok(());
        }
        match function {
            Function::Count | Function::CountRows => self.count += 1,
            Function::Sum | Function::Avg => self.add_number(&value_of(&term)),
            Function::Min => self.replace_if(term, |new, old| new < old),
            Function::Max => self.replace_if(term, |new, old| new > old),
            Function::Sample => self.replace_if(term, |_, _| false),
            Function::GroupConcat { separator } => match string(&term) {
                Some(text) => self.join(separator, text, bounds)?,
                None => self.fail(),
            },
        }
        Ok(())
    }

    /// Adds what another accumulator of the same function has seen.
    pub(super) fn merge(&mut self, function: &Function, other: Self, bounds: Bounds) -> Result<(), TooLong> {
        if self.has_failed || other.has_failed {
            self.fail();
            return Ok(());
        }
        if let Function::GroupConcat { separator } = function {
            return match other.joined {
                Some(text) => self.join(separator, &text, bounds),
                None => Ok(()),
            };
        }
        let count = self.count + other.count;
        if let Some(number) = other.number {
            self.add_number(&number);
        }
        if let Some(term) = other.term {
            self.add(function, term, bounds)?;
        }
        self.count = if self.has_failed { 0 } else { count };
        Ok(())
    }

    /// Adds a value to a sum.
    pub(super) fn add_number(&mut self, number: &ExpressionTerm) {
        if self.has_failed {
            return;
        }
        match self.number.as_ref().and_then(|so_far| sum(so_far, number)) {
            Some(sum) => (self.number, self.count) = (Some(sum), self.count + 1),
            None => self.fail(),
        }
    }

    /// MIN and MAX go by the order of ORDER BY (section 18.5.1.5), and of terms that are equal in it by their words, so
    /// that no order of rows matters.
    fn replace_if(&mut self, term: Term, is_better: fn(&OrderKey, &OrderKey) -> bool) {
        let key = |term: &Term| (sort_key(&value_of(term)), encode(term));
        if self.term.as_ref().is_none_or(|old| is_better(&key(&term), &key(old))) {
            self.term = Some(term);
        }
    }

    fn join(&mut self, separator: &str, text: &str, bounds: Bounds) -> Result<(), TooLong> {
        let Some(joined) = &mut self.joined else {
            let mut joined = String::new();
            bounds.push(&mut joined, text)?;
            self.joined = Some(joined);
            return Ok(());
        };
        bounds.push(joined, separator)?;
        bounds.push(joined, text)
    }

    pub(super) fn result(&self, function: &Function) -> Option<Term> {
        if self.has_failed {
            return None;
        }
        match function {
            Function::Count | Function::CountRows => Some(Literal::from(self.count).into()),
            Function::Sum => self.number.clone().map(term_of),
            Function::Min | Function::Max | Function::Sample => self.term.clone(),
            Function::Avg if self.count == 0 => Some(Literal::from(0).into()),
            Function::Avg => quotient(self.number.as_ref()?, self.count).map(term_of),
            Function::GroupConcat { .. } => Some(Literal::from(self.joined.clone().unwrap_or_default()).into()),
        }
    }

    /// Bytes held beside the struct itself.
    pub(super) fn heap_size(&self) -> usize {
        let term = self.term.as_ref().map_or(0, |term| size_of::<Term>() + text_size(term));
        term + self.joined.as_ref().map_or(0, String::capacity)
    }
}

fn text_size(term: &Term) -> usize {
    match term {
        Term::NamedNode(node) => node.as_str().len(),
        Term::BlankNode(node) => node.as_str().len(),
        Term::Literal(literal) => literal.value().len() + literal.datatype().as_str().len(),
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        other => other.to_string().len(),
    }
}

/// What CONCAT takes.
fn string(term: &Term) -> Option<&str> {
    match term {
        Term::Literal(literal) => {
            let is_string = literal.language().is_some() || literal.datatype() == oxrdf::vocab::xsd::STRING;
            is_string.then(|| literal.value())
        }
        _ => None,
    }
}
