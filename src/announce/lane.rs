//! What one destination is told next and when, by how it answered: one request at a time, so that nothing older comes
//! after something newer.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use super::{Answer, Log, Note, Outbox, Waiting};
use crate::{config::Destination, error::Result, point, record::now, text};

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST: u64 = 1000;
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(300);
/// The longest pause that a destination may ask for.
const ASKED: Duration = Duration::from_secs(3600);
/// So often a commit is announced that a server does not know: it may not have looked yet.
const UNKNOWN: u32 = 5;
/// What could not be said for so long is not said any more.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3600);
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
        // One that is not taken for its own sake must not hold up the others.
        let free = self.waiting.iter().filter(|waiting| self.due_of(waiting).is_none_or(|due| due <= at));
        free.min_by_key(|waiting| self.tried.get(&self.name(&waiting.note)).map_or(0, |tried| tried.0))
            .cloned()
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
                self.works(log);
                return outbox.done(self.to, note);
            }
            Answer::Refused(words) => return self.give_up(note, &words, outbox, log),
            Answer::Later(words, asked) => (words, asked, false),
            Answer::Unknown(words) => (words, None, true),
        };
        let name = self.name(note);
        let (tries, unknown, due) = self.tried.entry(name).or_insert((0, 0, at));
        *tries += 1;
        *unknown += u32::from(is_unknown);
        *due = at + pause(*tries);
        let is_over = *unknown >= UNKNOWN || now().duration_since(said.since).unsigned_abs() > GIVEN_UP;
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
        if std::mem::take(&mut self.failures) > 0 {
            // Nobody else need wait for what was the destination's fault.
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
