//! Tests work that is not inside a request: spawned, late, or without any request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use detective::testing::{Outcome, Sinks};
use detective::{InCurrentContext, investigate};
use futures_util::{FutureExt, stream};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::{request, watch};

#[investigate]
async fn send_receipt() -> Result<(), String> {
    tokio::task::yield_now().await;
    add_stamp();
    Ok(())
}

#[investigate]
fn add_stamp() {}

#[investigate]
async fn nightly(fail: bool) -> Result<(), &'static str> {
    add_stamp();
    if fail {
        Err("the moon is full")
    } else {
        Ok(())
    }
}

#[investigate]
async fn awaited() {
    tokio::spawn(send_receipt().in_current_context())
        .await
        .unwrap()
        .unwrap();
}

#[investigate]
async fn awaited_and_fails() -> StatusCode {
    awaited_inside().await;
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn awaited_inside() {
    tokio::spawn(send_receipt().in_current_context())
        .await
        .unwrap()
        .unwrap();
}

/// A route whose handler spawns work. The work continues when `go` allows it, after the response.
fn detached(go: Arc<Notify>, done: Arc<Notify>, status: StatusCode) -> Router {
    #[investigate]
    async fn orders(go: Arc<Notify>, done: Arc<Notify>, status: StatusCode) -> StatusCode {
        let work = async move {
            go.notified().await;
            send_receipt().await.unwrap();
        };
        let work = work.in_current_context();
        tokio::spawn(async move {
            work.await;
            done.notify_one();
        });
        status
    }
    let handler = move || orders(go.clone(), done.clone(), status);
    Router::new().route("/orders", get(handler))
}

async fn detached_tree(toml: &str, status: StatusCode) -> (String, String) {
    let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let watched = watch(toml, detached(go.clone(), done.clone(), status)).await;
    watched.get("/orders").await;
    let before = watched.sinks.tree().await;
    go.notify_one();
    done.notified().await;
    (before, watched.sinks.tree().await)
}

#[tokio::test]
async fn spawned_work_that_ends_before_its_request() {
    let app = Router::new().route("/", get(awaited));
    let watched = watch("", app).await;
    watched.get("/").await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  awaited (internal)\n    send_receipt (internal)\n      add_stamp (internal)\n"
    );
    watched.check(&[("/", "GET", Some(200), Outcome::Ok)]).await;
}

#[tokio::test]
async fn spawned_work_that_ends_after_its_request() {
    let (before, after) = detached_tree("", StatusCode::OK).await;
    assert_eq!(before, "GET /orders (server)\n  orders (internal)\n");
    assert_eq!(
        after,
        "GET /orders (server)\n  orders (internal)\n    send_receipt (internal)\n      add_stamp (internal)\n"
    );
}

#[tokio::test]
async fn spawned_work_shares_the_fate_of_its_request() {
    let toml = "[tracing]\nsample = 0.0";
    let kept = "GET /orders (server) !\n  orders (internal)\n    send_receipt (internal)\n      add_stamp (internal)\n";
    let (_, tree) = detached_tree(toml, StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!(tree, kept);
    let (_, tree) = detached_tree(toml, StatusCode::OK).await;
    assert_eq!(tree, "");

    // The same when the work ends first and must wait for the decision.
    let app = Router::new()
        .route("/", get(awaited))
        .route("/fails", get(awaited_and_fails));
    let watched = watch(toml, app).await;
    watched.get("/").await;
    assert_eq!(watched.sinks.tree().await, "");
    watched.get("/fails").await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET /fails (server) !\n  awaited_and_fails (internal)\n    send_receipt (internal)\n      add_stamp (internal)\n"
    );
}

/// A function's rule decides at the end of the request, whatever flag was sent downstream.
#[tokio::test]
async fn spawned_work_shares_the_fate_that_the_handler_chose() {
    let toml = r#"investigate."lifecycle::work::*".sample = 0.0"#;
    let (_, tree) = detached_tree(toml, StatusCode::OK).await;
    assert_eq!(tree, "");
}

#[tokio::test]
async fn span_that_ends_after_its_request() {
    let keep = Arc::new(std::sync::Mutex::new(None));
    let slot = Arc::clone(&keep);
    let handler = move || async move {
        let mut span = detective::start_span("packing");
        span.mark_error("there is no tape left");
        *slot.lock().unwrap() = Some(span);
    };
    // So this instance is not the one that was started first in this process.
    let _other = watch("", Router::new()).await;
    let watched = watch("", Router::new().route("/", get(handler))).await;
    watched.get("/").await;
    assert_eq!(watched.sinks.tree().await, "GET / (server)\n");
    drop(keep.lock().unwrap().take());
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  packing (internal) ! there is no tape left\n"
    );
}

#[tokio::test]
async fn span_that_ends_after_the_spawned_work_that_began_it() {
    let keep = Arc::new(std::sync::Mutex::new(None));
    let slot = Arc::clone(&keep);
    let handler = move || async move {
        let work = async move {
            *slot.lock().unwrap() = Some(detective::start_span("packing"));
        };
        tokio::spawn(work.in_current_context()).await.unwrap();
    };
    let watched = watch("", Router::new().route("/", get(handler))).await;
    watched.get("/").await;
    assert_eq!(watched.sinks.tree().await, "GET / (server)\n");
    drop(keep.lock().unwrap().take());
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  packing (internal)\n"
    );
}

#[tokio::test]
async fn function_that_outlives_its_request() {
    let go = Arc::new(Notify::new());
    let (started, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    #[investigate]
    async fn stubborn(go: Arc<Notify>) {
        go.notified().await;
    }
    let (wait, began, ended) = (go.clone(), started.clone(), done.clone());
    // Begun inside the request, then moved to a task without its context.
    let handler = move || async move {
        let mut work = Box::pin(stubborn(wait));
        assert!(futures_util::poll!(&mut work).is_pending());
        began.notify_one();
        tokio::spawn(async move {
            work.await;
            ended.notify_one();
        });
    };
    let watched = watch("", Router::new().route("/", get(handler))).await;
    watched.get("/").await;
    started.notified().await;
    assert_eq!(watched.sinks.tree().await, "GET / (server)\n");
    go.notify_one();
    done.notified().await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  stubborn (internal)\n"
    );
}

async fn scoped<F: Future>(toml: &str, work: F) -> (F::Output, Sinks) {
    let watched = watch(toml, Router::new()).await;
    let output = watched.detective.handle().scope(work).await;
    watched.check(&[]).await;
    (output, watched.sinks)
}

#[tokio::test]
async fn function_outside_any_request_is_a_root() {
    let (_, sinks) = scoped("", nightly(false)).await;
    assert_eq!(
        sinks.tree().await,
        "nightly (internal)\n  add_stamp (internal)\n"
    );
    let (_, sinks) = scoped("[tracing]\nsample = 0.0", async {
        let _ = nightly(false).await;
        nightly(true).await
    })
    .await;
    assert_eq!(
        sinks.tree().await,
        "nightly (internal) ! the moon is full\n  add_stamp (internal)\n"
    );
    let count = "function_duration_seconds_count{function=\"nightly\",module=\"lifecycle::work\"";
    assert_eq!(sinks.metric(&format!("{count},result=\"ok\"}}")), Some(1.0));
    assert_eq!(
        sinks.metric(&format!("{count},result=\"error\"}}")),
        Some(1.0)
    );
}

#[tokio::test]
async fn function_outside_any_request_may_be_dropped_or_panic() {
    #[investigate]
    async fn waits() {
        std::future::pending().await
    }
    #[investigate]
    fn breaks() {
        panic!("it is broken")
    }
    let (_, sinks) = scoped("", async {
        let mut work = Box::pin(waits());
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        std::panic::catch_unwind(breaks).unwrap_err();
    })
    .await;
    assert_eq!(
        sinks.tree().await,
        "waits (internal)\nbreaks (internal) ! it is broken\n"
    );
}

/// A job that sends a request through a router of its own process.
#[tokio::test]
async fn request_below_a_function_outside_any_request() {
    #[investigate]
    async fn job(app: Router) -> String {
        let response = app.oneshot(request("GET", "/")).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 100).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    }
    let watched = watch("", Router::new().route("/", get(async || "hello"))).await;
    let job = job(watched.app.clone());
    let answer = watched.detective.handle().scope(job).await;
    assert_eq!(answer, "hello");
    watched.check(&[("/", "GET", Some(200), Outcome::Ok)]).await;
}

#[tokio::test]
async fn excluded_routes_leave_nothing_of_what_they_call() {
    #[investigate]
    async fn live() -> Body {
        send_receipt().await.unwrap();
        tokio::spawn(send_receipt().in_current_context())
            .await
            .unwrap()
            .unwrap();
        Body::from_stream(stream::once(async {
            send_receipt().await?;
            Ok::<_, String>("alive")
        }))
    }
    let toml = r#"http.exclude = ["/live", "/raw/*"]"#;
    let app = Router::new().route("/live", get(live)).nest_service(
        "/raw",
        get(|| async { send_receipt().await.map(|()| "raw") }),
    );
    let watched = watch(toml, app).await;
    let requests = async {
        assert_eq!(watched.get("/live").await.1, "alive");
        assert_eq!(watched.get("/raw/1").await.1, "raw");
    };
    watched.detective.handle().scope(requests).await;
    watched.check(&[]).await;
    assert_eq!(watched.sinks.tree().await, "");
    assert_eq!(watched.total("function_duration_seconds_count"), 0.0);
}

#[tokio::test]
async fn manual_spans_fields_and_the_trace_id() {
    let handler = async || {
        detective::set_consumer("ada");
        detective::set_field("basket", 3);
        let span = detective::start_span("wrapping");
        detective::set_field("paper", "red");
        span.set_field("ribbon", true);
        add_stamp();
        drop(span);
        detective::trace_id().unwrap()
    };
    let watched = watch("", Router::new().route("/", get(handler))).await;
    let (_, trace_id) = watched.get("/").await;
    let row = watched.row().await;
    assert_eq!(row.consumer.as_deref(), Some("ada"));
    assert_eq!(format!("{:032x}", row.trace_id.unwrap()), trace_id);
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server) basket=3\n  wrapping (internal) ribbon=true\n  add_stamp (internal)\n"
            .replace("basket=3", "basket=3 paper=\"red\"")
    );
    assert_eq!(detective::trace_id(), None);
}

#[tokio::test]
async fn concurrent_branches_keep_their_parents() {
    #[investigate]
    async fn branch(name: &'static str) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        leaf(name).await;
    }
    #[investigate(fields(of))]
    async fn leaf(of: &'static str) {
        tokio::task::yield_now().await;
    }
    #[investigate]
    async fn both() {
        futures_util::future::join(branch("left"), branch("right")).await;
    }
    let watched = watch("", Router::new().route("/", get(both))).await;
    watched.get("/").await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET / (server)\n  both (internal)\n    branch (internal)\n      leaf (internal) of=\"left\"\n    \
         branch (internal)\n      leaf (internal) of=\"right\"\n"
    );
}

#[tokio::test]
async fn spans_beyond_the_limit_are_counted() {
    #[investigate]
    async fn many() {
        for _ in 0..10 {
            add_stamp();
        }
    }
    let watched = watch(
        "[tracing]\nmax_spans = 4",
        Router::new().route("/", get(many)),
    )
    .await;
    watched.get("/").await;
    assert_eq!(watched.sinks.spans().await.len(), 5);
    let dropped = r#"detective_dropped_total{reason="span_limit"}"#;
    assert_eq!(watched.sinks.metric(dropped), Some(7.0));
    // All calls are counted, even those whose spans did not fit.
    assert_eq!(watched.total("function_duration_seconds_count"), 10.0);
    assert!(watched.get("/").now_or_never().is_some());
}
