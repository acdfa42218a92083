//! Names that nobody else has.

/// Twelve hexadecimal digits.
pub(crate) fn suffix() -> String {
    let mut bytes = [0_u8; 6];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    hex::encode(bytes)
}
