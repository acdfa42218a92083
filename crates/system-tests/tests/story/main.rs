//! Stories: the guide, played against real processes, a real broker and real databases.

mod ingest_door;
