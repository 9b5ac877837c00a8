//! What was changed past Git is shown, and put right when somebody says so.

use std::fs;

use crate::common::{Setup, WEB, World};

#[test]
fn a_folder_that_somebody_changed_is_shown_and_healed() {
    let world = World::new();
    let setup = Setup::new(&world);
    let nothing = setup.instate(&["drift"]);
    assert_eq!(nothing.code, Some(1), "{nothing}");
    assert!(nothing.stderr.contains("nothing runs in production yet"), "{nothing}");

    let revision = setup.runs_web().1;
    let shown = |stdout: &str| stdout.replace(&revision[..7], "1a2b3c4");
    insta::assert_snapshot!("drift_none", shown(&setup.instate(&["drift"]).succeeds().stdout));

    fs::write(setup.folder.join("web.yaml"), "changed").expect("because the world is ours");
    let drifted = setup.instate(&["drift", "production"]);
    assert_eq!(drifted.code, Some(1), "{drifted}");
    insta::assert_snapshot!("drift_changed", shown(&drifted.stdout));
    assert_eq!(setup.running()["web.yaml"], "changed", "only looked at");

    let healed = setup.instate(&["drift", "--heal"]).succeeds();
    insta::assert_snapshot!("drift_healed", shown(&healed.stdout));
    setup.idle();
    assert_eq!(setup.running()["web.yaml"], WEB);
    setup.instate(&["drift"]).succeeds();
    assert!(setup.note(&revision).contains("(instate drift --heal)"), "{}", setup.note(&revision));
}

#[test]
fn what_runs_is_not_healed_where_it_is_not_the_tip() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.runs_web().0;
    // A revision that came to nothing.
    ana.write("web.yaml", WEB.replace("replicas: 2", "replicas: 3"));
    ana.commit("more");
    let pushing = setup.push_at(&ana, "worker-locked=return(stop)");
    let worker = setup.stopped(&["hook", "worker"]);
    fs::write(setup.folder.join("web.yaml"), "changed").expect("because the world is ours");
    let refused = setup.instate(&["drift", "--heal"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("which is not the tip of main"), "{refused}");
    assert_eq!(setup.running()["web.yaml"], "changed");
    crate::common::go_on(worker);
    pushing.finish().succeeds();
    setup.at_rest();
}
