//! Where and how a publisher is told.

use http_kit::{Problem, client::AddressPolicy};
use kernel::{OfferEventId, OfferId};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::publisher::{CustomHeaderJson, custom_header, how_told, warnings};
use crate::{
    domain::{
        partner::{EndpointScope, EnteredEndpoint, SECRET_OVERLAP_HOURS, SECRET_OVERLAP_HOURS_MAX},
        records::Endpoint,
    },
    flows::KeyedEndpoint,
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// A new place where a publisher is told.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "method": "GET",
    "urlTemplate": "https://rewardville.example/pb?click={pub_click_id}&id={conversion_id}&status={status}",
    "statuses": ["Success", "Rejected"],
    "alsoGlobal": true
}))]
pub struct NewPostbackBody {
    /// For which offer; for all of them when left out.
    #[schema(value_type = Option<Uuid>)]
    offer_id: Field,
    /// For which event of the offer; for all of them when left out.
    #[schema(value_type = Option<Uuid>)]
    offer_event_id: Field,
    /// GET of the URL (also when left out), or POST of the full conversion as JSON.
    #[schema(value_type = Option<String>)]
    method: Field,
    /// With macros such as {`pub_click_id`}, {payout} and {`conversion_id`}; unknown ones are refused, and so is a private address, such as
    /// 10.0.0.1 or localhost.
    #[schema(value_type = String, max_length = 4_096)]
    url_template: Field,
    /// Success, and Pending or Rejected when the publisher wants them; Success when left out.
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    statuses: Field,
    /// The global one is told as well; only for an offer or event.
    #[schema(value_type = Option<bool>)]
    also_global: Field,
    /// A header of the publisher's own on each call.
    #[schema(value_type = Option<CustomHeaderJson>)]
    custom_header: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl NewPostbackBody {
    /// Reads the postback, which goes to one of `addresses`.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self, addresses: &AddressPolicy) -> Result<(EndpointScope, EnteredEndpoint), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let offer: Option<OfferId> = r.id("offerId", self.offer_id);
        let event: Option<OfferEventId> = r.id("offerEventId", self.offer_event_id);
        if event.is_some() && offer.is_none() {
            r.required("offerId", offer, "the offer whose event this is");
        }
        let also_global = r.flag("alsoGlobal", self.also_global);
        let header = custom_header(&mut r, self.custom_header);
        let fields = how_told(&mut r, self.method, self.url_template, self.statuses, also_global, addresses);
        if also_global == Some(true) && offer.is_none() {
            r.wrong("alsoGlobal", "goes only with the postback of an offer or event");
        }
        let scope = match (offer, event) {
            (None, _) => EndpointScope::Global,
            (Some(offer), None) => EndpointScope::Offer(offer),
            (Some(offer), Some(event)) => EndpointScope::Event(offer, event),
        };
        r.finish(fields.map(|fields| (scope, EnteredEndpoint { fields, header })))
    }
}

/// How a publisher is told in a place that there is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "method": "POST",
    "urlTemplate": "https://rewardville.example/pb?id={conversion_id}",
    "statuses": ["Success"]
}))]
pub struct PostbackChangeBody {
    /// GET of the URL (also when left out), or POST of the full conversion as JSON.
    #[schema(value_type = Option<String>)]
    method: Field,
    /// With macros; unknown ones are refused, and so is a private address, such as 10.0.0.1 or localhost.
    #[schema(value_type = String, max_length = 4_096)]
    url_template: Field,
    /// Success when left out.
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    statuses: Field,
    /// The global one is told as well; only for an offer or event.
    #[schema(value_type = Option<bool>)]
    also_global: Field,
    /// A header of the publisher's own on each call; none when left out.
    #[schema(value_type = Option<CustomHeaderJson>)]
    custom_header: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl PostbackChangeBody {
    /// Reads the change of a postback, which goes to one of `addresses`.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self, addresses: &AddressPolicy) -> Result<EnteredEndpoint, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let also_global = r.flag("alsoGlobal", self.also_global);
        let header = custom_header(&mut r, self.custom_header);
        let fields = how_told(&mut r, self.method, self.url_template, self.statuses, also_global, addresses);
        r.finish(fields.map(|fields| EnteredEndpoint { fields, header }))
    }
}

/// How a signing secret is rotated.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"overlapHours": 24}))]
pub struct RotateSecretBody {
    /// Hours for which postbacks are signed with the old secret as well, 0 to 168; 24 when left out.
    #[schema(value_type = Option<u16>, maximum = 168)]
    overlap_hours: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl RotateSecretBody {
    /// Reads the overlap.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<u16, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let hours = r.whole("overlapHours", self.overlap_hours, &(0..=SECRET_OVERLAP_HOURS_MAX));
        r.finish(Some(hours.unwrap_or(SECRET_OVERLAP_HOURS)))
    }
}

/// A place where a publisher is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PostbackEndpoint)]
#[schema(example = json!({
    "endpointId": "0193a1f0-0000-7000-8000-000000000010",
    "offerId": "0194a3c0-0000-7000-8000-000000000001",
    "offerEventId": null,
    "method": "GET",
    "urlTemplate": "https://rewardville.example/pb?click={pub_click_id}&id={conversion_id}&status={status}",
    "statuses": ["Success", "Rejected"],
    "alsoGlobal": true,
    "oldSecretUntil": null,
    "warnings": []
}))]
pub struct EndpointJson {
    /// Its id.
    endpoint_id: Uuid,
    /// For which offer; null: for all.
    offer_id: Option<Uuid>,
    /// For which event of it; null: for all.
    offer_event_id: Option<Uuid>,
    /// `GET` of the URL, or `POST` of the full conversion as JSON.
    #[schema(example = "GET")]
    method: &'static str,
    /// With macros.
    #[schema(example = "https://rewardville.example/pb?click={pub_click_id}&id={conversion_id}")]
    url_template: String,
    /// What it is told of.
    #[schema(value_type = Vec<String>, example = json!(["Success"]))]
    statuses: Vec<&'static str>,
    /// Whether the global one is told as well.
    also_global: bool,
    /// A header of the publisher's own; its value is never shown.
    custom_header: Option<CustomHeaderJson>,
    /// Until when postbacks are signed with the secret before as well.
    old_secret_until: Option<String>,
    /// What is worth a thought.
    warnings: Vec<String>,
}

impl From<Endpoint> for EndpointJson {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            endpoint_id: endpoint.endpoint_id.as_uuid(),
            offer_id: endpoint.scope.offer().map(OfferId::as_uuid),
            offer_event_id: endpoint.scope.event().map(OfferEventId::as_uuid),
            warnings: warnings(&endpoint),
            custom_header: CustomHeaderJson::of(&endpoint),
            method: endpoint.fields.method.as_str(),
            url_template: endpoint.fields.url_template,
            statuses: endpoint.fields.statuses.iter().map(|status| status.as_str()).collect(),
            also_global: endpoint.fields.also_global,
            old_secret_until: endpoint.old_secret.map(|old| written(old.until)),
        }
    }
}

/// All places where a publisher is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PostbackEndpoints)]
pub struct EndpointsJson {
    /// The global one first, then those of offers, then those of events.
    pub items: Vec<EndpointJson>,
}

/// A place where a publisher is told, with its signing secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyedPostbackEndpoint)]
pub struct KeyedEndpointJson {
    #[serde(flatten)]
    endpoint: EndpointJson,
    /// `whsec_…`: shown now and never again. The publisher checks our signatures (Standard Webhooks) with it.
    #[schema(example = "whsec_…")]
    signing_secret: String,
}

impl From<KeyedEndpoint> for KeyedEndpointJson {
    fn from(keyed: KeyedEndpoint) -> Self {
        let signing_secret = keyed.signing_secret.expose_secret().to_owned();
        Self { endpoint: keyed.endpoint.into(), signing_secret }
    }
}
