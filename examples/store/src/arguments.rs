//! The command line.

pub const HELP: &str = "\
A toy store that Detective records.

Usage: store [--visitors N]      (from the repository: cargo run -- [--visitors N])
       store detective <command>

  --visitors N    also run N simulated customers, at most 1000
  --help          print this

  detective check | config | init | doctor
                  the commands of Detective; `detective --help` explains them

Environment:
  STORE_LISTEN                  the address to listen on; default 127.0.0.1:8000, port 0 takes a free one
  DETECTIVE_<SECTION>__<KEY>    any key of detective.toml
  RUST_LOG                      the log level on stderr; default `warn`
";

/// The visitors pause between requests, so they are no use as a load test.
const MOST_VISITORS: usize = 1000;

/// The task that the command line names.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Run(Arguments),
    Help,
}

/// How to run the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The number of simulated customers.
    pub visitors: usize,
}

/// Reads the arguments after the program's name.
pub fn read(words: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = Arguments::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.split_once('=').unwrap_or((&word, "")) {
            ("--help" | "-h", "") => return Ok(Command::Help),
            ("--visitors", "") => arguments.visitors = visitors(&words.next().unwrap_or_default())?,
            ("--visitors", number) => arguments.visitors = visitors(number)?,
            _ => {
                return Err(format!(
                    "unknown argument `{word}`, expected `--visitors N` or `--help`"
                ));
            }
        }
    }
    Ok(Command::Run(arguments))
}

fn visitors(number: &str) -> Result<usize, String> {
    match number.parse() {
        Ok(number) if number <= MOST_VISITORS => Ok(number),
        _ => Err(format!(
            "`--visitors` is `{number}`, expected a whole number from 0 to {MOST_VISITORS}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Result<Command, &str>) {
        let words = words.iter().map(|word| (*word).to_owned());
        assert_eq!(read(words), expected.map_err(str::to_owned));
    }

    #[test]
    fn words_are_understood_or_told() {
        let visitors = |visitors| Ok(Command::Run(Arguments { visitors }));
        check(&[], visitors(0));
        check(&["--visitors", "20"], visitors(20));
        check(&["--visitors=7"], visitors(7));
        check(&["--help"], Ok(Command::Help));
        check(
            &["--visitors"],
            Err("`--visitors` is ``, expected a whole number from 0 to 1000"),
        );
        check(
            &["--visitors", "-1"],
            Err("`--visitors` is `-1`, expected a whole number from 0 to 1000"),
        );
        check(
            &["--guests"],
            Err("unknown argument `--guests`, expected `--visitors N` or `--help`"),
        );
    }
}
