//! A button that asks once more before it does something that cannot be taken back.

use crate::app::{RwSignal, effect};
use crate::parts::plain::click;
use leptos::prelude::*;

#[component]
pub fn Confirm(
    #[prop(into)] label: String,
    #[prop(into)] question: String,
    #[prop(optional, into)] testid: String,
    #[prop(optional)] danger: bool,
    act: Callback<()>,
) -> impl IntoView {
    let asked = RwSignal::new(false);
    let class = if danger { "danger" } else { "" };
    let testid = StoredValue::new(testid);
    let yes = NodeRef::<leptos::html::Button>::new();
    effect(move || {
        if asked.get()
            && let Some(button) = yes.get()
        {
            let _ = button.focus();
        }
    });
    view! {
        <span class="confirm">
            {move || {
                if asked.get() {
                    view! {
                        <span class="confirm-ask" role="group" aria-label=question.clone()>
                            <span>{question.clone()}</span>
                            <button
                                class="small-button danger"
                                node_ref=yes
                                data-testid=format!("{}-yes", testid.get_value())
                                on:click=click(move |e| {
                                    e.stop_propagation();
                                    asked.set(false);
                                    act.run(());
                                })
                            >
                                "Yes"
                            </button>
                            <button class="small-button" on:click=click(move |e| { e.stop_propagation(); asked.set(false) })>"No"</button>
                        </span>
                    }
                    .into_any()
                } else {
                    view! {
                        <button
                            class=format!("small-button {class}")
                            data-testid=testid.get_value()
                            on:click=click(move |e| { e.stop_propagation(); asked.set(true) })
                        >
                            {label.clone()}
                        </button>
                    }
                    .into_any()
                }
            }}
        </span>
    }
}
