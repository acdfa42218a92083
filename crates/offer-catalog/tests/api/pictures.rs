//! Pictures that tests upload, and the way to upload them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::catalog::{Answer, Catalog, text};

/// Where the tests' catalogs say that their creatives are.
pub const BASE: &str = "https://creatives.example";

/// A picture with some structure.
pub fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([shade(x * 5), shade(y * 3), shade(x * y)]));
    encoded(&image.into(), format)
}

/// A PNG with transparent parts.
pub fn transparent_png(width: u32, height: u32) -> Vec<u8> {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    let image = RgbaImage::from_fn(width, height, |x, y| Rgba([shade(y), 7, 9, shade(x)]));
    encoded(&image.into(), ImageFormat::Png)
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

impl Catalog {
    /// Uploads a file as `curl --data-binary` does.
    pub async fn upload(&self, query: &str, token: &str, file: Vec<u8>) -> Answer {
        self.upload_as(query, token, file, "application/x-www-form-urlencoded").await
    }

    pub async fn upload_as(&self, query: &str, token: &str, file: Vec<u8>, content_type: &str) -> Answer {
        let request = self
            .client
            .request(Method::POST, format!("{}/api/v1/creatives{query}", self.url))
            .header("authorization", format!("ApiToken {token}"))
            .header("content-type", content_type);
        Answer::of(request.body(file).send().await.expect("an answer")).await
    }

    /// Uploads a file without saying how long it is.
    pub async fn upload_in_pieces(&self, token: &str, file: Vec<u8>) -> Answer {
        let pieces: Vec<_> =
            file.chunks(65_536).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let request = self
            .client
            .post(format!("{}/api/v1/creatives", self.url))
            .header("authorization", format!("ApiToken {token}"))
            .body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces)));
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// What the public gets from an address that the API said.
    pub async fn public(&self, url: &str, headers: &[(&str, &str)]) -> Response {
        let path = url.strip_prefix(BASE).unwrap_or_else(|| panic!("{url} is not below {BASE}"));
        let mut request = self.client.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    /// A served picture with its type, decoded.
    pub async fn shown(&self, creative: &Value, pointer: &str) -> (String, DynamicImage) {
        let response = self.public(&text(creative, pointer), &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let bytes = response.bytes().await.unwrap();
        let format = ImageFormat::from_mime_type(&media_type).expect("the type of a picture");
        let image = image::load_from_memory_with_format(&bytes, format).expect("it is what it says");
        (media_type, image)
    }
}
