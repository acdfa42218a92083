//! From started to stopped.
//!
//! A stop begins with a signal, with a critical task that died, or with `serve` failing. Then, in this order: not ready →
//! wait until load balancers have noticed → take no new work → work under way ends → exit. A second signal ends the process
//! at once: nothing acknowledged is lost by that, it only makes others do work again.

use std::{
    future::Future,
    pin::{Pin, pin},
};

use anyhow::Context;
use futures_util::future::{Fuse, FusedFuture, FutureExt};

use crate::{runtime::Runtime, settings::StopSettings, stop_signal::StopSignals};

/// Runs `serve` and everything it started until a stop, then stops in order.
///
/// # Errors
/// When `serve` failed, a critical task died, or the drain took too long.
pub(crate) async fn run_until_stopped<F>(serve: F, runtime: Runtime, stop: StopSettings) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let mut signals = StopSignals::listen().context("can not listen for signals")?;
    // Counted as work: a server that lives inside `serve` is drained like any task.
    let mut serve = pin!(runtime.supervisor.track("serve", serve).fuse());

    let reason = wait_for_stop(serve.as_mut(), &runtime, &mut signals).await;

    let stopping = async {
        let drained = drain(serve, &runtime, stop).await;
        reason.and(drained)
    };
    tokio::select! {
        outcome = stopping => outcome,
        signal = signals.next() => {
            tracing::warn!(signal, still_running = ?runtime.supervisor.running(), "second signal: ending now");
            Err(anyhow::anyhow!("a second signal ended the process before it had drained"))
        }
    }
}

/// `Ok` when someone asked for the stop, `Err` when the process is broken.
async fn wait_for_stop<F>(
    mut serve: Pin<&mut Fuse<F>>,
    runtime: &Runtime,
    signals: &mut StopSignals,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    loop {
        tokio::select! {
            outcome = serve.as_mut(), if !serve.is_terminated() => outcome?,
            signal = signals.next() => {
                tracing::info!(signal, "stopping");
                return Ok(());
            }
            task = runtime.supervisor.critical_death() => {
                return Err(anyhow::anyhow!("the task {task} ended before it was told to"));
            }
        }
    }
}

async fn drain<F>(serve: Pin<&mut Fuse<F>>, runtime: &Runtime, stop: StopSettings) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    runtime.readiness.stop();
    let until_soft = tokio::time::sleep(stop.readiness_lag());
    let drained = async {
        until_soft.await;
        runtime.supervisor.drain(stop.drain_limit()).await
    };
    // `drain` waits for it too, so `hard` can only come before its end when time is up.
    let served = async {
        if serve.is_terminated() {
            return Ok(());
        }
        tokio::select! {
            outcome = serve => outcome,
            () = runtime.supervisor.hard().cancelled_owned() => Ok(()),
        }
    };
    let (drained, served) = tokio::join!(drained, served);
    served?;
    drained.context("work did not end in time")?;
    tracing::info!("stopped");
    Ok(())
}
