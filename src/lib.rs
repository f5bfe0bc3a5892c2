//! Hallpass: log in with the system browser, call a protected API, and see what happened.
pub mod api;
pub mod app;
pub mod auth;
pub mod config;
pub mod explain;
pub mod http;
pub mod secret;
pub mod store;
pub mod untrusted;
