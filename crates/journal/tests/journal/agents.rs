//! What the runs of an agent say of its account.

use crate::script::*;
use protocol::fact::AttemptEnd;

#[test]
fn the_newest_end_that_says_something_of_the_account_counts() {
    let mut home = Home::new();
    let verdict = |home: &Home| home.reader.last_verdict(&id("codex")).unwrap();
    let (received, text) = intake(1);
    home.append_with(received, vec![text]);
    assert_eq!(verdict(&home), None);
    let refused = AttemptEnd::SignedOut { reason: "401".into() };
    for (number, agent, end) in [
        (1, "codex", AttemptEnd::TurnEnded),
        (2, "claude-code", refused.clone()),
        (3, "codex", refused.clone()),
        (4, "codex", AttemptEnd::Cancelled),
        (5, "codex", AttemptEnd::Lost),
    ] {
        home.append(chosen(number, agent));
        home.append(started(number, agent));
        home.append(finished(number, end));
    }
    home.append(chosen(6, "codex"));
    home.append(started(6, "codex"));
    let (at, end) = verdict(&home).unwrap();
    assert_eq!(end, refused);
    home.append(finished(6, AttemptEnd::QuotaGone { until: None }));
    let (later, end) = verdict(&home).unwrap();
    assert_eq!(end, AttemptEnd::QuotaGone { until: None });
    assert!(later >= at);
}
