//! `/analytics/investigations`: every investigated function and every known route, with what is in
//! force for it and what decided that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::attribute::{Callsite, callsite};
use crate::record::Instance;
use crate::rules::Snapshot;
use crate::rules::decided::{Decided, Decisions};

/// The answer. Lists are in the order of their paths, so that two answers can be compared.
#[derive(Debug, Serialize)]
struct Investigations {
    profile: String,
    /// Of the configuration, as on `/analytics/health`.
    generation: u64,
    functions: Vec<FunctionAnswer>,
    /// Those that were asked for since the start: axum does not tell which others there are.
    routes: Vec<RouteAnswer>,
}

#[derive(Debug, Serialize)]
struct FunctionAnswer {
    name: &'static str,
    /// What `[investigate."..."]` is matched with.
    path: &'static str,
    file: &'static str,
    line: u32,
    /// Since the start. Calls as the handler of a request are counted when the request has ended.
    calls: u64,
    /// Calls that returned an error or panicked.
    errors: u64,
    /// Seconds of all calls together. Of a handler it is the time of the whole request.
    total_time: f64,
    /// Seconds; `None` before the first call.
    avg_time: Option<f64>,
    in_force: Decisions,
}

#[derive(Debug, Serialize)]
struct RouteAnswer {
    endpoint: String,
    methods: BTreeSet<String>,
    excluded: Decided<bool>,
    in_force: Decisions,
}

/// The route, without an access check: see [`Access`](super::Access).
pub(crate) fn investigation_routes(instance: Arc<Instance>) -> Router {
    Router::new()
        .route("/analytics/investigations", get(get_investigations))
        .with_state(instance)
}

async fn get_investigations(State(instance): State<Arc<Instance>>) -> Json<Investigations> {
    let snapshot = instance.snapshot();
    let functions = callsite::all()
        .iter()
        .map(|callsite| function(&instance, &snapshot, callsite))
        .collect();
    Json(Investigations {
        profile: snapshot.profile.clone(),
        generation: snapshot.generation,
        functions,
        routes: routes(&instance, &snapshot),
    })
}

fn function(
    instance: &Instance,
    snapshot: &Snapshot,
    callsite: &'static Callsite,
) -> FunctionAnswer {
    let site = callsite.site();
    let calls = instance.calls(callsite);
    let total_time = calls.nanos as f64 / 1e9;
    FunctionAnswer {
        name: site.name,
        path: callsite.path(),
        file: site.file,
        line: site.line,
        calls: calls.count,
        errors: calls.errors,
        total_time,
        avg_time: (calls.count > 0).then(|| total_time / calls.count as f64),
        in_force: snapshot.in_force_for_function(callsite),
    }
}

fn routes(instance: &Instance, snapshot: &Snapshot) -> Vec<RouteAnswer> {
    let mut methods = BTreeMap::<String, BTreeSet<String>>::new();
    for slot in instance.slots.all().iter().filter(|slot| slot.is_route) {
        let methods = methods.entry(slot.endpoint.to_string()).or_default();
        methods.insert(slot.method.to_string());
    }
    methods
        .into_iter()
        .map(|(endpoint, methods)| RouteAnswer {
            excluded: snapshot.excluded(&endpoint),
            in_force: snapshot.in_force_for_route(&endpoint),
            endpoint,
            methods,
        })
        .collect()
}
