//! Connections are file descriptors. A server that accepts more than the process may hold fails at everything that needs
//! one more: the broker, the database, the spool.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors left for everything that is not a connection of this server: other servers of the process, broker,
/// database, files. All of that together stays far below.
const RESERVE: u64 = 256;

/// Raises the process's soft limit as far as `connections` need and the hard limit allows; returns how many connections
/// fit, at least 1.
pub(super) fn make_room(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let granted = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let current = limit.current.unwrap_or(u64::MAX);
    let available = if current >= granted { current } else { raise(granted, limit).unwrap_or(current) };
    let fitting = usize::try_from(available.saturating_sub(RESERVE)).unwrap_or(usize::MAX).max(1);
    if fitting < connections {
        tracing::warn!(
            connections.wanted = connections,
            connections.fitting = fitting,
            "the limit of open files allows fewer connections than http.max_connections; raise it (ulimit -n)"
        );
    }
    fitting.min(connections)
}

fn raise(to: u64, limit: Rlimit) -> io::Result<u64> {
    setrlimit(Resource::Nofile, Rlimit { current: Some(to), maximum: limit.maximum })?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_what_was_asked_for_or_what_the_limit_leaves() {
        assert_eq!(make_room(1), 1);
        let hard = getrlimit(Resource::Nofile).maximum;
        if let Some(hard) = hard {
            let most = usize::try_from(hard).unwrap();
            assert_eq!(make_room(most), most - usize::try_from(RESERVE).unwrap());
        }
        let soft = getrlimit(Resource::Nofile).current;
        assert_eq!(soft, hard, "raised for the largest question");
    }
}
