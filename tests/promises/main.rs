//! What a user can rely on, seen from outside: the installed program, real git, real servers.

#![allow(clippy::pedantic, clippy::unwrap_used, missing_docs)]

mod announce;
mod bad_input;
mod before;
mod broken;
mod cancel;
mod check;
mod cluster;
mod common;
mod crashes;
mod demo;
mod deploy;
mod deployed;
mod doctor;
mod drift;
mod explain;
mod facts;
mod formats;
mod gate;
mod gitea;
mod gitolite;
mod health_command;
mod hostile;
mod install;
mod kubernetes;
mod manual;
mod mishaps;
mod nginx;
mod pushers;
mod reading;
mod refusals;
mod render;
mod resume;
mod retire;
mod rules;
mod security;
mod servers;
mod silence;
mod together;
mod transports;
mod watch;
