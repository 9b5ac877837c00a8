//! A small shop of several files that runs, and pushes to it that are refused.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Clone, Output, Setup, World};

/// The columns that a terminal of 80 has behind `remote: `.
const WIDTH: usize = 72;

/// An environment that runs the shop, and Ana's clone of it.
pub struct Shop<'w> {
    pub setup: Setup<'w>,
    pub ana: Clone<'w>,
    /// The revision that runs.
    pub good: String,
}

impl<'w> Shop<'w> {
    /// Pushed and deployed.
    pub fn deployed(world: &'w World) -> Self {
        let setup = Setup::new(world);
        let ana = setup.clone("ana");
        copy(&fixture(), ana.dir());
        let good = ana.commit("The shop");
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        assert_eq!(setup.deployed(), Some(good.clone()));
        Self { setup, ana, good }
    }

    /// Takes back everything in the clone that is not in the revision that runs.
    pub fn reset(&self) {
        self.ana.git(&["reset", "--quiet", "--hard", &self.good]).succeeds();
        self.ana.git(&["clean", "--quiet", "-ffdx"]).succeeds();
    }

    /// What a person sees of a push that is refused and changes nothing, whatever its revision is called.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        refused(&self.setup, &self.ana, arguments).replace(&self.good[..7], "1a2b3c4")
    }
}

/// Where the shop's files are.
pub fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/fixtures/shop")
}

/// Copies the files of a folder into another one.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("because the clone is ours");
    for entry in fs::read_dir(from).expect("because the fixture is there").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("because the clone is ours");
        }
    }
}

/// Replaces the first `from` in a file of the clone, which must have it.
#[track_caller]
pub fn replace(clone: &Clone, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(clone.dir().join(file)).expect("because the file is there");
    assert!(text.contains(from), "{file} does not hold {from}");
    clone.write(file, text.replacen(from, to, 1));
}

/// What a person sees of a push that is refused. No ref has moved, and the target is as it was.
#[track_caller]
pub fn refused(setup: &Setup, clone: &Clone, arguments: &[&str]) -> String {
    let before = everything(setup);
    let pushed = clone.push(&[&["origin"], arguments].concat());
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.stderr.contains("[remote rejected]"), "{pushed}");
    assert!(pushed.stderr.contains("(pre-receive hook declined)"), "{pushed}");
    assert_eq!(everything(setup), before, "something changed: {pushed}");
    assert_eq!(setup.workers(), Vec::<u32>::new());
    seen(setup.world, &pushed)
}

/// The refs, the folder with its files, and which folder it is.
fn everything(setup: &Setup) -> impl PartialEq + std::fmt::Debug + use<> {
    let refs = setup.world.git(&setup.repo, &["for-each-ref"]).succeeds().stdout;
    (refs, setup.running(), fs::metadata(&setup.folder).map(|found| found.ino()).ok())
}

/// What the server said to a person, fit for any terminal. A paragraph that names the world's folder is
/// on one line, since where it breaks depends on how long that name is.
#[track_caller]
pub fn seen(world: &World, output: &Output) -> String {
    let lines = output.remote_lines();
    legible(&lines);
    redacted(world, &lines)
}

/// As [`seen`], for what a command printed: a terminal of one's own breaks lines itself.
#[track_caller]
pub fn printed(world: &World, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.iter().for_each(|line| safe(line));
    redacted(world, &lines)
}

#[track_caller]
fn safe(line: &str) {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!line.contains(hidden), "{line:?}");
}

#[track_caller]
fn legible(lines: &[String]) {
    for line in lines {
        safe(line);
        // A path is never broken, so that it can be copied.
        let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        assert!(line.chars().count() <= WIDTH || longest > WIDTH / 3, "{line}");
    }
}

fn redacted(world: &World, lines: &[String]) -> String {
    let mut paragraphs: Vec<Vec<&str>> = Vec::new();
    for line in lines {
        let first = said(line).split(' ').next().unwrap_or_default().chars().count();
        match paragraphs.last_mut() {
            // It goes on where the next word would not have fitted.
            Some(above) if above.last().is_some_and(|l| goes_on(l, line, first)) => above.push(line),
            _ => paragraphs.push(vec![line]),
        }
    }
    let root = world.root().display().to_string();
    let mut shown = Vec::new();
    for lines in paragraphs {
        if lines.iter().any(|line| line.contains(&root)) {
            let rest = lines[1..].iter().map(|line| format!(" {}", said(line)));
            shown.push(format!("{}{}", lines[0], rest.collect::<String>()));
        } else {
            shown.extend(lines.into_iter().map(ToOwned::to_owned));
        }
    }
    world.redact(&shown.join("\n"))
}

fn said(line: &str) -> &str {
    line.strip_prefix("instate: ").unwrap_or(line)
}

fn goes_on(above: &str, line: &str, first: usize) -> bool {
    let spoken = |line: &str| line.starts_with("instate: ");
    if ["help:", "This is the server's"].iter().any(|begin| said(line).starts_with(begin)) {
        return false;
    }
    let same = spoken(above) == spoken(line) && !above.is_empty() && !line.starts_with([' ', '-']);
    same && above.chars().count() + 1 + first > WIDTH
}
