//! The user's own prices in the place of the shipped list, wherever a cost is shown.

use protocol::price::{OwnPrices, cost_with, total};
use protocol::view::{DeploymentRow, RequestView};

pub fn of_view(own: &OwnPrices, view: &mut RequestView) {
    if own.is_empty() {
        return;
    }
    for attempt in &mut view.attempts {
        if let Some(end) = &attempt.finished {
            attempt.cost = cost_with(own, &end.usage, end.model.as_deref(), attempt.cost.paid);
        }
    }
    view.deployment.iter_mut().for_each(|row| of_row(own, row));
}

pub fn of_row(own: &OwnPrices, row: &mut DeploymentRow) {
    if own.is_empty() {
        return;
    }
    let paid = row.cost.paid;
    row.cost = if row.by_agent.is_empty() {
        cost_with(own, &row.usage, row.model.as_deref(), paid)
    } else {
        let each = row.by_agent.iter().map(|by| cost_with(own, &by.usage, by.model.as_deref(), None));
        total(each, paid)
    };
}
