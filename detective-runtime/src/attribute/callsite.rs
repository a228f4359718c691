//! The register of `#[investigate]` functions.
//!
//! Every use of the attribute creates a static [`Callsite`] that the linker collects, whether or
//! not the function is ever called. So the config can be compared with what the program really
//! contains. Each callsite gets a dense index, by which an instance finds the function's rule and
//! cells without a look-up by name.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::attribute::Options;

/// The facts that the expansion knows at compile time.
#[derive(Debug)]
pub struct Site {
    /// The span's name: the name of the function, or the attribute's `name`.
    pub name: &'static str,
    /// The function's name in the source; `Type::method` when the attribute is on an `impl`.
    pub function: &'static str,
    /// `module_path!()` at the function.
    pub module: &'static str,
    /// `CARGO_PKG_NAME` of the crate that contains the function.
    pub package: &'static str,
    /// `CARGO_PKG_VERSION` of that crate.
    pub version: &'static str,
    /// `file!()` at the function.
    pub file: &'static str,
    /// `line!()` at the function's name.
    pub line: u32,
    /// What the attribute's arguments override.
    pub options: Options,
}

/// One investigated function.
#[derive(Debug)]
pub struct Callsite {
    site: Site,
    /// One more than the index in the register; zero until the register is built.
    id: AtomicU32,
    path: OnceLock<String>,
}

inventory::collect!(&'static Callsite);

impl Callsite {
    /// The attribute's expansion calls this in a static.
    pub const fn new(site: Site) -> Self {
        Self {
            site,
            id: AtomicU32::new(0),
            path: OnceLock::new(),
        }
    }

    /// The facts from the expansion.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// The function's full path: `crate::module::function`.
    pub(crate) fn path(&self) -> &str {
        self.path
            .get_or_init(|| format!("{}::{}", self.site.module, self.site.function))
    }

    /// The index in [`all`], or `None` before any instance was started.
    pub(crate) fn index(&self) -> Option<usize> {
        (self.id.load(Relaxed) as usize).checked_sub(1)
    }
}

/// Every investigated function that is linked into this program, ordered by path and line.
pub(crate) fn all() -> &'static [&'static Callsite] {
    static ALL: OnceLock<Vec<&'static Callsite>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut callsites: Vec<_> = inventory::iter::<&'static Callsite>
            .into_iter()
            .copied()
            .collect();
        callsites.sort_by_key(|callsite| {
            let site = callsite.site();
            (site.module, site.function, site.file, site.line)
        });
        for (id, callsite) in (1..).zip(&callsites) {
            callsite.id.store(id, Relaxed);
        }
        callsites
    })
}

/// The package, with its version, that most investigated functions belong to: the best guess at the
/// name of this program.
pub(crate) fn package() -> Option<(&'static str, &'static str)> {
    let mut counts = std::collections::BTreeMap::new();
    for callsite in all() {
        *counts
            .entry((callsite.site.package, callsite.site.version))
            .or_insert(0_usize) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|&(_, count)| count)
        .map(|(package, _)| package)
}
