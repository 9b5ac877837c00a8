//! What a push is refused for, and how it says so: before any ref moves, and with nothing deployed.

mod objects;
mod refs;
mod tree;
mod yaml;

use crate::common::{Clone, Shop, World, shop};

/// A way to break the shop: its name, the place that the person is shown, and how it is done.
type Way = (&'static str, &'static str, fn(&Clone));

/// Breaks the running shop in each way, one commit at a time, and pushes it.
fn each_is_refused(ways: &[Way]) {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let mut elsewhere = Vec::new();
    for (name, place, break_it) in ways {
        break_it(&shop.ana);
        shop.ana.commit(name);
        let seen = shop.refused(&["main"]);
        if !seen.lines().any(|line| line.trim_start() == format!("--> {place}")) {
            elsewhere.push(format!("{name}: not at {place}:\n{seen}"));
        }
        insta::assert_snapshot!(*name, seen);
        shop.reset();
    }
    assert!(elsewhere.is_empty(), "{}", elsewhere.join("\n"));
}

/// A way that replaces some text of a file.
macro_rules! ways {
    ($($name:literal in $file:literal $place:literal: $from:expr => $to:expr,)+) => {
        &[$(($name, concat!($file, ":", $place), |clone| {
            crate::common::shop::replace(clone, $file, $from, $to);
        }),)+]
    };
}
use ways;

#[test]
fn the_shop_is_deployed_as_it_is() {
    let world = World::new();
    let setup = crate::common::Setup::new(&world);
    let ana = setup.clone("ana");
    shop::copy(&shop::fixture(), ana.dir());
    let revision = ana.commit("The shop");
    let pushed = ana.push(&["origin", "main"]).succeeds();
    insta::assert_snapshot!(shop::seen(&world, &pushed).replace(&revision[..7], "1a2b3c4"));
    setup.idle();
    let running: Vec<String> = setup.running().into_keys().collect();
    assert_eq!(
        running,
        [
            "access/tidy-carts.yaml",
            "jobs/tidy-carts.yml",
            "keys.yaml",
            "settings.yaml",
            "shop.yaml",
            "web.json"
        ]
    );
}
