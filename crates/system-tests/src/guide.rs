//! The guide's own example: Brownboots shares Golfin iOS with a publisher; a user clicks, installs, plays and buys.
//! `make demo` tells it; the stories and drills play it.

use serde_json::{Value, json};
use test_kit::{FakeAppsFlyer, FakePublisher, Postback, click_id_of, http_client};

use crate::{
    api::Api,
    catalog::{Publisher, Revealed, Shared, Tenant},
    stack::Endpoints,
};

/// Where the publisher wants to hear; each macro becomes a parameter that the story checks.
pub const POSTBACK_PARAMETERS: &str = "click={pub_click_id}&member={pub_member_id}&event={cnv_event_id}\
     &status={status}&payout={payout}&currency={currency}&conversion={conversion_id}";

/// The fields of the guide's offer. Install 1.00/0.70, level 10 2.00/1.50, and of a purchase 20 % with 75 % of that.
pub fn golfin_ios(advertiser: &str, pending_days: u16) -> Value {
    json!({
        "offerType": "MultiEvent",
        "trackingSystem": "AppsFlyer",
        "advertiserId": advertiser,
        "name": "Golfin iOS",
        "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
        "headline": "Play golf, earn coins",
        "shortDescription": "Install Golfin, reach level 10.",
        "categories": ["Golf", "Sports"],
        "budget": {"total": "5000.00"},
        "currency": "USD",
        "launchDate": "2026-01-01",
        "ageRanges": ["18+"],
        "platforms": ["IOS"],
        "countries": ["US", "ZA", "AU"],
        "events": [
            {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": pending_days,
             "revenue": "1.00", "payout": "0.70"},
            {"eventId": "level_10", "name": "Reach Level 10", "sequenceNumber": 2, "pendingTime": pending_days,
             "revenue": "2.00", "payout": "1.50"},
            {"eventId": "af_purchase", "name": "Purchase", "sequenceNumber": null, "pendingTime": pending_days,
             "revenue": {"model": "Percent", "percent": "20"}, "payout": {"model": "RevenueShare", "percent": "75"}},
        ],
    })
}

/// Everything the guide sets up before the first click.
#[derive(Debug, Clone)]
pub struct Guide {
    /// Where the services are.
    pub endpoints: Endpoints,
    /// Brownboots.
    pub tenant: Tenant,
    /// The global postback.
    pub credential: Revealed,
    /// Golfin.
    pub advertiser: String,
    /// The publisher.
    pub publisher: Publisher,
    /// The offer as it was created, not shared.
    pub offer: String,
    /// Its clone, shared with the publisher.
    pub shared: Shared,
}

impl Guide {
    /// Parts 2, 5 and 6 of the guide.
    ///
    /// # Errors
    /// When the catalog refuses a step.
    pub async fn set_up(
        endpoints: &Endpoints,
        domain: &str,
        publisher: &FakePublisher,
        pending_days: u16,
    ) -> anyhow::Result<Self> {
        let template = format!("{}?{POSTBACK_PARAMETERS}", format_args!("{}/postback", publisher.url()));
        let tenant = Tenant::create(endpoints, domain).await?;
        let credential = tenant.credential(None).await?;
        let advertiser = tenant.advertiser("Golfin").await?;
        let publisher = tenant.publisher("Rewardville", "GET", &template).await?;
        let offer = tenant.offer(&golfin_ios(&advertiser, pending_days)).await?;
        let clone = tenant.clone_offer(&offer).await?;
        // A clone keeps its launch date only when that is still to come.
        tenant.customise(&clone, &golfin_ios(&advertiser, pending_days)).await?;
        tenant.create_offer(&clone).await?;
        let shared = tenant.share(&clone, &publisher).await?;
        Ok(Self { endpoints: endpoints.clone(), tenant, credential, advertiser, publisher, offer, shared })
    }

    /// A user follows the tracking link; returns the click id that AppsFlyer will send back. Waits until the tracker has
    /// heard of the offer.
    ///
    /// # Errors
    /// When the tracker never does.
    pub async fn click(&self, pub_click_id: &str, member: &str) -> anyhow::Result<String> {
        let (_location, click) = self.follow_link(pub_click_id, member).await?;
        Ok(click)
    }

    /// As [`Guide::click`], with the location too.
    ///
    /// # Errors
    /// When the tracker never hears of the offer.
    pub async fn follow_link(&self, pub_click_id: &str, member: &str) -> anyhow::Result<(String, String)> {
        // What a publisher does with the link: its own ids in place of the macros.
        let link = self
            .shared
            .tracking_link
            .replace("{pub_click_id}", pub_click_id)
            .replace("{pub_member_id}", member);
        let url = format!("{link}&pub_sub_1=wall");
        let location = test_kit::eventually(
            "the tracker knows the shared offer and redirects",
            std::time::Duration::from_secs(30),
            async || {
                let answer = http_client().get(&url).send().await.map_err(|error| error.to_string())?;
                match answer.headers().get("location") {
                    Some(location) if answer.status().as_u16() == 302 => {
                        Ok(location.to_str().unwrap_or_default().to_owned())
                    }
                    _ => Err(answer.status().to_string()),
                }
            },
        )
        .await;
        let click = click_id_of(&location);
        Ok((location, click))
    }

    /// What a publisher does with the tracking link: its own ids in place of the macros.
    pub fn link_for(&self, pub_click_id: &str, member: &str) -> String {
        let link = self
            .shared
            .tracking_link
            .replace("{pub_click_id}", pub_click_id)
            .replace("{pub_member_id}", member);
        format!("{link}&pub_sub_1=wall")
    }

    /// AppsFlyer, with the three values pasted in.
    pub fn apps_flyer(&self) -> FakeAppsFlyer {
        FakeAppsFlyer::with_template(&self.credential.postback_url)
    }

    /// The five postbacks of the story, out of order and one of them twice.
    pub fn postbacks(click: &str) -> [Postback; 5] {
        [
            Postback::event(click, "level_10"),
            Postback::install(click),
            Postback::install(click),
            Postback::event(click, "af_purchase").amount("4.99", "USD"),
            Postback::event(click, "tutorial_done"),
        ]
    }

    /// attribution's API as the tenant's owner.
    pub fn attribution(&self) -> Api {
        Api::new(&self.endpoints.attribution, &self.tenant.token)
    }

    /// payout's API as the tenant's owner.
    pub fn payout(&self) -> Api {
        Api::new(&self.endpoints.payout, &self.tenant.token)
    }
}
