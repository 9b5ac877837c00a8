//! Events as a person reads them: plain text, no control sequences, at most 72 columns where words allow.

use super::{
    event::{Ended, Event, PlanLine, Progress, Standing},
    finding,
};
use crate::{
    finding::{Finding, Severity, Verdict},
    record::{Counts, Outcome, OutcomeKind},
    text::{WIDTH, clean, count, short, wrap},
    trouble::Trouble,
};

/// So many refs of a refused push are named; the rest is counted.
const STAYING: usize = 3;
/// So many commands that check locally are shown: one an environment.
const AGAIN: usize = 3;

/// Who reads: it decides how a line of prose begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// A person who pushes, among the lines of other hooks.
    Hook,
    /// A person who typed `instate`.
    Command,
}

impl Voice {
    /// Text in lines. Among those of other hooks each names its author and fits beside what Git's client
    /// puts before it; a terminal of one's own breaks lines itself.
    fn prose(self, text: &str) -> Vec<String> {
        const NAME: &str = "instate: ";
        match self {
            Self::Hook => {
                let lines = wrap(&clean(text), WIDTH - NAME.len()).into_iter();
                lines.map(|line| format!("{NAME}{line}").trim_end().to_owned()).collect()
            }
            Self::Command => vec![clean(text)],
        }
    }

    /// A command, which must not be broken: one copies it.
    fn command(self, what: &str, command: &str) -> Vec<String> {
        let whole = self.prose(&format!("{what}: {command}"));
        if whole.len() == 1 {
            return whole;
        }
        let mut lines = self.prose(&format!("{what}:"));
        lines.push(format!("  {}", clean(command)));
        lines
    }

    /// What a failure begins with where no other word says that it is one.
    fn failure(self) -> &'static str {
        if self == Self::Command { "error: " } else { "" }
    }
}

/// The lines of one event.
pub(super) fn lines(event: &Event, voice: Voice) -> Vec<String> {
    match event {
        Event::Refused { stay, again, verdict } => refused(voice, stay, again, verdict),
        Event::Shut { stay, message, findings, help, later } => {
            shut(voice, stay, message, findings, help.as_deref(), *later)
        }
        Event::Warned { verdict } => {
            finding::all(verdict).into_iter().skip(1).chain([String::new()]).collect()
        }
        Event::Checked { what, objects, verdict } => checked(voice, what, *objects, verdict),
        Event::Explained { code, title, page } => match page {
            Some(_) => {
                let heading = format!("{}: {title}", code.number());
                [heading, String::new()].into_iter().chain(code.page_in_lines()).collect()
            }
            None => vec![format!("{}  {title}", code.number())],
        },
        Event::Plan { what, changes, counts } => plan(voice, what, changes, *counts),
        Event::Deployment(progress) => deployment(voice, progress),
        Event::Standing(standing) => self::standing(standing),
        Event::Past(outcome) => past(outcome),
        Event::Examined { what, looked, troubles } => examined(voice, what, looked, troubles),
        Event::Stopped { message, findings, help } => {
            let mut lines = voice.prose(&format!("{}{message}", voice.failure()));
            lines.extend(findings.iter().flat_map(finding::one));
            if !findings.is_empty() && help.is_some() {
                lines.push(String::new());
            }
            lines.extend(help.iter().flat_map(|help| voice.prose(&format!("help: {help}"))));
            lines
        }
        Event::Typed { text } => vec![clean(text)],
        Event::Said { text } => voice.prose(text),
    }
}

/// `main stays at 1a2b3c4`, `new is not created`.
fn stays(stay: &[(String, Option<String>)]) -> String {
    let one = |(branch, at): &(String, Option<String>)| match at {
        Some(at) => format!("{branch} stays at {}", short(at)),
        None => format!("{branch} is not created"),
    };
    if stay.is_empty() {
        return "No branch moved".to_owned();
    }
    let mut parts: Vec<String> = stay.iter().take(STAYING).map(one).collect();
    match stay.len().saturating_sub(STAYING) {
        0 => {}
        1 => parts.push("1 other ref stays as it is".to_owned()),
        n => parts.push(format!("{n} other refs stay as they are")),
    }
    parts.join(", ")
}

fn refused(
    voice: Voice,
    stay: &[(String, Option<String>)],
    again: &[String],
    verdict: &Verdict,
) -> Vec<String> {
    let mut lines =
        voice.prose(&format!("refused: {}. {}, nothing was deployed.", finding::tally(verdict), stays(stay)));
    lines.extend(finding::all(verdict));
    lines.push(String::new());
    let errors = count(verdict.count(Severity::Error), "error");
    lines.extend(voice.prose(&format!("refused: {errors}, nothing was deployed.")));
    for (n, command) in again.iter().take(AGAIN).enumerate() {
        lines.extend(voice.command(if n == 0 { "Try again locally" } else { "and" }, command));
    }
    if let Some(first) = verdict.refusing().next() {
        let number = first.code.number();
        lines.extend(voice.command(&format!("What {number} means"), &format!("instate explain {number}")));
    }
    lines
}

fn shut(
    voice: Voice,
    stay: &[(String, Option<String>)],
    message: &str,
    findings: &[Finding],
    help: Option<&str>,
    later: bool,
) -> Vec<String> {
    let mut lines = voice.prose(&format!("refused: {message}. {}, nothing was deployed.", stays(stay)));
    lines.extend(findings.iter().flat_map(finding::one));
    if !findings.is_empty() {
        lines.push(String::new());
    }
    lines.extend(help.iter().flat_map(|help| voice.prose(&format!("help: {help}"))));
    let whose = "This is the server's fault, not your push's";
    lines.extend(voice.prose(&if later {
        format!("{whose}. Try again later.")
    } else {
        format!("{whose}: tell its administrator.")
    }));
    lines
}

fn checked(voice: Voice, what: &str, objects: usize, verdict: &Verdict) -> Vec<String> {
    let (outcome, read) = (finding::tally(verdict), count(objects, "object"));
    let mut lines = voice.prose(&format!("{}: {outcome}, {read} read.", clean(what)));
    lines.extend(finding::all(verdict));
    lines
}

/// What is to be typed or written is never broken: one copies it.
fn examined(voice: Voice, what: &str, looked: &[String], troubles: &[Trouble]) -> Vec<String> {
    if troubles.is_empty() {
        return voice.prose(&format!("{what}: nothing is wrong. Looked at: {}.", looked.join(", ")));
    }
    let of = |severity, word| match troubles.iter().filter(|it| it.severity == severity).count() {
        0 => None,
        n => Some(count(n, word)),
    };
    let tally: Vec<String> =
        [of(Severity::Error, "error"), of(Severity::Warning, "warning")].into_iter().flatten().collect();
    let mut lines = voice.prose(&format!("{what}: {}.", tally.join(" and ")));
    for Trouble { severity, message, help, lines: typed, findings } in troubles {
        let severity = if *severity == Severity::Error { "error" } else { "warning" };
        lines.push(String::new());
        lines.extend(wrap(&format!("{severity}: {}", clean(message)), WIDTH));
        lines.extend(findings.iter().flat_map(finding::one));
        if !findings.is_empty() && help.is_some() {
            lines.push(String::new());
        }
        lines.extend(help.iter().map(|help| format!("  help: {}", clean(help))));
        lines.extend(typed.iter().map(|line| format!("    {}", clean(line))));
    }
    lines
}

fn plan(voice: Voice, what: &str, changes: &[PlanLine], counts: Counts) -> Vec<String> {
    let mut lines = voice.prose(&format!("{what}: {}.", counts.ahead()));
    for line in changes {
        lines.extend(change(line));
        lines.extend(line.fields.iter().map(|field| format!("      {}", clean(field))));
    }
    lines
}

fn deployment(voice: Voice, progress: &Progress) -> Vec<String> {
    match progress {
        Progress::Started { environment, revision } => {
            let mut lines = voice.prose(&format!("{environment}: deploying {}.", short(revision)));
            lines.extend(voice.prose("Ctrl-C stops watching, not deploying."));
            lines
        }
        Progress::Planned { changes, first, more } => {
            let mut lines: Vec<String> = first.iter().flat_map(change).collect();
            if *more > 0 {
                lines.push(format!("  ... and {more} more: {changes} in all"));
            }
            lines
        }
        Progress::Step { text } => indented(text),
        Progress::Ended(ended) => self::ended(voice, ended),
    }
}

/// One change; what does not fit on its line stands indented on the next.
fn change(line: &PlanLine) -> Vec<String> {
    indented(&format!("{} {}", line.action, line.item))
}

fn indented(text: &str) -> Vec<String> {
    // What is indented already stays so: it is about the line before.
    let inner = text.len() - text.trim_start().len();
    let wrapped = wrap(&clean(text.trim_start()), WIDTH - 6 - inner);
    wrapped
        .into_iter()
        .enumerate()
        .map(|(n, line)| format!("{}{}{line}", " ".repeat(inner), if n == 0 { "  " } else { "      " }))
        .collect()
}

fn ended(voice: Voice, ended: &Ended) -> Vec<String> {
    let Ended {
        environment,
        revision,
        outcome,
        before,
        changes,
        reason,
        help,
        runs,
        branch,
        unhealthy,
        unmoved,
    } = ended;
    let revision = short(revision);
    let because = reason
        .as_ref()
        .map(|reason| format!(" Reason: {}.", reason.trim_end_matches('.')))
        .unwrap_or_default();
    let still = match runs {
        Some(runs) => format!("{environment} still runs {}", short(runs)),
        None => format!("nothing runs in {environment} yet"),
    };
    let mut lines = match outcome {
        OutcomeKind::Deployed => {
            let mut lines = voice.prose(&format!("deployed: {environment} runs {revision}, {changes}."));
            if let (Some(before), false) = (before, changes.is_empty()) {
                let range = format!("{}..{revision}", short(before));
                lines.extend(voice.prose(&format!("To go back: git revert --no-edit {range}; git push")));
            }
            lines
        }
        OutcomeKind::Failed if *unmoved => {
            let stays = match before {
                Some(before) if changes.is_empty() => {
                    format!("{branch} stays at {}, and nothing was changed", short(before))
                }
                Some(before) => format!("{branch} stays at {}, which runs again", short(before)),
                None => format!("{branch} is not created, and nothing runs there"),
            };
            voice.prose(&format!("failed: {revision} is not deployed to {environment}: {stays}.{because}"))
        }
        OutcomeKind::Diverged if *unmoved => {
            let stays = match before {
                Some(before) => format!("{branch} stays at {}", short(before)),
                None => format!("{branch} is not created"),
            };
            voice.prose(&format!("diverged: {stays}, but {environment} is not as it was.{because}"))
        }
        OutcomeKind::Failed if *unhealthy => {
            voice.prose(&format!("failed: {environment} has {revision}, but it is not healthy.{because}"))
        }
        OutcomeKind::Failed => {
            voice.prose(&format!("failed: {revision} is on {branch}, but {still}.{because}"))
        }
        OutcomeKind::Superseded => {
            voice.prose(&format!("superseded: {revision} is not deployed to {environment}.{because}"))
        }
        OutcomeKind::Diverged => voice
            .prose(&format!("diverged: {environment} is neither {revision} nor what ran before.{because}")),
    };
    lines.extend(help.iter().flat_map(|help| voice.prose(&format!("help: {help}"))));
    lines
}

fn standing(standing: &Standing) -> Vec<String> {
    let Standing { environment, branch, target, wrong, tip, runs, under_way, open, last } = standing;
    let runs_now = runs.as_deref().map_or("nothing", short);
    let now = match tip {
        Some(tip) => format!("{branch} is at {}", short(tip)),
        None if runs.is_some() => format!("the branch {branch} is gone"),
        None => format!("{branch} has no revision yet"),
    };
    let mut lines = vec![format!("{environment}: runs {runs_now}, {now}")];
    lines.push(format!("  target  {}", clean(target)));
    lines.extend(wrong.iter().map(|wrong| format!("  wrong   {}", clean(wrong))));
    if let Some(Outcome { revision, outcome, ended, who, reason, .. }) = last {
        lines.push(format!("  last    {} {}, {ended}, by {}", outcome.word(), short(revision), clean(who)));
        lines.extend(
            reason
                .iter()
                .flat_map(|reason| wrap(&clean(reason), WIDTH - 10))
                .map(|line| format!("          {line}")),
        );
    }
    let failed = last.as_ref().is_some_and(|last| Some(&last.revision) == tip.as_ref());
    match under_way {
        Some(doing) => lines.push(format!("  now     {}", clean(doing))),
        None if *open => {
            lines.push("  next    the tip was accepted and has no outcome: instate resume".to_owned());
        }
        None if tip == runs => {}
        None if tip.is_none() => {
            lines.push(format!("  next    bring {branch} back, or change `branch` in the configuration"));
        }
        None if failed => {
            lines.push(format!("  next    mend the reason, then: instate deploy {environment}"));
        }
        None => lines.push("  next    the tip came without a push: instate resume".to_owned()),
    }
    lines
}

fn past(past: &Outcome) -> Vec<String> {
    let Outcome { environment, revision, outcome, ended, who, reason, .. } = past;
    let mut lines = vec![format!("{ended} {environment}: {} {}", outcome.word(), short(revision))];
    lines.push(format!("  {}, by {}", past.changed(), clean(who)));
    lines.extend(
        reason.iter().flat_map(|reason| wrap(&clean(reason), WIDTH - 2)).map(|line| format!("  {line}")),
    );
    lines
}
