//! What one destination is told next and when, by how it answered: one request at a time, so that nothing older comes
//! after something newer.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Log, Note, Outbox, Waiting};
use crate::{config::Destination, error::Result, point, record::now, text};

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST: u64 = 1000;
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);
/// The longest pause that a destination may ask for.
const ASKED: Duration = Duration::from_secs(3600);
/// So often a commit is announced that a server does not know, within nine minutes: it may have to look, or to fetch it.
const UNKNOWN: u32 = 10;
/// What could not be said for so long is not said any more.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(24);
/// The outbox is looked into at least so often: the time of its last change may be that of the one before, too.
const LOOKED: Duration = Duration::from_secs(5);

/// One destination, and how far it is.
pub(super) struct Lane<'c> {
    pub to: &'c Destination,
    /// Something is on its way.
    pub busy: bool,
    waiting: Vec<Waiting>,
    /// When the outbox was read, and as of when.
    read: Option<(Instant, Option<SystemTime>)>,
    /// How often in a row nothing was taken, and when the next try may be.
    failures: u32,
    due: Option<Instant>,
    /// Of notes that were not taken: how often, how often since their commit is unknown, and when the next try may be.
    tried: HashMap<String, (u32, u32, Instant)>,
    /// The last that was not taken: those after it come first, so that one which is not taken for its own sake holds up
    /// nobody.
    last: Option<Timestamp>,
    /// What was logged last.
    trouble: Option<String>,
}

impl<'c> Lane<'c> {
    pub fn new(to: &'c Destination) -> Self {
        Self {
            to,
            busy: false,
            waiting: Vec::new(),
            read: None,
            failures: 0,
            due: None,
            tried: HashMap::new(),
            last: None,
            trouble: None,
        }
    }

    /// Whether nothing is left to say, as far as was looked.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.busy
    }

    /// What is to be said at this moment.
    pub fn next(&mut self, outbox: &Outbox, at: Instant) -> Option<Waiting> {
        if self.busy {
            return None;
        }
        self.look(outbox, at);
        if self.due.is_some_and(|due| due > at) {
            return None;
        }
        let free = |waiting: &&Waiting| self.due_of(waiting).is_none_or(|due| due <= at);
        let after = |waiting: &&Waiting| self.last.is_none_or(|last| waiting.since > last);
        let first = self.waiting.iter().filter(free).find(after);
        first.or_else(|| self.waiting.iter().find(free)).cloned()
    }

    /// When there may be something to say.
    pub fn due(&self) -> Option<Instant> {
        let first = self.waiting.iter().map(|waiting| self.due_of(waiting).max(self.due)).min();
        first.flatten().filter(|_| !self.busy)
    }

    fn due_of(&self, waiting: &Waiting) -> Option<Instant> {
        self.tried.get(&self.name(&waiting.note)).map(|(_, _, due)| *due)
    }

    fn name(&self, note: &Note) -> String {
        note.message_id(self.to)
    }

    fn look(&mut self, outbox: &Outbox, at: Instant) {
        let key = self.to.key();
        let changed = outbox.changed(&key);
        let is_known = self.read.is_some_and(|(read, as_of)| as_of == changed && at - read < LOOKED);
        if !is_known {
            self.waiting = outbox.waiting(&key);
            self.read = Some((at, changed));
        }
    }

    /// The answer to what was said.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn heard(&mut self, said: &Waiting, answer: Answer, outbox: &Outbox, log: &Log) -> Result<()> {
        self.busy = false;
        self.read = None;
        let (note, at) = (&said.note, Instant::now());
        let (words, asked, is_unknown) = match answer {
            Answer::Taken => {
                self.last = None;
                self.works(log);
                return outbox.done(self.to, note);
            }
            Answer::Refused(words) => return self.give_up(note, &words, outbox, log),
            Answer::Later(words, asked) => (words, asked, false),
            Answer::Unknown(words) => (words, None, true),
        };
        self.last = Some(said.since);
        let name = self.name(note);
        let (tries, unknown, due) = self.tried.entry(name).or_insert((0, 0, at));
        *tries += 1;
        *unknown += u32::from(is_unknown);
        *due = at + pause(*tries);
        let is_over = *unknown >= UNKNOWN || now().duration_since(said.since) > GIVEN_UP;
        if is_unknown {
            // It answers, so the next note need not wait.
            self.works(log);
        } else {
            self.failures += 1;
            self.due = Some(at + pause(self.failures).max(asked.unwrap_or_default().min(ASKED)));
        }
        if is_over {
            return self.give_up(note, &words, outbox, log);
        }
        if !is_unknown && self.trouble.as_ref() != Some(&words) {
            log.line(&format!("{}: {words}; it is tried again for a day", self.to));
            self.trouble = Some(words.clone());
        }
        outbox.failed(self.to, note, &words)
    }

    fn works(&mut self, log: &Log) {
        if self.trouble.take().is_some() {
            log.line(&format!("{}: it works again", self.to));
        }
        // More than one failed in a row: nobody need wait for what was the destination's fault.
        if std::mem::take(&mut self.failures) > 1 {
            self.tried
                .values_mut()
                .filter(|(_, unknown, _)| *unknown == 0)
                .for_each(|tried| tried.2 = Instant::now());
        }
        self.due = None;
    }

    fn give_up(&mut self, note: &Note, words: &str, outbox: &Outbox, log: &Log) -> Result<()> {
        let (environment, revision) = (note.environment(), text::short(note.revision()));
        log.line(&format!("{}: {environment} {revision} {}: given up: {words}", self.to, note.word()));
        outbox.done(self.to, note)
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let first = Duration::from_millis(point::number("announce-pause", FIRST));
    first.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::{
        super::note::tests::{ended, everywhere, started},
        *,
    };
    use crate::record::OutcomeKind::Deployed;

    struct Table {
        folder: tempfile::TempDir,
        outbox: Outbox,
        log: Log,
        all: Vec<Destination>,
    }

    impl Table {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("because the disk has room");
            let (outbox, log) = (Outbox::test(folder.path()), Log::in_folder(folder.path()));
            Self { folder, outbox, log, all: everywhere() }
        }

        fn add(&self, to: usize, id: &str) {
            self.outbox.add(&self.all[to], &started(id)).expect("the disk has room");
        }

        /// Answers what is said after so many seconds, if anything is; the deployment that it was about.
        fn answer(&self, lane: &mut Lane<'_>, after: u64, answer: &Answer) -> Option<String> {
            let said = lane.next(&self.outbox, Instant::now() + Duration::from_secs(after))?;
            lane.heard(&said, answer.clone(), &self.outbox, &self.log).expect("the disk has room");
            Some(said.note.deployment().to_string())
        }

        fn log(&self) -> String {
            std::fs::read_to_string(self.folder.path().join("announce.log")).unwrap_or_default()
        }
    }

    fn down() -> Answer {
        Answer::Later("it is down".to_owned(), None)
    }

    #[test]
    fn pauses_become_longer_and_not_endless() {
        let all: Vec<u64> = (1..=12).map(|n| pause(n).as_secs()).collect();
        assert_eq!(all, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(pause(u32::MAX), LONGEST);
    }

    #[test]
    fn nothing_is_said_before_a_pause_is_over_which_a_destination_may_lengthen_within_bounds() {
        for (asked, at) in [(None, 1), (Some(30), 30), (Some(0), 1), (Some(1_000_000), 3600)] {
            let table = Table::new();
            let mut lane = Lane::new(&table.all[4]);
            table.add(4, "1");
            let busy = Answer::Later("it is busy".to_owned(), asked.map(Duration::from_secs));
            assert_eq!(table.answer(&mut lane, 0, &busy).as_deref(), Some("1"));
            assert_eq!(table.answer(&mut lane, at - 1, &busy), None, "{asked:?}");
            assert_eq!(table.answer(&mut lane, at, &Answer::Taken).as_deref(), Some("1"), "{asked:?}");
            assert!(table.outbox.is_empty());
        }
    }

    #[test]
    fn one_that_is_not_taken_for_its_own_sake_holds_up_nobody() {
        let table = Table::new();
        let mut lane = Lane::new(&table.all[4]);
        for id in ["1", "2", "3"] {
            table.add(4, id);
        }
        let said = [down(), Answer::Taken, Answer::Taken, Answer::Taken];
        let said = said.map(|answer| table.answer(&mut lane, 2, &answer).expect("it is free"));
        assert_eq!(said, ["1", "2", "1", "3"]);
        // A commit that is not known does not even hold up for a moment.
        let mut lane = Lane::new(&table.all[0]);
        table.add(0, "1");
        assert!(table.answer(&mut lane, 0, &Answer::Unknown("who?".to_owned())).is_some());
        let other = ended("2", Deployed, None);
        let Note::Ended(other) = other else { return };
        let other = Note::Ended(crate::record::Outcome { revision: "2".repeat(40), ..other });
        table.outbox.add(&table.all[0], &other).expect("the disk has room");
        assert_eq!(table.answer(&mut lane, 0, &Answer::Taken).as_deref(), Some("2"));
    }

    #[test]
    fn a_commit_that_is_never_known_and_what_is_a_day_old_is_given_up() {
        let table = Table::new();
        let mut lane = Lane::new(&table.all[0]);
        table.add(0, "1");
        let mut tries = 0;
        while table.answer(&mut lane, 400, &Answer::Unknown("it answers 404".to_owned())).is_some() {
            tries += 1;
        }
        assert_eq!((tries, table.outbox.is_empty()), (UNKNOWN, true));
        assert!(
            table.log().ends_with("production 1a2b3c4 started: given up: it answers 404\n"),
            "{}",
            table.log()
        );

        table.add(0, "2");
        let said = lane.next(&table.outbox, Instant::now()).expect("it is free");
        let old = Waiting { since: now() - SignedDuration::from_hours(25), ..said };
        lane.heard(&old, down(), &table.outbox, &table.log).expect("the disk has room");
        assert!(table.outbox.is_empty());
        assert!(table.log().ends_with("given up: it is down\n"), "{}", table.log());
    }

    #[test]
    fn a_log_has_one_line_for_an_outage() {
        let table = Table::new();
        let mut lane = Lane::new(&table.all[4]);
        table.add(4, "1");
        for _ in 0..5 {
            table.answer(&mut lane, 400, &down());
        }
        table.answer(&mut lane, 400, &Answer::Taken);
        table.add(4, "2");
        table.answer(&mut lane, 0, &Answer::Taken);
        let lines: Vec<String> =
            table.log().lines().filter_map(|line| Some(line.split_once(": ")?.1.to_owned())).collect();
        assert_eq!(lines, ["it is down; it is tried again for a day", "it works again"]);
    }
}
