//! `offer-catalog serve | migrate | check-settings | print-openapi | republish`.

fn main() -> std::process::ExitCode {
    process::main::<offer_catalog::OfferCatalog>()
}
