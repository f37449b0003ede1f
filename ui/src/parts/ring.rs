//! The loop as a picture: seven points on a ring, what is in the middle is what happens now.

use crate::app::{Memo, Views};
use crate::words::stages::{self, Mark, Point};
use leptos::prelude::*;
use protocol::view::Stage;

const CENTRE: Point = Point { x: 230.0, y: 172.0 };
const RADIUS: f64 = 118.0;

/// What the ring shows of each stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    pub mark: Mark,
    pub stumbled: bool,
}

pub const IDLE: [Spot; 7] = [Spot { mark: Mark::Idle, stumbled: false }; 7];

#[component]
pub fn Ring(spots: Memo<[Spot; 7]>, headline: Memo<String>, below: Memo<String>) -> impl IntoView {
    view! {
        <svg class="ring" viewBox="-30 4 520 318" role="img" aria-label=move || aria(&spots.get())>
            {(0..7).map(|i| view! {
                <path class="arc" d=stages::arc(RADIUS, CENTRE) transform=stages::turn(i, CENTRE) data-state=move || arc_state(&spots.get(), i)/>
            }).views()}
            {Stage::ALL.into_iter().enumerate().map(|(i, stage)| point(i, stage, spots)).views()}
            <text class="ring-head" x=stages::tenths(CENTRE.x) y=stages::tenths(CENTRE.y - 4.0) text-anchor="middle">{move || headline.get()}</text>
            <text class="ring-below" x=stages::tenths(CENTRE.x) y=stages::tenths(CENTRE.y + 20.0) text-anchor="middle">{move || below.get()}</text>
        </svg>
    }
}

/// The arc after a stage is drawn once the next one was reached; the last one closes the loop.
fn arc_state(spots: &[Spot; 7], index: usize) -> &'static str {
    let (here, next) = (spots[index].mark, spots[(index + 1) % 7].mark);
    match (here, next, index) {
        (Mark::Done, _, 6) => "done",
        (_, _, 6) | (_, Mark::Idle, _) => "idle",
        (_, Mark::Active, _) => "active",
        _ => "done",
    }
}

fn aria(spots: &[Spot; 7]) -> String {
    let parts: Vec<String> = Stage::ALL
        .iter()
        .zip(spots)
        .map(|(stage, spot)| format!("{}: {}", stage.title(), spot.mark.word()))
        .collect();
    format!("The loop. {}", parts.join(", "))
}

fn point(i: usize, stage: Stage, spots: Memo<[Spot; 7]>) -> impl IntoView {
    let at = stages::on_ring(i, RADIUS, CENTRE);
    let outside = stages::on_ring(i, RADIUS + 30.0, CENTRE);
    let anchor = match outside.x - CENTRE.x {
        x if x > 12.0 => "start",
        x if x < -12.0 => "end",
        _ => "middle",
    };
    let spot = move || spots.get()[i];
    view! {
        <g
            class="point"
            data-testid=format!("stage-{}", stages::slug(stage))
            data-state=move || spot().mark.word()
            data-stumbled=move || spot().stumbled.to_string()
        >
            <circle class="halo" cx=stages::tenths(at.x) cy=stages::tenths(at.y) r="22"></circle>
            <circle class="disc" cx=stages::tenths(at.x) cy=stages::tenths(at.y) r="17"></circle>
            <text class="glyph" x=stages::tenths(at.x) y=stages::tenths(at.y + 5.0) text-anchor="middle">
                {move || match spot().mark {
                    Mark::Done => "✓".to_owned(),
                    Mark::Failed => "✕".to_owned(),
                    Mark::Idle | Mark::Active => (i + 1).to_string(),
                }}
            </text>
            <text class="point-label" x=stages::tenths(outside.x) y=stages::tenths(outside.y + 4.0) text-anchor=anchor>{stages::label(stage)}</text>
            <Show when=move || spot().stumbled>
                <circle class="stumble" cx=stages::tenths(at.x + 13.0) cy=stages::tenths(at.y - 13.0) r="7.5"></circle>
                <text class="stumble-mark" x=stages::tenths(at.x + 13.0) y=stages::tenths(at.y - 9.0) text-anchor="middle">"!"</text>
            </Show>
        </g>
    }
}
