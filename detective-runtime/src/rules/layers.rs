//! The layers that decide for one function or route, strongest first. Each layer knows its source,
//! so that every value can name what decided it.

use std::borrow::Cow;

use crate::attribute::Callsite;
use crate::config::{Config, Provenance, Rule};
use crate::rules::boost::{Boost, Target};
use crate::rules::matching;

/// All layers that apply to one function or route, strongest first.
#[derive(Debug)]
pub(crate) struct Layers<'a>(Vec<Layer<'a>>);

#[derive(Debug)]
struct Layer<'a> {
    rule: Cow<'a, Rule>,
    source: Source<'a>,
}

/// The source of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Overrides everything for a while.
    Boost(&'a Boost),
    /// `[routes."..."]` or `[investigate."..."]`: the table and the pattern.
    Pattern(&'static str, &'a str),
    /// A section such as `[tracing]`, whichever source set it.
    Section,
    /// The arguments of `#[investigate]`.
    Attribute(&'static Callsite),
}

impl<'a> Layers<'a> {
    /// The layers of an investigated function.
    pub(crate) fn of_function(
        config: &'a Config,
        provenance: &Provenance,
        boosts: &'a [Boost],
        callsite: &'static Callsite,
    ) -> Self {
        let path = callsite.path();
        let mut layers = boosted(boosts, |target| target.is_function(path));
        layers.extend(patterns(
            "investigate",
            matching::matching(&config.investigate, path),
        ));
        layers.push(Layer {
            rule: Cow::Owned(matching::section_rule(config, provenance)),
            source: Source::Section,
        });
        layers.push(Layer {
            rule: Cow::Owned(callsite.site().options.rule()),
            source: Source::Attribute(callsite),
        });
        Self(layers)
    }

    /// The layers of a route template, or of the label that replaces one. What they leave open is
    /// decided by the function that answers, and then by the sections.
    pub(crate) fn of_route(config: &'a Config, boosts: &'a [Boost], template: &str) -> Self {
        let mut layers = boosted(boosts, |target| target.is_route(template));
        layers.extend(patterns(
            "routes",
            matching::matching(&config.routes, template),
        ));
        Self(layers)
    }

    /// All layers as one rule.
    pub(crate) fn rule(&self) -> Rule {
        self.fold(|_| true)
    }

    /// The boosts alone, as one rule.
    pub(crate) fn boost(&self) -> Rule {
        self.fold(|source| matches!(source, Source::Boost(_)))
    }

    /// The patterns of the config alone, as one rule.
    pub(crate) fn patterns(&self) -> Rule {
        self.fold(|source| matches!(source, Source::Pattern(..)))
    }

    /// The strongest layer that decides the key, and its value.
    pub(crate) fn decide<T>(&self, key: impl Fn(&Rule) -> Option<T>) -> Option<(T, Source<'a>)> {
        self.0
            .iter()
            .find_map(|layer| Some((key(&layer.rule)?, layer.source)))
    }

    fn fold(&self, wanted: impl Fn(&Source<'a>) -> bool) -> Rule {
        self.0
            .iter()
            .filter(|layer| wanted(&layer.source))
            .fold(Rule::default(), |rule, layer| rule.or(&layer.rule))
    }
}

/// The boosts of a target, latest first.
fn boosted(boosts: &[Boost], is_meant: impl Fn(&Target) -> bool) -> Vec<Layer<'_>> {
    boosts
        .iter()
        .rev()
        .filter(|boost| is_meant(&boost.target))
        .map(|boost| Layer {
            rule: Cow::Borrowed(&boost.rule),
            source: Source::Boost(boost),
        })
        .collect()
}

fn patterns<'a>(
    table: &'static str,
    matching: Vec<(&'a str, &'a Rule)>,
) -> impl Iterator<Item = Layer<'a>> {
    matching.into_iter().map(move |(pattern, rule)| Layer {
        rule: Cow::Borrowed(rule),
        source: Source::Pattern(table, pattern),
    })
}
