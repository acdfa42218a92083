//! Postback credentials.

use http_kit::Problem;
use kernel::{AdvertiserId, Days};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        credential::{OVERLAP_DAYS_DEFAULT, OVERLAP_DAYS_MAX},
        records::Credential,
    },
    flows::Revealed,
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// What is shown of a URL to those who have not asked to see it.
const MASK: &str = "••••••••";

/// A new credential.
#[derive(Debug, Default, Deserialize, ToSchema)]
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
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"overlapDays": 7}))]
pub struct RotateBody {
    /// Days for which the old values work on, 0 to 90; 7 when left out.
    #[schema(value_type = Option<u16>)]
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
pub struct GenerationJson {
    /// 1, 2, 3 …
    generation: u16,
    issued_at: String,
    /// First moment at which it is refused; null while it is the current one.
    valid_until: Option<String>,
}

/// A postback credential, masked.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Credential)]
pub struct CredentialJson {
    credential_id: Uuid,
    /// Null: the tenant's global postback.
    advertiser_id: Option<Uuid>,
    /// Masked; `POST …/reveal` shows it.
    #[schema(example = "••••••••")]
    postback_url: &'static str,
    /// Whether no generation works any more.
    revoked: bool,
    generations: Vec<GenerationJson>,
    created_at: String,
}

impl From<Credential> for CredentialJson {
    fn from(credential: Credential) -> Self {
        let generations = credential.plain_generations();
        Self {
            credential_id: credential.credential_id.as_uuid(),
            advertiser_id: credential.advertiser_id.map(AdvertiserId::as_uuid),
            postback_url: MASK,
            revoked: credential.current().is_none(),
            generations: generations
                .into_iter()
                .map(|generation| GenerationJson {
                    generation: generation.number,
                    issued_at: written(generation.issued_at),
                    valid_until: generation.valid_until.map(written),
                })
                .collect(),
            created_at: written(credential.created_at),
        }
    }
}

/// The values to paste into AppsFlyer, once for Install and once for In-App Events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevealedCredential)]
pub struct RevealedJson {
    credential_id: Uuid,
    /// The full secure postback URL.
    #[schema(example = "https://api.brownboots.getgokart.ai/api/v1/…/…/…/?signature=…")]
    postback_url: String,
    /// Right after `/api/v1/`, with its trailing slash.
    security_segment: String,
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
