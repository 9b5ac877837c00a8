//! A shop of a dozen services, as it is pushed by a person over ssh.

use std::fmt::Write as _;

use super::Production;
use crate::common::{Sshd, World, said, spawn};

const SERVICES: [&str; 12] = [
    "ad",
    "cart",
    "checkout",
    "currency",
    "email",
    "frontend",
    "load",
    "payment",
    "catalogue",
    "recommendation",
    "redis",
    "shipping",
];

/// Everything in one file, as such shops are given away.
fn shop() -> String {
    let mut text = String::new();
    for name in SERVICES {
        write!(
            text,
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\n---\napiVersion: v1\nkind: Service\n\
             metadata: {{name: {name}}}\nspec: {{type: ClusterIP, selector: {{app: {name}}}, ports: [{{name: grpc, port: 8080}}]}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
             template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      serviceAccountName: {name}\n      \
             terminationGracePeriodSeconds: 5\n      containers:\n      - name: server\n        image: {name}:1\n        \
             resources: {{requests: {{cpu: 100m, memory: 64Mi}}, limits: {{cpu: 0.2, memory: 128Mi}}}}\n"
        )
        .expect("it is a text");
    }
    text
}

#[test]
fn a_shop_pushed_over_ssh_runs_when_the_push_ends_and_every_step_was_shown() {
    let world = World::new();
    let production = Production::new(&world);
    let ssh = Sshd::start(&world);
    let ana = world.clone(ssh.url(&production.repo), "over-ssh");
    ana.write("shop.yaml", shop());
    let id = ana.commit("Open the shop");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    production.idle();
    for name in SERVICES {
        for step in [
            format!("created ServiceAccount/{name} in"),
            format!("created Service/{name} in"),
            format!("created Deployment/{name} in"),
        ] {
            assert!(said(&pushed, &step), "{step}: {pushed}");
        }
        let available = format!("Deployment/{name} in {} is available", production.namespace.name());
        assert!(said(&pushed, &available), "{available}: {pushed}");
    }
    assert!(said(&pushed, "36 created"), "{pushed}");
    assert_eq!(production.deployed(), Some(id));
    let found = production.namespace.get(&["deployments"]);
    let items = found["items"].as_array().expect("it is a list");
    assert!(items.iter().all(|item| item["status"]["availableReplicas"] == 1), "{found}");
    assert_eq!(items.len(), SERVICES.len());

    let mark = production.cluster.mark();
    ana.commit("Nothing");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    production.idle();
    assert!(said(&pushed, "nothing to change"), "{pushed}");
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
}

#[test]
fn a_revision_that_mends_a_broken_one_does_not_wait_for_it() {
    let world = World::new();
    let production = Production::new(&world);
    let web = |behave: &str| crate::common::Namespace::deployment("web", behave);
    let broken = production.commit(&[("web.yaml", &web("never-ready"))]);
    let first = spawn(production.ana.git_command(&["push", "origin", "main"]));
    first.wait_for("created Deployment/web");
    let (_, seen) = production.deploys(&[("web.yaml", &web(""))]);
    let first = first.finish().succeeds();
    assert!(said(&first, "superseded:"), "{first}");
    assert_eq!(production.outcomes(&broken), ["production superseded"], "{first}");
    assert!(seen.contains("deployed: production runs"), "{seen}");
    production.holds_exactly(["Deployment/web"], "the mending");
}
