//! Load → decide → save and tell, in one transaction. A flow knows the tables and the rules; it decides nothing.

mod apply_catalog;
mod attributor;
mod bury;
mod error;
mod input_lag;
mod judge_carefully;
mod judge_journeys;
mod meters;
mod read_stories;
pub mod reconcile;
mod record_clicks;
mod record_postbacks;
mod rejudge;
mod spans;
mod sweep;
mod tend;
mod turn_away;

pub use crate::store::stories::{DecisionStory, ListedStory, PostbackStory};
pub use attributor::Attributor;
pub use error::FlowError;
pub use read_stories::{JourneyView, ListQuery, PostbackView, StoryReader};
pub use tend::{Tending, tend};

/// The names under which facts are claimed in the inbox and buried: those of the queues.
pub use ::bus::house::{
    ATTRIBUTION_CATALOG as CATALOG, ATTRIBUTION_CLICKS as CLICKS, ATTRIBUTION_POSTBACKS as POSTBACKS,
};
