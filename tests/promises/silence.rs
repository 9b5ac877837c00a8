//! What a file may silence about itself, and what the server lets it.

use crate::common::{Shop, World, shop::replace};

#[test]
fn comments_to_instate_are_obeyed_to_the_letter_or_refuse_the_push() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kind: ConfigMap # instate: allow I0301: once");
    replace(&shop.ana, "shop.yaml", "\nkind: ", "\n# instate: allow I0399: it is another number\nkind: ");
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
