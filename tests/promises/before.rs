//! What was there before a push: what is remembered of it, and what of it is not the push's doing.

use std::{fs, os::unix::fs::symlink};

use crate::common::{SERVICE, Setup, WEB, World};

/// A Deployment with a field that it does not have, and a reference that nobody provides.
fn doubtful() -> String {
    WEB.replace("replicas:", "replica: 3\n  replicas:")
        .replace("      containers:", "      serviceAccountName: somebody\n      containers:")
}

#[test]
fn what_an_earlier_revision_had_is_summed_up_and_does_not_refuse() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", doubtful());
    ana.commit("before");
    // It was there before the hooks were.
    ana.push(&["origin", "main"]).succeeds();
    setup.install(&setup.configuration()).succeeds();

    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    assert!(pushed.stderr.contains("that were there before this push"), "{pushed}");
    assert!(!pushed.stderr.contains("I0201"), "{pushed}");
    setup.idle();
    setup.agrees();

    // Once more in another file it is new, and refuses, alone.
    ana.write("other.yaml", doubtful().replace("name: web", "name: other"));
    ana.commit("other");
    let refused = ana.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("--> other.yaml:"), "{refused}");
    assert!(!refused.stderr.contains("--> web.yaml:"), "{refused}");
}

#[test]
fn what_keeps_a_revision_from_being_read_refuses_whoever_brought_it() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", "kind: [\n");
    ana.commit("before");
    ana.push(&["origin", "main"]).succeeds();
    setup.install(&setup.configuration()).succeeds();
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    let refused = ana.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("I0121"), "{refused}");
}

#[test]
fn a_cache_that_is_damaged_foreign_or_gone_changes_no_verdict() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", doubtful().replace("replica: 3\n  ", ""));
    ana.commit("web");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    let cache = setup.repo.join("instate/cache/production");
    let remembered = fs::read(&cache).expect("it was written");
    let fresh = setup.instate(&["check"]).stdout;
    assert!(fresh.contains("I0308"), "{fresh}");

    let foreign = world.path("foreign");
    fs::write(&foreign, "not ours").expect("because the world is ours");
    let half = remembered.len() / 2;
    let mut flipped = remembered.clone();
    flipped[half] ^= 0xff;
    for damaged in
        [Some(Vec::new()), Some(remembered[..half].to_vec()), Some(flipped), Some(vec![0; 100_000]), None]
    {
        fs::remove_file(&cache).expect("it is there");
        match damaged {
            Some(bytes) => fs::write(&cache, bytes).expect("because the world is ours"),
            None => symlink(&foreign, &cache).expect("because the world is ours"),
        }
        assert_eq!(setup.instate(&["check"]).stdout, fresh);
        let index = setup.repo.join("instate/cache/production.index");
        fs::write(&index, vec![0xff; 5000]).expect("because the world is ours");
        assert_eq!(setup.instate(&["check"]).stdout, fresh);
    }
    assert_eq!(fs::read(&foreign).expect("it is there"), b"not ours");
    // And a push over a cache that cannot even be written is as good as any.
    fs::remove_file(&cache).expect("it is there");
    fs::create_dir(&cache).expect("because the world is ours");
    fs::write(cache.join("file"), "").expect("because the world is ours");
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    setup.agrees();
}

#[test]
fn a_check_with_the_servers_configuration_finds_what_the_hook_finds_byte_for_byte() {
    let world = World::new();
    let setup = Setup::new(&world);
    let (ana, base) = setup.runs_web();
    ana.write("web.yaml", doubtful().replace("app: web", "app: wep"));
    ana.commit("worse");
    let findings = |text: &str| {
        let lines = text.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim_end());
        let lines = lines.map(|line| if line == "remote:" { "" } else { line });
        let lines: Vec<&str> = lines.skip_while(|line| !line.starts_with("error[")).collect();
        let last = lines.iter().rposition(|line| line.contains("= ") || line.contains('^'));
        lines[..=last.expect("there are findings")].join("\n")
    };
    let refused = ana.push(&["origin", "main"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    let mut check = world.instate();
    check.args(["check", "HEAD", "--base", &base, "--config"]).arg(setup.repo.join("instate.yaml"));
    check.current_dir(world.path("ana"));
    let checked = crate::common::run(check);
    assert_eq!(checked.code, Some(1), "{checked}");
    assert_eq!(findings(&checked.stdout), findings(&refused.stderr));
}

#[test]
fn a_mistake_between_a_folder_that_changed_and_one_that_did_not_is_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let config = |name: &str, value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: {value}}}\n")
    };
    ana.write("old/deep/one.yaml", config("one", "a"));
    ana.write("new/two.yaml", config("two", "a"));
    let good = |what: &str| {
        ana.commit(what);
        ana.push(&["origin", "main"]).succeeds();
        setup.idle();
        setup.agrees();
    };
    good("both");
    // Twice: what the first one has remembered, the second one builds on.
    for value in ["b", "c"] {
        ana.write("new/two.yaml", config("two", value));
        good(value);
    }
    let refused = |what: &str, words: &str| {
        ana.commit(what);
        let refused = ana.push(&["origin", "main"]);
        assert_eq!(refused.code, Some(1), "{what}: {refused}");
        assert!(refused.stderr.contains(words), "{what}: {refused}");
        ana.git(&["reset", "--hard", "origin/main"]).succeeds();
    };
    ana.write("new/two.yaml", config("one", "c"));
    refused("the same object twice", "old/deep/one.yaml");
    ana.write("new/two.yaml", "kind: [\n");
    refused("not to be read", "--> new/two.yaml:");
    ana.write("kustomization.yaml", "resources: [old]\n");
    refused("to be rendered", "kustomization.yaml");
    std::os::unix::fs::symlink("old", ana.dir().join("linked")).expect("because the world is ours");
    refused("a link to a folder", "linked");
    ana.write(".instateignore", "old\nnew\n");
    refused("nothing left", "has no manifest");
}
