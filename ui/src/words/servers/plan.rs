//! The plan in words: what each change is, how many there are, what one may answer where a step is blocked.

use super::size;
use crate::words::{counted, time};
use protocol::setup::{Change, Choice, Found, Plan, StepPlan};

/// Changes of one kind, under their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub title: &'static str,
    pub items: Vec<String>,
}

/// What is changed, by kind, in the order of the first of each.
pub fn groups(changes: &[Change]) -> Vec<Group> {
    grouped(changes, change_in_words)
}

/// The same of what is taken back: how it was before is how it will be.
pub fn taken(changes: &[Change]) -> Vec<Group> {
    grouped(changes, |change| {
        let (title, item) = plainly(change);
        match change {
            Change::File { replaces: true, .. } => {
                (title, format!("{item} (the one from before is put back)"))
            }
            Change::Service { on, .. } => {
                (title, format!("{item}: turned {} again", if *on { "off" } else { "on" }))
            }
            Change::User { .. }
            | Change::Folder { .. }
            | Change::File { .. }
            | Change::Link { .. }
            | Change::Package { .. }
            | Change::Unit { .. }
            | Change::Swap { .. }
            | Change::Firewall { .. }
            | Change::Program { .. }
            | Change::Project { .. }
            | Change::Domain { .. }
            | Change::Port { .. } => (title, item),
        }
    })
}

fn grouped(changes: &[Change], words: fn(&Change) -> (&'static str, String)) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        let (title, item) = words(change);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { title, items: vec![item] }),
        }
    }
    groups
}

fn change_in_words(change: &Change) -> (&'static str, String) {
    let (title, item) = plainly(change);
    match change {
        Change::File { replaces: true, .. } => (title, format!("{item} (the one there now is kept)")),
        Change::Service { on, .. } => (title, format!("{item}: turned {}", if *on { "on" } else { "off" })),
        Change::Swap { bytes, .. } => (title, format!("{item}, {}", size(*bytes))),
        Change::User { .. }
        | Change::Folder { .. }
        | Change::File { .. }
        | Change::Link { .. }
        | Change::Package { .. }
        | Change::Unit { .. }
        | Change::Firewall { .. }
        | Change::Program { .. }
        | Change::Project { .. }
        | Change::Domain { .. }
        | Change::Port { .. } => (title, item),
    }
}

/// The thing itself, whatever is done with it.
fn plainly(change: &Change) -> (&'static str, String) {
    match change {
        Change::User { name } => ("Users", name.clone()),
        Change::Folder { path } => ("Folders", path.clone()),
        Change::File { path, .. } => ("Files", path.clone()),
        Change::Link { path, to } => ("Links", format!("{path} → {to}")),
        Change::Package { name } => ("Packages", name.clone()),
        Change::Unit { name } => ("Services of ours", name.clone()),
        Change::Service { name, .. } => ("Services of the system", name.clone()),
        Change::Swap { path, .. } => ("Swap", path.clone()),
        Change::Firewall { rule } => ("Firewall", rule.clone()),
        Change::Program { name, version } => ("Programs", format!("{name} {version}")),
        Change::Project { name } => ("Project", name.clone()),
        Change::Domain { name } => ("Domain", name.clone()),
        Change::Port { port } => ("Ports", format!("{port}")),
    }
}

/// One thing by itself: `Files: /etc/x`.
pub fn change(change: &Change) -> String {
    let (kind, item) = plainly(change);
    format!("{kind}: {item}")
}

/// One line over the whole plan.
pub fn summary(plan: &Plan) -> String {
    let count = |wanted: fn(&StepPlan) -> bool| plan.steps.iter().filter(|step| wanted(&step.state)).count();
    let needed = count(|s| matches!(s, StepPlan::Needed { .. }));
    let satisfied = count(|s| matches!(s, StepPlan::Satisfied));
    let blocked = plan.blocked().count();
    let mut parts = vec![if plan.changes() == 0 && blocked == 0 {
        "Nothing is to be changed".to_owned()
    } else {
        let changes = counted(plan.changes() as u64, "change", "changes");
        format!("{changes} in {}", counted(needed as u64, "step", "steps"))
    }];
    if satisfied > 0 {
        parts.push(format!("{satisfied} already as needed"));
    }
    if blocked > 0 {
        parts.push(counted(blocked as u64, "waits for you", "wait for you"));
    }
    parts.join(" · ")
}

/// How long it will take, and how that is known.
pub fn takes(plan: &Plan) -> String {
    match plan.takes {
        Some(seconds) => {
            let span = time::elapsed(seconds.saturating_mul(1000));
            format!("About {span}, by how long each step took the last time.")
        }
        None => "How long it takes is unknown: not every step of it was done from here yet.".to_owned(),
    }
}

/// A step's state: what a style sheet and a test know it by, and the word on its badge.
pub fn state(state: &StepPlan) -> (&'static str, String) {
    match state {
        StepPlan::Satisfied => ("satisfied", "already as needed".to_owned()),
        StepPlan::Needed { changes } => ("needed", counted(changes.len() as u64, "change", "changes")),
        StepPlan::Blocked { .. } => ("blocked", "needs your answer".to_owned()),
        StepPlan::Skipped { .. } => ("skipped", "left out".to_owned()),
    }
}

/// A choice as its button says it, and what it means.
pub fn choice(choice: Choice) -> (&'static str, &'static str) {
    match choice {
        Choice::BehindProxy => (
            "Put Loopwright behind it",
            "Loopwright listens on a port of the server itself only; you point your web server there.",
        ),
        Choice::StopService => {
            ("Stop it", "The service is stopped and turned off. Removing Loopwright turns it on again.")
        }
        Choice::RepairPackages => {
            ("Let it finish", "The package system completes what it was half-way through.")
        }
        Choice::Wait => ("Wait for it", "The set-up goes on by itself as soon as the other program is done."),
        Choice::Skip => ("Leave this step out", "Everything else is set up; this can be done later."),
    }
}

/// A choice's name in test ids.
pub fn slug(choice: Choice) -> &'static str {
    match choice {
        Choice::BehindProxy => "behind-proxy",
        Choice::StopService => "stop-service",
        Choice::RepairPackages => "repair-packages",
        Choice::Wait => "wait",
        Choice::Skip => "skip",
    }
}

/// What the firewall would do, before it is chosen.
pub fn firewall(found: Option<&Found>) -> String {
    let now = match found.map(|found| &found.firewall) {
        Some(Some(name)) => format!(" {name} is on already and keeps its rules; these are added."),
        Some(None) => " There is none on this server now.".to_owned(),
        None => String::new(),
    };
    format!(
        "Admits SSH on the port that you came in by, 80 and 443 from outside, and refuses every other port, also those of programs that are not ours.{now}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::servers::sample;

    #[test]
    fn changes_are_told_by_kind() {
        let plan = sample::plan();
        let all: Vec<Change> = plan.steps.iter().flat_map(|step| step.changes().to_vec()).collect();
        let groups = groups(&all);
        let items = |title: &str| groups.iter().find(|g| g.title == title).unwrap().items.clone();
        assert_eq!(items("Users"), ["loopwright-agent", "loopwright-app"]);
        assert_eq!(items("Swap"), ["/swapfile, 2.0 GiB"]);
        assert_eq!(items("Services of the system"), ["nginx: turned off"]);
        assert!(
            items("Files")
                .contains(&"/etc/apt/apt.conf.d/20auto-upgrades (the one there now is kept)".to_owned())
        );
        let told = |groups: &[Group]| groups.iter().map(|g| g.items.len()).sum::<usize>();
        assert_eq!(told(&groups), all.len(), "every change is told");
        let back = taken(&all);
        assert_eq!(told(&back), all.len());
        let items = |title: &str| back.iter().find(|g| g.title == title).unwrap().items.clone();
        assert_eq!(items("Services of the system"), ["nginx: turned on again"]);
        assert!(items("Files")[0].ends_with("(the one from before is put back)"));
    }

    #[test]
    fn the_plan_is_summed_up_with_what_waits_for_an_answer() {
        let mut plan = sample::plan();
        assert_eq!(summary(&plan), "9 changes in 5 steps · 1 already as needed · 1 waits for you");
        assert_eq!(takes(&plan), "About 1 min 35 s, by how long each step took the last time.");
        plan.takes = None;
        assert!(takes(&plan).contains("unknown"));
        plan.steps.retain(|step| step.state == StepPlan::Satisfied);
        assert_eq!(summary(&plan), "Nothing is to be changed · 1 already as needed");
    }

    #[test]
    fn every_choice_has_words_of_its_own() {
        let all =
            [Choice::BehindProxy, Choice::StopService, Choice::RepairPackages, Choice::Wait, Choice::Skip];
        let mut labels: Vec<&str> = all.iter().map(|c| choice(*c).0).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), all.len());
        let mut slugs = all.map(slug).to_vec();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), all.len());
    }

    #[test]
    fn the_firewall_says_that_the_way_in_stays_open() {
        let mut found = sample::found();
        assert!(firewall(Some(&found)).contains("SSH on the port that you came in by, 80 and 443"));
        assert!(firewall(Some(&found)).ends_with("There is none on this server now."));
        found.firewall = Some("ufw".into());
        assert!(firewall(Some(&found)).contains("ufw is on already"));
    }
}
