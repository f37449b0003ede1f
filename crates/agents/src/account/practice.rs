//! The practice agent needs no account.

use super::{Question, Row, SignOut, Verdict};

pub(super) const ROW: Row = Row {
    sources: &[],
    question: |_, _| Question::Known(Verdict::Takes { says: "it needs no account".into(), paid: None }),
    endpoints: &[],
    login_pays: None,
    ways: &[],
    sign_out: SignOut::Nothing,
    next: "",
};
