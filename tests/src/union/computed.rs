//! Terms that mappings compute from values, by other code than the engine's.

use crate::scenario::CHAINS;
use anyhow::{Context, bail};
use oxrdf::{Literal, NamedNode, Term};
use oxsdatatypes::Decimal;
use std::str::FromStr;
use weft_mapping::{CodeList, Conversion, NormalisedValue, TermKind, TermMap};

/// The normalised text, if it matches.
pub(super) fn normalised(value: Option<&NormalisedValue>, text: String) -> anyhow::Result<Option<String>> {
    let Some(value) = value else { return Ok(Some(text)) };
    let chain = value.normaliser().to_string();
    let known = CHAINS.iter().find(|known| known.text == chain);
    let known = known.with_context(|| format!("nobody says what {chain} does"))?;
    Ok((known.apply)(&text))
}

/// What a code stands for, if it stands for anything.
pub(super) fn coded(list: &CodeList, code: &str) -> anyhow::Result<Option<Term>> {
    if let Some((_, iri)) = list.entries().find(|(known, _)| *known == code) {
        return Ok(Some(iri.clone().into()));
    }
    if !list.is_complete() {
        return Ok(None);
    }
    let built = list.iri(code).context("a complete list knows all codes")?;
    Ok(Some(NamedNode::new(built)?.into()))
}

/// Scenarios convert inches to millimetres.
pub(super) fn converted(conversion: &Conversion, number: &str) -> anyhow::Result<Term> {
    if !conversion.from.as_str().ends_with("/IN") || !conversion.to.as_str().ends_with("/MilliM") {
        bail!("scenarios have no such units");
    }
    let product = Decimal::from_str(number)?.checked_mul(Decimal::from_str("25.4")?);
    Ok(Literal::from(product.context("too large")?).into())
}

/// The node that has a number with its unit, and that unit, where a mapping asks for one.
pub(super) fn quantity(map: &TermMap) -> Option<(&TermMap, &NamedNode)> {
    let TermMap::Column { kind: TermKind::Measured { unit, conversion, node: Some(node), .. }, .. } = map else {
        return None;
    };
    Some((node, conversion.as_ref().map_or(unit, |conversion| &conversion.to)))
}
