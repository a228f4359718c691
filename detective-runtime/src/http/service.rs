//! The service around one route: begins the record and calls the handler inside it.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::MatchedPath;
use http::{Method, Request, Response};
use tower_service::Service;

use crate::http::capture;
use crate::http::future::ResponseFuture;
use crate::http::open::OpenRequest;
use crate::http::slot_cache::SlotCache;
use crate::metrics::{OTHER_METHOD, UNMATCHED};
use crate::propagation::PassedOn;
use crate::record::{Instance, Kind, Record};
use crate::rules::{Slot, Snapshot};
use crate::trace::context;
use crate::trace::context::{Place, Scope};

/// A service whose requests are recorded; made by [`DetectiveLayer`](crate::http::DetectiveLayer).
#[derive(Debug, Clone)]
pub struct DetectiveService<S> {
    inner: S,
    /// One pointer, since axum clones the service for each request.
    watched: Arc<Watched>,
}

/// Marks, in the extensions of a recorded request, that the current record belongs to this request.
/// A request without it was sent by the code that the record is about. Zero-sized, so that
/// inserting it does not allocate.
#[derive(Debug, Clone, Copy)]
struct Passed;

/// What all clones of a layered service share.
#[derive(Debug)]
pub(crate) struct Watched {
    instance: Arc<Instance>,
    slots: SlotCache,
}

impl<S> DetectiveService<S> {
    pub(crate) fn new(inner: S, watched: Watched) -> Self {
        Self {
            inner,
            watched: Arc::new(watched),
        }
    }
}

impl<S, B> Service<Request<Body>> for DetectiveService<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let is_head = request.method() == Method::HEAD;
        let mut open = self.watched.begin(&mut request);
        // `inside` is not used because it would move the large request into a closure first.
        let inside = open.enter();
        let inner = self.inner.call(request);
        inside.leave();
        ResponseFuture::new(inner, is_head, open)
    }
}

impl Watched {
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        Self {
            instance,
            slots: SlotCache::default(),
        }
    }

    /// Begins the record of a request, unless an outer layer has begun it already.
    fn begin(&self, request: &mut Request<Body>) -> OpenRequest {
        match context::place() {
            Place::Outside => {}
            Place::Recorded => {
                let is_passed = request.extensions().get::<Passed>().is_some();
                if is_passed && self.refine(request) {
                    return OpenRequest::outer();
                }
            }
            Place::Excluded => return OpenRequest::outer(),
        }
        if self.instance.is_off() {
            return self.excluded(request);
        }
        let mut record = self.instance.begin(Kind::Request);
        if !self.is_wanted(&mut record, request) {
            self.instance.records.give_back(record);
            return self.excluded(request);
        }
        capture::request(&mut record, request);
        if let Some(slot) = &record.request.slot {
            slot.cells.start(record.request.scheme());
        }
        request.extensions_mut().insert(Passed);
        OpenRequest::new(Scope::Record(record))
    }

    /// Finds the slot of the request, and returns whether its rule allows recording.
    fn is_wanted(&self, record: &mut Record, request: &Request<Body>) -> bool {
        let snapshot = &record.owner.snapshot;
        let slot = self.slot(request, snapshot, record.request.slot.take());
        let is_excluded = snapshot.route(&slot).excluded
            || (!slot.is_route && snapshot.config.http.excludes(request.uri().path()));
        record.request.slot = Some(slot);
        !is_excluded
    }

    /// A request that is not recorded. Its calls pass on the incoming trace headers.
    fn excluded(&self, request: &Request<Body>) -> OpenRequest {
        let is_believed = || self.instance.snapshot().config.tracing.trust_inbound;
        OpenRequest::new(Scope::Excluded(PassedOn::of(
            request.headers(),
            is_believed,
        )))
    }

    /// Gives the outer layer's record the route that only the inner router knows. Returns false if
    /// the current record is not for a request of this instance: other code may send a request of
    /// its own through a router.
    fn refine(&self, request: &Request<Body>) -> bool {
        let is_matched = request.extensions().get::<MatchedPath>().is_some();
        context::with_record(|record| {
            let owner = &record.owner;
            if record.kind != Kind::Request || !Arc::ptr_eq(&owner.instance, &self.instance) {
                return false;
            }
            if is_matched {
                let scheme = record.request.scheme();
                let slot = self.slot(request, &owner.snapshot, None);
                slot.cells.start(scheme);
                if let Some(outer) = record.request.slot.replace(slot) {
                    outer.cells.finish(scheme);
                }
            }
            true
        })
        .unwrap_or(false)
    }

    /// The slot of a request. `last` is the slot that the record had before. It is usually the
    /// same, and then no reference count changes.
    fn slot(
        &self,
        request: &Request<Body>,
        snapshot: &Snapshot,
        last: Option<Arc<Slot>>,
    ) -> Arc<Slot> {
        let method = request.method();
        let Some(path) = request.extensions().get::<MatchedPath>() else {
            let endpoint = snapshot
                .config
                .http
                .group(request.uri().path())
                .unwrap_or(UNMATCHED);
            return self.find_slot(known_method(method, snapshot), endpoint, false, snapshot);
        };
        if let Some(slot) = self.slots.get(method, path) {
            return last
                .filter(|last| Arc::ptr_eq(last, slot))
                .unwrap_or_else(|| Arc::clone(slot));
        }
        let name = known_method(method, snapshot);
        let slot = self.find_slot(name, path.as_str(), true, snapshot);
        if name != OTHER_METHOD {
            self.slots.add(method, path, &slot);
        }
        slot
    }

    fn find_slot(
        &self,
        method: &str,
        endpoint: &str,
        is_route: bool,
        snapshot: &Snapshot,
    ) -> Arc<Slot> {
        let instance = &self.instance;
        instance.slots.get(method, endpoint, is_route, || {
            instance
                .metrics
                .route(method, endpoint, &snapshot.bounds(endpoint))
        })
    }
}

fn known_method<'a>(method: &'a Method, snapshot: &Snapshot) -> &'a str {
    let name = method.as_str();
    if snapshot
        .config
        .http
        .known_methods
        .iter()
        .any(|known| known == name)
    {
        name
    } else {
        OTHER_METHOD
    }
}
