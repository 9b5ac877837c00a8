//! On Debian's Gitolite, over a real sshd.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    common::{Clone, Output, Setup, Sshd, WEB, World, run, write_executable},
    servers::{blocks, typed},
};

/// A Gitolite in the world's home, whose administrator is Ana.
pub(crate) struct Gitolite<'w> {
    world: &'w World,
    ssh: Sshd,
    admin: Clone<'w>,
}

impl<'w> Gitolite<'w> {
    #[track_caller]
    pub(crate) fn start(world: &'w World) -> Self {
        let gitolite = Path::new("/usr/bin/gitolite");
        assert!(gitolite.exists(), "needs Gitolite: install Debian's gitolite3 (tests/run does it)");
        let ssh = Sshd::start(world);
        let ana = ssh.key_of(world, "ana");
        fs::write(world.path("ana.pub"), &ana.public).expect("the world is ours");
        let mut setup = world.command(gitolite);
        setup.args(["setup", "-pk", "ana.pub"]);
        // It obeys pushes to this branch of its own repository and to no other.
        let name = [("COUNT", "1"), ("KEY_0", "init.defaultBranch"), ("VALUE_0", "master")];
        setup.envs(name.map(|(name, value)| (format!("GIT_CONFIG_{name}"), value)));
        run(setup).succeeds();
        world.set_client_env("GIT_SSH_COMMAND", &ana.command);
        let admin = world.clone(ssh.url("/gitolite-admin"), "admin");
        let gitolite = Self { world, ssh, admin };
        let ben = gitolite.ssh.key_of(world, "ben");
        gitolite.admin.write("keydir/ben.pub", &ben.public);
        gitolite.says("repo production\n    RW+ = ana\n    RW = ben\n    - = @all\n");
        gitolite
    }

    /// Pushes what the administrator has to say.
    #[track_caller]
    fn says(&self, more: &str) {
        let conf = "repo gitolite-admin\n    RW+ = ana\nrepo testing\n    RW+ = @all\n";
        self.admin.write("conf/gitolite.conf", format!("{conf}{more}"));
        self.admin.commit("configuration");
        self.admin.push(&["origin", "HEAD"]).succeeds();
    }

    pub(crate) fn setup(&self) -> Setup<'w> {
        let repo = self.world.path("home/repositories/production.git");
        Setup { world: self.world, repo, folder: self.world.path("running") }
    }

    /// Somebody's clone.
    #[track_caller]
    pub(crate) fn cloned(&self, repository: &str) -> Clone<'w> {
        self.on_main(self.world.clone(self.ssh.url(format!("/{repository}")), repository))
    }

    /// The branch that an empty repository has is that of the server's Git.
    #[track_caller]
    fn on_main(&self, clone: Clone<'w>) -> Clone<'w> {
        clone.git(&["symbolic-ref", "HEAD", "refs/heads/main"]).succeeds();
        clone
    }

    #[track_caller]
    pub(crate) fn pushes(&self, who: &str, clone: &Clone, more: &str) -> Output {
        let mut git = clone.git_command(&["push", "origin", "main"]);
        git.env("GIT_SSH_COMMAND", format!("{} {more}", self.ssh.key_of(self.world, who).command));
        run(git)
    }

    #[track_caller]
    pub(crate) fn runs(&self, arguments: &[&str]) {
        let mut command = self.world.command("gitolite");
        command.args(arguments);
        run(command).succeeds();
    }
}

fn shown(output: &Output, revision: &str) -> String {
    output.remote_lines().join("\n").replace(&revision[..7], "1a2b3c4")
}

#[test]
fn the_page_of_gitolite_is_all_that_has_to_be_typed() {
    let world = World::new();
    let gitolite = Gitolite::start(&world);
    world.find_instate();
    let setup = gitolite.setup();
    let url = gitolite.ssh.url("/production");
    let places = BTreeMap::from([("git@server:production", format!("{url} clone"))]);
    let page = blocks(include_str!("../../docs/servers/gitolite.md"));
    let [on_the_server, at_home] = &page[..] else { panic!("{page:?}") };
    let installed = run(typed(&world, on_the_server, &places)).succeeds();
    insta::assert_snapshot!("gitolite_installed", world.redact(&installed.stdout));
    let configuration = fs::read_to_string(setup.repo.join("instate.yaml")).expect("it was written");
    assert!(configuration.contains("\nserver: gitolite "), "{configuration}");
    let policy = "    # policy: {pushers: [jenkins-bot, \"@ops\"]}";
    let configuration = configuration
        .replace("/srv/manifests/production", &setup.folder.display().to_string())
        .replace(policy, "    policy: {pushers: [ana]}");
    setup.configure(&configuration);
    run(typed(&world, at_home, &places)).succeeds();
    let clone = gitolite.on_main(world.cloned("clone"));

    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = gitolite.pushes("ana", &clone, "");
    assert_eq!(refused.code, Some(1), "{refused}");
    insta::assert_snapshot!("gitolite_refused", refused.remote_lines().join("\n"));
    clone.write("web.yaml", WEB);
    let revision = clone.commit("right");
    let deployed = gitolite.pushes("ana", &clone, "").succeeds();
    insta::assert_snapshot!("gitolite_deployed", shown(&deployed, &revision));
    assert!(setup.note(&revision).contains("\nWho: ana from 127.0.0.1\n"), "{}", setup.note(&revision));

    clone.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    clone.commit("by somebody who may not");
    // His name is Gitolite's word, whatever he says.
    let lies = "-o SetEnv='GL_USER=ana INSTATE_PUSHER=ana REMOTE_USER=ana'";
    for more in ["", lies] {
        let refused = gitolite.pushes("ben", &clone, more);
        assert_eq!(refused.code, Some(1), "{refused}");
        insta::assert_snapshot!("gitolite_not_he", shown(&refused, &revision));
    }
    setup.agrees();
}

#[test]
fn what_gitolite_refuses_is_never_deployed_and_other_repositories_are_left_alone() {
    let world = World::new();
    let gitolite = Gitolite::start(&world);
    let setup = gitolite.setup();
    setup.install(&setup.configuration()).succeeds();
    let clone = gitolite.cloned("production");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("web");
    gitolite.says("repo production\n    - main = ben\n    RW+ = ana ben\n");
    let refused = gitolite.pushes("ben", &clone, "");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.all().contains("DENIED by refs/heads/main"), "{refused}");
    setup.at_rest();
    assert_eq!((setup.tip("refs/heads/main"), setup.deployed()), (None, None));
    assert_eq!(setup.open(), Vec::<String>::new(), "what was accepted here is withdrawn");
    assert!(!setup.folder.exists(), "nothing was deployed");
    gitolite.pushes("ana", &clone, "").succeeds();
    assert_eq!(setup.deployed(), Some(revision));

    // Gitolite links the common hooks into all of them now.
    gitolite.runs(&["setup"]);
    let testing = gitolite.cloned("testing");
    testing.write("anything.yaml", "no: [manifest");
    testing.commit("not an environment");
    let pushed = gitolite.pushes("ben", &testing, "").succeeds();
    assert_eq!(pushed.remote_lines(), Vec::<String>::new());
    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = gitolite.pushes("ana", &clone, "");
    assert!(refused.remote_lines().join("\n").contains("error[I0201]"), "{refused}");

    setup.instate(&["install", "--uninstall", "."]).succeeds();
    gitolite.runs(&["setup"]);
    gitolite.pushes("ana", &clone, "").succeeds();
    let purged = setup.instate(&["install", "--uninstall", "--purge", "."]);
    assert_eq!(purged.code, Some(0), "{purged}");
}

#[test]
fn beside_common_hooks_of_somebody_elses_it_is_a_hook_of_this_repository() {
    let world = World::new();
    let gitolite = Gitolite::start(&world);
    let setup = gitolite.setup();
    let local = world.path("home/local");
    let rc = world.path("home/.gitolite.rc");
    let text = fs::read_to_string(&rc).expect("Gitolite wrote it");
    let local_code = "# LOCAL_CODE                =>  \"$ENV{HOME}/local\"";
    let specific = "# 'repo-specific-hooks'";
    assert!(text.contains(local_code) && text.contains(specific), "{text}");
    let with_local = text.replace(local_code, &local_code[2..]);
    fs::write(&rc, &with_local).expect("the world is ours");
    let common = local.join("hooks/common");
    fs::create_dir_all(&common).expect("the world is ours");
    write_executable(&common.join("pre-receive"), "#!/bin/sh\necho the other one >&2\n");
    gitolite.runs(&["setup"]);

    let refused = setup.install(&setup.configuration());
    assert_eq!(refused.code, Some(2), "{refused}");
    insta::assert_snapshot!("gitolite_taken", world.redact(&refused.stderr));
    fs::create_dir_all(local.join("hooks/repo-specific")).expect("the world is ours");
    fs::write(&rc, with_local.replace(specific, &specific[2..])).expect("the world is ours");
    let installed = setup.install(&setup.configuration()).succeeds();
    insta::assert_snapshot!("gitolite_own", world.redact(&installed.stdout));
    gitolite.says(
        "repo production\n    RW+ = ana\n    option hook.pre-receive = instate\n    option hook.post-receive = instate\n",
    );
    let installed = setup.instate(&["install", "."]).succeeds();
    insta::assert_snapshot!("gitolite_own_again", world.redact(&installed.stdout));

    let clone = gitolite.cloned("production");
    clone.write("web.yaml", WEB.replace("replicas:", "replica:"));
    clone.commit("wrong");
    let refused = gitolite.pushes("ana", &clone, "");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.remote_lines().join("\n").contains("error[I0201]"), "{refused}");
    clone.write("web.yaml", WEB);
    let revision = clone.commit("right");
    gitolite.pushes("ana", &clone, "").succeeds();
    assert_eq!(setup.deployed(), Some(revision));
}
