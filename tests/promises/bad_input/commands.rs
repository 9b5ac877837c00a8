use super::running_web;
use crate::common::{World, run, shop::printed};

#[test]
fn a_command_called_wrongly_says_how_to_call_it() {
    let world = World::new();
    let (setup, ana, _) = running_web(&world);
    let calls: &[(&str, &std::path::Path, &[&str])] = &[
        ("status_nowhere", world.root(), &["status", "--repo", "nowhere.git"]),
        ("status_in_no_repository", world.root(), &["status"]),
        ("log_in_no_repository", world.root(), &["log"]),
        ("resume_in_no_repository", world.root(), &["resume"]),
        ("deploy_in_no_repository", world.root(), &["deploy"]),
        ("check_in_no_repository", world.root(), &["check", "HEAD"]),
        ("install_in_no_repository", world.root(), &["install", "home"]),
        ("status_in_a_clone", ana.dir(), &["status"]),
        ("install_in_a_clone", ana.dir(), &["install", "."]),
        ("deploy_unknown_environment", &setup.repo, &["deploy", "prodcution"]),
        ("log_unknown_environment", &setup.repo, &["log", "prodcution"]),
        ("check_unknown_revision", ana.dir(), &["check", "v9"]),
        (
            "install_unknown_configuration",
            ana.dir(),
            &["install", "../production.git", "--config", "nowhere.yaml"],
        ),
        ("unknown_command", world.root(), &["deply"]),
    ];
    let before = setup.running();
    for (name, folder, arguments) in calls {
        let mut command = world.instate();
        command.args(*arguments).current_dir(folder);
        let done = run(command);
        assert_eq!(done.code, Some(2), "{name}: {done}");
        assert_eq!(done.stdout, "", "{name}: {done}");
        insta::assert_snapshot!(format!("call_{name}"), printed(&world, &done.stderr));
    }
    assert_eq!(setup.running(), before);
}
