//! From the catalog's messages to rows. What is wrong with one is named by its field.

use chrono_tz::Tz;
use contracts::{
    ContractError,
    catalog::{
        AdvertiserChanged, ApiTokenChanged, ConversionStatus, PostbackEndpoint, PostbackMethod,
        PublisherChanged, SealedSecret, TenantChanged, TokenRole,
    },
    read,
};
use kernel::{AdvertiserId, EndpointId, OfferEventId, OfferId, PublisherId, Role, TenantId, TokenId};
use postgres_kit::tokens::TokenRow;
use terms::Rate;

use crate::{
    domain::{
        postback::{Endpoint, Scope},
        standing::Told,
    },
    store::{
        advertisers::Advertiser,
        publishers::{EndpointRow, Method, OldSecret, Publisher},
        tenants::Tenant,
    },
};

pub(super) fn tenant(message: &TenantChanged) -> Result<Tenant, ContractError> {
    let rates = message.rates.iter().map(|rate| {
        let worth = Rate::from_e12(rate.rate_e12)
            .ok_or_else(|| read::field_error("rates.rate_e12", "must be above 0"))?;
        Ok((read::currency(&rate.from, "rates.from")?, read::currency(&rate.to, "rates.to")?, worth))
    });
    Ok(Tenant {
        id: read::id(TenantId::from_slice, &message.tenant_id, "tenant_id")?,
        version: message.version,
        active: message.active,
        zone: zone(&message.time_zone)?,
        rates: rates.collect::<Result<_, ContractError>>()?,
    })
}

/// Empty in facts of before there were zones.
fn zone(name: &str) -> Result<Tz, ContractError> {
    if name.is_empty() {
        return Ok(Tz::UTC);
    }
    name.parse().map_err(|_not_one| read::field_error("time_zone", "is no IANA time zone that is known here"))
}

pub(super) fn token(message: &ApiTokenChanged) -> Result<TokenRow, ContractError> {
    let role = match read::enumeration::<TokenRole>(message.role, "role")? {
        TokenRole::Owner => Role::Owner,
        TokenRole::Manager => Role::Manager,
        TokenRole::Analyst => Role::Analyst,
        TokenRole::Publisher => Role::Publisher,
        TokenRole::Unspecified => return Err(read::field_error("role", "is unspecified")),
    };
    let token_hash = message.token_hash.as_slice().try_into();
    Ok(TokenRow {
        tenant_id: read::id(TenantId::from_slice, &message.tenant_id, "tenant_id")?,
        token_id: read::id(TokenId::from_slice, &message.token_id, "token_id")?,
        token_hash: token_hash
            .map_err(|_wrong_length| read::field_error("token_hash", "must be 32 bytes"))?,
        role,
        publisher_id: read::optional_id(
            PublisherId::from_slice,
            message.publisher_id.as_deref(),
            "publisher_id",
        )?,
        expires_at: message.expires_at_micros.map(read::time),
        revoked: message.revoked_at_micros.is_some(),
        scopes: contracts::scopes::from_message(&message.scopes),
        version: i64::try_from(message.version).unwrap_or(i64::MAX),
    })
}

pub(super) fn advertiser(message: &AdvertiserChanged) -> Result<Advertiser, ContractError> {
    Ok(Advertiser {
        tenant: read::id(TenantId::from_slice, &message.tenant_id, "tenant_id")?,
        id: read::id(AdvertiserId::from_slice, &message.advertiser_id, "advertiser_id")?,
        version: message.version,
        name: message.name.clone(),
    })
}

pub(super) fn publisher(message: &PublisherChanged) -> Result<Publisher, ContractError> {
    Ok(Publisher {
        tenant: read::id(TenantId::from_slice, &message.tenant_id, "tenant_id")?,
        id: read::id(PublisherId::from_slice, &message.publisher_id, "publisher_id")?,
        version: message.version,
        name: message.name.clone(),
        active: message.active,
        max_concurrency: message
            .max_concurrency
            .and_then(|count| i32::try_from(count).ok())
            .filter(|count| *count > 0),
        max_per_second: message
            .max_per_second
            .map(|count| i32::try_from(count).unwrap_or(i32::MAX))
            .filter(|count| *count > 0),
        endpoints: message.endpoints.iter().map(endpoint).collect::<Result<_, _>>()?,
    })
}

fn endpoint(message: &PostbackEndpoint) -> Result<EndpointRow, ContractError> {
    let method = match read::enumeration::<PostbackMethod>(message.method, "endpoints.method")? {
        PostbackMethod::Get => Method::Get,
        PostbackMethod::PostJson => Method::PostJson,
        PostbackMethod::Unspecified => return Err(read::field_error("endpoints.method", "is unspecified")),
    };
    let offer = read::optional_id(OfferId::from_slice, message.offer_id.as_deref(), "endpoints.offer_id")?;
    let event = read::optional_id(
        OfferEventId::from_slice,
        message.offer_event_id.as_deref(),
        "endpoints.offer_event_id",
    )?;
    let scope = match (offer, event) {
        (None, None) => Scope::Global,
        (Some(offer), None) => Scope::Offer(offer),
        (Some(offer), Some(event)) => Scope::Event(offer, event),
        (None, Some(_)) => {
            return Err(read::field_error("endpoints.offer_id", "is missing beside offer_event_id"));
        }
    };
    let current = message.signing_secrets.iter().find(|secret| secret.valid_until_micros.is_none());
    let older = message.signing_secrets.iter().filter_map(old_secret).max_by_key(|secret| secret.until);
    Ok(EndpointRow {
        endpoint: Endpoint {
            id: read::id(EndpointId::from_slice, &message.endpoint_id, "endpoints.endpoint_id")?,
            scope,
            statuses: message.statuses.iter().map(|status| told(*status)).collect::<Result<_, _>>()?,
            also_global: message.also_global,
        },
        method,
        url_template: message.url_template.clone(),
        signing_secret: current.map(|secret| secret.sealed.clone()),
        old_signing_secret: older,
        custom_header: message
            .custom_header_name
            .clone()
            .zip(message.custom_header_value.as_ref().map(|value| value.sealed.clone())),
        active: message.active,
    })
}

fn old_secret(secret: &SealedSecret) -> Option<OldSecret> {
    let until = read::time(secret.valid_until_micros?);
    Some(OldSecret { sealed: secret.sealed.clone(), until })
}

fn told(status: i32) -> Result<Told, ContractError> {
    match read::enumeration::<ConversionStatus>(status, "endpoints.statuses")? {
        ConversionStatus::Pending => Ok(Told::Pending),
        ConversionStatus::Success => Ok(Told::Success),
        ConversionStatus::Rejected => Ok(Told::Rejected),
        ConversionStatus::Unspecified => Err(read::field_error("endpoints.statuses", "is unspecified")),
    }
}
