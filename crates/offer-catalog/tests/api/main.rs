//! The catalog through its public door: real HTTP, a real database for each test, facts read from the outbox.

#[cfg(test)]
mod broadcast;
#[cfg(test)]
mod budget_raises;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod clones;
#[cfg(test)]
mod creatives;
#[cfg(test)]
mod creatives_in_a_bucket;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod custom_headers;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod household;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod imports_at_full_size;
#[cfg(test)]
mod imports_of_replicas;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod key_rotation;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod partner_feed;
#[cfg(test)]
mod partners;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod republish;
#[cfg(test)]
mod scheduled;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod upload_attacks;
#[cfg(test)]
mod users;
#[cfg(test)]
mod uses;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod warnings;
