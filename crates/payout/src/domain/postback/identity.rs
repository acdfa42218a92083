//! The names a receiver tells repeats by. Both are computed: a crash between deciding and sending can not rename anything.

use kernel::{ConversionId, DeliveryId, EndpointId, TenantId};

use super::super::ledger::derive;

/// The id of one telling of one status to one endpoint.
#[must_use]
pub fn delivery_id(
    tenant: TenantId,
    conversion: ConversionId,
    revision: u64,
    endpoint: EndpointId,
) -> DeliveryId {
    DeliveryId::from_uuid(derive(
        "gokart delivery 1",
        &[
            tenant.as_uuid().as_bytes(),
            conversion.as_uuid().as_bytes(),
            &revision.to_be_bytes(),
            endpoint.as_uuid().as_bytes(),
        ],
    ))
}

/// The value of `webhook-id`: the same on every attempt, another for every status. It holds no point, because Standard
/// Webhooks puts one behind it before signing.
#[must_use]
pub fn webhook_id(conversion: ConversionId, revision: u64, endpoint: EndpointId) -> String {
    format!("{conversion}_{revision}_{endpoint}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_webhook_id_has_no_point_and_names_all_three() {
        let id = Uuid::from_u128;
        let name = webhook_id(ConversionId::from_uuid(id(1)), 7, EndpointId::from_uuid(id(2)));
        assert_eq!(name, "00000000-0000-0000-0000-000000000001_7_00000000-0000-0000-0000-000000000002");
        assert!(!name.contains('.'));
    }

    #[test]
    fn every_revision_and_endpoint_is_another_delivery() {
        let id = Uuid::from_u128;
        let of = |revision, endpoint| {
            delivery_id(
                TenantId::from_uuid(id(1)),
                ConversionId::from_uuid(id(2)),
                revision,
                EndpointId::from_uuid(id(endpoint)),
            )
        };
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(2, 1));
        assert_ne!(of(1, 1), of(1, 2));
    }
}
