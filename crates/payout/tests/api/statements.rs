//! Statements: drawn from the ledger, closed once and for ever, corrected and paid by what comes later.

use contracts::{
    attribution::ConversionVerdict,
    catalog::TokenRole,
    common::{MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
};
use serde_json::{Value, json};

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
};

pub(crate) const MANAGER: &str = "gkt_manager";
pub(crate) const PARTNER: &str = "gkt_partner";

pub(crate) async fn stage() -> (Stage, Tenant) {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let tokens =
        [brownboots.token(MANAGER, TokenRole::Manager), brownboots.token(PARTNER, TokenRole::Publisher)];
    stage.say_catalog(tokens).await;
    (stage, brownboots)
}

/// A purchase of a click, earned at once; fraud takes it back.
pub(crate) fn earned(tenant: Tenant, click: u8) -> ConversionVerdict {
    let strict = MoneyTerms { reverse_on_fraud: true, ..terms(0) };
    ConversionVerdict { terms: Some(strict), ..tenant.verdict(click) }
}

impl Stage {
    /// Lets clicks earn, and waits until they have.
    pub(crate) async fn earn(&self, verdicts: impl IntoIterator<Item = ConversionVerdict>, tenant: Tenant) {
        let before = self.count("SELECT count(*) AS count FROM conversions WHERE status = 'success'").await;
        let items: Vec<_> = verdicts.into_iter().map(|verdict| tenant.qualified(verdict)).collect();
        let after = before + i64::try_from(items.len()).unwrap();
        self.say_verdicts(items).await;
        self.rows("conversions WHERE status = 'success'", after).await;
    }

    /// The newest period's month.
    pub(crate) async fn month(&self) -> String {
        let (status, periods) = self.get("/api/v1/statement-periods", Some(MANAGER)).await;
        assert_eq!(status, 200);
        periods.pointer("/items/0/period").unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) async fn close(&self, month: &str) -> (u16, Value) {
        self.post(&format!("/api/v1/statement-periods/{month}/close"), Some(MANAGER), &json!({})).await
    }

    /// Ends the month and closes it.
    pub(crate) async fn end_and_close(&self) -> String {
        let month = self.month().await;
        self.month_ends().await;
        let (status, closed) = self.close(&month).await;
        assert_eq!((status, closed.get("state")), (200, Some(&json!("Closed"))), "{closed}");
        month
    }

    /// The one statement of publishers, or of advertisers, over a month.
    pub(crate) async fn statement(&self, of: &str, month: &str) -> Value {
        let path = format!("/api/v1/statements?of={of}&period={month}");
        let (status, list) = self.get(&path, Some(MANAGER)).await;
        assert_eq!((status, list.get("total")), (200, Some(&json!(1))), "{list}");
        let id = list.pointer("/items/0/statementId").unwrap().as_str().unwrap();
        let (status, whole) = self.get(&format!("/api/v1/statements/{id}"), Some(MANAGER)).await;
        assert_eq!(status, 200, "{whole}");
        whole
    }

    pub(crate) async fn of_statement(&self, statement: &Value, what: &str, body: &Value) -> (u16, Value) {
        let id = statement.get("statementId").unwrap().as_str().unwrap();
        self.post(&format!("/api/v1/statements/{id}/{what}"), Some(MANAGER), body).await
    }
}

/// Some fields of an answer, as text.
pub(crate) fn of<'a, const N: usize>(value: &'a Value, fields: [&str; N]) -> [&'a str; N] {
    fields.map(|field| {
        value.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("no {field}: {value}"))
    })
}

#[tokio::test]
async fn a_reversal_after_payment_is_a_negative_line_of_the_open_period() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1), earned(brownboots, 2)], brownboots).await;
    let first = stage.end_and_close().await;
    let (publisher, advertiser) =
        (stage.statement("Publisher", &first).await, stage.statement("Advertiser", &first).await);
    assert_eq!(of(&publisher, ["state", "earned", "due", "closing"]), ["Closed", "4.00", "4.00", "4.00"]);
    assert_eq!(of(&advertiser, ["state", "earned", "due", "closing"]), ["Closed", "6.00", "6.00", "6.00"]);
    let line = &publisher["lines"][0];
    assert_eq!(of(line, ["offerName", "eventName", "amount"]), ["Golfin iOS", "Purchase", "4.00"]);
    assert_eq!((&line["conversions"], &line["reversals"]), (&json!(2), &json!(0)));

    // Paid, reported twice: one effect. The advertiser pays as well.
    let paid = json!({"reference": "SEPA 1"});
    for _ in 0..2 {
        let (status, statement) = stage.of_statement(&publisher, "paid", &paid).await;
        assert_eq!((status, &statement["settledReference"]), (200, &json!("SEPA 1")), "{statement}");
    }
    assert_eq!(stage.of_statement(&advertiser, "paid", &paid).await.0, 200);
    let (status, other) = stage.of_statement(&publisher, "paid", &json!({"reference": "SEPA 2"})).await;
    assert_eq!((status, &other["code"]), (409, &json!("statement_is_paid")));
    stage.rows("ledger_transfers WHERE flow = 'settlement'", 2).await;

    // Then AppsFlyer says the second one was fraud.
    stage.say_verdicts([brownboots.vetoed(&earned(brownboots, 2))]).await;
    stage.rows("conversions WHERE status = 'reversed'", 1).await;
    let second = stage.month().await;
    assert!(second > first);
    let open = stage.statement("Publisher", &second).await;
    assert_eq!(
        of(&open, ["state", "opening", "earned", "reversed", "paid", "closing"]),
        ["Open", "4.00", "0.00", "2.00", "4.00", "-2.00"]
    );
    assert_eq!(of(&open, ["carriedIn", "due", "carriedOut"]), ["0.00", "0.00", "-2.00"]);
    assert_eq!(of(&open["lines"][0], ["earned", "reversed", "amount"]), ["0.00", "2.00", "-2.00"]);
    let again = stage.statement("Publisher", &first).await;
    assert_eq!(of(&again, ["due", "closing"]), ["4.00", "4.00"], "a closed statement never changes");

    // Closed, it says the same; what is owed back is taken off what comes next.
    assert_eq!(stage.end_and_close().await, second);
    let closed = stage.statement("Publisher", &second).await;
    assert_eq!(closed["lines"], open["lines"]);
    assert_eq!(closed["statementId"], open["statementId"]);
    assert_eq!(of(&closed, ["state", "due", "carriedOut"]), ["Closed", "0.00", "-2.00"]);
    let (status, nothing) = stage.of_statement(&closed, "paid", &paid).await;
    assert_eq!((status, &nothing["code"]), (409, &json!("nothing_is_due")));
    stage.earn([3, 4].map(|click| earned(brownboots, click)), brownboots).await;
    let third = stage.end_and_close().await;
    let last = stage.statement("Publisher", &third).await;
    assert_eq!(
        of(&last, ["carriedIn", "earned", "due", "carriedOut", "closing"]),
        ["-2.00", "4.00", "2.00", "0.00", "2.00"]
    );
    let (_, balances) = stage.get("/api/v1/ledger/balances", Some(PARTNER)).await;
    assert_eq!(balances["items"][0]["posted"], json!("2.00"));
    stage.strike().await;
}

#[tokio::test]
async fn a_month_is_closed_once_when_it_is_over_and_in_its_order() {
    let (stage, brownboots) = stage().await;
    let (status, none) = stage.get("/api/v1/statement-periods", Some(MANAGER)).await;
    assert_eq!((status, &none["items"]), (200, &json!([])));
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let first = stage.month().await;
    let (status, early) = stage.close(&first).await;
    assert_eq!((status, &early["code"]), (409, &json!("period_is_not_over")));
    assert!(early["detail"].as_str().unwrap().contains("goes on until"), "{early}");
    for unknown in ["1999-01", "2026-13", "soon"] {
        assert_eq!(stage.close(unknown).await.0, 404, "{unknown}");
    }
    assert_eq!(
        stage.post(&format!("/api/v1/statement-periods/{first}/close"), Some(PARTNER), &json!({})).await.0,
        403
    );

    // The next one begins and ends as well; the first one was forgotten.
    stage.month_ends().await;
    stage.earn([earned(brownboots, 2)], brownboots).await;
    let second = stage.month().await;
    stage.month_ends().await;
    let (status, later) = stage.close(&second).await;
    assert_eq!((status, &later["code"]), (409, &json!("earlier_period_is_open")));
    // Both are shown as they would be closed: the second one begins with what the first one leaves.
    let open = stage.statement("Publisher", &second).await;
    assert_eq!(of(&open, ["state", "opening", "earned", "closing"]), ["Open", "2.00", "2.00", "4.00"]);

    let (status, closed) = stage.close(&first).await;
    assert_eq!((status, &closed["state"]), (200, &json!("Closed")));
    let (status, again) = stage.close(&first).await;
    assert_eq!((status, again), (200, closed), "one that is closed stays as it is");
    assert_eq!(stage.close(&second).await.0, 200);
    let drawn = stage.statement("Publisher", &second).await;
    assert_eq!(of(&drawn, ["opening", "due", "closing"]), of(&open, ["opening", "due", "closing"]));
    stage.rows("statements", 4).await;
    stage.rows("ledger_checkpoints", 6).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_is_less_than_a_coin_is_carried_and_nothing_is_lost() {
    let (stage, brownboots) = stage().await;
    let priced = |click: u8, code: &str, micros: i64| {
        let payout = PayoutTerms { model: Some(payout_terms::Model::FlatMicros(micros)) };
        let revenue = RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(micros)) };
        let terms =
            MoneyTerms { currency: code.into(), payout: Some(payout), revenue: Some(revenue), ..terms(0) };
        ConversionVerdict { terms: Some(terms), reported: None, ..brownboots.verdict(click) }
    };
    // What is taken from the offer's budget is counted in its currency.
    let rates = [("JPY", "USD", 7_000_000_000), ("KWD", "USD", 3_250_000_000_000)];
    stage.say_catalog([brownboots.changed(2, &rates)]).await;
    let worth = [("USD", 3_333_333, 2), ("JPY", 1_700_000, 0), ("KWD", 1_234_567, 3)];
    let mut asked = [0_i64; 3];
    for turn in 0..3_u8 {
        let clicks = [1, 2, 3].map(|click| turn * 3 + click);
        let verdicts =
            clicks.iter().zip(worth).map(|(click, (code, micros, _))| priced(*click, code, micros));
        stage.say_verdicts(verdicts.map(|verdict| brownboots.qualified(verdict)).collect::<Vec<_>>()).await;
        stage.rows("ledger_transfers WHERE flow = 'payable'", i64::from(turn + 1) * 3).await;
        let month = stage.end_and_close().await;
        for (place, (code, micros, digits)) in worth.iter().enumerate() {
            let path = format!("/api/v1/statements?of=Publisher&period={month}");
            let (_, list) = stage.get(&path, Some(MANAGER)).await;
            let statement = list["items"].as_array().unwrap().iter().find(|row| row["currency"] == *code);
            let [due, carried] = of(statement.unwrap(), ["due", "carriedOut"]);
            assert_eq!(due.split_once('.').map_or(0, |(_, coins)| coins.len()), *digits, "{code} {due}");
            let of_text = |text: &str| kernel::Micros::parse_decimal(text).unwrap().0;
            asked[place] += of_text(due);
            assert_eq!(asked[place] + of_text(carried), micros * i64::from(turn + 1), "{code}");
        }
    }
    assert_eq!(asked, [9_990_000, 5_000_000, 3_703_000]);
    stage.strike().await;
}

#[tokio::test]
async fn an_adjustment_lands_in_its_own_period_while_that_is_open_and_in_the_open_one_after_it() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let first = stage.month().await;
    let (publisher, advertiser) =
        (stage.statement("Publisher", &first).await, stage.statement("Advertiser", &first).await);
    let bonus = json!({"reference": "bonus", "amount": "0.50", "reason": "Best of the month."});
    for _ in 0..2 {
        let (status, made) = stage.of_statement(&publisher, "adjustments", &bonus).await;
        assert_eq!((status, &made["period"]), (200, &json!(first)), "{made}");
    }
    let other = json!({"reference": "bonus", "amount": "0.60", "reason": "Best of the month."});
    let (status, refused) = stage.of_statement(&publisher, "adjustments", &other).await;
    assert_eq!((status, &refused["code"]), (409, &json!("reference_names_another_adjustment")));
    let credit = json!({"reference": "credit", "amount": "-1.00", "reason": "Goodwill."});
    assert_eq!(stage.of_statement(&advertiser, "adjustments", &credit).await.0, 200);
    let (status, early) = stage.of_statement(&publisher, "paid", &json!({"reference": "SEPA"})).await;
    assert_eq!((status, &early["code"]), (409, &json!("period_is_open")));

    // What a column can not hold is written otherwise, and is known again.
    let odd = json!({"reference": "nul\u{0}", "amount": "0.000001", "reason": "nul\u{0}"});
    for _ in 0..2 {
        assert_eq!(stage.of_statement(&advertiser, "adjustments", &odd).await.0, 200);
    }

    // Over, but not closed: still its own.
    stage.month_ends().await;
    let late = json!({"reference": "late", "amount": "0.25", "reason": "Forgotten."});
    let (_, made) = stage.of_statement(&publisher, "adjustments", &late).await;
    assert_eq!(made["period"], json!(first));
    assert_eq!(stage.close(&first).await.0, 200);
    let closed = stage.statement("Publisher", &first).await;
    assert_eq!(of(&closed, ["earned", "adjusted", "due"]), ["2.00", "0.75", "2.75"]);
    assert_eq!(closed["adjustments"].as_array().unwrap().len(), 2);
    let billed = stage.statement("Advertiser", &first).await;
    assert_eq!(
        of(&billed, ["earned", "adjusted", "due", "carriedOut"]),
        ["3.00", "-0.999999", "2.00", "0.000001"]
    );

    // Closed: what corrects it is a line of the next one.
    let correction = json!({"reference": "ticket-4711", "amount": "-4.00", "reason": "Counted twice."});
    let (status, made) = stage.of_statement(&closed, "adjustments", &correction).await;
    let second = made["period"].as_str().unwrap().to_owned();
    assert_eq!((status, second > first), (200, true), "{made}");
    assert_eq!(stage.statement("Publisher", &first).await, closed);
    let next = stage.statement("Publisher", &second).await;
    assert_eq!(of(&next, ["adjusted", "due", "carriedOut"]), ["-4.00", "0.00", "-4.00"]);
    assert_eq!(next["adjustments"][0]["statementId"], closed["statementId"]);
    stage.rows("statement_adjustments WHERE token_id IS NOT NULL AND reason <> ''", 5).await;
    stage.rows("ledger_transfers WHERE flow = 'adjustment'", 5).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_adjustment_is_named() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.month().await;
    let statement = stage.statement("Publisher", &month).await;
    let odd = json!({"reference": " ", "amount": "1e3", "reason": ""});
    let (status, problem) = stage.of_statement(&statement, "adjustments", &odd).await;
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!((status, fields), (422, vec![&json!("reference"), &json!("amount"), &json!("reason")]));
    for amount in ["0", "0.0000001", "NaN", "1,000.00", "9999999999999", "--1", "", "1.", "\u{661}"] {
        let body = json!({"reference": "x", "amount": amount, "reason": "y"});
        let (status, problem) = stage.of_statement(&statement, "adjustments", &body).await;
        let is_fine = amount == "1.";
        assert_eq!(status == 422, !is_fine, "{amount}: {problem}");
    }
    let (status, problem) = stage.get("/api/v1/statements?period=2026-13", Some(MANAGER)).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("period")));
    let nobody = json!({"statementId": "0193a1f0-0000-7000-8000-000000000001"});
    let fine = json!({"reference": "x", "amount": "1.00", "reason": "y"});
    assert_eq!(stage.of_statement(&nobody, "adjustments", &fine).await.0, 404);
    assert_eq!(stage.of_statement(&nobody, "paid", &json!({"reference": "x"})).await.0, 404);
    stage.strike().await;
}
