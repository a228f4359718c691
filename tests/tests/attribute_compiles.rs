//! Shapes of functions that are hard for an attribute: each compiles without a warning, as it does without it.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::all)]
// The functions are the shapes that they are.
#![allow(
    clippy::implied_bounds_in_impls,
    clippy::needless_lifetimes,
    clippy::needless_pass_by_value,
    clippy::never_loop,
    clippy::non_minimal_cfg
)]

use std::fmt::Debug;
use std::future::Future;
use std::panic::UnwindSafe;
use std::pin::Pin;

use detective::investigate;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, FusedFuture};
use futures_util::stream::{self, BoxStream, FusedStream, Stream, StreamExt as _};

#[derive(Debug, PartialEq)]
struct OnlyDebug;

mod opaque_types {
    use super::*;

    #[investigate]
    fn error_is_not_inferred(x: u32) -> impl Future<Output = Result<u32, OnlyDebug>> {
        async move { Ok(x) }
    }

    #[investigate]
    fn text() -> impl Future<Output = String> {
        async { "x".into() }
    }

    #[investigate]
    fn nothing_streamed() -> impl Stream<Item = u8> {
        stream::empty()
    }

    #[investigate]
    fn closure() -> impl Fn(String) -> usize {
        |s| s.len()
    }

    #[investigate]
    fn closure_in_a_result() -> Result<impl Fn(String) -> usize, OnlyDebug> {
        Ok(|s: String| s.len())
    }

    #[investigate(error_if = |_| false)]
    fn closure_with_a_condition() -> impl Fn(String) -> usize {
        |s: String| s.len()
    }

    #[investigate]
    fn cloneable(x: u32) -> impl Future<Output = u32> + Clone {
        std::future::ready(x)
    }

    #[investigate]
    fn fused(x: u32) -> impl FusedFuture<Output = u32> + Send + Unpin {
        futures_util::future::ready(x)
    }

    #[investigate]
    fn fused_too(x: u32) -> impl Future<Output = u32> + FusedFuture {
        async move { x }.boxed().fuse()
    }

    #[investigate]
    fn fused_stream() -> impl Stream<Item = u8> + FusedStream {
        stream::iter([1]).fuse()
    }

    #[investigate]
    fn captures<'a>(text: &'a str, other: &str) -> impl Future<Output = &'a str> + use<'a> {
        let _ = other;
        async move { text }
    }

    #[investigate]
    async fn takes_impl(name: impl AsRef<str>, of: &[impl Debug]) -> impl Iterator<Item = usize> {
        [name.as_ref().len(), of.len()].into_iter()
    }

    #[tokio::test]
    async fn they_give_what_they_gave() {
        assert_eq!(error_is_not_inferred(1).await, Ok(1));
        assert_eq!(text().await, "x");
        assert_eq!(nothing_streamed().count().await, 0);
        assert_eq!(closure()("abc".into()), 3);
        assert_eq!(closure_in_a_result().unwrap()("abc".into()), 3);
        assert_eq!(closure_with_a_condition()("abc".into()), 3);
        assert_eq!(cloneable(1).clone().await, 1);
        let mut future = fused(1);
        assert_eq!((&mut future).await, 1);
        assert!(future.is_terminated());
        assert_eq!(fused_too(1).await, 1);
        assert_eq!(fused_stream().count().await, 1);
        assert_eq!(captures("a", "b").await, "a");
        assert_eq!(takes_impl("abc", &[1]).await.sum::<usize>(), 4);
    }
}

mod boxes {
    use super::*;

    #[investigate]
    fn lives_longer<'a>(_names: &'a [String]) -> BoxFuture<'static, Vec<&'a str>> {
        Box::pin(async { Vec::new() })
    }

    #[investigate]
    fn borrows<'a>(names: &'a [String]) -> BoxFuture<'a, Vec<&'a str>> {
        Box::pin(async move { names.iter().map(String::as_str).collect() })
    }

    #[investigate]
    fn elided(names: &[String]) -> BoxStream<'_, &str> {
        stream::iter(names).map(String::as_str).boxed()
    }

    #[investigate]
    #[rustfmt::skip]
    #[allow(unused_parens)]
    fn in_parentheses(x: u32) -> (Pin<Box<(dyn Future<Output = u32> + Send)>>) {
        Box::pin(async move { x })
    }

    macro_rules! of_a_type {
        ($name:ident, $returned:ty) => {
            #[investigate]
            fn $name(x: u32) -> $returned {
                Box::pin(async move { x })
            }
        };
    }

    of_a_type!(through_a_macro, Pin<Box<dyn Future<Output = u32> + Send>>);

    #[tokio::test]
    async fn they_give_what_they_gave() {
        let names = [String::from("a")];
        assert!(lives_longer(&names).await.is_empty());
        assert_eq!(borrows(&names).await, ["a"]);
        assert_eq!(elided(&names).count().await, 1);
        assert_eq!(in_parentheses(1).await + through_a_macro(1).await, 2);
    }
}

mod quiet {
    use super::*;

    #[derive(Clone)]
    struct NewUser {
        role: String,
    }

    struct Json<T>(T);

    async fn insert(role: &str) -> usize {
        role.len()
    }

    #[investigate]
    async fn assigns_before_it_reads(Json(mut user): Json<NewUser>) -> usize {
        user.role = "guest".into();
        insert(&user.role).await
    }

    #[investigate]
    #[rustfmt::skip]
    async fn hi() -> &'static str { "hi" }

    #[investigate]
    #[rustfmt::skip]
    fn plain_hi() -> &'static str { "hi" }

    #[investigate]
    #[rustfmt::skip]
    fn later_hi() -> impl Fn() -> &'static str { || "hi" }

    #[investigate]
    async fn start() -> tokio::task::JoinHandle<()> {
        tokio::spawn(async {})
    }

    #[investigate]
    #[expect(clippy::type_complexity)]
    fn complex() -> Result<Vec<Option<(u8, Box<dyn Fn(Vec<(u8, u16)>) -> Option<u8>>)>>, OnlyDebug>
    {
        Err(OnlyDebug)
    }

    #[derive(Debug)]
    #[allow(dead_code)]
    struct Large([u8; 1000]);

    #[investigate]
    #[expect(clippy::result_large_err)]
    fn large() -> Result<(), Large> {
        Ok(())
    }

    #[investigate]
    #[expect(unused_variables, reason = "the warning about a parameter stays")]
    async fn unused(first: u8, second: String) {}

    #[investigate]
    #[expect(unused_mut)]
    fn needless_mut(mut first: u8) -> u8 {
        first
    }

    #[investigate]
    #[expect(unused_assignments, unused_variables)]
    fn never_read(mut first: u8) {
        first = 1;
    }

    #[investigate]
    fn allowed_on_a_parameter(#[expect(unused_variables)] first: u8, #[allow(unused)] second: u8) {}

    #[investigate]
    fn only_here(#[cfg(any())] never: Missing, #[cfg(all())] first: u8) -> u8 {
        first
    }

    struct Builder {
        name: String,
        built: bool,
    }

    impl Builder {
        #[investigate]
        fn named(mut self, name: &str) -> Self {
            self.name = name.into();
            self.built = true;
            self
        }
    }

    #[tokio::test]
    async fn they_give_what_they_gave() {
        let user = NewUser {
            role: String::new(),
        };
        assert_eq!(assigns_before_it_reads(Json(user)).await, 5);
        assert_eq!([hi().await, plain_hi(), later_hi()()], ["hi"; 3]);
        start().await.await.unwrap();
        assert!(complex().is_err() && large().is_ok());
        unused(1, String::new()).await;
        never_read(needless_mut(1));
        allowed_on_a_parameter(1, 2);
        assert_eq!(only_here(1), 1);
        let builder = Builder {
            name: String::new(),
            built: false,
        }
        .named("x");
        assert!(builder.built && builder.name == "x");
    }
}

mod auto_traits {
    use super::*;

    #[investigate]
    async fn fetch(id: u32) -> u32 {
        std::future::ready(id).await;
        assert!(id < 10, "{id} on purpose");
        id
    }

    fn check<T: Send + UnwindSafe>(future: T) -> T {
        future
    }

    #[tokio::test]
    async fn a_panic_of_a_future_is_caught_without_a_wrapper() {
        assert_eq!(check(fetch(1)).catch_unwind().await.unwrap(), 1);
        assert!(fetch(10).catch_unwind().await.is_err());
    }

    /// The chain compiles within the compiler's default `recursion_limit`.
    macro_rules! chain {
        ($first:ident) => {
            #[investigate]
            async fn $first() -> u32 {
                tokio::task::yield_now().await;
                0
            }
        };
        ($first:ident $second:ident $($rest:ident)*) => {
            #[investigate]
            async fn $first() -> u32 {
                $second().await + 1
            }
            chain!($second $($rest)*);
        };
    }

    chain!(f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18);

    #[tokio::test]
    async fn a_long_chain_is_send() {
        assert_eq!(tokio::spawn(f01()).await.unwrap(), 17);
    }
}

mod odd {
    use super::*;

    #[investigate(fields(N, total = bytes.len()))]
    fn constant<const N: usize>(bytes: [u8; N]) -> [u8; N] {
        bytes
    }

    #[investigate]
    async fn recursive(depth: u32) -> u32 {
        if depth == 0 {
            return 0;
        }
        Box::pin(recursive(depth - 1)).await + 1
    }

    struct List(Vec<u8>);

    impl List {
        #[investigate]
        fn first(&mut self) -> &mut u8 {
            self.0.push(1);
            &mut self.0[0]
        }

        #[investigate]
        async fn first_later<'a>(&'a mut self, _with: &str) -> &'a mut u8 {
            tokio::task::yield_now().await;
            self.first()
        }
    }

    trait Sized2 {
        #[investigate]
        async fn doubled(self) -> (Self, Self)
        where
            Self: Sized + Clone,
        {
            (self.clone(), self)
        }
    }

    impl Sized2 for u8 {}

    #[investigate]
    async fn closures_inside(limit: usize) -> usize {
        let add = async move |a: usize| a + limit;
        let early = |a: usize| {
            if a > 1 {
                return 0;
            }
            a
        };
        add(early(1)).await
    }

    #[investigate]
    fn forever() -> ! {
        loop {
            panic!("on purpose");
        }
    }

    struct Pair(String, String);

    #[investigate]
    fn by_reference(Pair(ref mut left, ref right): Pair, (mut a, _): (u8, u8)) -> (String, u8) {
        left.push_str(right);
        a += 1;
        (left.clone(), a)
    }

    #[investigate(error_if = |sum| *sum > limit)]
    async fn condition_reads_a_parameter(limit: u32) -> u32 {
        limit
    }

    #[tokio::test]
    async fn they_give_what_they_gave() {
        assert_eq!(constant([1, 2]), [1, 2]);
        assert_eq!(recursive(3).await, 3);
        assert_eq!(*List(Vec::new()).first_later("x").await, 1);
        assert_eq!(1.doubled().await, (1, 1));
        assert_eq!(closures_inside(2).await, 3);
        assert!(std::panic::catch_unwind(|| -> () { forever() }).is_err());
        let pair = Pair("a".into(), "b".into());
        assert_eq!(by_reference(pair, (1, 2)), ("ab".into(), 2));
        assert_eq!(condition_reads_a_parameter(2).await, 2);
    }
}

mod sizes {
    use super::*;

    /// What the attribute may add to a future: its span, and a place to keep it.
    const ADDED: usize = 64;

    async fn read(of: &[u8]) -> usize {
        of.len()
    }

    macro_rules! both {
        ($($item:item)*) => {
            mod bare {
                use super::*;
                $($item)*
            }
            #[investigate]
            mod investigated {
                use super::*;
                $($item)*
            }
        };
    }

    both! {
        pub(super) async fn taken(large: [u8; 1024]) -> usize {
            let first = large[0];
            read(&[first]).await
        }
        pub(super) async fn kept(large: [u8; 1024]) -> usize {
            tokio::task::yield_now().await;
            read(&large).await
        }
        pub(super) async fn one() -> usize {
            tokio::task::yield_now().await;
            1
        }
        pub(super) async fn two() -> usize {
            one().await
        }
        pub(super) async fn three() -> usize {
            two().await
        }
        pub(super) async fn four() -> usize {
            three().await
        }
        pub(super) async fn five() -> usize {
            four().await
        }
    }

    #[test]
    fn a_future_stores_its_arguments_once_and_little_else() {
        let size = |bare: usize, investigated: usize, functions: usize| {
            println!("{bare} {investigated}");
            assert!(
                investigated <= bare + functions * ADDED,
                "{investigated} instead of {bare}"
            );
        };
        let large = [0; 1024];
        size(
            size_of_val(&bare::taken(large)),
            size_of_val(&investigated::taken(large)),
            1,
        );
        size(
            size_of_val(&bare::kept(large)),
            size_of_val(&investigated::kept(large)),
            1,
        );
        size(
            size_of_val(&bare::one()),
            size_of_val(&investigated::one()),
            1,
        );
        size(
            size_of_val(&bare::five()),
            size_of_val(&investigated::five()),
            5,
        );
    }
}
