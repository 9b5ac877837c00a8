//! Broken bytes for the reading of manifests: `just fuzz [MINUTES]`. Whatever a push holds, reading it must not
//! fail, take a second, or point beside the text.
//!
//! No nightly compiler and no sanitizer: texts are made of the tests' manifests by cutting, repeating and
//! splicing them, and one that leads to an answer not seen before is changed further. What fails is written to
//! `target/fuzz/`, and the seed is shown, so that a run can be repeated.

#![allow(clippy::unwrap_used, clippy::explicit_write, missing_docs)]

use std::{
    collections::HashSet,
    fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use instate::{
    manifest::{self, NodeId, Resolved, Tree},
    render, text,
};

/// No text may take longer.
const SLOW: Duration = Duration::from_secs(1);
const LARGEST: usize = 1 << 20;
const KEPT: usize = 4000;

/// What means something to a reader.
const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n- ",
    "\n---\n",
    "\n...\n",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    " # ",
    "&a ",
    "*a",
    "<<: *a",
    "!!int ",
    "!!binary ",
    "!t ",
    "|\n",
    ">-\n  ",
    "|2\n",
    "'",
    "\"",
    "\\",
    "\\u2028",
    "\\/",
    "%YAML 1.1\n",
    "\t",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "\u{7f}",
    "0x",
    "0644",
    "1_0",
    ".inf",
    "1e999",
    "~",
    "yes",
    "apiVersion: v1\n",
    "kind: List\n",
    "items:\n",
    "kind: Secret\n",
    "metadata: {name: a}\n",
    "stringData: {a: b}\n",
    "{{ a }}",
    "<<<<<<< a\n=======\n>>>>>>> b\n",
];

fn main() -> ExitCode {
    let minutes = std::env::args().find_map(|argument| argument.parse::<f64>().ok()).unwrap_or(1.0);
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed);
    say(&format!("fuzzing the reading of manifests for {minutes} minutes, SEED={seed}"));
    let mut fuzzer = Fuzzer { dice: Dice(seed), kept: seeds(), seen: HashSet::new() };
    let (started, mut runs, mut slowest) = (Instant::now(), 0_u64, (Duration::ZERO, Vec::new()));
    while started.elapsed().as_secs_f64() < minutes * 60.0 {
        let bytes = fuzzer.text();
        let answer = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        let took = answer.as_ref().map_or(Duration::ZERO, |(_, took)| *took);
        runs += 1;
        if took > slowest.0 {
            slowest = (took, bytes.clone());
        }
        match answer {
            Ok((answer, _)) if took < SLOW => fuzzer.learn(answer, bytes),
            Ok(_) => return failed(&bytes, &format!("a text took {took:?}")),
            Err(_) => return failed(&bytes, "a text broke a rule, see above"),
        }
    }
    let path = write("slowest", &slowest.1);
    say(&format!(
        "{runs} texts, {} answers, slowest {:?} for {} bytes ({})",
        fuzzer.seen.len(),
        slowest.0,
        slowest.1.len(),
        path.display()
    ));
    ExitCode::SUCCESS
}

/// What this thread has had of a processor, which other programs do not change.
fn worked() -> Duration {
    let of_thread = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(of_thread.split(' ').next().unwrap().parse().unwrap())
}

/// Reads bytes as a push is read, and asserts what must hold. What is found is the answer, in short, with the
/// time that the reading took.
fn read(bytes: &[u8]) -> (String, Duration) {
    let begun = worked();
    let source = match render::plain("a.yaml", bytes.to_vec()) {
        Ok(source) => source,
        Err(finding) => return (finding.code.number().to_owned(), worked().saturating_sub(begun)),
    };
    let (manifests, findings) = manifest::read(&source);
    let took = worked().saturating_sub(begun);
    let lines = source.text().split('\n').count();
    for finding in &findings {
        let place = finding.place.as_ref().expect("because a finding of a text has a place");
        assert!((1..=lines).contains(&(place.line as usize)), "{finding:?}");
        let shown = place.text.as_deref().unwrap_or_default();
        let help = finding.help.as_deref().unwrap_or_default();
        assert!([shown, help, &finding.message].into_iter().all(text::is_clean), "{finding:?}");
        assert!(shown.chars().count() <= text::WIDTH, "{finding:?}");
        assert!((place.caret + place.width) as usize <= shown.chars().count() + 1, "{finding:?}");
    }
    for found in &manifests {
        let json = found.json().expect("because an object that is too large was refused");
        let line = manifest::line(&found.tree, found.node).expect("because it is the same object");
        let same: serde_json::Value = serde_json::from_str(&line).expect("because it is JSON");
        assert_eq!(same["kind"], json["kind"]);
        assert_eq!(same.as_object().unwrap().len(), json.as_object().unwrap().len());
    }
    let (trees, _) = manifest::parse(&source);
    let depth =
        trees.iter().map(|tree| tree.root().map_or(0, |root| spans(tree, root, source.text(), 0))).max();
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.number()).collect();
    codes.sort_unstable();
    codes.dedup();
    (format!("{codes:?} {} {} {depth:?}", trees.len().min(9), manifests.len().min(9)), took)
}

/// How deep a node is; every span is in the text.
fn spans(tree: &Tree, node: NodeId, text: &str, depth: usize) -> usize {
    assert!(text.get(tree.span(node).range()).is_some(), "{:?}", tree.span(node));
    // An alias's values were looked at where they stand.
    if matches!(tree.node(node).value, manifest::Value::Alias(_)) {
        return depth;
    }
    match tree.resolve(node) {
        Resolved::Sequence(items) => {
            items.iter().map(|item| spans(tree, *item, text, depth + 1)).max().unwrap_or(depth)
        }
        Resolved::Mapping(entries) => {
            let both = entries.iter().flat_map(|(key, value)| [*key, *value]);
            both.map(|node| spans(tree, node, text, depth + 1)).max().unwrap_or(depth)
        }
        _ => depth,
    }
}

struct Fuzzer {
    dice: Dice,
    kept: Vec<Vec<u8>>,
    seen: HashSet<String>,
}

impl Fuzzer {
    fn text(&mut self) -> Vec<u8> {
        let mut bytes = self.kept[self.dice.roll(self.kept.len())].clone();
        for _ in 0..=self.dice.roll(6) {
            self.change(&mut bytes);
        }
        bytes.truncate(LARGEST);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.dice.roll(bytes.len() + 1);
        let to = at + self.dice.roll((bytes.len() - at).min(200) + 1);
        match self.dice.roll(8) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let part = bytes[at..to].to_vec();
                let times = 1 + self.dice.roll(4);
                bytes.splice(at..at, part.repeat(times));
            }
            2 if bytes.len() < LARGEST / 4 => {
                let part = bytes[at..to].to_vec();
                let most = 1 << self.dice.roll(15);
                let times = self.dice.roll(most);
                bytes.splice(at..at, part.repeat(times.min(LARGEST / (part.len() + 1))));
            }
            3 if at < bytes.len() => bytes[at] = u8::try_from(self.dice.roll(256)).unwrap(),
            4 => {
                let other = self.kept[self.dice.roll(self.kept.len())].clone();
                let from = self.dice.roll(other.len() + 1);
                let end = from + self.dice.roll(other.len() - from + 1);
                bytes.splice(at..to, other[from..end].iter().copied());
            }
            _ => {
                let word = WORDS[self.dice.roll(WORDS.len())];
                let times = if self.dice.roll(20) == 0 { self.dice.roll(5000) } else { 1 };
                let end = if self.dice.roll(2) == 0 { at } else { to };
                bytes.splice(at..end, word.repeat(times).into_bytes());
            }
        }
    }

    fn learn(&mut self, answer: String, bytes: Vec<u8>) {
        if self.seen.insert(answer) {
            if self.kept.len() < KEPT {
                self.kept.push(bytes);
            } else {
                let at = self.dice.roll(self.kept.len());
                self.kept[at] = bytes;
            }
        }
    }
}

/// The manifests of the tests.
fn seeds() -> Vec<Vec<u8>> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises")];
    let mut found = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_manifest = path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
            match path.is_dir() {
                true => folders.push(path),
                false if is_manifest => found.push(fs::read(path).unwrap()),
                false => {}
            }
        }
    }
    found
}

struct Dice(u64);

impl Dice {
    /// Below `n`.
    fn roll(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

fn failed(bytes: &[u8], what: &str) -> ExitCode {
    say(&format!("{what}: {}", write("failed", bytes).display()));
    ExitCode::FAILURE
}

fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("fuzz");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
    folder.join(name)
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").unwrap();
}
