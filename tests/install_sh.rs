//! `install.sh` leaves one static program and nothing else, replaces it without a gap, and takes
//! it away again.
//!
//! Every test runs the script itself, for a folder of its own (`DESTDIR`). The program is built
//! once, in the target folder that these tests were built in; a test that finds it there takes a
//! second.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");

/// A server's file system as far as `install.sh` sees it.
struct Server {
    root: TempDir,
}

impl Server {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    fn installed() -> Self {
        let server = Self::new();
        succeeded(&server.script(&[]));
        server
    }

    fn program(&self) -> PathBuf {
        self.root.path().join("usr/bin/instate")
    }

    fn script(&self, arguments: &[&str]) -> Output {
        run(self.command().args(arguments))
    }

    /// `install.sh` from a folder that is not the project's.
    fn command(&self) -> Command {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
        let mut command = Command::new(SCRIPT);
        command
            .current_dir("/")
            .env("DESTDIR", self.root.path())
            .env("PREFIX", "/usr")
            .env("CARGO_TARGET_DIR", target)
            // What measures or hardens the tests would build another program.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        command
    }

    /// All files, so that a test can say "and nothing else".
    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.root.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder can be listed") {
                let path = entry.expect("the folder can be listed").path();
                let kind = if path.is_dir() { &mut folders } else { &mut files };
                kind.push(path);
            }
        }
        files
    }
}

#[test]
fn installs_one_program_and_names_the_next_step() {
    let server = Server::new();
    let output = server.script(&[]);
    succeeded(&output);

    assert_eq!(server.files(), [server.program()]);
    assert_eq!(mode(&server.program()), 0o755);
    let said = String::from_utf8_lossy(&output.stdout);
    let installed =
        format!("Installed instate {} as {}.", env!("CARGO_PKG_VERSION"), server.program().display());
    assert!(said.contains(&installed), "{said}");
    assert!(said.contains("instate install /srv/git/REPO.git"), "{said}");
}

#[test]
fn the_program_asks_for_no_loader() {
    let program = fs::read(Server::installed().program()).expect("the program can be read");
    assert!(
        !program_headers(&program).contains(&PT_INTERP),
        "the program wants a dynamic loader: it is not static"
    );
}

#[test]
fn the_program_runs_where_there_is_nothing_else() {
    let server = Server::installed();
    let empty = tempfile::tempdir().expect("a temporary folder can be made");
    fs::copy(server.program(), empty.path().join("instate")).expect("the program can be copied");

    let version = run(chroot(empty.path()).args(["/instate", "--version"]));
    succeeded(&version);
    assert_eq!(
        String::from_utf8_lossy(&version.stdout).trim(),
        concat!("instate ", env!("CARGO_PKG_VERSION"))
    );
    let help = run(chroot(empty.path()).args(["/instate", "--help"]));
    succeeded(&help);
    assert!(String::from_utf8_lossy(&help.stdout).contains("instate"));
}

/// A push that starts while the program is replaced must find the old one or the new one, whole.
#[test]
fn an_older_program_is_replaced_and_never_written_over() {
    let server = Server::new();
    fs::create_dir_all(server.root.path().join("usr/bin")).expect("the folder can be made");
    fs::write(server.program(), "an older one").expect("the file can be written");
    let older = fs::File::open(server.program()).expect("the file can be opened");
    succeeded(&server.script(&[]));

    assert_eq!(server.files(), [server.program()]);
    let kept = io::read_to_string(older).expect("whoever had it open can read it");
    assert_eq!(kept, "an older one");
}

#[test]
fn uninstall_takes_the_program_away_and_says_what_pushes_then_meet() {
    let server = Server::installed();
    let neighbour = server.program().with_file_name("git");
    fs::write(&neighbour, "").expect("the file can be written");
    let output = server.script(&["--uninstall"]);
    succeeded(&output);

    assert_eq!(server.files(), [neighbour]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("instate install --uninstall REPO"), "{said}");
    assert!(said.contains("refuses every push"), "{said}");

    let again = server.script(&["--uninstall"]);
    succeeded(&again);
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing was removed"));
}

#[test]
fn a_timer_is_installed_for_who_asks_for_it_and_goes_with_the_program() {
    let server = Server::new();
    succeeded(&server.script(&["--with-timer", "git", "/srv/git"]));
    let units = server.root.path().join("etc/systemd/system");
    let unit = |name: &str| fs::read_to_string(units.join(name)).expect("the unit can be read");
    let (service, timer) = (unit("instate-resume.service"), unit("instate-resume.timer"));
    insta::assert_snapshot!("service", service);
    insta::assert_snapshot!("timer", timer);
    assert_eq!(server.files().len(), 3);
    well_formed(&server, &service, &timer);

    succeeded(&server.script(&["--uninstall"]));
    assert_eq!(server.files(), [] as [PathBuf; 0]);
}

#[test]
fn a_timer_that_cannot_be_is_refused_before_anything_is_built() {
    for (user, folder) in
        [("a b", "/srv/git"), ("", "/srv/git"), ("git", "srv"), ("git", "/srv/%i"), ("git", "")]
    {
        let server = Server::new();
        let output = server.script(&["--with-timer", user, folder]);
        assert_eq!(output.status.code(), Some(1), "{user} {folder}");
        assert_eq!(server.files(), [] as [PathBuf; 0]);
    }
    assert_eq!(Server::new().script(&["--with-timer", "git"]).status.code(), Some(2));
}

/// What systemd says of the units, where there is one to ask; elsewhere their text has to do.
fn well_formed(server: &Server, service: &str, timer: &str) {
    let Ok(found) = Command::new("systemd-analyze").arg("--version").output() else { return };
    succeeded(&found);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    // It looks for the program where the unit says that it is.
    let program = server.program().display().to_string();
    let service = service.replace("/usr/bin/instate", &program);
    for (name, text) in [("instate-resume.service", service.as_str()), ("instate-resume.timer", timer)] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the file can be written");
        let said = run(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path));
        succeeded(&said);
        assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{name}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_built() {
    let server = Server::new();
    fs::write(server.root.path().join("usr"), "").expect("the file can be written");
    let output = server.script(&[]);

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("usr is not a folder"), "{said}");
    assert!(!said.contains("Finished"), "it was built all the same: {said}");
}

#[test]
fn a_machine_without_rust_is_told_so() {
    let server = Server::new();
    let mut command = server.command();
    command.env("PATH", "/nowhere").env_remove("CARGO_HOME").env("HOME", "/nowhere");
    let output = run(&mut command);

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cargo was not found"), "{said}");
    assert_eq!(server.files(), [] as [PathBuf; 0]);
}

/// `chroot FOLDER`, in a user namespace of its own where this user may not do that, with nothing in
/// the environment.
///
/// # Panics
///
/// Where neither is possible: what was not tried is not promised.
fn chroot(folder: &Path) -> Command {
    // chroot(8) lies where an ordinary user's PATH does not look.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let ways: [&[&str]; 2] = [&["chroot"], &["unshare", "-r", "chroot"]];
    let mut said = String::new();
    for way in ways {
        let command = |root: &Path| {
            let mut command = Command::new("env");
            command.env_clear().env("PATH", &path).args(way).arg(root);
            command
        };
        let tried = run(command(Path::new("/")).arg("true"));
        if tried.status.success() {
            return command(folder);
        }
        said.push_str(&String::from_utf8_lossy(&tried.stderr));
    }
    panic!(
        "cannot start the program in an empty folder: that needs chroot(8) as root, or unshare(1) \
         (util-linux) and user namespaces for ordinary users (see user_namespaces(7); on Ubuntu \
         also `sysctl kernel.apparmor_restrict_unprivileged_userns=0`). They said:\n{said}"
    );
}

const PT_INTERP: u32 = 3;

/// The types of a 64-bit ELF file's program headers.
fn program_headers(elf: &[u8]) -> Vec<u32> {
    assert_eq!(elf[..5], *b"\x7fELF\x02", "not a 64-bit ELF file");
    assert_eq!(elf[5], 1, "only little-endian machines are known here");
    let number = |at: usize, size: usize| {
        let bytes = elf[at..at + size].iter().rev();
        bytes.fold(0, |number, &byte| number << 8 | usize::from(byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    assert_ne!(count, 0, "a program has program headers");
    (0..count)
        .map(|index| number(table + index * size, 4))
        .map(|kind| u32::try_from(kind).expect("four bytes are a u32"))
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the file is there").permissions().mode() & 0o7777
}

fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn manual_pages_and_completions_come_where_asked_for_and_go_with_the_program() {
    let server = Server::new();
    succeeded(&server.script(&["--with-manual"]));
    let share = server.root.path().join("usr/share");
    let page = fs::read_to_string(share.join("man/man1/instate-install.1")).expect("the page is there");
    assert!(page.contains(".TH") && page.contains("\\-\\-uninstall"), "{page}");
    for shell in [
        "bash-completion/completions/instate",
        "zsh/site-functions/_instate",
        "fish/vendor_completions.d/instate.fish",
    ] {
        let text = fs::read_to_string(share.join(shell)).expect("it is there");
        assert!(text.contains("install") && text.contains("instate"), "{shell}");
    }
    let neighbour = share.join("man/man1/git.1");
    fs::write(&neighbour, "").expect("the file can be written");
    succeeded(&server.script(&["--uninstall"]));
    assert_eq!(server.files(), [neighbour]);
}
