//! `instate render` shows what Kubernetes would read, and nothing else.

use crate::common::{Output, World, run, run_with_input, shop};

fn render(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.instate();
    command.arg("render").args(arguments).current_dir(shop::fixture());
    run(command)
}

fn piped(world: &World, arguments: &[&str], text: &str) -> Output {
    let mut command = world.instate();
    command.arg("render").args(arguments).arg("-");
    run_with_input(command, text)
}

#[test]
fn each_object_is_one_line_of_json_and_lists_are_expanded() {
    let world = World::new();
    let all = render(&world, &[]);
    assert_eq!((all.code, all.stderr.as_str()), (Some(0), ""), "{all}");
    let objects = all.stdout.lines().map(serde_json::from_str::<serde_json::Value>);
    let objects: Vec<_> = objects.map(|object| object.expect("because each line is JSON")).collect();
    let names = objects.iter().map(|object| format!("{}/{}\n", object["kind"], object["metadata"]["name"]));
    insta::assert_snapshot!(names.collect::<String>().replace('"', ""));
    insta::assert_snapshot!("access", render(&world, &["access/tidy-carts.yaml"]).stdout);
    insta::assert_snapshot!("access_raw", render(&world, &["--raw", "access/tidy-carts.yaml"]).stdout);
}

#[test]
fn values_are_written_as_kubernetes_would_write_them() {
    let world = World::new();
    let text = "\
b: {mode: 0644, yes: on, 1.10: 1_000, big: 18446744073709551615}
a: [1e3, 1234e56, 1e-7, 1e21, 9e999, 0x1F, 1.50, -0.0]
c: \"<&>\\0\\L\"
d: &d {x: 1}
e: {<<: *d, x: 2, y: !!str 3}
---
---
- text
";
    let raw = piped(&world, &["--raw"], text);
    assert_eq!((raw.code, raw.stderr.as_str()), (Some(0), ""), "{raw}");
    insta::assert_snapshot!(raw.stdout);
}

#[test]
fn what_is_refused_is_said_on_standard_error_and_nothing_is_printed() {
    let world = World::new();
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nopening: late\n";
    let refused = piped(&world, &[], text);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused}");
    insta::assert_snapshot!(refused.stderr);
    let raw = piped(&world, &["--raw"], text);
    assert_eq!((raw.code, raw.stdout.lines().count()), (Some(0), 2), "{raw}");
    for arguments in [&["nowhere"][..], &["shop.yaml", "access"]] {
        let mistaken = render(&world, arguments);
        assert_eq!((mistaken.code, mistaken.stdout.as_str()), (Some(2), ""), "{mistaken}");
        insta::assert_snapshot!(format!("mistake_{}", arguments.len()), mistaken.stderr);
    }
}

#[test]
fn a_file_that_is_named_is_read_whatever_instateignore_says_of_it() {
    let world = World::new();
    let named = render(&world, &["--raw", "docs/notes.yaml", "web.json"]);
    assert_eq!((named.code, named.stdout.lines().count()), (Some(0), 2), "{named}");
    let broken = render(&world, &["keys.example.yaml"]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""), "{broken}");
    let folder = render(&world, &["--path", "jobs"]);
    assert_eq!((folder.code, folder.stdout.lines().count()), (Some(0), 1), "{folder}");
}
