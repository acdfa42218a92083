//! Load → decide → save and tell, in one transaction. A flow knows the tables and the rules; it decides nothing.

mod apply_catalog;
mod attributor;
mod bury;
mod claim_first_steps;
mod erase;
mod error;
mod forget;
mod input_lag;
mod judge_carefully;
mod judge_journeys;
mod meters;
mod read_stories;
mod record_clicks;
mod record_payout;
mod record_postbacks;
mod rejudge;
mod retain;
mod spans;
mod sweep;
mod tend;
mod turn_away;
mod unpark;

pub use crate::store::erasures::ErasureRow;
pub use crate::store::payout_stories::{DeliveryStory, PayoutStory, PersonStory, StatusStory};
pub use crate::store::stories::{DecisionStory, ListedStory, PostbackStory};
pub use attributor::Attributor;
pub use erase::Person;
pub use error::FlowError;
pub use read_stories::{JourneyView, ListQuery, PostbackView, StoryReader};
pub use retain::Retention;
pub use tend::{Tending, tend};
pub use unpark::UNREADABLE_ROW;

/// The names under which facts are claimed in the inbox and buried: those of the queues.
pub use ::bus::house::{
    ATTRIBUTION_CATALOG as CATALOG, ATTRIBUTION_CLICKS as CLICKS, ATTRIBUTION_PAYOUT as PAYOUT,
    ATTRIBUTION_POSTBACKS as POSTBACKS,
};
