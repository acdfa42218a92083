//! A click that is taken, and a link that is not complete.

use contracts::tracker::RefusalReason;
use reqwest::{Method, StatusCode};
use uuid::Uuid;

use crate::{
    facts::{Offer, id},
    stage::Stage,
};

#[tokio::test]
async fn a_click_goes_to_the_advertiser_and_is_said_as_it_came() {
    let stage = Stage::with(Offer(2).version()).await;
    let query = "pub_click_id=c%201&pub_member_id=m&pub_sub_2=summer&pub_sub_15=x&gender=F&age=31";
    let headers = [("user-agent", "Golfin/1"), ("x-address", "203.0.113.9"), ("x-country", "jp")];
    let answered = stage.follow(Offer(2), query, &headers).await;
    assert_eq!(answered.status, StatusCode::FOUND);
    assert_eq!(answered.headers.get("referrer-policy").unwrap(), "no-referrer");
    let click = answered.click();
    assert_eq!(
        answered.location().unwrap(),
        format!(
            "https://app.appsflyer.com/id1234567890?pid=gokart_int&clickid={click}\
             &af_siteid=00000000-0000-0000-0000-00000000009b&af_c_id=00000000-0000-0000-0000-000000000002&c=Golfin_iOS"
        )
    );
    let fact = stage.recorded(1).await.remove(0);
    assert_eq!(Uuid::from_slice(&fact.gk_click_id).unwrap().to_string(), click);
    assert_eq!((fact.tenant_id, fact.offer_id, fact.offer_version), (id(1), id(2), 1));
    let parameters = fact.publisher_parameters.unwrap();
    assert_eq!((parameters.pub_click_id.as_str(), parameters.age), ("c 1", Some(31)));
    assert_eq!(parameters.pub_subs.into_iter().collect::<Vec<_>>(), [(2, "summer".into()), (15, "x".into())]);
    let visitor = fact.visitor.unwrap();
    assert_eq!((visitor.ip_address.as_str(), visitor.user_agent.as_str()), ("203.0.113.9", "Golfin/1"));
    assert_eq!(visitor.country.as_deref(), Some("JP"));
    assert_eq!(visitor.platform, None, "the offer is for every platform: nobody looked");
    stage.strike().await;
}

#[tokio::test]
async fn a_link_that_is_not_complete_says_all_that_is_missing() {
    let stage = Stage::with(Offer(2).version()).await;
    let query = "pub_click_id=%7Bclick_id%7D&pub_sub_1=s";
    let page = stage.follow(Offer(2), query, &[("accept", "text/html,application/json;q=0.9")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.headers.get("content-type").unwrap().to_str().unwrap().starts_with("text/html"));
    assert!(page.body.contains("pub_click_id still holds its macro"), "{}", page.body);
    assert!(page.body.contains("pub_member_id is missing"), "{}", page.body);

    let problem = stage.follow(Offer(2), query, &[("accept", "application/json")]).await;
    assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    assert_eq!(problem.headers.get("content-type").unwrap(), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&problem.body).unwrap();
    assert_eq!(problem["code"], "missing_parameter");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["pub_click_id", "pub_member_id"]);

    let fact = stage.refused(2).await.remove(0);
    assert_eq!(fact.reason(), RefusalReason::MissingParameter);
    assert_eq!(fact.parameter, "pub_click_id, pub_member_id");
    assert_eq!(fact.link_id, Offer(2).link().to_vec());
    assert_eq!(fact.publisher_parameters.unwrap().pub_subs.get(&1).unwrap(), "s");
    stage.strike().await;
}

#[tokio::test]
async fn a_link_that_nobody_shared_is_refused_and_noted() {
    let stage = Stage::with(Offer(2).version()).await;
    let query = "pub_click_id=c&pub_member_id=m";
    for link in ["nowhere", "00000000-0000-7000-8000-00000000beef"] {
        let page = stage.call_link(Method::GET, link, query, &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.body.contains("Not available") && !page.body.contains(link), "{}", page.body);
    }
    let long = "x".repeat(500);
    let problem = stage.call_link(Method::GET, &long, query, &[("accept", "application/problem+json")]).await;
    assert_eq!(problem.status, StatusCode::NOT_FOUND);
    assert!(problem.body.contains("not_found"), "{}", problem.body);
    let facts = stage.refused(3).await;
    let texts: Vec<_> = facts.iter().map(|fact| fact.link_text.as_str()).collect();
    assert_eq!(texts, ["", "00000000-0000-7000-8000-00000000beef", ""]);
    assert!(
        facts.iter().all(|fact| fact.reason() == RefusalReason::UnknownLink && fact.tenant_id.is_empty())
    );
    stage.strike().await;
}
