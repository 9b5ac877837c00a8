//! Whether git, or the server before it, runs our hooks.

use super::{Patient, machine::mount_point, program::is_this_version};
use crate::{
    config::{Config, Server},
    install::{
        self, earlier,
        hooks::{Found, look, names, program},
        server::entry,
    },
    push::account_of,
    trouble::{Trouble, typed},
};

/// What is wrong with the hooks, and whether all of them stand where they should.
pub(super) fn examine(patient: &Patient<'_>) -> (Vec<Trouble>, bool) {
    let Patient { repository, config, server, .. } = *patient;
    // Where all is as another server has it, that is said once, and not of each hook.
    let is = install::server::guess(repository.git_dir());
    if is != server && install::deployed::stand(repository, is) {
        return (vec![of_another(patient, is)], false);
    }
    let elsewhere = Server::ALL.into_iter().any(|other| install::deployed::stand(repository, other));
    if !install::deployed::stand(repository, server) && elsewhere {
        return (vec![install::deployed::misplaced(repository, server).into()], false);
    }
    let mut found: Vec<Trouble> =
        install::server::amiss(repository, server).into_iter().map(Trouble::from).collect();
    let leaves = config.is_some_and(|config| Config::accept_deployed(config).next().is_some());
    let before = found.len();
    found.extend(names(leaves).filter_map(|name| hook(patient, name)));
    if server == Server::Gitolite && !repository.state().join(install::MARK).exists() {
        let mark = repository.state().join(install::MARK);
        let message =
            format!("{} is missing, so that Gitolite's common hooks let every push pass", mark.display());
        found.push(Trouble::error(message).help(install::command(repository)));
    }
    found.extend(install::HOOKS.iter().filter_map(|name| before_ours(patient, name)));
    let stand = found.len() == before;
    (found, stand)
}

/// The configuration has one server, and the repository is another one's.
fn of_another(patient: &Patient<'_>, is: Server) -> Trouble {
    let message = format!(
        "the configuration says `server: {}`, and the repository and its hooks are as `server: {}` has them",
        patient.server.word(),
        is.word()
    );
    let path = patient.config.map_or_else(String::new, |config| format!(" in {}", config.path.display()));
    Trouble::error(message).help(format!("write `server: {}`{path}", is.word()))
}

/// What is wrong with the hook `name`.
fn hook(patient: &Patient<'_>, name: &str) -> Option<Trouble> {
    let Patient { repository, server, .. } = *patient;
    let path = entry(repository, server, name);
    let shown = path.display();
    let found = look(&path);
    let passed_over = matches!(found, Found::NotToBeRun | Found::Noexec);
    let so = match name {
        "pre-receive" => "so that nothing checks a push",
        "post-receive" if passed_over => "so that no push shows its deployment",
        _ => "so that every push is refused",
    };
    let install = install::command(repository);
    Some(match found {
        Found::Ours if install::hooks::is_as_written(&path, server, name) => return None,
        // Another version may write it in another way, which is said of the program.
        Found::Ours if program(&path).is_some_and(|it| !is_this_version(&it)) => return None,
        Found::Ours => Trouble::error(format!("{shown} was changed since instate wrote it")).help(install),
        Found::Nothing => Trouble::error(format!("there is no {shown}, {so}")).help(install),
        Found::Dangling(leads) => {
            let message = format!("{shown} leads to {}, which is not there, {so}", leads.display());
            Trouble::error(message).help(install)
        }
        Found::Another => {
            let trouble = Trouble::error(format!("{shown} is not instate's, {so}"));
            match earlier(repository, name).filter(|_| server == Server::Bare) {
                // To keep that one, too, there is no room.
                Some(earlier) => {
                    let help = "keep one of the two as the hook that runs before instate's, and";
                    trouble.help(format!("{help}: {install}")).line(format!(
                        "rm {}  # or: mv -f {} {}",
                        typed(&path),
                        typed(&path),
                        typed(&earlier.path)
                    ))
                }
                None if server == Server::Bare => trouble.help(install),
                None => trouble.help(format!("remove it, and: {install}")),
            }
        }
        Found::NotToBeRun => {
            let user = account_of(rustix::process::geteuid().as_raw()).unwrap_or_default();
            Trouble::error(format!("{shown} cannot be executed by {user}, {so}"))
                .help(format!("chmod 755 {}", typed(&path)))
        }
        Found::Noexec => {
            let message = format!("{shown} is on a file system that is mounted noexec, {so}");
            let trouble = Trouble::error(message);
            match mount_point(&path) {
                Some(point) => trouble.help(format!("sudo mount -o remount,exec {}", typed(&point))),
                None => trouble.help("put the repository on a file system that is not mounted noexec"),
            }
        }
    })
    .map(|trouble| if name == "post-receive" && passed_over { trouble.only_warns() } else { trouble })
}

/// A hook that was there before ours and ran, and cannot any more: ours then refuses.
fn before_ours(patient: &Patient<'_>, name: &str) -> Option<Trouble> {
    let path = earlier(patient.repository, name).filter(|earlier| earlier.ran)?.path;
    let runs = rustix::fs::accessat(
        rustix::fs::CWD,
        &path,
        rustix::fs::Access::EXEC_OK,
        rustix::fs::AtFlags::EACCESS,
    );
    if runs.is_ok() {
        return None;
    }
    let is_gate = name == "pre-receive";
    let so = if is_gate { "every push is refused" } else { "what it did is not done any more" };
    let message = format!("{}, which ran before instate's, cannot be executed, so that {so}", path.display());
    let trouble = Trouble::error(message).help(if path.exists() {
        format!("chmod 755 {}", typed(&path))
    } else {
        format!("bring it back, or: rm {}", typed(&path))
    });
    Some(if is_gate { trouble } else { trouble.only_warns() })
}
