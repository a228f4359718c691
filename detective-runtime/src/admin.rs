//! `/metrics` and `/analytics`, behind the door that lets only loopback and holders of the token in.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::analytics::{self, Analytics, HealthSnapshot, Mode};
use crate::config::{Config, Protocol};
use crate::instance::Instance;
use crate::pipeline::Flusher;
use crate::reload::Reloader;
use crate::store::{Identity, Reader};

/// What the mounted pages need.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    instance: Arc<Instance>,
    reloader: Arc<Reloader>,
    reader: Option<Reader>,
    flusher: Flusher,
    identity: Identity,
}

impl Admin {
    pub(crate) fn new(
        instance: Arc<Instance>,
        reloader: Arc<Reloader>,
        reader: Option<Reader>,
        flusher: Flusher,
    ) -> Self {
        let snapshot = instance.snapshot();
        let identity = Identity::of(&snapshot.config.service);
        Self {
            instance,
            reloader,
            reader,
            flusher,
            identity,
        }
    }

    /// Closes what the pages read from.
    pub(crate) async fn close(&self) {
        if let Some(reader) = &self.reader {
            reader.close().await;
        }
    }

    /// The pages that the config wants.
    pub(crate) fn routes(&self) -> Router {
        let snapshot = self.instance.snapshot();
        let config = &snapshot.config;
        let access = self.reloader.access();
        let mut routes = Router::new();
        if config.metrics.enabled {
            let metrics = get(get_metrics).with_state(Arc::clone(&self.instance));
            routes = routes.route("/metrics", metrics);
        }
        if !config.analytics.enabled {
            return access.protect(routes);
        }
        let analytics = analytics::routes(Analytics {
            reader: self.reader.clone(),
            cache: self.instance.cache.clone(),
            cache_ttl: {
                let instance = Arc::clone(&self.instance);
                Arc::new(move || instance.snapshot().config.analytics.cache_ttl)
            },
            identity: self.identity.clone(),
            stats: Arc::clone(&self.instance.stats),
            settle: {
                let flusher = self.flusher.clone();
                Arc::new(move || {
                    let flusher = flusher.clone();
                    Box::pin(async move { flusher.flush_rows().await })
                })
            },
            health: {
                let (reloader, has_store) = (Arc::clone(&self.reloader), self.reader.is_some());
                let instance = Arc::clone(&self.instance);
                Arc::new(move || health(&instance, &reloader, has_store))
            },
        });
        let live = analytics::boost_routes(Arc::clone(&self.reloader))
            .merge(analytics::investigation_routes(Arc::clone(&self.instance)));
        // The sign-in is what opens the door, so it stands before it.
        access
            .protect(routes.merge(analytics).merge(live))
            .merge(access.sign_in_route())
    }
}

async fn get_metrics(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let (content_type, text) = instance.metrics.render(headers.get(ACCEPT));
    ([(CONTENT_TYPE, content_type)], text)
}

fn health(instance: &Instance, reloader: &Reloader, has_store: bool) -> HealthSnapshot {
    let config: &Config = &instance.snapshot().config;
    HealthSnapshot {
        store: if has_store { Mode::On } else { Mode::Off },
        cache: if instance.cache.is_shared() {
            Mode::On
        } else {
            Mode::Memory
        },
        exporter: match config.jaeger.protocol {
            Protocol::Off => Mode::Off,
            _ if !config.tracing.enabled => Mode::Off,
            _ => Mode::On,
        },
        config: reloader.health(),
        records: instance.metrics.queue("records"),
        rows: instance.metrics.queue("rows"),
        spans: instance.metrics.queue("spans"),
    }
}
