//! Text from outside made fit for a terminal: no control characters, bounded, wrapped.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// Columns that remain of 80 behind git's `remote: `.
pub const WIDTH: usize = 72;

/// `text` on one line, with everything that could move the cursor, hide or reorder text made visible.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            c if c.is_control() || reorders(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// As [`clean`], one character for each, so that what stands in a column still does.
#[must_use]
pub fn mask(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() || reorders(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Marks that are invisible or change the order in which text is shown.
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether `text` needs nothing of [`clean`].
#[must_use]
pub fn is_clean(text: &str) -> bool {
    // Nearly every text is plain, which bytes tell.
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        || !text.chars().any(|c| c.is_control() || reorders(c))
}

/// `text` cleaned and cut to `most` characters, for quoting something of unknown length in a message.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    let cleaned = clean(text);
    if cleaned.chars().count() <= most {
        return cleaned;
    }
    cleaned.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}

/// Bytes of unknown encoding, for a message.
#[must_use]
pub fn excerpt_bytes(bytes: &[u8], most: usize) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    excerpt(&out, most)
}

/// What [`window`] shows of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The text, masked.
    pub text: String,
    /// Where in it the caret begins, in characters.
    pub caret: usize,
    /// How many characters it marks.
    pub width: usize,
}

/// How many columns of a terminal `text` takes: some characters take two, and marks on others none.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// How many of these characters fit in `room` columns, and how many of those they fill. Each fills one at
/// least, so that a line of marks is not endless.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> (usize, usize) {
    let (mut taken, mut filled) = (0, 0);
    for c in chars {
        let width = c.width().unwrap_or(1).max(1);
        if filled + width > room {
            break;
        }
        (taken, filled) = (taken + 1, filled + width);
    }
    (taken, filled)
}

/// At most `room` columns of a line around the `width` characters at `column`, masked. What is left out
/// at an end is three dots.
#[must_use]
pub fn window(line: &str, column: usize, width: usize, room: usize) -> Window {
    const DOTS: &str = "...";
    let (before, after) = line.split_at(line.char_indices().nth(column).map_or(line.len(), |(at, _)| at));
    // Some of what stands before the caret is kept, so that one sees where it is.
    let (_, filled) = fitting(before.chars().rev(), room / 3);
    let (right, filled) = fitting(after.chars(), room - filled);
    let (left, _) = fitting(before.chars().rev(), room - filled);
    // A line may be a whole file: nothing beyond the window is looked at again.
    let start = before.char_indices().rev().take(left).last().map_or(before.len(), |(at, _)| at);
    let around: Vec<char> = before[start..].chars().chain(after.chars().take(right)).collect();
    let cut = if start > 0 { DOTS } else { "" };
    let ends = if after.chars().nth(right).is_some() { DOTS } else { "" };
    let (from, to) = (cut.len(), around.len() - ends.len());
    let at = left.clamp(from, to);
    let part = |from: usize, to: usize| mask(&around[from..to].iter().collect::<String>());
    let before = format!("{cut}{}", part(from, at));
    let marked = (left + width).min(to).saturating_sub(at);
    Window {
        caret: before.chars().count(),
        width: marked.max(1),
        text: format!("{before}{}{ends}", part(at, to)),
    }
}

/// A line of what may be a Secret: what every object begins with is shown, of the name of a field that every
/// Secret has the name, and nothing else. Any other word may be part of a value, since a value can be a text
/// of several lines.
#[must_use]
pub fn hide_value(line: &str) -> String {
    const FIELDS: [&str; 10] = [
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "namespace",
        "labels",
        "type",
        "data",
        "stringData",
        "immutable",
    ];
    let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
    let field = FIELDS.iter().find(|f| rest.strip_prefix(**f).is_some_and(|after| after.starts_with(':')));
    match field {
        Some(&("apiVersion" | "kind")) if indent.is_empty() => line.to_owned(),
        Some(field) => format!("{indent}{field}: (hidden: may be secret)"),
        None => format!("{indent}(hidden: may be secret)"),
    }
}

/// `text` broken at blanks into lines of at most `width` columns; a longer word stays whole where it
/// is, so that a path can still be copied.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("because it starts with one line");
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line) + 1 + columns(word) <= width || columns(word) > width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// `word` as one types it in a shell.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `10m`, `1h30m`, `5s`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut all, mut largest) = (text, Duration::ZERO, u64::MAX);
    if text == "0" {
        return Some(all);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let unit = match unit {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        // `5m1h` is no time that somebody means.
        largest = Some(unit).filter(|unit| *unit < largest)?;
        all = all.checked_add(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(unit)?))?;
        rest = after;
    }
    (!text.is_empty()).then_some(all)
}

/// As [`parse_duration`] reads it.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let all = duration.as_secs();
    let parts = [(all / 3600, "h"), (all / 60 % 60, "m"), (all % 60, "s")];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    let said = said.concat();
    if said.is_empty() { "0s".to_owned() } else { said }
}

/// `3 files`, `1 file`.
#[must_use]
pub fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// `a`, `b` and `c`, each as code.
#[must_use]
pub fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}

/// What [`nearest`] compares at most, in letters of one word times letters of the others: a slip is in a word of
/// those that people type, among those that people choose from.
const COMPARED: usize = 1 << 17;

/// The likeliest of `known` that `word` was meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut left = COMPARED;
    // Also of words that cannot be it the length alone is no reason to look at all of very many.
    let mut is_compared = |k: &&str| {
        left = left.saturating_sub(1 + word.len().saturating_mul(k.len()));
        left > 0
    };
    let known = known.into_iter().take_while(|k| is_compared(k));
    let near = known.map(|k| (strsim::damerau_levenshtein(word, k), k));
    let (distance, best) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + best.len() / 4).then_some(best)
}

/// The seven digits that a person compares.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_reorders_text_is_left() {
        let hostile = "a\u{1b}[31m\r\n\u{202e}b\u{feff}\u{7f}\tc";
        let safe = clean(hostile);
        assert!(is_clean(&safe), "{safe}");
        assert_eq!(safe, "a\\u{1b}[31m\\u{d}\\u{a}\\u{202e}b\\u{feff}\\u{7f} c");
    }

    #[test]
    fn times_are_read_as_they_are_shown() {
        for text in ["0s", "5s", "10m", "1h30m", "1h1s"] {
            assert_eq!(parse_duration(text).map(duration).as_deref(), Some(text));
        }
        for text in ["", "5", "m", "5x", "1s1m", "-1s", "1.5s", "99999999999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn wrapped_lines_fit_and_lose_no_word() {
        let text = "one two three four five six seven eight nine ten";
        let lines = wrap(text, 12);
        assert!(lines.iter().all(|l| l.chars().count() <= 12));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_typing_error_finds_its_word_and_another_word_does_not() {
        assert_eq!(nearest("brnch", ["branch", "target"]), Some("branch"));
        assert_eq!(nearest("colour", ["branch", "target"]), None);
    }

    #[test]
    fn for_words_that_nobody_types_no_other_is_looked_for() {
        let (long, few) = ("a".repeat(1000), "b".repeat(20));
        assert_eq!(nearest(&long, [long.as_str()]), None);
        let many = vec![few.as_str(); 1000];
        assert_eq!(nearest(&few, many.iter().copied()), Some(few.as_str()));
        assert_eq!(nearest("bb", many.into_iter().chain(["bb"])), Some("bb"));
    }

    #[test]
    fn a_hidden_line_keeps_a_field_that_every_secret_has_and_nothing_else() {
        assert_eq!(hide_value("  name: web"), "  name: (hidden: may be secret)");
        assert_eq!(hide_value("  password: hunter2"), "  (hidden: may be secret)");
        assert_eq!(hide_value("  hunter2"), "  (hidden: may be secret)");
        assert_eq!(hide_value("data: {p: hunter2}"), "data: (hidden: may be secret)");
        assert_eq!(hide_value("{\"data\": {\"p\": \"hunter2\"}}"), "(hidden: may be secret)");
        assert_eq!(hide_value("kind: Secret"), "kind: Secret");
    }

    #[test]
    fn a_long_line_is_cut_around_its_caret() {
        let line: String = ('a'..='z').cycle().take(200).collect();
        for column in [0, 5, 30, 100, 199, 200, 300] {
            let shown = window(&line, column, 3, 60);
            assert_eq!(shown.text.chars().count(), 60);
            assert!(shown.caret + shown.width <= 61, "{column}: {shown:?}");
            if let Some(meant) = line.chars().nth(column) {
                assert_eq!(shown.text.chars().nth(shown.caret), Some(meant), "{column}: {shown:?}");
            }
        }
    }

    #[test]
    fn a_long_line_of_wide_characters_fits_too() {
        for piece in ["\u{5e97}", "e\u{301}", "\u{301}", "\u{1f6d2} "] {
            let line = piece.repeat(200);
            for column in [0, 1, 30, 100, 199] {
                let shown = window(&line, column, 3, 60);
                assert!(columns(&shown.text) <= 60 && shown.text.chars().count() <= 60, "{piece}: {shown:?}");
                let meant = line.chars().nth(column);
                assert_eq!(shown.text.chars().nth(shown.caret), meant, "{piece} {column}: {shown:?}");
            }
        }
    }

    #[test]
    fn the_caret_stands_under_its_text_behind_what_was_masked() {
        let shown = window("a\u{202e}: bad", 4, 3, 60);
        assert_eq!(shown, Window { text: "a\u{fffd}: bad".into(), caret: 4, width: 3 });
        assert_eq!(window("a: 1", 0, 1, 60), Window { text: "a: 1".into(), caret: 0, width: 1 });
    }
}
