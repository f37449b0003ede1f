//! A server of one's own, from its address to a live site, driven as the desktop drives it: by `remote` over SSH. The
//! server is a throw-away one with 2 cores and 1 GiB; the window is the real one in a display of its own.

mod again;
mod copy;
mod desktop;
mod driver;
mod ground;
mod programs;
mod rest;
mod setup;
mod tunnel;
mod visitors;

use crate::Measure;
use crate::row::Row;
use anyhow::{Context, Result};
use ground::Ground;
use remote::OurKey;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// One server for all measures, in this order: each finds it as the one before left it.
#[derive(Default)]
struct Shared {
    ground: OnceCell<Ground>,
    key: RefCell<Option<OurKey>>,
}

impl Shared {
    fn ground(&self) -> Result<&Ground> {
        if self.ground.get().is_none() {
            // Another one cannot have been set meanwhile.
            let _ = self.ground.set(Ground::new()?);
        }
        self.ground.get().context("there is no server")
    }

    /// The desktop's key to the server that was set up.
    fn key(&self) -> Result<OurKey> {
        self.key.borrow().clone().context("the set-up before it did not end well")
    }
}

pub fn measures() -> Vec<Measure> {
    let shared = Rc::new(Shared::default());
    let measure = |name, take: fn(&Shared) -> Result<Vec<Row>>| {
        let shared = Rc::clone(&shared);
        Measure::new(name, move || take(&shared))
    };
    vec![
        measure("the first look at a server", |it| setup::stage_0(it.ground()?)),
        measure("the whole set-up", |it| {
            let (rows, key) = setup::without_agents(it.ground()?)?;
            *it.key.borrow_mut() = Some(key);
            Ok(rows)
        }),
        measure("a second run", |it| again::second_run(it.ground()?, &it.key()?)),
        measure("the daemon on the server", |it| rest::idle(it.ground()?)),
        measure("what the tunnel adds", |it| tunnel::added(it.ground()?, &it.key()?)),
        measure("an upgrade under visitors", |it| again::upgrade(it.ground()?, &it.key()?)),
        measure("20,000 entries mirrored", |it| copy::twenty_thousand(it.ground()?, &it.key()?)),
        measure("the set-up with every agent", |it| {
            it.key.take();
            setup::with_agents(it.ground()?)
        }),
        measure("the desktop's window", |_| desktop::window()),
    ]
}
