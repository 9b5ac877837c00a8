//! A tree becomes the texts that hold YAML documents. Plain files only, for now: a folder that kustomize
//! or Helm would render is refused in `tree`.

use crate::{
    finding::{Code, Finding},
    source::{Place, Source},
};

/// How every pointer file of Git LFS begins.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The text of one file, or why it is none.
///
/// # Errors
/// The finding that refuses the file.
pub fn plain(path: &str, bytes: Vec<u8>) -> Result<Source, Box<Finding>> {
    if bytes.starts_with(LFS) {
        let message = "a manifest is a Git LFS pointer: its content is not in this repository";
        let finding = Finding::error(Code::LfsPointer, message).at(Place::file(path));
        return Err(Box::new(
            finding.help("commit the manifest itself: git lfs untrack, then git add --renormalize"),
        ));
    }
    if is_utf16(&bytes) {
        let finding = Finding::error(Code::Utf16, "the file is UTF-16, which Kubernetes tools do not read");
        return Err(Box::new(finding.at(Place::file(path)).help("save it as UTF-8")));
    }
    let source = match String::from_utf8(bytes) {
        Ok(text) => Source::new(path, text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = Source::new(path, String::from_utf8_lossy(error.as_bytes()));
            let finding = Finding::error(Code::NotText, "a manifest is not UTF-8 text")
                .at(source.place((at..at).into()));
            return Err(Box::new(finding.help("save the file as UTF-8, or name it in .instateignore")));
        }
    };
    let text = source.text();
    if let Some((at, c)) = control(text) {
        let message = format!("a manifest holds the control character U+{:04X}", u32::from(c));
        let finding = Finding::error(Code::NotText, message).at(source.place((at..at + c.len_utf8()).into()));
        return Err(Box::new(
            finding.help("remove it; in a double-quoted text it can be written as an escape"),
        ));
    }
    if let Some(at) = conflict(text) {
        let message = "an unresolved merge conflict stands in the file";
        let finding = Finding::error(Code::MergeConflict, message).at(source.place((at..at + 7).into()));
        return Err(Box::new(
            finding.help("resolve it, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`"),
        ));
    }
    Ok(source)
}

/// Whether the bytes are UTF-16: by their mark, or since every other one of the first is nothing.
fn is_utf16(bytes: &[u8]) -> bool {
    let nothing: Vec<bool> = bytes.iter().take(4).map(|byte| *byte == 0).collect();
    let alternates = matches!(nothing[..], [false, true, false, true] | [true, false, true, false]);
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || alternates
}

/// The first character that no manifest holds: YAML has them only as escapes.
fn control(text: &str) -> Option<(usize, char)> {
    let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if text.as_bytes().iter().all(plain) {
        return None;
    }
    // U+0085 is a line break to YAML, which `manifest` speaks of.
    let is_one = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}');
    text.char_indices().find(|(_, c)| is_one(*c) || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Where a conflict begins, if all three of its marks stand at the beginning of a line.
fn conflict(text: &str) -> Option<usize> {
    let mark = |mark: &str, from: usize| {
        let at = if text[from..].starts_with(mark) { Some(from) } else { None };
        at.or_else(|| text[from..].find(&format!("\n{mark}")).map(|at| from + at + 1))
    };
    let start = mark("<<<<<<< ", 0)?;
    mark(">>>>>>> ", mark("=======", start)?)?;
    Some(start)
}
