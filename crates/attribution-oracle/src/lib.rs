//! The decision of `SEMANTICS` §4, written a second time from its definition: see the README.

mod alone;
mod answer;
mod case;
mod sequence;

pub use alone::without_click;
pub use answer::{Answer, Said, Slot, Standing, answer};
pub use case::{
    Act, Anchor, Case, Click, Credential, Event, HOUR, Person, Postback, Reached, Stray, Terms, Version,
};
