//! Many who push to one environment while its API server is killed and started again, its answers are lost, and
//! clients die: every accepted revision has one outcome, and the last one runs.
//!
//! A sample takes some seconds; `INSTATE_CHAOS=5m` (`just chaos 5`) takes so many minutes, `INSTATE_CHAOS_SEED` begins with another number.

use std::{
    collections::BTreeMap,
    fs,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::Production;
use crate::{
    common::{Clone, Cluster, Proxy, World, lock_files, signal, spawn},
    reading::dice::Dice,
};

const CLIENTS: usize = 8;
/// Of the requests, so many get no answer that is worth anything.
const SPOILT: f64 = 0.05;

fn duration() -> Duration {
    let Ok(asked) = std::env::var("INSTATE_CHAOS") else { return Duration::from_secs(20) };
    let minutes = asked.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok());
    Duration::from_secs(60 * minutes.expect("INSTATE_CHAOS is as 5m"))
}

fn seed() -> u64 {
    let asked = std::env::var("INSTATE_CHAOS_SEED").ok();
    asked.map_or(1, |seed| seed.parse().expect("INSTATE_CHAOS_SEED is a number"))
}

#[derive(Debug, Default)]
struct Figures {
    pushes: usize,
    accepted: usize,
    killed: usize,
    lost_the_race: usize,
    later: usize,
    restarts: usize,
}

fn config(name: &str, token: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{token: {token}}}\n")
}

/// Pushes until it is over: a file of the client's own that changes, and one that comes and goes.
fn push_until(who: &Clone<'_>, name: &str, deadline: Instant, mut dice: Dice, all: &Mutex<Figures>) {
    for n in 0.. {
        if Instant::now() >= deadline {
            return;
        }
        who.git(&["fetch", "--quiet", "origin", "main"]).succeeds();
        who.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]).succeeds();
        let token = format!("{name}-{n}");
        who.write(format!("{name}.yaml"), config(name, &token));
        let now_and_then = format!("{name}-more.yaml");
        match who.dir().join(&now_and_then).exists() {
            true => drop(who.git(&["rm", "--quiet", &now_and_then]).succeeds()),
            false => who.write(&now_and_then, config(&format!("{name}-more"), &token)),
        }
        who.commit(&token);
        let push = spawn(who.git_command(&["push", "origin", "main"]));
        let dies = dice.roll(5) == 0;
        if dies {
            thread::sleep(Duration::from_millis(dice.roll(1500) as u64));
            match dice.roll(2) {
                0 => push.signal(Signal::KILL),
                _ => signal(push.id(), Signal::KILL),
            }
        }
        let pushed = push.finish();
        if dies {
            // As git asks of whoever killed it.
            lock_files(&who.dir().join(".git"))
                .iter()
                .for_each(|lock| fs::remove_file(lock).expect("it is ours"));
        }
        let mut all = all.lock().unwrap();
        all.pushes += 1;
        let words = pushed.stderr.replace("\nremote: instate: ", " ").replace("        ", "");
        let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
        if dies && pushed.code != Some(0) {
            all.killed += 1;
        } else if pushed.code == Some(0) {
            all.accepted += 1;
        } else if says(&[
            "fetch first",
            "cannot lock ref",
            "failed to update ref",
            "another push was quicker",
        ]) {
            all.lost_the_race += 1;
        } else {
            assert!(says(&["Try again later"]), "{name}: {pushed}");
            all.later += 1;
        }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "figures, for whoever runs it for minutes")]
fn eight_who_push_while_clients_and_the_api_server_die_get_one_outcome_each_and_the_last_one_runs() {
    let (seed, world) = (seed(), World::new());
    println!("INSTATE_CHAOS_SEED={seed}");
    let cluster = Cluster::start();
    let proxy = Proxy::of(&cluster);
    let production = Production::on(&world, &cluster, |configuration| {
        configuration.kubeconfig = proxy.kubeconfig().to_owned();
        configuration.timeout = "100s";
    });
    production.deploys(&[("first.yaml", &config("first", "first"))]);
    let setup = &production.setup;
    let clients: Vec<_> =
        (0..CLIENTS).map(|n| format!("c{n}")).map(|name| (setup.clone(&name), name)).collect();
    let all = Mutex::new(Figures::default());
    let (began, mut dice) = (Instant::now(), Dice::new(seed));
    let deadline = began + duration();
    proxy.mix(SPOILT);
    thread::scope(|scope| {
        let all = &all;
        for (n, (clone, name)) in clients.iter().enumerate() {
            let dice = Dice::new(seed + 1 + n as u64);
            scope.spawn(move || push_until(clone, name, deadline, dice, all));
        }
        while Instant::now() < deadline {
            thread::sleep(Duration::from_millis(3000 + dice.roll(5000) as u64));
            cluster.stop_apiserver();
            thread::sleep(Duration::from_millis(dice.roll(3000) as u64));
            cluster.start_apiserver();
            all.lock().unwrap().restarts += 1;
        }
    });
    proxy.clear();
    setup.at_rest();
    setup.instate(&["resume"]).succeeds();
    let tip = setup.is_recorded("chaos");
    assert_eq!(setup.open(), Vec::<String>::new(), "intents without an end");

    let accepted = world.git(&setup.repo, &["rev-list", "main"]).succeeds().stdout;
    let mut ends = BTreeMap::<String, usize>::new();
    for revision in accepted.lines() {
        let outcomes = setup.outcomes(revision);
        assert_eq!(outcomes.len(), 1, "{revision}: {}", setup.note(revision));
        *ends.entry(outcomes[0].replace("production ", "")).or_default() += 1;
    }
    let declared: BTreeMap<String, String> = setup
        .declared(&tip)
        .into_iter()
        .map(|(file, text)| (file.replace(".yaml", ""), text))
        .map(|(name, text)| {
            (name, text.split("token: ").nth(1).unwrap_or("?").trim_end_matches("}\n").into())
        })
        .collect();
    let names: Vec<String> = declared.keys().map(|name| format!("ConfigMap/{name}")).collect();
    production.holds_exactly(names.iter().map(String::as_str), "chaos");
    let found = production.namespace.get(&["configmaps"]);
    for item in found["items"].as_array().expect("because it is a list") {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(token) = declared.get(name) {
            assert_eq!(item["data"]["token"], **token, "{name}");
        }
    }
    let leases = production.namespace.get(&["leases"]);
    assert_eq!(leases["items"][0]["spec"]["holderIdentity"], "", "{leases}");
    let (figures, spoilt) = (all.into_inner().unwrap(), proxy.cuts());
    assert!(figures.accepted > 0 && figures.restarts > 0, "{figures:?}");
    println!(
        "{:.0?}: {figures:?}, {} revisions landed: {ends:?}, {spoilt} requests cut off",
        began.elapsed(),
        accepted.lines().count()
    );
}
