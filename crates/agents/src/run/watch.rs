//! Whether a run stays within its part of the machine. It is looked at when a tool has finished, beside the loop.

use crate::supervise::Gauge;
use tokio::task::JoinHandle;

type Look = (Gauge, Option<String>);

pub(super) struct Watch<H> {
    gauge: Option<Gauge>,
    hit: H,
    looking: Option<JoinHandle<Look>>,
}

impl<H: Fn() -> Option<String> + Clone + Send + 'static> Watch<H> {
    pub fn new(gauge: Gauge, hit: H) -> Self {
        Self { gauge: Some(gauge), hit, looking: None }
    }

    /// A tool has finished.
    pub fn look(&mut self) {
        if self.looking.is_some() || !self.gauge.as_ref().is_some_and(Gauge::is_due) {
            return;
        }
        let Some(gauge) = self.gauge.take() else { return };
        let hit = self.hit.clone();
        self.looking = Some(tokio::task::spawn_blocking(move || match hit() {
            Some(over) => (gauge, Some(over)),
            None => gauge.over(),
        }));
    }

    /// What a look found; for ever, while there is nothing. Nothing is lost when the future is dropped.
    pub async fn over(&mut self) -> String {
        loop {
            let Some(looking) = &mut self.looking else { return std::future::pending().await };
            let looked = looking.await;
            self.looking = None;
            if let Ok((gauge, over)) = looked {
                self.gauge = Some(gauge);
                if let Some(over) = over {
                    return over;
                }
            }
        }
    }

    /// What the kernel had to enforce, before the groups are gone.
    pub async fn enforced(&self) -> Option<String> {
        tokio::task::spawn_blocking(self.hit.clone()).await.ok().flatten()
    }

    /// The last look at what it wrote.
    pub async fn written(mut self) -> Option<String> {
        if let Some(looking) = self.looking.take() {
            self.gauge = looking.await.ok().map(|(gauge, _)| gauge);
        }
        let gauge = self.gauge?;
        tokio::task::spawn_blocking(move || gauge.over().1).await.ok().flatten()
    }
}
