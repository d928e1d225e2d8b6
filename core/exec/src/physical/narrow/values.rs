//! The smallest and the largest value of a column, and all values where they are few.

use arrow_array::Array;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Int64Type, TimestampMicrosecondType};
use arrow_schema::{DataType, TimeUnit};
use std::collections::BTreeSet;
use weft_model::contract::Value;

/// The most values that are told one by one, and the most bytes of their texts.
const FEW: usize = 64;
const FEW_BYTES: usize = 4 << 10;

/// The longest text a bound may have.
const BOUND_BYTES: usize = 256;

/// The values of a column that have been seen.
#[derive(Debug)]
pub(super) enum Seen {
    Numbers(Kind, Option<Span<i64>>),
    Texts(Option<Span<String>>),
    /// Nothing that a source could be told: an unbound value is compatible with all others.
    Anything,
}

/// What numbers stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Days,
    Micros,
}

#[derive(Debug)]
pub(super) struct Span<T> {
    least: T,
    most: T,
    /// All of them, while they are few.
    few: Option<BTreeSet<T>>,
}

/// The values that are needed of a column.
#[derive(Debug, PartialEq)]
pub(super) struct Needed {
    pub(super) least: Value,
    pub(super) most: Value,
    pub(super) few: Option<Vec<Value>>,
}

impl Seen {
    pub(super) fn nothing(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Numbers(Kind::Integer, None),
            DataType::Date32 => Self::Numbers(Kind::Days, None),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Numbers(Kind::Micros, None),
            DataType::Utf8View => Self::Texts(None),
            _ => Self::Anything,
        }
    }

    pub(super) fn see(&mut self, column: &dyn Array) {
        if column.null_count() > 0 {
            *self = Self::Anything;
        }
        match self {
            Self::Numbers(Kind::Integer, span) => {
                column.as_primitive::<Int64Type>().values().iter().for_each(|n| include(span, n));
            }
            Self::Numbers(Kind::Days, span) => {
                column.as_primitive::<Date32Type>().values().iter().for_each(|n| include(span, &i64::from(*n)));
            }
            Self::Numbers(Kind::Micros, span) => {
                column.as_primitive::<TimestampMicrosecondType>().values().iter().for_each(|n| include(span, n));
            }
            Self::Texts(span) => {
                let texts = column.as_string_view();
                // Some systems have no text with NUL, and refuse to be asked for one.
                let is_told = |text: &str| text.len() <= BOUND_BYTES && !text.contains('\0');
                if !texts.iter().flatten().all(is_told) {
                    *self = Self::Anything;
                    return;
                }
                texts.iter().flatten().for_each(|text| include(span, text));
            }
            Self::Anything => {}
        }
    }

    pub(super) fn needed(&self) -> Option<Needed> {
        match self {
            Self::Numbers(kind, Some(span)) => span.needed(|n| kind.value(*n)),
            Self::Texts(Some(span)) => {
                let mut needed = span.needed(|text| Some(Value::Text(text.clone())))?;
                let bytes: usize = span.few.iter().flatten().map(String::len).sum();
                needed.few = needed.few.filter(|_| bytes <= FEW_BYTES);
                Some(needed)
            }
            Self::Numbers(_, None) | Self::Texts(None) | Self::Anything => None,
        }
    }
}

fn include<T, V>(span: &mut Option<Span<T>>, value: &V)
where
    T: Ord + std::borrow::Borrow<V>,
    V: Ord + ToOwned<Owned = T> + ?Sized,
{
    let Some(span) = span else {
        let few = Some(BTreeSet::from([value.to_owned()]));
        *span = Some(Span { least: value.to_owned(), most: value.to_owned(), few });
        return;
    };
    if value < span.least.borrow() {
        span.least = value.to_owned();
    }
    if value > span.most.borrow() {
        span.most = value.to_owned();
    }
    if let Some(few) = &mut span.few
        && !few.contains(value)
    {
        few.insert(value.to_owned());
        if few.len() > FEW {
            span.few = None;
        }
    }
}

impl<T> Span<T> {
    fn needed(&self, value: impl Fn(&T) -> Option<Value>) -> Option<Needed> {
        let few = self.few.as_ref().map(|few| few.iter().map(&value).collect::<Option<Vec<_>>>());
        Some(Needed { least: value(&self.least)?, most: value(&self.most)?, few: few.flatten() })
    }
}

impl Kind {
    fn value(self, number: i64) -> Option<Value> {
        match self {
            Self::Integer => Some(Value::Int64(number)),
            Self::Days => i32::try_from(number).ok().map(Value::Date),
            Self::Micros => Some(Value::Timestamp(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow_array::{Date32Array, Int64Array, StringViewArray};

    #[test]
    fn bounds_and_few_values_are_those_of_all_batches() {
        let mut seen = Seen::nothing(&DataType::Int64);
        assert_eq!(seen.needed(), None);
        seen.see(&Int64Array::from(vec![3, -7]));
        seen.see(&Int64Array::from(vec![5, 3]));
        let few = Some(vec![Value::Int64(-7), Value::Int64(3), Value::Int64(5)]);
        assert_eq!(seen.needed(), Some(Needed { least: Value::Int64(-7), most: Value::Int64(5), few }));
        seen.see(&Int64Array::from_iter_values(0..100));
        assert_eq!(seen.needed(), Some(Needed { least: Value::Int64(-7), most: Value::Int64(99), few: None }));
        let mut days = Seen::nothing(&DataType::Date32);
        days.see(&Date32Array::from(vec![1, 2]));
        assert_eq!(days.needed().unwrap().most, Value::Date(2));
    }

    #[test]
    fn an_unbound_value_needs_everything() {
        let mut seen = Seen::nothing(&DataType::Utf8View);
        seen.see(&StringViewArray::from(vec![Some("b"), Some("é"), Some("a")]));
        let needed = seen.needed().unwrap();
        assert_eq!((needed.least, needed.most), (Value::Text("a".to_owned()), Value::Text("é".to_owned())));
        seen.see(&StringViewArray::from(vec![Some("c"), None]));
        assert_eq!(seen.needed(), None);
        let mut doubles = Seen::nothing(&DataType::Float64);
        doubles.see(&arrow_array::Float64Array::from(vec![1.0]));
        assert_eq!(doubles.needed(), None);
    }

    #[test]
    fn long_texts_and_such_as_not_every_system_has_are_not_told() {
        let mut seen = Seen::nothing(&DataType::Utf8View);
        seen.see(&StringViewArray::from_iter_values((0..60).map(|n| format!("{n:0100}"))));
        let needed = seen.needed().unwrap();
        assert_eq!(needed.few, None);
        for text in ["x".repeat(BOUND_BYTES + 1), "a\0b".to_owned()] {
            let mut seen = Seen::nothing(&DataType::Utf8View);
            seen.see(&StringViewArray::from_iter_values(["a".to_owned(), text]));
            assert_eq!(seen.needed(), None);
        }
    }
}
