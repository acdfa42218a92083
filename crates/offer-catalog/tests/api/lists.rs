//! Lists: filtered, sorted, counted, and found by indexes however many there are.

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::{Value, json};

use crate::catalog::{Catalog, text};

fn names(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| text(item, "/name")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_found_by_what_an_account_manager_knows() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let (golfin, other) = (catalog.advertiser(&token).await, catalog.advertiser(&token).await);
    for (name, advertiser, kind, system) in [
        ("Golfin iOS", &golfin, "MultiEvent", "AppsFlyer"),
        ("golf_100%", &golfin, "SingleEvent", "Adjust"),
        ("Chess", &other, "SingleEvent", "AppsFlyer"),
    ] {
        let body =
            json!({"name": name, "advertiserId": advertiser, "offerType": kind, "trackingSystem": system});
        catalog.post("/offers", &token, body).await.ok();
    }
    for (query, expected) in [
        ("", vec!["Chess", "golf_100%", "Golfin iOS"]),
        ("sort=createdAt", vec!["Golfin iOS", "golf_100%", "Chess"]),
        ("sort=-createdAt&page_size=2&page=2", vec!["Golfin iOS"]),
        ("sort=updatedAt", vec!["Golfin iOS", "golf_100%", "Chess"]),
        ("nameContains=GOLF&sort=createdAt", vec!["Golfin iOS", "golf_100%"]),
        ("nameContains=f_1", vec!["golf_100%"]),
        ("nameContains=0%25", vec!["golf_100%"]),
        ("nameContains=_", vec!["golf_100%"]),
        ("offerType=SingleEvent", vec!["Chess", "golf_100%"]),
        ("offerType=SingleEvent&trackingSystem=AppsFlyer", vec!["Chess"]),
        ("trackingSystem=Adjust&status=Draft", vec!["golf_100%"]),
        ("status=Ended", vec![]),
    ] {
        let page = catalog.get(&format!("/offers?{query}"), &token).await.ok();
        assert_eq!(names(&page), expected, "{query}");
        if !query.contains("page=2") {
            assert_eq!(page["total"], expected.len(), "{query}");
        }
    }
    let page = catalog.get(&format!("/offers?advertiserId={golfin}&sort=name"), &token).await.ok();
    assert_eq!(page["total"], 2);

    let wrong = "status=Nice&advertiserId=golfin&publisherId=7&offerType=Coupon&sort=price&advertiser=x&page=0&page_size=500";
    let problem = catalog.get(&format!("/offers?{wrong}"), &token).await.problem(400, "invalid_query");
    let said: Vec<(&str, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["detail"].as_str().unwrap()))
        .collect();
    let fields: Vec<&str> = said.iter().map(|(field, _)| *field).collect();
    assert_eq!(
        fields,
        ["page", "page_size", "advertiser", "status", "advertiserId", "publisherId", "offerType", "sort"]
    );
    assert!(said[7].1.contains("createdAt") && said[7].1.contains("-name"), "{problem}");
    assert!(said[2].1.contains("advertiserId"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_follows_every_change() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let totals = async || {
        let mut totals = Vec::new();
        for query in ["", "?status=Draft", "?status=Ready", "?status=Paused", "?offerType=MultiEvent"] {
            totals
                .push(catalog.get(&format!("/offers{query}"), &token).await.ok()["total"].as_u64().unwrap());
        }
        totals
    };
    assert_eq!(totals().await, [0, 0, 0, 0, 0]);
    let offer = catalog.offer(&token).await;
    catalog.post("/offers", &token, json!({"name": "draft"})).await.ok();
    assert_eq!(totals().await, [2, 1, 1, 0, 1]);
    catalog.post(&format!("/offers/{offer}/pause"), &token, json!({})).await.ok();
    assert_eq!(totals().await, [2, 1, 0, 1, 1]);
    catalog.post(&format!("/offers/{offer}/clone"), &token, json!({})).await.ok();
    assert_eq!(totals().await, [3, 2, 0, 1, 2]);
    // Another tenant's are its own.
    let other = catalog.tenant("Redshoes").await;
    assert_eq!(catalog.get("/offers", &other).await.ok()["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_tokens_credentials_and_the_log_are_sorted_and_filtered() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    for (list, id) in [("/advertisers", "advertiserId"), ("/publishers", "publisherId")] {
        for name in ["Bravo", "Alpha", "Charlie"] {
            catalog.post(list, &token, json!({ "name": name })).await.ok();
        }
        for (query, expected) in [
            ("", vec!["Alpha", "Bravo", "Charlie"]),
            ("sort=-name", vec!["Charlie", "Bravo", "Alpha"]),
            ("sort=createdAt", vec!["Bravo", "Alpha", "Charlie"]),
            ("sort=-createdAt&page_size=1", vec!["Charlie"]),
            ("nameContains=RA", vec!["Bravo"]),
            ("active=true&nameContains=a&page_size=2", vec!["Alpha", "Bravo"]),
            ("active=false", vec![]),
        ] {
            let page = catalog.get(&format!("{list}?{query}"), &token).await.ok();
            assert_eq!(names(&page), expected, "{list} {query}");
        }
        let fields = catalog.get(&format!("{list}?active=maybe&sort=age&name=A"), &token).await;
        assert_eq!(fields.fields(400, "invalid_query"), ["name", "active", "sort"], "{id}");
    }
    let advertiser = text(&catalog.get("/advertisers", &token).await.ok(), "/items/0/advertiserId");
    let publisher = text(&catalog.get("/publishers", &token).await.ok(), "/items/0/publisherId");
    catalog.post("/credentials", &token, json!({})).await.ok();
    catalog.post("/credentials", &token, json!({"advertiserId": advertiser})).await.ok();
    catalog.post("/tokens", &token, json!({"role": "publisher", "publisherId": publisher})).await.ok();
    for (path, total) in [
        ("/credentials".to_owned(), 2),
        (format!("/credentials?advertiserId={advertiser}&sort=createdAt"), 1),
        ("/tokens?sort=createdAt".to_owned(), 2),
        ("/tokens?role=publisher".to_owned(), 1),
        (format!("/tokens?publisherId={publisher}"), 1),
        ("/tokens?role=analyst".to_owned(), 0),
        (format!("/audit-log?subject={advertiser}&sort=createdAt"), 1),
    ] {
        assert_eq!(catalog.get(&path, &token).await.ok()["total"], total, "{path}");
    }
    let (up, down) = (
        catalog.get("/audit-log?sort=createdAt&page_size=100", &token).await.ok(),
        catalog.get("/audit-log?page_size=100", &token).await.ok(),
    );
    let mut turned = up["items"].as_array().unwrap().clone();
    turned.reverse();
    assert_eq!(&turned, down["items"].as_array().unwrap());
    for (path, field) in [
        ("/tokens?role=boss", "role"),
        ("/credentials?advertiserId=x", "advertiserId"),
        ("/audit-log?subject=x", "subject"),
        ("/audit-log?sort=name", "sort"),
    ] {
        assert_eq!(catalog.get(path, &token).await.fields(400, "invalid_query"), [field], "{path}");
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

/// What the API asks of PostgreSQL, and that it never reads through all offers for it.
#[tokio::test(flavor = "multi_thread")]
async fn no_list_and_no_feed_reads_through_all_offers() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let (advertiser, publisher) = (catalog.advertiser(&token).await, catalog.publisher(&token).await);
    let mut admin = catalog.database.admin().await;
    // Every twentieth is shared; dates are around today.
    let many = format!(
        "INSERT INTO offers (tenant_id, offer_id, status, newest_version, fields, name, advertiser_id, revision, created_at, \
         updated_at)
        SELECT tenant_id, gen_random_uuid(), 'Ready', 1,
            jsonb_build_object('offerType', CASE WHEN n % 2 = 0 THEN 'SingleEvent' ELSE 'MultiEvent' END,
                'trackingSystem', CASE WHEN n % 50 = 0 THEN 'Adjust' ELSE 'AppsFlyer' END, 'events', '[]'::jsonb,
                'launchAt', (extract(epoch FROM now())::bigint + n - 10000) * 1000000),
            md5(n::text), CASE WHEN n % 100 = 0 THEN '{advertiser}'::uuid END, 1, now() - n * interval '1 minute', now()
        FROM tenants, generate_series(1, 20000) AS n;
        INSERT INTO offer_shares
        SELECT tenant_id, offer_id, '{publisher}', gen_random_uuid(), now()
        FROM offers WHERE offer_id::text < '0d';
        VACUUM ANALYZE offers, offer_shares, partner_offers, offer_counts;"
    );
    for statement in many.split(';').filter(|statement| !statement.trim().is_empty()) {
        admin.batch_execute(statement).await.unwrap();
    }
    assert_eq!(catalog.get("/offers", &token).await.ok()["total"], 20_000);
    let adjust = catalog.get("/offers?trackingSystem=Adjust&offerType=SingleEvent", &token).await.ok();
    assert_eq!(adjust["total"], 400);

    let of_tenant = "FROM offers WHERE tenant_id = (SELECT tenant_id FROM tenants)";
    let newest = "ORDER BY created_at DESC, offer_id LIMIT 10";
    let own = format!("WHERE tenant_id = (SELECT tenant_id FROM tenants) AND publisher_id = '{publisher}'");
    for (query, index) in [
        (format!("SELECT offer_id {of_tenant} {newest}"), "offers_newest_first"),
        (
            format!("SELECT offer_id {of_tenant} ORDER BY updated_at DESC, offer_id LIMIT 10"),
            "offers_last_changed",
        ),
        (format!("SELECT offer_id {of_tenant} ORDER BY name, offer_id LIMIT 10"), "offers_by_name"),
        (format!("SELECT offer_id {of_tenant} AND status = 'Paused' {newest}"), "offers_status"),
        (
            format!("SELECT offer_id {of_tenant} AND advertiser_id = '{advertiser}' {newest}"),
            "offers_advertiser",
        ),
        (format!("SELECT count(*) {of_tenant} AND name ILIKE '%0cfee%'"), "offers_name_contains"),
        (
            format!(
                "SELECT offer_id {of_tenant} AND offer_id IN (SELECT offer_id FROM offer_shares {own}) {newest}"
            ),
            "offer_shares",
        ),
        (
            "SELECT sum(offers) FROM offer_counts WHERE tenant_id = (SELECT tenant_id FROM tenants)"
                .to_owned(),
            "offer_counts",
        ),
        (
            format!("SELECT offer_id FROM partner_offers {own} ORDER BY shared_at, offer_id LIMIT 101"),
            "partner_offers_page",
        ),
        (
            format!("SELECT max(launch_at) FROM partner_offers {own} AND launch_at <= now()"),
            "partner_offers_launch",
        ),
        (
            format!("SELECT max(resumes_at) FROM partner_offers {own} AND resumes_at <= now()"),
            "partner_offers_resumes",
        ),
        (
            format!(
                "SELECT offer_id {of_tenant} AND status = 'Ready' AND NOT (end_at IS NOT NULL AND end_at <= now())
                AND EXISTS (SELECT FROM partner_offers AS line
                    WHERE line.tenant_id = offers.tenant_id AND line.offer_id = offers.offer_id)
                AND EXISTS (SELECT FROM offer_budgets AS budget
                    WHERE budget.tenant_id = offers.tenant_id AND budget.offer_id = offers.offer_id
                        AND budget.is_spent AND (budget.resumes_at IS NULL OR budget.resumes_at > now()))
                {newest}"
            ),
            "offer_budgets",
        ),
    ] {
        let plan: Vec<Line> = sql_query(format!("EXPLAIN {query}")).load(&mut admin).await.unwrap();
        let plan: Vec<String> = plan.into_iter().map(|line| line.line).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan on offers") && plan.contains(index), "{query}\n{plan}");
    }
}
