//! A verdict as workflow commands: annotations in a pull request.

use crate::{
    finding::{Finding, Severity, Verdict},
    source::Place,
    text::{clean, count},
};

/// A command a line, one for each finding of the push.
pub(super) fn commands(verdict: &Verdict) -> Vec<String> {
    let mut lines: Vec<String> = verdict.of_push().map(command).collect();
    let before = verdict.count_before();
    if before > 0 {
        lines.push(format!("::notice::{} not of this push", count(before, "finding")));
    }
    lines
}

fn command(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let at = finding.place.as_ref().map(place).unwrap_or_default();
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {}", clean(help))).unwrap_or_default();
    let message = data(&format!("{}{help}", clean(&finding.message)));
    format!("::{severity} {at}title={}::{message}", finding.code.number())
}

fn place(place: &Place) -> String {
    let file = format!("file={},", property(&clean(&place.path)));
    match place.line {
        0 => file,
        line => format!("{file}line={line},col={},endColumn={},", place.column, place.column + place.width),
    }
}

/// Text that ends a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which `:` and `,` would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::commands;
    use crate::{
        finding::{Code, Finding, Verdict},
        source::{Place, Source},
    };

    #[test]
    fn each_finding_is_one_command_and_nothing_in_it_ends_it_early() {
        let source = Source::of_server("a,b:100%.yaml", "a: bad\n");
        let found = vec![
            Finding::error(Code::Invalid, "100% is bad,\nor: so")
                .at(source.place((3..6).into()))
                .help("mend\nit"),
            Finding::warning(Code::FileTooLarge, "it is large").at(Place::file("b.yaml")),
            Finding::warning(Code::NoManifests, "::error::there is nothing"),
            Finding { introduced: false, ..Finding::error(Code::Invalid, "it was there") },
        ];
        insta::assert_snapshot!(commands(&Verdict::new(found)).join("\n"));
    }
}
