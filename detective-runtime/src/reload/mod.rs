//! Applies a changed configuration while the program runs.
//!
//! The file's content is checked once a second, so that mounted config maps and editors that
//! replace the file are noticed too. On Unix, SIGHUP triggers a reload at once, unless standard
//! input is a terminal. Everything is loaded and validated as at start, and then swapped at once; a
//! request keeps the snapshot that it began with. A faulty configuration changes nothing and is
//! reported.

mod watch;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use axum::Router;
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock;
use crate::config::{ConfigError, Diagnostic, Loaded, Loader};
use crate::record::Instance;
use crate::rules::boost::{Boost, Wanted};
use crate::rules::{Snapshot, boost};
use crate::survey::Survey;

/// Owns the loaded configuration and the boosts that apply on top of it.
#[derive(Debug)]
pub(crate) struct Reloader {
    loader: Arc<Loader>,
    instance: Arc<Instance>,
    /// The application whose routes are compared with the rules, once it is known.
    app: Arc<OnceLock<Router>>,
    /// Only one reload runs at a time, so that the configuration loaded last is also applied last.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    boosts_changed: Notify,
}

#[derive(Debug)]
struct State {
    /// The configuration as it was last loaded.
    seen: Loaded,
    /// The same, but keys that need a restart keep their old values.
    running: Loaded,
    generation: u64,
    loaded_at: SystemTime,
    held_back: Vec<Diagnostic>,
    /// The last failure. `is_failing` says whether it still applies.
    failure: Option<(String, SystemTime)>,
    is_failing: bool,
    boosts: Vec<Boost>,
    next_boost: u64,
}

/// The state of the current configuration.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ConfigHealth {
    /// `failing` while the file or another source is faulty, so that it was not applied.
    pub(crate) state: &'static str,
    /// How many configurations have been active, including this one.
    pub(crate) generation: u64,
    /// When it was applied.
    pub(crate) loaded_at: String,
    /// The most recent failure.
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<String>,
    /// The keys whose new values apply only after a restart.
    pub(crate) needs_restart: Vec<String>,
}

impl Reloader {
    /// `loaded` is the configuration that `instance` was started with.
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

    /// Loads everything again, and applies it if it is valid.
    pub(crate) async fn reload(&self) -> Result<(), ConfigError> {
        let _turn = self.turn.lock().await;
        self.take_up(self.load().await)
    }

    /// Applies a boost on top of all rules.
    ///
    /// # Errors
    ///
    /// When the boost matches no function, there are too many boosts, or tracing is off.
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
            clock::text(boost.until)
        );
        Ok(boost)
    }

    /// The active boosts, oldest first.
    pub(crate) fn boosts(&self) -> Vec<Boost> {
        self.lock().boosts.clone()
    }

    /// Ends boosts early, and returns how many.
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
            loaded_at: clock::text(state.loaded_at),
            last_error,
            last_error_at: last_error_at.map(clock::text),
            needs_restart: state.held_back.iter().map(Diagnostic::to_string).collect(),
        }
    }

    /// Compares `[routes]` with the routes of `app` from now on.
    pub(crate) fn compare_with(&self, app: &Router) {
        // The first one stays, since a program serves one application.
        let _known = self.app.set(app.clone());
    }

    /// Loads on a thread that may block on the disk.
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
        // Findings that must be refused were refused when the configuration was loaded.
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

    /// Makes the state current. The caller holds the lock, so that the latest change wins.
    fn publish(&self, state: &State) {
        let snapshot = Snapshot::new(&state.running, state.generation, state.boosts.clone());
        self.instance.put_in_force(snapshot);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves a complete state, so the state behind a poisoned lock is usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether this differs from the previous result.
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

/// Loads as at start: if the survey is strict, its findings are errors. A change of the strictness
/// needs a restart.
fn load(loader: &Loader, running: &Loaded, app: Option<&Router>) -> Result<Loaded, ConfigError> {
    let loaded = loader.load_again(running.origin.file.as_deref())?;
    let (next, _) = loaded.clone().after(running);
    if !next.is_same(running) {
        let survey = Survey::new(&next);
        survey.refusal(&survey.findings(app))?;
    }
    Ok(loaded)
}
