//! What all fuzzers share: texts are made of a few good ones by cutting, repeating and splicing them, and one that
//! leads to an answer not seen before is changed further.
//!
//! No nightly compiler and no sanitizer. What fails is written to `target/fuzz/`, and the seed is shown, so that a
//! run can be repeated. What a run was at when it ended without a word (no memory, no stack) is there as well.

use std::{
    collections::HashSet,
    fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use instate::{finding::Finding, render, source::Source, text};

use crate::dice::Dice;

/// Nothing may take longer, of a processor.
const SLOW: Duration = Duration::from_secs(1);
/// So long after it began, nothing is waited for any more.
const ENDLESS: u64 = 60;
/// What one text may make the program hold.
const MEMORY: u64 = 200 << 20;
/// What all of them may, which are forgotten one after the other.
const ALL_MEMORY: u64 = 1 << 30;
pub const LARGEST: usize = 1 << 20;
/// A larger one is not changed further: it would be slow to.
const LARGEST_KEPT: usize = 1 << 17;
const KEPT: usize = 4000;

/// What one fuzzer has of its own.
pub struct Fuzzer {
    pub name: &'static str,
    /// What it tries, for a person.
    pub of: &'static str,
    /// Good input, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What means something to the reader.
    pub words: &'static [&'static str],
    /// A change that knows the form of the input; `false` where it did nothing.
    pub change: fn(&mut Dice, &mut Vec<u8>) -> bool,
    /// Reads input, and asserts what must hold. What is found is the answer, in short.
    pub read: fn(&[u8], &mut Watch) -> String,
}

/// Counts what the program itself takes, and not the assertions around it.
#[derive(Default)]
pub struct Watch(Duration);

impl Watch {
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = worked();
        let done = work();
        self.0 += worked().saturating_sub(begun);
        done
    }
}

/// What this thread has had of a processor, which other programs do not change.
fn worked() -> Duration {
    let of_thread = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(of_thread.split(' ').next().unwrap().parse().unwrap())
}

/// What the program holds now, and at most since the last [`forget_most`].
fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    (of("VmRSS:"), of("VmHWM:"))
}

fn forget_most() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// What came of one text.
struct Tried {
    answer: String,
    took: Duration,
    held: u64,
}

impl Fuzzer {
    /// Whether nothing was found in that time.
    pub fn run(&self, time: Duration) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(now);
        say(&format!("{}: fuzzing {} for {} s, SEED={seed}", self.name, self.of, time.as_secs()));
        let mut mill = Mill { dice: Dice(seed), kept: (self.seeds)(), seen: HashSet::new(), of: self };
        let begun = Instant::now();
        let clock = Clock::start(self.name);
        let (mut runs, mut slowest, mut largest) = (0_u64, (Duration::ZERO, 0), 0);
        while begun.elapsed() < time {
            // Those to begin with are good for an answer, too.
            let bytes = match mill.kept.get(usize::try_from(runs).unwrap()) {
                Some(seed) if mill.seen.len() < KEPT && runs < mill.kept.len() as u64 => seed.clone(),
                _ => mill.text(),
            };
            runs += 1;
            clock.tell(&bytes);
            let Some(tried) = self.tried(&bytes) else { return false };
            if tried.took > slowest.0 {
                slowest = (tried.took, bytes.len());
                self.write("slowest", &bytes);
            }
            largest = largest.max(tried.held);
            mill.learn(tried, bytes);
        }
        say(&format!(
            "{}: {runs} texts, {} answers, slowest {:?} for {} bytes, most memory {} KiB, {} MiB at the end",
            self.name,
            mill.seen.len(),
            slowest.0,
            slowest.1,
            largest >> 10,
            memory().0 >> 20,
        ));
        true
    }

    /// Whether a text that was written does no harm now.
    pub fn again(&self, bytes: &[u8]) -> bool {
        let Some(tried) = self.tried(bytes) else { return false };
        say(&format!("{}: {:?}, {} KiB, {}", self.name, tried.took, tried.held >> 10, tried.answer));
        true
    }

    /// Tries a text; `None` where it did harm, which is said.
    fn tried(&self, bytes: &[u8]) -> Option<Tried> {
        forget_most();
        let (before, _) = memory();
        let mut watch = Watch::default();
        let answer = catch_unwind(AssertUnwindSafe(|| (self.read)(bytes, &mut watch)));
        let (after, most) = memory();
        let (took, held) = (watch.0, most.saturating_sub(before));
        let harm = match answer {
            Err(_) => "it broke a rule, see above".to_owned(),
            Ok(_) if took >= SLOW => format!("it took {took:?}"),
            Ok(_) if held >= MEMORY => format!("it took {} MiB", held >> 20),
            Ok(_) if after >= ALL_MEMORY => format!("{} MiB are held after it", after >> 20),
            Ok(answer) => return Some(Tried { answer, took, held }),
        };
        say(&format!("{}: {harm}: {}", self.name, self.write("failed", bytes).display()));
        None
    }

    fn write(&self, what: &str, bytes: &[u8]) -> PathBuf {
        write(self.name, what, bytes)
    }
}

/// Ends the program where one text keeps it for too long.
struct Clock {
    name: &'static str,
    /// Of the text that is tried now, the number.
    now: Arc<AtomicU64>,
}

impl Clock {
    fn start(name: &'static str) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let watched = Arc::downgrade(&now);
        thread::spawn(move || {
            let mut last = u64::MAX;
            while let Some(now) = watched.upgrade() {
                let at = now.load(Ordering::Relaxed);
                if at == last {
                    say(&format!(
                        "{name}: it does not end: {}",
                        folder().join(file(name, "tried")).display()
                    ));
                    std::process::exit(1);
                }
                last = at;
                drop(now);
                thread::sleep(Duration::from_secs(ENDLESS));
            }
        });
        Self { name, now }
    }

    fn tell(&self, bytes: &[u8]) {
        write(self.name, "tried", bytes);
        self.now.fetch_add(1, Ordering::Relaxed);
    }
}

/// Makes new texts of old ones.
struct Mill<'f> {
    dice: Dice,
    kept: Vec<Vec<u8>>,
    seen: HashSet<String>,
    of: &'f Fuzzer,
}

impl Mill<'_> {
    fn text(&mut self) -> Vec<u8> {
        let mut bytes = self.dice.pick(&self.kept).clone();
        for _ in 0..=self.dice.roll(6) {
            if self.dice.once_in(2) || !(self.of.change)(&mut self.dice, &mut bytes) {
                self.change(&mut bytes);
            }
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
                let times = self.dice.times(1 << 14);
                bytes.splice(at..at, part.repeat(times.min(LARGEST / (part.len() + 1))));
            }
            3 if at < bytes.len() => bytes[at] = u8::try_from(self.dice.roll(256)).unwrap(),
            4 => {
                let other = self.dice.pick(&self.kept).clone();
                let from = self.dice.roll(other.len() + 1);
                let end = from + self.dice.roll(other.len() - from + 1);
                bytes.splice(at..to, other[from..end].iter().copied());
            }
            _ => {
                let word = *self.dice.pick(self.of.words);
                let times = if self.dice.once_in(8) { self.dice.times(5000) } else { 1 };
                let end = if self.dice.once_in(2) { at } else { to };
                bytes.splice(at..end, word.repeat(times).into_bytes());
            }
        }
    }

    /// Keeps what has a new answer, or is slower by half than what had the same.
    fn learn(&mut self, Tried { answer, took, held }: Tried, bytes: Vec<u8>) {
        let worth = format!(
            "{answer} {:?} {:?}",
            (took.as_millis() / 8).checked_ilog2(),
            (held >> 22).checked_ilog2()
        );
        if self.seen.insert(worth) && bytes.len() <= LARGEST_KEPT {
            if self.kept.len() < KEPT {
                self.kept.push(bytes);
            } else {
                let at = self.dice.roll(self.kept.len());
                self.kept[at] = bytes;
            }
        }
    }
}

/// As a push's file is read; `Err` is the answer where it is no text.
pub fn source(bytes: &[u8], watch: &mut Watch) -> Result<Source, String> {
    let bytes = bytes.to_vec();
    watch.time(|| render::plain("a.yaml", bytes)).map_err(|finding| {
        look_right("", std::slice::from_ref(&finding), 1);
        finding.code.number().to_owned()
    })
}

/// There are at most so many, they can be shown, and point into the text.
pub fn look_right(text: &str, findings: &[impl std::borrow::Borrow<Finding>], most: usize) {
    assert!(findings.len() <= most, "{} findings", findings.len());
    let lines = text.split('\n').count();
    for finding in findings {
        let finding = finding.borrow();
        let help = finding.help.as_deref().unwrap_or_default();
        assert!([help, &finding.message].into_iter().all(text::is_clean), "{finding:?}");
        assert!(finding.message.len() + help.len() < 10_000, "{finding:?}");
        let Some(place) = &finding.place else { continue };
        let shown = place.text.as_deref().unwrap_or_default();
        assert!(text.is_empty() || (0..=lines).contains(&(place.line as usize)), "{finding:?}");
        assert!(text::is_clean(shown), "{finding:?}");
        assert!(shown.chars().count() <= text::WIDTH, "{finding:?}");
        assert!((place.caret + place.width) as usize <= shown.chars().count() + 1, "{finding:?}");
    }
}

/// The codes of findings, each once.
pub fn codes(findings: &[Finding]) -> String {
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.number()).collect();
    codes.sort_unstable();
    codes.dedup();
    format!("{codes:?}")
}

/// The manifests of the tests.
pub fn manifests() -> Vec<Vec<u8>> {
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
    found.sort();
    found
}

/// For input whose form nobody knows.
pub fn no_change(_: &mut Dice, _: &mut Vec<u8>) -> bool {
    false
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("fuzz")
}

fn file(name: &str, what: &str) -> String {
    format!("{name}.{what}")
}

fn write(name: &str, what: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(file(name, what));
    fs::create_dir_all(folder()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

pub fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").unwrap();
}
