//! Named places where tests stop or kill the process. In a release they are nothing.

/// The process comes by the place `name`. With the feature `failpoints`, the variable `FAILPOINTS`
/// says what happens there: `name=return(kill)` ends the process as `kill -9` does,
/// `name=return(stop)` stops it until somebody continues it.
pub fn reach(name: &str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |action| act(action.as_deref().unwrap_or_default()));
    let _ = name;
}

/// A number that a test may want to be another: `name=return(3)`.
#[must_use]
pub fn number(name: &str, usual: u64) -> u64 {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |wanted| wanted.and_then(|text| text.parse().ok()).unwrap_or(usual));
    let _ = name;
    usual
}

#[cfg(feature = "failpoints")]
fn act(action: &str) {
    use rustix::process::{Signal, getpid, kill_process};
    let signal = if action == "stop" { Signal::STOP } else { Signal::KILL };
    let _ = kill_process(getpid(), signal);
}
