//! Who pushed is what the server knows, and nothing that they say of themselves; `policy.pushers` goes by it.

use std::fs;

use crate::common::{Clone, Httpd, Output, Setup, Sshd, WEB, World, run};

/// An environment to which Ana and those of `ops` may push.
pub fn setup(world: &World) -> Setup<'_> {
    let setup = Setup::bare(world);
    let configuration = setup.configuration();
    let policy = "    policy: {pushers: [ana, \"@ops\"]}\n";
    setup.install(&format!("groups: {{ops: [cleo]}}\n{configuration}{policy}")).succeeds();
    setup
}

pub fn pushes(clone: &Clone, with: &[(&str, &str)], options: &[&str]) -> Output {
    let mut git = clone.git_command(options);
    git.args(["push", "origin", "main"]).envs(with.iter().copied());
    run(git)
}

/// The branch is where it was, and nothing was written down.
#[track_caller]
pub fn was_refused(setup: &Setup, pushed: &Output, says: &str) {
    assert_eq!(pushed.code, Some(1), "{pushed}");
    assert!(pushed.remote_lines().join(" ").contains(says), "{pushed}");
    assert_eq!((setup.tip("refs/heads/main"), setup.deployed()), (None, None));
    let journal = fs::read_to_string(setup.repo.join("instate/journal")).unwrap_or_default();
    assert!(!journal.contains("Intent"), "{journal}");
}

#[track_caller]
pub fn who(setup: &Setup, revision: &str) -> String {
    setup.idle();
    let note = setup.note(revision);
    note.lines().find_map(|line| line.strip_prefix("Who: ")).expect("the note says it").to_owned()
}

#[test]
fn over_ssh_everybody_is_whom_their_key_belongs_to_whatever_they_say() {
    let world = World::new();
    let setup = setup(&world);
    let ssh = Sshd::start(&world);
    let [ana, ben, cleo] = ["ana", "ben", "cleo"].map(|name| ssh.let_in(&world, name, name));
    let url = ssh.url(&setup.repo);
    world.set_client_env("GIT_SSH_COMMAND", &ben);
    let clone = world.clone(&url, "clone");
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");
    let as_ben = |more: &str| pushes(&clone, &[("GIT_SSH_COMMAND", &format!("{ben} {more}"))], &[]);

    let pushed = as_ben("");
    was_refused(&setup, &pushed, "ben may not push to main");
    insta::assert_snapshot!("refused", pushed.remote_lines().join("\n"));
    for lie in ["INSTATE_PUSHER", "REMOTE_USER", "USER", "GIT_COMMITTER_NAME"] {
        was_refused(&setup, &as_ben(&format!("-o SetEnv={lie}=ana")), "ben may not push to main");
    }
    // Without hooks nobody is asked: with git-shell in its place this goes around all of them.
    let nowhere =
        "-o SetEnv='GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/nowhere'";
    was_refused(&setup, &as_ben(nowhere), "ben may not push to main");
    let shell = format!("{} {nowhere}", ssh.git_ssh_command());
    pushes(&clone, &[("GIT_SSH_COMMAND", &shell)], &[]).succeeds();
    assert_eq!(
        setup.tip("refs/heads/main"),
        Some(first.clone()),
        "the variables do arrive, or this proves nothing"
    );
    world.git(&setup.repo, &["update-ref", "-d", "refs/heads/main"]).succeeds();
    clone.git(&["update-ref", "-d", "refs/remotes/origin/main"]).succeeds();
    // The account that all of them share is nobody of those.
    let git = pushes(&clone, &[("GIT_SSH_COMMAND", &ssh.git_ssh_command())], &[]);
    was_refused(&setup, &git, &format!("{} may not push to main", world.account()));

    pushes(&clone, &[("GIT_SSH_COMMAND", &ana)], &[]).succeeds();
    assert_eq!(who(&setup, &first), "ana from 127.0.0.1");
    clone.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    let second = clone.commit("by one of a group");
    pushes(&clone, &[("GIT_SSH_COMMAND", &cleo)], &[]).succeeds();
    assert_eq!(who(&setup, &second), "cleo from 127.0.0.1");
}

#[test]
fn over_http_everybody_is_whom_the_web_server_let_in_and_without_that_nobody() {
    let world = World::new();
    let setup = setup(&world);
    let http = Httpd::start(&world, world.root());
    world.git(&setup.repo, &["config", "http.receivepack", "true"]).succeeds();
    let clone = world.clone(http.open_url("production.git"), "clone");
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");

    let pushed = pushes(&clone, &[], &[]);
    was_refused(&setup, &pushed, "the server does not know who you are");
    insta::assert_snapshot!("anonymous", pushed.remote_lines().join("\n"));
    for lie in ["Remote-User: ana", "REMOTE_USER: ana", "Instate-Pusher: ana"] {
        let lie = format!("http.extraHeader={lie}");
        was_refused(&setup, &pushes(&clone, &[], &["-c", &lie]), "the server does not know who you are");
    }
    clone.git(&["remote", "set-url", "origin", &http.url("production.git")]).succeeds();
    pushes(&clone, &[], &[]).succeeds();
    assert_eq!(who(&setup, &first), "ana from 127.0.0.1");
}

#[test]
fn over_a_path_everybody_is_the_account_that_they_have() {
    let world = World::new();
    let setup = setup(&world);
    let clone = setup.clone("clone");
    clone.write("web.yaml", WEB);
    let first = clone.commit("web");
    let lies = ["INSTATE_PUSHER", "REMOTE_USER", "USER", "LOGNAME", "SUDO_USER"].map(|name| (name, "ana"));
    let account = world.account();
    was_refused(&setup, &pushes(&clone, &lies, &[]), &format!("{account} may not push to main"));
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it is there");
    setup.configure(&configuration.replace("[ana, ", &format!("[{account}, ")));
    pushes(&clone, &lies, &[]).succeeds();
    assert_eq!(who(&setup, &first), account);
}

#[test]
fn a_key_opens_git_and_the_repositories_of_one_folder_and_nothing_else() {
    let world = World::new();
    let setup = setup(&world);
    let ssh = Sshd::start(&world);
    fs::create_dir(world.path("other")).expect("the world is ours");
    std::os::unix::fs::symlink(&setup.repo, world.path("other/link.git")).expect("the world is ours");
    let inside = ssh.let_in(&world, "ana", &format!("ana --root {}", world.root().display()));
    let outside = ssh.let_in(&world, "ben", &format!("ben --root {}", world.path("other").display()));
    let fetch = |command: &str, path: &str| {
        let url = ssh.url("/").trim_end_matches('/').to_owned();
        let mut git = world.command("git");
        git.args(["ls-remote", &format!("{url}/{path}")]).env("GIT_SSH_COMMAND", command);
        run(git)
    };
    let whole = setup.repo.display().to_string();
    for path in [whole.trim_start_matches('/'), "production.git", "production"] {
        fetch(&inside, path).succeeds();
    }
    let up = "../production.git";
    for path in [whole.trim_start_matches('/'), up, "link.git", ".", "nothing", "$(touch x)", "-x", "--help"]
    {
        let refused = fetch(&outside, path);
        assert_eq!(refused.code, Some(128), "{path}: {refused}");
        assert!(refused.stderr.contains("there is no repository `"), "{path}: {refused}");
    }
    let asks = |words: &[&str]| {
        let mut command = world.command("sh");
        let host = ssh.url("/").trim_start_matches("ssh://").trim_end_matches('/').to_owned();
        let (host, port) = host.split_once(':').expect("it has a port");
        command.args(["-c", &format!("exec {inside} -p {port} {host} \"$@\""), "sh"]).args(words);
        let said = run(command);
        assert_ne!(said.code, Some(0), "{said}");
        assert_eq!(said.stdout, "", "{said}");
        said.stderr
    };
    insta::assert_snapshot!("shell", asks(&[]));
    insta::assert_snapshot!("command", asks(&["ls", "/"]));
    for words in [
        &["git-receive-pack production.git; id"][..],
        &["git-receive-pack 'production.git'; id"],
        &["scp", "-t", "/"],
    ] {
        assert!(asks(words).contains("this account is for Git"), "{words:?}");
    }
}

#[test]
fn who_may_push_does_not_depend_on_when_the_branch_moves() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let policy = "    policy: {pushers: [nobody-here]}\n";
    setup.install(&format!("{}{policy}", setup.deployed_configuration())).succeeds();
    let clone = setup.clone("clone");
    clone.write("web.yaml", WEB);
    clone.commit("web");
    was_refused(&setup, &pushes(&clone, &[], &[]), "may not push to main");
    // Branches of no environment are no business of this.
    clone.git(&["push", "origin", "main:topic"]).succeeds();
}
