//! Scalars that do not mean what they look like, in words for a warning.

use crate::{
    manifest::{
        node::{Resolved, Style},
        number,
    },
    text,
};

/// What a scalar without quotes becomes, where a person may have meant another thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surprise {
    /// What it is: `` `0644` is the number 420 ``, without a full stop.
    pub says: String,
    /// What to write if the text is meant: `"0644"`.
    pub quoted: String,
    /// What to write if the value is meant: `420`. `None` where it is written so most of the time, like the
    /// mode of a file.
    pub plain: Option<String>,
}

/// The surprise of `text` without quotes, if there is one. `true` and `80` are none.
#[must_use]
pub fn surprise(written: &str) -> Option<Surprise> {
    let (what, plain) = match super::resolve(written, Style::Plain) {
        Resolved::Bool(value) if !matches!(written, "true" | "false") => {
            (format!("the boolean {value}"), value.to_string())
        }
        Resolved::Int(whole) if whole.to_string() != written => {
            (format!("the number {whole}"), whole.to_string())
        }
        Resolved::Uint(whole) if whole.to_string() != written => {
            (format!("the number {whole}"), whole.to_string())
        }
        Resolved::Float(float) => {
            let json = number::float_json(float);
            if json == written {
                return None;
            }
            (format!("the number {json}"), json)
        }
        _ => return None,
    };
    let shown = text::excerpt(written, 40);
    let octal = written.len() > 1 && written.starts_with('0') && written.bytes().all(|b| b.is_ascii_digit());
    Some(Surprise {
        says: format!("`{shown}` is {what}"),
        quoted: format!("\"{shown}\""),
        plain: Some(plain).filter(|_| !octal),
    })
}

#[cfg(test)]
mod tests {
    use super::surprise;

    #[test]
    fn what_means_another_thing_than_it_looks_like_has_words() {
        for (text, says) in [
            ("0644", "`0644` is the number 420"),
            ("yes", "`yes` is the boolean true"),
            ("Off", "`Off` is the boolean false"),
            ("1.10", "`1.10` is the number 1.1"),
            ("553640e6", "`553640e6` is the number 553640000000"),
            ("1234e56", "`1234e56` is the number 1.234e+59"),
            ("0x1F", "`0x1F` is the number 31"),
            ("1_000", "`1_000` is the number 1000"),
            ("+1", "`+1` is the number 1"),
            ("1.0", "`1.0` is the number 1"),
        ] {
            assert_eq!(surprise(text).map(|s| s.says).as_deref(), Some(says));
        }
    }

    #[test]
    fn what_is_meant_as_it_stands_has_none() {
        for text in
            ["true", "false", "80", "-1", "1.5", "0", "", "~", "null", "web", "1.2.3", "9e999", "12:30"]
        {
            assert_eq!(surprise(text), None, "{text}");
        }
    }

    #[test]
    fn the_mode_of_a_file_is_only_asked_to_be_quoted() {
        let mode = surprise("0644").expect("it is one");
        assert_eq!((mode.quoted.as_str(), mode.plain), ("\"0644\"", None));
        assert_eq!(surprise("0x1F").and_then(|s| s.plain).as_deref(), Some("31"));
    }
}
