//! The ledger: right whatever comes how often in which order, and never changed.

use contracts::{
    attribution::{ConversionVerdict, ReportedAmount},
    common::{CurrencyRate, Money, MoneyTerms},
    payout::ConversionStatusChanged,
};
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use kernel::{ConversionId, TenantId};
use payout::domain::ledger::{Flow, Kind, transfer_id};

use crate::{
    facts::{Tenant, percent_terms, terms, usd},
    stage::{Stage, metric},
};

#[tokio::test]
async fn the_same_verdict_however_often_and_in_whatever_order_pays_once() {
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let first = brownboots.verdict(1);
    let qualified = brownboots.qualified(first.clone());
    let amended = brownboots.qualified(ConversionVerdict {
        revision: 3,
        reported: Some(ReportedAmount { amount: Some(usd(9_990_000)), ..ReportedAmount::default() }),
        ..first.clone()
    });
    let older = brownboots.vetoed(&first);
    // The newest first, the others behind it, everything three times, some of it in one batch.
    for _ in 0..3 {
        stage.say_verdicts([amended.clone(), older.clone(), qualified.clone(), amended.clone()]).await;
    }
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(2))]).await;
    stage.told(2).await;
    stage.rows("inbox WHERE consumer = 'payout.conversions'", 4).await;
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage.rows("ledger_transfers", 4).await;
    assert_eq!(stage.publisher.deliveries().len(), 2);
    stage.strike().await;
}

#[tokio::test]
async fn a_reversal_after_release_takes_the_money_back() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let strict = MoneyTerms { reverse_on_fraud: true, ..terms(0) };
    let first = ConversionVerdict { terms: Some(strict), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(first.clone())]).await;
    stage.told(1).await;
    stage.say_verdicts([brownboots.vetoed(&first)]).await;
    stage.rows("conversions WHERE status = 'reversed'", 1).await;
    let said = stage.said_count::<ConversionStatusChanged>(2).await;
    assert!(said[1].reversed && !said[1].flagged);
    assert_eq!(said[1].received_at_micros, first.received_at_micros);
    stage.rows("ledger_transfers WHERE kind = 'reversal'", 2).await;
    stage.rows("ledger_balances WHERE debits_posted <> credits_posted", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn fraud_after_release_is_flagged_when_the_offer_does_not_reverse() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let first = brownboots.verdict(1);
    stage.say_verdicts([brownboots.qualified(first.clone())]).await;
    stage.told(1).await;
    stage.say_verdicts([brownboots.vetoed(&first)]).await;
    stage.rows("conversions WHERE status = 'flagged' AND books = 'posted'", 1).await;
    let said = stage.said_count::<ConversionStatusChanged>(2).await;
    assert!(said[1].flagged && !said[1].reversed);
    stage.rows("ledger_transfers", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn amounts_are_converted_by_the_tenants_own_rate() {
    let stage = Stage::set().await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.changed(2, &[("EUR", "USD", 1_085_000_000_000)])]).await;
    let in_euro = |tenant: Tenant| ConversionVerdict {
        terms: Some(percent_terms()),
        reported: Some(ReportedAmount {
            amount: Some(Money { micros: 4_990_000, currency: String::from("EUR") }),
            ..ReportedAmount::default()
        }),
        ..tenant.verdict(1)
    };
    stage.say_verdicts([brownboots.qualified(in_euro(brownboots)), other.qualified(in_euro(other))]).await;
    stage
        .rows(
            "conversions WHERE status = 'success' AND revenue_micros = 2707075 AND payout_micros = 1353537
                AND rate_from = 'EUR' AND rate_e12 = 1085000000000",
            1,
        )
        .await;
    stage
        .rows(
            "conversions WHERE status = 'on_review' AND reason_code = 'REVIEW_NO_RATE' AND books = 'empty'",
            1,
        )
        .await;
    let said = stage.said_count::<ConversionStatusChanged>(2).await;
    let rates: Vec<_> = said.into_iter().filter_map(|fact| fact.rate).collect();
    let (from, to) = (String::from("EUR"), String::from("USD"));
    assert_eq!(rates, [CurrencyRate { from, to, rate_e12: 1_085_000_000_000 }]);
    stage.strike().await;
}

#[tokio::test]
async fn what_waits_for_a_rate_is_priced_when_it_comes() {
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let in_euro = |click| ConversionVerdict {
        terms: Some(percent_terms()),
        reported: Some(ReportedAmount {
            amount: Some(Money { micros: 4_990_000, currency: String::from("EUR") }),
            ..ReportedAmount::default()
        }),
        ..brownboots.verdict(click)
    };
    stage.say_verdicts((0..20).map(|click| brownboots.qualified(in_euro(click)))).await;
    let waits =
        "conversions WHERE status = 'on_review' AND reason_code = 'REVIEW_NO_RATE' AND counted = 'nowhere'";
    stage.rows(waits, 20).await;
    // Another one's does not help.
    stage.say_catalog([brownboots.changed(2, &[("GBP", "USD", 1_271_000_000_000)])]).await;
    stage.rows("tenants WHERE priced_at >= rates_at AND version = 2", 1).await;
    stage.rows(waits, 20).await;

    let rates = [("GBP", "USD", 1_271_000_000_000), ("EUR", "USD", 1_085_000_000_000)];
    stage.say_catalog([brownboots.changed(3, &rates)]).await;
    stage.told(20).await;
    stage
        .rows(
            "conversions WHERE status = 'success' AND revenue_micros = 2707075 AND payout_micros = 1353537
                AND rate_from = 'EUR' AND books = 'posted' AND counted = 'taken' AND status_revision = 2",
            20,
        )
        .await;
    stage.strike().await;
}

#[tokio::test]
async fn nobody_changes_the_past() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;

    let mut serving = stage.database.pool().get().await.unwrap();
    for statement in [
        "UPDATE ledger_transfers SET amount_micros = 1",
        "DELETE FROM ledger_transfers",
        "TRUNCATE ledger_transfers",
        "DELETE FROM conversion_history",
        "DELETE FROM ledger_accounts",
    ] {
        let refused = sql_query(statement).execute(&mut serving).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    }
    drop(serving);
    let mut superuser = stage.database.admin().await;
    for statement in ["UPDATE ledger_transfers SET amount_micros = 1", "DELETE FROM ledger_transfers"] {
        let refused = sql_query(statement).execute(&mut superuser).await.unwrap_err().to_string();
        assert!(refused.contains("never changed or deleted"), "{statement}: {refused}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn the_proof_notices_what_does_not_add_up() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    let proof = stage.proof().await;
    assert_eq!((proof.transfers, proof.accounts, proof.difference_count), (2, 3, 0));
    assert_eq!(proof.posted["USD"], (3_000_000, 3_000_000));

    // An entry nobody decided: its id is not the one its content names, and its conversion does not know of it.
    stage
        .meanwhile(
            "INSERT INTO ledger_transfers (tenant_id, transfer_id, conversion_id, status_revision, flow, kind,
                debit_account_id, credit_account_id, currency, amount_micros)
            SELECT tenant_id, gen_random_uuid(), conversion_id, status_revision, flow, 'posted', debit_account_id,
                credit_account_id, currency, 1 FROM ledger_transfers LIMIT 1",
        )
        .await;
    let proof = stage.proof().await;
    assert_eq!(proof.difference_count, 2, "{:?}", proof.differences);
}

#[tokio::test]
async fn the_proof_knows_whose_accounts_money_moves_between() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    // Around the service: as if the publisher owed it.
    stage.meanwhile("ALTER TABLE ledger_transfers DISABLE TRIGGER append_only").await;
    let swap = "UPDATE ledger_transfers
        SET (debit_account_id, credit_account_id) = (credit_account_id, debit_account_id) WHERE flow = 'payable'";
    assert_eq!(stage.meanwhile(swap).await, 1);
    let differences = stage.proof().await.differences;
    assert!(differences.iter().any(|one| one.contains("between accounts of others")), "{differences:?}");
}

#[tokio::test]
async fn the_proof_knows_which_status_posts() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    // A Success of which the ledger knows nothing.
    stage.meanwhile("ALTER TABLE ledger_transfers DISABLE TRIGGER append_only").await;
    stage.meanwhile("DELETE FROM ledger_transfers").await;
    stage.meanwhile("UPDATE conversions SET books = 'empty', books_since = NULL").await;
    let differences = stage.proof().await.differences;
    assert!(differences.iter().any(|one| one.contains("are not what its status says")), "{differences:?}");
}

#[tokio::test]
async fn the_ledger_is_proved_again_and_again_and_what_differs_is_an_alarm() {
    let stage = Stage::with(1, |settings| settings.ledger.proof_seconds = 1).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.told(1).await;
    metric("payout_ledger_proofs_total", |proofs| proofs > 0).await;
    metric("payout_ledger_differences", |differences| differences == 0).await;
    // A Success of which the ledger knows nothing.
    stage.meanwhile("ALTER TABLE ledger_transfers DISABLE TRIGGER append_only").await;
    stage.meanwhile("DELETE FROM ledger_transfers").await;
    stage.meanwhile("UPDATE conversions SET books = 'empty', books_since = NULL").await;
    metric("payout_ledger_differences", |differences| differences > 0).await;
}

#[tokio::test]
async fn an_id_that_the_ledger_has_already_is_an_alarm_and_nothing_is_written() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let (doomed, other) = (brownboots.verdict(1), brownboots.verdict(2));
    let tenant = TenantId::from_slice(&doomed.tenant_id).unwrap();
    let conversion = ConversionId::from_slice(&doomed.conversion_id).unwrap();
    let taken = transfer_id(tenant, conversion, 1, Flow::Payable, Kind::Posted);
    stage
        .meanwhile(&format!(
            "INSERT INTO ledger_transfers (tenant_id, transfer_id, conversion_id, status_revision, flow, kind,
                debit_account_id, credit_account_id, currency, amount_micros)
            VALUES ('{}', '{}', '{}', 1, 'payable', 'posted', gen_random_uuid(), gen_random_uuid(), 'USD', 1)",
            tenant.as_uuid(),
            taken.as_uuid(),
            conversion.as_uuid(),
        ))
        .await;
    stage.say_verdicts([brownboots.qualified(doomed), brownboots.qualified(other.clone())]).await;
    stage.told(1).await;
    stage.rows("dead_items WHERE reason LIKE '%ledger_transfers_pkey%'", 1).await;
    stage.rows("conversions", 1).await;
    stage.rows("ledger_transfers WHERE amount_micros = 1", 1).await;
    metric("payout_ledger_conflicts_total", |conflicts| conflicts > 0).await;

    // And a number that a change had before: as if the row of the conversion had been put back.
    let before = telemetry::prometheus_text();
    let before = before.lines().find(|line| line.starts_with("payout_ledger_conflicts_total")).unwrap();
    let before: i64 = before.split_whitespace().last().unwrap().parse().unwrap();
    stage.meanwhile("UPDATE conversions SET status_revision = 0").await;
    stage.say_verdicts([brownboots.vetoed(&other)]).await;
    stage.rows("dead_items WHERE reason LIKE '%conversion_history_pkey%'", 1).await;
    metric("payout_ledger_conflicts_total", |conflicts| conflicts > before).await;
}
