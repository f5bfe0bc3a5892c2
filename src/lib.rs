//! Hallpass: log in with the system browser, call a protected API, and see what happened.
//!
//! ```text
//!  ui(&State) ──Action──▶ App ──spawn──▶ task (auth, api) ──Event──▶ channel ──▶ State::apply ──▶ ui(&State)
//! ```
//!
//! | module | its job |
//! |---|---|
//! | [`app`] | the window, and the only place that knows egui |
//! | [`auth`] | logging in and staying in: the flow, its verification, the session |
//! | [`api`] | calling: request, response, refusal |
//! | [`body`] | the body of a response, of any size: kept, laid out as it comes, read by the row |
//! | [`http`] | the one HTTP client: limits, redirect and proxy policy, recording, redaction |
//! | [`explain`] | a failure and its evidence → cause and remedy: pure |
//! | [`doctor`] | whether a login and a call can work, before anybody logs in |
//! | [`store`] | where sessions live: the keyring, or this run's memory |
//! | [`config`] | profiles: file, environment, command line |
//! | [`secret`], [`redaction`] | text that never prints itself; what is secret in what was said |
//! | `spelling` | a text whichever way it is encoded |
//! | [`untrusted`] | text from the far side, made safe to show |
//! | [`demo`] | the embedded provider and API: the far side, which only `main` and tests know |

pub mod api;
pub mod app;
pub mod auth;
pub mod body;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod http;
pub mod redaction;
pub mod secret;
mod spelling;
pub mod store;
pub mod untrusted;
