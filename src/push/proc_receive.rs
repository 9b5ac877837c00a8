//! What git and its `proc-receive` hook say to each other, in pkt-lines: versions, then the refs that git leaves to
//! the hook and the push options, then what became of each ref.

use std::io::Read;

use super::{MAX_INPUT, MAX_OPTIONS, Update, text_of, update};
use crate::{
    error::{Error, Result},
    text,
};

/// The version of the protocol that both speak.
const VERSION: &str = "version=1";
/// The longest line of git's, with its length.
const MAX_LINE: usize = 65520;
/// A reason is one line of a terminal, or two.
const REASON: usize = 160;

/// What git offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// All refs of the push move, or none.
    pub atomic: bool,
    /// Push options follow, if one asks for them.
    options: bool,
}

/// What became of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It points where the push wants it.
    Moved,
    /// It does not, and why.
    Refused(String),
}

/// What git says.
pub struct Asked<R> {
    from: std::io::Take<R>,
}

impl<R: Read> Asked<R> {
    /// Listens to `from`, the hook's standard input.
    pub fn new(from: R) -> Self {
        Self { from: from.take(MAX_INPUT) }
    }

    /// Reads what git offers.
    ///
    /// # Errors
    /// It is not git that speaks, or another version of it.
    pub fn offer(&mut self) -> Result<Offer> {
        let mut offer = None;
        while let Some(line) = self.line()? {
            let mut parts = line.splitn(2, |byte| *byte == 0);
            let version = parts.next().unwrap_or_default();
            if version != VERSION.as_bytes() || offer.is_some() {
                return Err(malformed(&line));
            }
            let features: Vec<&[u8]> = parts.next().unwrap_or_default().split(|byte| *byte == b' ').collect();
            let has = |feature: &[u8]| features.contains(&feature);
            offer = Some(Offer { atomic: has(b"atomic"), options: has(b"push-options") });
        }
        offer.ok_or_else(|| malformed(b""))
    }

    /// Reads the refs that git leaves to the hook, by the names under which they were pushed, and the push options.
    ///
    /// # Errors
    /// It is not what git writes, or far too much.
    pub fn push(&mut self, offer: Offer) -> Result<(Vec<Update>, Vec<String>)> {
        let (mut updates, mut options) = (Vec::new(), Vec::new());
        while let Some(line) = self.line()? {
            updates.push(update(&line).ok_or_else(|| malformed(&line))?);
        }
        if offer.options {
            while let Some(line) = self.line()? {
                if options.len() < MAX_OPTIONS {
                    options.push(text_of(&line));
                }
            }
        }
        if updates.is_empty() { Err(malformed(b"")) } else { Ok((updates, options)) }
    }

    /// The next line, or `None` where a part ends.
    fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut head = [0; 4];
        self.fill(&mut head)?;
        let length =
            std::str::from_utf8(&head).ok().filter(|head| head.bytes().all(|b| b.is_ascii_hexdigit()));
        let length = length.and_then(|head| usize::from_str_radix(head, 16).ok());
        match length {
            Some(0) => Ok(None),
            Some(length @ 4..=MAX_LINE) => {
                let mut line = vec![0; length - head.len()];
                self.fill(&mut line)?;
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Ok(Some(line))
            }
            _ => Err(malformed(&head)),
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<()> {
        self.from.read_exact(into).map_err(|_| {
            if self.from.limit() == 0 {
                return Error::revision("the push moves too many refs at once").help("push fewer refs");
            }
            Error::server("git did not say to the end what was pushed").help("push again")
        })
    }
}

impl Offer {
    /// What is taken of it, as git reads it.
    #[must_use]
    pub fn answer(self) -> Vec<u8> {
        let features = if self.options { "\0push-options" } else { "" };
        [line(&format!("{VERSION}{features}")), END.to_vec()].concat()
    }
}

/// What became of the refs, as git reads it.
#[must_use]
pub fn answers<'a>(answers: impl IntoIterator<Item = (&'a str, &'a Answer)>) -> Vec<u8> {
    let lines = answers.into_iter().map(|(reference, answer)| match answer {
        Answer::Moved => line(&format!("ok {reference}")),
        Answer::Refused(reason) => line(&format!("ng {reference} {}", text::excerpt(reason.trim(), REASON))),
    });
    [lines.flatten().collect(), END.to_vec()].concat()
}

const END: &[u8] = b"0000";

fn line(text: &str) -> Vec<u8> {
    format!("{:04x}{text}\n", text.len() + 5).into_bytes()
}

fn malformed(line: &[u8]) -> Error {
    let said = text::excerpt_bytes(line, 60);
    let error = Error::server(format!("git did not say what was pushed but `{said}`"));
    error.help("let git run the hook; a hook that runs others must hand on its input and output")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";

    fn read(input: &[u8]) -> Result<(Offer, Vec<Update>, Vec<String>)> {
        let mut asked = Asked::new(input);
        let offer = asked.offer()?;
        let (updates, options) = asked.push(offer)?;
        Ok((offer, updates, options))
    }

    fn said(parts: &[&[&str]]) -> Vec<u8> {
        let part = |lines: &&[&str]| {
            let lines: Vec<u8> = lines.iter().flat_map(|text| line(text)).collect();
            [lines, END.to_vec()].concat()
        };
        parts.iter().flat_map(part).collect()
    }

    #[test]
    fn what_git_writes_is_read() {
        let moves = format!("{} {A} refs/heads/main", "0".repeat(40));
        let (offer, updates, options) =
            read(&said(&[&["version=1\0push-options atomic"], &[&moves], &["instate.format=json", "x"]]))
                .expect("git writes this");
        assert!(offer.atomic);
        assert_eq!((updates[0].reference.as_str(), updates[0].old), ("refs/heads/main", None));
        assert_eq!(options, ["instate.format=json", "x"]);
        assert_eq!(offer.answer(), b"001bversion=1\0push-options\n0000".map(|b| b).to_vec());

        let (offer, updates, options) =
            read(&said(&[&["version=1"], &[&moves, &moves]])).expect("git writes this");
        assert_eq!((offer.atomic, updates.len(), options.len()), (false, 2, 0));
        assert_eq!(offer.answer(), b"000eversion=1\n0000");
    }

    #[test]
    fn anything_else_is_refused() {
        let moves = format!("{A} {A} refs/heads/main");
        let after = |more: &[u8]| [said(&[&["version=1"]]), more.to_vec()].concat();
        let too_long = vec![b'x'; MAX_LINE];
        let many: Vec<&str> = vec![&moves; 20_000];
        for (what, input) in [
            ("nothing", Vec::new()),
            ("no version", said(&[&[], &[&moves]])),
            ("another version", said(&[&["version=2"], &[&moves]])),
            ("two versions", said(&[&["version=1", "version=1"], &[&moves]])),
            ("another word", said(&[&["hello"], &[&moves]])),
            ("no refs", said(&[&["version=1"], &[]])),
            ("no end", after(&line(&moves))),
            ("cut off in a line", after(&line(&moves)[..20])),
            ("cut off in a length", after(b"00")),
            ("no number", after(b"zzzz")),
            ("a sign", after(b"+0ff")),
            ("a delimiter", after(b"0001")),
            ("the end of an answer", after(b"0002")),
            ("a length below its own", after(b"0003")),
            ("an empty line", after(b"00040000")),
            ("a line that is too long", after(&[b"ffff".to_vec(), too_long].concat())),
            ("no ids", said(&[&["version=1"], &["refs/heads/main"]])),
            ("a broken id", said(&[&["version=1"], &[&format!("{A} 12 refs/heads/main")]])),
            ("no ref", said(&[&["version=1"], &[&format!("{A} {A} ")]])),
            ("not UTF-8", after(b"\xff\xfe\x00\x00")),
            ("more than any push", said(&[&["version=1"], &many])),
            ("options without an end", said(&[&["version=1\0push-options"], &[&moves]])),
        ] {
            assert!(read(&input).is_err(), "{what}");
        }
    }

    #[test]
    fn a_reason_is_one_short_line_whatever_it_holds() {
        let reason = format!("first\nng refs/heads/other gone\u{1b}[1m{}", "x".repeat(1000));
        let told = answers([("refs/heads/a", &Answer::Moved), ("refs/heads/b", &Answer::Refused(reason))]);
        let told = String::from_utf8(told).expect("it is text");
        assert_eq!(told.matches('\n').count(), 2, "{told}");
        assert!(told.starts_with("0014ok refs/heads/a\n"), "{told}");
        assert!(told.len() < 300 && !told.contains('\u{1b}'), "{told}");
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_stop_the_program(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&input);
            let _ = read(&[said(&[&["version=1"]]), input].concat());
        }
    }
}
