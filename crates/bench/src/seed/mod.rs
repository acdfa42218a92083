//! One small world: a tenant, a shared offer with three events, clicks, postbacks, verdicts. The guide's own example.

mod catalog;
mod clicks;
mod offers;
mod postbacks;
mod publishers;
mod stored;
mod verdicts;
mod waiting;
mod world;

pub use catalog::{endpoint, for_attribution, for_payout, for_tracker, without_order};
pub use clicks::{click, click_of_nobody};
pub use offers::{copy_offer, shared_offer};
pub use postbacks::{Postbacks, install, second_step};
pub use publishers::{PAUSE_ENDPOINTS, Publishers, Wave, Whose};
pub use stored::{Spread, copy_journey, copy_journeys};
pub use verdicts::qualified;
pub use waiting::{Waits, copy_waiting};
pub use world::{DOMAIN, EVENTS, Step, World};
