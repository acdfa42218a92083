//! Drills: what breaks is broken on purpose, in mid-work, and nothing is lost.
