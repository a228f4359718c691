//! The route templates of a router.
//!
//! axum does not list its routes, but it answers requests. A copy of the router gets an extra
//! outermost layer, which answers every request with the template that it matched. So no handler
//! and no other layer is called. The templates to ask for come from the `Debug` text of the router.
//! Each is tested before it is used, so a change of that text only costs the list.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use futures_util::FutureExt;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

/// The routes of one router.
#[derive(Debug)]
pub(crate) struct Templates {
    /// A copy that answers with the template.
    router: Router,
    listed: Vec<String>,
    /// Mount points of services whose routes cannot be seen from outside.
    mounts: Vec<String>,
}

/// Which template a request would match.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Template(String),
    /// The fallback answers.
    Nothing,
    /// A mounted service answers and hides its routes, or the routes cannot be listed.
    Unknown,
}

/// How axum ends the template of a mounted service.
const MOUNT: &str = "/{*__private__axum_nest_tail_param}";

/// The value of a parameter. It is unlikely to be the name of another route.
const SEGMENT: &str = "detective-probe";

impl Templates {
    /// Lists the routes of `app`.
    pub(crate) fn of(app: &Router) -> Self {
        let (mounts, candidates): (Vec<String>, Vec<String>) = candidates(&format!("{app:?}"))
            .into_iter()
            .partition(|template| template.ends_with(MOUNT));
        let mut templates = Self {
            router: app.clone().layer(AnswerTemplate),
            listed: Vec::new(),
            mounts: mounts
                .iter()
                .map(|template| template.trim_end_matches(MOUNT).to_owned())
                .collect(),
        };
        let exists = |it: &String| templates.matched(&example_path(it)).as_ref() == Some(it);
        templates.listed = candidates.into_iter().filter(exists).collect();
        templates
    }

    /// All templates, sorted.
    pub(crate) fn listed(&self) -> &[String] {
        &self.listed
    }

    /// A stand-in for the routes below each mounted service.
    pub(super) fn below_mounts(&self) -> Vec<String> {
        let mounts = self.mounts.iter();
        mounts.map(|mount| format!("{mount}/?")).collect()
    }

    /// What answers a request for `template`.
    pub(super) fn ask(&self, template: &str) -> Answer {
        let path = example_path(template).replace('*', SEGMENT);
        if let Some(matched) = self.matched(&path) {
            return Answer::Template(matched);
        }
        let is_below = |mount: &String| {
            path.strip_prefix(mount.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if self.listed.is_empty() || self.mounts.iter().any(is_below) {
            Answer::Unknown
        } else {
            Answer::Nothing
        }
    }

    fn matched(&self, path: &str) -> Option<String> {
        let request = Request::get(path).body(Body::empty()).ok()?;
        let answer = self.router.clone().call(request).now_or_never()?;
        let matched = answer.ok()?.extensions().get::<MatchedPath>().cloned()?;
        Some(matched.as_str().to_owned())
    }
}

/// A path that matches a template, with a plausible value for each parameter.
pub(crate) fn example_path(template: &str) -> String {
    let mut path = String::with_capacity(template.len());
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // Doubled braces stand for braces.
            '{' | '}' if characters.next_if_eq(&character).is_some() => path.push(character),
            '{' => {
                characters.by_ref().find(|end| *end == '}');
                path.push_str(SEGMENT);
            }
            other => path.push(other),
        }
    }
    path
}

/// The texts that look like templates in the `Debug` text of a router: `RouteId(3):
/// "/users/{user_id}"`.
fn candidates(text: &str) -> Vec<String> {
    let mut templates: Vec<String> = text
        .split("RouteId(")
        .filter_map(|piece| {
            let (_, quoted) = piece.split_once("): \"")?;
            let template = quoted.split('"').next()?;
            template.starts_with('/').then(|| template.to_owned())
        })
        .collect();
    templates.sort();
    templates.dedup();
    templates
}

/// Answers every request with the template that it matched.
#[derive(Debug, Clone)]
struct AnswerTemplate;

impl<S> Layer<S> for AnswerTemplate {
    type Service = Self;

    fn layer(&self, _inner: S) -> Self {
        Self
    }
}

impl Service<Request<Body>> for AnswerTemplate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _task: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut answer = Response::new(Body::empty());
        if let Some(matched) = request.extensions().get::<MatchedPath>() {
            answer.extensions_mut().insert(matched.clone());
        }
        ready(Ok(answer))
    }
}
