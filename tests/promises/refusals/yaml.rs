//! Text that Kubernetes could not read, or would read as something else.

use super::{Way, each_is_refused, ways};
use crate::common::{Clone, Shop, World, shop::replace};

const IMAGE: &str = "        image: ghcr.io/corner-shop/storefront:4.2.0\n";

#[test]
fn a_line_out_of_place_is_shown_with_where_it_belongs() {
    const WAYS: &[Way] = ways! {
        "indented_too_little" in "shop.yaml" "22:8": IMAGE => &IMAGE[1..],
        "indented_too_much" in "shop.yaml" "22:11": IMAGE => &format!("  {IMAGE}"),
        "first_line_indented" in "shop.yaml" "60:1": "---\n# catalog: what there is to buy\n" => "---\n ",
        "item_out_of_its_column" in "shop.yaml" "28:8": "        - name: CART\n" => "       - name: CART\n",
        "tab_as_indentation" in "shop.yaml" "10:1": "  replicas: 3" => "\treplicas: 3",
        "tab_before_the_first_line" in "shop.yaml" "60:1": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: catalog" => "\tapiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: catalog",
        "tab_behind_blanks" in "shop.yaml" "10:3": "  replicas: 3" => "  \treplicas: 3",
        "separator_indented" in "shop.yaml" "58:2": "---\n# catalog" => " ---\n# catalog",
        "separator_too_long" in "shop.yaml" "58:1": "---\n# catalog" => "----\n# catalog",
        "mapping_among_items" in "shop.yaml" "11:3": "  replicas: 3" => "  - replicas: 3",
        "item_without_blank" in "shop.yaml" "28:9": "        - name: CART" => "        -name: CART",
    };
    each_is_refused(WAYS);
}

#[test]
fn what_was_opened_and_not_closed_is_shown_where_it_opens() {
    const WAYS: &[Way] = ways! {
        "quote_closed_by_a_later_one" in "shop.yaml" "27:18": "\"http://catalog:3550\"" => "\"http://catalog:3550",
        "quote_never_closed" in "shop.yaml" "40:27": "{cpu: 100m, memory" => "{cpu: \"100m, memory",
        "quote_in_quotes" in "shop.yaml" "27:22": "\"http://catalog:3550\"" => "'it's'",
        "bracket_never_closed" in "shop.yaml" "33:15": "\"/templates\"]" => "\"/templates\"",
        "brace_never_closed" in "shop.yaml" "8:11": "part-of: shop}" => "part-of: shop",
        "brace_never_closed_over_lines" in "shop.yaml" "8:11":
            "labels: {app.kubernetes.io/name: storefront, app.kubernetes.io/part-of: shop}" =>
            "labels: {\n    app.kubernetes.io/name: storefront",
        "brace_closed_by_a_bracket" in "shop.yaml" "8:11": "part-of: shop}" => "part-of: shop]",
        "brace_too_many" in "shop.yaml" "8:80": "part-of: shop}" => "part-of: shop}}",
        "comma_missing_in_json" in "web.json" "3:3": "\"networking.k8s.io/v1\"," => "\"networking.k8s.io/v1\"",
        "brace_missing_in_json" in "web.json" "1:1": "{\"name\": \"shop\"}," => "{\"name\": \"shop\",",
    };
    each_is_refused(WAYS);
}

#[test]
fn a_value_that_yaml_reads_as_something_else_is_shown_with_the_quotes_it_needs() {
    const WAYS: &[Way] = ways! {
        "colon_missing" in "shop.yaml" "10:3": "replicas: 3" => "replicas 3",
        "blank_behind_the_colon_missing" in "shop.yaml" "10:3": "replicas: 3" => "replicas:3",
        "second_colon" in "shop.yaml" "22:23": "ghcr.io/corner-shop" => "ghcr.io: corner-shop",
        "alias_unknown" in "jobs/tidy-carts.yml" "6:13": "\"15 3 * * *\"" => "*/15 3 * * *",
        "alias_inside_itself" in "shop.yaml" "9:23": "spec:" => "  annotations: &a {b: *a}\nspec:",
        "value_begins_with_at" in "settings.yaml" "6:14": "mail.corner" => "@corner",
        "backslash" in "shop.yaml" "27:21": "\"http://catalog:3550\"" => "\"C:\\shop\"",
        "comment_without_blank" in "shop.yaml" "27:39": "\"http://catalog:3550\"" => "\"http://catalog:3550\"# here",
        "template_as_value" in "shop.yaml" "10:13": "replicas: 3" => "replicas: {{ .Values.replicas }}",
        "template_as_line" in "shop.yaml" "10:1": "  replicas: 3" => "{{- if .Values.many }}\n  replicas: 3",
        "directive" in "shop.yaml" "2:1": "---\n" => "%YAML 1.2\n---\n",
        "mapping_as_key" in "shop.yaml" "10:5": "  replicas: 3" => "  ? replicas: 3",
        "tag_that_does_not_fit" in "settings.yaml" "6:20": "  smtp-host: " => "  smtp-host: !!int ",
        "number_without_end" in "shop.yaml" "10:13": "replicas: 3" => "replicas: .inf",
        "question_mark_between_brackets" in "shop.yaml" "33:52": "\"/templates\"]" => "http://catalog/?a=b]",
        "escape_of_json" in "settings.yaml" "6:15": "  smtp-host: " => "  smtp-host: \"\\ud83d\\ude00\" # ",
        "tab_in_an_empty_line" in "shop.yaml" "11:1": "  replicas: 3\n" => "  replicas: 3\n\t\n",
        "tab_first_in_a_block" in "settings.yaml" "7:5": "  smtp-host: " => "  motto: |\n    \tall at once\n  smtp-host: ",
        "hidden_line_break" in "settings.yaml" "6:14": "  smtp-host: " => "  # see below\u{2028}  smtp-host: ",
        "byte_order_mark_within" in "shop.yaml" "59:1": "# catalog" => "\u{feff}# catalog",
        "nested_without_end" in "shop.yaml" "10:114": "replicas: 3" => &format!("replicas: {}", "[".repeat(200)),
    };
    each_is_refused(WAYS);
}

#[test]
fn what_kubernetes_tools_would_silently_drop_is_refused() {
    const WAYS: &[Way] = ways! {
        "key_twice" in "shop.yaml" "11:3": "  replicas: 3\n" => "  replicas: 3\n  replicas: 2\n",
        "document_after_dots" in "shop.yaml" "60:1": "---\n# catalog" => "...\n# catalog",
        "text_after_dashes" in "shop.yaml" "58:1": "---\n# catalog: what there is to buy\n" => "--- ",
        "keys_become_one" in "settings.yaml" "7:3": "  smtp-host" => "  yes: a\n  \"true\": b\n  smtp-host",
        "merge_over_a_key" in "settings.yaml" "8:3": "  smtp-host" => "  a: 1\n  b: &b {a: 2}\n  <<: *b\n  smtp-host",
        "merge_of_a_text" in "settings.yaml" "6:7": "  smtp-host" => "  <<: common\n  smtp-host",
        "dots_before_anything" in "settings.yaml" "1:1": "apiVersion" => "...\napiVersion",
        "carriage_returns_alone" in "settings.yaml" "1:6": "apiVersion" => "a: 1\r---\rapiVersion",
        "merge_conflict" in "shop.yaml" "10:1":
            "  replicas: 3\n" => "<<<<<<< HEAD\n  replicas: 3\n=======\n  replicas: 5\n>>>>>>> more\n",
    };
    each_is_refused(WAYS);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_never_reach_the_terminal() {
    fn with(clone: &Clone, bytes: &[u8]) {
        let file = clone.dir().join("settings.yaml");
        let text = std::fs::read(&file).expect("because the file is there");
        clone.write("settings.yaml", [&text[..], b"  motto: ", bytes, b"\n"].concat());
    }
    const WAYS: &[Way] = &[
        ("bytes_not_utf8", "settings.yaml:11:13", |clone| with(clone, b"caf\xe9 au lait")),
        ("bytes_nul", "settings.yaml:11:11", |clone| with(clone, b"a\0b")),
        ("bytes_escape_sequence", "settings.yaml:11:11", |clone| with(clone, b"\"\x1b[31mred\x1b[0m\"")),
        ("bytes_utf16", "settings.yaml", |clone| {
            let text = "apiVersion: v1\n".encode_utf16().flat_map(u16::to_le_bytes);
            clone.write("settings.yaml", b"\xff\xfe".iter().copied().chain(text).collect::<Vec<_>>());
        }),
        ("bytes_utf16_without_a_mark", "settings.yaml", |clone| {
            let text: Vec<u8> = "apiVersion: v1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
            clone.write("settings.yaml", text);
        }),
        ("object_name_with_control_characters", "settings.yaml:4:9", |clone| {
            replace(clone, "settings.yaml", "name: shop-settings", "name: \"shop\\e[2J\\u202Esettings\"");
        }),
        ("object_name_with_bidirectional_marks", "settings.yaml:4:9", |clone| {
            replace(clone, "settings.yaml", "name: shop-settings", "name: shop\u{202e}settings\u{2066}");
        }),
        ("bidirectional_marks_beside_an_error", "settings.yaml:12:3", |clone| {
            with(clone, "\u{202e}detrever\n  motto: again\u{2066}".as_bytes());
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn what_would_take_a_server_down_is_refused_with_a_reason() {
    const WAYS: &[Way] = &[
        ("alias_bomb", "bomb.yaml:4:25", |clone| {
            let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
            for level in 1..100 {
                let of = vec![format!("*a{}", level - 1); 9].join(", ");
                text.push_str(&format!("a{level}: &a{level} [{of}]\n"));
            }
            clone.write("bomb.yaml", text);
        }),
        ("merge_bomb", "bomb.yaml:384:8", |clone| {
            let entries: String = (0..200).map(|n| format!("k{n}: 1, ")).collect();
            clone.write("bomb.yaml", format!("- &a {{{entries}}}\n{}", "- {<<: *a}\n".repeat(100_000)));
        }),
        ("ten_thousand_brackets", "deep.json:1:102", |clone| {
            clone.write("deep.json", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
        }),
        ("ten_thousand_levels_of_lines", "deep.yaml:101:101", |clone| {
            let lines: String =
                (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level % 1000))).collect();
            clone.write("deep.yaml", lines);
        }),
        ("hundred_thousand_documents", "many.yaml:100001:1", |clone| {
            clone.write("many.yaml", "---\n# nothing\n".repeat(100_000));
        }),
        ("too_many_values", "many.yaml:2:1000000", |clone| {
            clone.write("many.yaml", format!("---\n[{}]\n", "1,".repeat(900_000)));
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn all_errors_of_all_files_are_counted_and_shown_in_order_the_same_only_once() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let text = std::fs::read_to_string(shop.ana.dir().join("shop.yaml")).expect("because it is there");
    shop.ana.write("shop.yaml", text.replace("\n  name: ", "\n  name: The "));
    replace(&shop.ana, "settings.yaml", "kind: ConfigMap", "kin: ConfigMap");
    replace(&shop.ana, "web.json", "\"rules\": [", "\"rules\": ");
    replace(&shop.ana, "jobs/tidy-carts.yml", "spec:\n", "spec\n");
    shop.ana.commit("Many errors");
    insta::assert_snapshot!(shop.refused(&["main"]));
}

#[test]
fn the_value_of_a_secret_is_in_no_message() {
    const SECRETS: [&str; 2] = ["correct-horse-battery", "open-sesame-51"];
    let world = World::new();
    let shop = Shop::deployed(&world);
    let ways = [
        ("value", "session: correct", "session correct"),
        ("bracket", "session: correct", "session: [correct"),
        ("quote", "session: correct", "session: \"correct"),
        ("alias", "session: correct", "session: *correct"),
        (
            "twice",
            "  provider: open",
            "  correct-horse-battery: x\n  correct-horse-battery: y\n  provider: open",
        ),
        ("kind", "kind: Secret", "kind: Secret x"),
        ("indentation", "  provider: ", "   provider: "),
        ("item", "  session: correct", "  - correct"),
        ("missing", "apiVersion: v1\n", "# correct-horse-battery\n"),
        ("template", "session: correct", "session: {{ correct"),
        ("tab", "  session: correct", "\tsession: correct"),
        ("escape", "session: correct", "session: \"\\correct"),
        ("bytes", "session: correct", "session: \u{7}correct"),
        (
            "conflict",
            "  session: correct",
            "<<<<<<< correct-horse-battery\n=======\n>>>>>>> correct-horse-battery\n  session: correct",
        ),
    ];
    for (name, from, to) in ways {
        replace(&shop.ana, "keys.yaml", from, to);
        shop.ana.commit(name);
        let seen = shop.refused(&["main"]);
        assert!(SECRETS.iter().all(|secret| !seen.contains(&secret[..9])), "{name}:\n{seen}");
        insta::assert_snapshot!(format!("secret_{name}"), seen);
        shop.reset();
    }
}

#[test]
fn a_file_of_nothing_but_errors_is_refused_at_once() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let begin = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata:\n";
    shop.ana.write("a.yaml", format!("{begin}{}", "  key: value\n".repeat(200_000)));
    shop.ana.write("b.json", format!("{{{}}}\n", vec!["\"key\":1"; 200_000].join(",")));
    shop.ana.commit("Many errors");
    // Work that grows with the square of the errors would not end while the test waits for it.
    let seen = shop.refused(&["main"]);
    insta::assert_snapshot!(seen);
    shop.reset();
    shop.ana.write("b.json", format!("{{{}}}\n", vec!["\"key\":1"; 200_000].join(",")));
    shop.ana.commit("A long line");
    let seen = shop.refused(&["main"]);
    assert!(seen.contains("b.json:1:10\n"), "{seen}");
}
