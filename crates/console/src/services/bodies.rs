//! What the pages show of the other services' answers. Fields that are not shown are not read, and new ones do no harm.

use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

/// One page of a list.
#[derive(Deserialize)]
pub struct List<T> {
    pub items: Vec<T>,
    pub total: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub domain: String,
    pub display_name: String,
}

/// An advertiser or a publisher.
#[derive(Deserialize)]
pub struct Party {
    #[serde(alias = "advertiserId", alias = "publisherId")]
    pub id: Uuid,
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    #[serde(rename = "offerId")]
    pub id: Uuid,
    pub name: Option<String>,
    pub display_status: String,
    pub shared_to: Option<Share>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub publisher_id: Uuid,
    pub tracking_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    #[serde(rename = "credentialId")]
    pub id: Uuid,
    pub advertiser_id: Option<Uuid>,
    pub postback_url: String,
    pub revoked: bool,
    pub generations: Vec<Generation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generation {
    #[serde(rename = "generation")]
    pub number: u16,
    pub valid_until: Option<String>,
    pub last_used_at: Option<String>,
    pub used_by: Vec<AppUse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppUse {
    pub app_id: Option<String>,
    pub last_used_at: String,
    pub uses: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revealed {
    pub postback_url: SecretString,
    pub security_segment: SecretString,
    pub domain: String,
    pub signature: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journey {
    pub click: Option<Click>,
    pub waits_until: Option<String>,
    pub postbacks: Vec<JourneyPostback>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Click {
    pub clicked_at: String,
    pub offer_id: Uuid,
    pub offer_version: u32,
    pub publisher_id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JourneyPostback {
    pub receipt: Uuid,
    pub received_at: String,
    pub event_id: Option<String>,
    pub code: String,
    pub sentence: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Postback {
    pub decision: Decision,
    pub earlier_decisions: Vec<Decision>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub code: String,
    pub sentence: String,
    pub decided_at: String,
    pub may_change: bool,
    pub trace: Vec<Step>,
}

#[derive(Deserialize)]
pub struct Step {
    pub outcome: String,
    pub sentence: String,
}

/// What a list of conversions is read for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversionLine {
    pub conversion_id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    #[serde(rename = "conversionId")]
    pub id: Uuid,
    pub offer_name: String,
    pub event_id: String,
    pub event_name: String,
    pub status: String,
    #[serde(default)]
    pub on_review: bool,
    #[serde(default)]
    pub flagged: bool,
    #[serde(default)]
    pub reason: String,
    pub revenue: Option<Money>,
    pub payout: Option<Money>,
    pub due_at: Option<String>,
    pub changed_at: String,
    #[serde(default)]
    pub transfers: Vec<Transfer>,
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
pub struct Money {
    pub amount: String,
    pub currency: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    pub flow: String,
    pub kind: String,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
    pub recorded_at: String,
}

#[derive(Deserialize)]
pub struct Account {
    pub kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub told: String,
    pub state: String,
    pub due_at: Option<String>,
    pub attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub number: i32,
    pub started_at: String,
    pub duration_ms: i32,
    pub http_status: Option<i32>,
    #[serde(default)]
    pub failure: String,
}
