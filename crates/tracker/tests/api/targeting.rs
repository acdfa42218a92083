//! Whom an offer is for, as far as a call tells.

use contracts::{
    catalog::{AgeRange, Gender, OfferVersionCreated, Platform},
    tracker::RefusalReason,
};

use crate::{
    countries,
    facts::Offer,
    stage::{ADDRESS, COUNTRY, SOON, Stage},
};

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36";

/// Clicks on a broken file of countries: each waits for its fact over the broker, so the file, which the service looks at every
/// few milliseconds, is looked at meanwhile.
const CLICKS_WHILE_BROKEN: usize = 20;

/// Follows the link once; `None`: on to the advertiser, else why not.
struct Calls {
    stage: Stage,
    taken: usize,
    refused: usize,
}

impl Calls {
    async fn with(version: OfferVersionCreated) -> Self {
        Self { stage: Stage::with(version).await, taken: 0, refused: 0 }
    }

    async fn outcome(&mut self, more: &str, headers: &[(&str, &str)]) -> Option<RefusalReason> {
        let number = self.taken + self.refused;
        let query = format!("pub_click_id=c{number}&pub_member_id=m{more}");
        let answered = self.stage.follow(Offer(2), &query, headers).await;
        if answered.location().is_some() {
            self.taken += 1;
            self.stage.recorded(self.taken).await;
            None
        } else {
            self.refused += 1;
            Some(self.stage.refused(self.refused).await.pop().expect("a fact").reason())
        }
    }
}

#[tokio::test]
async fn a_platform_is_told_by_the_hint_or_the_user_agent() {
    let version = OfferVersionCreated { platforms: vec![Platform::Ios.into()], ..Offer(2).version() };
    let mut calls = Calls::with(version).await;
    assert_eq!(calls.outcome("", &[("user-agent", IPHONE)]).await, None);
    assert_eq!(calls.outcome("", &[("user-agent", ANDROID)]).await, Some(RefusalReason::Platform));
    let hint = [("user-agent", ANDROID), ("sec-ch-ua-platform", "\"iOS\"")];
    assert_eq!(calls.outcome("", &hint).await, None, "the hint counts first");
    assert_eq!(calls.outcome("", &[("user-agent", "nothing known")]).await, None, "unknown refuses nobody");
    assert_eq!(calls.outcome("", &[]).await, None);
    let facts = calls.stage.recorded(1).await;
    let platforms: Vec<_> = facts.iter().map(|fact| fact.visitor.as_ref().unwrap().platform).collect();
    assert_eq!(platforms, [Some(Platform::Ios.into()), Some(Platform::Ios.into()), None, None]);
    calls.stage.strike().await;
}

#[tokio::test]
async fn a_country_is_told_by_the_proxy_or_the_file() {
    let version = OfferVersionCreated { countries: vec!["JP".into()], ..Offer(2).version() };
    let mut calls = Calls::with(version).await;
    assert_eq!(calls.outcome("", &[(COUNTRY, "jp")]).await, None);
    assert_eq!(calls.outcome("", &[(COUNTRY, "FR")]).await, Some(RefusalReason::Country));
    // The file of the tests knows Japan below 128, Germany below 192, and nothing above.
    test_kit::eventually("the file is read", SOON, async || {
        let reason = calls.outcome("", &[(ADDRESS, "150.0.0.1")]).await;
        if reason == Some(RefusalReason::Country) { Ok(()) } else { Err(reason) }
    })
    .await;
    assert_eq!(calls.outcome("", &[(ADDRESS, "100.0.0.1")]).await, None);
    assert_eq!(calls.outcome("", &[(ADDRESS, "200.0.0.1")]).await, None, "unknown refuses nobody");
    assert_eq!(calls.outcome("", &[(ADDRESS, "2001:db8::1")]).await, None);
    let header_first = [(ADDRESS, "150.0.0.1"), (COUNTRY, "JP")];
    assert_eq!(calls.outcome("", &header_first).await, None, "the header counts first");
    let unknown = [(ADDRESS, "150.0.0.1"), (COUNTRY, "XX")];
    assert_eq!(
        calls.outcome("", &unknown).await,
        Some(RefusalReason::Country),
        "a header that knows nothing"
    );
    let refused = calls.stage.refused(1).await.pop().unwrap();
    assert_eq!(refused.visitor.unwrap().country.as_deref(), Some("DE"));
    calls.stage.strike().await;
}

#[tokio::test]
async fn a_new_file_of_countries_is_taken_while_it_runs_and_a_broken_one_is_not() {
    let version = OfferVersionCreated { countries: vec!["JP".into()], ..Offer(2).version() };
    let mut calls = Calls::with(version).await;
    let low = [(ADDRESS, "100.0.0.1")];
    let high = [(ADDRESS, "150.0.0.1")];
    test_kit::eventually("the file is read", SOON, async || {
        let reason = calls.outcome("", &high).await;
        if reason == Some(RefusalReason::Country) { Ok(()) } else { Err(reason) }
    })
    .await;
    assert_eq!(calls.outcome("", &low).await, None);

    // The next edition says it the other way round.
    calls.stage.country_file(&countries::file_of("DE", "JP"));
    test_kit::eventually("the new file is read", SOON, async || {
        let reason = calls.outcome("", &low).await;
        if reason == Some(RefusalReason::Country) { Ok(()) } else { Err(reason) }
    })
    .await;
    assert_eq!(calls.outcome("", &high).await, None);

    // Half a file, none, and then a whole one: whatever was looked at in between, the last good one stayed in use.
    let whole = countries::file_of("JP", "FR");
    calls.stage.country_file(&whole[..whole.len() / 2]);
    for _click in 0..CLICKS_WHILE_BROKEN {
        assert_eq!(calls.outcome("", &low).await, Some(RefusalReason::Country), "half a file was taken");
    }
    calls.stage.remove_country_file();
    for _click in 0..CLICKS_WHILE_BROKEN {
        assert_eq!(calls.outcome("", &low).await, Some(RefusalReason::Country), "the file was forgotten");
    }
    calls.stage.country_file(&whole);
    test_kit::eventually("the mended file is read", SOON, async || {
        let reason = calls.outcome("", &low).await;
        if reason.is_none() { Ok(()) } else { Err(reason) }
    })
    .await;
    assert_eq!(calls.outcome("", &high).await, Some(RefusalReason::Country));
    calls.stage.strike().await;
}

#[tokio::test]
async fn gender_and_age_count_when_the_publisher_says_them() {
    let version = OfferVersionCreated {
        genders: vec![Gender::Female.into()],
        ages: vec![AgeRange { from: 18, to: Some(24) }, AgeRange { from: 65, to: None }],
        ..Offer(2).version()
    };
    let mut calls = Calls::with(version).await;
    for (more, expected) in [
        ("", None),
        ("&gender=f&age=18", None),
        ("&gender=male", Some(RefusalReason::Gender)),
        ("&gender=%7Bgender%7D&age=none", None),
        ("&age=17", Some(RefusalReason::Age)),
        ("&age=25", Some(RefusalReason::Age)),
        ("&age=70", None),
    ] {
        assert_eq!(calls.outcome(more, &[]).await, expected, "{more}");
    }
    calls.stage.strike().await;
}
