//! A program whose standard error nobody reads.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::process::{POLL, start};

/// The least that the kernel gives a pipe.
const ROOM: usize = 4096;

/// Runs a command whose standard error is a full pipe, and returns its exit code when it ends within half
/// a minute.
#[track_caller]
pub fn run_unread(mut command: Command, input: &str) -> Option<i32> {
    let (mut reader, mut writer) = std::io::pipe().expect("because there are handles");
    rustix::pipe::fcntl_setpipe_size(&writer, ROOM).expect("because a page is the least");
    writer.write_all(&[b'.'; ROOM]).expect("because it has room for so much");
    let mut child = start(command.stdin(Stdio::piped()).stderr(writer));
    drop(command);
    let mut stdin = child.stdin.take().expect("because it is a pipe");
    stdin.write_all(input.as_bytes()).expect("because it fits into a pipe");
    drop(stdin);
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        match child.try_wait().expect("because it is our child") {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(POLL),
            None => {
                let _ = child.kill();
                panic!("it waits for a reader");
            }
        }
    };
    let mut written = Vec::new();
    reader.read_to_end(&mut written).expect("because nobody holds the other end");
    assert_eq!(written.len(), ROOM, "the pipe was not full");
    status.code()
}
