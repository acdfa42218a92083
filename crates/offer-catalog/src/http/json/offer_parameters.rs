//! What the list of offers is asked.

use http_kit::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{NAME_PART_CHARS_MAX, offer_body::OFFER_TYPES};
use crate::{
    domain::{
        listing::{OfferFilter, Sort, SortKey},
        status::{DisplayStatus, OfferStatus},
    },
    http::reading::{Field, Reader, Unknown},
};

const SORT_KEYS: [(&str, SortKey); 3] =
    [("createdAt", SortKey::CreatedAt), ("updatedAt", SortKey::UpdatedAt), ("name", SortKey::Name)];
const KNOWN: &str = "status, displayStatus, advertiserId, publisherId, offerType, trackingSystem, nameContains, sort, page and page_size";

/// Which offers, and in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct OfferParameters {
    /// Draft, Ready, Paused or Ended.
    #[param(value_type = Option<String>, example = "Ready", pattern = "^(Draft|Ready|Paused|Ended)$")]
    status: Field,
    /// Only those that are seen so now: Draft, Ready, Scheduled, Live, `BudgetSpent`, Paused, Expired or Ended.
    #[param(value_type = Option<String>, example = "BudgetSpent", pattern = "^(Draft|Ready|Scheduled|Live|BudgetSpent|Paused|Expired|Ended)$")]
    display_status: Field,
    /// Only of this advertiser.
    #[param(value_type = Option<Uuid>)]
    advertiser_id: Field,
    /// Only shared with this publisher.
    #[param(value_type = Option<Uuid>)]
    publisher_id: Field,
    /// `SingleEvent` or `MultiEvent`.
    #[param(value_type = Option<String>, example = "MultiEvent", pattern = "^(SingleEvent|MultiEvent)$")]
    offer_type: Field,
    /// Only tracked by this system, as the offer names it.
    #[param(value_type = Option<String>, example = "AppsFlyer", min_length = 1, max_length = 200, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    tracking_system: Field,
    /// Only with this in its name, in any case.
    #[param(value_type = Option<String>, example = "golf", min_length = 1, max_length = 200, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    name_contains: Field,
    /// createdAt, updatedAt or name, with a minus for the greatest first; -createdAt when left out.
    #[param(value_type = Option<String>, example = "-updatedAt", pattern = "^-?(createdAt|updatedAt|name)$")]
    sort: Field,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: Unknown,
}

impl OfferParameters {
    /// Reads them.
    ///
    /// # Errors
    /// 400 with every wrong parameter.
    pub fn read(self) -> Result<(OfferFilter, Sort), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown_parameters(&self.unknown, KNOWN);
        let statuses = OfferStatus::ALL.map(|status| (status.as_str(), status));
        let displays = DisplayStatus::ALL.map(|status| (status.as_str(), status));
        let filter = OfferFilter {
            status: r.word("status", self.status, &statuses),
            display: r.word("displayStatus", self.display_status, &displays),
            advertiser: r.id("advertiserId", self.advertiser_id),
            publisher: r.id("publisherId", self.publisher_id),
            offer_type: r.word("offerType", self.offer_type, &OFFER_TYPES),
            tracking_system: r.text("trackingSystem", self.tracking_system, NAME_PART_CHARS_MAX),
            name_contains: r.text("nameContains", self.name_contains, NAME_PART_CHARS_MAX),
        };
        let sort = r.sort(self.sort, &SORT_KEYS, Sort::down(SortKey::CreatedAt));
        r.finish_parameters((filter, sort))
    }
}
