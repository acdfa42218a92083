#![doc = include_str!("../README.md")]

mod beside;
mod broker;
mod command_line;
mod database;
mod door;
mod flow;
mod load;
mod machine;
mod measure;
mod nodes;
mod report;
mod run;
mod scale;
mod seed;
mod telling;

pub use command_line::main;
