//! The generated types, one module a package. The generator's code refers to `super::super::<package>::v1`, hence the
//! inner module; readers use `contracts::<package>::Message`.

macro_rules! package {
    ($(#[$doc:meta])* $name:ident, $file:literal $(, $style:path)?) => {
        $(#[$doc])*
        pub mod $name {
            pub use v1::*;

            /// Version 1 of the package.
            #[expect(missing_docs, $($style,)? reason = "generated; proto-schemas/ documents it")]
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/", $file));
            }
        }
    };
}

package! {
    /// How every fact travels.
    envelope, "gokart.envelope.v1.rs"
}
package! {
    /// Money and terms.
    common, "gokart.common.v1.rs"
}
package! {
    /// Facts of offer-catalog.
    catalog, "gokart.catalog.v1.rs", clippy::pedantic
}
package! {
    /// Facts of tracker.
    tracker, "gokart.tracker.v1.rs", clippy::pedantic
}
package! {
    /// Facts of ingest.
    ingest, "gokart.ingest.v1.rs", clippy::pedantic
}
package! {
    /// Facts of attribution.
    attribution, "gokart.attribution.v1.rs", clippy::pedantic
}
package! {
    /// Facts of payout.
    payout, "gokart.payout.v1.rs", clippy::pedantic
}
