//! The parts of dates and times that a source may give instead of the whole.

use super::DataType;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A whole number that a date or time has in the proleptic Gregorian calendar, as in ISO 8601 and XML Schema 1.1: before
/// year 1 comes year 0. An instant has the parts of its UTC form, a wall-clock time its own; null has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TimePart {
    Year,
    /// 1 to 12.
    Month,
    /// Of the month: 1 to 31.
    Day,
    /// 0 to 23.
    Hours,
    /// 0 to 59.
    Minutes,
}

impl TimePart {
    pub const ALL: [Self; 5] = [Self::Year, Self::Month, Self::Day, Self::Hours, Self::Minutes];

    /// Whether the values of a type have this part.
    pub fn is_part_of(self, data_type: DataType) -> bool {
        match data_type {
            DataType::Timestamp { .. } => true,
            DataType::Date => matches!(self, Self::Year | Self::Month | Self::Day),
            _ => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hours => "hours",
            Self::Minutes => "minutes",
        }
    }
}

impl fmt::Display for TimePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
