//! Writes gathered metric families as OpenMetrics text 1.0.0, with exemplars.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType, Summary};

use super::bounds::seconds;
use super::histogram::Exemplar;

/// Exemplars by family and labels, since the prometheus crate's families cannot store them.
#[derive(Debug, Default)]
pub(super) struct Exemplars(HashMap<String, Vec<Option<Exemplar>>>);

impl Exemplars {
    /// Adds the exemplars of one histogram, one for each bucket.
    pub(super) fn insert(
        &mut self,
        family: &str,
        labels: &[LabelPair],
        exemplars: Vec<Option<Exemplar>>,
    ) {
        if !exemplars.is_empty() {
            self.0.insert(series_key(family, labels), exemplars);
        }
    }

    fn of(&self, family: &str, metric: &Metric) -> &[Option<Exemplar>] {
        let key = series_key(family, metric.get_label());
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }
}

/// A text that identifies a series.
pub(super) fn series_key(family: &str, labels: &[LabelPair]) -> String {
    let mut key = family.to_owned();
    write_labels(&mut key, labels, None);
    key
}

/// Writes all `families`. A family that would reuse a name of an earlier one is left out, since a
/// scraper would refuse the whole response.
pub(super) fn encode(families: &[MetricFamily], exemplars: &Exemplars) -> String {
    let mut text = String::new();
    let mut taken = HashSet::new();
    for family in families {
        // A counter whose name lacks `_total`, or clashes without it, is told as it stands: with
        // the type `unknown`, as the Prometheus client for Go does. Adding the suffix would give
        // the series another name in this format than in the other.
        let forms = [Exposed::of(family), Exposed::plain(family)];
        let Some(exposed) = forms.into_iter().flatten().find(|exposed| {
            let names = exposed.names();
            let free = names.iter().all(|name| !taken.contains(name));
            if free {
                taken.extend(names);
            }
            free
        }) else {
            continue;
        };
        exposed.write(&mut text, family, exemplars);
    }
    text.push_str("# EOF\n");
    text
}

/// How a family appears in OpenMetrics.
struct Exposed<'family> {
    /// The name without `_total`.
    name: &'family str,
    type_name: &'static str,
    /// The suffixes of its samples' names.
    suffixes: &'static [&'static str],
}

impl<'family> Exposed<'family> {
    fn of(family: &'family MetricFamily) -> Option<Self> {
        let name = family.name();
        let (name, type_name, suffixes): (_, _, &[_]) = match family.get_field_type() {
            MetricType::COUNTER => (name.strip_suffix("_total")?, "counter", &["_total"]),
            MetricType::GAUGE => (name, "gauge", &[""]),
            MetricType::HISTOGRAM => (name, "histogram", &["_bucket", "_sum", "_count"]),
            MetricType::SUMMARY => (name, "summary", &["", "_sum", "_count"]),
            MetricType::UNTYPED => return None,
        };
        Some(Self {
            name,
            type_name,
            suffixes,
        })
    }

    /// For a counter that cannot be written as a counter.
    fn plain(family: &'family MetricFamily) -> Option<Self> {
        (family.get_field_type() == MetricType::COUNTER).then(|| Self {
            name: family.name(),
            type_name: "unknown",
            suffixes: &[""],
        })
    }

    /// Every name that the family uses.
    fn names(&self) -> Vec<String> {
        let samples = self.suffixes.iter().filter(|suffix| !suffix.is_empty());
        std::iter::once(self.name.to_owned())
            .chain(samples.map(|suffix| format!("{}{suffix}", self.name)))
            .collect()
    }

    fn write(&self, text: &mut String, family: &MetricFamily, exemplars: &Exemplars) {
        let name = self.name;
        line(text, format_args!("# TYPE {name} {}", self.type_name));
        // The unit must be the suffix of the name. These two are the only units in common use.
        let units = ["seconds", "bytes"];
        let has_unit = |unit: &&str| {
            let stem = name.strip_suffix(*unit);
            stem.is_some_and(|stem| stem.ends_with('_'))
        };
        if let Some(unit) = units.iter().find(|unit| has_unit(unit)) {
            line(text, format_args!("# UNIT {name} {unit}"));
        }
        if !family.help().is_empty() {
            let _ = write!(text, "# HELP {name} ");
            write_escaped(text, family.help());
            text.push('\n');
        }
        for metric in family.get_metric() {
            let mut series = Series { text, name, metric };
            match family.get_field_type() {
                MetricType::COUNTER => {
                    let value = metric.get_counter().get_value();
                    series.sample(self.suffixes[0], None, value, None);
                }
                MetricType::HISTOGRAM => {
                    series.histogram(metric.get_histogram(), exemplars.of(name, metric));
                }
                MetricType::SUMMARY => series.summary(metric.get_summary()),
                MetricType::GAUGE | MetricType::UNTYPED => {
                    series.sample("", None, metric.get_gauge().get_value(), None);
                }
            }
        }
    }
}

/// The samples of one metric.
struct Series<'text> {
    text: &'text mut String,
    name: &'text str,
    metric: &'text Metric,
}

impl Series<'_> {
    fn histogram(&mut self, histogram: &Histogram, exemplars: &[Option<Exemplar>]) {
        let buckets = histogram.get_bucket();
        // An application's own collector may list `+Inf` itself.
        let finite = buckets.iter().take_while(|b| b.upper_bound().is_finite());
        let finite = finite.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        let last = (f64::INFINITY, histogram.get_sample_count());
        for (index, (bound, count)) in finite.chain([last]).enumerate() {
            let exemplar = exemplars.get(index).and_then(Option::as_ref);
            let bound = canonical(bound);
            self.sample("_bucket", Some(("le", &bound)), count as f64, exemplar);
        }
        // With negative buckets the sum could fall, which the format forbids.
        if buckets.first().is_none_or(|b| b.upper_bound() >= 0.0) {
            self.sample("_sum", None, histogram.get_sample_sum(), None);
        }
        self.sample("_count", None, histogram.get_sample_count() as f64, None);
    }

    fn summary(&mut self, summary: &Summary) {
        for quantile in summary.get_quantile() {
            let rank = canonical(quantile.quantile());
            self.sample("", Some(("quantile", &rank)), quantile.value(), None);
        }
        self.sample("_sum", None, summary.sample_sum(), None);
        self.sample("_count", None, summary.sample_count() as f64, None);
    }

    fn sample(
        &mut self,
        suffix: &str,
        label: Option<(&str, &str)>,
        value: f64,
        exemplar: Option<&Exemplar>,
    ) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        write_labels(self.text, self.metric.get_label(), label);
        self.text.push(' ');
        if value.is_infinite() {
            self.text
                .push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        } else {
            let _ = write!(self.text, "{value}");
        }
        let milliseconds = self.metric.timestamp_ms();
        if milliseconds != 0 {
            let _ = write!(self.text, " {}", milliseconds as f64 / 1e3);
        }
        if let Some(exemplar) = exemplar {
            write_exemplar(self.text, exemplar);
        }
        self.text.push('\n');
    }
}

/// Only the ids of the trace are written: 63 of the 128 code points that the format allows.
fn write_exemplar(text: &mut String, exemplar: &Exemplar) {
    let Exemplar {
        nanos,
        trace_id,
        span_id,
        unix_nanos,
    } = exemplar;
    let _ = write!(
        text,
        " # {{trace_id=\"{trace_id:032x}\",span_id=\"{span_id:016x}\"}} {} {}.{:03}",
        seconds(*nanos),
        unix_nanos / 1_000_000_000,
        unix_nanos / 1_000_000 % 1_000,
    );
}

fn write_labels(text: &mut String, labels: &[LabelPair], further: Option<(&str, &str)>) {
    let labels = labels.iter().map(|label| (label.name(), label.value()));
    let mut separator = '{';
    for (name, value) in labels.chain(further) {
        text.push(separator);
        text.push_str(name);
        text.push_str("=\"");
        write_escaped(text, value);
        text.push('"');
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
}

fn write_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
    text.push('\n');
}

/// Formats a number for the labels `le` and `quantile` as Go does (`%g`), with `.0` after a whole
/// number. So a series has the same labels from every client.
fn canonical(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) if !(-4..6).contains(&exponent) => {
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{mantissa}e{sign}{:02}", exponent.abs())
            }
            _ => format!("{number:?}"),
        },
        None => format!("{number:?}"),
    }
}

#[cfg(test)]
mod tests;
