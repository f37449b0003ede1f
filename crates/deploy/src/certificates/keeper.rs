//! One task for each name: waits until something is due, looks, orders, and says how it stands. It wakes at the due date
//! and when it is spoken to, and twice a day, since a clock may be set meanwhile.

use super::held::held;
use super::order::{Job, obtain};
use super::schedule::{Record, renewal};
use super::trouble::{Failure, Kind, Trouble};
use super::{Consent, Domain, Inner, lock, lookup, now, on_disk};
use protocol::At;
use protocol::setup::{Certificate, CertificateState};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LONGEST_SLEEP: Duration = Duration::from_secs(12 * 60 * 60);

/// A name that is kept.
pub(super) struct Kept {
    view: Arc<Mutex<Certificate>>,
    /// Another word of the user's, even if it is the same one, means: look now.
    consent: watch::Sender<Consent>,
    stop: CancellationToken,
}

impl Kept {
    pub(super) fn view(&self) -> Certificate {
        lock(&self.view).clone()
    }

    pub(super) fn again(&self, consent: Consent) {
        self.consent.send_replace(consent);
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

/// What is on the disk is served when this returns.
pub(super) fn start(inner: &Arc<Inner>, domain: &Domain, consent: Consent) -> Kept {
    // A file that is broken is worth a new certificate, not the end of the sites.
    let broken = |cause: String| tracing::warn!(%domain, %cause, "a stored certificate cannot be used");
    match inner.store.certificate(domain) {
        Ok(Some(pem)) => match held(&pem, domain) {
            Ok(held) => inner.shelf.put(domain, held),
            Err(cause) => broken(cause),
        },
        Ok(None) => {}
        Err(cause) => broken(cause.to_string()),
    }
    let record = inner.store.record(domain).unwrap_or_else(|cause| {
        tracing::warn!(%domain, %cause, "what was known of a certificate cannot be read");
        Record::default()
    });
    let (sender, receiver) = watch::channel(consent);
    let view = Arc::new(Mutex::new(Certificate { name: domain.to_string(), ..Certificate::default() }));
    let kept = Kept { view: view.clone(), consent: sender, stop: inner.quit.child_token() };
    let keeper = Keeper { inner: inner.clone(), domain: domain.clone(), consent: receiver, record, view };
    keeper.show(None);
    let stop = kept.stop.clone();
    tokio::spawn(async move { stop.run_until_cancelled(keeper.keep()).await });
    kept
}

struct Keeper {
    inner: Arc<Inner>,
    domain: Domain,
    consent: watch::Receiver<Consent>,
    record: Record,
    view: Arc<Mutex<Certificate>>,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            let consent = self.consent.borrow_and_update().clone();
            let wanted = consent.agreed && self.inner.ours;
            let pause = if wanted { self.pause() } else { Some(LONGEST_SLEEP) };
            match pause {
                None => self.attempt(&consent).await,
                Some(pause) => {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        changed = self.consent.changed() => match changed {
                            Ok(()) => self.record.look_again(),
                            Err(_) => return,
                        }
                    }
                }
            }
            self.show(None);
        }
    }

    fn holds(&self) -> Option<(At, At)> {
        self.inner.shelf.get(&self.domain).map(|held| (held.from, held.until))
    }

    /// Until the next attempt; none where it is due.
    fn pause(&self) -> Option<Duration> {
        let now = now();
        let left = self.record.due(self.holds(), now).since(now);
        (left > 0).then(|| Duration::from_millis(left).min(LONGEST_SLEEP))
    }

    async fn attempt(&mut self, consent: &Consent) {
        self.show(Some(CertificateState::Ordering));
        match self.certificate(consent).await {
            Ok(()) => {
                tracing::info!(domain = %self.domain, "there is a new certificate");
                self.record.succeeded();
            }
            Err(failure) => {
                let Trouble { says, next, .. } = &failure.trouble;
                tracing::warn!(domain = %self.domain, %says, %next, "there is no new certificate");
                self.record.failed(failure, now());
            }
        }
        let (store, domain, record) = (self.inner.store.clone(), self.domain.clone(), self.record.clone());
        if let Err(cause) = on_disk(move || store.save_record(&domain, &record)).await {
            tracing::warn!(domain = %self.domain, %cause, "what is known of a certificate is not saved");
        }
    }

    async fn certificate(&mut self, consent: &Consent) -> Result<(), Failure> {
        let Inner { store, authority, tokens, shelf, .. } = &*self.inner;
        lookup::look(&self.domain, tokens).await?;
        let job = Job { domain: &self.domain, consent, authority, store, tokens };
        let pem = obtain(&job, &mut self.record).await?;
        let useless =
            |cause| Trouble::machine(format!("the authority's certificate cannot be used: {cause}"));
        let held = held(&pem, &self.domain).map_err(useless)?;
        let due = renewal(held.from, held.until);
        shelf.put(&self.domain, held);
        // Asked for again at once, it would be so for ever, and authorities count.
        if due <= now() {
            let says = "the new certificate is due for renewal already, by this server's clock";
            return Err(Trouble::new(Kind::Later, says, "set this server's clock right").into());
        }
        Ok(())
    }

    /// Says how it stands; `doing` while something is being done.
    fn show(&self, doing: Option<CertificateState>) {
        let now = now();
        let held = self.inner.shelf.get(&self.domain);
        let agreed = self.consent.borrow().agreed;
        let mut shown = Certificate {
            name: self.domain.to_string(),
            until: held.as_ref().map(|held| held.until),
            issuer: held.as_ref().and_then(|held| held.issuer.clone()),
            ..Certificate::default()
        };
        let holds = held.as_ref().is_some_and(|held| held.until > now);
        let trouble = self.record.trouble.as_ref();
        shown.state = if holds {
            CertificateState::Standing
        } else if !agreed || !self.inner.ours {
            CertificateState::NotAsked
        } else if let Some(doing) = doing {
            doing
        } else if held.is_some() {
            CertificateState::Expired
        } else {
            match trouble.map(|trouble| trouble.kind) {
                None => CertificateState::Ordering,
                Some(Kind::Elsewhere) => CertificateState::Blocked,
                Some(_) => CertificateState::Failed,
            }
        };
        if !self.inner.ours {
            shown.error = Some("another web server holds ports 80 and 443".to_owned());
            shown.next = Some("get the certificate with that server".to_owned());
        } else if !agreed {
            shown.error = Some("nobody has agreed to the authority's terms of service".to_owned());
            shown.next = Some(format!("loopwrightd domain set {} --agree", self.domain));
        } else {
            shown.error = trouble.map(|trouble| trouble.says.clone());
            shown.next = trouble.map(|trouble| trouble.next.clone());
            shown.due = Some(self.record.due(self.holds(), now));
        }
        *lock(&self.view) = shown;
    }
}
