//! Other people's programs, where Python has them.

use crate::support::{House, four};
use std::process::{Command, Output};

/// What a program of that name says to a house, or nothing where Python lacks a package for it.
async fn speaks(house: &House, program: &str, package: &str) -> Option<Output> {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    if !python(&["-c", &format!("import {package}")]).is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: python3 has no package {package}");
        return None;
    }
    let url = house.listens().await + "/v1";
    let script = format!("{}/it/{program}", env!("CARGO_MANIFEST_DIR"));
    Some(tokio::task::spawn_blocking(move || python(&[&script, &url]).unwrap()).await.unwrap())
}

fn is_content(output: &Output) {
    let told = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    assert!(output.status.success(), "{}\n{}", told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_is_content() {
    let house = House::with(&four()).await;
    let Some(output) = speaks(&house, "openai_client.py", "openai").await else { return };
    is_content(&output);
    // Those it has left in the middle as well.
    house.comes_to_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_runs_a_task() {
    let house = House::with(&four()).await;
    let Some(output) = speaks(&house, "inspect_client.py", "inspect_ai").await else { return };
    is_content(&output);
}
