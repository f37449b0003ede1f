//! Who pays for an agent's turns, and by what it was given: never the key itself.

use super::card::sign_in_at;
use crate::app::App;
use crate::parts::confirm::Confirm;
use crate::parts::plain;
use crate::parts::time::ago;
use crate::words::agents;
use leptos::prelude::*;
use protocol::Request;
use protocol::fact::Readiness;
use protocol::view::{AgentNow, AgentRow, Proven, Rung};

pub fn account(app: App, row: &AgentRow, now: &AgentNow) -> AnyView {
    if now.ways.is_empty() {
        return ().into_any();
    }
    let account = &now.account;
    let paid = account.paid.map_or("not known", agents::paid);
    let way = account
        .way
        .as_ref()
        .map(|way| now.ways.iter().find(|w| &w.way == way).map_or_else(|| way.clone(), |w| w.title.clone()));
    let set = account.set.map(|at| view! { ", set "{ago(app, at)} });
    let given = way.map(|way| plain::fact("Given by", view! { {way}{set} }.into_any()));
    let shown = account.fields.iter().map(|(name, value)| {
        let title =
            now.ways.iter().flat_map(|w| &w.fields).find(|f| &f.name == name).map(|f| f.title.clone());
        plain::fact(title.unwrap_or_else(|| name.clone()), plain::span("code", value.clone()))
    });
    let shown: Vec<AnyView> = shown.collect();
    view! {
        {plain::fact("Paid by", plain::span("", paid))}
        {given}
        {shown}
        {actions(app, row, now)}
    }
    .into_any()
}

fn actions(app: App, row: &AgentRow, now: &AgentNow) -> AnyView {
    let there = now.ladder.iter().any(|r| r.rung == Rung::Credentials && r.proven == Proven::Yes);
    let there = there || now.account.set.is_some();
    // Where signing in is what is to be done, the button for it stands above.
    let offered = agents::wants_sign_in(&row.readiness) || matches!(row.readiness, Readiness::Missing { .. });
    if offered && !there {
        return ().into_any();
    }
    let again =
        (!offered).then(|| plain::link("Change account", sign_in_at(&row.agent), "small", "change-account"));
    let agent = row.agent.clone();
    let out = Callback::new(move |()| {
        app.act(Request::SignOut { agent: agent.clone() }, "Signed out.", |_| {});
    });
    let out = there.then(
        || view! { <Confirm label="Sign out" question="Sign this agent out?" testid="sign-out" act=out/> },
    );
    plain::fact("Account", view! { <span class="actions">{again}{out}</span> }.into_any())
}
