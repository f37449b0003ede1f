//! What is installed: the system's packages, Node, the agents; and the first project.

use super::Look;
use crate::packages as system;
use crate::run::{Order, Setup};
use crate::stop::{Stop, obstacle, with};
use crate::want::Want;
use protocol::setup::{Change, Choice, ObstacleKind, Receipt, SetupEvent, Work};

const NEEDED: [&str; 3] = ["git", "bubblewrap", "ca-certificates"];

pub(super) fn packages(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let mut wants = Vec::new();
    // While somebody installs, packages are half-way through for a good reason.
    let broken = if system::busy(setup).is_some() { Vec::new() } else { system::broken(setup)? };
    if !broken.is_empty() {
        // What a cut run of ours left so is ours to finish, and nobody is asked.
        let ours = half_done(setup)?;
        let by_us = broken.iter().any(|name| ours.contains(name));
        if !by_us && !order.chose("packages", Choice::RepairPackages) {
            let cause = format!("packages are half-way installed: {}", broken.join(", "));
            let action = "let the package system finish them (`dpkg --configure -a`)";
            let blocked = obstacle(ObstacleKind::PackagesBroken, cause, action);
            return Ok(Look::Blocked(with(blocked, &[Choice::RepairPackages])));
        }
        wants.push(Want::Whole { names: broken });
    }
    wants.push(Want::Packages(NEEDED.to_vec()));
    Ok(Look::Wants(wants))
}

/// Packages whose installation was announced and not reported.
fn half_done(setup: &Setup<'_>) -> Result<Vec<String>, Stop> {
    let mut open = Vec::new();
    for entry in crate::journal::read(&setup.root)? {
        match entry.event {
            SetupEvent::Intent { receipt: Receipt { change: Change::Package { name }, .. }, .. } => {
                open.push(name);
            }
            SetupEvent::Wrote { receipt: Receipt { change: Change::Package { name }, .. }, .. } => {
                open.retain(|of| *of != name);
            }
            _ => {}
        }
    }
    Ok(open)
}

pub(super) fn node(setup: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    Ok(program(setup, "node").map_or_else(|blocked| blocked, |want| Look::Wants(vec![want])))
}

pub(super) fn agents(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    if order.wish.agents.is_empty() {
        return Ok(Look::Skipped("you chose none; they can be added later".to_owned()));
    }
    let mut wants = Vec::new();
    for agent in &order.wish.agents {
        match program(setup, agent.as_str()) {
            Ok(want) => wants.push(want),
            Err(blocked) => return Ok(blocked),
        }
    }
    Ok(Look::Wants(wants))
}

fn program(setup: &Setup<'_>, name: &str) -> Result<Want, Look> {
    let missing = || {
        let cause = format!("there is no {name} for this machine");
        let none = obstacle(ObstacleKind::System, cause, "go on without it, or choose another one");
        Look::Blocked(with(none, &[Choice::Skip]))
    };
    let version = setup.house.wanted(name).ok_or_else(missing)?;
    Ok(Want::Program { name: name.to_owned(), version })
}

pub(super) fn project(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let wish = &order.wish;
    let mut wants = Vec::new();
    if let Some(name) = &wish.project {
        wants.push(Want::Project { name: name.clone(), starter: wish.starter.clone() });
    }
    if let Some(name) = &wish.domain {
        if let Some(why) = setup.house.bad_domain(name) {
            let bad = obstacle(ObstacleKind::Other, why, "correct the domain, or go on without it");
            return Ok(Look::Blocked(with(bad, &[Choice::Skip])));
        }
        // The name may be another one by now, by the user's own word: a repair leaves that alone.
        let stays = order.work == Work::Repair && setup.house.domain().is_some();
        if !stays {
            let (agreed, contact) = (wish.terms, wish.contact.clone());
            wants.push(Want::Domain { name: name.clone(), agreed, contact });
        }
    }
    Ok(if wants.is_empty() {
        Look::Skipped("you named none; it can be made later".to_owned())
    } else {
        Look::Wants(wants)
    })
}
