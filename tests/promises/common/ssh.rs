//! Debian's sshd with keys of its own and git-shell as the only command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;
use super::server::{Server, needs, tag};
use super::world::{World, sh_quote, text};

const SSHD: &str = "/usr/sbin/sshd";

pub struct Sshd {
    server: Server,
    user: String,
    client_config: PathBuf,
}

impl Sshd {
    /// Starts a server, and lets the world's commands use its key.
    #[track_caller]
    pub fn start(world: &World) -> Self {
        needs(Path::new(SSHD), "sshd", "openssh-server");
        if rustix::process::geteuid().is_root() {
            // The init system's part: sshd as root insists on this folder.
            fs::create_dir_all("/run/sshd").expect("because root may make folders");
        }
        let dir = world.path(".sshd");
        fs::create_dir_all(&dir).expect("because the world's folder is ours");
        let host_key = keygen(world, &dir.join("host_key"));
        let user_key = keygen(world, &dir.join("user_key"));
        // An unprivileged sshd can only let its own user in.
        let user = world.account();

        // As on real servers: sshd starts the login shell with this command,
        // and the pusher's words only come as a variable.
        let forced = dir.join("forced-command");
        let script = format!(
            ". {}\nexec git-shell -c \"$SSH_ORIGINAL_COMMAND\"\n",
            sh_quote(text(&world.server_env()))
        );
        write(&forced, &script);
        let forced = format!("sh {}", sh_quote(text(&forced))).replace('"', "\\\"");
        write(&dir.join("authorized_keys"), &format!("command=\"{forced}\",restrict {user_key}"));

        let greeting = tag(world);
        let config = dir.join("sshd_config");
        let server = Server::start(dir.join("sshd.log"), "", &greeting, |port| {
            write(&config, &server_config(world, &dir, port, &greeting));
            let mut command = world.command(SSHD);
            command.args(["-D", "-e", "-f", text(&config)]);
            command
        });

        let known = format!("[127.0.0.1]:{} {host_key}", server.port());
        write(&dir.join("known_hosts"), &known);
        let client_config = dir.join("ssh_config");
        write(&client_config, &config_of_client(&dir));
        let ssh = Self { server, user, client_config };
        world.set_client_env("GIT_SSH_COMMAND", &ssh.git_ssh_command());
        ssh
    }

    /// A key of somebody's own, which opens nothing yet.
    #[track_caller]
    pub fn key_of(&self, world: &World, name: &str) -> Key {
        let file = self.dir().join(format!("{name}_key"));
        let public = keygen(world, &file);
        Key { public, command: format!("{} -i {}", self.git_ssh_command(), sh_quote(text(&file))) }
    }

    /// The lines that say which key opens what.
    pub fn authorized_keys(&self) -> PathBuf {
        self.dir().join("authorized_keys")
    }

    fn dir(&self) -> &Path {
        self.client_config.parent().expect("it is in a folder")
    }

    /// Lets somebody in as `instate serve-ssh` has it, with these arguments, and returns what git calls to be them.
    #[track_caller]
    pub fn let_in(&self, world: &World, name: &str, arguments: &str) -> String {
        let dir = self.dir();
        let Key { public, command } = self.key_of(world, name);
        let forced = dir.join(format!("forced-{name}"));
        let program = sh_quote(env!("CARGO_BIN_EXE_instate"));
        let env = world.server_env();
        write(&forced, &format!(". {}\nexec {program} serve-ssh {arguments}\n", sh_quote(text(&env))));
        let forced = format!("sh {}", sh_quote(text(&forced))).replace('"', "\\\"");
        let keys = self.authorized_keys();
        let known = fs::read_to_string(&keys).expect("because the world's folder is ours");
        write(&keys, &format!("{known}command=\"{forced}\",restrict {public}"));
        command
    }

    /// The address of a repository with an absolute path.
    pub fn url(&self, path: impl AsRef<Path>) -> String {
        let port = self.server.port();
        format!("ssh://{}@127.0.0.1:{port}{}", self.user, text(path.as_ref()))
    }

    /// Lets any command use this server's key. The world's commands do already.
    pub fn configure(&self, command: &mut Command) {
        command.env("GIT_SSH_COMMAND", self.git_ssh_command());
    }

    pub fn git_ssh_command(&self) -> String {
        format!("ssh -F {}", sh_quote(text(&self.client_config)))
    }

    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// Somebody's key.
pub struct Key {
    /// The line that stands in `authorized_keys`.
    pub public: String,
    /// What git calls to use it.
    pub command: String,
}

/// Makes a key pair and returns the public half.
#[track_caller]
pub(super) fn keygen(world: &World, path: &Path) -> String {
    // A second server in the same world shares the keys of the first.
    if !path.exists() {
        let mut command = world.command("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f", text(path)]);
        run(command).succeeds();
    }
    fs::read_to_string(path.with_extension("pub")).expect("because ssh-keygen wrote it")
}

/// `HOME` is set here already, or else the login shell (bash counts what sshd
/// starts as such) would read the startup files of whoever runs the tests.
fn server_config(world: &World, dir: &Path, port: u16, greeting: &str) -> String {
    let (dir, home) = (text(dir), world.path("home"));
    let home = text(&home);
    format!(
        "\
ListenAddress 127.0.0.1
Port {port}
HostKey \"{dir}/host_key\"
AuthorizedKeysFile \"{dir}/authorized_keys\" \"{home}/.ssh/authorized_keys\"
VersionAddendum {greeting}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitUserRC no
AcceptEnv *
SetEnv \"HOME={home}\"
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
"
    )
}

/// The key exchange is the quickest one, which halves the time of a connection.
fn config_of_client(dir: &Path) -> String {
    let dir = text(dir);
    format!(
        "\
IdentityFile \"{dir}/user_key\"
IdentitiesOnly yes
UserKnownHostsFile \"{dir}/known_hosts\"
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
KexAlgorithms curve25519-sha256
LogLevel ERROR
"
    )
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("because the world's folder is ours");
}
