//! What a shell completes and what `man` shows is what the command line has.

use std::fs;

use crate::common::{World, run};

#[test]
fn a_shell_completes_commands_and_their_options() {
    let world = World::new();
    let mut instate = world.instate();
    instate.args(["completions", "bash"]);
    let script = run(instate).succeeds().stdout;
    fs::write(world.path("instate.bash"), script).expect("the world is ours");
    let complete = |words: &[&str]| {
        let line = format!(
            ". ./instate.bash; COMP_WORDS=(instate {}); COMP_CWORD={}; _instate instate {} x; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len(),
            words.last().expect("there is one"),
        );
        let mut bash = world.command("bash");
        bash.args(["-euc", &line]);
        run(bash).succeeds().stdout
    };
    assert_eq!(complete(&["inst"]), "install\n");
    let options = complete(&["install", "--"]);
    for option in ["--server", "--config", "--uninstall"] {
        assert!(options.contains(option), "{options}");
    }
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let mut instate = world.instate();
        instate.args(["completions", shell]);
        assert!(run(instate).succeeds().stdout.contains("retire"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let world = World::new();
    let folder = world.path("man");
    fs::create_dir(&folder).expect("the world is ours");
    let mut instate = world.instate();
    instate.args(["man", "--to"]).arg(&folder);
    run(instate).succeeds();
    let help = run({
        let mut instate = world.instate();
        instate.arg("--help");
        instate
    });
    let commands = help.stdout.split("Commands:\n").nth(1).expect("it lists them");
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let names: Vec<&&str> = names.iter().filter(|name| !["", "help"].contains(name)).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(folder.join(format!("instate-{name}.1")).exists(), "{name}");
    }
    let mut instate = world.instate();
    instate.arg("man");
    assert!(run(instate).succeeds().stdout.contains(".TH instate 1"));

    let mut instate = world.instate();
    instate.args(["man", "--to", "/nowhere/at/all"]);
    let refused = run(instate);
    assert_eq!(refused.code, Some(2), "{refused}");
    insta::assert_snapshot!("man_nowhere", refused.stderr);
}
