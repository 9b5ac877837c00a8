//! A Gitea, as somebody runs it: with accounts, keys, and a repository of their own.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    World, built, eventually,
    process::{TIMEOUT, run, write_executable},
    server::{Server, free_port, tag},
    ssh::keygen,
    world::{sh_quote, text},
};

/// Everybody's.
const PASSWORD: &str = "not-a-secret";

/// A Gitea at work. The repository `ops/production` is there, to which Ana and Ben may push.
pub struct Gitea<'w> {
    world: &'w World,
    server: Option<Server>,
    ports: (u16, u16),
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert!((200..300).contains(&self.code), "{self:?}");
        self
    }
}

impl<'w> Gitea<'w> {
    #[track_caller]
    pub fn start(world: &'w World) -> Self {
        let dir = world.path(".gitea");
        fs::create_dir_all(dir.join("custom/conf")).expect("because the world's folder is ours");
        // Hooks find what the world says at that moment, as on other servers.
        let script = format!(
            "#!/bin/sh\nFAILPOINTS=$(. {}; printf %s \"${{FAILPOINTS-}}\")\nexport FAILPOINTS\nexec git \"$@\"\n",
            sh_quote(text(&world.server_env()))
        );
        write_executable(&dir.join("git"), &script);
        let mut gitea = Self { world, server: None, ports: (0, 0) };
        gitea.write_configuration((1, 1));
        run(gitea.command(&["migrate"])).succeeds();
        for name in ["ops", "ana", "ben"] {
            let mail = format!("{name}@example.com");
            let mut create = vec!["admin", "user", "create", "--username", name, "--password", PASSWORD];
            create.extend(["--email", &mail, "--must-change-password=false"]);
            create.extend((name == "ops").then_some("--admin"));
            run(gitea.command(&create)).succeeds();
        }
        gitea.come_up();
        let repository = json!({"name": "production", "default_branch": "main"});
        gitea.api("ops", "POST", "user/repos", Some(&repository)).succeeds();
        for name in ["ana", "ben"] {
            let path = format!("repos/ops/production/collaborators/{name}");
            gitea.api("ops", "PUT", &path, Some(&json!({"permission": "write"}))).succeeds();
        }
        gitea
    }

    /// Starts it, or starts it again at the ports that it had.
    #[track_caller]
    pub fn come_up(&mut self) {
        let (world, had) = (self.world, self.ports);
        let ssh = std::cell::Cell::new(0);
        let log = world.path(".gitea/web.log");
        let port = || if had.0 == 0 { free_port() } else { had.0 };
        let server = Server::start_at(port, log, "GET /user/login HTTP/1.0\r\n\r\n", &tag(world), |web| {
            ssh.set(if had.1 == 0 { free_port() } else { had.1 });
            self.write_configuration((web, ssh.get()));
            self.command(&["web"])
        });
        self.ports = (server.port(), ssh.get());
        self.server = Some(server);
    }

    /// Ends it as a machine does that goes down.
    pub fn go_down(&mut self) {
        self.server = None;
    }

    /// Gitea's process.
    #[track_caller]
    pub fn id(&self) -> u32 {
        self.server.as_ref().expect("it is up").id()
    }

    /// `gitea ...`, as its administrator has it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| built("gitea"));
        let mut command = self.world.command(folder.join("gitea"));
        command.arg("--config").arg(self.configuration()).args(arguments);
        // It has settings of its own for Git.
        for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"] {
            command.env_remove(name);
        }
        command
    }

    fn configuration(&self) -> PathBuf {
        self.world.path(".gitea/custom/conf/app.ini")
    }

    fn write_configuration(&self, (web, ssh): (u16, u16)) {
        let path = self.configuration();
        let known = fs::read_to_string(&path).unwrap_or_default();
        let ports = |line: &str| match line.split_once(" = ").unwrap_or_default().0 {
            "HTTP_PORT" => format!("HTTP_PORT = {web}\n"),
            "ROOT_URL" => format!("ROOT_URL = http://127.0.0.1:{web}/\n"),
            "SSH_PORT" => format!("SSH_PORT = {ssh}\n"),
            "SSH_LISTEN_PORT" => format!("SSH_LISTEN_PORT = {ssh}\n"),
            _ => format!("{line}\n"),
        };
        let template = template(self.world);
        // It adds what it makes itself, as keys.
        let lines = if known.is_empty() { &template } else { &known };
        let written: String = lines.lines().map(ports).collect();
        fs::write(&path, written).expect("because the world's folder is ours");
    }

    /// The bare repository of `ops/NAME`.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.world.path(format!(".gitea/repositories/ops/{name}.git"))
    }

    /// Where its API and its pages are.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.0)
    }

    /// The address of `ops/production` over HTTP, with somebody's password.
    pub fn url(&self, who: &str) -> String {
        format!("http://{who}:{PASSWORD}@127.0.0.1:{}/ops/production.git", self.ports.0)
    }

    /// The address of `ops/production` over ssh, for everybody who has a key.
    pub fn ssh_url(&self) -> String {
        format!("ssh://git@127.0.0.1:{}/ops/production.git", self.ports.1)
    }

    /// Lets somebody in over ssh, and returns what git calls to be them.
    #[track_caller]
    pub fn let_in(&self, who: &str) -> String {
        let (public, command) = self.key(who);
        self.api(who, "POST", "user/keys", Some(&json!({"title": who, "key": public}))).succeeds();
        command
    }

    /// Lets whoever has a key push to `ops/production`, and returns what git calls to use it.
    #[track_caller]
    pub fn deploy_key(&self) -> String {
        let (public, command) = self.key("deploy");
        let key = json!({"title": "robot", "key": public, "read_only": false});
        self.api("ops", "POST", "repos/ops/production/keys", Some(&key)).succeeds();
        command
    }

    fn key(&self, name: &str) -> (String, String) {
        let file = self.world.path(format!(".gitea/{name}_key"));
        let public = keygen(self.world, &file);
        let options = "-o IdentitiesOnly=yes -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no";
        let command = format!("ssh -F /dev/null -o LogLevel=ERROR {options} -i {}", sh_quote(text(&file)));
        (public, command)
    }

    /// A token with which somebody's programs may do what they may.
    #[track_caller]
    pub fn token(&self, who: &str, scope: &str) -> String {
        let asked = json!({"name": scope, "scopes": [scope]});
        let made = self.api(who, "POST", &format!("users/{who}/tokens"), Some(&asked)).succeeds();
        made.json()["sha1"].as_str().expect("it is new").to_owned()
    }

    /// Asks the API as somebody.
    #[track_caller]
    pub fn api(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let (mut stream, request) = self.request(who, method, path, body);
        stream.write_all(&request).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers in time");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("it speaks HTTP");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("it speaks HTTP");
        Answer { code, body: body.to_owned() }
    }

    /// Opens a pull request between two branches that were pushed, and returns its number.
    #[track_caller]
    pub fn pull_request(&self, who: &str, head: &str, base: &str) -> u64 {
        let asked = json!({"title": head, "head": head, "base": base});
        let mut made = None;
        // It hears of a branch some time after it was pushed.
        eventually("a pull request is opened", || {
            let answer = self.api(who, "POST", "repos/ops/production/pulls", Some(&asked));
            let is_known = answer.code != 404;
            made = Some(answer);
            is_known
        });
        let made = made.expect("it answered").succeeds();
        made.json()["number"].as_u64().expect("it has one")
    }

    /// A request that has not been sent.
    #[track_caller]
    pub fn request(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> (TcpStream, Vec<u8>) {
        let stream = TcpStream::connect(("127.0.0.1", self.ports.0)).expect("it listens");
        stream.set_read_timeout(Some(TIMEOUT)).expect("it is a socket");
        let login = BASE64_STANDARD.encode(format!("{who}:{PASSWORD}"));
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} /api/v1/{path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        (stream, request.into_bytes())
    }

    /// The statuses of a commit, the newest first: state, context and description.
    #[track_caller]
    pub fn statuses(&self, revision: &str) -> Vec<[String; 3]> {
        let path = format!("repos/ops/production/commits/{revision}/statuses");
        let answer = self.api("ana", "GET", &path, None).json();
        let field = |status: &Value, name: &str| status[name].as_str().unwrap_or_default().to_owned();
        let of = |status: &Value| ["status", "context", "description"].map(|name| field(status, name));
        answer.as_array().into_iter().flatten().map(of).collect()
    }
}

/// Nothing that it would do by itself, and nothing that it would ask the world for.
fn template(world: &World) -> String {
    let parts = built("gitea");
    let (dir, home, parts) = (world.path(".gitea"), world.path("home"), text(&parts).to_owned());
    let (dir, home) = (text(&dir), text(&home));
    let (name, user) = (tag(world), world.account());
    format!(
        "\
APP_NAME = {name}
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {dir}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = 1
ROOT_URL = http://127.0.0.1:1/
STATIC_ROOT_PATH = {parts}
OFFLINE_MODE = true
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_USER = git
SSH_LISTEN_HOST = 127.0.0.1
SSH_PORT = 1
SSH_LISTEN_PORT = 1
[database]
DB_TYPE = sqlite3
PATH = {dir}/gitea.db
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v1
[repository]
ROOT = {dir}/repositories
DEFAULT_BRANCH = main
[service]
DISABLE_REGISTRATION = true
[log]
MODE = console
LEVEL = Info
[session]
PROVIDER = memory
[actions]
ENABLED = false
[packages]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[git]
PATH = {dir}/git
HOME_PATH = {home}
[cron]
ENABLED = false
"
    )
}
