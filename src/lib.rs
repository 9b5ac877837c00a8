//! instate: `git push` is the deployment.
//!
//! [`path`] tells what happens to a push, top to bottom; each word of it is a module. `ARCHITECTURE.md`
//! draws the picture.

pub mod announce;
pub mod apply;
mod cache;
pub mod check;
mod cli;
pub mod config;
pub mod doctor;
pub mod error;
mod files;
pub mod finding;
pub mod install;
pub mod manifest;
pub mod path;
pub mod plan;
mod point;
pub mod policy;
pub mod push;
pub mod record;
pub mod render;
pub mod report;
pub mod repository;
pub mod revision;
pub mod source;
pub mod target;
pub mod text;
pub mod tree;
pub mod trouble;
pub mod wait;
pub mod worker;

pub use cli::main;
