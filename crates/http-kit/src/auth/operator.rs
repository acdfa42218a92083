//! The operator's token: one, from the settings, for what stands above all tenants (making a tenant).

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use secrecy::{ExposeSecret as _, SecretString};

use super::{header, token_auth::TokenHash};
use crate::problem::Problem;

/// Knows the operator's token by its hash; put it into the app's data as `web::Data<OperatorAuth>` and take
/// [`Operator`] as an argument.
pub struct OperatorAuth {
    pepper: SecretString,
    expected: TokenHash,
}

impl fmt::Debug for OperatorAuth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OperatorAuth")
    }
}

impl OperatorAuth {
    /// Takes the token from the settings and keeps its keyed hash only.
    #[must_use]
    pub fn new(pepper: &SecretString, token: &SecretString) -> Self {
        Self { pepper: pepper.clone(), expected: signing::token::hash(pepper, token.expose_secret()) }
    }

    fn accepts(&self, token: &str) -> bool {
        signing::token::is(&self.pepper, token, &self.expected)
    }
}

/// Proof that the operator's token was presented. A handler that takes it cannot be reached without.
#[derive(Debug, Clone, Copy)]
pub struct Operator(());

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(verify(request))
    }
}

fn verify(request: &HttpRequest) -> Result<Operator, Problem> {
    let auth = request
        .app_data::<web::Data<OperatorAuth>>()
        .ok_or_else(|| Problem::internal("the server was built without OperatorAuth"))?;
    if auth.accepts(header::token(request.headers())?) { Ok(Operator(())) } else { Err(header::refused()) }
}
