//! Tests the store through its router, as a customer sees it.
#![allow(clippy::unwrap_used, reason = "tests")]

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use detective::Detective;
use detective::testing::{self, Outcome};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::store::Store;
use crate::{database, routes, welcome};

/// A separate store for one test. It also listens, since it sends requests to itself.
struct TestStore {
    router: Router,
    detective: Detective,
    sinks: testing::Sinks,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl TestStore {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (detective, sinks) = testing::start("").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = welcome::url_of(listener.local_addr().unwrap());
        let database = database::open(&folder.path().join("data/store.db"))
            .await
            .unwrap();
        let store = Store::new(database, &url, detective.handle()).unwrap();
        let router = detective.watch(routes::router(store));
        tokio::spawn(axum::serve(listener, router.clone()).into_future());
        Self {
            router,
            detective,
            sinks,
            _folder: folder,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            text,
        }
    }

    async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(
            Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_text(path, "application/json", &body.to_string())
            .await
    }

    async fn post_text(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }
}

impl Answer {
    /// Checks the whole response.
    #[track_caller]
    fn is(&self, status: u16, body: Value) {
        assert_eq!((self.status.as_u16(), self.json()), (status, body));
    }

    /// Checks the status, and that `detail` contains `reason`.
    #[track_caller]
    fn refuses(&self, status: u16, reason: &str) {
        let body = self.json();
        let detail = body["detail"]
            .as_str()
            .unwrap_or_else(|| panic!("no detail: {body}"));
        assert!(
            self.status.as_u16() == status && detail.contains(reason),
            "{} {detail}",
            self.status
        );
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

#[tokio::test]
async fn every_whole_number_is_a_user() {
    let store = TestStore::open().await;
    for id in [1, 1, 0, -3, 5000, i64::MAX, i64::MIN] {
        let user = store.get(&format!("/users/{id}")).await;
        user.is(200, json!({ "id": id, "name": format!("User {id}") }));
    }
    assert_eq!(
        store.get("/users/1").await.text,
        r#"{"id":1,"name":"User 1"}"#
    );
}

#[tokio::test]
async fn a_text_that_is_not_a_number_is_refused() {
    let store = TestStore::open().await;
    for id in [
        "abc",
        "1.5",
        "99999999999999999999999",
        "-9223372036854775809",
    ] {
        let reason = format!("`{id}` in the path, expected a whole number");
        for path in ["/users", "/orders", "/toys", "/gift-wrap"] {
            store
                .get(&format!("{path}/{id}"))
                .await
                .refuses(422, &reason);
        }
    }
    store.get("/users/%FF").await.refuses(422, "UTF-8");
}

#[tokio::test]
async fn a_user_is_cached_under_their_number() {
    let store = TestStore::open().await;
    let cache = store.detective.handle().cache().clone();
    assert_eq!(cache.get::<Value>("user:7").await, None);
    store.get("/users/7").await;
    assert_eq!(
        cache.get::<Value>("user:7").await,
        Some(json!({ "id": 7, "name": "User 7" }))
    );
    cache
        .set(
            "user:7",
            &json!({ "id": 7, "name": "Someone" }),
            std::time::Duration::from_secs(60),
        )
        .await;
    store
        .get("/users/7")
        .await
        .is(200, json!({ "id": 7, "name": "Someone" }));
}

#[tokio::test]
async fn an_order_names_its_user() {
    let store = TestStore::open().await;
    for (order, user) in [(1, 1), (105, 5), (100, 0), (-5, 95), (i64::MAX, 7)] {
        let user = json!({ "id": user, "name": format!("User {user}") });
        let answer = store.get(&format!("/orders/{order}")).await;
        answer.is(
            200,
            json!({ "id": order, "status": "processing", "user": user }),
        );
    }
}

#[tokio::test]
async fn the_catalogue_has_pages() {
    let store = TestStore::open().await;
    let first = store.get("/toys").await.json();
    assert_eq!(
        (
            first["page"].as_i64(),
            first["toys"].as_array().unwrap().len()
        ),
        (Some(1), 20)
    );
    let second = store.get("/toys?page=2&per_page=30").await.json();
    assert_eq!(second["toys"][0]["id"], 31);
    assert_eq!(
        second["toys"].as_array().unwrap().len(),
        second["total"].as_u64().unwrap() as usize - 30
    );
    assert_eq!(
        store.get("/toys?page=4000000000&per_page=100").await.json()["toys"],
        json!([])
    );
    store
        .get("/toys?page=0")
        .await
        .refuses(422, "`page` is `0`, expected 1 to");
    store
        .get("/toys?per_page=101")
        .await
        .refuses(422, "`per_page` is `101`, expected 1 to 100");
    store.get("/toys?page=first").await.refuses(422, "page");
}

#[tokio::test]
async fn one_toy_is_found_or_not() {
    let store = TestStore::open().await;
    let toy = store.get("/toys/3").await.json();
    assert_eq!(
        (&toy["id"], &toy["name"]),
        (&json!(3), &json!("Rubber Duck, Senior Engineer"))
    );
    store
        .get("/toys/777")
        .await
        .refuses(404, "there is no toy `777`");
}

#[tokio::test]
async fn a_new_toy_is_stored() {
    let store = TestStore::open().await;
    let made = store
        .post(
            "/toys",
            json!({ "name": " Tin Owl ", "price_cents": 1250, "stock": 4 }),
        )
        .await;
    let id = made.json()["id"].clone();
    let toy =
        json!({ "id": id, "name": "Tin Owl", "price_cents": 1250, "stock": 4, "length_cm": 30 });
    made.is(201, toy.clone());
    assert_eq!(made.headers[header::LOCATION], format!("/toys/{id}"));
    store.get(&format!("/toys/{id}")).await.is(200, toy);
}

#[tokio::test]
async fn an_invalid_toy_is_refused() {
    let store = TestStore::open().await;
    let check =
        async |toy: Value, reason: &str| store.post("/toys", toy).await.refuses(422, reason);
    check(
        json!({ "name": " ", "price_cents": 1, "stock": 1 }),
        "`name`",
    )
    .await;
    check(
        json!({ "name": "x".repeat(81), "price_cents": 1, "stock": 1 }),
        "1 to 80 characters",
    )
    .await;
    check(
        json!({ "name": "Owl", "price_cents": 0, "stock": 1 }),
        "`price_cents` is `0`",
    )
    .await;
    check(
        json!({ "name": "Owl", "price_cents": 1, "stock": -1 }),
        "`stock` is `-1`",
    )
    .await;
    check(
        json!({ "name": "Owl", "price_cents": "cheap", "stock": 1 }),
        "price_cents",
    )
    .await;
    check(json!({ "name": "Owl" }), "missing field `price_cents`").await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let store = TestStore::open().await;
    store
        .post_text("/orders", "application/json", "{")
        .await
        .refuses(400, "JSON");
    store
        .post_text("/orders", "text/plain", "{}")
        .await
        .refuses(415, "application/json");
}

#[tokio::test]
async fn buying_reduces_the_stock_until_it_is_sold_out() {
    let store = TestStore::open().await;
    // There are only three marbles (toy 35).
    let two = json!({ "toy_id": 35, "quantity": 2 });
    assert_eq!(store.get("/toys/35").await.json()["stock"], 3);
    let receipt = store.post("/orders", two.clone()).await;
    receipt.is(
        201,
        json!({ "id": 1, "toy_id": 35, "quantity": 2, "total_cents": 202, "status": "processing" }),
    );
    assert_eq!(receipt.headers[header::LOCATION], "/orders/1");
    assert_eq!(store.get("/toys/35").await.json()["stock"], 1);
    store
        .post("/orders", two)
        .await
        .refuses(409, "sold out: 2 wanted, 1 left");
    assert_eq!(store.get("/toys/35").await.json()["stock"], 1);
}

#[tokio::test]
async fn customers_at_once_cannot_buy_more_than_there_is() {
    let store = TestStore::open().await;
    let one = || store.post("/orders", json!({ "toy_id": 35, "quantity": 1 }));
    let answers = futures_util::future::join_all((0..12).map(|_| one())).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(201), count(409)), (3, 9));
}

#[tokio::test]
async fn an_invalid_order_is_refused() {
    let store = TestStore::open().await;
    let check = async |order: Value, status: u16, reason: &str| {
        store.post("/orders", order).await.refuses(status, reason);
    };
    check(
        json!({ "toy_id": 777, "quantity": 1 }),
        404,
        "there is no toy `777`",
    )
    .await;
    check(
        json!({ "toy_id": 1, "quantity": 0 }),
        422,
        "`quantity` is `0`, expected 1 to 100",
    )
    .await;
    check(json!({ "toy_id": 1, "quantity": 101 }), 422, "`quantity`").await;
    check(json!({ "toy_id": 1 }), 422, "missing field `quantity`").await;
    check(json!({ "toy_id": 1.5, "quantity": 1 }), 422, "toy_id").await;
}

#[tokio::test]
async fn a_search_finds_names() {
    let store = TestStore::open().await;
    let hits = store.get("/search?q=TRAIN").await.json();
    assert_eq!(hits[0]["toy"]["id"], 5);
    assert_eq!(hits[0]["available"], "on the shelf");
    assert_eq!(
        store.get("/search?q=very+small").await.json()[0]["available"],
        "back in 1 days"
    );
    assert_eq!(store.get("/search?q=100%25").await.json(), json!([]));
    store.get("/search?q=").await.refuses(422, "`q` is ``");
    store.get("/search").await.refuses(422, "missing field `q`");
}

#[tokio::test]
async fn some_toys_can_be_wrapped() {
    let store = TestStore::open().await;
    store.get("/gift-wrap/1").await.is(
        200,
        json!({ "toy_id": 1, "paper_cm": 70, "label": "Teddy Bear with ..." }),
    );
    store
        .get("/gift-wrap/777")
        .await
        .refuses(404, "there is no toy");
    for broken in [15, 16, 19, 24, 27] {
        let answer = store.get(&format!("/gift-wrap/{broken}")).await;
        answer.refuses(500, "something went wrong in the store");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    }
}

#[tokio::test]
async fn the_whole_catalogue_is_streamed() {
    let store = TestStore::open().await;
    let file = store.get("/catalogue.csv").await;
    let lines: Vec<&str> = file.text.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "id,name,price_cents,stock");
    assert_eq!(lines[6], "6,\"Puzzle: 1,000 Shades of Sky\",2199,800");
    assert_eq!(lines.len(), 37);
}

#[tokio::test]
async fn other_sites_may_call_and_read_errors() {
    let store = TestStore::open().await;
    for path in ["/users/1", "/users/abc", "/nowhere", "/gift-wrap/15"] {
        let request = Request::get(path)
            .header(header::ORIGIN, "https://a.example")
            .body(Body::empty())
            .unwrap();
        let answer = store.send(request).await;
        assert_eq!(
            answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            "*",
            "{path}"
        );
        assert!(
            !answer
                .headers
                .contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
        );
    }
    let preflight = Request::options("/orders")
        .header(header::ORIGIN, "https://a.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .body(Body::empty())
        .unwrap();
    let answer = store.send(preflight).await;
    assert_eq!(
        (
            answer.status,
            &answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS]
        ),
        (StatusCode::OK, &"*".parse().unwrap())
    );
}

#[tokio::test]
async fn a_wrong_path_or_method_is_reported() {
    let store = TestStore::open().await;
    store
        .get("/nowhere")
        .await
        .is(404, json!({ "detail": "Not Found" }));
    let answer = store.call(Method::DELETE, "/users/1").await;
    answer.is(405, json!({ "detail": "Method Not Allowed" }));
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
    store
        .get("/health")
        .await
        .is(200, json!({ "status": "ok" }));
    assert_eq!(store.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("data");
    std::fs::write(&in_the_way, "a file").unwrap();
    let error = database::open(&in_the_way.join("store.db"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot open the store's database `") && error.contains("data/store.db`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_user_is_found_through_the_cache_and_the_database() {
    let store = TestStore::open().await;
    store.get("/users/1").await;
    let first = "\
GET /users/{user_id} (server)
  get_user (internal) user_id=1
    external_service_call (internal)
      cache_check (internal)
        cache get (internal)
      database_query (internal)
        SELECT users (client)
        cache set (internal)
";
    assert_eq!(store.sinks.tree().await, first);
    store.get("/users/1").await;
    let second = "\
GET /users/{user_id} (server)
  get_user (internal) user_id=1
    external_service_call (internal)
      cache_check (internal)
        cache get (internal)
";
    assert_eq!(store.sinks.tree().await, format!("{first}{second}"));
}

#[tokio::test]
async fn an_order_is_one_trace_across_both_requests() {
    let store = TestStore::open().await;
    store.get("/orders/1").await;
    let tree = "\
GET /orders/{order_id} (server)
  get_order (internal) order_id=1
    get_order_details (internal)
      SELECT orders (client)
    get_user_details (internal) user_id=1
      GET (client)
        GET /users/{user_id} (server)
          get_user (internal) user_id=1
            external_service_call (internal)
              cache_check (internal)
                cache get (internal)
              database_query (internal)
                SELECT users (client)
                cache set (internal)
";
    assert_eq!(store.sinks.tree().await, tree);
}

#[tokio::test]
async fn a_sale_is_one_transaction_of_one_customer() {
    let store = TestStore::open().await;
    let order = Request::post("/orders")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-customer", "Ada")
        .body(Body::from(r#"{"toy_id":35,"quantity":2}"#))
        .unwrap();
    assert_eq!(store.send(order).await.status, StatusCode::CREATED);
    let tree = "\
POST /orders (server)
  buy (internal) toy_id=35 quantity=2 total_cents=202
    sell (internal)
      BEGIN (client)
      UPDATE toys (client)
      INSERT orders (client)
      COMMIT (client)
    forget_toy (internal)
      cache remove (internal)
";
    assert_eq!(store.sinks.tree().await, tree);
    assert_eq!(store.sinks.rows().await[0].consumer.as_deref(), Some("Ada"));
}

#[tokio::test]
async fn the_problems_can_be_solved_by_their_traces() {
    let store = TestStore::open().await;
    store.get("/gift-wrap/16").await;
    store.get("/gift-wrap/15").await;
    store.get("/search?q=dog").await;
    let tree = store.sinks.tree().await;
    let clue = |text: &str| assert!(tree.contains(text), "{text} is not in\n{tree}");
    clue(
        "cut_paper (internal) ! no wrapping paper is longer than 300 cm, and `Giraffe, Almost Life-size` takes 620 cm",
    );
    clue("write_label (internal) toy=\"Dragon Called Gösta\" !");
    clue("telephone_workshop (internal)");
    let outcomes: Vec<_> = store
        .sinks
        .rows()
        .await
        .iter()
        .map(|row| row.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::ServerError, Outcome::Panic, Outcome::Ok]
    );
}

#[tokio::test]
async fn the_streamed_file_is_counted_to_its_end() {
    let store = TestStore::open().await;
    let file = store.get("/catalogue.csv").await;
    let rows = store.sinks.rows().await;
    assert_eq!(rows[0].response_bytes, file.text.len() as u64);
}
