//! Where the comments of a file are, by the parser's word: a `#` inside of a text is none.

use granit_parser::{Event, Options, Parser};

use crate::source::{Source, Span};

/// Every comment of a file, from its `#` to the end of its line. Of a document that is not YAML those before
/// its first error.
#[must_use]
pub fn comments(source: &Source) -> Vec<Span> {
    let mut options = Options::default();
    options.set_emit_comments(true);
    // As many as there are; the file's size is the bound.
    options.max_buffered_comment_events = source.text().len();
    let mut parser = Parser::new_from_str_with_options(source.text(), options);
    let mut found = Vec::new();
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((Event::Comment(..), span)) => found.extend(span.byte_range().map(Span::from)),
            Ok(_) => {}
            Err(_) => {
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::comments;
    use crate::source::Source;

    #[test]
    fn a_comment_is_what_the_parser_calls_one() {
        let text = "# one\na: \"# no\" # two\nb: |\n  # no\n# three\nc: '# no'\nd: x# no\n---\n[ # four\n]\n";
        let source = Source::new("a.yaml", text);
        let found: Vec<&str> = comments(&source).iter().map(|span| &text[span.range()]).collect();
        assert_eq!(found, ["# one", "# two", "# three", "# four"]);
    }

    #[test]
    fn very_many_comments_are_read() {
        let text = format!("a:\n{}  b: 1\n", "# more\n".repeat(10_000));
        assert_eq!(comments(&Source::new("a.yaml", text)).len(), 10_000);
    }
}
