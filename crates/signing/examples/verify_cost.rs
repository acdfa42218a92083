//! What one `credential::verify` costs: `cargo run --release -p signing --example verify_cost`.
#![expect(clippy::print_stdout, reason = "a measurement is for people")]
#![expect(clippy::unwrap_used, reason = "the values are constants")]

use std::{hint::black_box, time::Instant};

use kernel::{CredentialId, TenantId};
use secrecy::{ExposeSecret as _, SecretString};
use signing::{Keyring, credential};
use uuid::Uuid;

const CALLS: u32 = 1_000_000;

fn main() {
    let setting = SecretString::from(format!("2:{} 1:{}", "A".repeat(43), "B".repeat(42) + "A"));
    let keyring = Keyring::parse(&setting).unwrap();
    let (id, tenant) = (CredentialId::from_uuid(Uuid::from_u128(7)), TenantId::from_uuid(Uuid::from_u128(8)));
    let issued = credential::issue(&keyring, "Brownboots", id, tenant, 1, [1, 2, 3, 4]);
    let (segment, signature) = (issued.segment.as_str(), issued.signature.expose_secret());
    let unknown_key = credential::segment_of(id, tenant, 1, 9, [1, 2, 3, 4]);
    let encoded = segment.replace('/', "%2F");
    for (name, domain, segment, signature) in [
        ("genuine", "Brownboots", segment, signature),
        ("genuine, percent-encoded", "Brownboots", encoded.as_str(), signature),
        ("unknown tenant", "Redboots", segment, signature),
        ("unknown key", "Brownboots", unknown_key.as_str(), signature),
        ("no segment", "Brownboots", "nothing", signature),
        ("no signature", "Brownboots", segment, ""),
    ] {
        let mut genuine = 0;
        let began = Instant::now();
        for _ in 0..CALLS {
            genuine += u32::from(black_box(
                credential::verify(&keyring, black_box(domain), black_box(segment), black_box(signature))
                    .is_ok(),
            ));
        }
        println!("{name} ({genuine} accepted): {} ns", began.elapsed().as_nanos() / u128::from(CALLS));
    }
}
