//! Taking up a changed configuration while the program runs.
//!
//! The file is looked at once a second, by its content, so that mounted config maps and editors that
//! replace it are noticed too; on Unix, SIGHUP does the same at once where no terminal would send it.
//! Everything is loaded again as at the start, validated whole, and then swapped at once: a request
//! keeps the snapshot that it began with. What is wrong changes nothing and is reported.

mod watch;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use axum::Router;
use serde::Serialize;
use tokio::sync::Notify;

use crate::config::{ConfigError, Diagnostic, Loaded, Loader};
use crate::record::Instance;
use crate::rules::boost::{Boost, Wanted};
use crate::rules::{Snapshot, boost, decided};
use crate::survey::Survey;

/// Owns what is in force: the loaded configuration and the boosts over it.
#[derive(Debug)]
pub(crate) struct Reloader {
    loader: Arc<Loader>,
    instance: Arc<Instance>,
    /// The application whose routes the rules are compared with, once it is known.
    app: Arc<OnceLock<Router>>,
    /// One loads at a time, so that what was loaded last is also taken up last.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    boosts_changed: Notify,
}

#[derive(Debug)]
struct State {
    /// As it was loaded last.
    seen: Loaded,
    /// The same with the keys that need a restart as they were.
    running: Loaded,
    generation: u64,
    loaded_at: SystemTime,
    held_back: Vec<Diagnostic>,
    /// The last failure, and whether it still stands.
    failure: Option<(String, SystemTime)>,
    is_failing: bool,
    boosts: Vec<Boost>,
    next_boost: u64,
}

/// Which configuration is in force.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ConfigHealth {
    /// `failing` while the file or another source is wrong, so that it is not in force.
    pub(crate) state: &'static str,
    /// How many configurations have been in force, this one included.
    pub(crate) generation: u64,
    /// When it was taken up.
    pub(crate) loaded_at: String,
    /// What was wrong the last time that something was.
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<String>,
    /// The keys that differ from what is in force, and are taken up by a restart only.
    pub(crate) needs_restart: Vec<String>,
}

impl Reloader {
    /// `loaded` is what `instance` was started with.
    pub(crate) fn new(loader: Loader, loaded: Loaded, instance: Arc<Instance>) -> Self {
        Self {
            loader: Arc::new(loader),
            instance,
            app: Arc::default(),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                seen: loaded.clone(),
                running: loaded,
                generation: 1,
                loaded_at: SystemTime::now(),
                held_back: Vec::new(),
                failure: None,
                is_failing: false,
                boosts: Vec::new(),
                next_boost: 1,
            }),
            boosts_changed: Notify::new(),
        }
    }

    /// Loads everything again, and takes it up if it holds.
    pub(crate) async fn reload(&self) -> Result<(), ConfigError> {
        let _turn = self.turn.lock().await;
        self.take_up(self.load().await)
    }

    /// Lays a boost over everything.
    ///
    /// # Errors
    ///
    /// When it means nothing that is there, there are too many already, or nothing is traced at all.
    pub(crate) fn boost(&self, wanted: Wanted) -> Result<Boost, String> {
        wanted.check_function()?;
        let mut state = self.lock();
        if state.boosts.len() >= boost::MOST {
            return Err(format!(
                "{} boosts are in force, which is the maximum; end one with DELETE \
                 /analytics/boost/<id>",
                boost::MOST
            ));
        }
        if !state.running.config.tracing.enabled {
            let place = state.running.provenance.place(&["tracing", "enabled"]);
            return Err(format!(
                "`tracing.enabled` is `false` ({place}), expected `true`: a boost cannot turn on \
                 what is off for all requests"
            ));
        }
        let boost = wanted.begin(state.next_boost);
        state.next_boost += 1;
        state.boosts.push(boost.clone());
        self.publish(&state);
        self.boosts_changed.notify_one();
        tracing::info!(
            "boost {} is in force until {}",
            boost.id,
            decided::time(boost.until)
        );
        Ok(boost)
    }

    /// The boosts in force, the oldest first.
    pub(crate) fn boosts(&self) -> Vec<Boost> {
        self.lock().boosts.clone()
    }

    /// Ends boosts before their time; answers how many.
    pub(crate) fn end_boosts(&self, which: impl Fn(&Boost) -> bool) -> usize {
        let mut state = self.lock();
        let before = state.boosts.len();
        state.boosts.retain(|boost| !which(boost));
        let ended = before - state.boosts.len();
        if ended > 0 {
            self.publish(&state);
            self.boosts_changed.notify_one();
        }
        ended
    }

    /// The state for `/analytics/health`.
    pub(crate) fn health(&self) -> ConfigHealth {
        let state = self.lock();
        let (last_error, last_error_at) = state.failure.clone().unzip();
        ConfigHealth {
            state: if state.is_failing { "failing" } else { "ok" },
            generation: state.generation,
            loaded_at: decided::time(state.loaded_at),
            last_error,
            last_error_at: last_error_at.map(decided::time),
            needs_restart: state.held_back.iter().map(Diagnostic::to_string).collect(),
        }
    }

    /// From now on `[routes]` is compared with the routes of `app`, too.
    pub(crate) fn compare_with(&self, app: &Router) {
        // The first one stays: a program serves one application.
        let _known = self.app.set(app.clone());
    }

    /// Loads on a thread that may wait for the disk.
    async fn load(&self) -> Result<Loaded, ConfigError> {
        let loader = Arc::clone(&self.loader);
        let running = self.lock().running.clone();
        let app = Arc::clone(&self.app);
        tokio::task::spawn_blocking(move || load(&loader, &running, app.get()))
            .await
            .unwrap_or_else(|error| Err(ConfigError::not_loaded(&error)))
    }

    fn take_up(&self, found: Result<Loaded, ConfigError>) -> Result<(), ConfigError> {
        let mut state = self.lock();
        let is_news = state.is_news(&found);
        let loaded = match found {
            Ok(loaded) => loaded,
            Err(error) => {
                let text = error.to_string();
                if is_news {
                    tracing::warn!(
                        "the changed configuration is not applied, the previous one stays in force: {text}"
                    );
                }
                state.failure = Some((text, SystemTime::now()));
                state.is_failing = true;
                return Err(error);
            }
        };
        state.is_failing = false;
        if loaded.is_same(&state.seen) {
            if is_news {
                tracing::info!(
                    "the configuration has no mistake any more and is the same as before"
                );
            }
            return Ok(());
        }
        let (running, held_back) = loaded.clone().after(&state.running);
        for warning in loaded.warnings.iter().chain(&held_back) {
            tracing::warn!("{warning}");
        }
        let survey = Survey::new(&running);
        // What must not be was refused when it was loaded.
        let _told = survey.enforce(survey.findings(self.app.get()));
        state.seen = loaded;
        state.running = running;
        state.held_back = held_back;
        state.generation += 1;
        state.loaded_at = SystemTime::now();
        self.publish(&state);
        tracing::info!(
            generation = state.generation,
            "a changed configuration is in force"
        );
        Ok(())
    }

    /// Puts the state in force. It is locked meanwhile, so that the last to change it is in force.
    fn publish(&self, state: &State) {
        let snapshot = Snapshot::new(&state.running, state.generation, state.boosts.clone());
        self.instance.put_in_force(snapshot);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change ends with a whole state, so a poisoned lock holds one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether this is something else than what was found before.
    fn is_news(&self, found: &Result<Loaded, ConfigError>) -> bool {
        match found {
            Ok(loaded) => self.is_failing || !loaded.is_same(&self.seen),
            Err(error) => {
                let known = self.failure.as_ref().map(|(text, _)| text);
                !self.is_failing || known != Some(&error.to_string())
            }
        }
    }
}

/// Loads as at the start: where the survey is strict, what it finds is a mistake. How strict it is
/// needs a restart to change.
fn load(loader: &Loader, running: &Loaded, app: Option<&Router>) -> Result<Loaded, ConfigError> {
    let loaded = loader.load_again(running.origin.file.as_deref())?;
    let (next, _) = loaded.clone().after(running);
    if !next.is_same(running) {
        let survey = Survey::new(&next);
        survey.refusal(&survey.findings(app))?;
    }
    Ok(loaded)
}
