//! Conditions to `$filter`.
//!
//! The contract's conditions have three values, OData's two (`null ne 1` is true there), and a service may compare text by
//! a collation. So each condition is translated twice, into one that covers every row for which it is *true*, and one for
//! which it is *false*; negation swaps them, and what cannot be said covers everything. Rows are checked again afterwards.

use crate::literal::{Literal, literal, operator, quoted};
use crate::native::NativeType;
use weft_guest::{CompareOperator, Expression, Field, TextOperator, Value};

/// An OData condition that holds for at least the rows it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub form: Form,
    /// Whether it holds for no other rows.
    pub exact: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Always,
    Never,
    /// Can be joined by `and` without brackets.
    Text(String),
}

/// The columns conditions may name.
pub struct Columns<'a> {
    pub fields: &'a [Field],
    pub natives: &'a [NativeType],
    /// The navigation property in front of them, with a slash; empty for the entity itself.
    pub path: &'a str,
    pub exact_text: bool,
}

impl Condition {
    pub const EVERYTHING: Self = Self { form: Form::Always, exact: false };

    fn exact(form: Form) -> Self {
        Self { form, exact: true }
    }

    fn text(text: String) -> Self {
        Self::exact(Form::Text(text))
    }

    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut texts = Vec::new();
        let mut exact = true;
        for condition in conditions {
            exact &= condition.exact;
            match condition.form {
                Form::Always => {}
                Form::Never => return Self::exact(Form::Never),
                Form::Text(text) => texts.push(text),
            }
        }
        let form = if texts.is_empty() { Form::Always } else { Form::Text(texts.join(" and ")) };
        Self { form, exact }
    }

    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut texts = Vec::new();
        let mut exact = true;
        for condition in conditions {
            exact &= condition.exact;
            match condition.form {
                Form::Always => return Self { form: Form::Always, exact: condition.exact },
                Form::Never => {}
                Form::Text(text) if text.contains(" and ") => texts.push(format!("({text})")),
                Form::Text(text) => texts.push(text),
            }
        }
        let form = match texts.len() {
            0 => Form::Never,
            1 => Form::Text(texts.remove(0)),
            _ => Form::Text(format!("({})", texts.join(" or "))),
        };
        Self { form, exact }
    }
}

impl Columns<'_> {
    /// Covers the rows for which the expression is `wanted`.
    pub fn condition(&self, expression: &Expression, wanted: bool) -> Condition {
        match expression {
            Expression::And(inputs) if wanted => Condition::all(inputs.iter().map(|e| self.condition(e, true))),
            Expression::And(inputs) => Condition::any(inputs.iter().map(|e| self.condition(e, false))),
            Expression::Or(inputs) if wanted => Condition::any(inputs.iter().map(|e| self.condition(e, true))),
            Expression::Or(inputs) => Condition::all(inputs.iter().map(|e| self.condition(e, false))),
            Expression::Not(input) => self.condition(input, !wanted),
            Expression::Literal(Value::Boolean(value)) => {
                Condition::exact(if *value == wanted { Form::Always } else { Form::Never })
            }
            Expression::Compare { operator, left, right } => match (&**left, &**right) {
                (column, Expression::Literal(value)) => self.comparison(column, *operator, value, wanted),
                (Expression::Literal(value), column) => self.comparison(column, flipped(*operator), value, wanted),
                _ => Condition::EVERYTHING,
            },
            Expression::In { input, values } => self.membership(input, values, wanted),
            Expression::IsNull(input) => match self.column(input) {
                Some(column) if wanted => column.is_null(),
                Some(column) => column.is_not_null(),
                None => Condition::EVERYTHING,
            },
            Expression::Text { operator, input, pattern } => self.text(*operator, input, pattern, wanted),
            Expression::Column(_) => self.comparison(expression, CompareOperator::Equal, &Value::Boolean(wanted), true),
            Expression::Literal(_) => Condition::EVERYTHING,
        }
    }

    /// The rows whose columns equal the values: one key of a block.
    pub fn key(&self, names: &[String], key: &[Value]) -> Condition {
        Condition::all(names.iter().zip(key).map(|(name, value)| match self.named(name) {
            Some(column) => column.compare(CompareOperator::Equal, value, true),
            None => Condition::EVERYTHING,
        }))
    }

    /// The literals of single keys, where the service understands `in` and each has one.
    pub fn key_literal(&self, name: &str, value: &Value) -> Option<Literal> {
        let column = self.named(name).filter(|column| column.native.in_operator && !column.is_finer_than_micros())?;
        Some(literal(value, &column.native.name))
    }

    fn comparison(&self, input: &Expression, operator: CompareOperator, value: &Value, wanted: bool) -> Condition {
        self.column(input).map_or(Condition::EVERYTHING, |column| column.compare(operator, value, wanted))
    }

    fn membership(&self, input: &Expression, values: &[Value], wanted: bool) -> Condition {
        let Some(column) = self.column(input) else { return Condition::EVERYTHING };
        if !wanted {
            let others = values.iter().map(|value| column.compare(CompareOperator::Equal, value, false));
            return Condition::all(others.chain([column.is_not_null()]));
        }
        let texts: Option<Vec<String>> = values
            .iter()
            .map(|value| literal(value, &column.native.name))
            .filter(|literal| matches!(literal, Literal::Text(_) | Literal::Unsure))
            .map(|literal| if let Literal::Text(text) = literal { Some(text) } else { None })
            .collect();
        match texts {
            Some(texts) if column.native.in_operator && texts.len() > 1 && !column.is_finer_than_micros() => {
                let form = Form::Text(format!("{} in ({})", column.name, texts.join(",")));
                Condition { form, exact: !column.is_loose() }
            }
            _ => Condition::any(values.iter().map(|value| column.compare(CompareOperator::Equal, value, true))),
        }
    }

    fn text(&self, operator: TextOperator, input: &Expression, pattern: &str, wanted: bool) -> Condition {
        let Some(column) = self.column(input) else { return Condition::EVERYTHING };
        if column.native.name != "Edm.String" {
            return Condition { exact: false, ..column.is_not_null() };
        }
        if pattern.is_empty() {
            return if wanted { column.is_not_null() } else { Condition::exact(Form::Never) };
        }
        let function = match operator {
            TextOperator::StartsWith => "startswith",
            TextOperator::EndsWith => "endswith",
            TextOperator::Contains => "contains",
        };
        let call = format!("{function}({},{})", column.name, quoted(pattern));
        match (wanted, column.is_loose()) {
            (true, loose) => Condition { form: Form::Text(call), exact: !loose },
            (false, false) => Condition::all([Condition::text(format!("not {call}")), column.is_not_null()]),
            (false, true) => Condition { exact: false, ..column.is_not_null() },
        }
    }

    fn column(&self, expression: &Expression) -> Option<Column<'_>> {
        match expression {
            Expression::Column(column) => self.named(&column.name),
            _ => None,
        }
    }

    fn named(&self, name: &str) -> Option<Column<'_>> {
        let place = self.fields.iter().position(|field| field.name == name)?;
        Some(Column {
            name: format!("{}{name}", self.path),
            nullable: self.fields.get(place)?.nullable || !self.path.is_empty(),
            native: self.natives.get(place)?,
            exact_text: self.exact_text,
        })
    }
}

struct Column<'a> {
    /// With its path.
    name: String,
    nullable: bool,
    native: &'a NativeType,
    exact_text: bool,
}

impl Column<'_> {
    /// Whether the service may find texts equal that are not.
    fn is_loose(&self) -> bool {
        !self.exact_text && matches!(self.native.name.as_str(), "Edm.String" | "Edm.Guid")
    }

    /// Whether values have digits that are cut off when they are read.
    fn is_finer_than_micros(&self) -> bool {
        self.native.name == "Edm.DateTimeOffset" && self.native.precision.is_some_and(|digits| digits > 6)
    }

    fn is_null(&self) -> Condition {
        match self.nullable {
            true => Condition::text(format!("{} eq null", self.name)),
            false => Condition::exact(Form::Never),
        }
    }

    fn is_not_null(&self) -> Condition {
        match self.nullable {
            true => Condition::text(format!("{} ne null", self.name)),
            false => Condition::exact(Form::Always),
        }
    }

    fn compare(&self, comparison: CompareOperator, value: &Value, wanted: bool) -> Condition {
        use CompareOperator as C;
        if comparison == C::NotEqual {
            return self.compare(C::Equal, value, !wanted);
        }
        if comparison != C::Equal && self.is_loose() {
            return Condition { exact: false, ..self.is_not_null() };
        }
        let holds = |holds: bool| if holds == wanted { self.is_not_null() } else { Condition::exact(Form::Never) };
        let text = match literal(value, &self.native.name) {
            Literal::Unsure => return Condition { exact: false, ..self.is_not_null() },
            Literal::Nothing => return holds(false),
            Literal::TooLow => return holds(matches!(comparison, C::Greater | C::GreaterOrEqual)),
            Literal::TooHigh => return holds(matches!(comparison, C::Less | C::LessOrEqual)),
            Literal::Text(text) => text,
        };
        if let (true, Value::Timestamp(micros)) = (self.is_finer_than_micros(), value) {
            return self.compare_instant(comparison, *micros, wanted);
        }
        let plain = format!("{} {} {text}", self.name, operator(comparison));
        match (wanted, comparison) {
            (true, _) => Condition { form: Form::Text(plain), exact: !self.is_loose() },
            (false, C::Equal) if self.is_loose() => Condition { exact: false, ..self.is_not_null() },
            (false, C::Equal) => {
                Condition::all([Condition::text(format!("{} ne {text}", self.name)), self.is_not_null()])
            }
            // Not the opposite operator: a double may be NaN.
            (false, _) => Condition::all([Condition::text(format!("not ({plain})")), self.is_not_null()]),
        }
    }

    /// Compares an instant that is cut to microseconds with one that is not: a microsecond is a span of time. The span is
    /// widened to whole seconds, because services that declare seven digits are known to cut literals to three.
    fn compare_instant(&self, comparison: CompareOperator, micros: i64, wanted: bool) -> Condition {
        use CompareOperator as C;
        const SECOND: i64 = 1_000_000;
        let at = |seconds: i64| weft_guest::time::format_timestamp(seconds.saturating_mul(SECOND), true);
        let condition = |operator: &str, seconds: i64, micros: i64| Condition {
            form: Form::Text(format!("{} {operator} {}", self.name, at(seconds))),
            exact: micros.rem_euclid(SECOND) == 0,
        };
        let from = |micros: i64| condition("ge", micros.div_euclid(SECOND), micros);
        let before = |micros: i64| condition("lt", micros.saturating_add(SECOND - 1).div_euclid(SECOND), micros);
        let Some(next) = micros.checked_add(1) else { return Condition::EVERYTHING };
        match (comparison, wanted) {
            (C::Equal, true) | (C::NotEqual, false) => Condition::all([from(micros), before(next)]),
            (C::Equal, false) | (C::NotEqual, true) => Condition::any([before(micros), from(next)]),
            (C::Less, true) | (C::GreaterOrEqual, false) => before(micros),
            (C::LessOrEqual, true) | (C::Greater, false) => before(next),
            (C::Greater, true) | (C::LessOrEqual, false) => from(next),
            (C::GreaterOrEqual, true) | (C::Less, false) => from(micros),
        }
    }
}

fn flipped(operator: CompareOperator) -> CompareOperator {
    match operator {
        CompareOperator::Less => CompareOperator::Greater,
        CompareOperator::LessOrEqual => CompareOperator::GreaterOrEqual,
        CompareOperator::Greater => CompareOperator::Less,
        CompareOperator::GreaterOrEqual => CompareOperator::LessOrEqual,
        same => same,
    }
}

#[cfg(test)]
mod tests;
