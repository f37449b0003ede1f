//! Fault injection for the crash tests. Only built with the feature `faults`, which no shipped binary has.

/// Aborts the process, as a power cut would, right after the commit whose number is in `LOOPWRIGHT_CRASH_AT`.
#[cfg(feature = "faults")]
pub fn after_write(number: u64) {
    let at = std::env::var("LOOPWRIGHT_CRASH_AT").ok().and_then(|n| n.parse::<u64>().ok());
    if at == Some(number) {
        std::process::abort();
    }
}

#[cfg(not(feature = "faults"))]
pub const fn after_write(_number: u64) {}
