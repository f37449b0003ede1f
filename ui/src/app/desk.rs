//! What the window knows of the desktop program: the workspaces, and what it told by itself. The program's events are
//! heard once for the whole window; what is shown is always asked for.

use super::App;
use super::kept::RwSignal;
use super::reading::{Load, asked};
use crate::backend::desk;
use protocol::desk::{DeskAnswer, DeskEvent, DeskRequest, Place, PlaceRow};

/// Something that was asked of the desktop program.
pub type Got = Load<DeskAnswer>;

#[derive(Clone, Copy)]
pub struct Desk {
    pub places: RwSignal<Got>,
    /// Whose set-up went on, and to which number.
    pub setup: RwSignal<(Place, u64)>,
    /// Which meeting stands elsewhere now.
    pub meeting: RwSignal<String>,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            places: RwSignal::new(Got::Loading),
            setup: RwSignal::new((Place::new(), 0)),
            meeting: RwSignal::new(String::new()),
        }
    }

    /// Called once, when the window is there.
    pub fn listen(self) {
        if !desk::there() {
            return;
        }
        // It is heard for as long as the window is there.
        drop(desk::on_desk(move |event| self.hear(event)));
        self.look();
    }

    fn hear(self, event: DeskEvent) {
        match event {
            DeskEvent::Places => self.look(),
            DeskEvent::Link { place, link } => self.change(&place, |row| row.link = link.clone()),
            DeskEvent::Head { place, head } => self.change(&place, |row| {
                row.mirror.head = head;
                row.mirror.at = Some(super::state::clock());
            }),
            DeskEvent::Setup { place, seq } => {
                let _ = self.setup.try_set((place, seq));
                self.look();
            }
            DeskEvent::Meeting { id } => {
                let _ = self.meeting.try_set(id);
            }
            DeskEvent::Open { .. } => {}
        }
    }

    fn change(self, place: &str, change: impl Fn(&mut PlaceRow)) {
        let _ = self.places.try_update(|got| {
            if let Got::Ready(DeskAnswer::Places { places }) = got {
                places.iter_mut().filter(|row| row.place == place).for_each(change);
            }
        });
    }

    /// Reads the list anew.
    pub fn look(self) {
        leptos::task::spawn_local(async move {
            let got = desk::desk(DeskRequest::Places).await.map_or_else(Got::Failed, Got::Ready);
            let _ = self.places.try_set(got);
        });
    }

    pub fn rows(self) -> Vec<PlaceRow> {
        self.places.look(|got| match got {
            Got::Ready(DeskAnswer::Places { places }) => places.clone(),
            _ => Vec::new(),
        })
    }

    pub fn row(self, place: &str) -> Option<PlaceRow> {
        self.places.look(|got| match got {
            Got::Ready(DeskAnswer::Places { places }) => {
                places.iter().find(|row| row.place == place).cloned()
            }
            _ => None,
        })
    }
}

/// Asks whenever `make` changes its mind or one of its signals moves; `None` asks nothing.
pub fn ask(app: App, make: impl Fn() -> Option<DeskRequest> + 'static) -> RwSignal<Got> {
    asked(app, Box::new(make), desk::desk)
}

/// Does something; a refusal is shown as a remark, `then` runs when it worked.
pub fn tell(app: App, request: DeskRequest, then: impl FnOnce(DeskAnswer) + 'static) {
    let then: Box<dyn FnOnce(DeskAnswer)> = Box::new(then);
    leptos::task::spawn_local(async move {
        match desk::desk(request).await {
            Ok(answer) => then(answer),
            Err(refused) => app.warn(&refused),
        }
    });
}
