//! Trees that could not be deployed as they stand, and what is let through.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use super::{Way, each_is_refused};
use crate::common::{Clone, Shop, World, shop::copy, shop::fixture};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n";

fn link(clone: &Clone, target: &str, name: &str) {
    symlink(target, clone.dir().join(name)).expect("because the clone is ours");
}

#[test]
fn what_is_not_in_the_repository_itself_is_refused() {
    const WAYS: &[Way] = &[
        ("link_to_a_manifest", "more.yaml", |clone| link(clone, "shop.yaml", "more.yaml")),
        ("link_to_a_folder", "more", |clone| link(clone, "jobs", "more")),
        ("link_out_of_the_repository", "more.yaml", |clone| link(clone, "/etc/passwd", "more.yaml")),
        ("submodule", "vendor", |clone| {
            let head = clone.git(&["rev-parse", "HEAD"]).succeeds().stdout;
            let info = format!("160000,{},vendor", head.trim());
            // Git takes a submodule whose folder is missing for a removed one.
            fs::create_dir(clone.dir().join("vendor")).expect("because the clone is ours");
            clone.git(&["update-index", "--add", "--cacheinfo", &info]).succeeds();
        }),
        ("git_lfs_pointer", "more.yaml", |clone| {
            let id = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
            clone.write(
                "more.yaml",
                format!("version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize 12345\n"),
            );
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn a_folder_that_needs_rendering_is_never_deployed_as_plain_files() {
    const WAYS: &[Way] = &[
        ("kustomization", "jobs/kustomization.yaml", |clone| {
            clone.write("jobs/kustomization.yaml", "resources: [tidy-carts.yml]\n");
        }),
        ("chart", "chart/Chart.yaml", |clone| {
            clone.write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
            clone.write("chart/templates/web.yaml", "{{- if .Values.web }}\n");
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn a_tree_that_no_environment_needs_is_refused() {
    const WAYS: &[Way] = &[
        ("file_too_large", "more.yaml", |clone| {
            clone.write("more.yaml", format!("{OBJECT}# {}\n", "x".repeat(17 << 20)));
        }),
        ("folders_too_deep", "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", |clone| {
            clone.write(format!("{}more.yaml", "d/".repeat(40)), OBJECT)
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn a_file_name_that_is_no_plain_text_is_refused_and_never_reaches_the_terminal() {
    const WAYS: &[Way] = &[
        ("name_with_a_newline", "more\\u{a}of it.yaml", |clone| clone.write("more\nof it.yaml", OBJECT)),
        ("name_with_an_escape_sequence", "\\u{1b}[2Jmore.yaml", |clone| {
            clone.write("\u{1b}[2Jmore.yaml", OBJECT);
        }),
        ("name_with_a_bidirectional_mark", "more\\u{202e}lmay.yaml", |clone| {
            clone.write("more\u{202e}lmay.yaml", OBJECT);
        }),
        ("name_not_utf8", "caf\\xe9.yaml", |clone| clone.write(OsStr::from_bytes(b"caf\xe9.yaml"), OBJECT)),
        ("folder_name_with_a_newline", "more\\u{a}/of it.yaml", |clone| {
            clone.write("more\n/of it.yaml", OBJECT);
        }),
    ];
    each_is_refused(WAYS);
}

#[test]
fn what_is_no_manifest_is_let_through_with_whatever_it_holds() {
    let world = World::new();
    let shop = Shop::deployed(&world);
    let running = shop.setup.running();
    let ana = &shop.ana;
    let broken: &[u8] = b"[\t\xff\0 {{ not yaml";
    ana.write("docs/drawing.yaml", broken);
    ana.write("more.example.yaml", broken);
    ana.write("jobs/.instateignore", "draft-*\n!draft-kept.yaml\n");
    ana.write("jobs/draft-1.yaml", broken);
    ana.write(".hidden/kustomization.yaml", broken);
    ana.write("jobs/.hidden/more.yaml", broken);
    ana.write("Makefile", broken);
    ana.write("picture.png", broken);
    ana.write("caf\u{e9}\n.txt", broken);
    link(ana, "README.md", "LIESMICH.md");
    link(ana, "nowhere", "dangling");
    ana.commit("What is no manifest");
    ana.push(&["origin", "main"]).succeeds();
    shop.setup.idle();
    assert_eq!(shop.setup.running(), running);
}

#[test]
fn an_environment_in_a_folder_needs_that_folder_and_nothing_else() {
    let world = World::new();
    let setup = crate::common::Setup::new(&world);
    setup.configure(&setup.configuration().replace("    target:", "    path: shop/live\n    target:"));
    let ana = setup.clone("ana");
    ana.write("broken.yaml", "[");
    ana.write("shop/broken.yaml", "[");
    let elsewhere = ana.commit("The folder is missing");
    let seen = crate::common::shop::refused(&setup, &ana, &["main"]).replace(&elsewhere[..7], "1a2b3c4");
    insta::assert_snapshot!(seen);
    copy(&fixture(), &ana.dir().join("shop/live"));
    ana.commit("The folder");
    ana.push(&["origin", "main"]).succeeds();
    setup.idle();
    assert!(setup.running().contains_key("shop.yaml"));
    assert!(!setup.running().contains_key("broken.yaml"));
}
