use contracts::{catalog::TenantChanged, common::CurrencyRate};

use crate::domain::{rate::Rate, records::Tenant};

/// The tenant as it stands.
#[must_use]
pub fn tenant_changed(tenant: &Tenant) -> TenantChanged {
    TenantChanged {
        tenant_id: tenant.tenant_id.to_vec(),
        version: tenant.revision.0,
        domain: tenant.domain.as_str().to_owned(),
        display_name: tenant.profile.display_name.clone(),
        time_zone: tenant.profile.time_zone.clone(),
        default_currency: String::from(tenant.profile.default_currency.code()),
        media_sources: tenant.profile.media_sources.clone(),
        rates: tenant.rates.iter().map(rate).collect(),
        active: true,
    }
}

fn rate(rate: &Rate) -> CurrencyRate {
    CurrencyRate {
        from: String::from(rate.from.code()),
        to: String::from(rate.to.code()),
        rate_e12: rate.worth.e12(),
    }
}
