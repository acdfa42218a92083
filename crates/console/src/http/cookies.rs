//! The two cookies: of a session, and of the sign-in form.

use actix_web::{HttpRequest, http::header::COOKIE};

/// Names a session.
pub const SESSION: &str = "gokart_console";
/// Must equal the token in the sign-in form. Another site can send the form but, as the cookie is `SameSite=Strict`, not
/// the cookie: nobody can be signed in with somebody else's token.
pub const SIGN_IN: &str = "gokart_sign_in";

/// The value of a request's cookie.
pub fn read<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request
        .headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// The value of `Set-Cookie`; 0 seconds remove it.
pub fn written(name: &str, value: &str, seconds: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}
