//! A person asks to be forgotten: the conversion, its money and its telling stay, the person goes.

use contracts::{
    attribution::{ConversionVerdict, ErasedClick, PersonErased},
    envelope::Envelope,
};

use crate::{
    facts::{Tenant, click_id, terms},
    stage::Stage,
};

const CANARY: &str = "Canary7";

fn personal(tenant: Tenant, click: u8) -> ConversionVerdict {
    let mut verdict = tenant.verdict(click);
    let journey = verdict.click.as_mut().unwrap();
    let parameters = journey.publisher_parameters.get_or_insert_default();
    parameters.pub_member_id = format!("{CANARY} member");
    parameters.pub_subs = [(1, format!("{CANARY} sub"))].into();
    let visitor = journey.visitor.get_or_insert_default();
    visitor.ip_address = format!("{CANARY} address");
    visitor.user_agent = format!("{CANARY} agent");
    let told = verdict.tracking_system.get_or_insert_default();
    told.ip_address = format!("{CANARY} address");
    told.email = format!("{CANARY}@a.b");
    told.user_id = format!("{CANARY} user");
    told.subs = [(1, format!("{CANARY} sub"))].into();
    verdict
}

fn erased(tenant: Tenant, clicks: &[u8]) -> Envelope {
    let clicks = clicks
        .iter()
        .map(|click| ErasedClick {
            gk_click_id: click_id(*click).to_vec(),
            member: String::from("erased:1:somebody"),
        })
        .collect();
    tenant.envelope(&PersonErased { tenant_id: tenant.0.to_vec(), clicks, ..PersonErased::default() })
}

async fn tables_with(stage: &Stage, word: &str) -> i64 {
    stage
        .count(&format!(
            "SELECT count(*) AS count FROM pg_class, query_to_xml(format(
                $$SELECT count(*) AS found FROM public.%I AS one
                WHERE one::text LIKE '%%{word}%%' OR one::text LIKE '%%' || encode('{word}', 'hex') || '%%'$$,
                relname), false, true, '') AS answer
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                AND (xpath('/row/found/text()', answer))[1]::text <> '0'"
        ))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_person_is_in_no_table_and_the_publisher_is_told_all_the_same() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(2, |_| ()).await;
    stage.introduce(tenant).await;
    let held = |click| ConversionVerdict { terms: Some(terms(3)), ..personal(tenant, click) };
    stage.say_verdicts([1, 2].map(|click| tenant.qualified(held(click)))).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;
    assert_eq!(tables_with(&stage, CANARY).await, 1, "the test would see it");
    // One of them, one that nobody has heard of yet; five times, to two replicas.
    for _ in 0..5 {
        stage.say_forgotten(erased(tenant, &[1, 3])).await;
    }
    stage.rows("erased_clicks", 2).await;
    stage.say_forgotten(erased(tenant, &[2])).await;
    stage.rows("erased_clicks", 3).await;
    assert_eq!(tables_with(&stage, CANARY).await, 0);
    // Verdicts that were on their way.
    let later = ConversionVerdict { revision: 2, ..held(1) };
    stage.say_verdicts([tenant.qualified(later), tenant.qualified(held(3))]).await;
    stage.rows("conversions WHERE verdict_revision = 2", 1).await;
    stage.rows("conversions", 3).await;
    assert_eq!(tables_with(&stage, CANARY).await, 0);
    // Money and telling go on, by the publisher's own id of the click.
    stage.holds_end().await;
    let told = stage.told(3).await;
    assert!(told.iter().all(|one| !format!("{one:?}").contains(CANARY)), "{told:?}");
    assert!(told.iter().all(|one| format!("{one:?}").contains("erased%3A1%3Asomebody")), "{told:?}");
    assert_eq!(stage.proof().await.difference_count, 0);
    stage.strike().await;
}
