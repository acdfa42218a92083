//! What an account manager does in offer-catalog, call by call as the guide says.

use serde_json::{Value, json};

use crate::{
    api::{Api, text},
    stack::Endpoints,
};

/// A tenant with its owner's token.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// As it was entered.
    pub domain: String,
    /// Its owner's token.
    pub token: String,
    /// offer-catalog, as the owner.
    pub api: Api,
}

/// A postback credential, revealed.
#[derive(Debug, Clone)]
pub struct Revealed {
    /// The credential's id.
    pub id: String,
    /// The whole URL.
    pub postback_url: String,
    /// Security Segment.
    pub segment: String,
    /// Domain.
    pub domain: String,
    /// Signature.
    pub signature: String,
}

/// A publisher and the secret its postbacks are signed with.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Its id.
    pub id: String,
    /// `whsec_…`, shown once.
    pub signing_secret: String,
}

/// A shared offer.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Its id.
    pub offer_id: String,
    /// Where its publisher sends users.
    pub tracking_link: String,
}

impl Tenant {
    /// Makes a tenant as the installation's operator.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn create(endpoints: &Endpoints, domain: &str) -> anyhow::Result<Self> {
        let operator = Api::new(&endpoints.offer_catalog, &endpoints.operator_token);
        let created = operator
            .post("/api/v1/tenants", &json!({"domain": domain, "mediaSources": ["gokart_int"]}))
            .await?;
        let token = text(&created, "/ownerToken/apiToken")?.to_owned();
        let api = Api::new(&endpoints.offer_catalog, &token);
        let id = text(&created, "/tenant/tenantId")?.to_owned();
        Ok(Self { id, domain: domain.to_owned(), token, api })
    }

    /// Issues the tenant's global postback credential, or an advertiser's.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn credential(&self, advertiser: Option<&str>) -> anyhow::Result<Revealed> {
        let body = advertiser.map_or_else(|| json!({}), |advertiser| json!({"advertiserId": advertiser}));
        let issued = self.api.post("/api/v1/credentials", &body).await?;
        let id = text(&issued, "/credentialId")?;
        let revealed = self.api.post(&format!("/api/v1/credentials/{id}/reveal"), &json!({})).await?;
        Ok(Revealed {
            id: id.to_owned(),
            postback_url: text(&revealed, "/postbackUrl")?.to_owned(),
            segment: text(&revealed, "/securitySegment")?.to_owned(),
            domain: text(&revealed, "/domain")?.to_owned(),
            signature: text(&revealed, "/signature")?.to_owned(),
        })
    }

    /// Makes an advertiser.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn advertiser(&self, name: &str) -> anyhow::Result<String> {
        let made = self.api.post("/api/v1/advertisers", &json!({"name": name})).await?;
        Ok(text(&made, "/advertiserId")?.to_owned())
    }

    /// Makes a publisher with one global postback.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn publisher(&self, name: &str, method: &str, url_template: &str) -> anyhow::Result<Publisher> {
        let body = json!({"name": name, "postback": {"method": method, "urlTemplate": url_template}});
        let made = self.api.post("/api/v1/publishers", &body).await?;
        Ok(Publisher {
            id: text(&made, "/publisherId")?.to_owned(),
            signing_secret: text(&made, "/signingSecret")?.to_owned(),
        })
    }

    /// Saves an offer and creates it (Draft → Ready).
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn offer(&self, fields: &Value) -> anyhow::Result<String> {
        let draft = self.api.post("/api/v1/offers", fields).await?;
        let id = text(&draft, "/offerId")?.to_owned();
        self.create_offer(&id).await?;
        Ok(id)
    }

    /// Creates a saved offer; that it has no picture and launched long ago is meant.
    ///
    /// # Errors
    /// When the linter finds errors.
    pub async fn create_offer(&self, id: &str) -> anyhow::Result<Value> {
        let body = json!({"acceptedWarnings": ["no_creative", "launch_in_past"]});
        self.api.post(&format!("/api/v1/offers/{id}/create"), &body).await
    }

    /// Clones an offer.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn clone_offer(&self, id: &str) -> anyhow::Result<String> {
        let clone = self.api.post(&format!("/api/v1/offers/{id}/clone"), &json!({})).await?;
        Ok(text(&clone, "/offerId")?.to_owned())
    }

    /// Customises a saved offer: a PUT replaces all its fields.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn customise(&self, id: &str, fields: &Value) -> anyhow::Result<Value> {
        self.api.put(&format!("/api/v1/offers/{id}"), fields).await
    }

    /// Shares an offer with a publisher, for ever.
    ///
    /// # Errors
    /// When the catalog refuses.
    pub async fn share(&self, id: &str, publisher: &Publisher) -> anyhow::Result<Shared> {
        let body = json!({"publisherId": publisher.id});
        let shared = self.api.post(&format!("/api/v1/offers/{id}/share"), &body).await?;
        let tracking_link = text(&shared, "/sharedTo/trackingLink")?.to_owned();
        Ok(Shared { offer_id: id.to_owned(), tracking_link })
    }
}
