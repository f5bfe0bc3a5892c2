//! The window
pub mod history;
pub mod state;
