//! Whatever dies, and whenever: the inventory, the cluster and the record agree afterwards, and nothing is
//! left that no inventory knows.

use std::fmt::Write as _;

use super::Production;
use crate::common::World;

/// Objects of each revision: half of them stay and change, half are others than before.
const OBJECTS: usize = 20;

/// Twenty objects, a Deployment among them, and their names.
fn revision(n: usize) -> (String, Vec<String>) {
    let (mut text, mut names) = (String::new(), Vec::new());
    let mut add = |kind: &str, name: String, rest: &str| {
        let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        write!(text, "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
            .expect("it is a text");
        names.push(format!("{kind}/{name}"));
    };
    add(
        "Deployment",
        "web".into(),
        &format!(
            "spec:\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    \
             spec: {{terminationGracePeriodSeconds: 0, containers: [{{name: web, image: \"web:{n}\"}}]}}"
        ),
    );
    for i in 1..OBJECTS {
        let name = if i % 2 == 0 { format!("o-{i}") } else { format!("o-{i}-of-{n}") };
        match i % 3 {
            0 => add("Secret", name, &format!("stringData: {{value: \"value of {n}\"}}")),
            1 => add("ConfigMap", name, &format!("data: {{value: \"{n}\"}}")),
            _ => add("Service", name, &format!("spec: {{ports: [{{port: {}}}]}}", 1000 + n)),
        }
    }
    (text, names)
}

/// Every object that is written, and some of those that are deleted; other places are in the matrix of
/// `crashes/matrix.rs`.
fn points() -> Vec<String> {
    let applied = (0..OBJECTS).map(|n| format!("object-applied={n}*off->return(kill)"));
    let deleting = (0..OBJECTS / 2).step_by(3).map(|n| format!("object-deleting={n}*off->return(kill)"));
    applied.chain(deleting).collect()
}

#[test]
fn a_worker_that_is_killed_after_any_step_is_taken_up_and_leaves_nothing_that_no_inventory_knows() {
    let world = World::new();
    let production = Production::new(&world);
    let (text, _) = revision(0);
    production.deploys(&[("all.yaml", &text)]);
    for (n, point) in points().into_iter().enumerate() {
        let (text, names) = revision(n + 1);
        let id = production.commit(&[("all.yaml", &text)]);
        let pushed = production.push_at(&production.ana, &point).finish();
        assert_eq!(pushed.code, Some(0), "{point}: {pushed}");
        production.at_rest();
        // A watcher was left behind for this: it may have taken it up by itself.
        production.instate(&["resume"]).succeeds();
        production.at_rest();
        assert_eq!(production.outcomes(&id), ["production deployed"], "{point}: {pushed}");
        assert_eq!(production.deployed(), Some(id), "{point}");
        production.holds_exactly(names.iter().map(String::as_str), &point);
        let image = production.namespace.get(&["deployment", "web"]);
        assert_eq!(
            image["spec"]["template"]["spec"]["containers"][0]["image"],
            format!("web:{}", n + 1),
            "{point}"
        );
    }
}

#[test]
fn a_revision_that_takes_the_place_of_one_that_was_cut_off_leaves_nothing_of_it() {
    let world = World::new();
    let production = Production::new(&world);
    let (text, names) = revision(0);
    production.deploys(&[("all.yaml", &text)]);
    for (n, point) in ["listed", "object-applied", "applied"].into_iter().enumerate() {
        let cut_off = production.commit(&[("all.yaml", &revision(n + 1).0)]);
        // Nobody is left to take it up: the watcher dies at the same point.
        production.push_at(&production.ana, &format!("{point}=return(kill)")).finish().succeeds();
        production.at_rest();
        // Back to what ran before, by the very same files: nothing of it may be taken for unchanged.
        production.ana.write("all.yaml", &text);
        let back = production.ana.commit("back");
        production.push().succeeds();
        production.at_rest();
        assert_eq!(production.deployed(), Some(back.clone()), "{point}");
        assert_eq!(production.outcomes(&back), ["production deployed"], "{point}");
        let ended = production.outcomes(&cut_off);
        assert!(ended == ["production superseded"] || ended == ["production deployed"], "{point}: {ended:?}");
        production.holds_exactly(names.iter().map(String::as_str), point);
        let plan = production.instate(&["plan"]).succeeds();
        assert!(plan.stdout.contains("nothing to change"), "{point}: {plan}");
    }
}
