//! Hallpass: log in with the system browser, call a protected API, and see what happened.

pub mod demo;
