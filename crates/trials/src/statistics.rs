//! What is told of many measurements.

use crate::Random;

/// The value below which `share` of the measurements are (nearest rank); 0 of none.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is small and not negative"
)]
pub fn percentile(measurements: &[f64], share: f64) -> f64 {
    let mut sorted = measurements.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let value = sorted.get(rank.saturating_sub(1)).or(sorted.last());
    value.copied().unwrap_or_default()
}

/// The measurement in the middle; 0 of none.
#[must_use]
pub fn median(measurements: &[f64]) -> f64 {
    percentile(measurements, 0.5)
}

/// How far the medians of two kinds of measurements are apart, and how far they would be if the kinds were one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permutation {
    /// The median of the one less that of the other.
    pub gap: f64,
    /// What 95 of 100 gaps do not exceed, where it is left to chance which measurement is of which kind.
    pub noise: f64,
    /// Which share of those gaps is at least as large as this one.
    pub chance: f64,
}

/// Compares two kinds of measurements by a permutation test.
#[must_use]
pub fn permutation(one: &[f64], other: &[f64]) -> Permutation {
    const ROUNDS: usize = 2_000;
    let gap = median(one) - median(other);
    let mut all: Vec<f64> = one.iter().chain(other).copied().collect();
    let mut random = Random::new(1);
    let by_chance: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            random.shuffle(&mut all);
            let (one, other) = all.split_at(one.len());
            (median(one) - median(other)).abs()
        })
        .collect();
    let as_large = by_chance.iter().filter(|found| **found >= gap.abs());
    Permutation {
        gap,
        noise: percentile(&by_chance, 0.95),
        chance: as_large.count() as f64 / ROUNDS as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurements(seed: u64, least: f64) -> Vec<f64> {
        let mut random = Random::new(seed);
        (0..200)
            .map(|_| least + f64::from(u32::try_from(random.below(100)).unwrap()))
            .collect()
    }

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let measured = [4.0, 1.0, 3.0, 2.0];
        assert!((median(&measured) - 2.0).abs() < f64::EPSILON);
        assert!((percentile(&measured, 0.99) - 4.0).abs() < f64::EPSILON);
        assert!((percentile(&measured, 0.0) - 1.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn what_differs_stands_out_from_the_noise() {
        let found = permutation(&measurements(1, 1_000.0), &measurements(2, 1_050.0));
        assert!(found.gap.abs() > found.noise, "{found:?}");
        assert!(found.chance < 0.01, "{found:?}");
    }

    #[test]
    fn what_does_not_differ_is_noise() {
        let found = permutation(&measurements(3, 1_000.0), &measurements(4, 1_000.0));
        assert!(found.gap.abs() <= found.noise, "{found:?}");
    }
}
