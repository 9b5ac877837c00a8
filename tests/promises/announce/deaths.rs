//! Whoever dies, what is to be announced is, under its one name.

use rustix::process::Signal;

use super::{all_is_said, announce, deployed_after_a_word, id, kind, pushed_at, waiting, webhook};
use crate::common::{Receiver, Reply, Setup, World, go_on, signal};

#[test]
fn whoever_dies_what_was_not_said_is_said_by_the_next_under_the_same_name() {
    for point in [
        // Who sends dies before it, or before it knows that it was taken.
        "announcing=return(kill)",
        "announced=return(kill)",
        // The worker dies when it has left the note that it begins, or that it ended, and later.
        "outbox-filled=return(kill)",
        "outbox-filled=1*off->return(kill)",
        "outcome-journalled=return(kill)",
        "recorded=return(kill)",
        "journal-appended=2*off->return(kill)",
        "all-said=return(kill)",
    ] {
        let world = World::new();
        let setup = Setup::new(&world);
        let ana = setup.clone("ana");
        let receiver = Receiver::start([]);
        announce(&setup, &webhook(&world, &receiver));
        let (revision, _) = pushed_at(&setup, &ana, 3, point);
        setup.at_rest();
        assert!(!point.starts_with("announcing") || receiver.heard().is_empty(), "{point}");
        setup.instate(&["resume"]).succeeds();
        all_is_said(&setup);
        let heard = receiver.heard();
        let last = heard.last().unwrap_or_else(|| panic!("{point}: nothing was said"));
        assert_eq!(kind(last), "deployment.ended", "{point}");
        assert_eq!(last.json()["data"]["revision"], revision, "{point}");
        let mut names: Vec<String> = heard.iter().map(id).collect();
        names.sort();
        names.dedup();
        assert!(names.len() <= 2, "{point}: {names:?}");
        // Nothing is left, and nothing more is said.
        setup.instate(&["resume"]).succeeds();
        setup.at_rest();
        assert_eq!(receiver.heard().len(), heard.len(), "{point}");
        setup.is_whole(point);
    }
}

#[test]
fn what_is_to_be_said_just_when_all_was_said_is_not_forgotten() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([]);
    announce(&setup, &webhook(&world, &receiver));
    pushed_at(&setup, &ana, 3, "all-said=1*return(stop)");
    let stopped = setup.stopped(&["hook", "announce"]);
    // Whoever deploys sees that somebody announces, and leaves it to them.
    let (next, _) = pushed_at(&setup, &ana, 4, "");
    setup.idle();
    let others = || setup.processes(&["hook", "announce"]).into_iter().filter(|id| *id != stopped).count();
    setup.until("nobody else announces", || others() == 0);
    assert!(!waiting(&setup).is_empty());
    go_on(stopped);
    all_is_said(&setup);
    assert_eq!(receiver.heard().last().unwrap().json()["data"]["revision"], next);
}

#[test]
fn whoever_is_killed_while_it_waits_for_an_answer_is_taken_up_by_resume() {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    let receiver = Receiver::start([Reply::With(204, "", ""), Reply::Hang]);
    announce(&setup, &webhook(&world, &receiver));
    deployed_after_a_word(&setup, &ana, &receiver, "announce-timeout=return(100000)");
    let hung = id(&receiver.hears(2)[1]);
    setup.idle();
    // Another one may just see that it is not needed.
    let senders = || setup.processes(&["hook", "announce"]);
    setup.until("one is left", || senders().len() == 1);
    senders().into_iter().for_each(|id| signal(id, Signal::KILL));
    setup.until("nobody is left", || senders().is_empty());
    setup.idle();
    let status = setup.instate(&["status"]);
    assert!(status.stdout.contains("nobody sends it: instate resume"), "{status}");
    let silent = setup.instate(&["resume"]).succeeds();
    assert_eq!(silent.all(), "");
    all_is_said(&setup);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(id(&heard[2]), hung);
}
