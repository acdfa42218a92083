//! A report arrives, and is stored in batches.

use kernel::{TenantId, TokenId};
use postgres_kit::{DbError, Retries, transact};
use uuid::Uuid;

use super::Reconciler;
use crate::{
    domain::reconcile::{Report, ReportRow},
    store::reconciliations::{self, NewReconciliation},
};

/// Lines of one statement.
const BATCH_LINES: usize = 1_000;

/// What is known of a report before its first line.
#[derive(Debug, Clone, Copy)]
pub struct NewReport {
    /// Whose.
    pub tenant: TenantId,
    /// Who sends it.
    pub token: TokenId,
    /// Which report.
    pub report: Report,
    /// How far a line's time may be from its postback's.
    pub tolerance_seconds: i32,
}

/// Stores the lines of one report.
#[derive(Debug)]
pub struct ReportWriter {
    reconciler: Reconciler,
    tenant: TenantId,
    id: Uuid,
    batch: Vec<ReportRow>,
}

impl Reconciler {
    /// Begins to take a report in.
    ///
    /// # Errors
    /// The database's.
    pub async fn receive(&self, new: NewReport) -> Result<ReportWriter, DbError> {
        let id = self.ids.uuid_v7();
        let NewReport { tenant, token, report, tolerance_seconds } = new;
        let mut connection = self.pool.get().await?;
        let row = NewReconciliation { tenant, id, report, tolerance_seconds, token };
        reconciliations::begin(&mut connection, &row).await?;
        Ok(ReportWriter { reconciler: self.clone(), tenant, id, batch: Vec::with_capacity(BATCH_LINES) })
    }
}

impl ReportWriter {
    /// Adds a line.
    ///
    /// # Errors
    /// The database's.
    pub async fn add(&mut self, row: ReportRow) -> Result<(), DbError> {
        self.batch.push(row);
        if self.batch.len() >= BATCH_LINES { self.store().await } else { Ok(()) }
    }

    /// The report is whole.
    ///
    /// # Errors
    /// The database's.
    pub async fn finish(mut self) -> Result<Uuid, DbError> {
        self.store().await?;
        let mut connection = self.reconciler.pool.get().await?;
        reconciliations::whole(&mut connection, self.tenant, self.id).await?;
        self.reconciler.whole.notify_one();
        Ok(self.id)
    }

    /// The report can not be read to its end, for this reason.
    ///
    /// # Errors
    /// The database's; then it is given up by the sweep.
    pub async fn break_off(self, why: &str) -> Result<(), DbError> {
        let mut connection = self.reconciler.pool.get().await?;
        Ok(reconciliations::break_off(&mut connection, self.tenant, self.id, why).await?)
    }

    async fn store(&mut self) -> Result<(), DbError> {
        let (tenant, id, batch) = (self.tenant, self.id, std::mem::take(&mut self.batch));
        transact(&self.reconciler.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(reconciliations::add_lines(connection, tenant, id, &batch).await?)
        })
        .await
    }
}
