//! A web server that takes what is announced, answers as it is told, and remembers what it heard.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::process::{POLL, TIMEOUT};

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With a status, further headers, and a body.
    With(u16, &'static str, &'static str),
    /// With a status, and a body without an end.
    Endless(u16),
    /// With what is no HTTP.
    Noise,
    /// Not at all: the connection is closed.
    Nothing,
    /// Not at all: the connection stays open.
    Hang,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Instant,
    /// `POST /path HTTP/1.1`.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Heard {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or_else(|| panic!("no {name}: {self:?}"), |(_, value)| value)
    }

    /// All of it, as it came over the wire.
    pub fn raw(&self) -> String {
        let mut text = format!("{}\n", self.line);
        for (name, value) in &self.headers {
            writeln!(text, "{name}: {value}").expect("it is a text");
        }
        text + "\n" + &self.body
    }
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    replies: Mutex<VecDeque<Reply>>,
    /// Connections that hang.
    hanging: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

/// The server. Dropping it frees its port.
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Receiver {
    /// Answers as it is told, in turn, and then with 204.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_at(0, replies)
    }

    /// The same at a port that another one has had.
    pub fn start_at(port: u16, replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("because nobody else has it");
        let port = listener.local_addr().expect("because it listens").port();
        let shared =
            Arc::new(Shared { replies: Mutex::new(replies.into_iter().collect()), ..Shared::default() });
        let known = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if known.ended.load(Ordering::SeqCst) {
                    return;
                }
                let known = Arc::clone(&known);
                thread::spawn(move || serve(stream, &known));
            }
        });
        Self { port, shared, accepting: Some(accepting) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared.heard).clone()
    }

    /// Waits for so many requests, and returns them.
    #[track_caller]
    pub fn hears(&self, many: usize) -> Vec<Heard> {
        self.until(&format!("{many} requests"), |heard| heard.len() >= many)
    }

    /// Waits until what was heard is enough, and returns it.
    #[track_caller]
    pub fn until(&self, what: &str, is_enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let heard = self.heard();
            if is_enough(&heard) {
                return heard;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {heard:#?}");
            thread::sleep(POLL);
        }
    }

    /// Whether somebody waits for an answer at this moment.
    pub fn is_waited_for(&self) -> bool {
        lock(&self.shared.hanging).iter_mut().any(|stream| {
            // Whoever waits says nothing; whoever has gone says that.
            stream.set_nonblocking(true).expect("it is a socket");
            let mut byte = [0];
            stream.read(&mut byte).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        lock(&self.shared.hanging).clear();
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let Some(heard) = read(&stream) else { return };
    // What is heard first is answered first.
    let reply = {
        let mut all = lock(&shared.heard);
        all.push(heard);
        lock(&shared.replies).pop_front().unwrap_or(Reply::With(204, "", ""))
    };
    let _ = match reply {
        Reply::With(status, headers, body) => {
            let length =
                if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            write!(stream, "HTTP/1.1 {status} Said\r\n{headers}{length}Connection: close\r\n\r\n{body}")
        }
        Reply::Endless(status) => {
            let begun = write!(stream, "HTTP/1.1 {status} Said\r\nContent-Type: text/plain\r\n\r\n");
            // Until nobody reads any more.
            begun.and_then(|()| {
                loop {
                    stream.write_all(&[b'a'; 65536])?;
                }
            })
        }
        Reply::Noise => stream.write_all(b"\x16\x03 this is no HTTP\r\n\r\n"),
        Reply::Nothing => stream.shutdown(Shutdown::Both),
        Reply::Hang => {
            lock(&shared.hanging).push(stream);
            return;
        }
    };
    let _ = stream.shutdown(Shutdown::Write);
}

fn read(stream: &TcpStream) -> Option<Heard> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim_end().to_owned())
    };
    let (first, mut headers) = (line()?, Vec::new());
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Heard { at: Instant::now(), line: first, headers, body: String::from_utf8(body).ok()? })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
