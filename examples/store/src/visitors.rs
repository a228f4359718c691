//! Simulated customers, so that there are requests to look at. They are ordinary HTTP clients with names
//! and pauses, and they also send the requests that fail.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

const NAMES: [&str; 12] = [
    "Ada",
    "Grandma Edith",
    "Little Otto",
    "Captain Haggle",
    "Aunt Zuzana",
    "The Twins",
    "Mr Penny",
    "Nurse Ngozi",
    "Uncle Bo",
    "Professor Owl",
    "Baroness von Bear",
    "Somebody's Godfather",
];
const WORDS: [&str; 8] = [
    "bear", "train", "dragon", "duck", "puzzle", "kite", "robot", "moon",
];

/// Paths that answer with an error.
const WRONG_PATHS: [&str; 4] = ["/users/grandma", "/toys/9999", "/checkout", "/toys?page=0"];

/// How long an impatient customer waits for a search.
const PATIENCE: Duration = Duration::from_millis(600);

/// Runs `count` customers of the store at `url` until the set is dropped.
pub fn invite(count: usize, url: &str) -> Result<JoinSet<()>, reqwest::Error> {
    let mut visitors = JoinSet::new();
    for number in 0..count {
        let visitor = Visitor::new(number, url)?;
        visitors.spawn(async move {
            loop {
                // After a failed request, the customer comes back later.
                let _disappointment = visitor.visit().await;
                pause(1_000..4_000).await;
            }
        });
    }
    Ok(visitors)
}

struct Visitor {
    http: Client,
    url: String,
    name: String,
}

#[derive(Deserialize)]
struct Page {
    toys: Vec<Toy>,
}

#[derive(Deserialize)]
struct Toy {
    id: i64,
}

#[derive(Deserialize)]
struct Receipt {
    id: i64,
}

impl Visitor {
    fn new(number: usize, url: &str) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .user_agent("toy-store-visitor/1.0")
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()?;
        let name = match (NAMES[number % NAMES.len()], number / NAMES.len()) {
            (name, 0) => name.to_owned(),
            (name, generation) => format!("{name} {}", generation + 1),
        };
        Ok(Self {
            http,
            url: url.to_owned(),
            name,
        })
    }

    async fn visit(&self) -> Result<(), reqwest::Error> {
        pause(0..3_000).await;
        match fastrand::u8(..100) {
            0..50 => self.shop().await,
            50..65 => self.look_up_a_friend().await,
            65..80 => self.search().await,
            80..90 => self.take_the_catalogue().await,
            _ => self.get_lost().await,
        }
    }

    /// Lists toys, opens one, perhaps buys it, has it wrapped, and asks for the order's status.
    async fn shop(&self) -> Result<(), reqwest::Error> {
        let page = fastrand::u8(1..=4);
        let Page { toys } = self
            .get(&format!("/toys?page={page}&per_page=10"))
            .await?
            .json()
            .await?;
        pause(800..3_000).await;
        let Some(toy) = fastrand::choice(toys) else {
            return Ok(());
        };
        self.get(&format!("/toys/{}", toy.id)).await?;
        pause(500..2_000).await;
        if fastrand::u8(..3) == 0 {
            return Ok(());
        }
        let order = json!({ "toy_id": toy.id, "quantity": fastrand::i64(1..=2) });
        let sale = self
            .http
            .post(format!("{}/orders", self.url))
            .header("x-customer", &self.name)
            .json(&order);
        let Ok(Receipt { id }) = sale.send().await?.json().await else {
            return Ok(());
        };
        pause(300..1_000).await;
        self.get(&format!("/gift-wrap/{}", toy.id)).await?;
        pause(1_000..3_000).await;
        self.get(&format!("/orders/{id}")).await?;
        Ok(())
    }

    async fn look_up_a_friend(&self) -> Result<(), reqwest::Error> {
        self.get(&format!("/users/{}", fastrand::u8(..100))).await?;
        Ok(())
    }

    async fn search(&self) -> Result<(), reqwest::Error> {
        let word = WORDS[fastrand::usize(..WORDS.len())];
        let path = format!("/search?q={word}");
        let answer = self.get(&path);
        if fastrand::u8(..4) == 0 {
            // Disconnects before the answer has come.
            let _left = tokio::time::timeout(PATIENCE, answer).await;
            return Ok(());
        }
        answer.await?;
        Ok(())
    }

    async fn take_the_catalogue(&self) -> Result<(), reqwest::Error> {
        self.get("/catalogue.csv").await?.bytes().await?;
        Ok(())
    }

    async fn get_lost(&self) -> Result<(), reqwest::Error> {
        self.get(WRONG_PATHS[fastrand::usize(..WRONG_PATHS.len())])
            .await?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        self.http
            .get(format!("{}{path}", self.url))
            .header("x-customer", &self.name)
            .send()
            .await
    }
}

async fn pause(milliseconds: std::ops::Range<u64>) {
    sleep(Duration::from_millis(fastrand::u64(milliseconds))).await;
}
