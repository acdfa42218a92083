//! What the types of secrets can not do, told by the compiler: an inherent constant hides the trait's where its bound holds.

use std::{fmt, marker::PhantomData};

use crate::{
    Keyring,
    credential::{Credential, VerifiedCredential},
    mac::{Mac, MacKey},
    webhook::WebhookSecret,
};

struct Type<T>(PhantomData<T>);

trait Lacks {
    const COMPARES: bool = false;
    const PRINTS: bool = false;
    const COPIES: bool = false;
}

impl<T> Lacks for Type<T> {}

impl<T: PartialEq> Type<T> {
    const COMPARES: bool = true;
}

impl<T: fmt::Debug> Type<T> {
    const PRINTS: bool = true;
}

impl<T: Clone> Type<T> {
    const COPIES: bool = true;
}

#[test]
fn secrets_have_no_equality() {
    let compares = [
        Type::<Keyring>::COMPARES,
        Type::<Credential>::COMPARES,
        Type::<WebhookSecret>::COMPARES,
        Type::<MacKey>::COMPARES,
        Type::<Mac>::COMPARES,
    ];
    assert!(compares.iter().all(|compares| !compares), "{compares:?}");
    const { assert!(Type::<VerifiedCredential>::COMPARES, "the probe finds what is there") };
}

/// Those of the public types that print at all have a test beside them that shows what.
#[test]
fn keys_and_signatures_do_not_print_and_are_not_copied() {
    let abilities = [
        Type::<MacKey>::PRINTS,
        Type::<Mac>::PRINTS,
        Type::<MacKey>::COPIES,
        Type::<Mac>::COPIES,
        Type::<Keyring>::COPIES,
    ];
    assert!(abilities.iter().all(|able| !able), "{abilities:?}");
    const { assert!(Type::<VerifiedCredential>::PRINTS && Type::<VerifiedCredential>::COPIES) };
}
