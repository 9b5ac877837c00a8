//! Hermetic worlds for real `git push`es over a path, over ssh and over http, and real clusters to deploy to.

// Every test binary compiles this module and uses only a part of it.
#![allow(dead_code, unused_imports)]

pub mod cluster;
pub mod fixtures;
pub mod gitea;
pub mod http;
pub mod mount;
pub mod nginx;
pub mod points;
pub mod process;
pub mod receiver;
pub mod server;
pub mod setup;
pub mod shop;
pub mod ssh;
pub mod stopped;
pub mod tree;
pub mod unread;
pub mod users;
pub mod world;

pub use cluster::{Cluster, Namespace, Proxy, Request, Webhook, eventually};
pub use fixtures::built;
pub use gitea::Gitea;
pub use http::Httpd;
pub use mount::{Mount, with_mounts};
pub use nginx::{Nginx, Site};
pub use points::{kill_at, lock_files, revision, said};
pub use process::{Output, Running, TIMEOUT, run, run_with_input, spawn, write_executable};
pub use receiver::{Heard, Receiver, Reply};
pub use setup::{SERVICE, Setup, WEB};
pub use shop::Shop;
pub use ssh::Sshd;
pub use stopped::{go_on, is_stopped, signal};
pub use tree::{children, kill_by_environment};
pub use unread::run_unread;
pub use users::{ANOTHER, as_another, gives_away, with_users};
pub use world::{Clone, World};
