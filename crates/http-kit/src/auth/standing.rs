//! A token that can be asked again, for answers that last.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};

use super::{
    caller::Caller,
    header,
    token_auth::{TokenAuth, TokenHash},
};
use crate::problem::Problem;

/// The caller's token while the answer goes on: a stream asks now and then whether it still opens the door. Taken beside
/// [`Caller`], never instead of it: by itself it has proved nothing yet.
pub struct Standing {
    auth: web::Data<TokenAuth>,
    hash: TokenHash,
}

impl fmt::Debug for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Standing")
    }
}

impl Standing {
    /// The caller as of now. A revoked token is known here after `auth.cache_ms` at the latest.
    ///
    /// # Errors
    /// 401 when the token is no longer in force, 503 when the store could not be asked.
    pub async fn caller(&self) -> Result<Caller, Problem> {
        self.auth.verify(self.hash).await.map(Caller)
    }
}

impl FromRequest for Standing {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = request
            .app_data::<web::Data<TokenAuth>>()
            .cloned()
            .ok_or_else(|| Problem::internal("the server was built without TokenAuth"));
        ready(auth.and_then(|auth| {
            let hash = auth.hash(header::token(request.headers())?);
            Ok(Self { auth, hash })
        }))
    }
}
