//! Step two: what the user meant. Arguments get their types, and every function below the attribute its request.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Expr, ExprLit, GenericArgument, Ident, Lit, Meta, Path, PathArguments, ReturnType,
    Signature, Type, TypeParamBound, UnOp, token,
};

use crate::args::{self, Arg, ArgValue, Field};
use crate::errors::{Errors, nearest, one_of};
use crate::item::{Block, Function, Item, Member};

/// Every argument, as it is written in full.
const ARGUMENTS: [(&str, &str); 11] = [
    ("name", "name = \"..\""),
    ("fields", "fields(user_id, toys = cart.len())"),
    ("error_if", "error_if = |returned| .."),
    ("slow", "slow = \"250ms\""),
    ("sample", "sample = 0.1"),
    ("record", "record = false"),
    ("span", "span = false"),
    ("histogram", "histogram = false"),
    ("buckets", "buckets = [0.1, 0.5, 1.0]"),
    ("crate", "crate = path::to::detective"),
    ("skip", "skip"),
];

/// What one attribute asks for.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) name: Option<Given<String>>,
    pub(crate) fields: Option<Given<Vec<Field>>>,
    pub(crate) error_if: Option<Given<Expr>>,
    pub(crate) slow: Option<Given<Duration>>,
    pub(crate) sample: Option<Given<f64>>,
    pub(crate) record: Option<Given<bool>>,
    pub(crate) span: Option<Given<bool>>,
    pub(crate) histogram: Option<Given<bool>>,
    pub(crate) buckets: Option<Given<Vec<Given<f64>>>>,
    pub(crate) root: Option<Given<Path>>,
    pub(crate) skip: Option<Given<()>>,
}

/// A value with the tokens that it was read from, to be underlined when a rule refuses it.
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) tokens: TokenStream,
}

/// What the attribute stands on, with everything below it.
pub(crate) enum Subject {
    Function(Box<Investigated>),
    Block {
        block: BlockHead,
        members: Vec<Subject>,
    },
    /// Left as it is.
    Untouched(TokenStream),
}

/// A [`Block`] without its members.
pub(crate) struct BlockHead {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) header: TokenStream,
    pub(crate) brace: token::Brace,
}

/// A function that is to be recorded.
pub(crate) struct Investigated {
    pub(crate) function: Function,
    pub(crate) shape: Shape,
    pub(crate) request: Request,
    /// The name in the source, after the type or trait that it belongs to, where that is known.
    pub(crate) path: String,
    /// Whether the attribute stands on a block around it.
    pub(crate) in_block: bool,
    /// Attributes of ours beyond the first.
    pub(crate) repeated: Vec<Attribute>,
}

/// How a function gives its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// Returns when it is done.
    Plain,
    /// Returns an `impl Future`.
    Future,
    /// Returns a pinned box with a future in it.
    BoxedFuture,
}

impl Request {
    /// Gives each argument its type.
    pub(crate) fn new(arguments: Vec<Arg>, errors: &mut Errors) -> Self {
        let mut request = Self::default();
        for Arg { key, value } in arguments {
            match key.unraw().to_string().as_str() {
                "name" => set(&mut request.name, &key, text(&key, value, errors), errors),
                "fields" => set(
                    &mut request.fields,
                    &key,
                    fields(&key, value, errors),
                    errors,
                ),
                "error_if" => set(
                    &mut request.error_if,
                    &key,
                    closure(&key, value, errors),
                    errors,
                ),
                "slow" => set(
                    &mut request.slow,
                    &key,
                    duration(&key, value, errors),
                    errors,
                ),
                "sample" => set(
                    &mut request.sample,
                    &key,
                    number(&key, value, errors),
                    errors,
                ),
                "record" => set(
                    &mut request.record,
                    &key,
                    boolean(&key, value, errors),
                    errors,
                ),
                "span" => set(
                    &mut request.span,
                    &key,
                    boolean(&key, value, errors),
                    errors,
                ),
                "histogram" => set(
                    &mut request.histogram,
                    &key,
                    boolean(&key, value, errors),
                    errors,
                ),
                "buckets" => set(
                    &mut request.buckets,
                    &key,
                    numbers(&key, value, errors),
                    errors,
                ),
                "crate" => set(&mut request.root, &key, path(&key, value, errors), errors),
                "skip" => set(&mut request.skip, &key, flag(&key, &value, errors), errors),
                unknown => errors.add(&key, unknown_argument(unknown)),
            }
        }
        request
    }

    /// What a function of a block asks for: its own arguments, and those of the block where it has none.
    fn within(self, block: &Self) -> Self {
        Self {
            slow: self.slow.or_else(|| block.slow.clone()),
            sample: self.sample.or_else(|| block.sample.clone()),
            record: self.record.or_else(|| block.record.clone()),
            span: self.span.or_else(|| block.span.clone()),
            histogram: self.histogram.or_else(|| block.histogram.clone()),
            buckets: self.buckets.or_else(|| block.buckets.clone()),
            root: self.root.or_else(|| block.root.clone()),
            ..self
        }
    }
}

impl<T: Clone> Clone for Given<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            tokens: self.tokens.clone(),
        }
    }
}

impl Subject {
    /// Joins what the attribute asks for with what it stands on. The second request is that of the attribute when it
    /// stands on a block, whose functions take theirs from it.
    pub(crate) fn new(
        item: Item,
        request: Request,
        errors: &mut Errors,
    ) -> (Self, Option<Request>) {
        match item {
            Item::Function(mut function) => {
                let repeated = take_own_attributes(&mut function.attributes);
                (
                    investigated(*function, request, repeated, None, false),
                    None,
                )
            }
            Item::Block(block) => (below(block, &request, errors), Some(request)),
        }
    }
}

fn below(block: Block, request: &Request, errors: &mut Errors) -> Subject {
    let Block {
        attributes,
        header,
        owner,
        brace,
        members,
    } = block;
    let members = members
        .into_iter()
        .map(|member| match member {
            Member::Other(tokens) => Subject::Untouched(tokens),
            Member::Item(Item::Block(block)) => below(block, request, errors),
            Member::Item(Item::Function(function)) => {
                member_function(*function, request, owner.as_deref(), errors)
            }
        })
        .collect();
    Subject::Block {
        block: BlockHead {
            attributes,
            header,
            brace,
        },
        members,
    }
}

fn member_function(
    mut function: Function,
    block: &Request,
    owner: Option<&str>,
    errors: &mut Errors,
) -> Subject {
    let mut own = take_own_attributes(&mut function.attributes).into_iter();
    let request = match own.next() {
        Some(attribute) => Request::new(own_arguments(&attribute, errors), errors),
        None => Request::default(),
    };
    if request.skip.is_some() {
        return Subject::Untouched(function.into_token_stream());
    }
    investigated(function, request.within(block), own.collect(), owner, true)
}

fn investigated(
    function: Function,
    request: Request,
    repeated: Vec<Attribute>,
    owner: Option<&str>,
    in_block: bool,
) -> Subject {
    let name = function.signature.ident.unraw().to_string();
    Subject::Function(Box::new(Investigated {
        shape: Shape::of(&function.signature),
        path: owner.map_or_else(|| name.clone(), |owner| format!("{owner}::{name}")),
        function,
        request,
        in_block,
        repeated,
    }))
}

/// Removes the attributes of ours that are still to be expanded.
fn take_own_attributes(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    let is_own = |attribute: &mut Attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "investigate")
    };
    attributes.extract_if(.., is_own).collect()
}

fn own_arguments(attribute: &Attribute, errors: &mut Errors) -> Vec<Arg> {
    match &attribute.meta {
        Meta::Path(_) => Vec::new(),
        Meta::List(list) => args::parse(list.tokens.clone(), errors),
        Meta::NameValue(pair) => {
            errors.add(
                pair.eq_token,
                "expected arguments in parentheses: `#[investigate(name = \"..\")]`",
            );
            Vec::new()
        }
    }
}

impl Shape {
    fn of(signature: &Signature) -> Self {
        if signature.asyncness.is_some() {
            return Self::Async;
        }
        match &signature.output {
            ReturnType::Type(_, returned) if is_future(returned) => Self::Future,
            ReturnType::Type(_, returned) if is_boxed_future(returned) => Self::BoxedFuture,
            _ => Self::Plain,
        }
    }
}

fn is_future(returned: &Type) -> bool {
    match returned {
        Type::ImplTrait(opaque) => has_future_bound(&opaque.bounds),
        Type::TraitObject(object) => has_future_bound(&object.bounds),
        _ => false,
    }
}

fn has_future_bound<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    bounds.into_iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Future"),
        _ => false,
    })
}

/// `Pin<Box<dyn Future<..>>>`, or the names that the futures crates have for it.
fn is_boxed_future(returned: &Type) -> bool {
    let Type::Path(path) = returned else {
        return false;
    };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => true,
        "Pin" => only_type_argument(&last.arguments).is_some_and(|boxed| match boxed {
            Type::Path(boxed) => boxed.path.segments.last().is_some_and(|last| {
                last.ident == "Box" && only_type_argument(&last.arguments).is_some_and(is_future)
            }),
            _ => false,
        }),
        _ => false,
    }
}

fn only_type_argument(arguments: &PathArguments) -> Option<&Type> {
    match arguments {
        PathArguments::AngleBracketed(list) if list.args.len() == 1 => match list.args.first() {
            Some(GenericArgument::Type(argument)) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}

/// Puts a value in its place, which may be taken.
fn set<T>(place: &mut Option<Given<T>>, key: &Ident, given: Option<Given<T>>, errors: &mut Errors) {
    if place.is_some() {
        errors.add(key, format!("`{key}` is given twice"));
    } else {
        *place = given;
    }
}

fn unknown_argument(unknown: &str) -> String {
    let accepted = ARGUMENTS.map(|(key, _)| key);
    let meant = nearest(unknown, &accepted)
        .map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    format!(
        "unknown argument `{unknown}`{meant} (expected {})",
        one_of(&accepted)
    )
}

/// The complaint about a value of the wrong kind, under the value, or under the key when there is none.
fn expected<T>(key: &Ident, value: &ArgValue, what: &str, errors: &mut Errors) -> Option<T> {
    let name = key.unraw().to_string();
    let example = ARGUMENTS
        .iter()
        .find(|(key, _)| *key == name)
        .map_or("", |(_, example)| example);
    let message = format!("expected {what}: `{example}`");
    match value {
        ArgValue::Expr(value) => errors.add(value, message),
        ArgValue::Absent | ArgValue::Fields(_) => errors.add(key, message),
    }
    None
}

fn text(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<String>> {
    match &value {
        ArgValue::Expr(expr) => match literal(expr) {
            Some(Lit::Str(text)) => Some(Given {
                value: text.value(),
                tokens: expr.to_token_stream(),
            }),
            _ => expected(key, &value, "a text", errors),
        },
        _ => expected(key, &value, "a text", errors),
    }
}

fn fields(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<Vec<Field>>> {
    match value {
        ArgValue::Fields(fields) => Some(Given {
            value: fields,
            tokens: key.to_token_stream(),
        }),
        other => expected(key, &other, "a list in parentheses", errors),
    }
}

fn closure(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<Expr>> {
    match value {
        ArgValue::Expr(expr) if matches!(*expr, Expr::Closure(_) | Expr::Path(_)) => Some(Given {
            tokens: expr.to_token_stream(),
            value: *expr,
        }),
        other => expected(key, &other, "a closure or the path of a function", errors),
    }
}

fn duration(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<Duration>> {
    const WHAT: &str = "a text with a number and `ms`, `s` or `m`";
    match &value {
        ArgValue::Expr(expr) => match literal(expr) {
            Some(Lit::Str(text)) => match parse_duration(&text.value()) {
                Some(duration) => Some(Given {
                    value: duration,
                    tokens: expr.to_token_stream(),
                }),
                None => expected(key, &value, WHAT, errors),
            },
            _ => expected(key, &value, WHAT, errors),
        },
        _ => expected(key, &value, WHAT, errors),
    }
}

/// `250ms`, `1.5s`, `2m`.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let seconds_in_unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds_in_unit).ok()
}

fn boolean(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<bool>> {
    match &value {
        ArgValue::Expr(expr) => match literal(expr) {
            Some(Lit::Bool(flag)) => Some(Given {
                value: flag.value,
                tokens: expr.to_token_stream(),
            }),
            _ => expected(key, &value, "`true` or `false`", errors),
        },
        _ => expected(key, &value, "`true` or `false`", errors),
    }
}

fn number(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<f64>> {
    match &value {
        ArgValue::Expr(expr) => match parse_number(expr) {
            Some(number) => Some(Given {
                value: number,
                tokens: expr.to_token_stream(),
            }),
            None => expected(key, &value, "a number", errors),
        },
        _ => expected(key, &value, "a number", errors),
    }
}

fn numbers(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<Vec<Given<f64>>>> {
    const WHAT: &str = "a list of numbers in seconds";
    let ArgValue::Expr(expr) = &value else {
        return expected(key, &value, WHAT, errors);
    };
    let Expr::Array(list) = expr.as_ref() else {
        return expected(key, &value, WHAT, errors);
    };
    let mut bounds = Vec::new();
    for element in &list.elems {
        match parse_number(element) {
            Some(number) => bounds.push(Given {
                value: number,
                tokens: element.to_token_stream(),
            }),
            None => errors.add(element, "expected a number, in seconds"),
        }
    }
    Some(Given {
        value: bounds,
        tokens: expr.to_token_stream(),
    })
}

fn path(key: &Ident, value: ArgValue, errors: &mut Errors) -> Option<Given<Path>> {
    match value {
        ArgValue::Expr(expr) => match *expr {
            Expr::Path(path) if path.qself.is_none() => Some(Given {
                tokens: path.to_token_stream(),
                value: path.path,
            }),
            other => expected(
                key,
                &ArgValue::Expr(Box::new(other)),
                "a path without quotes",
                errors,
            ),
        },
        other => expected(key, &other, "a path", errors),
    }
}

fn flag(key: &Ident, value: &ArgValue, errors: &mut Errors) -> Option<Given<()>> {
    match value {
        ArgValue::Absent => Some(Given {
            value: (),
            tokens: key.to_token_stream(),
        }),
        _ => expected(key, value, "no value", errors),
    }
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        // A literal that came through a `macro_rules!` is wrapped in an invisible group.
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn parse_number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            parse_number(&unary.expr).map(|number| -number)
        }
        _ => match literal(expr)? {
            Lit::Float(number) => number.base10_parse().ok(),
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
    }
}
