//! Postback credentials.

use http_kit::Problem;
use kernel::{AdvertiserId, Days, Timestamp};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        credential::{OVERLAP_DAYS_DEFAULT, OVERLAP_DAYS_MAX},
        credential_use::AppUse,
    },
    flows::{CredentialView, Revealed},
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// What is shown of a URL to those who have not asked to see it.
const MASK: &str = "••••••••";

/// A new credential.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"advertiserId": "0193a1f0-0000-7000-8000-000000000001"}))]
pub struct CredentialBody {
    /// Left out: the tenant's global postback. Set: only this advertiser's offers can match.
    #[schema(value_type = Option<Uuid>)]
    advertiser_id: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl CredentialBody {
    /// Reads the credential.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<Option<AdvertiserId>, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let advertiser = r.id("advertiserId", self.advertiser_id);
        r.finish(Some(advertiser))
    }
}

/// How a credential is rotated.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"overlapDays": 7}))]
pub struct RotateBody {
    /// Days for which the old values work on, 0 to 90; 7 when left out.
    #[schema(value_type = Option<u16>, maximum = 90)]
    overlap_days: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl RotateBody {
    /// Reads the overlap.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<Days, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let days = r.whole("overlapDays", self.overlap_days, &(0..=OVERLAP_DAYS_MAX));
        r.finish(Some(Days(days.unwrap_or(OVERLAP_DAYS_DEFAULT))))
    }
}

/// One generation of a credential.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CredentialGeneration)]
#[schema(example = json!({
    "generation": 1,
    "keyId": 1,
    "issuedAt": "2026-11-20T08:00:00Z",
    "validUntil": null,
    "lastUsedAt": "2026-11-26T09:30:00Z",
    "usedBy": [
        {"appId": "id123456789", "firstUsedAt": "2026-11-21T10:00:00Z", "lastUsedAt": "2026-11-26T09:30:00Z",
         "uses": 1250}
    ]
}))]
pub struct GenerationJson {
    /// 1, 2, 3 …
    generation: u16,
    /// The server key its values are made with. A key may be retired when no generation that is in force names it.
    key_id: u8,
    /// When it was issued.
    issued_at: String,
    /// First moment at which it is refused; null while it is the current one.
    valid_until: Option<String>,
    /// When a postback was last accepted under it, as told about once a minute; null: never yet.
    last_used_at: Option<String>,
    /// The apps it is used by, at most 20, those that used it last first.
    used_by: Vec<AppUseJson>,
}

/// An app that uses a generation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CredentialAppUse)]
pub struct AppUseJson {
    /// AppsFlyer's app id, as the postbacks name it. Null: they named none, or more apps than are told apart.
    #[schema(example = "id123456789")]
    app_id: Option<String>,
    /// When first.
    first_used_at: String,
    /// When last.
    last_used_at: String,
    /// Accepted postbacks.
    uses: i64,
}

impl From<AppUse> for AppUseJson {
    fn from(of: AppUse) -> Self {
        Self {
            app_id: Some(of.app_id).filter(|app_id| !app_id.is_empty()),
            first_used_at: written(of.how.first),
            last_used_at: written(of.how.last),
            uses: of.how.times,
        }
    }
}

/// A postback credential, masked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Credential)]
#[schema(example = json!({
    "credentialId": "0193a1f0-0000-7000-8000-00000000000d",
    "advertiserId": "0193a1f0-0000-7000-8000-000000000001",
    "postbackUrl": "••••••••",
    "revoked": false,
    "lastUsedAt": "2026-11-26T09:30:00Z",
    "generations": [
        {"generation": 1, "keyId": 1, "issuedAt": "2026-11-20T08:00:00Z", "validUntil": null,
         "lastUsedAt": "2026-11-26T09:30:00Z",
         "usedBy": [{"appId": "id123456789", "firstUsedAt": "2026-11-21T10:00:00Z", "lastUsedAt": "2026-11-26T09:30:00Z", "uses": 1250}]}
    ],
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct CredentialJson {
    /// Its id.
    credential_id: Uuid,
    /// Null: the tenant's global postback.
    advertiser_id: Option<Uuid>,
    /// Masked; `POST …/reveal` shows it.
    #[schema(example = "••••••••")]
    postback_url: &'static str,
    /// Whether no generation works any more.
    revoked: bool,
    /// When a postback was last accepted under any of its generations; null: never yet.
    last_used_at: Option<String>,
    /// Each with its values, which are shown by `POST …/reveal` only.
    generations: Vec<GenerationJson>,
    /// When it was issued.
    created_at: String,
}

impl From<CredentialView> for CredentialJson {
    fn from(view: CredentialView) -> Self {
        let CredentialView { credential, mut uses } = view;
        let revoked = credential.current().is_none();
        let last_used_at = last_used(uses.values().flatten());
        let generations = credential.generations.into_iter().map(|issued| {
            let used_by = uses.remove(&issued.generation.number).unwrap_or_default();
            GenerationJson {
                generation: issued.generation.number,
                key_id: issued.key_id,
                issued_at: written(issued.generation.issued_at),
                valid_until: issued.generation.valid_until.map(written),
                last_used_at: last_used(&used_by).map(written),
                used_by: used_by.into_iter().map(AppUseJson::from).collect(),
            }
        });
        Self {
            credential_id: credential.credential_id.as_uuid(),
            advertiser_id: credential.advertiser_id.map(AdvertiserId::as_uuid),
            postback_url: MASK,
            revoked,
            last_used_at: last_used_at.map(written),
            generations: generations.collect(),
            created_at: written(credential.created_at),
        }
    }
}

fn last_used<'a>(uses: impl IntoIterator<Item = &'a AppUse>) -> Option<Timestamp> {
    uses.into_iter().map(|of| of.how.last).max()
}

/// The values to paste into AppsFlyer, once for Install and once for In-App Events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevealedCredential)]
#[schema(example = json!({
    "credentialId": "0193a1f0-0000-7000-8000-00000000000d",
    "postbackUrl": "https://api.brownboots.getgokart.ai/api/v1/…/…/…/?signature=…",
    "securitySegment": "…/…/…/",
    "domain": "Brownboots",
    "signature": "…"
}))]
pub struct RevealedJson {
    /// Its id.
    credential_id: Uuid,
    /// The full secure postback URL.
    #[schema(example = "https://api.brownboots.getgokart.ai/api/v1/…/…/…/?signature=…")]
    postback_url: String,
    /// Right after `/api/v1/`, with its trailing slash.
    security_segment: String,
    /// The tenant's domain.
    #[schema(example = "Brownboots")]
    domain: String,
    /// 43 characters.
    signature: String,
}

impl From<Revealed> for RevealedJson {
    fn from(revealed: Revealed) -> Self {
        Self {
            credential_id: revealed.credential.credential_id.as_uuid(),
            postback_url: revealed.postback_url.expose_secret().to_owned(),
            security_segment: revealed.segment,
            domain: revealed.domain.to_string(),
            signature: revealed.signature.expose_secret().to_owned(),
        }
    }
}
