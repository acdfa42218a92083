//! The bus against a real RabbitMQ, seen from its users' side and checked at the broker.

mod consuming;
mod dead_letters;
mod pausing;
mod publishing;
mod reconnecting;
mod rig;
mod silence;
mod spooling;
mod topology;
