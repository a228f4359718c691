//! Tests what investigated functions record, with the sinks in memory.

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::pin::Pin;

use detective::testing::{self, Sinks};
use detective::{Value, investigate};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

/// Runs `work` outside any request, in a separate instance.
async fn investigated(work: impl Future) -> Sinks {
    let (detective, sinks) = testing::start("")
        .await
        .expect("the settings are the defaults");
    detective.handle().scope(work).await;
    sinks
}

async fn check(work: impl Future, expected_tree: &str) {
    assert_eq!(investigated(work).await.tree().await, expected_tree);
}

#[derive(Debug)]
struct SoldOut;

struct Opaque;

struct SoldOutText;

impl Display for SoldOutText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sold out")
    }
}

#[investigate]
async fn leaf() {}

#[investigate]
fn plain_leaf() {}

#[tokio::test]
async fn calls_become_a_tree() {
    #[investigate]
    async fn root() {
        leaf().await;
        branch();
        leaf().await;
    }

    #[investigate(name = "the branch")]
    fn branch() {
        plain_leaf();
    }

    check(
        root(),
        "root (internal)\n  leaf (internal)\n  the branch (internal)\n    plain_leaf (internal)\n  leaf (internal)\n",
    )
    .await;
}

#[tokio::test]
async fn an_error_is_displayed_else_debugged_else_named() {
    #[investigate]
    async fn displayed() -> Result<(), std::num::ParseIntError> {
        "x".parse::<i64>()?;
        Ok(())
    }

    #[investigate]
    fn debugged() -> Result<(), SoldOut> {
        Err(SoldOut)
    }

    #[investigate]
    async fn named<E>(error: E) -> Result<(), E> {
        Err(error)
    }

    #[investigate]
    fn succeeded() -> Result<&'static str, SoldOut> {
        Ok("Err")
    }

    #[investigate]
    async fn all() {
        let _ = (
            displayed().await,
            debugged(),
            named(Opaque).await,
            succeeded(),
        );
    }

    check(
        all(),
        "all (internal)\n  displayed (internal) ! invalid digit found in string\n  debugged (internal) ! SoldOut\n  \
         named (internal) ! attribute_records::Opaque\n  succeeded (internal)\n",
    )
    .await;
}

#[tokio::test]
async fn a_condition_decides_what_is_an_error() {
    #[investigate(error_if = Option::is_none)]
    fn find(found: Option<u8>) -> Option<u8> {
        found
    }

    #[investigate(error_if = |_| false)]
    async fn expected() -> Result<(), SoldOut> {
        Err(SoldOut)
    }

    #[investigate(error_if = |returned| returned.is_err())]
    async fn all() -> Result<(), SoldOut> {
        find(Some(1));
        find(None);
        expected().await
    }

    check(
        all(),
        "all (internal) ! SoldOut\n  find (internal)\n  find (internal) ! `error_if` holds\n  \
         expected (internal)\n",
    )
    .await;
}

#[tokio::test]
async fn fields_keep_their_type_and_are_read_before_the_body() {
    #[investigate(fields(
        id, name, toys.count = toys.len(), open = !name.is_empty(), ratio = 0.5, "app.tags" = &tags[..],
        %address, ?sold_out, nothing = None::<u8>, some = Some(&name),
    ))]
    async fn fields(
        id: u32,
        mut name: String,
        toys: Vec<u8>,
        tags: Vec<String>,
        address: std::net::Ipv4Addr,
        sold_out: SoldOut,
    ) {
        name.clear();
        drop((id, name, toys, tags, address, sold_out));
    }

    let tags = vec!["a".to_owned(), "b".to_owned()];
    let work = fields(
        7,
        "ada".into(),
        vec![1, 2],
        tags.clone(),
        [127, 0, 0, 1].into(),
        SoldOut,
    );
    let spans = investigated(work).await.spans().await;
    let expected: [(&str, Value); 9] = [
        ("id", 7.into()),
        ("name", "ada".into()),
        ("toys.count", 2.into()),
        ("open", true.into()),
        ("ratio", 0.5.into()),
        ("app.tags", tags.into()),
        ("address", "127.0.0.1".into()),
        ("sold_out", "SoldOut".into()),
        ("some", "ada".into()),
    ];
    for (key, value) in expected {
        assert_eq!(spans[0].attribute(key), Some(&value), "{key}");
    }
    assert_eq!(spans[0].attribute("nothing"), None);
}

#[tokio::test]
async fn a_returned_future_is_recorded_until_it_is_done() {
    #[investigate]
    fn opaque() -> impl Future<Output = Result<(), SoldOut>> {
        async {
            leaf().await;
            Err(SoldOut)
        }
    }

    #[investigate]
    fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
        Box::pin(async {
            leaf().await;
            text.len()
        })
    }

    #[async_trait::async_trait]
    trait Find {
        async fn find(&self) -> Result<(), SoldOut>;
    }

    struct Store;

    #[async_trait::async_trait]
    impl Find for Store {
        #[investigate]
        async fn find(&self) -> Result<(), SoldOut> {
            leaf().await;
            Err(SoldOut)
        }
    }

    #[investigate]
    async fn all() {
        let _ = (opaque().await, boxed("x").await, Store.find().await);
    }

    check(
        all(),
        "all (internal)\n  opaque (internal) ! SoldOut\n    leaf (internal)\n  boxed (internal)\n    leaf (internal)\n  \
         find (internal) ! SoldOut\n    leaf (internal)\n",
    )
    .await;
}

mod blocks {
    use super::*;

    pub(super) struct Cart;

    #[investigate]
    impl Cart {
        #[rustfmt::skip]
        pub(super) async fn check_out(&self) -> u32 { self.total(); line!() }

        #[investigate(skip)]
        fn total(&self) {
            plain_leaf();
        }
    }
}

#[tokio::test]
async fn a_function_is_known_by_its_place_in_the_source() {
    let mut line = 0;
    let spans = investigated(async { line = blocks::Cart.check_out().await })
        .await
        .spans()
        .await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["check_out", "plain_leaf"]);
    let expected: [(&str, Value); 3] = [
        (
            "code.function.name",
            "attribute_records::blocks::Cart::check_out".into(),
        ),
        ("code.file.path", file!().into()),
        ("code.line.number", line.into()),
    ];
    for (key, value) in expected {
        assert_eq!(spans[0].attribute(key), Some(&value), "{key}");
    }
}

#[tokio::test]
async fn a_generic_function_is_one_function() {
    #[investigate(fields(?value))]
    fn generic<T: Debug>(value: T) -> T {
        value
    }

    #[investigate]
    async fn all() {
        generic(1);
        generic("x");
    }

    check(
        all(),
        "all (internal)\n  generic (internal) value=\"1\"\n  generic (internal) value=\"\\\"x\\\"\"\n",
    )
    .await;
}

#[tokio::test]
async fn a_future_that_is_dropped_and_a_panic_end_their_spans() {
    #[investigate]
    async fn waits_for_ever() {
        leaf().await;
        std::future::pending::<()>().await;
    }

    #[investigate]
    fn panics() {
        plain_leaf();
        panic!("on purpose");
    }

    let spans = investigated(async {
        let short = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(short, waits_for_ever()).await.is_err());
        assert!(std::panic::catch_unwind(panics).is_err());
    })
    .await
    .spans()
    .await;
    let mut names: Vec<(&str, bool)> = spans
        .iter()
        .map(|span| (span.name.as_str(), span.error.is_some()))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("leaf", false),
            ("panics", true),
            ("plain_leaf", false),
            ("waits_for_ever", false)
        ]
    );
}

/// Three toys; the second is sold out.
fn toys() -> impl Stream<Item = Result<u32, SoldOut>> {
    stream::iter([1, 2, 3]).then(async |toy| {
        leaf().await;
        if toy == 2 { Err(SoldOut) } else { Ok(toy) }
    })
}

#[tokio::test]
async fn a_returned_stream_is_recorded_until_it_ends_or_is_dropped() {
    #[investigate]
    fn opaque() -> impl Stream<Item = Result<u32, SoldOut>> {
        plain_leaf();
        toys()
    }

    #[investigate(error_if = |_| false)]
    fn boxed() -> BoxStream<'static, Result<u32, SoldOut>> {
        toys().boxed()
    }

    #[investigate]
    fn dropped() -> Pin<Box<dyn Stream<Item = Result<u32, SoldOut>>>> {
        Box::pin(toys())
    }

    #[investigate]
    async fn all() {
        assert_eq!(opaque().count().await, 3);
        assert_eq!(boxed().count().await, 3);
        let mut first = dropped();
        assert!(first.next().await.is_some());
        drop(first);
        leaf().await;
    }

    check(
        all(),
        "all (internal)\n  opaque (internal) ! SoldOut\n    plain_leaf (internal)\n    leaf (internal)\n    \
         leaf (internal)\n    leaf (internal)\n  boxed (internal)\n    leaf (internal)\n    leaf (internal)\n    \
         leaf (internal)\n  dropped (internal)\n    leaf (internal)\n  leaf (internal)\n",
    )
    .await;
}

#[tokio::test]
async fn what_a_function_does_before_its_future_is_below_it() {
    #[investigate]
    fn eager() -> impl Future<Output = ()> {
        plain_leaf();
        leaf()
    }

    check(
        async { eager().await },
        "eager (internal)\n  plain_leaf (internal)\n  leaf (internal)\n",
    )
    .await;
}

#[tokio::test]
async fn an_error_is_marked_on_the_function_that_runs() {
    #[investigate]
    async fn recovers(fails: bool) {
        leaf().await;
        if fails {
            detective::mark_error("first");
            detective::mark_error(SoldOutText);
        }
        tokio::task::yield_now().await;
        recovers_plain(false);
        detective::set_field("fails", fails);
    }

    #[investigate]
    fn recovers_plain(fails: bool) {
        if fails {
            detective::mark_error(SoldOutText);
        }
    }

    #[investigate]
    async fn returns_another() -> Result<(), SoldOut> {
        detective::mark_error("marked");
        Err(SoldOut)
    }

    #[investigate]
    fn streams() -> impl Stream<Item = u32> {
        stream::iter([1, 2]).inspect(|_| detective::mark_error("spilt"))
    }

    #[investigate]
    async fn all() {
        recovers(true).await;
        recovers(false).await;
        recovers_plain(true);
        let _ = returns_another().await;
        streams().count().await;
    }

    let sinks = investigated(all()).await;
    assert_eq!(
        sinks.tree().await,
        "all (internal)\n  recovers (internal) fails=true ! sold out\n    leaf (internal)\n    \
         recovers_plain (internal)\n  recovers (internal) fails=false\n    leaf (internal)\n    \
         recovers_plain (internal)\n  recovers_plain (internal) ! sold out\n  \
         returns_another (internal) ! SoldOut\n  streams (internal) ! spilt\n",
    );
    let spans = sinks.spans().await;
    let marked = spans.iter().find(|span| span.name == "recovers").unwrap();
    assert_eq!(
        marked.attribute("error.type"),
        Some(&"attribute_records::SoldOutText".into())
    );
}
