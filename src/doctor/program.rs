//! Whether the program that the hooks run is there, can be run, and is instate.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Patient;
use crate::{
    install::{
        self,
        hooks::{names, program},
        server::entry,
    },
    text,
    trouble::{Trouble, typed},
};

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of what it says.
const WORDS: u64 = 200;

/// What is wrong with the programs that the hooks run; mostly one for all of them.
pub(super) fn examine(patient: &Patient<'_>) -> Vec<Trouble> {
    let entries = names(true).map(|name| entry(patient.repository, patient.server, name));
    let programs: BTreeSet<PathBuf> = entries.filter_map(|path| program(&path)).collect();
    programs.iter().filter_map(|program| wrong(patient, program)).collect()
}

fn wrong(patient: &Patient<'_>, program: &Path) -> Option<Trouble> {
    let shown = program.display();
    let run = || format!("the hooks run {shown}");
    let install = install::command(patient.repository);
    let refused = "so that every push is refused";
    if !program.is_file() {
        let message = format!("{}, which is not there, {refused}", run());
        return Some(
            Trouble::error(message).help(format!("put it there again, or let this one be run: {install}")),
        );
    }
    if accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        let message = format!("{}, which this user cannot execute, {refused}", run());
        return Some(Trouble::error(message).help(format!("sudo chmod 755 {}", typed(program))));
    }
    if is_this(program) {
        return None;
    }
    let own = concat!("instate ", env!("CARGO_PKG_VERSION"));
    let said = version(program).unwrap_or_default();
    let first = said.lines().next().unwrap_or_default();
    if first == own {
        return None;
    }
    let help = format!("let this one be run: {install}");
    Some(if first.starts_with("instate ") {
        let message = format!("{}, which is {}; this is {own}", run(), text::excerpt(first, 40));
        Trouble::warning(message).help(help)
    } else {
        let said = match text::excerpt(first, 40) {
            said if said.is_empty() => "says nothing".to_owned(),
            said => format!("says `{said}`"),
        };
        Trouble::error(format!("{}, which is not instate: asked for its version, it {said}", run()))
            .help(help)
    })
}

/// Whether a program is of this version.
pub(super) fn is_this_version(program: &Path) -> bool {
    is_this(program)
        || version(program)
            .is_some_and(|said| said.lines().next() == Some(concat!("instate ", env!("CARGO_PKG_VERSION"))))
}

/// Whether it is the file that runs now.
fn is_this(program: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    id(program).is_some() && id(program) == id(Path::new("/proc/self/exe"))
}

/// What a program says of its version, as the hooks would run it. It is given neither time nor much room.
fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let out = child.stdout.take()?;
    let (say, hear) = mpsc::channel();
    // A thread, since it may neither speak nor end.
    thread::spawn(move || {
        let mut said = Vec::new();
        let read = out.take(WORDS).read_to_end(&mut said);
        let _ = say.send(read.is_ok().then_some(said));
    });
    let said = hear.recv_timeout(PATIENCE).ok().flatten();
    let _ = child.kill();
    let _ = child.wait();
    said.map(|said| String::from_utf8_lossy(&said).into_owned())
}
