//! What a process uses of the processor, to the nanosecond (Linux).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

/// What each thread of a process has used until now.
pub struct Used {
    process: u32,
    threads: HashMap<OsString, Duration>,
}

impl Used {
    pub fn by(process: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let threads = threads.map_while(Result::ok).filter_map(|thread| {
            // A thread may end meanwhile.
            let figures = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanoseconds = figures.split(' ').next()?.parse().ok()?;
            Some((thread.file_name(), Duration::from_nanos(nanoseconds)))
        });
        Self { process, threads: threads.collect() }
    }

    /// What the process has used since then.
    pub fn since(&self) -> Duration {
        let now = Self::by(self.process).threads.into_iter();
        now.map(|(thread, time)| time.saturating_sub(self.threads.get(&thread).copied().unwrap_or_default()))
            .sum()
    }
}
