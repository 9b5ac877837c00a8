//! Ends processes that a test started, and nothing else.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

pub fn pid(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("because the kernel gives out positive process ids")
}

/// Kills a process that has not been waited for, and all its descendants. A
/// process group would not do: sshd opens a new session for each connection.
pub fn kill_tree(root: u32) {
    let mut tree = vec![root];
    let mut stopped = 0;
    // Stopped processes start no others, so this ends with the whole tree.
    while stopped < tree.len() {
        for &id in &tree[stopped..] {
            let _ = kill_process(pid(id), Signal::STOP);
        }
        stopped = tree.len();
        for (id, parent) in processes() {
            if tree.contains(&parent) && !tree.contains(&id) {
                tree.push(id);
            }
        }
    }
    for id in tree {
        let _ = kill_process(pid(id), Signal::KILL);
    }
}

/// The processes that a process has started and not yet waited for.
pub fn children(of: u32) -> Vec<u32> {
    processes().filter(|(_, parent)| *parent == of).map(|(id, _)| id).collect()
}

/// Each process with its parent.
fn processes() -> impl Iterator<Item = (u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name in parentheses may itself hold blanks and parentheses.
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
        Some((id, parent.parse().ok()?))
    })
}

/// Kills the processes that were started with the variable `assignment`.
pub fn kill_by_environment(assignment: &str) {
    for (id, _) in processes() {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        if environment.split(|&byte| byte == 0).any(|entry| entry == assignment.as_bytes()) {
            let _ = kill_process(pid(id), Signal::KILL);
        }
    }
}
