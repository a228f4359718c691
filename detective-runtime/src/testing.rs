//! Sinks in memory, for assertions on what a program records.
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use detective::{investigate, testing};
//! use tower::ServiceExt;
//!
//! #[investigate(fields(name))]
//! async fn greet(axum::extract::Path(name): axum::extract::Path<String>) -> String {
//!     format!("hello {name}")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (detective, sinks) = testing::start("").await?;
//! let app = detective.watch(Router::new().route("/greet/{name}", get(greet)));
//! let response = app.oneshot(Request::get("/greet/ada").body(Body::empty())?).await?;
//! axum::body::to_bytes(response.into_body(), usize::MAX).await?;
//!
//! assert_eq!(sinks.tree().await, "GET /greet/{name} (server)\n  greet (internal) name=\"ada\"\n");
//! assert_eq!(sinks.rows().await[0].endpoint, "/greet/{name}");
//! let requests = r#"http_requests_total{endpoint="/greet/{name}",method="GET",status="200"}"#;
//! assert_eq!(sinks.metric(requests), Some(1.0));
//! # Ok(())
//! # }
//! ```

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Loaded, Loader};
use crate::error::StartError;
use crate::export::{ExportQueue, ExportSpan, Exporter, MemoryExporter};
use crate::lifecycle::parts::{Parts, recycle};
use crate::lifecycle::{Builder, Detective};
use crate::pipeline::{self, Flusher, Pipeline, RowSink};
use crate::record::Instance;
use crate::survey::Survey;
use crate::value::Value;

pub use crate::export::SpanKind;
pub use crate::record::Outcome;
pub use crate::store::ApiMetric;

/// Starts a Detective that writes only to memory. `toml` holds the settings, in the form of
/// `detective.toml`. It reads neither files nor the environment, so tests do not depend on them.
///
/// # Errors
///
/// As [`Detective::start`].
pub async fn start(toml: &str) -> Result<(Detective, Sinks), StartError> {
    start_with(Builder::isolated(toml)).await
}

/// As [`start`], with the settings of a [`builder`](Detective::builder): from its file, from the
/// environment and from its calls. The file is read again only when the test calls
/// [`Detective::reload`].
///
/// # Errors
///
/// As [`Detective::start`].
pub async fn start_with(builder: Builder) -> Result<(Detective, Sinks), StartError> {
    let loaded = builder.loader.load()?;
    let survey = Survey::new(&loaded);
    survey.enforce(survey.functions())?;
    start_loaded(builder.loader, loaded, survey).await
}

/// Starts with what was loaded, and with sinks in memory.
pub(crate) async fn start_loaded(
    loader: Loader,
    loaded: Loaded,
    survey: Survey,
) -> Result<(Detective, Sinks), StartError> {
    let parts = Parts::new(loader, loaded, survey)?;
    // The test decides when the file is read again.
    let reloader = Arc::clone(&parts.reloader);
    let beside = async move { reloader.watch_boosts().await };
    let (spans, rows) = (MemoryExporter::default(), Arc::default());
    let open = {
        let (instance, spans, rows) = (
            Arc::clone(&parts.instance),
            spans.clone(),
            Arc::clone(&rows),
        );
        move || Ok(sinks(&instance, spans, rows))
    };
    let pipeline = Pipeline::start(Arc::clone(&parts.instance), beside, open).await?;
    let sinks = Sinks {
        spans,
        rows,
        instance: Arc::clone(&parts.instance),
        flusher: pipeline.flusher(),
    };
    Ok((parts.finish(pipeline, None).await?, sinks))
}

/// Sinks that keep what they receive. Call it on the pipeline's thread.
fn sinks(
    instance: &Arc<Instance>,
    spans: MemoryExporter,
    rows: Arc<Mutex<Vec<ApiMetric>>>,
) -> pipeline::Sinks {
    let config = &instance.snapshot().config;
    let stats = Arc::clone(&instance.stats);
    let exporter = Exporter::Memory(spans);
    pipeline::Sinks {
        export: ExportQueue::start(exporter, &config.jaeger, stats, recycle(instance)),
        rows: if config.store.enabled {
            RowSink::Memory(rows)
        } else {
            RowSink::Off
        },
    }
}

/// What a program recorded.
#[derive(Debug, Clone)]
pub struct Sinks {
    pub(crate) spans: MemoryExporter,
    pub(crate) rows: Arc<Mutex<Vec<ApiMetric>>>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) flusher: Flusher,
}

/// One span of a kept trace.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The trace's id.
    pub trace_id: u128,
    /// The span's own id.
    pub span_id: u64,
    /// The parent's id; zero for a root.
    pub parent_span_id: u64,
    /// The name.
    pub name: String,
    /// The role.
    pub kind: SpanKind,
    /// Nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// Nanoseconds since the Unix epoch.
    pub end_unix_nanos: u64,
    /// Attributes in the order in which they were set.
    pub attributes: Vec<(String, Value)>,
    /// Names of the events, with their attributes.
    pub events: Vec<(String, Vec<(String, Value)>)>,
    /// The description of an error status. It is empty if the attributes say everything.
    pub error: Option<String>,
}

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

impl Sinks {
    /// Every row so far.
    pub async fn rows(&self) -> Vec<ApiMetric> {
        self.flusher.flush().await;
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every span of the kept traces so far, in the order in which they began.
    pub async fn spans(&self) -> Vec<Span> {
        self.flusher.flush().await;
        let mut spans = self
            .spans
            .spans()
            .iter()
            .map(Span::from)
            .collect::<Vec<_>>();
        spans.sort_by_key(|span| span.start_unix_nanos);
        spans
    }

    /// The kept traces as indented text. Each span is one line: its name, its kind, its fields, and `!`
    /// with the text of its error. The attributes that Detective itself adds are not shown.
    pub async fn tree(&self) -> String {
        let spans = self.spans().await;
        let mut tree = String::new();
        for root in spans
            .iter()
            .filter(|span| !spans.iter().any(|other| is_parent(other, span)))
        {
            write_branch(&mut tree, &spans, root, 0);
        }
        tree
    }

    /// What `/metrics` shows now, as Prometheus text.
    pub fn metrics(&self) -> String {
        self.instance.metrics.render(None).1
    }

    /// The value of one sample of [`metrics`](Self::metrics). `sample` is its name and labels, exactly
    /// as in that text.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let metrics = self.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        line.parse().ok()
    }
}

impl From<&ExportSpan> for Span {
    fn from(span: &ExportSpan) -> Self {
        let attributes = |from: &[crate::export::Attribute]| {
            from.iter()
                .map(|(key, value)| (key.to_string(), value.clone()))
                .collect()
        };
        Self {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            name: span.name.to_string(),
            kind: span.kind,
            start_unix_nanos: span.start_unix_nanos,
            end_unix_nanos: span.end_unix_nanos,
            attributes: attributes(&span.attributes),
            events: span
                .events
                .iter()
                .map(|event| (event.name.to_string(), attributes(&event.attributes)))
                .collect(),
            error: span.error.clone(),
        }
    }
}

fn is_parent(parent: &Span, child: &Span) -> bool {
    parent.trace_id == child.trace_id && parent.span_id == child.parent_span_id
}

/// Attributes of these families come from Detective, not from the program.
const OWN_ATTRIBUTES: &[&str] = &[
    "cache.",
    "client.",
    "code.",
    "db.",
    "detective.",
    "error.",
    "http.",
    "network.",
    "server.",
    "url.",
    "user_agent.",
];

fn write_branch(tree: &mut String, spans: &[Span], span: &Span, depth: usize) {
    let kind = match span.kind {
        SpanKind::Server => "server",
        SpanKind::Internal => "internal",
        SpanKind::Client => "client",
    };
    // Writing to a String does not fail.
    let _ = write!(
        tree,
        "{:indent$}{} ({kind})",
        "",
        span.name,
        indent = 2 * depth
    );
    for (key, value) in &span.attributes {
        if !OWN_ATTRIBUTES.iter().any(|family| key.starts_with(family)) {
            let _ = write!(tree, " {key}={value}");
        }
    }
    if let Some(error) = &span.error {
        let separator = if error.is_empty() { "" } else { " " };
        let _ = write!(tree, " !{separator}{error}");
    }
    tree.push('\n');
    for child in spans.iter().filter(|child| is_parent(span, child)) {
        write_branch(tree, spans, child, depth + 1);
    }
}
