//! The text of a Redis command that a span shows: its name, and its arguments without their values.

use std::borrow::Cow;

use redis::{Arg, Cmd, Pipeline};

use crate::client::key_pattern;

/// Most arguments of a command, and most commands of a pipeline, that a span shows.
const LONGEST_LIST: usize = 16;

/// Longest text that is accepted as a command name.
const LONGEST_NAME: usize = 32;

/// Frequent commands whose first argument is a key. Other commands are shown without any argument:
/// it may be a password, a script or a message.
const WITH_KEY: [&str; 40] = [
    "GET", "SET", "DEL", "EXPIRE", "EXISTS", "INCR", "DECR", "INCRBY", "DECRBY", "MGET", "MSET",
    "SETEX", "PSETEX", "SETNX", "GETDEL", "GETEX", "GETSET", "TTL", "PTTL", "PEXPIRE", "PERSIST",
    "TYPE", "UNLINK", "APPEND", "HGET", "HSET", "HDEL", "HGETALL", "HINCRBY", "LPUSH", "RPUSH",
    "LPOP", "RPOP", "LRANGE", "SADD", "SREM", "SMEMBERS", "ZADD", "ZRANGE", "XADD",
];

/// The name of `command` in capitals: `GET`.
pub(super) fn name(command: &Cmd) -> Cow<'static, str> {
    let Some(Arg::Simple(name)) = command.args_iter().next() else {
        return Cow::Borrowed("_OTHER");
    };
    if let Some(known) = with_key(name) {
        return Cow::Borrowed(known);
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match str::from_utf8(name) {
        Ok(text) if text.len() <= LONGEST_NAME && name.iter().all(is_name) => {
            Cow::Owned(text.to_ascii_uppercase())
        }
        _ => Cow::Borrowed("_OTHER"),
    }
}

/// `command` as one would type it, with `?` for its values: `SET user:? ? ? ?`. Options are hidden
/// too, since they look like values.
pub(super) fn text(command: &Cmd) -> String {
    let mut arguments = command.args_iter();
    let name = name(command);
    let has_key = matches!(arguments.next(), Some(Arg::Simple(name)) if with_key(name).is_some());
    let mut text = name.into_owned();
    for (index, argument) in arguments.enumerate() {
        if index == LONGEST_LIST {
            text.push_str(" ...");
            break;
        }
        text.push(' ');
        match argument {
            Arg::Simple(key) if index == 0 && has_key => {
                text.push_str(&key_pattern(&String::from_utf8_lossy(key)));
            }
            _ => text.push('?'),
        }
    }
    text
}

/// `PIPELINE`, or `MULTI` for a transaction, followed by the name that all commands share, if any.
pub(super) fn pipeline_name(pipeline: &Pipeline) -> Cow<'static, str> {
    let kind = if pipeline.is_transaction() {
        "MULTI"
    } else {
        "PIPELINE"
    };
    let mut names = pipeline.cmd_iter().map(name);
    match names.next() {
        Some(first) if names.all(|name| name == first) => Cow::Owned(format!("{kind} {first}")),
        _ => Cow::Borrowed(kind),
    }
}

/// The texts of its commands, separated by semicolons.
pub(super) fn pipeline_text(pipeline: &Pipeline) -> String {
    let mut texts: Vec<_> = pipeline.cmd_iter().take(LONGEST_LIST).map(text).collect();
    if pipeline.len() > LONGEST_LIST {
        texts.push("...".to_owned());
    }
    texts.join("; ")
}

fn with_key(name: &[u8]) -> Option<&'static str> {
    WITH_KEY
        .into_iter()
        .find(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use redis::{cmd, pipe};

    use super::*;

    #[test]
    fn commands_are_shown_without_their_values() {
        let check = |words: &[&str], expected: (&str, &str)| {
            let mut command = Cmd::new();
            command.arg(words);
            assert_eq!((&*name(&command), &*text(&command)), expected);
        };
        check(&["get", "user:42"], ("GET", "GET user:?"));
        check(
            &["SET", "user:42", "secret", "PX", "300"],
            ("SET", "SET user:? ? ? ?"),
        );
        check(&["GET", "42"], ("GET", "GET ?"));
        check(&["AUTH", "me:secret"], ("AUTH", "AUTH ?"));
        check(&["json.get", "user:42"], ("JSON.GET", "JSON.GET ?"));
        check(&["PING"], ("PING", "PING"));
        check(&["what is this", "x"], ("_OTHER", "_OTHER ?"));
        check(&[], ("_OTHER", "_OTHER"));
        let many = [&["MGET"][..], &["k:1"; 20]].concat();
        let shown = format!("MGET k:?{} ...", " ?".repeat(15));
        check(&many, ("MGET", &shown));
    }

    #[test]
    fn pipelines_have_the_name_that_their_commands_share() {
        let check = |pipeline: &Pipeline, expected: (&str, &str)| {
            let shown = (pipeline_name(pipeline), pipeline_text(pipeline));
            assert_eq!((&*shown.0, &*shown.1), expected);
        };
        check(&pipe(), ("PIPELINE", ""));
        check(
            pipe().add_command(cmd("GET")).get("a:1"),
            ("PIPELINE GET", "GET; GET a:?"),
        );
        check(
            pipe().atomic().set("a:1", 1).get("a:1"),
            ("MULTI", "SET a:? ?; GET a:?"),
        );
    }
}
