//! An investigated function does what it did without the attribute: values stay whole, and are dropped in the same order.
//!
//! Every function here is compiled twice, and what the two leave behind is compared. The tests run under the editions
//! 2018 and 2021, too: see `tests/editions`.

#![allow(
    clippy::boxed_local,
    clippy::manual_async_fn,
    reason = "the shapes are what is tested"
)]

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(what: impl Into<String>) {
    LOG.with(|log| log.borrow_mut().push(what.into()));
}

fn noted() -> Vec<String> {
    LOG.with(RefCell::take)
}

/// Notes that it is dropped.
struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        note(format!("drop {}", self.0));
    }
}

/// Rolls back what was not committed.
struct Guard {
    armed: bool,
    inner: Inner,
}

struct Inner {
    armed: bool,
}

impl Guard {
    fn new() -> Self {
        Self {
            armed: true,
            inner: Inner { armed: true },
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        note(format!("guard armed: {}", self.armed));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        note(format!("inner armed: {}", self.armed));
    }
}

/// Is pending once.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Polls so often, and then drops the future.
fn poll_times(future: impl Future, times: usize) {
    let mut future = Box::pin(future);
    let mut task = Context::from_waker(Waker::noop());
    for _ in 0..times {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut task).is_ready()
        }));
        match polled {
            Ok(true) => break,
            Ok(false) => note("pending"),
            Err(_) => {
                note("panicked");
                break;
            }
        }
    }
}

fn calling<T>(function: impl FnOnce() -> T) {
    match catch_unwind(AssertUnwindSafe(function)) {
        Ok(returned) => drop(returned),
        Err(_) => note("panicked"),
    }
}

/// Compiles the functions with and without the attribute.
macro_rules! twice {
    ($($items:item)*) => {
        mod bare {
            #[allow(unused_imports)]
            use super::*;
            $($items)*
        }
        mod investigated {
            #[allow(unused_imports)]
            use super::*;
            $(#[detective::investigate] $items)*
        }
    };
}

/// Compares what the two leave behind, and tells it.
macro_rules! same {
    ($run:ident($($call:tt)*) $(, $times:expr)?) => {{
        $run({ use bare::*; same!(@call $run $($call)*) } $(, $times)?);
        let bare = noted();
        $run({ use investigated::*; same!(@call $run $($call)*) } $(, $times)?);
        assert_eq!(noted(), bare, "{}", stringify!($($call)*));
        bare
    }};
    (@call calling $($call:tt)*) => { || $($call)* };
    (@call poll_times $($call:tt)*) => { $($call)* };
}

mod whole_values {
    use super::*;

    trait Commit {
        fn commit(self);
        fn commit_inner(self);
    }

    struct Bare(Guard);
    struct Investigated(Guard);

    impl Bare {
        fn commit(mut self) {
            self.0.armed = false;
        }
        fn commit_inner(mut self) {
            self.0.inner.armed = false;
        }
        async fn commit_later(mut self) {
            self.0.armed = false;
            Yield::default().await;
            self.0.inner.armed = false;
        }
        fn commit_boxed(mut self: Box<Self>) {
            self.0.armed = false;
        }
    }

    #[detective::investigate]
    impl Investigated {
        fn commit(mut self) {
            self.0.armed = false;
        }
        fn commit_inner(mut self) {
            self.0.inner.armed = false;
        }
        async fn commit_later(mut self) {
            self.0.armed = false;
            Yield::default().await;
            self.0.inner.armed = false;
        }
        fn commit_boxed(mut self: Box<Self>) {
            self.0.armed = false;
        }
    }

    impl Commit for Guard {
        #[detective::investigate]
        fn commit(mut self) {
            self.armed = false;
        }
        #[detective::investigate]
        fn commit_inner(mut self) {
            self.inner.armed = false;
        }
    }

    const BOTH: [&str; 2] = ["guard armed: false", "inner armed: true"];
    const INNER: [&str; 2] = ["guard armed: true", "inner armed: false"];

    #[test]
    fn a_method_disarms_the_guard_that_it_is_called_on() {
        Guard::new().commit();
        assert_eq!(noted(), BOTH);
        Guard::new().commit_inner();
        assert_eq!(noted(), INNER);
        Bare(Guard::new()).commit();
        Investigated(Guard::new()).commit();
        assert_eq!(noted(), [BOTH, BOTH].concat());
        Bare(Guard::new()).commit_inner();
        Investigated(Guard::new()).commit_inner();
        assert_eq!(noted(), [INNER, INNER].concat());
        Box::new(Bare(Guard::new())).commit_boxed();
        Box::new(Investigated(Guard::new())).commit_boxed();
        assert_eq!(noted(), [BOTH, BOTH].concat());
    }

    #[test]
    fn so_does_an_asynchronous_one() {
        for times in 0..3 {
            poll_times(Bare(Guard::new()).commit_later(), times);
            let bare = noted();
            poll_times(Investigated(Guard::new()).commit_later(), times);
            assert_eq!(noted(), bare);
        }
    }

    struct Wrapped(Guard);

    twice! {
        pub(super) fn plain(mut guard: Guard) {
            guard.armed = false;
        }
        pub(super) fn field_of_field(mut guard: Guard) {
            guard.inner.armed = false;
        }
        pub(super) fn pattern(Wrapped(mut guard): Wrapped) {
            guard.armed = false;
        }
        pub(super) fn by_reference(Wrapped(ref mut guard): Wrapped) {
            guard.armed = false;
        }
        pub(super) async fn asynchronous(mut guard: Guard) {
            guard.armed = false;
            Yield::default().await;
        }
        pub(super) async fn asynchronous_pattern(Wrapped(mut guard): Wrapped) {
            Yield::default().await;
            guard.inner.armed = false;
        }
        pub(super) fn before_a_future(mut guard: Guard) -> impl Future<Output = ()> {
            guard.armed = false;
            async { Yield::default().await }
        }
        pub(super) fn before_a_box(mut guard: Guard) -> Pin<Box<dyn Future<Output = ()>>> {
            guard.armed = false;
            Box::pin(async { Yield::default().await })
        }
        pub(super) fn before_a_closure(mut guard: Guard) -> impl Fn() {
            guard.armed = false;
            || ()
        }
    }

    #[test]
    fn every_form_of_function_takes_its_values_whole() {
        assert_eq!(same!(calling(plain(Guard::new()))), BOTH);
        assert_eq!(same!(calling(field_of_field(Guard::new()))), INNER);
        assert_eq!(same!(calling(pattern(Wrapped(Guard::new())))), BOTH);
        assert_eq!(same!(calling(by_reference(Wrapped(Guard::new())))), BOTH);
        assert_eq!(same!(calling(before_a_closure(Guard::new()))), BOTH);
        for times in 0..3 {
            same!(poll_times(asynchronous(Guard::new())), times);
            same!(
                poll_times(asynchronous_pattern(Wrapped(Guard::new()))),
                times
            );
            same!(poll_times(before_a_future(Guard::new())), times);
            same!(poll_times(before_a_box(Guard::new())), times);
        }
    }
}

mod order_of_drops {
    use super::*;

    struct Pair(Noisy, Noisy);

    twice! {
        pub(super) fn both(a: Noisy, b: Noisy, _unused: Noisy) {
            let _local = Noisy("local");
            note(format!("{} {}", b.0, a.0));
        }
        pub(super) fn in_patterns(Pair(a, _): Pair, _: Noisy, Pair(_, b): Pair, (c, d): (Noisy, Noisy)) {
            note(format!("{} {} {} {}", d.0, b.0, c.0, a.0));
        }
        pub(super) fn bound_twice(whole @ Pair(..): Pair, last: Noisy) {
            note(format!("{} {}", last.0, whole.0.0));
        }
        pub(super) fn moved(a: Noisy, b: Noisy, c: Noisy) -> Noisy {
            drop(b);
            note(c.0);
            a
        }
        pub(super) fn early(a: Noisy, b: Noisy, stop: bool) -> Option<Noisy> {
            if stop {
                return Some(b);
            }
            note(a.0);
            None
        }
        pub(super) fn fails(a: Noisy, b: Noisy) -> Result<(), std::num::ParseIntError> {
            "x".parse::<u8>()?;
            drop((a, b));
            Ok(())
        }
        pub(super) fn panics(a: Noisy, b: Noisy, _c: Noisy) {
            let _local = Noisy("local");
            assert!(b.0 == a.0, "on purpose");
        }
        pub(super) fn temporary(a: RefCell<u8>, _b: Noisy) -> u8 {
            *a.borrow()
        }
        pub(super) fn temporary_last(_a: Noisy) -> usize {
            let _local = Noisy("local");
            Noisy("temporary").0.len()
        }
        pub(super) async fn later(a: Noisy, b: Noisy, _unused: Noisy) {
            let _local = Noisy("local");
            Yield::default().await;
            note(format!("{} {}", b.0, a.0));
        }
        pub(super) async fn later_in_patterns(Pair(a, _): Pair, _: Noisy, Pair(_, b): Pair) {
            Yield::default().await;
            note(format!("{} {}", b.0, a.0));
        }
        pub(super) async fn later_never_waits(a: Noisy, _: Noisy, _c: Noisy) -> &'static str {
            a.0
        }
        pub(super) async fn later_temporary(a: RefCell<u8>, _b: Noisy) -> u8 {
            Yield::default().await;
            *a.borrow()
        }
        pub(super) async fn later_panics(a: Noisy, b: Noisy, _c: Noisy) {
            let _local = Noisy("local");
            Yield::default().await;
            assert!(b.0 == a.0, "on purpose");
        }
        pub(super) async fn later_never(a: Noisy, _b: Noisy) -> ! {
            Yield::default().await;
            panic!("{} on purpose", a.0);
        }
        #[must_use]
        pub(super) async fn later_beside_another_attribute(a: Noisy, _: Noisy, _c: Noisy) -> usize {
            let _local = Noisy("local");
            Yield::default().await;
            a.0.len()
        }
        pub(super) fn a_future(a: Noisy, _b: Noisy, _c: Noisy) -> impl Future<Output = ()> {
            async move {
                Yield::default().await;
                note(a.0);
            }
        }
        pub(super) fn a_box(a: Noisy, _b: Noisy, _c: Noisy) -> Pin<Box<dyn Future<Output = ()>>> {
            Box::pin(async move {
                Yield::default().await;
                note(a.0);
            })
        }
        pub(super) fn a_closure(a: Noisy, _b: Noisy, _c: Noisy) -> impl Fn() {
            move || note(a.0)
        }
    }

    fn pair(a: &'static str, b: &'static str) -> Pair {
        Pair(Noisy(a), Noisy(b))
    }

    #[test]
    fn unused_parameters_are_dropped_first_and_the_others_backwards() {
        let both = same!(calling(both(Noisy("a"), Noisy("b"), Noisy("unused"))));
        let expected = ["b a", "drop local", "drop unused", "drop b", "drop a"];
        assert_eq!(both, expected);
        same!(calling(in_patterns(
            pair("a1", "a2"),
            Noisy("_"),
            pair("b1", "b2"),
            (Noisy("c"), Noisy("d"))
        )));
        same!(calling(bound_twice(pair("a1", "a2"), Noisy("last"))));
        same!(calling(moved(Noisy("a"), Noisy("b"), Noisy("c"))));
        same!(calling(early(Noisy("a"), Noisy("b"), true)));
        same!(calling(early(Noisy("a"), Noisy("b"), false)));
        same!(calling(fails(Noisy("a"), Noisy("b"))));
        same!(calling(panics(Noisy("a"), Noisy("b"), Noisy("c"))));
        same!(calling(temporary(RefCell::new(1), Noisy("b"))));
        same!(calling(temporary_last(Noisy("a"))));
        same!(calling(a_closure(Noisy("a"), Noisy("b"), Noisy("c"))()));
    }

    #[test]
    fn so_are_those_of_a_future_however_far_it_came() {
        for times in 0..3 {
            let later = same!(
                poll_times(later(Noisy("a"), Noisy("b"), Noisy("unused"))),
                times
            );
            assert!(
                times < 2
                    || later.ends_with(&["drop unused".into(), "drop b".into(), "drop a".into()])
            );
            same!(
                poll_times(later_in_patterns(
                    pair("a1", "a2"),
                    Noisy("_"),
                    pair("b1", "b2")
                )),
                times
            );
            same!(
                poll_times(later_never_waits(Noisy("a"), Noisy("b"), Noisy("c"))),
                times
            );
            same!(
                poll_times(later_temporary(RefCell::new(1), Noisy("b"))),
                times
            );
            same!(
                poll_times(later_panics(Noisy("a"), Noisy("b"), Noisy("c"))),
                times
            );
            same!(poll_times(later_never(Noisy("a"), Noisy("b"))), times);
            same!(
                poll_times(later_beside_another_attribute(
                    Noisy("a"),
                    Noisy("b"),
                    Noisy("c")
                )),
                times
            );
            same!(
                poll_times(a_future(Noisy("a"), Noisy("b"), Noisy("c"))),
                times
            );
            same!(poll_times(a_box(Noisy("a"), Noisy("b"), Noisy("c"))), times);
        }
    }
}
