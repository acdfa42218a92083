use contracts::catalog::TenantChanged;

use crate::domain::records::Tenant;

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
        rates: Vec::new(),
        active: true,
    }
}
