//! What strangers upload instead of pictures. The table of all of them is beside the rule (`domain/creative/attacks.rs`);
//! here each kind goes through the door.

use image::ImageFormat;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    catalog::{Catalog, text},
    pictures::picture,
};

const PAYLOAD: &[u8] = b"<?php system($_GET['c']); ?><script>alert(document.domain)</script>";

/// A PNG whose head says it has 50 000 × 50 000 pixels.
fn bomb() -> Vec<u8> {
    let mut png = picture(ImageFormat::Png, 10, 10);
    png[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    // The head's checksum.
    let mut checksum = u32::MAX;
    for byte in &png[12..29] {
        checksum ^= u32::from(*byte);
        for _ in 0..8 {
            checksum = if checksum & 1 == 1 { (checksum >> 1) ^ 0xedb8_8320 } else { checksum >> 1 };
        }
    }
    png[29..33].copy_from_slice(&(!checksum).to_be_bytes());
    png
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_is_refused_with_its_reason() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let jpeg = picture(ImageFormat::Jpeg, 200, 100);
    let png = picture(ImageFormat::Png, 200, 100);
    for (file, says) in [
        (Vec::new(), "is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec(), "SVG"),
        (b"<!DOCTYPE html><script>alert(1)</script>".to_vec(), "XML"),
        (b"%PDF-1.7".to_vec(), "no PNG, JPEG, WebP or GIF"),
        ([PAYLOAD, &png].concat(), "XML"),
        ([b"GIF89a\x08\0\x08\0".as_slice(), PAYLOAD].concat(), "GIF"),
        (bomb(), "scale the picture down"),
        (jpeg[..jpeg.len() / 2].to_vec(), "cut off"),
        (png[..png.len() / 2].to_vec(), "PNG"),
    ] {
        let problem = catalog.upload_as("", &token, file, "image/png").await.problem(422, "invalid_body");
        assert_eq!(problem["errors"][0]["field"], "image");
        assert!(text(&problem, "/errors/0/detail").contains(says), "{says}: {problem}");
    }
    assert_eq!(catalog.get("/creatives", &token).await.ok()["total"], 0);
    assert_eq!(std::fs::read_dir(catalog.creatives.path()).unwrap().count(), 0, "nothing was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_file_that_is_two_things_only_the_picture_is_kept() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let mut urls = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let two = [picture(format, 30, 20), PAYLOAD.to_vec()].concat();
        let made = catalog.upload("?name=two.php", &token, two).await.ok();
        urls.extend([text(&made, "/url"), text(&made, "/thumbnailUrl")]);
    }
    for url in urls {
        let served = catalog.public(&url, &[]).await.bytes().await.unwrap();
        assert!(!served.windows(5).any(|five| five == b"<?php" || five == b"<scri"), "{url}");
        assert!(!url.contains("php"), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_a_name_and_never_a_path() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let file = picture(ImageFormat::Png, 10, 10);
    for name in
        ["../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..", "a%5Cb.png", "a%00.png", "a%0d%0aX:y"]
    {
        let answer = catalog.upload(&format!("?name={name}"), &token, file.clone()).await;
        assert_eq!(answer.fields(422, "invalid_body")[0], "name", "{name}");
    }
    let long = format!("?name={}", "x".repeat(201));
    assert_eq!(catalog.upload(&long, &token, file.clone()).await.fields(422, "invalid_body"), ["name"]);
    assert_eq!(catalog.get("/creatives", &token).await.ok()["total"], 0);
    let made = catalog.upload("?name=Golf,%2018%20holes.png", &token, file).await.ok();
    assert_eq!(made["name"], "Golf, 18 holes.png");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_bounded_and_so_is_everything_else() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let mut file = picture(ImageFormat::Png, 10, 10);
    file.resize(5 * 1_024 * 1_024, 0);
    catalog.upload("", &token, file.clone()).await.ok();
    file.push(0);
    catalog.upload("", &token, file.clone()).await.problem(413, "body_too_large");
    // Without an announced length, in pieces.
    let response = catalog.upload_in_pieces(&token, file).await;
    response.problem(413, "body_too_large");
    // The room for pictures is no room for other bodies.
    let body = json!({"name": "x".repeat(1_100_000)});
    catalog.post("/advertisers", &token, body).await.problem(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_told_to_be_a_file() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let form = b"--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nx\r\n--x--".to_vec();
    let answer = catalog.upload_as("", &token, form, "multipart/form-data; boundary=x").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(text(&answer.body, "/detail").contains("--data-binary"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_beside_each_other_leave_room_for_honest_callers() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let calls = (0..24_u32).map(|number| {
        let (catalog, token) = (&catalog, &token);
        async move {
            if number % 3 == 0 {
                let side = number + 1;
                let honest = catalog.upload("", token, picture(ImageFormat::Png, side, side)).await;
                assert_eq!(honest.status, StatusCode::CREATED, "{}", honest.body);
            } else {
                catalog.upload("", token, bomb()).await.problem(422, "invalid_body");
            }
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(catalog.get("/creatives", &token).await.ok()["total"], 8);
}
