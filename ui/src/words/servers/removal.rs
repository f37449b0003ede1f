//! What a removal takes and what it leaves.

use super::plan::change;
use crate::words::{counted, sentence};
use protocol::desk::Left;
use protocol::setup::Change;

pub fn summary(removes: &[Change], keeps: &[Left]) -> String {
    let takes = match removes.len() as u64 {
        0 => "There is nothing of Loopwright to take off this server".to_owned(),
        n => format!("{} are taken off", counted(n, "thing", "things")).replace("thing are", "thing is"),
    };
    let leaves = match keeps.len() as u64 {
        0 => "Nothing is left behind.".to_owned(),
        n => format!(
            "{} left as they are, since they changed or hold what is not ours.",
            counted(n, "thing is", "things are")
        )
        .replace(
            "is left as they are, since they changed or hold",
            "is left as it is, since it changed or holds",
        ),
    };
    format!("{takes}. {leaves}")
}

/// `Files: /etc/x`, and why it stays.
pub fn left(left: &Left) -> (String, String) {
    (change(&left.what), sentence(&left.why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_with_its_reason() {
        let file = Change::File { path: "/etc/x".into(), replaces: false };
        let kept = Left { what: file.clone(), why: "it was changed since".into() };
        assert_eq!(left(&kept), ("Files: /etc/x".into(), "It was changed since.".into()));
        assert_eq!(
            summary(std::slice::from_ref(&file), &[]),
            "1 thing is taken off. Nothing is left behind."
        );
        assert_eq!(
            summary(&[file.clone(), file], std::slice::from_ref(&kept)),
            "2 things are taken off. 1 thing is left as it is, since it changed or holds what is not ours."
        );
        assert_eq!(
            summary(&[], &[kept.clone(), kept]),
            "There is nothing of Loopwright to take off this server. 2 things are left as they are, since they changed or hold what is not ours."
        );
    }
}
