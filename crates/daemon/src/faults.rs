//! Fault injection for the crash tests. Only built with the feature `faults`, which no shipped binary has.

/// Aborts the process, as a power cut would, right after the commit whose number is in `LOOPWRIGHT_CRASH_AT`.
#[cfg(feature = "faults")]
pub fn after_write(number: u64) {
    let at = std::env::var("LOOPWRIGHT_CRASH_AT").ok().and_then(|n| n.parse::<u64>().ok());
    if at == Some(number) {
        std::process::abort();
    }
}

/// The same for a set-up, at each moment that has a name and is not in the file `seen` of the folder
/// `LOOPWRIGHT_SETUP_MOMENTS` yet: so each run gets further than the one before. Where that folder has the pipes `at` and
/// `go`, the name is told by the one, and the word `on` from the other lets it go on.
#[cfg(feature = "faults")]
pub fn at_moment(moment: provision::Moment<'_>) {
    let Some(folder) = std::env::var_os("LOOPWRIGHT_SETUP_MOMENTS").map(std::path::PathBuf::from) else {
        return;
    };
    let Some(name) = name_of(moment) else { return };
    let (seen, at) = (folder.join("seen"), folder.join("at"));
    let known = std::fs::read_to_string(&seen).unwrap_or_default();
    if known.lines().any(|line| line == name) {
        return;
    }
    let kept = std::fs::write(&seen, format!("{known}{name}\n"));
    let goes_on = at.exists()
        && std::fs::write(at, &name).is_ok()
        && std::fs::read_to_string(folder.join("go")).is_ok_and(|word| word.trim() == "on");
    // Without its list it would end at the same moment for ever.
    if kept.is_ok() && !goes_on {
        std::process::abort();
    }
}

/// Only one of two moments between which nothing happens.
#[cfg(feature = "faults")]
fn name_of(moment: provision::Moment<'_>) -> Option<String> {
    use protocol::setup::SetupEvent;
    let what = |receipt: &protocol::setup::Receipt| {
        // Which ones a step brings differs from system to system.
        if matches!(receipt.change, protocol::setup::Change::Package { .. }) {
            return "a package".to_owned();
        }
        let change = serde_json::to_value(&receipt.change).unwrap_or_default();
        let of = |key| change.get(key).and_then(|value| value.as_str());
        of("path").or_else(|| of("name")).unwrap_or("something").to_owned()
    };
    let words = |words: &str| words.split(' ').take(2).collect::<Vec<_>>().join(" ");
    match (&moment.entry.event, moment.written) {
        (SetupEvent::Started { work, .. }, true) => Some(format!("run {work:?} started")),
        (SetupEvent::StepStarted { step, .. }, true) => Some(format!("{step} started")),
        (SetupEvent::Doing { step, words: said, .. }, true) => Some(format!("{step} doing {}", words(said))),
        (SetupEvent::Intent { step, receipt }, true) => Some(format!("{step} intent {}", what(receipt))),
        (SetupEvent::Wrote { step, receipt }, false) => Some(format!("{step} effect {}", what(receipt))),
        (SetupEvent::StepDone { step, .. }, true) => Some(format!("{step} done")),
        (SetupEvent::Finished { work, .. }, false) => Some(format!("run {work:?} at its end")),
        (SetupEvent::Finished { work, .. }, true) => Some(format!("run {work:?} over")),
        _ => None,
    }
}

#[cfg(not(feature = "faults"))]
pub const fn at_moment(_moment: provision::Moment<'_>) {}

#[cfg(not(feature = "faults"))]
pub const fn after_write(_number: u64) {}
