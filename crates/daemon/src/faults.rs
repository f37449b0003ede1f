//! Fault injection for the crash tests. Only built with the feature `faults`, which no shipped binary has.

/// Aborts the process, as a power cut would, right after the commit whose number is in `LOOPWRIGHT_CRASH_AT`.
#[cfg(feature = "faults")]
pub fn after_write(number: u64) {
    let at = std::env::var("LOOPWRIGHT_CRASH_AT").ok().and_then(|n| n.parse::<u64>().ok());
    if at == Some(number) {
        std::process::abort();
    }
}

/// The same for a set-up, whose records have a moment before and one after each.
#[cfg(feature = "faults")]
pub fn at_moment(number: u64) {
    let at = std::env::var("LOOPWRIGHT_SETUP_CRASH_AT").ok().and_then(|n| n.parse::<u64>().ok());
    if at == Some(number) {
        std::process::abort();
    }
}

#[cfg(not(feature = "faults"))]
pub const fn at_moment(_number: u64) {}

#[cfg(not(feature = "faults"))]
pub const fn after_write(_number: u64) {}
