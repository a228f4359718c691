//! Every shape of function compiles under `#[investigate]`, without a warning, and returns what it returned before.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    single_use_lifetimes,
    unused_lifetimes
)]
#![deny(
    elided_lifetimes_in_paths,
    trivial_casts,
    let_underscore_drop,
    clippy::all,
    clippy::pedantic
)]
// The functions are the shapes that they are.
#![allow(
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::trivially_copy_pass_by_ref
)]
// These are in the expansion of `#[debug_handler]`.
#![allow(clippy::diverging_sub_expression)]

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use detective::investigate;

#[derive(Debug, PartialEq)]
struct SoldOut;

impl Display for SoldOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sold out")
    }
}

impl std::error::Error for SoldOut {}

mod functions {
    use super::*;

    #[investigate]
    async fn asynchronous(id: i64) -> Result<i64, SoldOut> {
        Ok(id)
    }

    #[investigate]
    fn plain(id: i64) -> Result<i64, SoldOut> {
        if id < 0 {
            return Err(SoldOut);
        }
        Ok(id)
    }

    #[investigate()]
    async fn nothing() {}

    #[investigate]
    fn nothing_plain() {}

    #[investigate]
    async fn question_mark(text: &str) -> Result<i64, Box<dyn std::error::Error>> {
        if text == "sold out" {
            Err(SoldOut)?;
        }
        Ok(text.parse()?)
    }

    #[investigate]
    fn question_mark_plain(text: &str) -> Result<i64, Box<dyn std::error::Error>> {
        if text == "sold out" {
            Err(SoldOut)?;
        }
        Ok(text.parse()?)
    }

    #[investigate]
    async fn early(stop: bool) -> Option<String> {
        if stop {
            return None;
        }
        Some("late".into())
    }

    #[investigate]
    async fn inferred() -> Vec<u8> {
        "1 2"
            .split(' ')
            .map(|part| part.parse().unwrap_or_default())
            .collect()
    }

    #[investigate]
    fn inferred_plain() -> Vec<u8> {
        let mut list = Vec::default();
        if list.is_empty() {
            list = "1 2"
                .split(' ')
                .map(|part| part.parse().unwrap_or_default())
                .collect();
        }
        list
    }

    // The attributes of a body stay at its start.
    #[investigate]
    async fn attributes_inside() {
        #![allow(unused_variables)]
        let unused = 1;
    }

    // A body has a scope of its own, in which it may shadow the type that it returns.
    type Shadowed = ();

    #[allow(dead_code)]
    enum Names {
        Shadowed,
    }

    #[investigate]
    fn shadowing() -> Shadowed {
        #[allow(unused_imports)]
        use Names::*;
    }

    #[investigate]
    fn opaque_in_an_alias(fails: bool) -> std::io::Result<impl ToString> {
        if fails {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        Ok("text")
    }

    #[investigate]
    fn opaque_twice(fails: bool) -> Result<impl ToString, impl std::error::Error> {
        if fails { Err(SoldOut) } else { Ok("text") }
    }

    // The static of an investigated function does not keep it from being dead.
    #[expect(dead_code)]
    #[investigate]
    async fn never_called() {}

    #[tokio::test]
    async fn free_functions() {
        attributes_inside().await;
        shadowing();
        assert!(opaque_in_an_alias(true).is_err());
        assert!(opaque_twice(false).is_ok());

        assert_eq!(asynchronous(1).await, Ok(1));
        assert_eq!(plain(-1), Err(SoldOut));
        nothing().await;
        nothing_plain();
        assert_eq!(question_mark("7").await.ok(), Some(7));
        assert_eq!(
            question_mark("sold out").await.unwrap_err().to_string(),
            "sold out"
        );
        assert_eq!(
            question_mark_plain("x").unwrap_err().to_string(),
            "invalid digit found in string"
        );
        assert_eq!(early(true).await, None);
        assert_eq!(early(false).await.as_deref(), Some("late"));
        assert_eq!(inferred().await, inferred_plain());
    }
}

mod never {
    use super::*;

    #[investigate]
    fn plain(code: i32) -> ! {
        panic!("plain {code}")
    }

    #[investigate]
    async fn asynchronous(code: i32) -> ! {
        assert!(code < 2, "asynchronous {code}");
        loop {
            tokio::task::yield_now().await;
        }
    }

    #[investigate]
    async fn unfinished() -> Result<(), SoldOut> {
        unimplemented!()
    }

    #[tokio::test]
    async fn functions_that_do_not_return() {
        assert!(std::panic::catch_unwind(|| plain(1)).is_err());
        assert!(tokio::spawn(async { asynchronous(2).await }).await.is_err());
        assert!(tokio::spawn(unfinished()).await.is_err());
    }
}

mod arguments {
    use super::*;

    struct Pair {
        left: String,
        right: Vec<u8>,
    }

    #[investigate(fields(left, right = right.len()))]
    async fn patterns(
        Pair { left, right }: Pair,
        (a, mut b): (i32, i32),
        [first, ..]: [u8; 2],
        _: bool,
    ) -> String {
        b += a;
        drop(right);
        format!("{left}{b}{first}")
    }

    #[investigate(fields(a, b, c))]
    fn references(&a: &u8, (ref b, &c): (u8, &u8)) -> u8 {
        a + b + c
    }

    #[investigate(fields(count))]
    fn mutable(mut count: u32, list: &mut Vec<u32>) -> &mut u32 {
        while count > 0 {
            count -= 1;
            list.push(count);
        }
        &mut list[0]
    }

    #[investigate]
    async fn mutable_async(mut count: u32, list: &mut Vec<u32>) -> &mut u32 {
        while count > 0 {
            count -= 1;
            list.push(count);
        }
        &mut list[0]
    }

    #[investigate(fields(text))]
    async fn borrowed<'a>(text: &'a str, _other: &str) -> &'a str {
        &text[1..]
    }

    #[investigate(fields(text))]
    fn borrowed_plain(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().rev()
    }

    #[investigate(fields(text, moved = %text.len()))]
    async fn consumed(text: String) -> String {
        text
    }

    #[investigate]
    async fn opaque(
        action: impl Fn(u8) -> u8 + Send,
        names: &[impl Display],
    ) -> Result<impl Display + Send, SoldOut> {
        Ok(format!("{}{}", action(1), names.len()))
    }

    #[investigate(fields(now = count.get(), ?count))]
    async fn not_shared(count: std::cell::Cell<u32>) -> u32 {
        tokio::task::yield_now().await;
        count.get()
    }

    #[investigate(fields(result = 1, start, output = start, e = start))]
    async fn named_as_ours(start: i32) -> i32 {
        let (result, output) = (start, start);
        result + output
    }

    #[tokio::test]
    async fn arguments_arrive() {
        let pair = Pair {
            left: "l".into(),
            right: vec![1],
        };
        assert_eq!(patterns(pair, (1, 2), [7, 8], true).await, "l37");
        assert_eq!(references(&1, (2, &3)), 6);
        assert_eq!(*mutable(2, &mut Vec::new()), 1);
        assert_eq!(*mutable_async(2, &mut Vec::new()).await, 1);
        assert_eq!(borrowed("abc", "").await, "bc");
        assert_eq!(borrowed_plain("abc").collect::<String>(), "cba");
        assert_eq!(consumed("abc".into()).await, "abc");
        assert_eq!(opaque(|n| n + 1, &["a"]).await.unwrap().to_string(), "21");
        assert_eq!(tokio::spawn(not_shared(1.into())).await.unwrap(), 1);
        assert_eq!(named_as_ours(2).await, 4);
    }
}

mod generics {
    use super::*;

    #[investigate]
    async fn bounded<T, E>(value: Result<T, E>) -> Result<T, E>
    where
        T: Clone + Send,
        E: Debug,
    {
        value.clone_ok()
    }

    trait CloneOk: Sized {
        fn clone_ok(self) -> Self;
    }

    impl<T: Clone, E> CloneOk for Result<T, E> {
        #[investigate]
        fn clone_ok(self) -> Self {
            match &self {
                Ok(value) => Ok(value.clone()),
                Err(_) => self,
            }
        }
    }

    #[investigate]
    fn lengths<'a, const N: usize, T>(texts: [&'a T; N]) -> [usize; N]
    where
        T: AsRef<str> + ?Sized + 'a,
    {
        texts.map(|text| text.as_ref().len())
    }

    #[investigate(fields(?value))]
    fn debugged<T: Debug>(value: T) -> T {
        value
    }

    #[tokio::test]
    async fn generic_functions() {
        assert_eq!(bounded(Ok::<_, SoldOut>(1)).await, Ok(1));
        assert_eq!(lengths(["a", "bb"]), [1, 2]);
        assert_eq!(debugged(1), 1);
    }
}

mod methods {
    use super::*;

    #[derive(Clone)]
    struct Store {
        toys: u32,
    }

    impl Store {
        #[investigate(fields(toys = self.toys))]
        async fn by_reference(&self) -> u32 {
            self.toys
        }

        #[investigate(fields(self.toys, Self = std::any::type_name::<Self>()))]
        fn by_mutable_reference(&mut self) -> &mut Self {
            self.toys += 1;
            self
        }

        #[investigate]
        async fn by_value(mut self) -> Self {
            self.toys += 1;
            self
        }

        #[investigate]
        async fn shared(self: Arc<Self>) -> u32 {
            self.toys
        }

        #[investigate]
        fn pinned(self: Pin<&mut Self>) -> u32 {
            self.toys
        }

        #[investigate]
        pub(crate) fn associated(toys: u32) -> Self {
            Self { toys }
        }
    }

    trait Count {
        async fn count(&self) -> u32;

        #[investigate]
        async fn twice(&self) -> u32 {
            self.count().await * 2
        }
    }

    impl Count for Store {
        #[investigate(name = "count toys")]
        async fn count(&self) -> u32 {
            self.toys
        }
    }

    #[tokio::test]
    async fn every_kind_of_self() {
        let mut store = Store::associated(1);
        assert_eq!(store.by_reference().await, 1);
        assert_eq!(store.by_mutable_reference().toys, 2);
        assert_eq!(store.clone().by_value().await.toys, 3);
        assert_eq!(Arc::new(store.clone()).shared().await, 2);
        assert_eq!(Pin::new(&mut store).pinned(), 2);
        assert_eq!(store.twice().await, 4);
    }
}

mod futures {
    use super::*;

    #[investigate]
    fn opaque(id: u32) -> impl Future<Output = Result<u32, SoldOut>> + Send {
        let doubled = id * 2;
        async move { Ok(doubled) }
    }

    #[investigate(fields(text))]
    fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = &'a str> + Send + 'a>> {
        if text.is_empty() {
            return Box::pin(async { "empty" });
        }
        Box::pin(async move { text })
    }

    type Later = Pin<Box<dyn Future<Output = Result<u32, SoldOut>> + Send>>;

    // An alias cannot be seen through: the span of this one ends with the call.
    #[investigate]
    async fn in_a_result() -> Result<Later, SoldOut> {
        let fails = async { Err("sold out") };
        Ok(Box::pin(
            async move { fails.await.map_err(|_: &str| SoldOut) },
        ))
    }

    #[investigate]
    fn recursive(depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                0
            } else {
                recursive(depth - 1).await + 1
            }
        })
    }

    #[tokio::test]
    async fn functions_that_return_futures() {
        assert_eq!(tokio::spawn(opaque(1)).await.unwrap(), Ok(2));
        assert_eq!(boxed("").await, "empty");
        assert_eq!(boxed("x").await, "x");
        assert_eq!(in_a_result().await.unwrap().await, Err(SoldOut));
        assert_eq!(recursive(3).await, 3);
    }
}

mod neighbours {
    use super::*;

    #[async_trait::async_trait]
    trait Find {
        async fn find(&self, id: u32) -> Result<u32, SoldOut>;

        #[investigate]
        async fn find_default(&self, (a, b): (u32, u32)) -> u32 {
            self.find(a + b).await.unwrap_or_default()
        }
    }

    struct Inner;

    #[async_trait::async_trait]
    impl Find for Inner {
        #[investigate(fields(id))]
        async fn find(&self, id: u32) -> Result<u32, SoldOut> {
            if id == 0 { Err(SoldOut) } else { Ok(id) }
        }
    }

    struct Outer;

    #[investigate]
    #[async_trait::async_trait]
    impl Find for Outer {
        async fn find(&self, id: u32) -> Result<u32, SoldOut> {
            Ok(id)
        }
    }

    struct Outermost;

    #[async_trait::async_trait]
    #[investigate]
    impl Find for Outermost {
        async fn find(&self, id: u32) -> Result<u32, SoldOut> {
            Inner.find(id).await?;
            Ok(id)
        }
    }

    #[axum::debug_handler]
    #[investigate]
    async fn handler_below(
        axum::extract::Path(id): axum::extract::Path<i64>,
    ) -> Result<String, String> {
        Ok(id.to_string())
    }

    #[investigate]
    #[axum::debug_handler]
    async fn handler_above() -> impl axum::response::IntoResponse {
        "text"
    }

    #[tracing::instrument]
    #[investigate(fields(id))]
    async fn instrumented_below(id: i64) -> Result<i64, SoldOut> {
        Ok(id)
    }

    #[investigate]
    #[tracing::instrument(err)]
    async fn instrumented_above(id: i64) -> Result<i64, SoldOut> {
        Ok(id)
    }

    #[tokio::test]
    #[investigate]
    async fn a_test_above() {
        assert_eq!(Inner.find_default((1, 2)).await, 3);
        assert_eq!(Outer.find(1).await, Ok(1));
        assert_eq!(Outermost.find(0).await, Err(SoldOut));
        assert_eq!(instrumented_below(1).await, instrumented_above(1).await);
    }

    #[investigate]
    #[tokio::test]
    async fn a_test_below() -> Result<(), SoldOut> {
        let router = axum::Router::<()>::new();
        drop(router.route(
            "/{id}",
            axum::routing::get(handler_below).post(handler_above),
        ));
        Inner.find(1).await?;
        Ok(())
    }
}

mod blocks {
    use super::*;

    struct Cart(Vec<u32>);

    #[investigate(histogram = false)]
    impl Cart {
        const LIMIT: usize = 10;

        async fn add(&mut self, toy: u32) -> Result<(), SoldOut> {
            if self.0.len() == Self::LIMIT {
                return Err(SoldOut);
            }
            self.0.push(toy);
            Ok(())
        }

        #[investigate(name = "cart total", fields(toys = self.0.len()))]
        fn total(&self) -> u32 {
            self.0.iter().sum()
        }

        #[investigate(skip)]
        const fn limit() -> usize {
            Self::LIMIT
        }
    }

    #[investigate]
    mod module {
        pub(super) fn one() -> u32 {
            1
        }

        pub(super) struct Two;

        impl Two {
            pub(super) fn value(&self) -> u32 {
                2
            }
        }
    }

    #[tokio::test]
    async fn every_function_of_a_block() {
        let mut cart = Cart(Vec::new());
        assert_eq!(cart.add(module::one()).await, Ok(()));
        assert_eq!(cart.total() + module::Two.value(), 3);
        assert_eq!(Cart::limit(), 10);
    }
}

mod options {
    use super::*;

    #[investigate(name = "all", slow = "250ms", sample = 0.1, record = false, span = false, histogram = true, buckets = [0.1, 1], error_if = |answer| *answer > 1)]
    async fn all_of_them(answer: u32) -> u32 {
        answer
    }

    #[tokio::test]
    async fn options_compile() {
        assert_eq!(all_of_them(2).await, 2);
    }
}
