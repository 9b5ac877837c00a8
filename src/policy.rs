//! The server's rules on refs and people, and what a commit confirms that they would refuse. Rules on paths and objects
//! get their place here.

pub mod confirmed;

pub use confirmed::{Confirmed, Spared};

use gix::ObjectId;

use crate::{
    config::{Environment, Pushers},
    error::Result,
    finding::{Code, Finding},
    push::{By, Pusher, Update},
    record::NOTES,
    report::Format,
    text,
    tree::Objects,
};

/// What is wrong with moving a ref at all, whichever branch it is: the record is instate's alone.
#[must_use]
pub fn reference(update: &Update) -> Option<Finding> {
    let name = &update.reference;
    // Git compares names byte by byte, but a file system may fold the case.
    let lower = name.to_ascii_lowercase();
    let under = |prefix: &str| {
        lower == prefix || lower.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
    };
    // Deleting one is the way to mend what another program let in.
    if under("refs/replace") && update.new.is_some() {
        let message = format!("{} would put another object in the place of one", text::excerpt(name, 80));
        let finding = Finding::error(Code::ReplaceRef, message);
        return Some(finding.help("commit what you want to be there instead"));
    }
    (under("refs/instate") || under(NOTES)).then(|| {
        let message = format!("{} is instate's record, which nobody pushes", text::excerpt(name, 80));
        Finding::error(Code::RecordRef, message)
            .help("push branches only; look at the record with: instate log")
    })
}

/// The one push option that instate has, and what stands behind it.
const FORMAT: &str = "instate.format=";

/// The format that a push option asks for.
#[must_use]
pub fn format(option: &str) -> Option<Format> {
    option.strip_prefix(FORMAT).and_then(Format::of_every_command)
}

/// What is wrong with a push option: one that is written to instate must not be passed over in silence. What
/// others are for, other hooks know; none of them keeps instate from deploying.
#[must_use]
pub fn option(option: &str) -> Option<Finding> {
    if !option.starts_with("instate") || format(option).is_some() {
        return None;
    }
    let shown = text::excerpt(option, 60);
    let message = if option.starts_with(FORMAT) {
        format!("the push option `{shown}` names no format")
    } else {
        format!("there is no push option `{shown}`")
    };
    let help = "the only one is `-o instate.format=json` (or human)";
    Some(Finding::error(Code::PushOption, message).help(help))
}

/// What is wrong with who pushes to an environment's branch.
#[must_use]
pub fn pusher(who: &Pusher, name: &str, environment: &Environment) -> Option<Finding> {
    let is_merge = matches!(who.by, By::Server { merges: Some(_) });
    if environment.merges_only && !is_merge {
        let message = format!("{name}, the branch of `{}`, moves by merges alone", environment.name);
        let finding = Finding::error(Code::MergesOnly, message);
        return Some(finding.help("push to another branch, and open a pull request from it"));
    }
    let Pushers::These(allowed) = &environment.pushers else { return None };
    let finding = |message: String| Finding::error(Code::Pusher, message);
    match &who.name {
        Some(known) if allowed.contains(known) => None,
        Some(_) => {
            let message =
                format!("{} may not push to {name}, the branch of `{}`", who.called(), environment.name);
            Some(finding(message).help("ask somebody who may, or the server's administrator"))
        }
        None => {
            let message = format!("the server does not know who you are, and {name} is not everybody's");
            Some(finding(message).help("push with your name and password, or over ssh with your own key"))
        }
    }
}

/// What is wrong with a push that began before the branch was moved to where it is now.
#[must_use]
pub fn overtaken(name: &str, at: Option<ObjectId>) -> Finding {
    let at =
        at.map_or_else(|| "is gone".to_owned(), |at| format!("is at {} now", text::short(&at.to_string())));
    let message = format!("{name} {at}: another push was quicker");
    Finding::error(Code::Overtaken, message).help("git pull --rebase, then git push")
}

/// What is wrong with moving a branch whose tip is lost, where `receive.denyNonFastForwards` is set: git refuses that,
/// but not of a branch that it leaves to us. What else it would refuse, [`branch`] does.
#[must_use]
pub fn lost(update: &Update, name: &str, objects: &Objects) -> Option<Finding> {
    update.old.filter(|old| !objects.has(*old))?;
    let message = format!("{name} points to a commit that is lost, and what follows it cannot be told");
    let help = "let the server's administrator restore it, or unset receive.denyNonFastForwards";
    Some(Finding::error(Code::NotFastForward, message).help(help))
}

/// What is wrong with moving an environment's branch in this way.
///
/// # Errors
/// The history cannot be read.
pub fn branch(update: &Update, name: &str, environment: &str, objects: &Objects) -> Result<Option<Finding>> {
    let Some(new) = update.new else {
        let message =
            format!("{name} is the branch of the environment `{environment}` and cannot be deleted");
        let finding = Finding::error(Code::BranchDeleted, message);
        return Ok(Some(finding.help("take the environment out of the server's configuration first")));
    };
    if objects.tree_of_commit(new)?.is_none() {
        return Ok(Some(Finding::error(Code::NotACommit, format!("{name} would not point to a commit"))));
    }
    // A tip that is lost is no reason to refuse what replaces it.
    let Some(old) = update.old.filter(|old| objects.has(*old)) else { return Ok(None) };
    if objects.is_ancestor(old, new)? {
        return Ok(None);
    }
    let message = format!("{name} would lose revisions that `{environment}` has run");
    let finding = Finding::error(Code::NotFastForward, message);
    Ok(Some(finding.help("git pull --rebase, then git push; to go back use git revert")))
}
