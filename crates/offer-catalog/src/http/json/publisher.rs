//! Publishers.

use http_kit::{
    Problem,
    client::{AddressPolicy, check_target},
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        custom_header::EnteredHeader,
        macros,
        partner::{
            CONCURRENCY_MAX, EndpointFields, EnteredEndpoint, PER_SECOND_MAX, Pace, PostbackMethod,
            PublisherFields, ToldStatus,
        },
        records::{Endpoint, Publisher},
    },
    flows::CreatedPublisher,
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// Methods.
pub const METHODS: [(&str, PostbackMethod); 2] =
    [("GET", PostbackMethod::Get), ("POST", PostbackMethod::PostJson)];

/// Statuses that a publisher may be told.
pub const STATUSES: [(&str, ToldStatus); 3] =
    [("Pending", ToldStatus::Pending), ("Success", ToldStatus::Success), ("Rejected", ToldStatus::Rejected)];

/// A new publisher.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Rewardville",
    "maxPerSecond": 50,
    "postback": {
        "method": "POST",
        "urlTemplate": "https://rewardville.example/postback?click={pub_click_id}&id={conversion_id}"
    }
}))]
pub struct PublisherBody {
    /// Shown to people.
    #[schema(value_type = String, max_length = 200)]
    name: Field,
    /// Postbacks to it at a time, of each replica that tells; left out: as many as the installation's settings say.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 256)]
    max_concurrency: Field,
    /// Postbacks to it a second, of all replicas together; left out: as many as the installation's settings say.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 10_000)]
    max_per_second: Field,
    /// Where it is told about conversions of all its offers.
    #[schema(value_type = Option<PostbackJson>)]
    postback: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// What can be changed of a publisher.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Rewardville", "active": true, "maxConcurrency": 8, "maxPerSecond": 50}))]
pub struct PublisherChangeBody {
    /// Shown to people.
    #[schema(value_type = String, max_length = 200)]
    name: Field,
    /// False: nothing more is shared with it, its tokens are refused, and it is told nothing.
    #[schema(value_type = bool)]
    active: Field,
    /// Postbacks to it at a time, of each replica that tells; left out: as many as the installation's settings say.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 256)]
    max_concurrency: Field,
    /// Postbacks to it a second, of all replicas together; left out: as many as the installation's settings say.
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 10_000)]
    max_per_second: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl PublisherChangeBody {
    /// Reads the change.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<(PublisherFields, bool), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let name = r.text("name", self.name, 200);
        let name = r.required("name", name, "the publisher's name, such as Rewardville");
        let active = r.flag("active", self.active);
        let active = r.required("active", active, "true, or false for one that takes no part");
        let pace = pace(&mut r, self.max_concurrency, self.max_per_second);
        r.finish(name.zip(active).map(|(name, active)| (PublisherFields { name, pace }, active)))
    }
}

fn pace(r: &mut Reader, max_concurrency: Field, max_per_second: Field) -> Pace {
    Pace {
        max_concurrency: r.whole("maxConcurrency", max_concurrency, &(1..=CONCURRENCY_MAX)),
        max_per_second: r.whole("maxPerSecond", max_per_second, &(1..=PER_SECOND_MAX)),
    }
}

/// Where and how a publisher is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Postback)]
pub struct PostbackJson {
    /// GET of the URL, or POST of the full conversion as JSON.
    #[schema(example = "POST")]
    method: &'static str,
    /// With macros such as {`pub_click_id`}, {payout} and {`conversion_id`}.
    #[schema(example = "https://rewardville.example/postback?click={pub_click_id}&id={conversion_id}")]
    url_template: String,
    /// Success, and Pending or Rejected when the publisher wants them; Success when left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["Success"]))]
    statuses: Vec<&'static str>,
    /// A header of the publisher's own on each call.
    custom_header: Option<CustomHeaderJson>,
}

/// A header of the publisher's own on the postbacks it gets, such as an API key of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomHeader)]
pub struct CustomHeaderJson {
    /// At most 64 characters. Not `Host`, `Content-Type` and others that the connection needs, nor `webhook-…` and `gokart-…`, which
    /// are ours.
    #[schema(example = "X-Api-Key")]
    name: String,
    /// Up to 2048 printable ASCII characters. Kept sealed and never shown again; left out in a change, the one that is kept under
    /// this name stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only)]
    value: Option<&'static str>,
}

impl CustomHeaderJson {
    /// That of an endpoint, without its value.
    pub(super) fn of(endpoint: &Endpoint) -> Option<Self> {
        let header = endpoint.custom_header.as_ref()?;
        Some(Self { name: header.name.to_string(), value: None })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomHeaderBody {
    name: Field,
    value: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostbackBody {
    method: Field,
    url_template: Field,
    statuses: Field,
    custom_header: Field,
    #[serde(flatten)]
    unknown: Unknown,
}

impl PublisherBody {
    /// Reads the publisher, who is told at one of `addresses`.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(
        self,
        addresses: &AddressPolicy,
    ) -> Result<(PublisherFields, Option<EnteredEndpoint>), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let name = r.text("name", self.name, 200);
        let name = r.required("name", name, "the publisher's name, such as Rewardville");
        let pace = pace(&mut r, self.max_concurrency, self.max_per_second);
        let endpoint = r.object("postback", self.postback, |r, body: PostbackBody| body.read(r, addresses));
        r.finish(name.map(|name| (PublisherFields { name, pace }, endpoint)))
    }
}

impl PostbackBody {
    fn read(self, r: &mut Reader, addresses: &AddressPolicy) -> Option<EnteredEndpoint> {
        r.refuse_unknown(&self.unknown);
        let header = custom_header(r, self.custom_header);
        how_told(r, self.method, self.url_template, self.statuses, Some(false), addresses)
            .map(|fields| EnteredEndpoint { fields, header })
    }
}

/// How a publisher is told: the fields that every postback has.
pub(super) fn how_told(
    r: &mut Reader,
    method: Field,
    template: Field,
    statuses: Field,
    also_global: Option<bool>,
    addresses: &AddressPolicy,
) -> Option<EndpointFields> {
    let method = r.word("method", method, &METHODS).unwrap_or(PostbackMethod::Get);
    let template = url_template(r, template, addresses);
    let statuses = r.list("statuses", statuses, 10, |r, item| r.word("", item, &STATUSES));
    let mut statuses = statuses.filter(|statuses| !statuses.is_empty()).unwrap_or(vec![ToldStatus::Success]);
    statuses.sort_unstable();
    statuses.dedup();
    Some(EndpointFields {
        method,
        url_template: template?,
        statuses,
        also_global: also_global.unwrap_or_default(),
    })
}

/// Where a publisher is told. What names an address that is none of `addresses` is refused here, where somebody reads the answer: payout
/// would never call it.
fn url_template(r: &mut Reader, field: Field, addresses: &AddressPolicy) -> Option<String> {
    let template = r.text("urlTemplate", field, macros::TEMPLATE_BYTES_MAX);
    let template = r.required("urlTemplate", template, "where the publisher is told")?;
    match macros::check("urlTemplate", &template) {
        Err(problems) => {
            for problem in problems {
                r.wrong(&problem.field, problem.detail);
            }
        }
        // No host has a macro in it, so what is checked is what will be called.
        Ok(_) => {
            if let Err(reason) = check_target(&template, addresses) {
                r.wrong(
                    "urlTemplate",
                    format!("{reason}; inside, only networks that the operator allows are called"),
                );
            }
        }
    }
    Some(template)
}

/// The header of the publisher's own.
pub(super) fn custom_header(r: &mut Reader, field: Field) -> Option<EnteredHeader> {
    r.object("customHeader", field, |r, body: CustomHeaderBody| {
        r.refuse_unknown(&body.unknown);
        let name = r.parsed("name", body.name, str::parse);
        let name = r.required("name", name, "the header's name, such as X-Api-Key");
        let value = r.parsed("value", body.value, str::parse);
        Some(EnteredHeader { name: name?, value })
    })
}

/// A publisher.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Publisher)]
#[schema(example = json!({
    "publisherId": "0193a1f0-0000-7000-8000-000000000002",
    "name": "Rewardville",
    "active": true,
    "maxConcurrency": null,
    "maxPerSecond": 50,
    "postback": {"method": "POST", "urlTemplate": "https://rewardville.example/postback?click={pub_click_id}&id={conversion_id}",
     "statuses": ["Success"]},
    "warnings": [],
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct PublisherJson {
    /// Its id.
    publisher_id: Uuid,
    /// Shown to people.
    #[schema(example = "Rewardville")]
    name: String,
    /// Whether it takes part.
    active: bool,
    /// Postbacks to it at a time, of each replica that tells; null: as many as the installation's settings say.
    #[schema(minimum = 1, maximum = 256)]
    max_concurrency: Option<u16>,
    /// Postbacks to it a second, of all replicas together; null: as many as the installation's settings say.
    #[schema(minimum = 1, maximum = 10_000)]
    max_per_second: Option<u16>,
    /// The global one; those of offers and events are at `/postbacks`.
    postback: Option<PostbackJson>,
    /// What is worth a thought about the postback.
    warnings: Vec<String>,
    /// When it was made.
    created_at: String,
}

impl From<Publisher> for PublisherJson {
    fn from(publisher: Publisher) -> Self {
        let postback = publisher.global_endpoint().cloned();
        Self {
            publisher_id: publisher.publisher_id.as_uuid(),
            name: publisher.fields.name,
            active: publisher.active,
            max_concurrency: publisher.fields.pace.max_concurrency,
            max_per_second: publisher.fields.pace.max_per_second,
            warnings: postback.as_ref().map(warnings).unwrap_or_default(),
            postback: postback.map(|endpoint| PostbackJson {
                custom_header: CustomHeaderJson::of(&endpoint),
                method: endpoint.fields.method.as_str(),
                url_template: endpoint.fields.url_template,
                statuses: endpoint.fields.statuses.iter().map(|status| status.as_str()).collect(),
            }),
            created_at: written(publisher.created_at),
        }
    }
}

pub(super) fn warnings(endpoint: &Endpoint) -> Vec<String> {
    let checked = macros::check("urlTemplate", &endpoint.fields.url_template);
    checked.map(|accepted| accepted.warnings).unwrap_or_default()
}

/// A new publisher and its signing secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedPublisher)]
pub struct CreatedPublisherJson {
    #[serde(flatten)]
    publisher: PublisherJson,
    /// `whsec_…`: shown now and never again. The publisher checks our signatures (Standard Webhooks) with it.
    #[schema(example = "whsec_…")]
    signing_secret: Option<String>,
}

impl From<CreatedPublisher> for CreatedPublisherJson {
    fn from(created: CreatedPublisher) -> Self {
        Self {
            publisher: created.publisher.into(),
            signing_secret: created.signing_secret.map(|secret| secret.expose_secret().to_owned()),
        }
    }
}
