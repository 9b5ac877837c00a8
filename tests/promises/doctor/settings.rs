//! Settings of Git, in any of its files, with which hooks or pushes do not do what they should.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use super::{finds, ill, well};
use crate::common::{Setup, World, write_executable};

#[test]
fn settings_that_go_around_the_hooks_are_found_in_every_file_of_gits() {
    let world = World::new();
    let setup = Setup::new(&world);
    let config = |arguments: &[&str]| {
        world.git(&setup.repo, &[&["config"], arguments].concat()).succeeds();
    };
    let key = "core.hooksPath";
    finds(&setup, "hooks_path", || config(&[key, "/elsewhere"]), || config(&["--unset", key]));

    let (own, other) = (world.path("gitconfig"), world.path("other gitconfig"));
    let set = fs::read_to_string(&own).expect("it is there") + "[core]\nhooksPath = /elsewhere\n";
    fs::write(&other, set).expect("because the world is ours");
    let [own, other] = [own, other].map(|path| path.display().to_string());
    let global = |file: &str| world.set_env("GIT_CONFIG_GLOBAL", file);
    finds(&setup, "hooks_path_of_the_user", || global(&other), || global(&own));
    let system = || {
        world.set_env("GIT_CONFIG_SYSTEM", &other);
        world.remove_env("GIT_CONFIG_NOSYSTEM");
    };
    let no_system = || {
        world.remove_env("GIT_CONFIG_SYSTEM");
        world.set_env("GIT_CONFIG_NOSYSTEM", "1");
    };
    finds(&setup, "hooks_path_of_the_system", system, no_system);
    let variables = [("COUNT", "1"), ("KEY_0", key), ("VALUE_0", "/elsewhere")];
    let set =
        || variables.iter().for_each(|(name, value)| world.set_env(&format!("GIT_CONFIG_{name}"), value));
    let unset = || variables.iter().for_each(|(name, _)| world.remove_env(&format!("GIT_CONFIG_{name}")));
    finds(&setup, "hooks_path_of_the_environment", set, unset);

    let broken = world.path("broken-gitconfig");
    fs::write(&broken, "[core\n").expect("because the world is ours");
    finds(&setup, "gitconfig_broken", || global(&broken.display().to_string()), || global(&own));

    let key = "core.sharedRepository";
    finds(&setup, "shared", || config(&[key, "group"]), || config(&["--unset", key]));
}

#[test]
fn settings_that_pushes_need_are_missed() {
    let world = World::new();
    let setup = Setup::new(&world);
    let config = |arguments: &[&str]| {
        world.git(&setup.repo, &[&["config"], arguments].concat()).succeeds();
    };
    let key = "receive.fsckObjects";
    finds(&setup, "fsck", || config(&[key, "false"]), || config(&[key, "true"]));
    let key = "receive.advertisePushOptions";
    finds(&setup, "push_options", || config(&["--unset", key]), || config(&[key, "true"]));
    let key = "http.receivepack";
    finds(&setup, "receivepack", || config(&[key, "true"]), || config(&["--unset", key]));
    let key = "receive.procReceiveRefs";
    finds(&setup, "left_to_nobody", || config(&[key, "refs/heads"]), || config(&["--unset", key]));
    // It is another branch's.
    config(&[key, "refs/heads/mai"]);
    well(&setup);
}

#[test]
fn what_stands_in_the_way_of_accept_deployed_is_found() {
    let world = World::new();
    let setup = Setup::accept_deployed(&world);
    let config = |arguments: &[&str]| {
        world.git(&setup.repo, &[&["config"], arguments].concat()).succeeds();
    };
    let key = "receive.shallowUpdate";
    finds(&setup, "shallow", || config(&[key, "true"]), || config(&["--unset", key]));
    let update = setup.repo.join("hooks/update");
    let hook = || world.hook(&setup.repo, "update", "#!/bin/sh\nexit 1\n");
    finds(&setup, "update", hook, || fs::remove_file(&update).expect("it is there"));
    let key = "receive.procReceiveRefs";
    let main = "refs/heads/main";
    let others = || config(&["--replace-all", key, "refs/heads/other"]);
    finds(&setup, "other_refs", others, || config(&["--replace-all", key, main]));
    // What is wrong at once is said at once.
    config(&["receive.shallowUpdate", "true"]);
    hook();
    insta::assert_snapshot!("deployed_several", ill(&setup));
    fs::remove_file(&update).expect("it is there");
    config(&["--unset", "receive.shallowUpdate"]);
    let checked = || setup.configure(&setup.configuration());
    finds(&setup, "not_told", checked, || setup.configure(&setup.deployed_configuration()));

    let real = std::env::var("PATH").expect("because git has to be found");
    let old = "#!/bin/sh\ncase \"$*\" in *version) echo git version 2.25.1 ;; *) PATH=$REAL exec git \"$@\" ;; esac\n";
    fs::create_dir(world.path("bin")).expect("because the world is ours");
    write_executable(&world.path("bin/git"), old);
    world.set_env("REAL", &real);
    let older = || world.set_env("PATH", &format!("{}:{real}", world.path("bin").display()));
    finds(&setup, "old_git", older, || world.set_env("PATH", &real));
}

#[test]
fn locks_that_a_git_which_died_has_left_are_found() {
    let world = World::new();
    let setup = Setup::new(&world);
    let locks = ["refs/heads/main.lock", "packed-refs.lock"].map(|name| setup.repo.join(name));
    let lock = || locks.iter().for_each(|path| fs::write(path, "").expect("because the world is ours"));
    let unlock = || locks.iter().for_each(|path| fs::remove_file(path).expect("it is there"));
    lock();
    // Somebody may hold them now.
    well(&setup);
    let long_ago = || {
        for path in &locks {
            let file = fs::File::options().write(true).open(path).expect("it is there");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("because it is ours");
        }
    };
    finds(&setup, "locks", long_ago, unlock);
}
