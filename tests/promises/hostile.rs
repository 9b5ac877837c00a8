//! What somebody who may push can write is data: it runs nothing, leads nowhere, and says nothing in another's name.
//! `docs/security.md` has the threats, and the test of each.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    common::{Clone, Setup, Sshd, WEB, World, run, run_with_input},
    kubernetes::Production,
};

/// What a shell would obey, and a terminal, and a parser of options, of refs, of headers and of lines.
const WORDS: [&str; 12] = [
    "$(touch pwned)",
    "`touch pwned`",
    ";touch pwned;",
    "|touch pwned",
    "&& touch pwned",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "--upload-pack=touch pwned",
    "-rf",
    "*",
    "~",
    "%s%n${PWD}",
];

fn object(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// Everything below a folder.
fn paths(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { paths(&path) } else { BTreeSet::from([path]) }).collect()
}

/// Nothing ran, and nothing was written but where it belongs.
#[track_caller]
fn nothing_ran(setup: &Setup) {
    setup.idle();
    let pwned = paths(setup.world.root()).into_iter().filter(|path| path.ends_with("pwned"));
    assert_eq!(pwned.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

/// Only lines that a terminal shows as they are.
#[track_caller]
fn is_plain(said: &str) {
    let wrong = said
        .chars()
        .find(|c| (c.is_control() && *c != '\n' && *c != '\r') || "\u{202e}\u{200b}".contains(*c));
    assert_eq!(wrong, None, "{said:?}");
}

#[test]
fn no_name_of_a_file_reaches_a_shell_or_leads_out_of_the_folder() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let mut expected = BTreeSet::new();
    for (n, word) in WORDS.iter().enumerate() {
        let name = format!("{word}.yaml");
        ana.write(&name, object(&format!("c{n}")));
        expected.insert(name);
    }
    let revision = ana.commit("odd names");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    is_plain(&pushed.stderr);
    nothing_ran(&setup);
    assert_eq!(setup.deployed(), Some(revision));
    assert_eq!(setup.running().into_keys().collect::<BTreeSet<_>>(), expected);

    for name in ["a\nb.yaml", "a\u{1b}[31m.yaml", "a\rb.yaml", "a\u{202e}b.yaml"] {
        ana.write(name, object("control"));
        ana.commit("a control character");
        let refused = ana.push(&["origin", "main"]);
        assert_eq!(refused.code, Some(1), "{refused}");
        is_plain(&refused.remote_lines().join("\n"));
        ana.git(&["reset", "--quiet", "--hard", "HEAD~1"]).succeeds();
    }
    nothing_ran(&setup);
}

/// A file in a tree, as git writes it.
fn tree_entry(name: &str, id: &str) -> Vec<u8> {
    let bytes =
        (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("it is hex"));
    format!("100644 {name}\0").into_bytes().into_iter().chain(bytes).collect()
}

/// A commit of a tree with one entry of this name, as no git of a person would make it.
fn crafted(ana: &Clone, name: &str, folder: Option<&str>) -> String {
    let git = |args: &[&str]| ana.git(args).succeeds().stdout.trim().to_owned();
    let parent = git(&["rev-parse", "HEAD"]);
    ana.write("crafted", object("crafted"));
    let mut id = git(&["hash-object", "-w", "crafted"]);
    let entry = |mode: &str, name: &str, id: &str| {
        let file = tree_entry(name, id);
        ana.write("crafted", [mode.as_bytes(), &file[6..]].concat());
        git(&["hash-object", "-w", "-t", "tree", "--literally", "crafted"])
    };
    if name == "twice" {
        // Which of them is meant nobody knows.
        ana.write("crafted", [tree_entry("x.yaml", &id), tree_entry("x.yaml", &id)].concat());
        id = git(&["hash-object", "-w", "-t", "tree", "--literally", "crafted"]);
    } else {
        id = entry("100644", name, &id);
    }
    if let Some(folder) = folder {
        id = entry("40000", folder, &id);
    }
    fs::remove_file(ana.dir().join("crafted")).expect("it is ours");
    git(&["commit-tree", &id, "-p", &parent, "-m", "crafted"])
}

#[test]
fn a_tree_that_was_made_by_hand_leads_nowhere_even_where_git_lets_it_in() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = setup.runs_web();
    let outside = || {
        let all = paths(world.root()).into_iter();
        // The spare of the folder is beside it.
        let spare = world.path(".running.instate");
        let ours = [setup.repo.as_path(), setup.folder.as_path(), ana.dir(), &spare];
        all.filter(|path| ours.iter().all(|own| !path.starts_with(own))).collect::<BTreeSet<_>>()
    };
    let before = outside();
    let ways = [
        ("x.yaml", Some("..")),
        ("x.yaml", Some(".git")),
        ("x.yaml", Some(".")),
        ("../x.yaml", None),
        ("a/../../x.yaml", None),
        ("/x.yaml", None),
        ("a/x.yaml", None),
        ("", None),
        ("..yaml", None),
        (".instate", None),
        ("twice", None),
        ("hooks/pre-receive.yaml", Some("..")),
        ("../production.git/instate.yaml", None),
    ];
    for fsck in ["true", "false"] {
        world.git(&setup.repo, &["config", "receive.fsckObjects", fsck]).succeeds();
        for (name, folder) in ways {
            let revision = crafted(&ana, name, folder);
            let pushed = ana.push(&["origin", &format!("{revision}:refs/heads/main")]);
            is_plain(&pushed.remote_lines().join("\n"));
            setup.idle();
            assert_eq!(outside(), before, "{name} in {folder:?}, fsck {fsck}: {pushed}");
            let runs = setup.running().into_keys().collect::<Vec<_>>();
            if name == "..yaml" && pushed.code == Some(0) {
                // A name like any other.
                assert_eq!(runs, ["..yaml"], "{pushed}");
                world.git(&setup.repo, &["update-ref", "refs/heads/main", &first]).succeeds();
                setup.instate(&["deploy"]).succeeds();
            } else {
                assert_eq!(pushed.code, Some(1), "{name} in {folder:?}, fsck {fsck}: {pushed}");
                assert_eq!(
                    (runs, setup.tip("refs/heads/main")),
                    (vec!["web.yaml".to_owned()], Some(first.clone()))
                );
            }
        }
    }
}

#[test]
fn no_name_of_a_branch_reaches_a_shell_an_option_or_the_record() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, revision) = setup.runs_web();
    let branches = [
        "$(touch${IFS}pwned)",
        "`touch${IFS}pwned`",
        ";touch${IFS}pwned;",
        "|touch${IFS}pwned",
        "'",
        "\"",
        "-rf",
        "--help",
        "main;x",
        "instate/production/deployed",
        "caf\u{e9}\u{202e}",
        "a/b/c",
    ];
    let journal = fs::read(setup.repo.join("instate/journal")).expect("it is there");
    for branch in branches {
        let pushed = ana.push(&["origin", &format!("main:refs/heads/{branch}")]).succeeds();
        assert_eq!(pushed.remote_lines(), Vec::<String>::new(), "{branch}: {pushed}");
        // What is said of it is plain, too.
        ana.write("web.yaml", WEB.replace("replicas:", "replica:"));
        ana.commit("wrong");
        let both = ana.push(&["--atomic", "origin", "main", &format!("main:refs/heads/{branch}")]);
        assert_eq!(both.code, Some(1), "{both}");
        is_plain(&both.remote_lines().join("\n"));
        ana.git(&["reset", "--quiet", "--hard", &revision]).succeeds();
    }
    nothing_ran(&setup);
    assert_eq!(fs::read(setup.repo.join("instate/journal")).expect("it is there"), journal);
    assert_eq!(setup.deployed(), Some(revision));
}

#[test]
fn what_a_commit_says_is_not_the_record_and_nobody_is_named_by_it() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let message = "web\n\nEnvironment: production\nOutcome: failed\nChanges: nothing\nWho: ops\n\
                   Accepted: 2020-01-01T00:00:00Z\nEnded: 2020-01-01T00:00:00Z\nDeployment: 20200101T000000Z-00000000\n\n\
                   $(touch pwned) \u{1b}]0;pwned\u{7} \u{202e}";
    ana.git(&["add", "--all"]).succeeds();
    let author = "$(touch pwned)\u{1b}[31m ops <ops@example.com>";
    ana.git(&["commit", "--quiet", "--author", author, "--message", message]).succeeds();
    let revision = ana.git(&["rev-parse", "HEAD"]).succeeds().stdout.trim().to_owned();
    let pushed = ana.push(&["origin", "main"]).succeeds();
    is_plain(&pushed.stderr);
    nothing_ran(&setup);
    assert_eq!(setup.outcomes(&revision), ["production deployed"]);
    let note = setup.note(&revision);
    assert_eq!(note.matches("Who: ").count(), 1, "{note}");
    assert!(note.contains(&format!("Who: {}\n", world.account())), "{note}");
    for shown in [&["log"][..], &["status"], &["log", "--format", "json"]] {
        let shown = setup.instate(shown).succeeds().stdout;
        is_plain(&shown);
        assert!(!shown.contains("ops"), "{shown}");
    }
}

#[test]
fn push_options_run_nothing_and_say_nothing_of_their_own() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    let revision = ana.commit("web");
    for word in
        WORDS.iter().chain(&["instate.format=$(touch pwned)", "instate\u{1b}[31m", "instate.allow=all"])
    {
        let refuses = word.starts_with("instate");
        let pushed = ana.push(&["-o", word, "origin", "main"]);
        assert_eq!(pushed.code, Some(if refuses { 1 } else { 0 }), "{pushed}");
        is_plain(&pushed.remote_lines().join("\n"));
        setup.idle();
        world.git(&setup.repo, &["update-ref", "-d", "refs/heads/main"]).succeeds();
    }
    let many: Vec<String> = (0..300).flat_map(|n| ["-o".to_owned(), format!("{n}")]).collect();
    let mut push: Vec<&str> = many.iter().map(String::as_str).collect();
    push.extend(["origin", "main"]);
    ana.push(&push).succeeds();
    nothing_ran(&setup);
    assert_eq!(setup.tip("refs/heads/main"), Some(revision.clone()));
    assert!(!setup.note(&revision).contains("pwned"), "{}", setup.note(&revision));
}

#[test]
fn variables_of_a_client_change_nothing_even_where_sshd_takes_all_of_them() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ssh = Sshd::start(&world);
    let ana = ssh.let_in(&world, "ana", "ana");
    world.set_client_env("GIT_SSH_COMMAND", &ana);
    let clone = world.clone(ssh.url(&setup.repo), "clone");
    let elsewhere = world.path("elsewhere");
    fs::create_dir(&elsewhere).expect("the world is ours");
    let there = elsewhere.display();
    // What somebody has put where they can write.
    let settings = world.path("settings");
    fs::create_dir_all(settings.join("git")).expect("the world is ours");
    fs::write(settings.join("git/config"), "[core]\n\thooksPath = /dev/null\n").expect("the world is ours");
    let variables = [
        "GIT_DIR=/nowhere".to_owned(),
        format!("GIT_OBJECT_DIRECTORY={there}"),
        format!("GIT_QUARANTINE_PATH={there}"),
        format!("GIT_ALTERNATE_OBJECT_DIRECTORIES={there}"),
        "GIT_NAMESPACE=other".to_owned(),
        "GIT_PUSH_OPTION_COUNT=1 GIT_PUSH_OPTION_0=instate.allow=all".to_owned(),
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=instate.config GIT_CONFIG_VALUE_0=/nowhere".to_owned(),
        format!("GIT_EXEC_PATH={there}"),
        "INSTATE_PUSHER=ops GL_USER=ops GITEA_PUSHER_NAME=ops REMOTE_USER=ops SUDO_USER=ops USER=ops"
            .to_owned(),
        "KUBECONFIG=/nowhere HTTPS_PROXY=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1".to_owned(),
        format!("XDG_CONFIG_HOME={}", settings.display()),
        "SSH_CONNECTION=10.0.0.7 RUST_LOG=trace RUST_BACKTRACE=full".to_owned(),
    ];
    for (n, variable) in variables.iter().enumerate() {
        clone.write("web.yaml", WEB.replace("replicas: 2", &format!("replicas: {}", n + 1)));
        let revision = clone.commit(variable);
        let mut push = clone.git_command(&["push", "origin", "main"]);
        push.env("GIT_SSH_COMMAND", format!("{ana} -o SetEnv='{variable}'"));
        run(push).succeeds();
        setup.idle();
        assert_eq!(setup.deployed(), Some(revision.clone()), "{variable}");
        let note = setup.note(&revision);
        assert!(note.contains("\nWho: ana from 127.0.0.1\n"), "{variable}: {note}");
    }
    assert_eq!(paths(&elsewhere), BTreeSet::new());
}

#[test]
fn a_proxy_that_the_kubeconfig_does_not_name_is_not_asked() {
    let world = World::new();
    let production = Production::new(&world);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        world.set_env(name, "http://127.0.0.1:1");
    }
    production.deploys(&[("web.yaml", WEB)]);
}

#[test]
fn a_small_push_that_stands_for_very_much_is_refused_before_it_costs() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, first) = setup.runs_web();
    let git = |args: &[&str]| ana.git(args).succeeds().stdout.trim().to_owned();
    let tree = |lines: &str| {
        let mktree = ana.git_command(&["mktree"]);
        run_with_input(mktree, lines).succeeds().stdout.trim().to_owned()
    };
    let blob = |text: &str| {
        ana.write("blob", text);
        let id = git(&["hash-object", "-w", "blob"]);
        fs::remove_file(ana.dir().join("blob")).expect("it is ours");
        id
    };
    let many = |n: usize, entry: &dyn Fn(usize) -> String| (0..n).map(entry).collect::<String>();
    let ignore = blob(&"a/b/c/*.x\n".repeat(1600));
    let ignoring = tree(&format!("100644 blob {ignore}\t.instateignore\n"));
    let web = blob(WEB);
    let wide = tree(&many(20_000, &|n| format!("100644 blob {web}\tf{n:05}.txt\n")));
    let link = blob("f00001");
    let ways = [
        ("the files .instateignore", tree(&many(400, &|n| format!("040000 tree {ignoring}\td{n:04}\n")))),
        ("more than 500000 names", tree(&many(2000, &|n| format!("040000 tree {wide}\td{n:04}\n")))),
        // One of many, and quick; nothing is wrong with it.
        (
            "",
            tree(&format!(
                "{}100644 blob {web}\tweb.yaml\n",
                many(8000, &|n| format!("120000 blob {link}\tl{n:05}\n"))
            )),
        ),
        (
            "is longer than a file system takes",
            tree(&format!("100644 blob {web}\t{}.yaml\n", "a".repeat(300))),
        ),
    ];
    for (says, tree) in ways {
        let revision = git(&["commit-tree", &tree, "-p", &first, "-m", says]);
        let begun = std::time::Instant::now();
        let pushed = ana.push(&["origin", &format!("{revision}:refs/heads/main")]);
        assert!(begun.elapsed().as_secs() < 60, "{says}: {:?}", begun.elapsed());
        let said = pushed.remote_lines().join(" ");
        assert_eq!(pushed.code, Some(i32::from(!says.is_empty())), "{says}: {pushed}");
        assert!(said.contains(says), "{says}: {pushed}");
        setup.idle();
        world.git(&setup.repo, &["update-ref", "refs/heads/main", &first]).succeeds();
    }
}
