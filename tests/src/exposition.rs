//! Reads the text of `/metrics` for tests.

use std::collections::BTreeMap;

/// The samples of an exposition, in the text format or in OpenMetrics.
#[derive(Clone, Debug)]
pub struct Exposition(BTreeMap<String, f64>);

impl Exposition {
    /// Reads the sample lines. Comments and exemplars are ignored.
    ///
    /// # Panics
    ///
    /// When a line is not a sample, or occurs twice; with that line.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let sample = line.split(" # ").next().unwrap_or(line);
            // No label set ends in a brace and a space, but a label's value may contain a space.
            let end = sample
                .rfind("} ")
                .map_or_else(|| sample.find(' '), |at| Some(at + 1));
            let (series, value) =
                sample.split_at(end.unwrap_or_else(|| panic!("no sample: `{line}`")));
            let value = value
                .trim()
                .parse()
                .unwrap_or_else(|_| panic!("no number in `{line}`"));
            assert!(
                samples.insert(series.to_owned(), value).is_none(),
                "twice: `{line}`"
            );
        }
        Self(samples)
    }

    /// The value of a series, written as in the exposition: labels in alphabetical order.
    #[must_use]
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The series of one metric with their values, as `LABELS VALUE`, in alphabetical order.
    #[must_use]
    pub fn of(&self, name: &str) -> Vec<String> {
        let labels = |series: &'_ str| {
            series
                .strip_prefix(name)
                .filter(|rest| rest.starts_with('{'))
                .map(str::to_owned)
        };
        self.0
            .iter()
            .filter_map(|(series, value)| Some(format!("{} {value}", labels(series)?)))
            .collect()
    }

    /// The sum of all series of one metric.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        self.sum_where(name, "")
    }

    /// The sum of those series of one metric that have `labels`, which must be adjacent.
    #[must_use]
    pub fn sum_where(&self, name: &str, labels: &str) -> f64 {
        self.0
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(labels))
            .map(|(_, value)| value)
            .sum()
    }

    /// The number of sample lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_formats() {
        let text = "# TYPE a counter\na_total{b=\"x y\",c=\"{d}\"} 3 # {trace_id=\"1\"} 0.5 17\na_total{b=\"z\"} 1.5\ne 2\n# EOF\n";
        let exposition = Exposition::parse(text);
        assert_eq!(
            exposition.of("a_total"),
            [r#"{b="x y",c="{d}"} 3"#, r#"{b="z"} 1.5"#]
        );
        assert_eq!(exposition.value("e"), Some(2.0));
        assert_eq!((exposition.sum("a_total"), exposition.len()), (4.5, 3));
    }
}
