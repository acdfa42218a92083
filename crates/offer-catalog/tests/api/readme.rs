//! The README's commands are run as they stand, in order.

use std::process::{Command, Stdio};

use crate::catalog::{Catalog, OPERATOR_TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_commands_work() {
    let catalog = Catalog::start().await;
    let readme = include_str!("../../README.md");
    let commands: String = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect();
    assert!(commands.contains("/share"), "the story ends with a share");
    let url = catalog.url.clone();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &commands])
            .env("CATALOG", url)
            .env("OPERATOR_TOKEN", OPERATOR_TOKEN)
            .stdin(Stdio::null())
            .output()
            .expect("bash")
    })
    .await
    .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("/api/v1/offer-link/redirect/"), "{said}");
    assert!(said.contains("offer_already_shared"), "{said}");
}
