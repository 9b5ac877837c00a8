//! YAML that is no Kubernetes object, or one that could not stand beside the others.

use super::{Way, each_is_refused, ways};

#[test]
fn an_object_that_lacks_what_every_object_has_is_shown_with_what_to_add() {
    const WAYS: &[Way] = ways! {
        "api_version_misspelt" in "settings.yaml" "1:1": "apiVersion" => "apiversion",
        "api_version_missing" in "settings.yaml" "1:1": "apiVersion: v1\n" => "",
        "api_version_wrong" in "shop.yaml" "4:13": "apps/v1" => "apps/V1/beta",
        "kind_missing" in "settings.yaml" "1:1": "kind: ConfigMap\n" => "",
        "kind_with_a_blank" in "settings.yaml" "2:7": "ConfigMap" => "Config Map",
        "kind_empty" in "settings.yaml" "2:1": "kind: ConfigMap" => "kind:",
        "name_missing" in "settings.yaml" "4:3": "  name: shop-settings" => "  nmae: shop-settings",
        "name_beside_metadata" in "settings.yaml" "4:1": "  name: shop-settings\n" => "name: shop-settings\n",
        "name_removed" in "settings.yaml" "3:1": "  name: shop-settings\n" => "  labels: {}\n",
        "name_a_mapping" in "settings.yaml" "4:3": "  name: shop-settings\n" => "  name:\n    shop: settings\n",
        "name_a_number" in "settings.yaml" "4:9": "shop-settings" => "2026",
        "name_with_capitals" in "settings.yaml" "4:9": "shop-settings" => "Shop_Settings",
        "name_generated" in "jobs/tidy-carts.yml" "4:3": "  name: tidy-carts\n" => "  generateName: tidy-carts-\n",
        "metadata_missing" in "settings.yaml" "1:1": "metadata:\n  name: shop-settings\n" => "",
        "metadata_misspelt" in "settings.yaml" "3:1": "metadata:" => "metdata:",
        "metadata_not_a_mapping" in "settings.yaml" "3:11": "metadata:\n  name: shop-settings" => "metadata: shop-settings",
        "namespace_a_boolean" in "settings.yaml" "5:14": "  name: shop-settings\n" => "  name: shop-settings\n  namespace: on\n",
    };
    each_is_refused(WAYS);
}

#[test]
fn a_list_is_looked_into() {
    const WAYS: &[Way] = ways! {
        "items_not_a_sequence" in "access/tidy-carts.yaml" "3:8": "items:\n- apiVersion" => "items: none\nrest:\n- apiVersion",
        "object_in_a_list_without_kind" in "access/tidy-carts.yaml" "4:3": "  kind: ServiceAccount\n" => "",
        "text_in_a_list" in "access/tidy-carts.yaml" "4:3": "items:\n" => "items:\n- tidy-carts\n",
    };
    each_is_refused(WAYS);
}

#[test]
fn a_document_that_is_no_object_is_shown() {
    const WAYS: &[Way] = ways! {
        "document_is_text" in "settings.yaml" "1:1": "apiVersion: v1\n" => "Opening hours\n---\napiVersion: v1\n",
        "document_is_a_sequence" in "settings.yaml" "1:1": "apiVersion: v1\n" => "- a\n---\napiVersion: v1\n",
        "document_is_other_yaml" in "settings.yaml" "1:1": "apiVersion: v1\n" => "opening: late\n---\napiVersion: v1\n",
    };
    each_is_refused(WAYS);
}

#[test]
fn an_object_that_stands_twice_is_shown_with_its_other_place() {
    const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: cart\n";
    const WAYS: &[Way] = &[
        ("object_in_two_files", "shop.yaml:209:9", |clone| clone.write("accounts.yaml", ACCOUNT)),
        ("object_with_and_without_the_default_namespace", "shop.yaml:209:9", |clone| {
            clone.write("accounts.yaml", format!("{ACCOUNT}  namespace: default\n"));
        }),
        ("object_twice_in_one_file", "settings.yaml:15:9", |clone| {
            let file = clone.dir().join("settings.yaml");
            let text = std::fs::read_to_string(file).expect("because the file is there");
            clone.write("settings.yaml", format!("{text}---\n{text}"));
        }),
    ];
    each_is_refused(WAYS);
}
