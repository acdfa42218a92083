//! What strangers try: to choose the place, to add a header, to add a parameter. No value leaves the place it was put into.

use contracts::catalog::OfferVersionCreated;
use reqwest::StatusCode;
use url::Url;

use crate::{facts::Offer, stage::Stage};

const ATTACKS: [&str; 15] = [
    "//evil.example",
    "https%3A%2F%2Fevil.example%2F",
    "%2F%2Fevil.example%2F%2e%2e",
    "javascript%3Aalert(1)",
    "x%40evil.example",
    "%5C%5Cevil.example",
    "x%26clickid%3Dstolen%26c%3Dstolen",
    "x%23fragment",
    "x%3Fquery%3D1",
    "%E2%80%AE%EF%BC%8Fevil%E3%80%82example",
    "%25%30%64%25%30%61location%3Aevil",
    "%2e%2e%2F%2e%2e%2Fpasswd",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%C0%AF%FF%FE",
    "'%22;--",
];

#[tokio::test]
async fn no_value_leaves_its_place() {
    let link =
        "https://app.appsflyer.com/id1/{pub_member_id}?m={pub_member_id}&p={pub_click_id}&c={gk_offer_name}";
    let version = OfferVersionCreated {
        offer_link: link.into(),
        name: "A&clickid=x#y\r\nz".into(),
        ..Offer(2).version()
    };
    let stage = Stage::with(version).await;
    for (number, attack) in ATTACKS.iter().enumerate() {
        let query =
            format!("pub_click_id={attack}&pub_member_id={attack}{number}&gender={attack}&{attack}={attack}");
        let answered = stage.follow(Offer(2), &query, &[("x-forwarded-host", "evil.example")]).await;
        assert_eq!(answered.status, StatusCode::FOUND, "{attack}");
        let place = answered.location().unwrap();
        assert!(place.bytes().all(|byte| byte.is_ascii_graphic()), "{place}");
        let url = Url::parse(place).unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("https", Some("app.appsflyer.com")), "{place}");
        assert_eq!(url.path_segments().unwrap().count(), 2, "{place}");
        assert_eq!(url.fragment(), None, "{place}");
        let names: Vec<_> = url.query_pairs().map(|(name, _value)| name.into_owned()).collect();
        assert_eq!(names, ["m", "p", "c", "clickid", "af_siteid", "af_c_id"], "{place}");
        assert_eq!(answered.headers.get_all("location").iter().count(), 1);
        let names: Vec<_> = answered.headers.keys().map(reqwest::header::HeaderName::as_str).collect();
        let known = ["location", "cache-control", "referrer-policy", "date", "content-length", "connection"];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    }
    // Control characters are refused, decoded once; and a page shows nothing of what was sent.
    for attack in ["a%0D%0Alocation:%20https://evil.example", "a%00b", "a%0Ab", "%7F"] {
        let answered = stage.follow(Offer(2), &format!("pub_click_id={attack}&pub_member_id=m"), &[]).await;
        assert_eq!((answered.status, answered.location()), (StatusCode::BAD_REQUEST, None), "{attack}");
        assert!(!answered.body.contains("evil"), "{}", answered.body);
    }
    stage.strike().await;
}
