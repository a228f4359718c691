//! `/metrics` and `/analytics`, behind the check that gives access to this machine and to holders of
//! the token.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::analytics;
use crate::analytics::{Access, Analytics, HealthSnapshot, Mode};
use crate::cache::Cache;
use crate::config::{Config, Protocol};
use crate::pipeline::Flusher;
use crate::record::Instance;
use crate::reload::Reloader;
use crate::store::{Identity, Reader};

/// What the mounted pages need.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    instance: Arc<Instance>,
    reloader: Arc<Reloader>,
    cache: Cache,
    access: Access,
    reader: Option<Reader>,
    flusher: Flusher,
    identity: Identity,
}

impl Admin {
    pub(crate) fn new(
        instance: Arc<Instance>,
        reloader: Arc<Reloader>,
        cache: Cache,
        reader: Option<Reader>,
        flusher: Flusher,
    ) -> Self {
        let snapshot = instance.snapshot();
        let identity = Identity::of(&snapshot.config.service);
        Self {
            access: Access::new(Arc::clone(&instance)),
            instance,
            reloader,
            cache,
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
        let access = &self.access;
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
            cache: self.cache.clone(),
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
                let admin = self.clone();
                Arc::new(move || admin.health())
            },
        });
        let live = analytics::boost_routes(Arc::clone(&self.reloader))
            .merge(analytics::investigation_routes(Arc::clone(&self.instance)));
        // The sign-in gives access, so it has no access check itself.
        access
            .protect(routes.merge(analytics).merge(live))
            .merge(access.sign_in_route())
    }

    fn health(&self) -> HealthSnapshot {
        let instance = &self.instance;
        let config: &Config = &instance.snapshot().config;
        HealthSnapshot {
            store: if self.reader.is_some() {
                Mode::On
            } else {
                Mode::Off
            },
            cache: if self.cache.is_shared() {
                Mode::On
            } else {
                Mode::Memory
            },
            exporter: match config.jaeger.protocol {
                Protocol::Off => Mode::Off,
                _ if !config.tracing.enabled => Mode::Off,
                _ => Mode::On,
            },
            config: self.reloader.health(),
            records: instance.metrics.queue("records"),
            rows: instance.metrics.queue("rows"),
            spans: instance.metrics.queue("spans"),
        }
    }
}

async fn get_metrics(
    State(instance): State<Arc<Instance>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let (content_type, text) = instance.metrics.render(headers.get(ACCEPT));
    ([(CONTENT_TYPE, content_type)], text)
}
