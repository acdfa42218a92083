//! Time that stands still until a test moves it: the process's clock, and the database's beside it.
//!
//! The service asks PostgreSQL for `now()`. In these tests' databases a function of that name stands before the system's and
//! reads a table, so a due time can be compared to the microsecond, and four days pass at once.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU16, Ordering},
};

use contracts::{attribution::ConversionVerdict, envelope::Envelope};
use diesel_async::SimpleAsyncConnection as _;
use kernel::{Clock, IdSource, Timestamp};
use payout::Settings;
use process::{Runtime, SystemIds};
use uuid::Uuid;

use crate::{
    facts::{Tenant, now},
    stage::Stage,
};

/// The smallest jitter, per mille.
const LEAST_JITTER: u16 = 800;

/// The moment that it is, and the jitter that is drawn.
pub(crate) struct Frozen {
    moment: AtomicI64,
    jitter: AtomicU16,
}

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.moment.load(Ordering::SeqCst))
    }
}

impl IdSource for Frozen {
    fn uuid_v7(&self) -> Uuid {
        SystemIds.uuid_v7()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        // Two bytes are drawn for a jitter and for nothing else.
        if let [high, low] = bytes {
            [*high, *low] = (self.jitter.load(Ordering::SeqCst) - LEAST_JITTER).to_be_bytes();
        } else {
            SystemIds.fill_random(bytes);
        }
    }
}

impl Frozen {
    /// A stage on which it is now, and stays so. No jitter.
    pub(crate) async fn stage(change: impl Fn(&mut Settings)) -> (Stage, Arc<Self>) {
        let database = test_kit::database("payout", payout::migrate).await;
        let moment = now().as_micros().div_euclid(1_000_000) * 1_000_000;
        let statements = format!(
            "CREATE SCHEMA frozen;
            CREATE TABLE frozen.moment (at timestamptz NOT NULL);
            INSERT INTO frozen.moment VALUES ({});
            CREATE FUNCTION frozen.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM frozen.moment';
            GRANT USAGE ON SCHEMA frozen TO PUBLIC;
            GRANT SELECT ON frozen.moment TO PUBLIC;
            ALTER DATABASE {} SET search_path = frozen, pg_catalog, public",
            literal(moment),
            database.name()
        );
        database.admin().await.batch_execute(&statements).await.expect("a database whose time stands still");
        let frozen = Arc::new(Self { moment: AtomicI64::new(moment), jitter: AtomicU16::new(1_000) });
        let runtime = || {
            let frozen = || Arc::clone(&frozen);
            Runtime { clock: frozen(), ids: frozen(), ..Runtime::new() }
        };
        let stage = Stage::on(database, 1, runtime, change).await;
        (stage, frozen)
    }

    /// A purchase that AppsFlyer has just reported.
    pub(crate) fn purchase(&self, tenant: Tenant, click: u8) -> Envelope {
        let received_at_micros = self.now().as_micros();
        tenant.qualified(ConversionVerdict { received_at_micros, ..tenant.verdict(click) })
    }

    /// Moves time.
    pub(crate) async fn move_to(&self, stage: &Stage, micros: i64) {
        // First the process's: what the database's sets off begins at the new moment.
        self.moment.store(micros, Ordering::SeqCst);
        stage.meanwhile(&format!("UPDATE frozen.moment SET at = {}", literal(micros))).await;
    }

    /// Moves time onwards.
    pub(crate) async fn pass(&self, stage: &Stage, micros: i64) {
        self.move_to(stage, self.now().as_micros() + micros).await;
    }

    /// What is drawn from now on, per mille.
    pub(crate) fn draw(&self, jitter: u16) {
        self.jitter.store(jitter, Ordering::SeqCst);
    }
}

fn literal(micros: i64) -> String {
    format!("'epoch'::timestamptz + {micros} * interval '1 microsecond'")
}
