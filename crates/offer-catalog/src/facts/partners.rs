use contracts::{
    catalog::{self, AdvertiserChanged, PostbackEndpoint, PublisherChanged, SealedSecret},
    read::to_money,
};
use kernel::{OfferEventId, OfferId, Timestamp};

use crate::domain::{
    partner::{PostbackMethod, ToldStatus},
    records::{Advertiser, Endpoint, Publisher},
};

/// The advertiser as it stands.
#[must_use]
pub fn advertiser_changed(advertiser: &Advertiser) -> AdvertiserChanged {
    AdvertiserChanged {
        tenant_id: advertiser.tenant_id.to_vec(),
        advertiser_id: advertiser.advertiser_id.to_vec(),
        version: advertiser.revision.0,
        name: advertiser.fields.name.clone(),
        active: advertiser.active,
        review_window_days: advertiser.fields.review_window_days.map(u32::from),
        total_budget: advertiser.fields.total_budget.map(to_money),
    }
}

/// The publisher with its endpoint as it stands.
#[must_use]
pub fn publisher_changed(publisher: &Publisher) -> PublisherChanged {
    PublisherChanged {
        tenant_id: publisher.tenant_id.to_vec(),
        publisher_id: publisher.publisher_id.to_vec(),
        version: publisher.revision.0,
        name: publisher.fields.name.clone(),
        active: publisher.active,
        endpoints: publisher.endpoints.iter().map(endpoint).collect(),
        max_concurrency: publisher.fields.pace.max_concurrency.map(u32::from),
        max_per_second: publisher.fields.pace.max_per_second.map(u32::from),
    }
}

fn endpoint(endpoint: &Endpoint) -> PostbackEndpoint {
    let method = match endpoint.fields.method {
        PostbackMethod::Get => catalog::PostbackMethod::Get,
        PostbackMethod::PostJson => catalog::PostbackMethod::PostJson,
    };
    let status = |status: &ToldStatus| {
        i32::from(match status {
            ToldStatus::Pending => catalog::ConversionStatus::Pending,
            ToldStatus::Success => catalog::ConversionStatus::Success,
            ToldStatus::Rejected => catalog::ConversionStatus::Rejected,
        })
    };
    PostbackEndpoint {
        endpoint_id: endpoint.endpoint_id.to_vec(),
        offer_id: endpoint.scope.offer().map(OfferId::to_vec),
        offer_event_id: endpoint.scope.event().map(OfferEventId::to_vec),
        method: method.into(),
        url_template: endpoint.fields.url_template.clone(),
        statuses: endpoint.fields.statuses.iter().map(status).collect(),
        also_global: endpoint.fields.also_global,
        signing_secrets: signing_secrets(endpoint),
        custom_header_name: endpoint.custom_header.as_ref().map(|header| header.name.to_string()),
        custom_header_value: endpoint
            .custom_header
            .as_ref()
            .map(|header| SealedSecret { sealed: header.sealed_value.clone(), valid_until_micros: None }),
        active: endpoint.active,
    }
}

fn signing_secrets(endpoint: &Endpoint) -> Vec<SealedSecret> {
    let current = SealedSecret { sealed: endpoint.sealed_secret.clone(), valid_until_micros: None };
    let old = endpoint.old_secret.as_ref().map(|old| SealedSecret {
        sealed: old.sealed.clone(),
        valid_until_micros: Some(Timestamp::as_micros(old.until)),
    });
    std::iter::once(current).chain(old).collect()
}
