//! The copy of the catalog's tokens: the last version wins, whatever the order.

use kernel::{PublisherId, Role, Scope, Scopes, TenantId, Timestamp, TokenId};
use postgres_kit::tokens::{self, TokenRow};
use uuid::Uuid;

use super::database;

fn token(version: i64) -> TokenRow {
    TokenRow {
        tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
        token_id: TokenId::from_uuid(Uuid::from_u128(2)),
        token_hash: [3; 32],
        role: Role::Manager,
        publisher_id: None,
        expires_at: Some(Timestamp::from_micros(1_000_001)),
        revoked: false,
        scopes: Scopes::FULL,
        version,
    }
}

#[tokio::test]
async fn the_last_version_wins_in_any_order_and_repetition() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let revoked = TokenRow { revoked: true, ..token(3) };
    tokens::apply(&mut connection, &[token(1), revoked.clone(), token(2), token(1)]).await.expect("applied");
    tokens::apply(&mut connection, &[token(2)]).await.expect("applied");
    assert_eq!(tokens::find(&mut connection, &[3; 32]).await, Ok(Some(revoked)));
    assert_eq!(tokens::find(&mut connection, &[4; 32]).await, Ok(None));
    assert_eq!(tokens::find(&mut connection, b"short").await, Ok(None));
}

#[tokio::test]
async fn every_field_survives() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let publisher = TokenRow {
        role: Role::Publisher,
        publisher_id: Some(PublisherId::from_uuid(Uuid::from_u128(9))),
        expires_at: None,
        ..token(1)
    };
    tokens::apply(&mut connection, std::slice::from_ref(&publisher)).await.expect("applied");
    assert_eq!(tokens::find(&mut connection, &[3; 32]).await, Ok(Some(publisher)));
}

#[tokio::test]
async fn scopes_survive_and_reach_the_caller() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let read = Scopes::NONE.and(Scope::Read);
    for (version, scopes) in
        (1..).zip([Scopes::FULL, Scopes::NONE, read, read.and(Scope::Write), Scopes::FULL])
    {
        let held = TokenRow { scopes, ..token(version) };
        tokens::apply(&mut connection, std::slice::from_ref(&held)).await.expect("applied");
        let found = tokens::find(&mut connection, &[3; 32]).await.expect("asked").expect("there");
        assert_eq!(found, held);
        assert_eq!(found.principal(Timestamp::from_micros(0)).expect("good").scopes, scopes);
    }
}

#[test]
fn a_token_acts_for_its_tenant_until_it_is_void() {
    let principal = token(1).principal(Timestamp::from_micros(1_000_000)).expect("still good");
    assert_eq!((principal.tenant, principal.role), (token(1).tenant_id, Role::Manager));
    assert_eq!(token(1).principal(Timestamp::from_micros(1_000_001)), None, "void from then on");
    assert_eq!(TokenRow { revoked: true, ..token(1) }.principal(Timestamp::from_micros(0)), None);
}
