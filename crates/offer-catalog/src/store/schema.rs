//! The tables as the migrations make them; the test `schema_is_current` compares.

diesel::table! {
    tenants (tenant_id) {
        tenant_id -> Uuid,
        domain -> Text,
        display_name -> Text,
        time_zone -> Text,
        default_currency -> Text,
        media_sources -> Array<Text>,
        revision -> BigInt,
        created_at -> Timestamptz,
        rates -> Jsonb,
    }
}

diesel::table! {
    issued_tokens (tenant_id, token_id) {
        tenant_id -> Uuid,
        token_id -> Uuid,
        label -> Text,
        token_hash -> Binary,
        role -> Text,
        publisher_id -> Nullable<Uuid>,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        revision -> BigInt,
        created_at -> Timestamptz,
        user_id -> Nullable<Uuid>,
        scopes -> Nullable<Array<Text>>,
        last_used_at -> Nullable<Timestamptz>,
        suspended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    users (tenant_id, user_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        email -> Nullable<Text>,
        role -> Text,
        publisher_id -> Nullable<Uuid>,
        active -> Bool,
        revision -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    advertisers (tenant_id, advertiser_id) {
        tenant_id -> Uuid,
        advertiser_id -> Uuid,
        name -> Text,
        active -> Bool,
        review_window_days -> Nullable<Integer>,
        budget_micros -> Nullable<BigInt>,
        budget_currency -> Nullable<Text>,
        revision -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    publishers (tenant_id, publisher_id) {
        tenant_id -> Uuid,
        publisher_id -> Uuid,
        name -> Text,
        active -> Bool,
        revision -> BigInt,
        created_at -> Timestamptz,
        max_concurrency -> Nullable<Integer>,
        max_per_second -> Nullable<Integer>,
    }
}

diesel::table! {
    publisher_endpoints (tenant_id, endpoint_id) {
        tenant_id -> Uuid,
        endpoint_id -> Uuid,
        publisher_id -> Uuid,
        method -> Text,
        url_template -> Text,
        statuses -> Array<Text>,
        sealed_secret -> Binary,
        active -> Bool,
        created_at -> Timestamptz,
        offer_id -> Nullable<Uuid>,
        offer_event_id -> Nullable<Uuid>,
        also_global -> Bool,
        old_sealed_secret -> Nullable<Binary>,
        old_secret_until -> Nullable<Timestamptz>,
        custom_header_name -> Nullable<Text>,
        custom_header_sealed_value -> Nullable<Binary>,
    }
}

diesel::table! {
    categories (tenant_id, name) {
        tenant_id -> Uuid,
        name -> Text,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    credentials (tenant_id, credential_id) {
        tenant_id -> Uuid,
        credential_id -> Uuid,
        advertiser_id -> Nullable<Uuid>,
        revision -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    credential_generations (tenant_id, credential_id, generation) {
        tenant_id -> Uuid,
        credential_id -> Uuid,
        generation -> Integer,
        key_id -> Integer,
        nonce -> Binary,
        issued_at -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    credential_uses (tenant_id, credential_id, generation, app_id) {
        tenant_id -> Uuid,
        credential_id -> Uuid,
        generation -> Integer,
        app_id -> Text,
        first_used_at -> Timestamptz,
        last_used_at -> Timestamptz,
        uses -> BigInt,
    }
}

diesel::table! {
    offers (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        status -> Text,
        newest_version -> Integer,
        fields -> Jsonb,
        name -> Nullable<Text>,
        advertiser_id -> Nullable<Uuid>,
        event_stops -> Jsonb,
        cloned_from -> Nullable<Uuid>,
        revision -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        accepted_warnings -> Array<Text>,
        offer_type -> Nullable<Text>,
        tracking_system -> Nullable<Text>,
        end_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    offer_budgets (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        version -> BigInt,
        is_spent -> Bool,
        resumes_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    offer_raises (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        total_raise -> BigInt,
        daily_raise -> BigInt,
    }
}

diesel::table! {
    offer_counts (count_id) {
        count_id -> BigInt,
        tenant_id -> Uuid,
        status -> Text,
        offer_type -> Nullable<Text>,
        tracking_system -> Nullable<Text>,
        offers -> BigInt,
    }
}

diesel::table! {
    offer_versions (tenant_id, offer_id, version) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        version -> Integer,
        fields -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    offer_events (tenant_id, offer_id, offer_event_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        offer_event_id -> Uuid,
        introduced_in -> Integer,
        terms -> Jsonb,
    }
}

diesel::table! {
    offer_event_names (tenant_id, offer_id, event_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        event_id -> Text,
        offer_event_id -> Uuid,
    }
}

diesel::table! {
    offer_shares (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        publisher_id -> Uuid,
        link_id -> Uuid,
        shared_at -> Timestamptz,
    }
}

diesel::table! {
    partner_feeds (tenant_id, publisher_id) {
        tenant_id -> Uuid,
        publisher_id -> Uuid,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    partner_offers (tenant_id, offer_id) {
        tenant_id -> Uuid,
        offer_id -> Uuid,
        publisher_id -> Uuid,
        shared_at -> Timestamptz,
        offer_type -> Text,
        launch_at -> Nullable<Timestamptz>,
        end_at -> Nullable<Timestamptz>,
        changed_at -> Timestamptz,
        resumes_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    scheduled_changes (tenant_id, change_id) {
        tenant_id -> Uuid,
        change_id -> Uuid,
        offer_id -> Uuid,
        offer_event_id -> Uuid,
        field -> Text,
        value -> Jsonb,
        due_at -> Timestamptz,
        status -> Text,
        reason -> Nullable<Text>,
        version -> Nullable<Integer>,
        scheduled_by -> Uuid,
        created_at -> Timestamptz,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    kept_answers (tenant_id, token_id, idempotency_key) {
        tenant_id -> Uuid,
        token_id -> Uuid,
        idempotency_key -> Text,
        request_hash -> Binary,
        status -> SmallInt,
        etag -> Nullable<Text>,
        is_secret -> Bool,
        sealed_body -> Binary,
        kept_at -> Timestamptz,
    }
}

diesel::table! {
    creatives (tenant_id, creative_id) {
        tenant_id -> Uuid,
        creative_id -> Uuid,
        name -> Nullable<Text>,
        file -> Text,
        width -> Integer,
        height -> Integer,
        bytes -> BigInt,
        thumbnail_file -> Text,
        thumbnail_width -> Integer,
        thumbnail_height -> Integer,
        thumbnail_bytes -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    offer_imports (tenant_id, import_id) {
        tenant_id -> Uuid,
        import_id -> Uuid,
        state -> Text,
        imported_by -> Uuid,
        provider -> Nullable<Text>,
        concurrency_request_id -> Nullable<Text>,
        operation -> Nullable<Text>,
        accepted_warnings -> Array<Text>,
        content_hash -> Nullable<Binary>,
        row_count -> Integer,
        paused_count -> Integer,
        created_at -> Timestamptz,
        received_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    offer_import_rows (tenant_id, import_id, row_number) {
        tenant_id -> Uuid,
        import_id -> Uuid,
        row_number -> Integer,
        external_id -> Nullable<Text>,
        body -> Text,
        outcome -> Nullable<Text>,
        offer_id -> Nullable<Uuid>,
        problems -> Jsonb,
    }
}

diesel::table! {
    provider_offers (tenant_id, provider, external_id) {
        tenant_id -> Uuid,
        provider -> Text,
        external_id -> Text,
        offer_id -> Uuid,
        paused_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_log (tenant_id, entry_id) {
        tenant_id -> Uuid,
        entry_id -> Uuid,
        at -> Timestamptz,
        token_id -> Nullable<Uuid>,
        action -> Text,
        subject -> Uuid,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(offers, offer_shares, offer_budgets, partner_offers);
diesel::allow_tables_to_appear_in_same_query!(credentials, credential_generations);
