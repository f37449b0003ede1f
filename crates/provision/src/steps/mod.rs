//! What a server needs, step by step, in the order in which it is made. A step tells what must be so; what follows from
//! that is the same for all of them.

mod base;
mod ports;
mod programs;
mod services;
mod system;
mod units;

use crate::run::{Order, Setup};
use crate::stop::Stop;
use crate::want::Want;
use protocol::setup::{Choice, Obstacle};

use ports::foreign;
pub(crate) use units::proxy_words;

pub(crate) enum Look {
    Wants(Vec<Want>),
    Skipped(String),
    Blocked(Obstacle),
}

type Looks = fn(&Setup<'_>, &Order) -> Result<Look, Stop>;

pub struct Step {
    pub id: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    look: Looks,
}

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Step> {
    let step = |id, title, why, look| Step { id, title, why, look };
    vec![
        step("system", "The server itself", "Loopwright is made for these systems, and needs some memory, room and a right clock.", system::look as Looks),
        step("binary", "Loopwright's program", "It lies in a folder of its own, beside the version before it.", base::binary),
        step("desk", "The desktop's way in", "The desktop signs in with a key of its own that can do only what it needs.", base::desk),
        step("users", "Users for agents and sites", "An agent can touch its work and nothing else; neither can a site.", base::users),
        step("folders", "Folders", "Your projects, the journal and the memory lie in one place.", base::folders),
        step("swap", "Swap", "Builds need more memory for a moment than a small server has.", services::swap),
        step("packages", "Packages of the system", "git keeps every change, bubblewrap keeps programs apart.", programs::packages),
        step("apparmor", "Sandboxes", "This system lets no program make a sandbox unless its profile says so.", services::apparmor),
        step("time", "Clock", "Certificates and sign-ins need the right time.", services::time),
        step("security", "Security updates", "The system keeps itself up to date.", services::security),
        step("node", "Node", "Most sites and agents are built with it.", programs::node),
        step("units", "Services", "The loop and the sites start with the server, and again if they fail.", services::units),
        step("firewall", "Firewall", "Nothing but sign-in and the sites is let in.", services::firewall),
        step("agents", "Coding agents", "The programs that write the code.", programs::agents),
        step("project", "First project", "So that the first thing to do is to ask.", programs::project),
        step("exposure", "What the world can reach", "Nothing of Loopwright's but the sites listens to the outside.", ports::exposure),
    ]
}

/// Steps that a server does without, if the user says so.
const OPTIONAL: [&str; 8] =
    ["swap", "apparmor", "time", "security", "firewall", "agents", "project", "exposure"];

pub(crate) fn look(setup: &Setup<'_>, order: &Order, step: &Step) -> Result<Look, Stop> {
    if OPTIONAL.contains(&step.id) && order.chose(step.id, Choice::Skip) {
        return Ok(Look::Skipped("you chose to go on without it".to_owned()));
    }
    (step.look)(setup, order)
}

/// Whether there are services of ours: a look that only a bare server needs can be left out.
pub(crate) fn is_installed(setup: &Setup<'_>) -> bool {
    crate::want::unit_file(&setup.root, "loopwright.service").exists()
}
