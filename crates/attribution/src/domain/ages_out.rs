//! Where personal data of somebody who is forgotten may still stand, that nobody takes out by hand, and when it goes.

/// One such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgesOut {
    /// Where.
    pub place: &'static str,
    /// What may stand there.
    pub holds: &'static str,
    /// When it goes by itself, or who has to see to it.
    pub until: &'static str,
}

/// All of them. Whoever adds a place that keeps facts adds it here.
pub const AGES_OUT: [AgesOut; 9] = [
    AgesOut {
        place: "queues of the broker, spools of ingest and tracker",
        holds: "clicks and postbacks that are not read yet",
        until: "until they are read: within seconds, as long as a service or the broker is away; of a forgotten click \
                they lose their personal fields then. A member's or a device's new clicks and postbacks are new data",
    },
    AgesOut {
        place: "queue gokart.recent",
        holds: "the newest 1000 facts that nobody reads, refused clicks among them",
        until: "until newer ones push them out",
    },
    AgesOut {
        place: "queues *.dead and gokart.unroutable",
        holds: "messages that could not be read or that no queue wanted",
        until: "until an operator empties them",
    },
    AgesOut {
        place: "tables dead_items",
        holds: "facts that could not be handled, whole",
        until: "until an operator discards them; replayed ones as long as the inbox remembers (40 days here, 35 in payout)",
    },
    AgesOut {
        place: "tables reconciliation_lines",
        holds: "click ids and order ids of AppsFlyer's reports",
        until: "30 days after the report came",
    },
    AgesOut {
        place: "tables outbox",
        holds: "facts on their way to the broker",
        until: "milliseconds; as long as the broker is away",
    },
    AgesOut {
        place: "payout's delivery_attempts.response",
        holds: "the first 2 KiB of what a publisher's server answered, should it repeat what it was told",
        until: "as long as payout keeps its delivery log",
    },
    AgesOut {
        place: "publishers",
        holds: "what their postbacks told them of the conversion",
        until: "theirs to forget: tell them, by their own click id",
    },
    AgesOut {
        place: "backups of the databases",
        holds: "everything as it stood when they were made",
        until: "as long as the operator keeps backups; after a restore, order again every erasure that is younger",
    },
];
