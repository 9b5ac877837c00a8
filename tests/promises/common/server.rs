//! What the two network servers have in common: a free port, a greeting that
//! proves who listens there, and an end together with the test.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{POLL, start};
use super::tree::kill_tree;
use super::world::World;

/// How long a server may take until it greets.
const PATIENCE: Duration = Duration::from_secs(30);

/// Another process may take the port between our look and the server's start.
const ATTEMPTS: usize = 10;

/// A server at work. Dropping it kills it and its descendants.
pub struct Server {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts what `prepare` makes for a port. The server is ready when it
    /// answers `request` with something that contains `greeting`, which has to
    /// differ from server to server: another test's may sit on the port.
    #[track_caller]
    pub fn start(log: PathBuf, request: &str, greeting: &str, prepare: impl Fn(u16) -> Command) -> Self {
        Self::start_at(free_port, log, request, greeting, prepare)
    }

    /// As [`Server::start`], at one of these ports.
    #[track_caller]
    pub fn start_at(
        ports: impl Fn() -> u16,
        log: PathBuf,
        request: &str,
        greeting: &str,
        prepare: impl Fn(u16) -> Command,
    ) -> Self {
        for _ in 0..ATTEMPTS {
            let port = ports();
            let mut command = prepare(port);
            let out = fs::File::create(&log).expect("because the world's folder is ours");
            let err = out.try_clone().expect("because the file is open");
            command.stdin(std::process::Stdio::null());
            command.stdout(out).stderr(err);
            let mut server = Self { child: start(&mut command), port, log: log.clone() };
            if server.is_ready(request, greeting) {
                return server;
            }
        }
        let log = fs::read_to_string(&log).unwrap_or_default();
        panic!("the server did not start {ATTEMPTS} times; its last log:\n{log}");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the server has written about itself.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn is_ready(&mut self, request: &str, greeting: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if greets(self.port, request, greeting) {
                return true;
            }
            // It ends by itself when it does not get the port.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A child that has been waited for may have given its id to another.
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_tree(self.child.id());
            let _ = self.child.wait();
        }
    }
}

fn greets(port: u16, request: &str, greeting: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    if stream.set_read_timeout(Some(PATIENCE)).is_err() || stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    // The end of the stream, or an error, is a wrong answer.
    while let Ok(1..) = stream.read(&mut chunk).inspect(|&read| {
        answer.extend_from_slice(&chunk[..read]);
    }) {
        if String::from_utf8_lossy(&answer).contains(greeting) {
            return true;
        }
    }
    false
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("because the loopback interface has free ports")
        .port()
}

/// Fails the test with advice when a Debian package is not installed.
#[track_caller]
pub fn needs(program: &Path, name: &str, package: &str) {
    assert!(program.exists(), "needs {name}: install Debian's {package} (tests/run does it)");
}

/// A word that no other world has, for greetings.
pub fn tag(world: &World) -> String {
    let name = world.root().file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
