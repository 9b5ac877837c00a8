//! What a file may silence about itself, and what the server lets it.

use crate::common::{
    Shop, World,
    shop::{replace, seen},
};

#[test]
fn comments_to_instate_are_obeyed_to_the_letter_or_refuse_the_push() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kind: ConfigMap # instate: allow I0301: once");
    replace(&shop.ana, "shop.yaml", "\nkind: ", "\n# instate: allow I9999: it is another number\nkind: ");
    replace(
        &shop.ana,
        "keys.yaml",
        "kind: Secret",
        "kind: Secret\nkind: Secret # instate: allow I0122: we know",
    );
    shop.ana.commit("Silence");
    insta::assert_snapshot!(shop.refused(&["main"]));
}

#[test]
fn the_servers_configuration_says_what_may_be_silenced() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let configuration = shop.setup.configuration();
    shop.setup.configure(&format!("{}\n    policy: {{silence: [I0406]}}\n", configuration.trim_end()));
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kind: ConfigMap # instate: allow I0301: once");
    shop.ana.commit("Silence");
    insta::assert_snapshot!(shop.refused(&["main"]));
}

#[test]
fn a_warning_that_is_silenced_with_a_reason_is_not_said_again() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let pod = |comment: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: once}}\nspec:\n  serviceAccountName: batch{comment}\n  \
             containers: [{{name: once, image: \"registry.example/once:1\"}}]\n"
        )
    };
    let pushed = |comment: &str| {
        shop.ana.write("once.yaml", pod(comment));
        let revision = shop.ana.commit(&format!("Once{comment}"));
        let pushed = shop.ana.push(&["origin", "main"]).succeeds();
        shop.setup.idle();
        seen(&world, &pushed).replace(&revision[..7], "2b3c4d5").replace(&shop.good[..7], "1a2b3c4")
    };
    insta::assert_snapshot!(pushed(""));
    assert!(!pushed(" # instate: allow I0308: the operator makes it").contains("I0308"));
}
