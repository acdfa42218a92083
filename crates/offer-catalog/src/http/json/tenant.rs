//! Tenants.

use http_kit::Problem;
use kernel::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::IssuedTokenJson;
use crate::{
    domain::{
        records::Tenant,
        tenant::{MEDIA_SOURCES_MAX, TenantDomain, TenantProfile},
    },
    flows::{CreatedTenant, IssuedToken},
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// A new tenant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "domain": "Brownboots",
    "displayName": "Brownboots",
    "timeZone": "America/New_York",
    "defaultCurrency": "USD",
    "mediaSources": ["gokart_int"]
}))]
pub struct TenantBody {
    /// A DNS label, compared without case, never changed.
    #[schema(value_type = String)]
    domain: Field,
    /// Shown to people; the domain when left out.
    #[schema(value_type = Option<String>, max_length = 200)]
    display_name: Field,
    /// IANA name; UTC when left out.
    #[schema(value_type = Option<String>, max_length = 64)]
    time_zone: Field,
    /// ISO 4217; USD when left out.
    #[schema(value_type = Option<String>)]
    default_currency: Field,
    /// The names under which AppsFlyer reports this tenant's traffic (`pid`).
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    media_sources: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl TenantBody {
    /// Reads the tenant.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<(TenantDomain, TenantProfile), Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let domain = r.parsed("domain", self.domain, TenantDomain::parse);
        let domain = r.required("domain", domain, "a DNS label such as Brownboots");
        let display_name = r.text("displayName", self.display_name, 200);
        let time_zone = r.text("timeZone", self.time_zone, 64).unwrap_or_else(|| String::from("UTC"));
        let currency = r.parsed("defaultCurrency", self.default_currency, str::parse);
        let sources =
            r.list("mediaSources", self.media_sources, MEDIA_SOURCES_MAX, |r, item| r.text("", item, 100));
        let tenant = domain.map(|domain| {
            let profile = TenantProfile {
                display_name: display_name.unwrap_or_else(|| domain.to_string()),
                time_zone,
                default_currency: currency.unwrap_or(Currency::USD),
                media_sources: sources.unwrap_or_default(),
            };
            (domain, profile)
        });
        r.finish(tenant)
    }
}

/// What is stated of a tenant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "displayName": "Brownboots",
    "timeZone": "America/New_York",
    "defaultCurrency": "USD",
    "mediaSources": ["gokart_int"]
}))]
pub struct TenantProfileBody {
    /// Shown to people.
    #[schema(value_type = String, max_length = 200)]
    display_name: Field,
    /// IANA name.
    #[schema(value_type = String, max_length = 64)]
    time_zone: Field,
    /// ISO 4217.
    #[schema(value_type = String)]
    default_currency: Field,
    /// The names under which AppsFlyer reports this tenant's traffic (`pid`); none when left out.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    media_sources: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl TenantProfileBody {
    /// Reads the profile: everything that is left out would be lost, so what a tenant can not be without is required.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<TenantProfile, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let display_name = r.text("displayName", self.display_name, 200);
        let display_name =
            r.required("displayName", display_name, "the name that people see, such as Brownboots");
        let time_zone = r.text("timeZone", self.time_zone, 64);
        let time_zone = r.required("timeZone", time_zone, "an IANA name such as Europe/Berlin or UTC");
        let currency = r.parsed("defaultCurrency", self.default_currency, str::parse);
        let currency = r.required("defaultCurrency", currency, "such as USD");
        let sources =
            r.list("mediaSources", self.media_sources, MEDIA_SOURCES_MAX, |r, item| r.text("", item, 100));
        let profile = || {
            Some(TenantProfile {
                display_name: display_name?,
                time_zone: time_zone?,
                default_currency: currency?,
                media_sources: sources.unwrap_or_default(),
            })
        };
        r.finish(profile())
    }
}

/// A tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tenant)]
#[schema(example = json!({
    "tenantId": "0193a1f0-0000-7000-8000-00000000000a",
    "domain": "Brownboots",
    "displayName": "Brownboots",
    "timeZone": "America/New_York",
    "defaultCurrency": "USD",
    "mediaSources": ["gokart_int"],
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct TenantJson {
    /// Its id.
    tenant_id: Uuid,
    /// A DNS label; never changes.
    #[schema(example = "Brownboots")]
    domain: String,
    /// Shown to people.
    display_name: String,
    /// IANA name.
    #[schema(example = "America/New_York")]
    time_zone: String,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    default_currency: Currency,
    /// The names under which AppsFlyer reports this tenant's traffic (`pid`).
    media_sources: Vec<String>,
    /// When it was made.
    created_at: String,
}

impl From<Tenant> for TenantJson {
    fn from(tenant: Tenant) -> Self {
        Self {
            tenant_id: tenant.tenant_id.as_uuid(),
            domain: tenant.domain.to_string(),
            display_name: tenant.profile.display_name,
            time_zone: tenant.profile.time_zone,
            default_currency: tenant.profile.default_currency,
            media_sources: tenant.profile.media_sources,
            created_at: written(tenant.created_at),
        }
    }
}

/// A new tenant and its owner's token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedTenant)]
#[schema(example = json!({
    "tenant": {
        "tenantId": "0193a1f0-0000-7000-8000-00000000000a",
        "domain": "Brownboots",
        "displayName": "Brownboots",
        "timeZone": "America/New_York",
        "defaultCurrency": "USD",
        "mediaSources": ["gokart_int"],
        "createdAt": "2026-11-20T08:00:00Z"
    },
    "ownerToken": {
        "tokenId": "0193a1f0-0000-7000-8000-000000000012",
        "label": "owner",
        "userId": "0193a1f0-0000-7000-8000-000000000013",
        "role": "owner",
        "publisherId": null,
        "scopes": ["read", "write", "manage"],
        "expiresAt": null,
        "revokedAt": null,
        "suspendedAt": null,
        "lastUsedAt": null,
        "createdAt": "2026-11-20T08:00:00Z",
        "apiToken": "gkt_…"
    }
}))]
pub struct CreatedTenantJson {
    /// The tenant.
    tenant: TenantJson,
    /// The owner's token: shown now and never again.
    owner_token: IssuedTokenJson,
}

impl From<CreatedTenant> for CreatedTenantJson {
    fn from(created: CreatedTenant) -> Self {
        let issued = IssuedToken { token: created.token, secret: created.secret };
        Self { tenant: created.tenant.into(), owner_token: issued.into() }
    }
}
