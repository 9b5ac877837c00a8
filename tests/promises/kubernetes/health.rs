//! An accepted push ends when what it deployed is healthy, or with the reason why it is not.

use super::Production;
use crate::common::World;

/// A manifest of a Deployment, whose Pods behave as told.
fn web(replicas: usize, behave: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
      annotations: {{test.instate.dev/behave: \"{behave}\"}}
    spec:
      initContainers:
      - {{name: prepare, image: 'prepare:1'}}
      containers:
      - {{name: web, image: 'web:1'}}
"
    )
}

#[test]
fn a_deployment_is_deployed_when_its_pods_are_ready() {
    let world = World::new();
    let production = Production::new(&world);
    let (revision, seen) = production.deploys(&[("web.yaml", &web(3, ""))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
}

#[test]
fn pods_that_never_become_ready_fail_a_deployment_and_a_push_that_mends_them_is_deployed() {
    let world = World::new();
    let production = Production::with(&world, |it| it.timeout = "4s");
    let (revision, seen) = production.fails(&[("web.yaml", &web(3, "never-ready"))]);
    insta::assert_snapshot!(seen);
    insta::assert_snapshot!(production.note(&revision));
    production.deploys(&[("web.yaml", &web(3, ""))]);
}
