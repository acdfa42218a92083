//! What a delivery waits for, said in one place for whoever shows it.

// A select of one word, for a delivery in the relation of this name; nothing when it has ended, or ends with the next claim. What
// holds an endpoint comes before the delivery's own time: when that is over, it will still wait.
macro_rules! waits_for {
    ($of:literal) => {
        concat!(
            "SELECT CASE
                WHEN ",
            $of,
            ".state <> 'waiting' OR NOT active THEN NULL
                WHEN ",
            $of,
            ".lease IS NOT NULL AND ",
            $of,
            ".leased_until > now() THEN 'attempt_under_way'
                WHEN paused_at IS NOT NULL THEN 'paused_endpoint'
                WHEN open_until IS NOT NULL THEN 'open_breaker'
                WHEN ",
            $of,
            ".due_at <= now() THEN 'turn'
                WHEN EXISTS (
                    SELECT FROM deliveries AS earlier
                    WHERE earlier.tenant_id = ",
            $of,
            ".tenant_id AND earlier.conversion_id = ",
            $of,
            ".conversion_id AND earlier.endpoint_id = ",
            $of,
            ".endpoint_id AND earlier.leased_until > now()
                ) THEN 'earlier_telling'
                ELSE 'retry' END
            FROM postback_endpoints AS endpoint
            LEFT JOIN endpoint_conditions AS condition
                ON condition.tenant_id = endpoint.tenant_id AND condition.endpoint_id = endpoint.endpoint_id
            WHERE endpoint.tenant_id = ",
            $of,
            ".tenant_id AND endpoint.endpoint_id = ",
            $of,
            ".endpoint_id"
        )
    };
}

pub(super) use waits_for;
