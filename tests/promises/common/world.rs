//! A folder of its own for each test, and an environment that holds nothing of
//! the machine's but `PATH`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once, PoisonError, atomic::AtomicBool};

use signal_hook::consts::{SIGHUP, SIGINT};
use signal_hook::flag::register_conditional_shutdown;
use tempfile::TempDir;

use super::process::{Output, run, write_executable};
use super::tree::kill_by_environment;

/// Background maintenance is off, since it would outlive the push and work in
/// a folder that is being removed.
const GITCONFIG: &str = "\
[user]
\tname = Ana
\temail = ana@example.com
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
\tpushUpdateRejected = false
\tstatusHints = false
[protocol \"file\"]
\tallow = always
[safe]
\tdirectory = *
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautoGC = false
";

/// What runs in the background of a shell, as in CI, ignores Ctrl-C, and all that it starts with it. A signal
/// that is caught has its own meaning again in whatever is started.
fn signals_as_in_a_terminal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGHUP, SIGINT] {
            let always = Arc::new(AtomicBool::new(true));
            register_conditional_shutdown(signal, 130, always).expect("because nobody else has it");
        }
    });
}

/// A folder, and all that runs in it. Make servers after their world, so that
/// they are dropped before it.
pub struct World {
    dir: TempDir,
    root: PathBuf,
    env: Mutex<BTreeMap<String, String>>,
    client_env: Mutex<BTreeMap<String, String>>,
}

impl World {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        signals_as_in_a_terminal();
        let dir = TempDir::with_prefix("instate-").expect("because the temporary folder is writable");
        // Without symbolic links, as programs report paths that way.
        let root = fs::canonicalize(dir.path()).expect("because the folder was just made");
        fs::create_dir(root.join("home")).expect("because the folder is new and ours");
        fs::write(root.join("gitconfig"), GITCONFIG).expect("because the folder is ours");

        let mut env = BTreeMap::new();
        let mut set = |key: &str, value: &str| env.insert(key.to_owned(), value.to_owned());
        set("PATH", &std::env::var("PATH").expect("because git has to be found"));
        set("HOME", text(&root.join("home")));
        set("GIT_CONFIG_NOSYSTEM", "1");
        set("GIT_CONFIG_GLOBAL", text(&root.join("gitconfig")));
        // Fixed dates make fixed commit ids.
        set("GIT_AUTHOR_DATE", "2026-11-22T10:00:00Z");
        set("GIT_COMMITTER_DATE", "2026-11-22T10:00:00Z");
        set("GIT_TERMINAL_PROMPT", "0");
        set("LC_ALL", "C");
        set("TZ", "UTC");
        if let Ok(failpoints) = std::env::var("FAILPOINTS") {
            set("FAILPOINTS", &failpoints);
        }
        let world = Self { dir, root, env: Mutex::new(env), client_env: Mutex::default() };
        world.write_server_env();
        world
    }

    /// The folder, as an absolute path without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Sets a variable for all that starts from now on: commands, and what
    /// servers run for a push, also servers that run already.
    pub fn set_env(&self, key: &str, value: &str) {
        lock(&self.env).insert(key.to_owned(), value.to_owned());
        self.write_server_env();
    }

    /// Takes back a variable. A server forgets it too.
    pub fn remove_env(&self, key: &str) {
        lock(&self.env).remove(key);
        self.write_server_env();
    }

    /// Sets a variable for commands, though not for what servers run.
    pub fn set_client_env(&self, key: &str, value: &str) {
        lock(&self.client_env).insert(key.to_owned(), value.to_owned());
    }

    /// A shell script that servers source, so that hooks find the same
    /// environment on every transport.
    pub fn server_env(&self) -> PathBuf {
        self.root.join("server-env.sh")
    }

    fn write_server_env(&self) {
        let script: String = lock(&self.env)
            .iter()
            .map(|(key, value)| format!("export {key}={}\n", sh_quote(value)))
            .collect();
        // Renamed into place, as a server may be reading the old one.
        let new = self.root.join("server-env.sh.new");
        fs::write(&new, script).expect("because the folder is ours");
        fs::rename(&new, self.server_env()).expect("because the folder is ours");
    }

    /// A command in this world's environment and folder.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().envs(&*lock(&self.env)).envs(&*lock(&self.client_env)).current_dir(&self.root);
        command
    }

    /// The account that everything here runs as.
    #[track_caller]
    pub fn account(&self) -> String {
        let mut id = self.command("id");
        id.arg("-un");
        run(id).succeeds().stdout.trim_end().to_owned()
    }

    /// Lets commands find the program under test by its name, as they do where it is installed.
    pub fn find_instate(&self) {
        let program = Path::new(env!("CARGO_BIN_EXE_instate"));
        let folder = program.parent().expect("because it is in one");
        let known = std::env::var("PATH").expect("because git has to be found");
        self.set_env("PATH", &format!("{}:{known}", text(folder)));
    }

    /// The program under test.
    pub fn instate(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_instate"))
    }

    /// Runs git in a folder.
    #[track_caller]
    pub fn git(&self, dir: impl AsRef<Path>, args: &[&str]) -> Output {
        let mut command = self.command("git");
        command.current_dir(self.root.join(dir)).args(args);
        run(command)
    }

    /// Makes a bare repository.
    #[track_caller]
    pub fn bare(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        self.git(&self.root, &["init", "--quiet", "--bare", text(&path)]).succeeds();
        path
    }

    /// Installs a hook of the test's own.
    pub fn hook(&self, repo: &Path, name: &str, script: &str) {
        write_executable(&repo.join("hooks").join(name), script);
    }

    /// What a ref points to, if it exists.
    #[track_caller]
    pub fn resolve(&self, repo: &Path, name: &str) -> Option<String> {
        let output = self.git(repo, &["rev-parse", "--verify", "--quiet", name]);
        (output.code == Some(0)).then(|| output.stdout.trim_end().to_owned())
    }

    /// Clones `url` into the folder `name`.
    #[track_caller]
    pub fn clone(&self, url: impl AsRef<Path>, name: &str) -> Clone<'_> {
        let dir = self.path(name);
        let url = text(url.as_ref());
        self.git(&self.root, &["clone", "--quiet", "--", url, text(&dir)]).succeeds();
        self.cloned(name)
    }

    /// A clone that is there.
    pub fn cloned(&self, name: &str) -> Clone<'_> {
        Clone { world: self, dir: self.path(name) }
    }

    /// Text for a snapshot: this world's folder becomes `$WORLD`.
    pub fn redact(&self, output: &str) -> String {
        output.replace(text(&self.root), "$WORLD")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Whatever detached itself during the test.
        kill_by_environment(&format!("HOME={}", text(&self.root.join("home"))));
    }
}

/// A working copy, as the person who pushes has it.
pub struct Clone<'w> {
    world: &'w World,
    dir: PathBuf,
}

impl Clone<'_> {
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file, with the folders above it.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.dir.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("because the folder is ours");
        }
        fs::write(&path, text).unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
    }

    /// Commits all that changed, or nothing, and returns the commit's full id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]).succeeds();
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]).succeeds();
        let head = self.git(&["rev-parse", "HEAD"]).succeeds();
        head.stdout.trim_end().to_owned()
    }

    #[track_caller]
    pub fn push(&self, args: &[&str]) -> Output {
        self.git(&[&["push"], args].concat())
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> Output {
        self.world.git(&self.dir, args)
    }

    /// A git command that has not been run, for `spawn` or for more variables.
    pub fn git_command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command("git");
        command.current_dir(&self.dir).args(args);
        command
    }
}

/// A path as text, for command lines and configuration files.
pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("because the paths of a test are plain text")
}

/// One word for a shell.
pub(super) fn sh_quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
