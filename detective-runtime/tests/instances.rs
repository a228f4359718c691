//! Tests which of several instances in one process a function outside any request belongs to. There
//! is only one test, since the answer depends on which instance was started first.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use detective::testing::{self, Sinks};
use detective::{Detective, InCurrentContext, investigate};

#[investigate(fields(number))]
async fn job(number: u32) {
    tokio::task::yield_now().await;
}

async fn start() -> (Detective, Sinks) {
    testing::start("").await.unwrap()
}

#[tokio::test]
async fn a_function_outside_any_request_belongs_to_the_first_instance_or_that_of_its_scope() {
    // No instance is running yet.
    job(0).await;
    let (first, first_sinks) = start().await;
    let (second, second_sinks) = start().await;
    job(1).await;
    second.handle().scope(job(2)).await;
    let nested = async {
        first.handle().scope(job(3)).await;
        job(4).await;
    };
    second.handle().scope(nested).await;
    job(5).await;
    tokio::spawn(job(6)).await.unwrap();
    tokio::spawn(job(7).in_current_context()).await.unwrap();

    let tree = |numbers: &[u32]| -> String {
        let lines = numbers
            .iter()
            .map(|number| format!("job (internal) number={number}\n"));
        lines.collect()
    };
    assert_eq!(first_sinks.tree().await, tree(&[1, 3, 5, 6, 7]));
    assert_eq!(second_sinks.tree().await, tree(&[2, 4]));

    // After the first instance has ended, the second takes over.
    first.shutdown().await.unwrap();
    job(8).await;
    assert_eq!(second_sinks.tree().await, tree(&[2, 4, 8]));
    second.shutdown().await.unwrap();
    job(9).await;
}
