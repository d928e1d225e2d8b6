//! Ratios of whole numbers.

/// `over / under`, with `under` above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    pub(super) over: i128,
    pub(super) under: i128,
}

impl Ratio {
    pub(super) fn divided_by(self, other: Self) -> Option<Self> {
        let over = self.over.checked_mul(other.under)?;
        let under = self.under.checked_mul(other.over)?;
        Self { over, under }.reduced()
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let left = self.over.checked_mul(other.under)?;
        let right = other.over.checked_mul(self.under)?;
        Self { over: left.checked_sub(right)?, under: self.under.checked_mul(other.under)? }.reduced()
    }

    /// The unscaled number and the places of the decimal it is exactly, if that has no more than `places`.
    pub(super) fn as_decimal(self, places: u32) -> Option<(i128, u32)> {
        (0..=places).find_map(|scale| {
            let unscaled = self.over.checked_mul(10_i128.checked_pow(scale)?)?;
            (unscaled % self.under == 0).then_some((unscaled / self.under, scale))
        })
    }

    fn reduced(self) -> Option<Self> {
        if self.under == 0 {
            return None;
        }
        let divisor = greatest_divisor(self.over.unsigned_abs(), self.under.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()? * self.under.signum();
        Some(Self { over: self.over / divisor, under: self.under / divisor })
    }
}

fn greatest_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
