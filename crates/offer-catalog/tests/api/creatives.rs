//! Creatives: uploaded, looked at, served to everybody.

use image::ImageFormat;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, golfin, text},
    pictures::{BASE, picture, transparent_png},
};

#[rstest]
#[case::png(picture(ImageFormat::Png, 640, 400), "image/png", "image/jpeg")]
#[case::transparent_png(transparent_png(640, 400), "image/png", "image/png")]
#[case::jpeg(picture(ImageFormat::Jpeg, 640, 400), "image/jpeg", "image/jpeg")]
#[case::webp(picture(ImageFormat::WebP, 640, 400), "image/webp", "image/jpeg")]
#[case::gif(picture(ImageFormat::Gif, 640, 400), "image/png", "image/jpeg")]
#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_taken_and_shown(
    #[case] file: Vec<u8>,
    #[case] stored: &str,
    #[case] thumbnail: &str,
) {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    // Neither name nor declared type are believed.
    let answer = catalog.upload_as("?name=golfin.exe", &token, file.clone(), "text/html").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let made = answer.ok();
    assert_eq!((&made["name"], &made["contentType"]), (&json!("golfin.exe"), &json!(stored)));
    assert_eq!((&made["width"], &made["height"]), (&json!(640), &json!(400)));

    let (media_type, image) = catalog.shown(&made, "/url").await;
    assert_eq!((media_type.as_str(), image.width(), image.height()), (stored, 640, 400));
    let (media_type, small) = catalog.shown(&made, "/thumbnailUrl").await;
    assert_eq!((media_type.as_str(), small.width(), small.height()), (thumbnail, 320, 200));
    assert_eq!((&made["thumbnailWidth"], &made["thumbnailHeight"]), (&json!(320), &json!(200)));

    let id = text(&made, "/creativeId");
    assert_eq!(catalog.get(&format!("/creatives/{id}"), &token).await.ok(), made);
    let log = catalog.get(&format!("/audit-log?subject={id}"), &token).await.ok();
    assert_eq!((&log["total"], &log["items"][0]["action"]), (&json!(1), &json!("creative.uploaded")));
    assert_eq!(log["items"][0]["after"]["name"], "golfin.exe");

    // The same picture again is the same creative, under its first name.
    let again = catalog.upload("?name=other.png", &token, file).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.ok(), made);
    assert_eq!(catalog.get("/creatives", &token).await.ok()["total"], 1);
    assert_eq!(
        catalog.get("/audit-log?page_size=100", &token).await.ok().to_string().matches("creative.").count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn creatives_are_listed_page_by_page_newest_first() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let mut made = Vec::new();
    for side in 1..=3 {
        made.push(catalog.upload("", &token, picture(ImageFormat::Png, side, side)).await.ok());
    }
    made.reverse();
    let first = catalog.get("/creatives?page=1&page_size=2", &token).await.ok();
    let second = catalog.get("/creatives?page=2&page_size=2", &token).await.ok();
    assert_eq!((&first["total"], &second["total"]), (&json!(3), &json!(3)));
    let listed: Vec<Value> =
        [first, second].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    assert_eq!(listed, made);
    assert_eq!(listed[0]["name"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_served_with_safe_headers_and_for_ever() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let made = catalog.upload("", &token, picture(ImageFormat::Png, 20, 10)).await.ok();
    let url = text(&made, "/url");
    let name = url.rsplit('/').next().unwrap();
    let response = catalog.public(&url, &[]).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("content-length"), made["bytes"].to_string());
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(header("content-disposition"), format!("inline; filename=\"{name}\""));
    let tag = header("etag").to_owned();
    assert!(name.starts_with(tag.trim_matches('"')), "{tag} {name}");

    for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let response = catalog.public(&url, &[("if-none-match", &held)]).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{held}");
        assert_eq!(response.headers()["etag"].to_str().unwrap(), tag);
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let other = catalog.public(&url, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_refers_to_uploaded_pictures_and_its_clone_to_the_same() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let made = catalog.upload("", &token, picture(ImageFormat::Jpeg, 50, 40)).await.ok();
    let id = text(&made, "/creativeId");
    let mut body = golfin(&catalog.advertiser(&token).await);
    let external = json!({"order": 2, "url": "https://cdn.example/golfin.png"});
    body["creatives"] = json!([{"order": 1, "creativeId": id}, external]);

    let offer = catalog.post("/offers", &token, body.clone()).await.ok();
    let shown = json!([
        {"order": 1, "creativeId": id, "url": made["url"], "thumbnailUrl": made["thumbnailUrl"]},
        external,
    ]);
    assert_eq!(offer["creatives"], shown);
    let path = format!("/offers/{}", text(&offer, "/offerId"));
    assert_eq!(catalog.get(&path, &token).await.ok()["creatives"], shown);

    // What was shown can be sent back, and is no change.
    body["creatives"] = shown.clone();
    assert_eq!(catalog.put(&path, &token, body.clone()).await.ok()["revision"], offer["revision"]);

    let created = catalog.post(&format!("{path}/create"), &token, json!({})).await.ok();
    assert_eq!(created["creatives"], shown);
    let told = catalog.facts::<contracts::catalog::OfferVersionCreated>().await;
    assert_eq!(told[0].creatives[0].url, text(&made, "/url"));
    assert_eq!(told[0].creatives[1].url, "https://cdn.example/golfin.png");
    let clone = catalog.post(&format!("{path}/clone"), &token, json!({})).await.ok();
    assert_eq!(clone["creatives"], shown);

    // A version may have other pictures; the first keeps its own.
    let other = catalog.upload("", &token, picture(ImageFormat::Jpeg, 51, 40)).await.ok();
    body["creatives"] = json!([{"creativeId": other["creativeId"]}]);
    let changed = catalog.put(&path, &token, body).await.ok();
    assert_eq!((&changed["newestVersion"], &changed["creatives"][0]["url"]), (&json!(2), &other["url"]));
    let versions = catalog.get(&format!("{path}/versions"), &token).await.ok();
    assert!(versions.to_string().contains(&text(&made, "/thumbnailUrl")), "{versions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_not_there_is_named() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let nobodys = "00000000-0000-7000-8000-000000000000";
    let made = catalog.upload("", &token, picture(ImageFormat::Png, 5, 5)).await.ok();
    let mut body = golfin(nobodys);
    body["creatives"] = json!([{"creativeId": made["creativeId"]}, {"creativeId": nobodys}]);
    let fields = catalog.post("/offers", &token, body.clone()).await.fields(422, "invalid_body");
    assert_eq!(fields, ["advertiserId", "creatives[1].creativeId"]);

    body["creatives"] =
        json!([{"creativeId": "golfin.png"}, {}, {"thumbnailUrl": "https://x.example/a.png"}]);
    let fields = catalog.post("/offers", &token, body).await.fields(422, "invalid_body");
    assert_eq!(
        fields,
        ["creatives[0].creativeId", "creatives[1].url", "creatives[2].thumbnailUrl", "creatives[2].url"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_creatives_are_unknown() {
    let catalog = Catalog::start().await;
    let (theirs, ours) = (catalog.tenant("Brownboots").await, catalog.tenant("Redshoes").await);
    let file = picture(ImageFormat::Png, 30, 30);
    let their_creative = catalog.upload("", &theirs, file.clone()).await.ok();
    let id = text(&their_creative, "/creativeId");
    catalog.get(&format!("/creatives/{id}"), &ours).await.problem(404, "not_found");
    assert_eq!(catalog.get("/creatives", &ours).await.ok()["total"], 0);
    let mut body = golfin(&catalog.advertiser(&ours).await);
    body["creatives"] = json!([{"creativeId": id}]);
    let fields = catalog.post("/offers", &ours, body).await.fields(422, "invalid_body");
    assert_eq!(fields, ["creatives[0].creativeId"]);

    // The same picture is another creative under another name: nobody learns what others have.
    let answer = catalog.upload("", &ours, file).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let our_creative = answer.ok();
    assert_ne!(our_creative["creativeId"], their_creative["creativeId"]);
    assert_ne!(our_creative["url"], their_creative["url"]);

    // Rights go by role: an analyst looks, a publisher's token does neither.
    let analyst = catalog.post("/tokens", &theirs, json!({"role": "analyst"})).await.ok();
    let analyst = text(&analyst, "/apiToken");
    catalog.get(&format!("/creatives/{id}"), &analyst).await.ok();
    catalog.upload("", &analyst, picture(ImageFormat::Png, 3, 3)).await.problem(403, "forbidden");
    let publisher = json!({"role": "publisher", "publisherId": catalog.publisher(&theirs).await});
    let publisher = text(&catalog.post("/tokens", &theirs, publisher).await.ok(), "/apiToken");
    catalog.get("/creatives", &publisher).await.problem(403, "forbidden");
    catalog.upload("", &publisher, picture(ImageFormat::Png, 3, 3)).await.problem(403, "forbidden");
    // Nobody at all gets no further than the door.
    catalog.upload("", "", picture(ImageFormat::Png, 3, 3)).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_still_shown_after_a_restart_and_a_lost_file_is_404() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let file = picture(ImageFormat::Png, 60, 60);
    let made = catalog.upload("", &token, file.clone()).await.ok();
    let catalog = catalog.restart_with(&[("BUS__URL", "amqp://127.0.0.1:1".to_owned())]).await;
    assert_eq!(catalog.shown(&made, "/url").await.1.width(), 60);

    let url = text(&made, "/url");
    let lost = catalog.creatives.path().join(url.rsplit('/').next().unwrap());
    std::fs::remove_file(&lost).unwrap();
    let response = catalog.public(&url, &[]).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    // The row knows the picture; uploading it again brings the file back.
    assert_eq!(catalog.upload("", &token, file).await.ok(), made);
    assert_eq!(catalog.shown(&made, "/url").await.1.width(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_names_of_files_lead_to_files() {
    let catalog = Catalog::start().await;
    std::fs::write(catalog.creatives.path().join("secret.png"), "secret").unwrap();
    for name in [
        "secret.png",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%2fetc%2fpasswd",
        &format!("{}.png", "0".repeat(64)),
        &format!("{}.svg", "0".repeat(64)),
        &format!("{}.png%00", "0".repeat(64)),
        "%ff",
    ] {
        let response = catalog.public(&format!("{BASE}/api/v1/creatives/files/{name}"), &[]).await;
        assert!([400, 404].contains(&response.status().as_u16()), "{name}: {}", response.status());
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{name}");
    }
    let path = format!("/creatives/files/{}.png", "0".repeat(64));
    let answer = catalog.call(Method::DELETE, &path, "", None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
