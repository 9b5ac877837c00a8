//! An API server that is away, slow, busy or cut off: refused before acceptance, one outcome after it.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use insta::{Settings, assert_snapshot};

use super::Production;
use crate::common::{Cluster, Proxy, World, go_on, said, spawn};

/// So many objects as to be cut off among them.
fn objects(n: usize, value: &str) -> String {
    let mut text = String::new();
    for i in 0..n {
        write!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c-{i:02}}}\ndata: {{value: \"{value}\"}}\n"
        )
        .expect("it is a text");
    }
    text
}

/// An environment that reaches its cluster by a way that can be spoiled.
fn behind<'w>(world: &'w World, proxy: &Proxy, timeout: &'static str) -> Production<'w> {
    Production::with(world, |configuration| {
        configuration.kubeconfig = proxy.kubeconfig().to_owned();
        configuration.timeout = timeout;
    })
}

#[test]
fn a_push_is_refused_to_be_tried_again_later_while_the_cluster_cannot_be_asked() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "60s");
    production.deploys(&[("all.yaml", &objects(3, "1"))]);
    let spoil: [(&str, &dyn Fn()); 5] = [
        ("away", &|| proxy.cut(1.0)),
        ("slow", &|| proxy.delay(Duration::from_secs(20))),
        ("busy", &|| proxy.status(429, 1.0)),
        ("broken", &|| proxy.status(500, 1.0)),
        ("silent", &|| proxy.hold()),
    ];
    for (how, spoil) in spoil {
        spoil();
        // Somebody waits for it: a push that takes minutes fails the test.
        let seen = production.refused(&[("all.yaml", &objects(3, how))]);
        // How long that is, and in which words a connection ends, is the machine's to say.
        let words = seen.replace("\ninstate: ", " ");
        assert!(words.contains("refused: the cluster does not answer: "), "{how}: {seen}");
        assert!(words.contains("is not created") || words.contains("main stays at"), "{how}: {seen}");
        assert!(
            words.contains("help: try again later; is it up, and can this server reach it?"),
            "{how}: {seen}"
        );
        assert!(
            words.ends_with("This is the server's fault, not your push's. Try again later."),
            "{how}: {seen}"
        );
        if how == "busy" {
            assert_snapshot!(seen);
        }
        proxy.clear();
    }
    production.deploys(&[("all.yaml", &objects(3, "2"))]);
}

#[test]
fn a_cluster_at_the_end_of_a_slow_line_is_heard_to_the_end() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "60s");
    // What it says of its kinds is over a megabyte: longer than an answer may take to begin, and than one request
    // may be tried.
    proxy.slow(96 << 10);
    let began = Instant::now();
    production.deploys(&[("all.yaml", &objects(1, "1"))]);
    assert!(began.elapsed() > Duration::from_secs(16), "it was slow");
}

#[test]
fn a_cluster_that_stutters_is_deployed_to_all_the_same() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "60s");
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("429", &|| proxy.status(429, 0.2)),
        ("500", &|| proxy.status(500, 0.2)),
        ("cut", &|| proxy.cut(0.2)),
        ("lost", &|| proxy.cut_answer(3)),
    ];
    for (how, spoil) in spoil {
        spoil();
        production.deploys(&[("all.yaml", &objects(8, how))]);
        proxy.clear();
        let found = production.namespace.get(&["configmap", "c-07"]);
        assert_eq!(found["data"]["value"], how, "{found}");
        assert_eq!(production.inventory(), production.labelled(), "{how}");
    }
}

#[test]
fn a_cluster_that_goes_away_in_the_middle_is_waited_for() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "60s");
    production.deploys(&[("all.yaml", &objects(20, "1"))]);
    // The Lease is the first write, then come the objects, and at last the Lease again.
    for after in [1, 2, 8, 20, 21] {
        let value = format!("after {after}");
        let id = production.commit(&[("all.yaml", &objects(20, &value))]);
        proxy.cut_after(after);
        let push = spawn(production.ana.git_command(&["push", "origin", "main"]));
        let cuts = proxy.cuts();
        // Long enough that it is tried again.
        production.until("it is cut off", || proxy.cuts() > cuts + 2 || push_is_over(&production, &id));
        proxy.clear();
        let pushed = push.finish().succeeds();
        production.at_rest();
        assert_eq!(production.outcomes(&id), ["production deployed"], "{after}: {pushed}");
        assert_eq!(production.namespace.get(&["configmap", "c-19"])["data"]["value"], *value, "{after}");
        assert_eq!(production.inventory(), production.labelled(), "{after}");
    }
}

#[test]
fn a_cluster_that_is_away_for_longer_than_a_lease_is_waited_for_while_nobody_else_took_it() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "60s");
    production.deploys(&[("all.yaml", &objects(40, "1"))]);
    let id = production.commit(&[("all.yaml", &objects(40, "2"))]);
    // The Lease, and some objects.
    proxy.cut_after(8);
    let push = production.push_at(&production.ana, "lease-seconds=return(4)");
    production.until("it is cut off", || proxy.cuts() > 0);
    let cut_off = Instant::now();
    production.until("the Lease has run out", || cut_off.elapsed() > Duration::from_secs(5));
    proxy.clear();
    let pushed = push.finish().succeeds();
    production.at_rest();
    assert_eq!(production.outcomes(&id), ["production deployed"], "{pushed}");
    assert_eq!(production.inventory(), production.labelled());
}

fn push_is_over(production: &Production<'_>, id: &str) -> bool {
    !production.outcomes(id).is_empty()
}

#[test]
fn a_cluster_that_stays_away_ends_a_deployment_with_one_outcome_and_the_next_one_mends_it() {
    let world = World::new();
    let proxy = Proxy::of(Cluster::shared());
    let production = behind(&world, &proxy, "4s");
    production.deploys(&[("all.yaml", &objects(20, "1"))]);
    let before = production.deployed();
    // In the middle of the writing: neither the old revision runs nor the new one.
    let id = production.commit(&[("all.yaml", &objects(20, "2"))]);
    proxy.cut_after(8);
    let pushed = production.push().succeeds();
    proxy.clear();
    production.at_rest();
    assert_eq!(production.outcomes(&id), ["production diverged"], "{pushed}");
    assert_eq!(production.deployed(), before);
    let seen = production.seen(&pushed);
    let last: Vec<&str> = seen.lines().skip_while(|line| !line.contains("diverged")).collect();
    let mut settings = Settings::clone_current();
    // Several are written at once, and which of them came through is chance.
    settings.add_filter(r"c-\d\d", "c-NN");
    settings.bind(|| assert_snapshot!(last.join("\n")));
    // Going back is going to a revision: also from here.
    production.ana.git(&["revert", "--no-edit", "HEAD"]).succeeds();
    let reverted = production.push().succeeds();
    assert!(said(&reverted, "deployed: production runs"), "{reverted}");
    for n in [0, 19] {
        let found = production.namespace.get(&["configmap", &format!("c-{n:02}")]);
        assert_eq!(found["data"]["value"], "1", "{found}");
    }
    assert_eq!(production.inventory(), production.labelled());
}

#[test]
fn an_api_server_that_is_restarted_under_a_deployment_is_waited_for() {
    let world = World::new();
    let cluster = Cluster::start();
    let production = Production::on(&world, &cluster, |configuration| configuration.timeout = "60s");
    production.deploys(&[("all.yaml", &objects(10, "1"))]);
    for point in ["planned", "listed", "object-applied=4*off->1*return(stop)", "applied"] {
        let id = production.commit(&[("all.yaml", &objects(10, point))]);
        let point = if point.contains('=') { point.to_owned() } else { format!("{point}=return(stop)") };
        let push = production.push_at(&production.ana, &point);
        let worker = production.stopped(&["hook", "worker"]);
        cluster.stop_apiserver();
        go_on(worker);
        cluster.start_apiserver();
        let pushed = push.finish().succeeds();
        production.at_rest();
        assert_eq!(production.outcomes(&id), ["production deployed"], "{point}: {pushed}");
        assert_eq!(production.inventory(), production.labelled(), "{point}");
    }
}

#[test]
fn another_servers_lease_is_waited_for_until_it_is_given_back_or_runs_out() {
    let world = World::new();
    let production = Production::new(&world);
    production.deploys(&[("all.yaml", &objects(1, "1"))]);
    let lease = production.inventory_object()["metadata"]["name"].as_str().expect("it has one").to_owned();
    let holds = |seconds: u32| {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
        let patch = format!(
            r#"{{"spec": {{"holderIdentity": "elsewhere/0", "leaseDurationSeconds": {seconds}, "renewTime": "{now}"}}}}"#
        );
        production
            .namespace
            .kubectl(&["patch", "lease", &lease, "--type=merge", "--patch", &patch])
            .succeeds();
    };
    // One that is not renewed runs out, by this server's own clock.
    holds(2);
    let (_, seen) = production.deploys(&[("all.yaml", &objects(1, "2"))]);
    assert!(seen.contains("waiting: elsewhere/0 deploys to this cluster"), "{seen}");

    holds(3600);
    let id = production.commit(&[("all.yaml", &objects(1, "3"))]);
    let mark = production.cluster.mark();
    let push = spawn(production.ana.git_command(&["push", "origin", "main"]));
    push.wait_for("waiting: elsewhere/0 deploys to this cluster");
    assert_eq!(production.writes_since(mark), Vec::<String>::new());
    production
        .namespace
        .kubectl(&[
            "patch",
            "lease",
            &lease,
            "--type=merge",
            "--patch",
            r#"{"spec": {"holderIdentity": ""}}"#,
        ])
        .succeeds();
    let pushed = push.finish().succeeds();
    production.at_rest();
    assert_eq!(production.outcomes(&id), ["production deployed"], "{pushed}");
    // And it is given back at the end.
    let left = production.namespace.get(&["lease", &lease]);
    assert_eq!(left["spec"]["holderIdentity"], "", "{left}");
}
