//! PostgreSQL's binary `numeric`: digits to the base 10,000 (src/backend/utils/adt/numeric.c, `numeric_send`).

use bytes::{BufMut, BytesMut};

const NEGATIVE: u16 = 0x4000;
const POSITIVE: u16 = 0x0000;

/// The unscaled value at this scale; `None` for NaN, infinities, and values with more digits than fit.
pub(super) fn decode(bytes: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = words.next()?;
    let weight = words.next()?.cast_signed();
    let sign = words.next()?;
    words.next()?;
    if sign != NEGATIVE && sign != POSITIVE {
        return None;
    }
    let mut magnitude: i128 = 0;
    // The power of ten of the digit at hand, at the wanted scale.
    let mut power = i32::from(weight) * 4 + i32::from(scale);
    for _ in 0..count {
        let digit = words.next()?;
        let term = match power {
            _ if digit == 0 => 0,
            0.. => i128::from(digit).checked_mul(10_i128.checked_pow(power.unsigned_abs())?)?,
            // A digit is below 10,000.
            -3..0 => {
                let divisor = 10_u16.pow(power.unsigned_abs());
                digit.is_multiple_of(divisor).then_some(i128::from(digit / divisor))?
            }
            _ => return None,
        };
        magnitude = magnitude.checked_add(term)?;
        power -= 4;
    }
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (magnitude < limit).then_some(if sign == NEGATIVE { -magnitude } else { magnitude })
}

/// Appends `unscaled / 10^scale`.
pub(super) fn encode(unscaled: i128, scale: u8, out: &mut BytesMut) {
    let shift = (4 - scale % 4) % 4;
    // At most 39 digits and three zeros: below 2^128 except for the very largest, which then has no shift.
    let mut digits = Vec::new();
    let mut rest = unscaled.unsigned_abs();
    let mut carry = u128::from(10_u16.pow(u32::from(shift)));
    if rest > 0 {
        // The lowest group takes fewer digits of the value, and zeros for the shift.
        let group = 10_000 / carry;
        digits.push(rest % group * carry);
        rest /= group;
        carry = 10_000;
        while rest > 0 {
            digits.push(rest % carry);
            rest /= carry;
        }
    }
    let fraction_groups = i16::from((scale + shift) / 4);
    let count = i16::try_from(digits.len()).unwrap_or(i16::MAX);
    out.put_i16(count);
    out.put_i16(count - fraction_groups - 1);
    out.put_u16(if unscaled < 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(u16::from(scale));
    for digit in digits.into_iter().rev() {
        out.put_u16(u16::try_from(digit).unwrap_or(u16::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(unscaled: i128, scale: u8) -> Option<i128> {
        let mut bytes = BytesMut::new();
        encode(unscaled, scale, &mut bytes);
        decode(&bytes, 38, scale)
    }

    #[test]
    fn decimals_survive_the_wire() {
        let largest = 10_i128.pow(38) - 1;
        for scale in 0..=38 {
            for unscaled in [0, 1, -1, 9, 10, 9_999, 10_000, 12_345_678_901_234_567_890, largest, -largest] {
                assert_eq!(round_trip(unscaled, scale), Some(unscaled), "{unscaled} at {scale}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_not_rounded() {
        let mut bytes = BytesMut::new();
        encode(12_345, 3, &mut bytes);
        assert_eq!(decode(&bytes, 5, 3), Some(12_345));
        assert_eq!(decode(&bytes, 4, 3), None);
        assert_eq!(decode(&bytes, 38, 2), None);
        assert_eq!(decode(&bytes, 38, 6), Some(12_345_000));
        let nan = [0, 0, 0, 0, 0xC0, 0, 0, 0];
        assert_eq!(decode(&nan, 38, 0), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1], 38, 3), None);
    }
}
