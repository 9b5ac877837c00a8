//! Broken input for everything that reads what somebody else wrote: `just fuzz [MINUTES] [NAME...]`. Whatever it
//! is, reading it must not fail, take a second or a lot of memory, or point beside the text.
//!
//! One file a fuzzer; `frame.rs` is what they share. A path in the place of a name tries the file there again,
//! by the fuzzer that wrote it.

#![allow(clippy::unwrap_used, clippy::explicit_write, clippy::format_push_string, missing_docs)]

mod allow;
mod config;
mod definition;
mod dice;
mod frame;
mod json;
mod openapi;
mod reading;

use std::{env, fs, path::Path, process::ExitCode, time::Duration};

use frame::Fuzzer;

const ALL: [Fuzzer; 5] =
    [reading::FUZZER, allow::FUZZER, definition::FUZZER, openapi::FUZZER, config::FUZZER];

fn main() -> ExitCode {
    // What cargo adds for benchmarks is nothing to us.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let minutes = words.iter().find_map(|word| word.parse::<f64>().ok()).unwrap_or(1.0);
    let wanted: Vec<&String> = words.iter().filter(|word| word.parse::<f64>().is_err()).collect();
    let named = |fuzzer: &&Fuzzer, word: &String| {
        Path::new(word)
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.split('.').next() == Some(fuzzer.name))
    };
    if let Some(word) = wanted.iter().find(|word| !ALL.iter().any(|fuzzer| named(&fuzzer, word))) {
        let all = ALL.map(|fuzzer| fuzzer.name).join(", ");
        frame::say(&format!("there is no fuzzer `{word}`: {all}"));
        return ExitCode::from(2);
    }
    let chosen =
        ALL.iter().filter(|fuzzer| wanted.is_empty() || wanted.iter().any(|word| named(fuzzer, word)));
    for fuzzer in chosen {
        let again = wanted.iter().find(|word| named(&fuzzer, word) && Path::new(word).is_file());
        let is_good = match again {
            Some(path) => fuzzer.again(&fs::read(path).unwrap()),
            None => fuzzer.run(Duration::from_secs_f64(minutes * 60.0)),
        };
        if !is_good {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
