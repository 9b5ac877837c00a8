//! Processes of a world that stopped themselves at a failpoint, and how they go on.

use std::fs;

use rustix::process::{Signal, kill_process};

use super::{Setup, tree::pid};

impl Setup<'_> {
    /// The processes of this world whose command line holds `words`, one after the other.
    pub fn processes(&self, words: &[&str]) -> Vec<u32> {
        let (line, home) = (words.join("\0"), format!("HOME={}/home", self.world.root().display()));
        let read = |id: u32, file: &str| {
            let bytes = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            format!("\0{}", String::from_utf8_lossy(&bytes))
        };
        let entries = fs::read_dir("/proc").expect("because this is Linux").flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|id| read(*id, "cmdline").contains(&line))
            .filter(|id| read(*id, "environ").contains(&format!("\0{home}\0")))
            .collect()
    }

    /// Waits until a process with these words on its command line has stopped itself.
    #[track_caller]
    pub fn stopped(&self, words: &[&str]) -> u32 {
        let found = || self.processes(words).into_iter().find(|id| is_stopped(*id));
        self.until(&format!("{words:?} stops"), || found().is_some());
        found().expect("because only we let it go on")
    }
}

/// Sends a signal to a process of the test's own.
pub fn signal(id: u32, signal: Signal) {
    kill_process(pid(id), signal).expect("because it lives and is ours");
}

/// Lets a process that has stopped go on.
pub fn go_on(id: u32) {
    signal(id, Signal::CONT);
}

/// Whether a process was stopped by a signal.
pub fn is_stopped(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
}
