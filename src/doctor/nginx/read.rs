//! nginx's own language, as far as one has to know it to find something in it.

use std::path::{Path, PathBuf};

use crate::doctor::machine::Machine;

/// So deep files name others, and blocks stand in each other.
const DEEPEST: usize = 32;
/// So many files are read in all.
const FILES: usize = 1000;

/// A setting, with its block where it has one.
#[derive(Debug, Clone)]
pub(super) struct Directive {
    pub words: Vec<String>,
    pub file: PathBuf,
    pub line: usize,
    pub block: Option<Vec<Directive>>,
}

impl Directive {
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

/// A file with all that it includes; `None` where it cannot be read, or not understood.
pub(super) fn read(machine: &Machine, path: &str) -> Option<Vec<Directive>> {
    let text = machine.read(path)?;
    let folder = Path::new(path).parent()?.to_owned();
    let mut left = FILES;
    Some(included(parse(&text, Path::new(path))?, machine, &folder, DEEPEST, &mut left))
}

/// Puts what is included in the place of `include`. What cannot be read is left out.
fn included(
    directives: Vec<Directive>,
    machine: &Machine,
    folder: &Path,
    depth: usize,
    left: &mut usize,
) -> Vec<Directive> {
    let mut all = Vec::new();
    for mut directive in directives {
        if let ("include", Some(pattern), true) = (directive.name(), directive.words.get(1), depth > 0) {
            let pattern = folder.join(pattern).to_string_lossy().into_owned();
            for file in machine.named(&pattern) {
                *left = left.saturating_sub(1);
                let text = machine.read(&file).filter(|_| *left > 0);
                let read = text.and_then(|text| parse(&text, &file)).unwrap_or_default();
                all.extend(included(read, machine, folder, depth - 1, left));
            }
            continue;
        }
        if let Some(block) = directive.block.take() {
            directive.block = Some(included(block, machine, folder, depth, left));
        }
        all.push(directive);
    }
    all
}

/// The settings in a text; `None` where it is in another language, as a block of Lua is.
pub(super) fn parse(text: &str, file: &Path) -> Option<Vec<Directive>> {
    // The blocks that are open, the outermost first, and what each is the block of.
    let mut open: Vec<(Directive, Vec<Directive>)> = Vec::new();
    let mut done: Vec<Directive> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let (mut line, mut begun) = (1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' | '{' | '}' => {
                let directive = Directive {
                    words: std::mem::take(&mut words),
                    file: file.to_owned(),
                    line: begun,
                    block: None,
                };
                let has_words = !directive.words.is_empty();
                match (c, has_words) {
                    (';', true) => done.push(directive),
                    ('{', true) if open.len() < DEEPEST => {
                        open.push((directive, std::mem::take(&mut done)));
                    }
                    ('}', false) => {
                        let (mut directive, before) = open.pop()?;
                        directive.block = Some(std::mem::replace(&mut done, before));
                        done.push(directive);
                    }
                    _ => return None,
                }
            }
            quote @ ('"' | '\'') => {
                if words.is_empty() {
                    begun = line;
                }
                let mut word = String::new();
                loop {
                    match chars.next()? {
                        c if c == quote => break,
                        '\\' => word.extend(chars.next()),
                        c => {
                            line += usize::from(c == '\n');
                            word.push(c);
                        }
                    }
                }
                words.push(word);
            }
            first => {
                if words.is_empty() {
                    begun = line;
                }
                let (mut word, mut next) = (String::new(), Some(first));
                while let Some(c) = next {
                    word.push(c);
                    match c {
                        '\\' => word.extend(chars.next()),
                        // `${name}` is part of a word.
                        '$' => word.extend(chars.next_if_eq(&'{')),
                        _ => {}
                    }
                    next = chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '{'));
                }
                words.push(word);
            }
        }
    }
    (open.is_empty() && words.is_empty()).then_some(done)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Directive, parse};

    fn shown(directives: &[Directive]) -> String {
        let one = |it: &Directive| {
            let block = it.block.as_ref().map(|block| format!("{{{}}}", shown(block))).unwrap_or_default();
            format!("{}:{}{block};", it.line, it.words.join("|"))
        };
        directives.iter().map(one).collect()
    }

    fn read(text: &str) -> Option<String> {
        parse(text, Path::new("x")).map(|directives| shown(&directives))
    }

    #[test]
    fn settings_blocks_comments_and_quotes_are_told_apart() {
        assert_eq!(read("a b;\n# c {\nd 'e;\\'{' f;"), Some("1:a|b;3:d|e;'{|f;".into()));
        assert_eq!(read("a { b c;\n d { } }"), Some("1:a{1:b|c;2:d{};};".into()));
        assert_eq!(read("location ~ ^/x(/.*)$ { }"), Some("1:location|~|^/x(/.*)${};".into()));
        assert_eq!(read("return 200 ${a}b#c;"), Some("1:return|200|${a}b#c;".into()));
        for wrong in ["a {", "}", "a", "a 'b;", ";", "{ }", "a }"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn blocks_that_stand_in_each_other_without_end_are_no_settings() {
        assert_eq!(read(&"a {".repeat(100_000)), None);
    }
}
