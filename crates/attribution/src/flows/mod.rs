//! Load → decide → save and tell, in one transaction. A flow knows the tables and the rules; it decides nothing.

mod apply_catalog;
mod attributor;
mod bury;
mod claim_first_steps;
mod erase;
mod error;
mod facets;
mod fold_rollups;
mod forget;
mod input_lag;
mod judge_carefully;
mod judge_journeys;
pub mod live;
mod look_out;
mod meters;
mod read_stories;
pub mod reconcile;
mod record_clicks;
mod record_payout;
mod record_postbacks;
mod redrive;
mod rejudge;
pub mod replay;
mod retain;
mod spans;
mod sweep;
mod tend;
mod turn_away;
mod unpark;

pub use crate::facts::{KnownOffer, Rates, money_terms};
pub use crate::store::{
    alarms::{Listing as AlarmListing, StoredAlarm},
    erasures::ErasureRow,
    parked::Parked,
    payout_stories::{DeliveryStory, PayoutStory, PersonStory, StatusStory},
    postback_list::{ListedStory, Listing},
    quarantine::{Group, Grouping},
    rollups::{Counting, Dimension},
    stories::{DecisionStory, PostbackStory},
};
pub use attributor::Attributor;
pub use erase::Person;
pub use error::FlowError;
pub use fold_rollups::rebuild_rollups;
pub use look_out::look_out;
pub use read_stories::{JourneyView, PostbackView, StoryReader};
pub use retain::Retention;
pub use tend::{Tending, tend};
pub use unpark::UNREADABLE_ROW;

/// The names under which facts are claimed in the inbox and buried: those of the queues.
pub use ::bus::house::{
    ATTRIBUTION_CATALOG as CATALOG, ATTRIBUTION_CLICKS as CLICKS, ATTRIBUTION_PAYOUT as PAYOUT,
    ATTRIBUTION_POSTBACKS as POSTBACKS,
};
