//! The live APIs against their own documents.
//!
//! Schemathesis, a tool that knows nothing of us, reads what a service says of itself and calls it accordingly, and against
//! it: every limit and its neighbours, every missing and every strange part, chains of calls that follow from each other.
//! Nothing may be answered with a failure of ours, with a status or a body that the document does not know, or without a
//! token; what keeps to the document must be readable, what does not must be refused.
//!
//! It needs the environment that `conformance/venv.sh` makes, once, from PyPI.

mod scene;
mod schemathesis;

use system_tests::ServiceName;

use self::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_keeps_to_its_document_for_an_owner() {
    let mut scene = Scene::of_the_catalog().await;
    let owner = scene.owner();
    scene.conforms(ServiceName::OfferCatalog, "an owner", &owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_keeps_to_its_document_for_a_publisher() {
    let mut scene = Scene::of_the_catalog().await;
    let publisher = scene.publisher().await;
    scene.conforms(ServiceName::OfferCatalog, "a publisher", &publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attribution_and_payout_keep_to_their_documents() {
    let mut scene = Scene::of_all_services().await;
    let (owner, publisher) = (scene.owner(), scene.publisher().await);
    for service in [ServiceName::Attribution, ServiceName::Payout] {
        scene.conforms(service, "an owner", &owner).await;
        scene.conforms(service, "a publisher", &publisher).await;
    }
}
