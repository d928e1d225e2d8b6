//! What an aggregate has seen so far, summed up.

use super::Function;
use crate::expression::{Bounds, TooLong, cmp_terms, to_decimal, to_double, to_float};
use oxsdatatypes::{Decimal, Double, Float, Integer};
use spareval::ExpressionTerm;

#[derive(Clone)]
pub(super) struct Running {
    /// The argument was an error somewhere, and with it the whole is.
    pub(super) has_failed: bool,
    pub(super) count: i64,
    /// The sum, the least, the greatest, or the sample.
    pub(super) value: Option<ExpressionTerm>,
    /// The strings joined so far, and the language all of them share.
    pub(super) joined: Option<(String, Option<String>)>,
}

impl Running {
    pub(super) fn new(function: &Function) -> Self {
        let starts_at_zero = matches!(function, Function::Sum | Function::Avg);
        let value = starts_at_zero.then(|| ExpressionTerm::IntegerLiteral(Integer::default()));
        Self { has_failed: false, count: 0, value, joined: None }
    }

    pub(super) fn fail(&mut self) {
        *self = Self { has_failed: true, count: 0, value: None, joined: None };
    }

    /// Adds a term that is not an error. Fails when a joined string gets too long.
    pub(super) fn add(&mut self, function: &Function, term: ExpressionTerm, bounds: Bounds) -> Result<(), TooLong> {
        if self.has_failed {
            return Ok(());
        }
        match function {
            Function::Count { .. } | Function::CountRows => self.count += 1,
            Function::Sum | Function::Avg => {
                self.count += 1;
                self.add_number(&term);
            }
            Function::Min => self.replace_if(term, |new, old| cmp_terms(new, old).is_lt()),
            Function::Max => self.replace_if(term, |new, old| cmp_terms(new, old).is_gt()),
            Function::Sample => self.replace_if(term, |_, _| false),
            Function::GroupConcat { separator } => match string(term) {
                Some((text, language)) => self.join(separator, &text, language, bounds)?,
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
                Some((text, language)) => self.join(separator, &text, language, bounds),
                None => Ok(()),
            };
        }
        let count = self.count + other.count;
        if let Some(value) = other.value {
            self.add(function, value, bounds)?;
        }
        self.count = count;
        Ok(())
    }

    fn add_number(&mut self, term: &ExpressionTerm) {
        match self.value.as_ref().and_then(|sum| add(sum, term)) {
            Some(sum) => self.value = Some(sum),
            None => self.fail(),
        }
    }

    fn replace_if(&mut self, term: ExpressionTerm, is_better: fn(&ExpressionTerm, &ExpressionTerm) -> bool) {
        if self.value.as_ref().is_none_or(|old| is_better(&term, old)) {
            self.value = Some(term);
        }
    }

    fn join(&mut self, separator: &str, text: &str, language: Option<String>, bounds: Bounds) -> Result<(), TooLong> {
        let Some((joined, shared)) = &mut self.joined else {
            let mut joined = String::new();
            bounds.push(&mut joined, text)?;
            self.joined = Some((joined, language));
            return Ok(());
        };
        if *shared != language {
            *shared = None;
        }
        bounds.push(joined, separator)?;
        bounds.push(joined, text)
    }

    pub(super) fn result(&self, function: &Function) -> Option<ExpressionTerm> {
        if self.has_failed {
            return None;
        }
        match function {
            Function::Count { .. } | Function::CountRows => Some(ExpressionTerm::IntegerLiteral(self.count.into())),
            Function::Sum | Function::Min | Function::Max | Function::Sample => self.value.clone(),
            Function::Avg => mean(self.value.as_ref()?, self.count),
            Function::GroupConcat { .. } => Some(match self.joined.clone().unwrap_or_default() {
                (value, Some(language)) => ExpressionTerm::LangStringLiteral { value, language },
                (value, None) => ExpressionTerm::StringLiteral(value),
            }),
        }
    }

    /// Bytes held beside the struct itself.
    pub(super) fn heap_size(&self) -> usize {
        let value = self.value.as_ref().map_or(0, term_size);
        value + self.joined.as_ref().map_or(0, |(text, _)| text.capacity())
    }
}

/// About the bytes a term holds.
pub(super) fn term_size(term: &ExpressionTerm) -> usize {
    let heap = match term {
        ExpressionTerm::NamedNode(node) => node.as_str().len(),
        ExpressionTerm::BlankNode(node) => node.as_str().len(),
        ExpressionTerm::StringLiteral(text) => text.capacity(),
        ExpressionTerm::LangStringLiteral { value, language } => value.capacity() + language.capacity(),
        ExpressionTerm::OtherTypedLiteral { value, datatype } => value.capacity() + datatype.as_str().len(),
        _ => 0,
    };
    size_of::<ExpressionTerm>() + heap
}

fn string(term: ExpressionTerm) -> Option<(String, Option<String>)> {
    match term {
        ExpressionTerm::StringLiteral(value) => Some((value, None)),
        ExpressionTerm::LangStringLiteral { value, language } => Some((value, Some(language))),
        _ => None,
    }
}

/// Numeric addition with the promotions of XPath; `None` on overflow and for what is not a number.
fn add(a: &ExpressionTerm, b: &ExpressionTerm) -> Option<ExpressionTerm> {
    use ExpressionTerm as T;
    Some(match (a, b) {
        (T::IntegerLiteral(a), T::IntegerLiteral(b)) => T::IntegerLiteral(a.checked_add(*b)?),
        (T::DoubleLiteral(_), _) | (_, T::DoubleLiteral(_)) => T::DoubleLiteral(to_double(a)? + to_double(b)?),
        (T::FloatLiteral(_), _) | (_, T::FloatLiteral(_)) => T::FloatLiteral(to_float(a)? + to_float(b)?),
        _ => T::DecimalLiteral(to_decimal(a)?.checked_add(to_decimal(b)?)?),
    })
}

fn mean(sum: &ExpressionTerm, count: i64) -> Option<ExpressionTerm> {
    use ExpressionTerm as T;
    if count == 0 {
        return Some(T::IntegerLiteral(0.into()));
    }
    let count = Integer::from(count);
    Some(match sum {
        T::FloatLiteral(sum) => T::FloatLiteral(*sum / Float::from(count)),
        T::DoubleLiteral(sum) => T::DoubleLiteral(*sum / Double::from(count)),
        T::IntegerLiteral(sum) => T::DecimalLiteral(Decimal::from(*sum).checked_div(count)?),
        T::DecimalLiteral(sum) => T::DecimalLiteral(sum.checked_div(count)?),
        _ => return None,
    })
}
