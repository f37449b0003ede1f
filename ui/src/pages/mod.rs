//! The pages. Each one reads what it shows through [`crate::app::read`] and knows nothing of the transport.

mod agents;
mod bridges;
mod deployments;
mod doctor;
mod home;
mod instructions;
mod memory;
#[cfg(feature = "desktop")]
mod servers;
mod steps;

use crate::words::route::View;
use leptos::prelude::*;

pub fn page(view: View) -> AnyView {
    match view {
        View::Home => view! { <home::Home/> }.into_any(),
        View::Deployments => view! { <deployments::Deployments/> }.into_any(),
        View::Steps => view! { <steps::Steps/> }.into_any(),
        View::Memory => view! { <memory::Memory/> }.into_any(),
        View::Agents => view! { <agents::Agents/> }.into_any(),
        View::Bridges => view! { <bridges::Bridges/> }.into_any(),
        View::Instructions => view! { <instructions::Instructions/> }.into_any(),
        View::Doctor => view! { <doctor::Doctor/> }.into_any(),
        #[cfg(feature = "desktop")]
        View::Servers => view! { <servers::Servers/> }.into_any(),
    }
}
