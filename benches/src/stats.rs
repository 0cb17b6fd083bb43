//! What is said of many figures in a few.

/// The middle of some values, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quartiles {
    /// A quarter of the values is below.
    pub low: f64,
    /// Half of them is below.
    pub median: f64,
    /// Three quarters of them are below.
    pub high: f64,
}

impl Quartiles {
    /// Between two values it lies on the line from the one to the other.
    ///
    /// # Panics
    ///
    /// Panics if there are no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Quartiles {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let [low, median, high] = [1, 2, 3].map(|quarter| {
            let (below, rest) = ((values.len() - 1) * quarter / 4, (values.len() - 1) * quarter % 4);
            let above = values[(below + 1).min(values.len() - 1)];
            values[below] + (above - values[below]) * rest as f64 / 4.0
        });
        Quartiles { low, median, high }
    }
}

/// The mean of ratios: that of their inverses is its inverse. None without values.
pub fn geometric_mean(ratios: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for ratio in ratios {
        sum += ratio.ln();
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

#[cfg(test)]
mod tests;
