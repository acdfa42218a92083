//! Users.

use http_kit::Problem;
use kernel::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::token::ROLES;
use crate::{
    domain::{records::User, user::UserFields},
    http::reading::{Field, Reader, Unknown, moments::written},
};

/// What is entered about a user.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Ada", "email": "ada@brownboots.example", "role": "manager"}))]
pub struct UserBody {
    /// Shown to people.
    #[schema(value_type = String, max_length = 200)]
    name: Field,
    /// Where people reach them; nothing is sent there.
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Field,
    /// owner, manager, analyst or publisher.
    #[schema(value_type = String)]
    role: Field,
    /// For role publisher: whose offers they may see.
    #[schema(value_type = Option<Uuid>)]
    publisher_id: Field,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl UserBody {
    /// Reads the user.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub fn read(self) -> Result<UserFields, Problem> {
        let mut r = Reader::new();
        r.refuse_unknown(&self.unknown);
        let name = r.text("name", self.name, 200);
        let name = r.required("name", name, "the name that people see, such as Ada");
        let email = r.text("email", self.email, 254);
        if email.as_deref().is_some_and(|email| !looks_like_email(email)) {
            r.wrong("email", "must look like ada@brownboots.example");
        }
        let role = r.word("role", self.role, &ROLES);
        let role = r.required("role", role, "owner, manager, analyst or publisher");
        let publisher_id = r.id("publisherId", self.publisher_id);
        if role == Some(Role::Publisher) {
            r.required("publisherId", publisher_id, "the publisher whose offers the user may see");
        } else if role.is_some() && publisher_id.is_some() {
            r.wrong("publisherId", "goes only with role publisher");
        }
        let fields = || Some(UserFields { name: name?, email, role: role?, publisher_id });
        r.finish(fields())
    }
}

/// Nothing is sent there, so only a slip is caught.
fn looks_like_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
#[schema(example = json!({
    "userId": "0193a1f0-0000-7000-8000-00000000000c",
    "name": "Ada",
    "email": "ada@brownboots.example",
    "role": "manager",
    "publisherId": null,
    "active": true,
    "createdAt": "2026-11-20T08:00:00Z"
}))]
pub struct UserJson {
    /// Its id.
    user_id: Uuid,
    /// Shown to people.
    #[schema(example = "Ada")]
    name: String,
    /// Where people reach them.
    email: Option<String>,
    /// owner, manager, analyst or publisher.
    #[schema(example = "manager")]
    role: &'static str,
    /// For role publisher: whose offers they may see.
    publisher_id: Option<Uuid>,
    /// False: deactivated, for ever.
    active: bool,
    /// When it was made.
    created_at: String,
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        Self {
            user_id: user.user_id.as_uuid(),
            name: user.fields.name,
            email: user.fields.email,
            role: user.fields.role.as_str(),
            publisher_id: user.fields.publisher_id.map(kernel::PublisherId::as_uuid),
            active: user.active,
            created_at: written(user.created_at),
        }
    }
}
