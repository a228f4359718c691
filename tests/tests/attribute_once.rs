//! A call is recorded once and to its end, however the attribute and the types are written.

use std::future::Future;
use std::pin::Pin;

use detective::investigate as watch;
use detective::testing;

async fn tree(work: impl Future) -> String {
    let (detective, sinks) = testing::start("")
        .await
        .expect("the settings are the defaults");
    detective.handle().scope(work).await;
    sinks.tree().await
}

#[watch]
fn leaf() {}

struct Renamed;

#[watch(histogram = false)]
impl Renamed {
    #[watch]
    fn bare(&self) {
        self.named();
        self.skipped();
        self.by_condition();
        self.skipped_by_condition();
    }

    #[watch(name = "another name", fields(size = size_of::<Self>()))]
    fn named(&self) {}

    #[watch(skip)]
    fn skipped(&self) {
        leaf();
    }

    #[cfg_attr(all(), watch)]
    fn by_condition(&self) {}

    #[cfg_attr(all(), detective::investigate(skip))]
    fn skipped_by_condition(&self) {
        leaf();
    }
}

#[tokio::test]
async fn another_name_of_the_attribute_is_seen_inside_a_block() {
    assert_eq!(
        tree(async { Renamed.bare() }).await,
        "bare (internal)\n  another name (internal) size=0\n  leaf (internal)\n  by_condition (internal)\n  leaf (internal)\n"
    );
}

macro_rules! later {
    ($name:ident, $returned:ty) => {
        #[watch]
        fn $name() -> $returned {
            Box::pin(async {
                tokio::task::yield_now().await;
                leaf();
            })
        }
    };
}

later!(through_a_macro, Pin<Box<dyn Future<Output = ()> + Send>>);

#[watch]
#[rustfmt::skip]
#[allow(unused_parens)]
fn in_parentheses() -> (Pin<Box<(dyn Future<Output = ()> + Send)>>) {
    Box::pin(async {
        tokio::task::yield_now().await;
        leaf();
    })
}

#[tokio::test]
async fn a_boxed_future_is_recorded_to_its_end() {
    assert_eq!(
        tree(async { through_a_macro().await }).await,
        "through_a_macro (internal)\n  leaf (internal)\n"
    );
    assert_eq!(
        tree(async { in_parentheses().await }).await,
        "in_parentheses (internal)\n  leaf (internal)\n"
    );
}

#[watch]
fn only_the_call() -> impl Fn(u8) -> u8 {
    leaf();
    |number| number + 1
}

#[watch(fields(number))]
fn panics_at(number: u8) -> impl Fn(u8) -> u8 {
    assert!(number > 1, "on purpose");
    |number| number + 1
}

#[tokio::test]
async fn a_call_whose_value_nothing_can_stand_in_for_is_a_span() {
    let called = tree(async { assert_eq!(only_the_call()(1), 2) }).await;
    assert_eq!(called, "only_the_call (internal)\n  leaf (internal)\n");
    let panicked = tree(async {
        std::panic::catch_unwind(|| panics_at(1)(1)).expect_err("it panics");
        leaf();
    })
    .await;
    assert!(panicked.starts_with("panics_at (internal)"), "{panicked}");
    assert!(panicked.ends_with("leaf (internal)\n"), "{panicked}");
}
