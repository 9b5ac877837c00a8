//! Debian's nginx and fcgiwrap, which run `git-http-backend`, as `docs/servers/nginx.md` has it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::process::{POLL, run, start, write_executable};
use super::server::{Server, free_port, needs, tag};
use super::tree::kill_tree;
use super::world::{World, sh_quote, text};

const NGINX: &str = "/usr/sbin/nginx";
const FCGIWRAP: &str = "/usr/sbin/fcgiwrap";
const OPENSSL: &str = "/usr/bin/openssl";
const PAGE: &str = include_str!("../../../docs/servers/nginx.md");
/// What the page calls them.
const SETTINGS: &str = "/etc/nginx/snippets/git.conf";
const USERS: &str = "/etc/nginx/git.users";
const UNIT: &str = "/etc/systemd/system/fcgiwrap.service.d/git.conf";
const SOCKET: &str = "/run/fcgiwrap.socket";
const BACKEND: &str = "/usr/lib/git-core/git-http-backend";
/// The variable by which fcgiwrap hands on what is said as it is said.
const UNBUFFERED: &[u8] = b"NO_BUFFERING";

/// Where all that the page names is in a world.
pub struct Site<'w> {
    world: &'w World,
    root: PathBuf,
    dir: PathBuf,
}

impl<'w> Site<'w> {
    /// A folder for it, with the two files that the page shows; the repositories are below `root`.
    #[track_caller]
    pub fn new(world: &'w World, root: &Path) -> Self {
        needs(Path::new(NGINX), "nginx", "nginx");
        needs(Path::new(FCGIWRAP), "fcgiwrap", "fcgiwrap");
        needs(Path::new(OPENSSL), "openssl", "openssl");
        let program = fs::read(FCGIWRAP).expect("because it is there");
        let streams = program.windows(UNBUFFERED.len()).any(|word| word == UNBUFFERED);
        assert!(streams, "needs an fcgiwrap that knows NO_BUFFERING, as Debian's");
        let site = Self { world, root: root.to_owned(), dir: world.path(".nginx") };
        fs::create_dir_all(&site.dir).expect("because the world's folder is ours");
        // fcgiwrap was started with one environment, and hooks are to find the world's as it is now.
        let backend = world.git(world.root(), &["--exec-path"]).succeeds().stdout;
        let backend = format!("exec {}/git-http-backend", sh_quote(backend.trim_end()));
        let env = sh_quote(text(&world.server_env()));
        write_executable(&site.file(BACKEND), &format!("#!/bin/sh\n. {env}\n{backend}\n"));
        // There is no init system in a test. What it was asked for is written down, and `start` does it.
        let asked = sh_quote(text(&site.dir.join("asked")));
        write_executable(&site.dir.join("systemctl"), &format!("#!/bin/sh\necho \"$*\" >>{asked}\n"));
        site.certify();
        for (language, file) in [("ini", UNIT), ("nginx", SETTINGS)] {
            let text = block(language);
            let text = site.places().iter().fold(text, |text, (place, here)| text.replace(place, here));
            fs::write(site.file(file), text).expect("because the world's folder is ours");
        }
        site
    }

    /// A certificate, which the world's commands trust.
    #[track_caller]
    fn certify(&self) {
        let [key, certificate] = ["key", "certificate"].map(|name| self.dir.join(name));
        let mut openssl = self.world.command(OPENSSL);
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        openssl.args([
            "-subj",
            "/CN=server",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            text(&key),
        ]);
        openssl.args(["-out", text(&certificate)]);
        run(openssl).succeeds();
        self.world.set_client_env("GIT_SSL_CAINFO", text(&certificate));
    }

    /// What stands on the page, and what takes its place.
    pub fn places(&self) -> BTreeMap<&'static str, String> {
        let here = |name: &'static str| (name, text(&self.file(name)).to_owned());
        let systemctl = sh_quote(text(&self.dir.join("systemctl")));
        let mut places = BTreeMap::from([USERS, SOCKET, BACKEND].map(here));
        places.insert("systemctl ", format!("{systemctl} "));
        places.insert("/srv/git", text(&self.root).to_owned());
        places
    }

    /// What the init system was asked for.
    pub fn asked(&self) -> String {
        fs::read_to_string(self.dir.join("asked")).unwrap_or_default()
    }

    /// Changes what the page says, in nginx's settings or in the unit.
    #[track_caller]
    pub fn change(&self, from: &str, to: &str) {
        for file in [SETTINGS, UNIT].map(|name| self.file(name)) {
            let text = fs::read_to_string(&file).expect("because it was written");
            if text.contains(from) {
                return fs::write(&file, text.replace(from, to)).expect("because the world is ours");
            }
        }
        panic!("the page does not say {from}");
    }

    /// Lets somebody in, with the password `secret`.
    pub fn let_in(&self, name: &str) {
        let known = fs::read_to_string(self.file(USERS)).unwrap_or_default();
        fs::write(self.file(USERS), format!("{known}{name}:{{PLAIN}}secret\n"))
            .expect("because the world's folder is ours");
    }

    /// Starts both servers.
    #[track_caller]
    pub fn start(self) -> Nginx {
        let _cgi = Fcgiwrap::start(&self);
        let greeting = tag(self.world);
        let config = self.dir.join("nginx.conf");
        let log = self.dir.join("nginx.log");
        let secure = Cell::new(0);
        let server = Server::start(log, "GET / HTTP/1.0\r\n\r\n", &greeting, |port| {
            secure.set(free_port());
            fs::write(&config, self.around(port, secure.get(), &greeting))
                .expect("because the world's folder is ours");
            let mut command = self.world.command(NGINX);
            command.args(["-e", "stderr", "-p", text(&self.dir), "-c", text(&config)]);
            command
        });
        Nginx { server, secure: secure.get(), _cgi }
    }

    /// What Debian's `nginx.conf` and somebody's `server` are around the page's settings.
    fn around(&self, port: u16, secure: u16, greeting: &str) -> String {
        // Root would hand its requests to an account that cannot open the world's folder.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let (dir, settings) = (text(&self.dir).to_owned(), self.file(SETTINGS));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("    {what}_temp_path {dir}/{what};\n"))
            .concat();
        format!(
            "\
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log stderr info;
events {{}}
http {{
    access_log {dir}/access.log;
{temporary}    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{secure} ssl http2;
        ssl_certificate {dir}/certificate;
        ssl_certificate_key {dir}/key;
        location = / {{ return 200 {greeting}; }}
        include {};
    }}
}}
",
            text(&settings)
        )
    }

    /// A file of the page.
    fn file(&self, name: &str) -> PathBuf {
        // The page has two of the name `git.conf`.
        let name = if name == UNIT { "fcgiwrap.service" } else { name };
        self.dir.join(Path::new(name).file_name().expect("because it is a file"))
    }
}

/// The one block of the page in a language.
fn block(language: &str) -> String {
    let (_, rest) = PAGE.split_once(&format!("```{language}\n")).expect("because the page has one");
    let (block, rest) = rest.split_once("```\n").expect("because it ends");
    assert!(!rest.contains(&format!("```{language}\n")), "two blocks of {language}");
    block.to_owned()
}

/// nginx and fcgiwrap at work. Dropping it ends both.
pub struct Nginx {
    server: Server,
    secure: u16,
    _cgi: Fcgiwrap,
}

impl Nginx {
    /// As the page has it, with Ana and Ben.
    #[track_caller]
    pub fn start(world: &World, root: &Path) -> Self {
        Self::changed(world, root, &[])
    }

    /// The same, with changes to what the page says.
    #[track_caller]
    pub fn changed(world: &World, root: &Path, changes: &[(&str, &str)]) -> Self {
        let site = Site::new(world, root);
        changes.iter().for_each(|(from, to)| site.change(from, to));
        ["ana", "ben"].iter().for_each(|name| site.let_in(name));
        site.start()
    }

    /// The address of a repository for somebody who was let in; `who` as it is written in an address.
    pub fn url(&self, who: &str, repo_name: &str) -> String {
        format!("{}/git/{repo_name}", self.root(&format!("{who}:secret@")))
    }

    /// The same by HTTPS, and so by the second version of HTTP.
    pub fn secure_url(&self, who: &str, repo_name: &str) -> String {
        format!("{}/git/{repo_name}", self.secure_root(&format!("{who}:secret@")))
    }

    /// The server's own address by HTTPS.
    pub fn secure_root(&self, who: &str) -> String {
        format!("https://{who}127.0.0.1:{}", self.secure)
    }

    /// The server's own address, with whose it is.
    pub fn root(&self, who: &str) -> String {
        format!("http://{who}127.0.0.1:{}", self.server.port())
    }

    pub fn server(&self) -> &Server {
        &self.server
    }
}

struct Fcgiwrap {
    child: Child,
}

impl Fcgiwrap {
    /// As the unit says; the socket is its own, where systemd would hand it one.
    #[track_caller]
    fn start(site: &Site) -> Self {
        let unit = fs::read_to_string(site.file(UNIT)).expect("because it was written");
        let mut starts = unit.lines().filter_map(|line| line.strip_prefix("ExecStart="));
        let line = starts.next_back().expect("because the page says how it starts");
        let mut words = line.split(' ');
        let mut command = site.world.command(words.next().expect("because a line has words"));
        let socket = site.file(SOCKET);
        command.args(words).args(["-s", &format!("unix:{}", text(&socket))]);
        let log =
            fs::File::create(site.dir.join("fcgiwrap.log")).expect("because the world's folder is ours");
        let out = log.try_clone().expect("because the file is open");
        command.stdin(Stdio::null()).stdout(out).stderr(log);
        let mut it = Self { child: start(&mut command) };
        let deadline = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(&socket).is_err() {
            let ended = it.child.try_wait().expect("because it is our child");
            assert!(ended.is_none() && Instant::now() < deadline, "fcgiwrap does not take requests: {line}");
            std::thread::sleep(POLL);
        }
        it
    }
}

impl Drop for Fcgiwrap {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_tree(self.child.id());
            let _ = self.child.wait();
        }
    }
}
