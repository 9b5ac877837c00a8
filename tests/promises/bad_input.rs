//! What the server's side can get wrong: the push is refused, nothing is half done, and the message says
//! whose fault it is and what to do.

mod commands;
mod configuration;
mod disk;
mod folder;
mod journal;

use crate::common::{Clone, SERVICE, Setup, WEB, World, shop};

/// An environment with something to push.
fn with_web(world: &World) -> (Setup<'_>, Clone<'_>) {
    let setup = Setup::new(world);
    let ana = setup.clone("ana");
    ana.write("web.yaml", WEB);
    ana.commit("web");
    (setup, ana)
}

/// An environment that runs one revision, with another one to push; and the revision that runs.
fn running_web(world: &World) -> (Setup<'_>, Clone<'_>, String) {
    let (setup, ana) = with_web(world);
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    let runs = setup.deployed().expect("it was deployed");
    ana.write("service.yaml", SERVICE);
    ana.commit("service");
    (setup, ana, runs)
}

/// What a person sees of a push that the server cannot judge.
#[track_caller]
fn shut(setup: &Setup, ana: &Clone) -> String {
    let seen = shop::refused(setup, ana, &["main"]);
    assert!(seen.contains("This is the server's fault, not your push's"), "{seen}");
    seen
}
