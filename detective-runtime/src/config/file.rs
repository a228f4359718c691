//! The file: `detective.toml` taken apart into entries, with the line of each and of every mistake.

use std::ops::Range;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Value};
use toml_edit::{Document, Item, TableLike};

use super::declare::{Key, Section};
use super::diagnostic::{Diagnostic, Place};
use super::entry::{Entry, read_secret, secret_file, unknown_key, unknown_section};
use super::setting::{Part, Wrong};
use super::toml::value_of;
use super::{RULE_TABLES, pattern, rule_section, section};

/// The profiles that exist without being written down.
pub(super) const PROFILES: [&str; 2] = ["development", "production"];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Its values in its order, those of all profiles.
    pub(super) entries: Vec<Entry>,
    /// The profiles that it has tables for.
    pub(super) profiles: Vec<String>,
}

/// Reads the text of a file. `shown` is its path in diagnostics, `directory` the folder that
/// paths in it are relative to.
pub(super) fn read(
    text: &str,
    shown: &Path,
    directory: &Path,
    mistakes: &mut Vec<Diagnostic>,
) -> Settings {
    let mut reader = Reader {
        text,
        shown,
        directory,
        profile: None,
        settings: Settings::default(),
        mistakes: Vec::new(),
    };
    match Document::parse(text) {
        Ok(document) => reader.root(document.as_table()),
        Err(error) => {
            let reason = error.message().trim().replace('\n', ", ");
            reader.mistake(error.span(), reason);
        }
    }
    let place = |diagnostic: &Diagnostic| diagnostic.place.clone();
    reader.mistakes.sort_by_key(place);
    mistakes.append(&mut reader.mistakes);
    reader.settings
}

struct Reader<'a> {
    text: &'a str,
    shown: &'a Path,
    directory: &'a Path,
    /// The profile whose tables are being read.
    profile: Option<String>,
    settings: Settings,
    mistakes: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The sections of the file, or of one profile in it.
    fn root(&mut self, root: &dyn TableLike) {
        for (name, item) in root.iter() {
            let span = name_span(root, name);
            let Some(table) = item.as_table_like() else {
                self.not_a_table(name, span);
                continue;
            };
            match section(name) {
                Some(section) => self.keys(section, &[name], table),
                None if RULE_TABLES.contains(&name) => self.rules(name, table),
                None if name == "profile" && self.profile.is_none() => self.profiles(table),
                None => {
                    let place = self.place(span);
                    self.mistakes.push(unknown_section(name, place));
                }
            }
        }
    }

    fn profiles(&mut self, profiles: &dyn TableLike) {
        for (name, item) in profiles.iter() {
            let span = name_span(profiles, name);
            let Some(table) = item.as_table_like() else {
                let what = format!(
                    "`profile.{name}` is not a table, expected tables such as [profile.production.tracing]"
                );
                self.mistake(span, what);
                continue;
            };
            // Any name can be a profile; one that is nearly a built-in one is a slip, and would
            // never be in force.
            let slip = |known: &&&str| strsim::osa_distance(name, known) <= 2 && name != **known;
            if let Some(known) = PROFILES.iter().find(slip) {
                self.mistake(
                    span,
                    format!("unknown profile `{name}`, did you mean `{known}`?"),
                );
                continue;
            }
            self.settings.profiles.push(name.to_owned());
            self.profile = Some(name.to_owned());
            self.root(table);
            self.profile = None;
        }
    }

    /// `[routes]` or `[investigate]`: rules by pattern.
    fn rules(&mut self, table_name: &str, rules: &dyn TableLike) {
        for (name, item) in rules.iter() {
            let span = name_span(rules, name);
            let (is_valid, what, expected) = match table_name {
                "routes" => (pattern::is_route(name), "route", pattern::ROUTE),
                _ => (pattern::is_function(name), "function", pattern::FUNCTION),
            };
            if !is_valid {
                let message =
                    format!("`{name}` in [{table_name}] is not a {what}, expected {expected}");
                self.mistake(span.clone(), message);
            }
            let Some(rule) = item.as_table_like() else {
                let what = format!(
                    "`{name}` in [{table_name}] is not a table, expected [{table_name}.\"{name}\"] above its keys"
                );
                self.mistake(span, what);
                continue;
            };
            self.entry(&[table_name, name], Value::from(Dict::new()), span);
            self.keys(rule_section(), &[table_name, name], rule);
        }
    }

    fn keys(&mut self, section: &Section, path: &[&str], table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let span = name_span(table, name);
            if let Some(key) = section.key(name) {
                self.value(key, path, item, span);
            } else if let Some(key) = secret_file(section, name) {
                self.secret(section, key, table, item, span);
            } else {
                let place = self.place(span);
                let mut mistake = unknown_key(section, name, place);
                if let [table, pattern] = path {
                    let full = format!("[{table}.\"{pattern}\"]");
                    mistake.message = mistake.message.replacen("[]", &full, 1);
                }
                self.mistakes.push(mistake);
            }
        }
    }

    fn value(&mut self, key: &Key, path: &[&str], item: &Item, name: Option<Range<usize>>) {
        let value = value_of(item, self.text);
        let path: Vec<&str> = path.iter().copied().chain([key.name]).collect();
        match key.verify(&value) {
            Ok(()) => self.entry(&path, value, name),
            Err(wrong) => {
                let place = self.place(part_span(item, &wrong).or(item.span()).or(name));
                let name = match path.as_slice() {
                    [table, pattern, key] => format!("{table}.\"{pattern}\".{key}"),
                    path => path.join("."),
                };
                let mistake = Diagnostic::wrong_value(place, &name, key, &value, &wrong);
                self.mistakes.push(mistake);
            }
        }
    }

    /// `<key>_file`: the path of a file that holds a secret.
    fn secret(
        &mut self,
        section: &Section,
        key: &Key,
        table: &dyn TableLike,
        item: &Item,
        name: Option<Range<usize>>,
    ) {
        let (section_name, key_name) = (section.name, key.name);
        if table.contains_key(key_name) {
            let both = format!(
                "`{section_name}.{key_name}` and `{section_name}.{key_name}_file` are both set, expected only one of them"
            );
            return self.mistake(name, both);
        }
        let Some(path) = item.as_str() else {
            let what = format!(
                "`{section_name}.{key_name}_file` is not a text, expected the path of a file"
            );
            return self.mistake(item.span(), what);
        };
        match read_secret(section, key, path, self.directory) {
            Err(message) => self.mistake(item.span(), message),
            Ok(value) => match key.verify(&value) {
                Ok(()) => self.entry(&[section_name, key_name], value, name),
                Err(wrong) => {
                    let place = self.place(item.span());
                    let name = format!("{section_name}.{key_name}");
                    let mistake = Diagnostic::wrong_value(place, &name, key, &value, &wrong);
                    self.mistakes.push(mistake);
                }
            },
        }
    }

    fn not_a_table(&mut self, name: &str, span: Option<Range<usize>>) {
        let known = section(name).is_some() || RULE_TABLES.contains(&name) || name == "profile";
        let what = if known {
            format!("`{name}` is not a table, expected [{name}] above its keys")
        } else {
            format!("key `{name}` is not in a section, expected it in one such as [service]")
        };
        self.mistake(span, what);
    }

    fn entry(&mut self, path: &[&str], value: Value, span: Option<Range<usize>>) {
        self.settings.entries.push(Entry {
            path: path.iter().map(|&name| name.to_owned()).collect(),
            value,
            place: self.place(span),
            profile: self.profile.clone(),
        });
    }

    fn mistake(&mut self, span: Option<Range<usize>>, message: String) {
        let place = self.place(span);
        self.mistakes.push(Diagnostic::new(place, message));
    }

    fn place(&self, span: Option<Range<usize>>) -> Place {
        let start = span.map_or(0, |span| span.start.min(self.text.len()));
        let before = &self.text[..self.text.floor_char_boundary(start)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place::File {
            path: PathBuf::from(self.shown),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn name_span(table: &dyn TableLike, name: &str) -> Option<Range<usize>> {
    table.key(name)?.span()
}

/// Where the wrong part of a value stands.
fn part_span(item: &Item, wrong: &Wrong) -> Option<Range<usize>> {
    match wrong.at.as_ref()? {
        Part::Item(index) => item.as_array()?.get(*index)?.span(),
        Part::Entry(name) => item.as_table_like()?.get(name)?.span(),
        Part::Name(name) => name_span(item.as_table_like()?, name),
    }
}
