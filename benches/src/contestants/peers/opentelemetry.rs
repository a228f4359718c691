//! OpenTelemetry's SDK with its batch processor, by hand and through `tracing`.

use axum::body::Body;
use axum::extract::{MatchedPath, Path};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Tracer, TracerProvider};
use opentelemetry::{KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::by_hand::{ByHand, Hook};
use crate::app::{ROUTE, Toy, get_toy, toy};
use crate::contestants::Contestant;

/// Drops what it gets, or sends it by OTLP over HTTP.
#[derive(Debug)]
pub(super) enum Exporter {
    Null,
    Otlp(opentelemetry_otlp::SpanExporter),
}

impl Exporter {
    pub(super) fn new(endpoint: Option<&str>) -> Self {
        let Some(endpoint) = endpoint else {
            return Self::Null;
        };
        // The client that the exporter makes by default. Here it has to be named: Detective's own build enables the
        // other one, which would then be taken, and which wants a runtime that the batch processor's thread has not.
        // It may not be made on a thread that runs async code.
        let client = std::thread::spawn(reqwest::blocking::Client::new)
            .join()
            .expect("a client for plain HTTP can be made");
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .expect("the endpoint is valid");
        Self::Otlp(exporter)
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Null => {
                drop(batch);
                Ok(())
            }
            Self::Otlp(exporter) => exporter.export(batch).await,
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Self::Otlp(exporter) = self {
            exporter.set_resource(resource);
        }
    }
}

/// The SDK as its users set it up: batches of 512 spans, exported by a thread of its own.
pub(super) fn provider(endpoint: Option<&str>) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_batch_exporter(Exporter::new(endpoint))
        .with_resource(Resource::builder().with_service_name("toys").build())
        .build()
}

/// Lets `tracing` make its spans with the provider, as axum-tracing-opentelemetry asks for.
pub(super) fn subscribe(provider: &SdkTracerProvider) {
    global::set_text_map_propagator(TraceContextPropagator::new());
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,otel::tracing=trace"))
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("toys")))
        .init();
}

#[tracing::instrument]
pub(super) async fn get_toy_instrumented(Path(id): Path<u64>) -> Json<Toy> {
    toy(id)
}

pub(super) fn axum_tracing(endpoint: Option<&str>) -> Contestant {
    with_layer(Router::new().route(ROUTE, get(get_toy)), endpoint)
}

pub(super) fn axum_tracing_instrumented(endpoint: Option<&str>) -> Contestant {
    with_layer(
        Router::new().route(ROUTE, get(get_toy_instrumented)),
        endpoint,
    )
}

fn with_layer(app: Router, endpoint: Option<&str>) -> Contestant {
    let provider = provider(endpoint);
    subscribe(&provider);
    contestant(app.layer(OtelAxumLayer::default()), provider)
}

pub(super) fn sdk_by_hand(endpoint: Option<&str>) -> Contestant {
    let provider = provider(endpoint);
    let spans = Spans {
        tracer: provider.tracer("toys"),
        propagator: TraceContextPropagator::new(),
    };
    contestant(
        Router::new()
            .route(ROUTE, get(get_toy))
            .layer(ByHand::new(spans)),
        provider,
    )
}

fn contestant(app: Router, provider: SdkTracerProvider) -> Contestant {
    Contestant::with_background(app, move || {
        let provider = provider.clone();
        async move {
            provider
                .force_flush()
                .expect("the exporter takes everything")
        }
    })
}

struct Spans {
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Hook for Spans {
    type Open = opentelemetry_sdk::trace::Span;

    fn before(&self, request: &Request<Body>) -> Self::Open {
        let parent = self.propagator.extract(&HeaderExtractor(request.headers()));
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        let user_agent = request.headers().get(http::header::USER_AGENT);
        let user_agent = user_agent
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        self.tracer
            .span_builder(format!("{} {route}", request.method()))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", request.method().to_string()),
                KeyValue::new("http.route", route.to_owned()),
                KeyValue::new("url.path", request.uri().path().to_owned()),
                KeyValue::new("url.scheme", "http"),
                KeyValue::new("user_agent.original", user_agent.to_owned()),
            ])
            .start_with_context(&self.tracer, &parent)
    }

    fn after(&self, mut span: Self::Open, response: &Response) {
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(response.status().as_u16()),
        ));
        span.end();
    }
}
