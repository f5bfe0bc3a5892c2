//! The process: arguments, runtime, window or terminal, exit code.

fn main() {}
