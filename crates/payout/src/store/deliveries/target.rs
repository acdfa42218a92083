//! How and where an endpoint is called.

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Binary, Bool, Nullable, Text},
};

use crate::store::{column::unreadable, publishers::Method};

/// How and where an endpoint is called.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whether it is to be called at all.
    pub active: bool,
    /// How.
    pub method: Method,
    /// Where.
    pub url_template: String,
    /// Sealed.
    pub signing_secret: Option<Vec<u8>>,
    /// Sealed; only while its overlap lasts.
    pub old_signing_secret: Option<Vec<u8>>,
    /// Name and sealed value.
    pub custom_header: Option<(String, Vec<u8>)>,
}

/// Its columns, for whoever reads them with others.
#[derive(QueryableByName)]
pub(in crate::store) struct TargetRow {
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Text)]
    url_template: String,
    #[diesel(sql_type = Nullable<Binary>)]
    signing_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    old_signing_secret: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    custom_header_name: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    custom_header_value: Option<Vec<u8>>,
}

impl TargetRow {
    pub(in crate::store) fn read(&self) -> QueryResult<Target> {
        Ok(Target {
            active: self.active,
            method: [Method::Get, Method::PostJson]
                .into_iter()
                .find(|method| method.word() == self.method)
                .ok_or_else(|| unreadable("method", &self.method))?,
            url_template: self.url_template.clone(),
            signing_secret: self.signing_secret.clone(),
            old_signing_secret: self.old_signing_secret.clone(),
            custom_header: self.custom_header_name.clone().zip(self.custom_header_value.clone()),
        })
    }
}
