use contracts::{
    catalog::{self, AdvertiserChanged, PostbackEndpoint, PublisherChanged, SealedSecret},
    read::to_money,
};

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
        endpoints: publisher.endpoint.iter().map(endpoint).collect(),
        max_concurrency: None,
        max_per_second: None,
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
        offer_id: None,
        offer_event_id: None,
        method: method.into(),
        url_template: endpoint.fields.url_template.clone(),
        statuses: endpoint.fields.statuses.iter().map(status).collect(),
        also_global: false,
        signing_secrets: vec![SealedSecret {
            sealed: endpoint.sealed_secret.clone(),
            valid_until_micros: None,
        }],
        custom_header_name: None,
        custom_header_value: None,
        active: endpoint.active,
    }
}
