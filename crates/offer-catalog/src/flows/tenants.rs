//! Tenants: made by the operator, each with the owner's token that everything else begins with.

use kernel::{Role, TenantId};
use postgres_kit::{Retries, transact};
use secrecy::SecretString;

use super::{
    Catalog, FlowError, TokenRequest,
    catalog::tenant_of,
    tokens::IssuedToken,
    write::{Change, States},
};
use crate::{
    domain::{
        audit::{Actor, AuditAction},
        records::{Revision, Tenant, Token},
        tenant::{TenantDomain, TenantProfile},
    },
    facts::{api_token_changed, tenant_changed},
    store::{tenants, tokens},
};

/// A new tenant and its owner's token, which is shown once.
pub struct CreatedTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// The owner's token.
    pub token: Token,
    /// Its text.
    pub secret: SecretString,
}

impl Catalog {
    /// Makes a tenant.
    ///
    /// # Errors
    /// `Invalid` for an unknown time zone, `Conflict` when the domain is taken, `Store`.
    pub async fn create_tenant(
        &self,
        domain: TenantDomain,
        profile: TenantProfile,
    ) -> Result<CreatedTenant, FlowError> {
        let now = self.now();
        let tenant_id = TenantId::from_uuid(self.ids().uuid_v7());
        let tenant = Tenant { tenant_id, domain, profile, revision: Revision::FIRST, created_at: now };
        let request = TokenRequest {
            label: String::from("owner"),
            role: Role::Owner,
            publisher_id: None,
            expires_at: None,
        };
        let IssuedToken { token, secret } = self.new_token(tenant_id, request, now);
        let change = Change::new(self.ids(), tenant_id, Actor::Operator, now);

        let (tenant_ref, token_ref, change_ref) = (&tenant, &token, &change);
        transact(self.pool(), Retries::default(), async |conn| {
            let zone = &tenant_ref.profile.time_zone;
            if !tenants::is_time_zone(conn, zone).await? {
                let detail = format!("`{zone}` is no IANA time zone such as Europe/Berlin or UTC");
                return Err(FlowError::field("timeZone", detail));
            }
            if !tenants::insert(conn, tenant_ref).await? {
                return Err(FlowError::Conflict {
                    code: "domain_taken",
                    detail: format!("the domain {} belongs to another tenant", tenant_ref.domain),
                    fields: Vec::new(),
                });
            }
            tokens::insert(conn, token_ref).await?;
            let states = States::new(&tenant_ref.profile)?;
            change_ref
                .audit(conn, AuditAction::TenantCreated, tenant_ref.tenant_id.as_uuid(), states)
                .await?;
            let stamper = change_ref.stamper();
            let facts = [
                stamper.outgoing(&tenant_changed(tenant_ref)),
                stamper.outgoing(&api_token_changed(token_ref)),
            ];
            change_ref.tell(conn, &facts).await
        })
        .await?;
        Ok(CreatedTenant { tenant, token, secret })
    }

    /// The caller's tenant.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn tenant(&self, tenant: TenantId) -> Result<Tenant, FlowError> {
        transact(self.pool(), Retries::default(), async |conn| tenant_of(conn, tenant).await).await
    }
}
