//! Compiles `proto-schemas/` with protox: no protoc on anybody's machine.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 7] = [
    "envelope/v1/envelope.proto",
    "common/v1/money.proto",
    "catalog/v1/catalog.proto",
    "tracker/v1/tracker.proto",
    "ingest/v1/ingest.proto",
    "attribution/v1/attribution.proto",
    "payout/v1/payout.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto-schemas");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    prost_build::Config::new()
        .bytes([".gokart.envelope.v1.Envelope.body"])
        .btree_map(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
