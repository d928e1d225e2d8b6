//! Units of measure: which ones can be converted, and how, exactly.
//!
//! A conversion is a multiplication and an addition of decimals. Where these would not end, as from millimetres to
//! inches, there is no conversion: the other direction has one.

mod ratio;
#[cfg(test)]
mod tests;

use crate::suggestion::{did_you_mean, nearest};
use oxrdf::NamedNode;
use ratio::Ratio;

/// The namespace of QUDT's units.
const QUDT: &str = "http://qudt.org/vocab/unit/";

/// Places behind the point that a decimal may have.
const MOST_PLACES: u32 = 18;

/// From the numbers of one unit to those of another of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub from: NamedNode,
    pub to: NamedNode,
    factor: Decimal,
    offset: Decimal,
}

/// `unscaled` times ten to the power of `-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    unscaled: i128,
    scale: u32,
}

/// A unit in terms of the base unit of its kind: a number of it is `number * factor + offset`.
struct Unit {
    name: &'static str,
    kind: &'static str,
    factor: Ratio,
    offset: Ratio,
}

const fn unit(name: &'static str, kind: &'static str, over: i128, under: i128) -> Unit {
    Unit { name, kind, factor: Ratio { over, under }, offset: Ratio { over: 0, under: 1 } }
}

const fn scale(name: &'static str, factor: Ratio, offset: Ratio) -> Unit {
    Unit { name, kind: "temperature", factor, offset }
}

/// By their names in QUDT.
const UNITS: &[Unit] = &[
    unit("M", "length", 1, 1),
    unit("KiloM", "length", 1_000, 1),
    unit("CentiM", "length", 1, 100),
    unit("MilliM", "length", 1, 1_000),
    unit("MicroM", "length", 1, 1_000_000),
    unit("NanoM", "length", 1, 1_000_000_000),
    unit("IN", "length", 254, 10_000),
    unit("FT", "length", 3_048, 10_000),
    unit("M2", "area", 1, 1),
    unit("CentiM2", "area", 1, 10_000),
    unit("MilliM2", "area", 1, 1_000_000),
    unit("M3", "volume", 1, 1),
    unit("L", "volume", 1, 1_000),
    unit("MilliL", "volume", 1, 1_000_000),
    unit("KiloGM", "mass", 1, 1),
    unit("GM", "mass", 1, 1_000),
    unit("MilliGM", "mass", 1, 1_000_000),
    unit("TONNE", "mass", 1_000, 1),
    unit("LB", "mass", 45_359_237, 100_000_000),
    unit("OZ", "mass", 45_359_237, 1_600_000_000),
    unit("SEC", "time", 1, 1),
    unit("MilliSEC", "time", 1, 1_000),
    unit("MicroSEC", "time", 1, 1_000_000),
    unit("MIN", "time", 60, 1),
    unit("HR", "time", 3_600, 1),
    unit("DAY", "time", 86_400, 1),
    scale("K", Ratio { over: 1, under: 1 }, Ratio { over: 0, under: 1 }),
    scale("DEG_C", Ratio { over: 1, under: 1 }, Ratio { over: 27_315, under: 100 }),
    scale("DEG_F", Ratio { over: 5, under: 9 }, Ratio { over: 45_967 * 5, under: 900 }),
    unit("DEG", "plane angle", 1, 1),
    unit("ARCMIN", "plane angle", 1, 60),
    unit("ARCSEC", "plane angle", 1, 3_600),
    unit("M-PER-SEC", "speed", 1, 1),
    unit("M-PER-MIN", "speed", 1, 60),
    unit("MilliM-PER-SEC", "speed", 1, 1_000),
    unit("MilliM-PER-MIN", "speed", 1, 60_000),
    unit("KiloM-PER-HR", "speed", 1_000, 3_600),
    unit("REV-PER-SEC", "rotation", 1, 1),
    unit("REV-PER-MIN", "rotation", 1, 60),
    unit("HZ", "frequency", 1, 1),
    unit("KiloHZ", "frequency", 1_000, 1),
    unit("MegaHZ", "frequency", 1_000_000, 1),
    unit("N", "force", 1, 1),
    unit("KiloN", "force", 1_000, 1),
    unit("PA", "pressure", 1, 1),
    unit("KiloPA", "pressure", 1_000, 1),
    unit("MegaPA", "pressure", 1_000_000, 1),
    unit("BAR", "pressure", 100_000, 1),
    unit("MilliBAR", "pressure", 100, 1),
    unit("J", "energy", 1, 1),
    unit("KiloJ", "energy", 1_000, 1),
    unit("W-HR", "energy", 3_600, 1),
    unit("KiloW-HR", "energy", 3_600_000, 1),
    unit("W", "power", 1, 1),
    unit("KiloW", "power", 1_000, 1),
    unit("MegaW", "power", 1_000_000, 1),
    unit("V", "voltage", 1, 1),
    unit("MilliV", "voltage", 1, 1_000),
    unit("KiloV", "voltage", 1_000, 1),
    unit("A", "electric current", 1, 1),
    unit("MilliA", "electric current", 1, 1_000),
    unit("UNITLESS", "ratio", 1, 1),
    unit("PERCENT", "ratio", 1, 100),
    unit("PPM", "ratio", 1, 1_000_000),
];

impl Conversion {
    /// The conversion, or why there is none.
    pub(crate) fn new(from: &NamedNode, to: &NamedNode) -> Result<Self, String> {
        let (known_from, known_to) = (known(from)?, known(to)?);
        if known_from.kind != known_to.kind {
            return Err(format!(
                "{} is a unit of {} and {} one of {}: there is nothing to convert",
                known_from.name, known_from.kind, known_to.name, known_to.kind
            ));
        }
        let whole = || format!("the factor from {} to {} is too large", known_from.name, known_to.name);
        let factor = known_from.factor.divided_by(known_to.factor).ok_or_else(whole)?;
        let offset = known_from.offset.minus(known_to.offset).and_then(|offset| offset.divided_by(known_to.factor));
        let exact = |ratio: Ratio| {
            let (unscaled, scale) = ratio.as_decimal(MOST_PLACES)?;
            Some(Decimal { unscaled, scale })
        };
        let (Some(factor_exact), Some(offset)) = (exact(factor), exact(offset.ok_or_else(whole)?)) else {
            return Err(format!(
                "the factor from {} to {} is {}/{}, which no decimal is exactly: convert the other way, or keep the unit",
                known_from.name, known_to.name, factor.over, factor.under
            ));
        };
        Ok(Self { from: from.clone(), to: to.clone(), factor: factor_exact, offset })
    }

    /// The number in the other unit, unscaled and with at most 18 places; `None` where it would need more, or is too large.
    pub fn convert(&self, unscaled: i128, scale: u8) -> Option<(i128, u8)> {
        let product = Decimal {
            unscaled: unscaled.checked_mul(self.factor.unscaled)?,
            scale: u32::from(scale) + self.factor.scale,
        };
        let sum = product.shortest().plus(self.offset)?.shortest();
        let scale = u8::try_from(sum.scale).ok().filter(|scale| u32::from(*scale) <= MOST_PLACES)?;
        Some((sum.unscaled, scale))
    }
}

impl Decimal {
    fn shortest(mut self) -> Self {
        while self.scale > 0 && self.unscaled % 10 == 0 {
            self.unscaled /= 10;
            self.scale -= 1;
        }
        self
    }

    fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let at = |decimal: Self| decimal.unscaled.checked_mul(10_i128.checked_pow(scale - decimal.scale)?);
        Some(Self { unscaled: at(self)?.checked_add(at(other)?)?, scale })
    }
}

fn known(unit: &NamedNode) -> Result<&'static Unit, String> {
    let name = unit.as_str().strip_prefix(QUDT);
    if let Some(found) = name.and_then(|name| UNITS.iter().find(|unit| unit.name == name)) {
        return Ok(found);
    }
    let suggestion = name.and_then(|name| nearest(name, UNITS.iter().map(|unit| unit.name)));
    let suggestion = did_you_mean(suggestion.map(|name| format!("<{QUDT}{name}>")));
    Err(format!("{unit} is not among the units that can be converted{suggestion}"))
}
