//! Meeting a server for the first time: what the connection asks goes to the window, the answers go back, and nothing of
//! it is kept, here or there, until the set-up begins. Until then the server has the program that makes the plan, which is
//! taken back when the meeting is left.

use super::servers::{self, Known, Servers, place_of, sign_ins};
use super::{Desk, Tell, blocking, programs, told_by};
use protocol::desk::{DeskAnswer, DeskEvent, DeskResult, Prompt, Reply, Secret, Stands, Target};
use protocol::setup::{Plan, Wish};
use protocol::{ApiError, Code};
use remote::{
    Begin, Begun, ConnectError, Contact, Entry, FirstError, Hidden, Program, Question, SignIn, Stage, Way,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

type Stood = Option<Result<Stands, ApiError>>;

pub struct Meetings {
    open: Mutex<BTreeMap<String, Arc<Meeting>>>,
    tell: Tell,
}

struct Meeting {
    id: String,
    target: Target,
    /// How the hosts on the way are signed in to, which is needed at each connection.
    way: Vec<Secret>,
    stands: watch::Sender<Stood>,
    waits: Mutex<Option<Waits>>,
    ask: mpsc::Sender<Question>,
    work: AsyncMutex<Work>,
    stop: CancellationToken,
    tell: Tell,
}

/// The way back to what asked.
enum Waits {
    Fingerprint(oneshot::Sender<bool>),
    Answers(oneshot::Sender<Vec<Hidden>>),
    Sudo(oneshot::Sender<Hidden>),
}

#[derive(Default)]
struct Work {
    contact: Option<Contact>,
    /// As the user saw it last.
    plan: Option<Plan>,
    begun: Option<Begun>,
}

impl Meeting {
    fn stand(&self, stands: Result<Stands, ApiError>) {
        self.stands.send_replace(Some(stands));
        self.tell.event(DeskEvent::Meeting { id: self.id.clone() });
    }

    fn busy(&self, words: &str, progress: Option<(u64, u64)>) {
        let (done, of) = progress.unzip();
        self.stand(Ok(Stands::Busy { words: words.to_owned(), done, of }));
    }

    fn now(&self) -> DeskResult {
        let stands = self.stands.borrow().clone();
        let busy = Stands::Busy { words: "Connecting".into(), done: None, of: None };
        stands.unwrap_or(Ok(busy)).map(|stands| DeskAnswer::Meeting { id: self.id.clone(), stands })
    }

    fn wait_for(&self, waits: Waits, stands: Stands) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = Some(waits);
        self.stand(Ok(stands));
    }

    fn asked(&self, question: Question) {
        match question {
            Question::Fingerprint { host, kind, sha256, known_elsewhere, reply } => {
                let stands = Stands::Fingerprint { host, kind, sha256, known_elsewhere };
                self.wait_for(Waits::Fingerprint(reply), stands);
            }
            Question::Answers { name, instructions, prompts, reply } => {
                let name = if instructions.is_empty() { name } else { format!("{name} {instructions}") };
                let prompts = prompts.into_iter().map(|p| Prompt { text: p.text, echo: p.echo }).collect();
                self.wait_for(Waits::Answers(reply), Stands::Question { name, prompts });
            }
            Question::SudoPassword { reply, .. } => self.wait_for(Waits::Sudo(reply), Stands::SudoPassword),
        }
    }

    /// Another key than the recorded one is a state of its own: the user alone may say that the server was rebuilt.
    fn refused(&self, servers: &Servers, error: &ConnectError) -> Result<Stands, ApiError> {
        match error {
            ConnectError::HostKeyChanged { host, port, key } => {
                let place = place_of(&self.target);
                servers.changed(&place, host, *port);
                Ok(Stands::Changed { place, host: host.clone(), key: key.clone() })
            }
            ConnectError::Jump { source, .. } if source.changed_key().is_some() => {
                self.refused(servers, source)
            }
            other => Err(other.told()),
        }
    }

    /// Connects, signs in and looks.
    async fn meet(&self, servers: &Servers, with: SignIn) -> Result<Contact, Box<Result<Stands, ApiError>>> {
        self.busy("Connecting and signing in", None);
        let jumps = sign_ins(&self.way);
        let way = Way { target: &self.target, with: with.clone(), jumps, ask: Some(self.ask.clone()) };
        let local = &servers.local;
        let session = remote::connect(local, way).await.map_err(|e| Box::new(self.refused(servers, &e)))?;
        self.busy("Looking at the server; nothing is changed", None);
        Contact::look(session, &with, local.clock).await.map_err(|e| Box::new(Err(told_by(&e, &e.next()))))
    }
}

impl Meetings {
    pub fn new(tell: Tell) -> Self {
        Self { open: Mutex::default(), tell }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Meeting>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str) -> Result<Arc<Meeting>, ApiError> {
        let gone =
            || ApiError::new(Code::NotFound, "this meeting is over").next("sign in to the server again");
        self.open().get(id).cloned().ok_or_else(gone)
    }

    /// Answered by what stands in the way first.
    pub async fn meet(
        &self,
        servers: &Arc<Servers>,
        target: Target,
        secret: &Secret,
        jumps: &[Secret],
    ) -> DeskResult {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|e| ApiError::new(Code::Internal, e.to_string()))?;
        let id = protocol::hex(bytes);
        let (ask, mut asked) = mpsc::channel(4);
        let meeting = Arc::new(Meeting {
            id: id.clone(),
            way: on_the_way(&target, secret, jumps),
            target,
            stands: watch::channel(None).0,
            waits: Mutex::default(),
            ask,
            work: AsyncMutex::default(),
            stop: CancellationToken::new(),
            tell: self.tell.clone(),
        });
        self.open().insert(id.clone(), meeting.clone());
        let questions = meeting.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    question = asked.recv() => match question {
                        Some(question) => questions.asked(question),
                        None => return,
                    },
                    () = questions.stop.cancelled() => return,
                }
            }
        });
        let (working, servers, with) = (meeting.clone(), servers.clone(), SignIn::from(secret));
        tokio::spawn(async move {
            let met = tokio::select! {
                met = working.meet(&servers, with) => met,
                () = working.stop.cancelled() => return,
            };
            match met {
                Ok(contact) => {
                    let found = Box::new(contact.found().clone());
                    working.work.lock().await.contact = Some(contact);
                    working.stand(Ok(Stands::Found { offers: Some(programs::offered(&found)), found }));
                }
                Err(stands) => working.stand(*stands),
            }
        });
        let mut stands = meeting.stands.subscribe();
        let _ = stands.wait_for(stood_still).await;
        let answer = meeting.now();
        if answer.is_err() {
            self.leave(&id).await;
        }
        answer
    }

    pub fn stands(&self, id: &str) -> DeskResult {
        self.get(id)?.now()
    }

    /// Hands an answer to what asked; it then goes on by itself.
    pub fn say(&self, id: &str, reply: Reply) -> DeskResult {
        let meeting = self.get(id)?;
        let waits = meeting.waits.lock().unwrap_or_else(PoisonError::into_inner).take();
        let other = || ApiError::new(Code::Conflict, "this was not asked").next("look at what is asked now");
        meeting.busy("Going on", None);
        let heard = match (waits, reply) {
            (Some(Waits::Fingerprint(back)), Reply::Trust) => back.send(true).is_ok(),
            (Some(Waits::Answers(back)), Reply::Answers { answers }) => {
                back.send(answers.into_iter().map(Hidden::from).collect()).is_ok()
            }
            (Some(Waits::Sudo(back)), Reply::Password { password }) => back.send(password.into()).is_ok(),
            _ => false,
        };
        if heard { meeting.now() } else { Err(other()) }
    }

    /// Ends it; what was put on the server is taken away again.
    pub async fn leave(&self, id: &str) {
        let Some(meeting) = self.open().remove(id) else { return };
        meeting.stop.cancel();
        // Whoever waits for an answer is answered by this, too.
        meeting.waits.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut contact) = meeting.work.lock().await.contact.take() {
            contact.leave().await;
        }
    }

    /// The program ends.
    pub async fn leave_all(&self) {
        let all: Vec<String> = self.open().keys().cloned().collect();
        for id in all {
            self.leave(&id).await;
        }
    }

    /// What would be done. Until it is begun, the server has its program and nothing else of ours.
    pub async fn plan(&self, desk: &Desk, id: &str, wish: &Wish) -> DeskResult {
        let meeting = self.get(id)?;
        let mut work = meeting.work.lock().await;
        let Work { contact, plan: last, begun } = &mut *work;
        let mut plan = match (begun, contact) {
            (Some(begun), _) => {
                let plan = Entry::new(begun.session.clone()).plan(Some(wish)).await;
                plan.map_err(|e| told_by(&e, &e.next()))
            }
            (None, Some(contact)) => {
                let plan = planned(desk, &meeting, contact, wish).await;
                let found = Box::new(contact.found().clone());
                meeting.stand(Ok(Stands::Found { offers: Some(programs::offered(&found)), found }));
                plan
            }
            (None, None) => {
                Err(ApiError::new(Code::Conflict, "the server was not looked at yet").next("sign in first"))
            }
        }?;
        plan.takes = desk.servers.times.of(&plan);
        *last = Some(plan.clone());
        Ok(DeskAnswer::Plan { plan })
    }

    /// Does what the plan shows; from here on it is a workspace.
    pub async fn begin(&self, desk: &Desk, id: &str, wish: Wish, plan: &str) -> DeskResult {
        let meeting = self.get(id)?;
        let mut work = meeting.work.lock().await;
        let shown = work.plan.clone().filter(|shown| shown.hash == plan);
        if shown.is_none() {
            return Err(ApiError::new(Code::Conflict, "this is not the plan that was made last")
                .next("look at the plan first"));
        }
        if work.begun.is_none() {
            let contact = work.contact.as_mut().ok_or_else(|| {
                ApiError::new(Code::Conflict, "the server was not looked at yet").next("sign in first")
            })?;
            let begun = begun(desk, &meeting, contact).await;
            let found = Box::new(contact.found().clone());
            meeting.stand(Ok(Stands::Found { offers: Some(programs::offered(&found)), found }));
            work.begun = Some(begun?);
        }
        let begun =
            work.begun.as_ref().ok_or_else(|| ApiError::new(Code::Internal, "the server was not reached"))?;
        let known = Known { target: begun.target.clone(), wish: wish.clone() };
        let entry = Entry::new(begun.session.clone());
        // The key is kept before anything is done with it: a server that was set up must stay reachable.
        let (servers, vault) = (desk.servers.clone(), desk.vault.clone());
        let (session, way) = (begun.session.clone(), meeting.way.clone());
        let key = begun.key.clone();
        let server = blocking(move || servers.add(&vault, known, &key, way, Some(session))).await??;
        entry.apply(Some(&wish), Some(plan)).await.map_err(|e| told_by(&e, &e.next()))?;
        server.setup.planned(shown);
        server.setup.follow(entry, true);
        let place = server.spot.place.clone();
        drop(work);
        self.leave(id).await;
        Ok(DeskAnswer::Begun { place })
    }
}

/// What both the plan and the beginning go by.
struct Means {
    programs: Vec<Program>,
    name: String,
}

impl Means {
    async fn of(desk: &Desk, meeting: &Meeting) -> Result<Self, ApiError> {
        meeting.busy("Preparing the server's program", None);
        Ok(Self { programs: desk.programs().await?, name: blocking(super::here::host).await? })
    }

    fn how<'a>(&'a self, desk: &'a Desk, meeting: &Meeting) -> Begin<'a> {
        Begin {
            local: &desk.servers.local,
            programs: &self.programs,
            name: &self.name,
            jumps: sign_ins(&meeting.way),
            ask: Some(meeting.ask.clone()),
        }
    }
}

impl Meeting {
    fn stage(&self, stage: Stage) {
        match stage {
            Stage::Uploading(sent) => {
                self.busy("Sending the program that makes the plan", Some((sent.done, sent.of)));
            }
            Stage::Planning => self.busy("The server works out what is to be done", None),
            Stage::Installing => self.busy("Installing the server's program", None),
            Stage::Reconnecting => {
                self.busy("Signing in with a key of its own; the password is forgotten", None);
            }
        }
    }
}

fn told_first(error: &FirstError) -> ApiError {
    match error {
        FirstError::Connect(connect) => connect.told(),
        other => told_by(other, &other.next()),
    }
}

async fn planned(
    desk: &Desk,
    meeting: &Meeting,
    contact: &mut Contact,
    wish: &Wish,
) -> Result<Plan, ApiError> {
    // The server may know this computer from an earlier day: then by the key of that day.
    let (vault, place) = (desk.vault.clone(), place_of(&meeting.target));
    if let Ok(key) = blocking(move || servers::key_of(&vault, &place)).await? {
        contact.use_key(key);
    }
    let means = Means::of(desk, meeting).await?;
    let mut on = |stage| meeting.stage(stage);
    let plan = contact.plan(wish, &means.how(desk, meeting), &mut on, &meeting.stop).await;
    plan.map_err(|e| told_first(&e))
}

/// The key is in the vault before it is on the server: whatever is killed in between, the server stays reachable.
async fn begun(desk: &Desk, meeting: &Meeting, contact: &mut Contact) -> Result<Begun, ApiError> {
    let means = Means::of(desk, meeting).await?;
    let key = contact.key(&means.name).map_err(|e| told_by(&e, "begin again"))?;
    let (vault, place) = (desk.vault.clone(), place_of(&meeting.target));
    blocking(move || servers::keep_key(&vault, &place, &key)).await??;
    let mut on = |stage| meeting.stage(stage);
    let begun = contact.begin(&means.how(desk, meeting), &mut on, &meeting.stop).await;
    begun.map_err(|e| told_first(&e))
}

/// For each host on the way, nearest to this computer first; where none was named, as for the server itself.
fn on_the_way(target: &Target, secret: &Secret, jumps: &[Secret]) -> Vec<Secret> {
    let hops = std::iter::successors(target.jump.as_deref(), |hop| hop.jump.as_deref()).count();
    let own = jumps.iter().cloned().chain(std::iter::repeat(secret.clone()));
    own.take(hops).collect()
}

fn stood_still(now: &Stood) -> bool {
    !matches!(now, None | Some(Ok(Stands::Busy { .. })))
}
