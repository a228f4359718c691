//! Step two, the arguments: what one attribute asks for. Every argument gets its type.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Expr, ExprLit, Ident, Lit, Path, UnOp};

use crate::args::{Arg, ArgValue, Field};
use crate::errors::{Errors, nearest, one_of};

/// Every argument, as it is written in full.
const ARGUMENTS: [(&str, &str); 11] = [
    ("name", "name = \"..\""),
    ("fields", "fields(user_id, toys = cart.len())"),
    ("error_if", "error_if = |returned| .."),
    ("slow", "slow = \"250ms\""),
    ("sample", "sample = 0.1"),
    ("record", "record = false"),
    ("spans", "spans = false"),
    ("histogram", "histogram = false"),
    ("buckets", "buckets = [0.1, 0.5, 1.0]"),
    ("crate", "crate = path::to::detective"),
    ("skip", "skip"),
];

/// What one attribute asks for.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) name: Option<Given<String>>,
    pub(crate) fields: Option<Given<Vec<Field>>>,
    pub(crate) error_if: Option<Given<Condition>>,
    pub(crate) slow: Option<Given<Duration>>,
    pub(crate) sample: Option<Given<f64>>,
    pub(crate) record: Option<Given<bool>>,
    pub(crate) spans: Option<Given<bool>>,
    pub(crate) histogram: Option<Given<bool>>,
    pub(crate) buckets: Option<Given<Vec<Given<f64>>>>,
    pub(crate) root: Option<Given<Path>>,
    pub(crate) skip: Option<Given<()>>,
}

/// A value with the tokens that it was read from, to be underlined when a rule refuses it.
#[derive(Clone)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) tokens: TokenStream,
}

/// A closure, or the path of a function, from a reference to what was returned to whether it is an error.
pub(crate) struct Condition(pub(crate) Expr);

impl Settings {
    /// Gives each argument its type.
    pub(crate) fn new(arguments: Vec<Arg>, errors: &mut Errors) -> Self {
        let mut settings = Self::default();
        for argument in arguments {
            match argument.key.unraw().to_string().as_str() {
                "name" => set(&mut settings.name, argument, errors),
                "fields" => set(&mut settings.fields, argument, errors),
                "error_if" => set(&mut settings.error_if, argument, errors),
                "slow" => set(&mut settings.slow, argument, errors),
                "sample" => set(&mut settings.sample, argument, errors),
                "record" => set(&mut settings.record, argument, errors),
                // `spans` is its name in the file, too. `span` is how it was written before.
                "spans" | "span" => set(&mut settings.spans, argument, errors),
                "histogram" => set(&mut settings.histogram, argument, errors),
                "buckets" => set(&mut settings.buckets, argument, errors),
                "crate" => set(&mut settings.root, argument, errors),
                "skip" => set(&mut settings.skip, argument, errors),
                unknown => errors.add(&argument.key, unknown_argument(unknown)),
            }
        }
        settings
    }

    /// Takes from the block around it what is not asked for here.
    pub(crate) fn inherit(&mut self, block: &Self) {
        fn take<T: Clone>(own: &mut Option<Given<T>>, outer: &Option<Given<T>>) {
            if own.is_none() {
                own.clone_from(outer);
            }
        }
        take(&mut self.slow, &block.slow);
        take(&mut self.sample, &block.sample);
        take(&mut self.record, &block.record);
        take(&mut self.spans, &block.spans);
        take(&mut self.histogram, &block.histogram);
        take(&mut self.buckets, &block.buckets);
        take(&mut self.root, &block.root);
    }
}

fn unknown_argument(unknown: &str) -> String {
    if let Some(answer) = answer_to_instrument(unknown) {
        return format!("unknown argument `{unknown}`: {answer}");
    }
    let accepted = ARGUMENTS.map(|(key, _)| key);
    let meant = nearest(unknown, &accepted)
        .map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    format!(
        "unknown argument `{unknown}`{meant} (expected {})",
        one_of(&accepted)
    )
}

/// What to do instead of an argument of `#[tracing::instrument]`.
fn answer_to_instrument(argument: &str) -> Option<&'static str> {
    match argument {
        "skip_all" => Some(NOTHING_TO_SKIP),
        "err" => Some("an `Err` is always recorded; remove it"),
        "ret" => Some(
            "a returned value is not recorded; record a part of it with `detective::set_field`",
        ),
        "level" | "target" => Some("`detective.toml` decides which spans are made; remove it"),
        _ => None,
    }
}

const NOTHING_TO_SKIP: &str = "no parameter is recorded unless `fields(..)` names it; remove it";

/// Puts the value of an argument in its place, which may be taken.
fn set<T: Value>(place: &mut Option<Given<T>>, Arg { key, value }: Arg, errors: &mut Errors) {
    if place.is_some() {
        return errors.add(&key, format!("`{key}` is given twice"));
    }
    if key == "skip" && matches!(value, ArgValue::Fields(_)) {
        return errors.add(&key, format!("`skip` has no list: {NOTHING_TO_SKIP}"));
    }
    let tokens = match &value {
        ArgValue::Expr(expression) => expression.to_token_stream(),
        ArgValue::Absent | ArgValue::Fields(_) => key.to_token_stream(),
    };
    match T::read(value, errors) {
        Some(value) => *place = Some(Given { value, tokens }),
        None => errors.add(tokens, format!("expected {}: `{}`", T::KIND, example(&key))),
    }
}

fn example(key: &Ident) -> &'static str {
    let mut name = key.unraw().to_string();
    if name == "span" {
        name = "spans".to_owned();
    }
    ARGUMENTS
        .iter()
        .find(|(key, _)| *key == name)
        .map_or("", |(_, example)| example)
}

/// The type of an argument.
trait Value: Sized {
    /// What is expected, in a message.
    const KIND: &'static str;

    /// Reads the value; `None` when it is of another kind.
    fn read(value: ArgValue, errors: &mut Errors) -> Option<Self>;
}

impl Value for () {
    const KIND: &'static str = "no value";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        matches!(value, ArgValue::Absent).then_some(())
    }
}

impl Value for Vec<Field> {
    const KIND: &'static str = "a list in parentheses";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        match value {
            ArgValue::Fields(fields) => Some(fields),
            _ => None,
        }
    }
}

impl Value for String {
    const KIND: &'static str = "a text";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        match literal(&expression(value)?)? {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        }
    }
}

impl Value for bool {
    const KIND: &'static str = "`true` or `false`";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        match literal(&expression(value)?)? {
            Lit::Bool(flag) => Some(flag.value),
            _ => None,
        }
    }
}

impl Value for f64 {
    const KIND: &'static str = "a number";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        number(&expression(value)?)
    }
}

impl Value for Duration {
    const KIND: &'static str = "a text with a number and `ms`, `s` or `m`";

    fn read(value: ArgValue, errors: &mut Errors) -> Option<Self> {
        let text = String::read(value, errors)?;
        let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(unit_at);
        let seconds_in_unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            _ => return None,
        };
        let number: f64 = number.trim().parse().ok()?;
        Self::try_from_secs_f64(number * seconds_in_unit).ok()
    }
}

impl Value for Vec<Given<f64>> {
    const KIND: &'static str = "a list of numbers in seconds";

    fn read(value: ArgValue, errors: &mut Errors) -> Option<Self> {
        let Expr::Array(list) = expression(value)? else {
            return None;
        };
        let mut numbers = Self::new();
        for element in &list.elems {
            match number(element) {
                Some(value) => numbers.push(Given {
                    value,
                    tokens: element.to_token_stream(),
                }),
                None => errors.add(element, "expected a number, in seconds"),
            }
        }
        Some(numbers)
    }
}

impl Value for Path {
    const KIND: &'static str = "a path without quotes";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        match expression(value)? {
            Expr::Path(path) if path.qself.is_none() => Some(path.path),
            _ => None,
        }
    }
}

impl Value for Condition {
    const KIND: &'static str = "a closure or the path of a function";

    fn read(value: ArgValue, _: &mut Errors) -> Option<Self> {
        match expression(value)? {
            condition @ (Expr::Closure(_) | Expr::Path(_)) => Some(Self(condition)),
            _ => None,
        }
    }
}

fn expression(value: ArgValue) -> Option<Expr> {
    match value {
        ArgValue::Expr(expression) => Some(ungrouped(*expression)),
        ArgValue::Absent | ArgValue::Fields(_) => None,
    }
}

/// What came through a `macro_rules!` is wrapped in an invisible group.
fn ungrouped(expression: Expr) -> Expr {
    match expression {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn literal(expression: &Expr) -> Option<&Lit> {
    match expression {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            number(&unary.expr).map(|number| -number)
        }
        _ => match literal(expression)? {
            Lit::Float(number) => number.base10_parse().ok(),
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
    }
}
