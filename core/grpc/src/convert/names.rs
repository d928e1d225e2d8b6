//! Enumerations. Decoding gives `None` for unspecified and unknown values; the caller says what that means.

use weft_model::Fault;
use weft_model::contract::{
    AggregateFunction, Binding, Capability, CompareOperator, FilterOperation, JoinKind, JoinSupport, TextComparison,
    TextOperator, TimePart, TypeKind, UnquotedNames,
};
use weft_proto::v1;

/// A model enumeration with a protobuf form.
pub(super) trait Name: Sized {
    fn encode(self) -> i32;
    fn decode(value: i32) -> Option<Self>;
}

macro_rules! names {
    ($($name:ident { $($variant:ident),* $(,)? })*) => {$(
        impl Name for $name {
            fn encode(self) -> i32 {
                (match self { $(Self::$variant => v1::$name::$variant,)* }) as i32
            }

            fn decode(value: i32) -> Option<Self> {
                match v1::$name::try_from(value) {
                    $(Ok(v1::$name::$variant) => Some(Self::$variant),)*
                    Ok(v1::$name::Unspecified) | Err(_) => None,
                }
            }
        }
    )*};
}

names! {
    TypeKind { Boolean, Int64, Decimal, Float64, Text, Date, Timestamp, Binary }
    TextComparison { CodePoint, CaseInsensitive, PadSpace, Unknown }
    Binding { None, Optional, Required }
    UnquotedNames { AsWritten, LowerCase }
    Capability { None, Superset, Exact }
    FilterOperation {
        Equal, NotEqual, Range, In, IsNull, StartsWith, EndsWith, Contains, Or, Not, CompareColumns,
    }
    JoinSupport { None, ForeignKeys, Any }
    AggregateFunction { Count, Sum, Min, Max }
    JoinKind { Inner, Left }
    TimePart { Year, Month, Day, Hours, Minutes }
    CompareOperator { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual }
    TextOperator { StartsWith, EndsWith, Contains }
    Fault { Caller, Config, Source, Connector, Broker }
}
