//! Small file systems of a test's own, for disks that are full or read-only.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Output, run};

/// Says to a test that it runs in a namespace in which it may mount.
const INSIDE: &str = "INSTATE_TEST_MAY_MOUNT";

/// Runs a test that mounts: here where that is allowed, else once more in a namespace of its own.
#[track_caller]
pub fn with_mounts(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() || may_mount() {
        return body();
    }
    let this = std::env::current_exe().expect("because this program was started");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]).arg(this).args(["--exact", test, "--nocapture"]);
    command.env(INSIDE, "1");
    let done = run(command);
    assert!(
        done.code == Some(0) && done.stdout.contains("1 passed"),
        "this test mounts small file systems: run it as root, or where `unshare --map-root-user --mount` works\n{done}"
    );
}

fn may_mount() -> bool {
    let folder = tempfile::tempdir().expect("because the temporary folder is writable");
    if mount(folder.path(), "size=64k").code != Some(0) {
        return false;
    }
    drop(Mount { path: folder.path().to_owned() });
    true
}

fn mount(path: &Path, options: &str) -> Output {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "instate-test"]).arg(path);
    run(command)
}

/// A file system in memory. Dropping it takes it away; make it after its world.
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    /// A file system of `size`, as `256k`, on the folder `path`.
    #[track_caller]
    pub fn new(path: &Path, size: &str) -> Self {
        fs::create_dir_all(path).expect("because the world is ours");
        mount(path, &format!("size={size},mode=755")).succeeds();
        Self { path: path.to_owned() }
    }

    /// Lets nobody write there any more, or lets them again.
    #[track_caller]
    pub fn read_only(&self, yes: bool) {
        let mut command = Command::new("mount");
        command.args(["-o", if yes { "remount,ro" } else { "remount,rw" }]).arg(&self.path);
        run(command).succeeds();
    }

    /// Lets nothing be run from there any more, or lets it again.
    #[track_caller]
    pub fn noexec(&self, yes: bool) {
        let mut command = Command::new("mount");
        command.args(["-o", if yes { "remount,bind,noexec" } else { "remount,bind,exec" }]).arg(&self.path);
        run(command).succeeds();
    }

    /// Leaves no room for another byte, until the file is removed.
    pub fn fill(&self) -> PathBuf {
        let path = self.path.join("filled");
        let mut file = fs::File::create(&path).expect("because the file system is ours");
        let block = [0; 1024];
        while file.write_all(&block).is_ok() {}
        path
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        // Lazily, since a worker may still have a file open there.
        command.arg("--lazy").arg(&self.path);
        run(command);
    }
}
