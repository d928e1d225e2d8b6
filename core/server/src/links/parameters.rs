//! The parameters of a list of links. What is not known is refused: a filter that is left out would show too much.

use super::LinkQuery;
use crate::Problem;
use http::request::Parts;
use url::form_urlencoded;

pub(super) fn read_filter(parts: &Parts) -> Result<LinkQuery, Problem> {
    let mut query = LinkQuery::default();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        let place = match name.as_ref() {
            "state" => &mut query.state,
            "rule" => &mut query.rule,
            "entity" => &mut query.entity,
            "predicate" => &mut query.predicate,
            "recorded" => &mut query.recorded,
            "valid" => &mut query.valid,
            "after" => {
                set(&mut query.after, "after", number(&value, "after")?)?;
                continue;
            }
            "limit" => {
                set(&mut query.limit, "limit", number(&value, "limit")?)?;
                continue;
            }
            other => {
                let shown: String = other.chars().take(80).collect();
                let message = format!(
                    "parameter {shown:?} is not known: state, rule, entity, predicate, recorded, valid, after and limit are"
                );
                return Err(Problem::invalid_request(message));
            }
        };
        set(place, &name, value.into_owned())?;
    }
    Ok(query)
}

fn set<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::invalid_request(format!("parameter {name} is there twice"))),
    }
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, Problem> {
    let shown: String = text.chars().take(80).collect();
    text.parse().map_err(|_| Problem::invalid_request(format!("parameter {name}: {shown:?} is no such number")))
}
