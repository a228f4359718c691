//! Tests the route under which a request is recorded.

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{any, get, get_service, post};
use axum::{Json, Router};
use detective::investigate;
use detective::testing::{self, Outcome};
use http_body_util::BodyExt;
use serde::Deserialize;
use tower::ServiceExt;

use crate::{Watched, request, watch};

async fn check(
    app: Router,
    requests: &[(&str, &str)],
    expected: &[(&str, &str, Option<u16>, Outcome)],
) {
    let watched = watch("", app).await;
    send_all(&watched, requests).await;
    watched.check(expected).await;
}

async fn send_all(watched: &Watched, requests: &[(&str, &str)]) {
    for (method, path) in requests {
        watched.send(request(method, path)).await;
    }
}

fn toys() -> Router {
    Router::new()
        .route("/", get(async || "toys"))
        .route("/{id}", get(async || "toy").post(async || "sold"))
}

#[tokio::test]
async fn nested_router() {
    check(
        Router::new().nest("/shop", Router::new().nest("/toys", toys())),
        &[
            ("GET", "/shop/toys"),
            ("GET", "/shop/toys/7"),
            ("POST", "/shop/toys/7"),
            ("GET", "/shop/nowhere"),
        ],
        &[
            ("/shop/toys", "GET", Some(200), Outcome::Ok),
            ("/shop/toys/{id}", "GET", Some(200), Outcome::Ok),
            ("/shop/toys/{id}", "POST", Some(200), Outcome::Ok),
            ("unmatched", "GET", Some(404), Outcome::ClientError),
        ],
    )
    .await;
}

#[tokio::test]
async fn merged_router_and_one_router_in_two_places() {
    check(
        Router::new()
            .merge(Router::new().route("/merged/{id}", get(async || "merged")))
            .nest("/one", toys())
            .nest("/other", toys()),
        &[
            ("GET", "/merged/1"),
            ("GET", "/one/1"),
            ("GET", "/other/1"),
            ("GET", "/one/2"),
        ],
        &[
            ("/merged/{id}", "GET", Some(200), Outcome::Ok),
            ("/one/{id}", "GET", Some(200), Outcome::Ok),
            ("/other/{id}", "GET", Some(200), Outcome::Ok),
            ("/one/{id}", "GET", Some(200), Outcome::Ok),
        ],
    )
    .await;
}

#[tokio::test]
async fn one_watched_router_in_two_places() {
    let (detective, sinks) = testing::start("").await.unwrap();
    let layered = toys().layer(detective.layer());
    let app = Router::new()
        .nest("/one", layered.clone())
        .nest("/other", layered);
    let watched = Watched {
        detective,
        sinks,
        app: app.with_state(()),
    };
    send_all(
        &watched,
        &[("GET", "/one/1"), ("GET", "/other/1"), ("HEAD", "/one/2")],
    )
    .await;
    watched
        .check(&[
            ("/one/{id}", "GET", Some(200), Outcome::Ok),
            ("/other/{id}", "GET", Some(200), Outcome::Ok),
            ("/one/{id}", "HEAD", Some(200), Outcome::Ok),
        ])
        .await;
}

#[tokio::test]
async fn fallback_and_wrong_method() {
    let requests = [
        ("GET", "/nowhere"),
        ("DELETE", "/toys/7"),
        ("BREW", "/toys/7"),
        ("BREW", "/nowhere"),
    ];
    let expected = [
        ("unmatched", "GET", Some(404), Outcome::ClientError),
        ("/toys/{id}", "DELETE", Some(405), Outcome::ClientError),
        ("/toys/{id}", "_OTHER", Some(405), Outcome::ClientError),
        ("unmatched", "_OTHER", Some(404), Outcome::ClientError),
    ];
    let app = Router::new().nest("/toys", toys());
    check(app.clone(), &requests, &expected).await;
    let own = app
        .fallback(async || (StatusCode::NOT_FOUND, "not here"))
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, "not like this"));
    check(own, &requests, &expected).await;
}

#[tokio::test]
async fn several_methods_on_one_service() {
    check(
        Router::new().route("/any", any(async || "anything")),
        &[
            ("GET", "/any"),
            ("PUT", "/any"),
            ("OPTIONS", "/any"),
            ("BREW", "/any"),
            ("HEAD", "/any"),
        ],
        &[
            ("/any", "GET", Some(200), Outcome::Ok),
            ("/any", "PUT", Some(200), Outcome::Ok),
            ("/any", "OPTIONS", Some(200), Outcome::Ok),
            ("/any", "_OTHER", Some(200), Outcome::Ok),
            ("/any", "HEAD", Some(200), Outcome::Ok),
        ],
    )
    .await;
}

#[tokio::test]
async fn mounted_service_without_a_layer_of_its_own() {
    let mounted = Router::new()
        .nest_service("/mounted", toys())
        .route_service("/service", get_service(toys().fallback(async || "service")));
    check(
        mounted.clone(),
        &[("GET", "/mounted/7"), ("GET", "/service")],
        &[
            ("unmatched", "GET", Some(200), Outcome::Ok),
            ("/service", "GET", Some(200), Outcome::Ok),
        ],
    )
    .await;

    let named = watch(r#"http.groups = { "/mounted/*" = "/mounted" }"#, mounted).await;
    send_all(&named, &[("GET", "/mounted/7")]).await;
    named
        .check(&[("/mounted", "GET", Some(200), Outcome::Ok)])
        .await;
    assert_eq!(named.sinks.tree().await, "GET (server)\n");
}

#[tokio::test]
async fn mounted_service_with_a_layer_of_its_own() {
    let (detective, sinks) = testing::start("").await.unwrap();
    let inner = toys().layer(detective.layer()).with_state(());
    let app = detective.watch(Router::new().nest_service("/mounted", inner));
    let watched = Watched {
        detective,
        sinks,
        app,
    };
    send_all(
        &watched,
        &[
            ("GET", "/mounted/7"),
            ("POST", "/mounted/7"),
            ("GET", "/mounted/7/8"),
        ],
    )
    .await;
    watched
        .check(&[
            ("/mounted/{id}", "GET", Some(200), Outcome::Ok),
            ("/mounted/{id}", "POST", Some(200), Outcome::Ok),
            ("unmatched", "GET", Some(404), Outcome::ClientError),
        ])
        .await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET /mounted/{id} (server)\nPOST /mounted/{id} (server)\nGET (server)\n"
    );
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "page")]
    _page: u32,
}

#[tokio::test]
async fn extractors_that_reject() {
    let app = Router::new()
        .route("/users/{id}", get(async |Path(_): Path<u64>| "user"))
        .route("/list", get(async |Query(_): Query<Page>| "list"))
        .route("/json", post(async |Json(_): Json<u32>| "json"));
    check(
        app,
        &[
            ("GET", "/users/abc"),
            ("GET", "/list?page=x"),
            ("POST", "/json"),
        ],
        &[
            ("/users/{id}", "GET", Some(400), Outcome::ClientError),
            ("/list", "GET", Some(400), Outcome::ClientError),
            ("/json", "POST", Some(415), Outcome::ClientError),
        ],
    )
    .await;
}

#[tokio::test]
async fn two_instances_do_not_see_each_others_requests() {
    let one = watch("", Router::new().nest("/one", toys())).await;
    let other = watch("", Router::new().nest("/other", toys())).await;
    one.get("/one/1").await;
    other.get("/other/1").await;
    one.check(&[("/one/{id}", "GET", Some(200), Outcome::Ok)])
        .await;
    other
        .check(&[("/other/{id}", "GET", Some(200), Outcome::Ok)])
        .await;
}

/// One program's router calls another's directly, without a network.
#[tokio::test]
async fn instance_below_another_one_records_for_itself() {
    let inner = watch("", toys()).await;
    let app = inner.app.clone();
    let outer = Router::new().route(
        "/gateway",
        get(async move || app.oneshot(request("GET", "/7")).await.unwrap()),
    );
    let outer = watch("", outer).await;
    assert_eq!(outer.get("/gateway").await.1, "toy");
    outer
        .check(&[("/gateway", "GET", Some(200), Outcome::Ok)])
        .await;
    inner
        .check(&[("/{id}", "GET", Some(200), Outcome::Ok)])
        .await;
}

/// A handler that sends two requests through its own router.
#[investigate]
async fn batch(State(router): State<Arc<OnceLock<Router>>>) -> StatusCode {
    for path in ["/toys/1", "/toys/2"] {
        let router = router.get().unwrap().clone();
        let response = router.oneshot(request("GET", path)).await.unwrap();
        response.into_body().collect().await.unwrap();
        detective::set_field("last", path);
    }
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn requests_that_a_handler_sends_through_its_own_router() {
    let router = Arc::new(OnceLock::new());
    let app = Router::new()
        .route("/batch", get(batch))
        .route("/toys/{id}", get(async || "toy"))
        .with_state(Arc::clone(&router));
    let watched = watch("", app).await;
    router.set(watched.app.clone()).unwrap();
    assert_eq!(watched.get("/batch").await.0, 204);
    watched
        .check(&[
            ("/toys/{id}", "GET", Some(200), Outcome::Ok),
            ("/toys/{id}", "GET", Some(200), Outcome::Ok),
            ("/batch", "GET", Some(204), Outcome::Ok),
        ])
        .await;
    assert_eq!(
        watched.sinks.tree().await,
        "GET /batch (server)\n  batch (internal) last=\"/toys/2\"\n    \
         GET /toys/{id} (server)\n    GET /toys/{id} (server)\n"
    );
}
