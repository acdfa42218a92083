//! Files of creatives in a bucket that speaks S3, by settings alone. The bucket is a fake: what counts is what it is asked.

use std::ffi::OsString;

use image::ImageFormat;
use offer_catalog::{OfferCatalog, Settings};
use process::Service as _;
use settings::Source;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header_exists, method, path_regex},
};

use crate::{
    catalog::{Catalog, text},
    pictures::picture,
};

const OBJECT: &str = "^/golf-pictures/[0-9a-f]{64}\\.(png|jpg)$";

async fn catalog_on(bucket: &MockServer) -> Catalog {
    Catalog::start_with(&[
        ("BUS__URL", "amqp://127.0.0.1:1".to_owned()),
        ("CREATIVES__STORE", "s3".to_owned()),
        ("CREATIVES__S3__BUCKET", "golf-pictures".to_owned()),
        ("CREATIVES__S3__REGION", "eu-central-1".to_owned()),
        ("CREATIVES__S3__ENDPOINT", bucket.uri()),
        ("CREATIVES__S3__ACCESS_KEY_ID", "key-of-the-tests".to_owned()),
        ("CREATIVES__S3__SECRET_ACCESS_KEY", "secret-of-the-tests".to_owned()),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_written_to_and_read_from_the_bucket() {
    let bucket = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path_regex(OBJECT))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).insert_header("etag", "\"1\""))
        .expect(2)
        .mount(&bucket)
        .await;
    let catalog = catalog_on(&bucket).await;
    let token = catalog.tenant("Brownboots").await;
    let made = catalog.upload("", &token, picture(ImageFormat::Png, 40, 40)).await.ok();
    let put = bucket.received_requests().await.unwrap();
    let name = text(&made, "/url").rsplit('/').next().unwrap().to_owned();
    let image =
        put.iter().find(|request| request.url.path().ends_with(&name)).expect("the picture was written");
    assert_eq!(made["bytes"], image.body.len());
    assert!(!format!("{put:?}").contains("secret-of-the-tests"), "only what it signs");

    Mock::given(method("GET"))
        .and(path_regex(OBJECT))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("etag", "\"1\"")
                .insert_header("last-modified", "Wed, 25 Nov 2026 12:00:00 GMT")
                .set_body_bytes(image.body.clone()),
        )
        .up_to_n_times(1)
        .mount(&bucket)
        .await;
    assert_eq!(catalog.shown(&made, "/url").await.1.width(), 40);
    // The mock is used up: the bucket knows nothing.
    assert_eq!(catalog.public(&text(&made, "/url"), &[]).await.status().as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_is_503_and_nothing_is_made() {
    let bucket = MockServer::start().await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(403)).mount(&bucket).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(403)).mount(&bucket).await;
    let catalog = catalog_on(&bucket).await;
    let token = catalog.tenant("Brownboots").await;
    let refused = catalog.upload("", &token, picture(ImageFormat::Png, 40, 40)).await;
    let problem = refused.problem(503, "unavailable");
    assert!(!problem.to_string().contains("golf-pictures"), "{problem}");
    assert_eq!(catalog.get("/creatives", &token).await.ok()["total"], 0);
    let url = format!("{}/api/v1/creatives/files/{}.png", crate::pictures::BASE, "0".repeat(64));
    assert_eq!(catalog.public(&url, &[]).await.status().as_u16(), 503);
}

#[test]
fn settings_that_can_not_work_are_named_before_anything_starts() {
    let source =
        Source { defaults: OfferCatalog::DEFAULTS, env_prefix: OfferCatalog::ENV_PREFIX, file: None };
    let problems = |variables: &[(&str, &str)]| {
        let environment = variables.iter().map(|(name, value)| {
            (OsString::from(format!("{}__{name}", OfferCatalog::ENV_PREFIX)), OsString::from(value))
        });
        match settings::load_from::<Settings>(&source, environment) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    };
    let bucket = problems(&[
        ("CREATIVES__STORE", "s3"),
        ("CREATIVES__S3__ENDPOINT", "minio.internal"),
        ("CREATIVES__DECODERS", "0"),
        ("HTTP__BODY_LIMIT_BYTES", "1048576"),
        ("PUBLIC__CREATIVES_BASE_URL", "https://api.{domain}.example.com"),
    ]);
    for key in [
        "creatives.s3.bucket",
        "creatives.s3.region",
        "creatives.s3.endpoint",
        "creatives.s3.access_key_id",
        "creatives.s3.secret_access_key",
        "creatives.decoders",
        "http.body_limit_bytes",
        "public.creatives_base_url",
    ] {
        assert!(bucket.contains(key), "{key} is not in {bucket}");
    }
    let folder = problems(&[("CREATIVES__FOLDER", "")]);
    assert!(folder.contains("creatives.folder") && !folder.contains("creatives.s3"), "{folder}");
    assert!(problems(&[("CREATIVES__STORE", "ftp")]).contains("creatives.store"));
}
