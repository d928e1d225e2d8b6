//! The functions that are evaluated, and how many arguments they take.

use crate::columns::unsupported;
use spargebra::algebra::Function;
use weft_model::contract::ContractError;
use weft_model::{Code, Fault};
use weft_plan::is_cast;

/// Refuses a function by its name.
pub(super) fn check(function: &Function, arguments: usize) -> Result<(), ContractError> {
    use Function as F;
    let arity = match function {
        // The second argument is the planner's: the name of the solution.
        F::BNode => 0..=2,
        F::Rand | F::Now | F::Uuid | F::StrUuid => 0..=0,
        F::Str | F::Lang | F::Datatype | F::Iri | F::Abs | F::Ceil | F::Floor | F::Round | F::StrLen => 1..=1,
        F::UCase | F::LCase | F::EncodeForUri | F::Timezone | F::Tz => 1..=1,
        F::Year | F::Month | F::Day | F::Hours | F::Minutes | F::Seconds => 1..=1,
        F::Md5 | F::Sha1 | F::Sha256 | F::Sha384 | F::Sha512 => 1..=1,
        F::IsIri | F::IsBlank | F::IsLiteral | F::IsNumeric => 1..=1,
        F::LangMatches | F::Contains | F::StrStarts | F::StrEnds | F::StrBefore | F::StrAfter => 2..=2,
        F::StrLang | F::StrDt | F::Adjust => 2..=2,
        F::SubStr | F::Regex => 2..=3,
        F::Replace => 3..=4,
        F::Concat => 0..=usize::MAX,
        F::Custom(name) if is_cast(name) => 1..=1,
        other => return Err(unsupported(format!("the function {other}"))),
    };
    if arity.contains(&arguments) {
        return Ok(());
    }
    let message = format!("the function {function} does not take {arguments} arguments");
    Err(ContractError::new(Code::InvalidQuery, Fault::Caller, message))
}
