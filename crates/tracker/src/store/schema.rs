//! The tables as the migrations make them.

diesel::table! {
    tenants (tenant_id) {
        tenant_id -> Uuid,
        version -> BigInt,
        fact -> Bytea,
    }
}

diesel::table! {
    offers (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        revision -> BigInt,
        link_id -> Nullable<Uuid>,
        fact -> Bytea,
    }
}

diesel::table! {
    offer_versions (tenant_id, offer_id, version) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        version -> Integer,
        fact -> Bytea,
    }
}

diesel::table! {
    budgets (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        version -> BigInt,
        fact -> Bytea,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenants, offers, offer_versions, budgets);
