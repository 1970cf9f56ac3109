//! The arrows of ARCHITECTURE.md, read from the manifests.

use std::{collections::BTreeSet, path::Path};

const ROOMS: [&str; 10] = ["app", "domain", "server", "web", "lab", "store", "packs", "engine", "model", "kernels"];

fn manifest(folder: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("Cargo.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn dependencies(folder: &str) -> BTreeSet<String> {
    manifest(folder)["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn rooms_know_only_the_rooms_they_may() {
    let check = |folder: &str, allowed: &[&str]| {
        let known = dependencies(folder);
        let rooms: Vec<_> = ROOMS.iter().filter(|it| known.contains(**it)).collect();
        assert!(rooms.iter().all(|it| allowed.contains(it)), "{folder} knows {rooms:?}");
    };
    check("app/domain", &[]);
    check("app", &["domain"]);
    check("server/engine", &[]);
    check("server/kernels", &[]);
    check("server/model", &["engine", "kernels"]);
    check("server/store", &["domain"]);
    check("server/packs", &["domain"]);
    check("server/lab", &["domain", "engine", "packs", "store"]);
    check("server/web", &["app", "domain", "engine", "lab", "store"]);
}

#[test]
fn walls_hold_against_libraries() {
    let check = |folder: &str, forbidden: &[&str]| {
        let known = dependencies(folder);
        let broken: Vec<_> = forbidden.iter().filter(|it| known.contains(**it)).collect();
        assert!(broken.is_empty(), "{folder} names {broken:?}");
    };
    check("app", &["axum", "leptos_axum", "sqlx", "tch", "tokio"]);
    check("server/engine", &["axum", "sqlx", "tch"]);
    check("server/model", &["axum", "sqlx", "tokenizers"]);
    check("server/web", &["sqlx", "tch", "tokenizers"]);
    check("server/lab", &["axum", "leptos", "sqlx", "tch"]);
    check("server/packs", &["axum", "leptos", "sqlx", "tch", "tokio"]);
    let only = |folder: &str, known: &[&str]| assert!(dependencies(folder).iter().eq(known), "{folder} names more");
    only("server/kernels", &["libc"]);
    let domain = dependencies("app/domain");
    assert_eq!(domain.iter().map(String::as_str).collect::<Vec<_>>(), ["serde", "serde_json", "similar", "thiserror"]);
}
