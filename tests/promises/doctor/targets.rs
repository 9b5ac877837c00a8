//! Targets that cannot be deployed to.

use std::fs;

use super::{finds, ill, mode, well};
use crate::common::{Cluster, Mount, Setup, World, with_mounts};

#[test]
fn a_folder_that_cannot_be_deployed_to_is_found() {
    let world = World::new();
    let mut setup = Setup::bare(&world);
    setup.folder = world.path("srv/running");
    fs::create_dir(world.path("srv")).expect("because the world is ours");
    setup.install(&setup.configuration()).succeeds();
    let ours = "because the world is ours";
    let gone = || fs::remove_dir(world.path("srv")).expect(ours);
    finds(&setup, "folder_without_parent", gone, || fs::create_dir(world.path("srv")).expect(ours));
    let foreign = || {
        fs::create_dir(&setup.folder).expect(ours);
        fs::write(setup.folder.join("index.html"), "").expect(ours);
    };
    finds(&setup, "folder_of_somebody", foreign, || fs::remove_dir_all(&setup.folder).expect(ours));
}

#[test]
fn a_folder_that_is_read_only_is_found() {
    with_mounts("doctor::targets::a_folder_that_is_read_only_is_found", || {
        let world = World::new();
        let mut setup = Setup::bare(&world);
        let disk = Mount::new(&world.path("disk"), "256k");
        setup.folder = world.path("disk/running");
        setup.install(&setup.configuration()).succeeds();
        finds(&setup, "folder_read_only", || disk.read_only(true), || disk.read_only(false));
    });
}

#[test]
fn a_cluster_that_cannot_be_deployed_to_is_found_and_no_credentials_are_shown() {
    let world = World::new();
    let setup = Setup::bare(&world);
    let namespace = Cluster::shared().namespace("doctor");
    let kubeconfig = world.path("kubeconfig");
    fs::copy(Cluster::shared().kubeconfig(), &kubeconfig).expect("because the world is ours");
    mode(&kubeconfig, 0o600);
    let right = fs::read_to_string(&kubeconfig).expect("it is there");
    let configuration = |more: &str| {
        format!(
            "environments:\n  production:\n    branch: main\n    namespace: {}\n    target:\n      kubernetes: \
             {{kubeconfig: {}{more}}}\n",
            namespace.name(),
            kubeconfig.display()
        )
    };
    setup.install(&configuration("")).succeeds();
    well(&setup);
    let identity = fs::read_to_string(setup.repo.join("instate/id")).expect("it is installed");
    let identity: serde_json::Value = serde_json::from_str(&identity).expect("it is JSON");
    let identity = identity["id"].as_str().expect("it has one").to_owned();
    let redacted = |found: String| found.replace(namespace.name(), "$NAMESPACE").replace(&identity, "$ID");
    let write = |text: &str| fs::write(&kubeconfig, text).expect("because the world is ours");
    finds(&setup, "kubeconfig_readable", || mode(&kubeconfig, 0o640), || mode(&kubeconfig, 0o600));
    // Credentials may stand in a file of their own.
    let token = right.lines().find_map(|line| line.trim().strip_prefix("token: ")).expect("it has one");
    let file = world.path("token");
    fs::write(&file, token).expect("because the world is ours");
    let named = right.replace(&format!("token: {token}"), "tokenFile: token");
    write(&named);
    mode(&file, 0o600);
    well(&setup);
    finds(&setup, "token_readable", || mode(&file, 0o644), || mode(&file, 0o600));
    write(&right);
    let away = || fs::remove_file(&kubeconfig).expect("it is there");
    let back = || {
        write(&right);
        mode(&kubeconfig, 0o600);
    };
    finds(&setup, "kubeconfig_missing", away, back);
    write("apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: hunter2\n");
    let found = ill(&setup);
    assert!(!found.contains("hunter2"), "{found}");
    insta::assert_snapshot!("kubeconfig_broken", found);
    write(&right.replace(token, "hunter2"));
    let found = ill(&setup);
    assert!(!found.contains("hunter2"), "{found}");
    insta::assert_snapshot!("credentials_not_accepted", found);
    back();
    well(&setup);
    setup.configure(&configuration(", impersonate: nobody-in-particular"));
    insta::assert_snapshot!("not_permitted", redacted(ill(&setup)));
    setup.configure(&configuration(""));
    let at = right.lines().find_map(|line| line.trim().strip_prefix("server: ")).expect("it is somewhere");
    // Nobody listens there.
    write(&right.replace(at, "https://127.0.0.1:1"));
    insta::assert_snapshot!("cluster_away", redacted(ill(&setup)));
    back();
    well(&setup);
}
