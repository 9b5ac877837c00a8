//! A second Unix user, for what one may and another may not.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use super::{World, run};

/// The other's number, which has no name.
pub const ANOTHER: u32 = 12_345;
/// Says to a test that it runs in a namespace that has several users.
const INSIDE: &str = "INSTATE_TEST_HAS_USERS";

/// Runs a test that is about two users: here as root, else once more in a namespace with users of its own.
#[track_caller]
pub fn with_users(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() || rustix::process::geteuid().is_root() {
        return body();
    }
    let this = std::env::current_exe().expect("because this program was started");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--map-auto"]).arg(this).args(["--exact", test, "--nocapture"]);
    command.env(INSIDE, "1");
    let done = run(command);
    assert!(
        done.code == Some(0) && done.stdout.contains("1 passed"),
        "this test is about two users: run it as root, or where `unshare --map-root-user --map-auto` works (Debian's \
         uidmap)\n{done}"
    );
}

/// Gives a folder with all in it to the other.
pub fn gives_away(path: &Path) {
    chown(path, Some(ANOTHER), Some(ANOTHER)).expect("because root may");
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => gives_away(&entry.path()),
            false => chown(entry.path(), Some(ANOTHER), Some(ANOTHER)).expect("because root may"),
        }
    }
}

/// A command that the other runs in a world, which is opened to everybody.
#[track_caller]
pub fn as_another(world: &World, program: &Path) -> Command {
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).expect("because the world is ours");
    let mut command = world.command("setpriv");
    let number = ANOTHER.to_string();
    command.args(["--reuid", &number, "--regid", &number, "--clear-groups", "--"]).arg(program);
    command
}
