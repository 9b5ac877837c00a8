//! Real parts that are built from their source, once: `tests/NAME/build`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::process::start;

/// The folder `target/NAME`, with what `tests/NAME/build` makes there. The script returns at once where it is built
/// already, and keeps two that ask together from building twice.
#[track_caller]
pub fn built(name: &str) -> PathBuf {
    assert!(
        Command::new("go").arg("version").output().is_ok_and(|output| output.status.success()),
        "needs Go 1.21 or later, which fetches the one that is wanted: see tests/run"
    );
    let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let target = tmp.parent().expect("because cargo makes it in the target folder");
    let mut build = Command::new(format!("{}/tests/{name}/build", env!("CARGO_MANIFEST_DIR")));
    build.env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    // Some minutes the first time: no patience is enough, and what it says is worth seeing.
    let ended = start(&mut build).wait().expect("because it was started");
    assert!(ended.success(), "tests/{name}/build failed: {ended}");
    target.join(name)
}
