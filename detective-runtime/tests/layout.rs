//! No two folders of `src` use each other, so that the code can be read from the ground up.
//!
//! A file at the root of `src` counts as a folder. `lib.rs` and `__private.rs` are left out because
//! they only re-export. Tests may use everything that they need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each pair of folders, the first line by which one uses the other, as `path:line: text`.
type Uses = BTreeMap<(String, String), String>;

#[test]
fn folders_use_each_other_in_one_direction() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let uses = uses(&src);
    assert!(uses.len() > 50, "the lines of `use` were not found");
    if let Some(ring) = ring(&uses) {
        panic!("folders use each other in a ring:\n{}", ring.join("\n"));
    }
}

#[test]
fn folders_use_only_what_stands_before_them_in_lib() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).expect("lib.rs can be read");
    let declared = lib.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let floors: Vec<&str> = declared.filter(|name| *name != "__private").collect();
    let floor = |name: &str| floors.iter().position(|one| *one == name);
    for ((from, to), line) in &uses(&src) {
        assert!(
            floor(from).is_some() && floor(from) > floor(to),
            "`{to}` stands above `{from}` in lib.rs: {line}"
        );
    }
}

#[test]
fn the_root_has_six_files_at_most() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let loose: Vec<_> = files(&src)
        .filter(|path| path.parent() == Some(&src))
        .collect();
    assert!(loose.len() <= 6, "a file belongs into a folder: {loose:#?}");
}

#[test]
fn a_cycle_is_found_and_reported_with_its_lines() {
    let mut uses = Uses::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")] {
        uses.insert((from.into(), to.into()), format!("{from} uses {to}"));
    }
    assert_eq!(
        ring(&uses),
        Some(vec!["b uses c".into(), "c uses b".into()])
    );
    uses.remove(&("c".into(), "b".into()));
    assert_eq!(ring(&uses), None);
}

/// Every pair of folders where the first uses the second.
fn uses(src: &Path) -> Uses {
    let mut uses = Uses::new();
    for path in files(src) {
        let relative = path.strip_prefix(src).expect("it is below src");
        let from = folder(&relative.to_string_lossy());
        if ["lib", "__private"].contains(&&*from) || is_test(relative) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source file can be read");
        assert!(
            !text.contains("use crate::{"),
            "{}: write one `use` for each folder",
            relative.display()
        );
        for (number, line) in (1..).zip(text.lines()) {
            // Test modules are at the end of a file.
            if line.contains("mod tests {") {
                break;
            }
            for to in used(line) {
                if to != from
                    && src.join(&to).with_extension("rs").exists() | src.join(&to).is_dir()
                {
                    uses.entry((from.clone(), to)).or_insert_with(|| {
                        format!("src/{}:{number}: {}", relative.display(), line.trim())
                    });
                }
            }
        }
    }
    uses
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.into_iter()
}

/// The folder of a path relative to `src`; the name of a file at the root.
fn folder(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

fn is_test(relative: &Path) -> bool {
    let path = relative.to_string_lossy();
    let is_helper = path.contains('/') && path.ends_with("testing.rs");
    is_helper || path.contains("/tests/") || path.ends_with("tests.rs")
}

/// The folders that a line of code names after `crate::`.
fn used(line: &str) -> Vec<String> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let mut used = Vec::new();
    for (place, prefix) in line.match_indices("crate::") {
        // `$crate::` and `detective_crate::` do not count.
        let before = line[..place].chars().next_back();
        if before.is_some_and(|it| it.is_alphanumeric() || "_$:".contains(it)) {
            continue;
        }
        let rest = &line[place + prefix.len()..];
        let name = rest
            .split(|it: char| !it.is_alphanumeric() && it != '_')
            .next();
        used.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
    }
    used
}

/// The lines of a shortest ring, if there is any.
fn ring(uses: &Uses) -> Option<Vec<String>> {
    let folders: BTreeSet<&String> = uses.keys().flat_map(|(from, to)| [from, to]).collect();
    let rings = folders
        .into_iter()
        .filter_map(|folder| ring_through(folder, uses));
    rings.min_by_key(Vec::len)
}

/// The lines of a shortest ring through one folder: the paths that begin there, the shorter ones first.
fn ring_through(first: &String, uses: &Uses) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut paths = vec![(first, Vec::new())];
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for (here, lines) in paths {
            for ((_, next), line) in uses.iter().filter(|((from, _), _)| from == here) {
                let lines = [lines.clone(), vec![line.clone()]].concat();
                if next == first {
                    return Some(lines);
                }
                if seen.insert(next) {
                    longer.push((next, lines));
                }
            }
        }
        paths = longer;
    }
    None
}
