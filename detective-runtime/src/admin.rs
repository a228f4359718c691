//! `/metrics` and `/analytics`, behind the door that lets only loopback and holders of the token in.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::analytics::{self, Access, Analytics, HealthSnapshot, Mode};
use crate::config::{Config, Protocol};
use crate::instance::Instance;
use crate::pipeline::Flusher;
use crate::store::{Identity, Reader};

/// What the mounted pages need.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    instance: Arc<Instance>,
    reader: Option<Reader>,
    flusher: Flusher,
    identity: Identity,
    access: Access,
}

impl Admin {
    pub(crate) fn new(instance: Arc<Instance>, reader: Option<Reader>, flusher: Flusher) -> Self {
        let snapshot = instance.snapshot.load_full();
        let config = &snapshot.config;
        let identity = Identity::of(&config.service);
        let access = Access::new(config.analytics.token.as_ref());
        Self {
            instance,
            reader,
            flusher,
            identity,
            access,
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
        let snapshot = self.instance.snapshot.load();
        let config = &snapshot.config;
        let mut routes = Router::new();
        if config.metrics.enabled {
            let metrics = get(get_metrics).with_state(Arc::clone(&self.instance));
            routes = routes.route("/metrics", metrics);
        }
        if !config.analytics.enabled {
            return self.access.protect(routes);
        }
        let analytics = analytics::routes(Analytics {
            reader: self.reader.clone(),
            cache: self.instance.cache.clone(),
            cache_ttl: config.analytics.cache_ttl,
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
                let (instance, has_store) = (Arc::clone(&self.instance), self.reader.is_some());
                Arc::new(move || health(&instance, has_store))
            },
        });
        // The sign-in is what opens the door, so it stands before it.
        self.access
            .protect(routes.merge(analytics))
            .merge(self.access.sign_in_route())
    }
}

async fn get_metrics(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let (content_type, text) = instance.metrics.render(headers.get(ACCEPT));
    ([(CONTENT_TYPE, content_type)], text)
}

fn health(instance: &Instance, has_store: bool) -> HealthSnapshot {
    let config: &Config = &instance.snapshot.load().config;
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
        records: instance.metrics.queue("records"),
        rows: instance.metrics.queue("rows"),
        spans: instance.metrics.queue("spans"),
    }
}
