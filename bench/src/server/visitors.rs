//! Visitors of a live site, as browsers are: some with a new connection for each page, some that keep theirs.

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub const VISITORS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(20);
/// A visitor reads before the next page; without it they are a flood, which is another measure.
const READS: Duration = Duration::from_millis(5);

/// Who visits at the moment.
pub struct Visitors {
    over: watch::Sender<bool>,
    there: JoinSet<Seen>,
}

#[derive(Default)]
pub struct Seen {
    pub ok: u32,
    pub failed: u32,
    pub slowest: Duration,
    /// What went wrong first.
    pub first: Option<String>,
}

/// Comes, once the site answers well.
pub async fn come(url: &str) -> Result<Visitors> {
    let url: hyper::Uri = url.parse()?;
    let wanted = visit(&client(false), &url).await?;
    ensure!(!wanted.is_empty(), "the site is empty");
    let (over, _) = watch::channel(false);
    let mut there = JoinSet::new();
    for number in 0..VISITORS {
        there.spawn(stay(client(number % 2 == 0), url.clone(), wanted.clone(), over.subscribe()));
    }
    Ok(Visitors { over, there })
}

impl Visitors {
    pub async fn leave(self) -> Result<Seen> {
        self.over.send_replace(true);
        let mut all = Seen::default();
        for seen in self.there.join_all().await {
            all.ok += seen.ok;
            all.failed += seen.failed;
            all.slowest = all.slowest.max(seen.slowest);
            all.first = all.first.or(seen.first);
        }
        ensure!(all.ok > 0, "nobody visited");
        Ok(all)
    }
}

type Browser = Client<HttpConnector, Empty<Bytes>>;

/// One that finds its kept connection closed by the other side opens a new one, as every browser does.
fn client(keeps: bool) -> Browser {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_max_idle_per_host(usize::from(keeps)).build_http()
}

async fn stay(client: Browser, url: hyper::Uri, wanted: Bytes, over: watch::Receiver<bool>) -> Seen {
    let mut seen = Seen::default();
    while !*over.borrow() {
        let clock = Instant::now();
        let wrong = match visit(&client, &url).await {
            Ok(page) if page == wanted => None,
            Ok(_) => Some("another page".to_owned()),
            Err(error) => Some(format!("{error:#}")),
        };
        seen.slowest = seen.slowest.max(clock.elapsed());
        match wrong {
            None => seen.ok += 1,
            Some(wrong) => {
                seen.failed += 1;
                seen.first.get_or_insert(wrong);
            }
        }
        tokio::time::sleep(READS).await;
    }
    seen
}

async fn visit(client: &Browser, url: &hyper::Uri) -> Result<Bytes> {
    let asked = async {
        let answer = client.get(url.clone()).await?;
        if !answer.status().is_success() {
            bail!("HTTP {}", answer.status());
        }
        Ok(answer.into_body().collect().await?.to_bytes())
    };
    tokio::time::timeout(PATIENCE, asked).await.context("no answer")?
}
