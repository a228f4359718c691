//! Every shape of function compiles under `#[investigate]` without a warning, and returns the same
//! as before.

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
// The shapes of the functions are intended.
#![allow(
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::trivially_copy_pass_by_ref
)]
// These come from the expansion of `#[debug_handler]`.
#![allow(clippy::diverging_sub_expression)]

use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use detective::investigate;
use futures_util::stream::{self, BoxStream, LocalBoxStream, Stream, StreamExt};

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

    // A body has its own scope, in which it may shadow the type that it returns.
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

    // The statement before the value is an empty block.
    #[investigate]
    #[allow(clippy::semicolon_if_nothing_returned)]
    fn block_first() -> Result<u8, std::num::TryFromIntError> {
        {}
        u8::try_from(1234)
    }

    #[investigate]
    #[rustfmt::skip]
    #[deny(clippy::suspicious_else_formatting)]
    async fn braces_of_its_own(flag: bool) {
        drop(format!(
            "<{}>",
            if flag { "true" } else { "false" }
        ));
    }

    #[investigate]
    #[deny(clippy::suspicious_else_formatting)]
    async fn comments_alone() {
        // if
        // else
    }

    #[investigate]
    #[allow(clippy::result_large_err)]
    fn opaque_in_another_crates_alias() -> axum::response::Result<impl ToString> {
        Ok("text")
    }

    #[investigate]
    fn written_through(out: &mut u8) -> Result<(), std::num::TryFromIntError> {
        *out = u8::try_from(1234)?;
        Ok(())
    }

    #[investigate]
    async fn written_through_async(out: &mut u8) -> Result<(), std::num::TryFromIntError> {
        tokio::task::yield_now().await;
        *out = u8::try_from(7)?;
        Ok(())
    }

    #[investigate]
    fn recursive(depth: u32) -> u32 {
        if depth == 0 {
            0
        } else {
            recursive(depth - 1) + 1
        }
    }

    #[investigate]
    #[allow(clippy::never_loop)]
    fn with_labels() -> u32 {
        let mut turns = 0;
        'outer: loop {
            loop {
                turns += 1;
                if turns > 2 {
                    break 'outer turns;
                }
                continue 'outer;
            }
        }
    }

    #[investigate]
    fn r#raw(r#type: u8) -> u8 {
        r#type
    }

    macro_rules! investigated {
        ($name:ident, $argument:ident: $of:ty, $body:expr) => {
            #[investigate(name = "made by a macro", fields($argument))]
            fn $name($argument: $of) -> $of {
                $body
            }
        };
    }

    investigated!(made_by_a_macro, number: u8, number + 1);

    // The static of an investigated function does not hide that the function is never used.
    #[expect(dead_code)]
    #[investigate]
    async fn never_called() {}

    #[tokio::test]
    async fn free_functions() {
        attributes_inside().await;
        assert!(block_first().is_err());
        braces_of_its_own(true).await;
        comments_alone().await;
        assert!(opaque_in_another_crates_alias().is_ok());
        let mut written = 0;
        assert!(written_through(&mut written).is_err());
        assert!(written_through_async(&mut written).await.is_ok());
        assert_eq!(written, 7);
        assert_eq!(recursive(3), 3);
        assert_eq!(with_labels(), 3);
        assert_eq!(r#raw(made_by_a_macro(1)), 2);
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

    struct Nested {
        pair: Holder,
        rest: (u8, u8),
        kept: SoldOut,
    }

    struct Holder((u8, u8));

    #[investigate(fields(a, b, c, d))]
    fn deep(
        &Nested {
            pair: Holder((a, b)),
            rest: (c, d),
            ..
        }: &Nested,
    ) -> u8 {
        a + b + c + d
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
        let nested = Nested {
            pair: Holder((1, 2)),
            rest: (3, 4),
            kept: SoldOut,
        };
        assert_eq!(deep(&nested), 10);
        assert_eq!(nested.kept, SoldOut);
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

    // Only the caller decides the type parameter `E`, and no value has it.
    #[investigate]
    fn error_of_any_type<T: ?Sized, E>(value: &T) -> Result<&T, E> {
        Ok(value)
    }

    #[investigate]
    async fn opaque_of_a_parameter<T>(value: T) -> impl AsRef<str>
    where
        T: Into<String>,
    {
        value.into()
    }

    // The result captures only the named lifetimes, not the argument's.
    #[investigate]
    fn captures_nothing(text: &str) -> impl Future<Output = usize> + use<> {
        let length = text.len();
        async move { length }
    }

    #[investigate]
    fn higher_ranked<F>(read: F) -> usize
    where
        F: for<'a> Fn(&'a str) -> &'a str,
    {
        read("text").len()
    }

    #[investigate]
    fn dynamic(read: &dyn Fn(u8) -> u8, write: Box<dyn FnOnce(u8) + Send + '_>) {
        write(read(1));
    }

    #[investigate(fields(?value))]
    fn debugged<T: Debug>(value: T) -> T {
        value
    }

    #[tokio::test]
    async fn generic_functions() {
        assert_eq!(bounded(Ok::<_, SoldOut>(1)).await, Ok(1));
        assert_eq!(lengths(["a", "bb"]), [1, 2]);
        assert_eq!(error_of_any_type::<str, ()>("x"), Ok("x"));
        assert_eq!(opaque_of_a_parameter("x").await.as_ref(), "x");
        assert_eq!(captures_nothing(&String::from("text")).await, 4);
        assert_eq!(higher_ranked(|text| &text[1..]), 3);
        let mut written = 0;
        dynamic(&|number| number + 1, Box::new(|number| written = number));
        assert_eq!(written, 2);
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

    impl Store {
        #[investigate]
        #[allow(clippy::needless_arbitrary_self_type)]
        async fn by_typed_reference(self: &Self) -> u32 {
            self.toys
        }

        #[investigate]
        fn boxed(self: Box<Self>) -> u32 {
            self.toys
        }

        #[investigate(fields(toys = Self::clone(self).toys))]
        async fn appended(&mut self, toys: u32) -> Self {
            self.toys += toys;
            self.clone()
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
        assert_eq!(store.by_typed_reference().await, 2);
        assert_eq!(Box::new(store.clone()).boxed(), 2);
        assert_eq!(store.clone().appended(3).await.toys, 5);
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

    // The attribute cannot see through an alias: this span ends with the call.
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

mod streams {
    use super::*;

    #[investigate]
    fn opaque(toys: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..toys)
    }

    #[investigate(fields(toys = toys.len()))]
    fn borrowed(toys: &[u32]) -> impl Stream<Item = &u32> {
        stream::iter(toys)
    }

    #[investigate]
    fn boxed(toys: &[u32]) -> BoxStream<'_, Result<u32, SoldOut>> {
        if toys.is_empty() {
            return stream::empty().boxed();
        }
        stream::iter(toys).map(|toy| Ok(*toy)).boxed()
    }

    #[investigate(error_if = |toy| *toy > 1)]
    fn pinned<'a>(toys: &'a [u32]) -> Pin<Box<dyn Stream<Item = u32> + Send + 'a>> {
        Box::pin(stream::iter(toys.iter().copied()))
    }

    #[investigate]
    fn local() -> LocalBoxStream<'static, std::rc::Rc<u32>> {
        stream::iter([std::rc::Rc::new(1)]).boxed_local()
    }

    // It is recorded until the stream is made, since the function returns the stream.
    #[investigate]
    async fn after_waiting() -> impl Stream<Item = u32> {
        stream::iter(0..2)
    }

    #[investigate]
    async fn in_a_result() -> Result<impl Stream<Item = u32>, SoldOut> {
        Ok(stream::iter(0..2))
    }

    #[tokio::test]
    async fn functions_that_return_streams() {
        let counted = tokio::spawn(opaque(3).count()).await;
        assert_eq!(counted.unwrap(), 3);
        assert_eq!(opaque(3).size_hint(), (3, Some(3)));
        assert_eq!(borrowed(&[1, 2]).count().await, 2);
        assert_eq!(boxed(&[]).count().await, 0);
        assert_eq!(boxed(&[1]).next().await, Some(Ok(1)));
        assert_eq!(pinned(&[1, 2, 3]).collect::<Vec<_>>().await, [1, 2, 3]);
        assert_eq!(local().count().await, 1);
        assert_eq!(after_waiting().await.count().await, 2);
        assert_eq!(in_a_result().await.unwrap().count().await, 2);

        let mut ended = std::pin::pin!(opaque(0));
        assert_eq!(ended.next().await, None);
        assert_eq!(ended.next().await, None);
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

    type Later = Pin<Box<dyn Future<Output = Result<u32, SoldOut>> + Send>>;

    #[async_trait::async_trait]
    trait Make {
        async fn make() -> Result<Later, SoldOut>;
    }

    // Without `self`, and the future returns another future.
    #[async_trait::async_trait]
    impl Make for Inner {
        #[investigate(fields(of = std::any::type_name::<Self>()))]
        async fn make() -> Result<Later, SoldOut> {
            let fails = async { Err(()) };
            Ok(Box::pin(async { fails.await.map_err(|()| SoldOut) }))
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
        assert_eq!(Inner::make().await.unwrap().await, Err(SoldOut));
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
