//! `instate explain`: what a code means, an example and the fix.

use std::process::ExitCode;

use crate::{
    error::{Error, Result},
    finding::Code,
    report::{Event, Report},
    text,
};

/// Say what the code of a finding means, with an example and the fix
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a code it lists them all. The same text is docs/findings.md.

Examples:
  instate explain I0121
  instate explain")]
pub(super) struct Arguments {
    /// The code, as a message shows it in brackets
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments, report: &mut Report) -> Result<ExitCode> {
    match &arguments.code {
        Some(number) => {
            let code = Code::of_number(number).ok_or_else(|| unknown(number))?;
            report.event(&Event::Explained {
                code,
                title: code.title().into(),
                page: Some(code.page().into()),
            });
        }
        None => {
            for code in Code::ALL {
                report.event(&Event::Explained { code: *code, title: code.title().into(), page: None });
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(number: &str) -> Error {
    let error = Error::server(format!("there is no code `{}`", text::excerpt(number, 40)));
    error.help(match Code::nearest(number) {
        Some(near) => format!("did you mean `{}`? All are listed by: instate explain", near.number()),
        None => "a code looks like I0121; all are listed by: instate explain".to_owned(),
    })
}
