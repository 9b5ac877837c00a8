//! Two servers with one environment, as after a failover whose old server came back: two copies of a repository, in
//! both of which instate was installed. One at a time writes, and the Lease decides which.

use std::{fmt::Write as _, path::PathBuf};

use super::Production;
use crate::common::{Clone, Cluster, Proxy, Request, Setup, World, eventually, go_on, run, spawn};

/// More than are written at once, so that some are left.
const OBJECTS: usize = 40;
/// A Lease that runs out while somebody looks on.
const SHORT: &str = "lease-seconds=return(8)";

fn objects(value: &str) -> String {
    let mut text = String::new();
    for i in 0..OBJECTS {
        write!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c-{i:02}}}\ndata: {{value: \"{value}\"}}\n"
        )
        .expect("it is a text");
    }
    text
}

/// Each server acts for a user of its own, so that the audit log tells them apart.
struct Two<'w> {
    production: Production<'w>,
    other: Setup<'w>,
    ben: Clone<'w>,
}

impl<'w> Two<'w> {
    /// `way` is how the first reaches the cluster.
    fn new(world: &'w World, way: Option<PathBuf>) -> Self {
        let mut production = Production::new(world);
        let users = ["ana", "ben"].map(|name| format!("{name}-{}", production.namespace.name()));
        for user in &users {
            let (role, user) = ("--clusterrole=cluster-admin", format!("--user={user}"));
            production.namespace.kubectl(&["create", "rolebinding", &user[7..], role, &user]).succeeds();
        }
        let [ana, ben] = users;
        production.deploys(&[("all.yaml", &objects("first"))]);
        let repo = world.path("mirror.git");
        let mut copy = world.command("cp");
        copy.arg("-r").arg(&production.setup.repo).arg(&repo);
        run(copy).succeeds();
        let other = Setup { world, repo, folder: world.path("nowhere") };
        production.configuration.impersonate = Some(ben);
        other.install(&production.configuration.text()).succeeds();
        production.reconfigure(|it| {
            it.impersonate = Some(ana);
            it.kubeconfig = way.unwrap_or(it.kubeconfig.clone());
        });
        let ben = other.clone("ben");
        Self { production, other, ben }
    }

    /// What both wrote since a mark, in the order in which it was answered, as `ana patch configmaps c-01`.
    fn written(&self, mark: u64) -> Vec<String> {
        let namespace = self.production.namespace.name();
        let ours = |request: &Request| request.is_of("instate/") && request.is_write() && request.code < 300;
        let written = self.production.cluster.requests_since(mark).into_iter().filter(ours);
        let here = written.filter(|request| request.namespace == namespace);
        here.map(|Request { verb, resource, name, impersonated, .. }| {
            let who = impersonated.unwrap_or_default();
            format!("{} {verb} {resource} {name}", who.split('-').next().unwrap_or_default())
        })
        .collect()
    }

    /// Every object says the same.
    #[track_caller]
    fn says(&self, value: &str, after: &str) {
        let found = self.production.namespace.get(&["configmaps"]);
        let items = found["items"].as_array().expect("because it is a list");
        let said: Vec<&str> = items.iter().filter_map(|item| item["data"]["value"].as_str()).collect();
        assert_eq!(said, vec![value; OBJECTS], "{after}");
        assert_eq!(self.production.inventory(), self.production.labelled(), "{after}");
    }
}

/// The same for both servers' requests: nobody writes an object but whoever wrote the Lease last.
#[track_caller]
fn never_two(written: &[String]) -> usize {
    let (mut holder, mut holders) = ("", 0);
    for request in written {
        let (who, what) = request.split_once(' ').expect("because it begins with who");
        if what.contains(" leases ") {
            holders += usize::from(holder != who);
            holder = who;
        } else {
            assert_eq!(who, holder, "{request}: without the Lease, in {written:#?}");
        }
    }
    holders
}

#[test]
fn two_servers_with_one_environment_write_one_after_the_other() {
    let world = World::new();
    let two = Two::new(&world, None);
    let mark = two.production.cluster.mark();
    for n in 0..3 {
        let revisions = [(&two.production.ana, "ana"), (&two.ben, "ben")].map(|(who, name)| {
            who.write("all.yaml", objects(&format!("{name}-{n}")));
            (who.commit(name), spawn(who.git_command(&["push", "origin", "main"])))
        });
        let [(ana, one), (ben, two_)] = revisions;
        let said = [one.finish().succeeds(), two_.finish().succeeds()];
        two.production.at_rest();
        for (setup, revision) in [(&two.production.setup, ana), (&two.other, ben)] {
            let outcomes = setup.outcomes(&revision);
            assert_eq!(outcomes, ["production deployed"], "{}{}", said[0], said[1]);
        }
    }
    let written = two.written(mark);
    assert!(never_two(&written) >= 4, "{written:#?}");
    let last = written.iter().rev().find_map(|request| request.split_once(" patch configmaps c-"));
    let last = last.expect("because both wrote").0;
    two.says(&format!("{last}-2"), "both");
}

#[test]
fn what_another_server_wrote_is_not_taken_for_what_ones_own_record_says() {
    let world = World::new();
    let two = Two::new(&world, None);
    let both = |who: &Clone<'_>, first: &str, second: &str| {
        who.write("all.yaml", objects(first));
        who.write(
            "more.yaml",
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: more}}\ndata: {{more: \"{second}\"}}\n"
            ),
        );
        who.commit("both");
        who.push(&["origin", "main"]).succeeds();
        two.production.at_rest();
    };
    both(&two.production.ana, "ana", "1");
    both(&two.ben, "ben", "1");
    two.says("ben", "the other");
    // Of this file nothing changes between Ana's revisions.
    both(&two.production.ana, "ana", "2");
    two.says("ana", "the first once more");
    // From then on only what changed is looked at.
    let mark = two.production.cluster.mark();
    both(&two.production.ana, "ana", "3");
    let asked = two.production.cluster.requests_since(mark);
    // The cluster is others', too.
    let here = asked.iter().filter(|request| request.namespace == two.production.namespace.name());
    let asked = here.filter(|request| request.is_of("instate/") && request.name.starts_with("c-"));
    assert_eq!(asked.count(), 0);
}

/// One server stands still, or is cut off from the cluster, in the middle of its writes; the other takes its place.
#[test]
fn a_server_whose_lease_ran_out_while_it_could_not_write_writes_no_more() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let two = Two::new(&world, Some(proxy.kubeconfig().to_owned()));
    let Two { production, other, ben } = &two;
    for how in ["stopped", "cut off"] {
        production.ana.write("all.yaml", objects(&format!("ana {how}")));
        let cut_off = production.ana.commit("ana");
        let mark = production.cluster.mark();
        let places = if how == "stopped" {
            format!("{SHORT};object-applied=2*off->1*return(stop)")
        } else {
            // The Lease, and some objects.
            proxy.cut_after(6);
            SHORT.to_owned()
        };
        let push = production.push_at(&production.ana, &places);
        let worker = (how == "stopped").then(|| production.stopped(&["hook", "worker"]));
        if worker.is_none() {
            let cuts = proxy.cuts();
            production.until("it is cut off", || proxy.cuts() > cuts);
        }
        ben.write("all.yaml", objects(&format!("ben {how}")));
        let taken = ben.commit("ben");
        let pushed = ben.push(&["origin", "main"]).succeeds();
        assert!(pushed.stderr.contains("deploys to this cluster"), "{how}: {pushed}");
        eventually("the worker has ended", || other.workers().is_empty());
        assert_eq!(other.outcomes(&taken), ["production deployed"], "{how}: {pushed}");

        let before = two.written(mark);
        let mark = production.cluster.mark();
        if let Some(worker) = worker {
            go_on(worker);
        }
        proxy.clear();
        let said = push.finish().succeeds();
        production.at_rest();
        assert_eq!(two.written(mark), Vec::<String>::new(), "{how}: {said}");
        let why = production.note(&cut_off);
        assert!(why.contains("another server "), "{how}: {why}");
        assert_eq!(production.outcomes(&cut_off), ["production diverged"], "{how}: {said}");
        never_two(&before);
        assert!(
            before.iter().any(|request| request.starts_with("ana patch configmaps")),
            "{how}: {before:#?}"
        );
        two.says(&format!("ben {how}"), how);
        // Whoever comes next brings all of it back.
        production.ana.write("all.yaml", objects(&format!("ana after {how}")));
        production.ana.commit("ana");
        production.ana.push(&["origin", "main"]).succeeds();
        production.at_rest();
        two.says(&format!("ana after {how}"), how);
    }
}
