//! The plan before anything is touched: the program is there for it, and goes again.

use crate::slow_contact::{meet, program};
use crate::sshd::{PASSWORD, Sshd, password};
use protocol::setup::Wish;
use remote::{Begin, Contact, FirstError, Local, Program, Stage};
use tokio_util::sync::CancellationToken;

async fn plan(
    contact: &mut Contact,
    local: &Local,
    program: &Program,
    wish: &Wish,
) -> (Result<String, FirstError>, bool) {
    let programs = std::slice::from_ref(program);
    let how = Begin { local, programs, name: "laptop", jumps: vec![], ask: None };
    let mut sent = false;
    let mut on = |stage| sent |= matches!(stage, Stage::Uploading(_));
    let plan = contact.plan(wish, &how, &mut on, &CancellationToken::new()).await;
    (plan.map(|plan| plan.hash), sent)
}

#[tokio::test]
async fn the_plan_is_made_before_anything_is_there_but_the_program_which_goes_again() {
    let server = Sshd::start("");
    let (local, program) = (server.local(), program(&server, 1 << 20));
    let folder = server.home("deploy").join(".loopwright-upload");
    // sudo asks for the password of this one, on the standard input that the wish cannot have.
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let wish = Wish { domain: Some("it's \"mine\".example".into()), ..Wish::default() };
    let (hash, sent) = plan(&mut contact, &local, &program, &wish).await;
    assert_eq!((hash.unwrap().as_str(), sent), ("abc", true));
    let key = contact.key("laptop").unwrap().public_line().unwrap();
    let asked = std::fs::read_to_string(server.path("planned")).unwrap();
    let (words, read) = asked.split_once('\n').unwrap();
    assert!(words.contains("setup plan --key") && words.contains(&key), "{words}");
    assert_eq!(serde_json::from_str::<Wish>(read).unwrap(), wish);
    assert!(!server.path("current").exists() && folder.join(&program.sha256).exists());

    // Another wish needs no second upload; a folder that somebody cleared up does.
    assert!(!plan(&mut contact, &local, &program, &Wish::default()).await.1);
    std::fs::remove_dir_all(&folder).unwrap();
    let (hash, sent) = plan(&mut contact, &local, &program, &wish).await;
    assert_eq!((hash.unwrap().as_str(), sent), ("abc", true));

    contact.leave().await;
    assert!(!folder.exists(), "what was sent still lies there");
    contact.session().closed().await;
}
