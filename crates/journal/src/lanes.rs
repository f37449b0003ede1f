//! One stage of several tasks at once, joined into the one view of it that the user sees.

use protocol::At;
use protocol::view::{Stage, StageView};

/// What one lane (a task, or one agent's part in a race) is and did, stage by stage.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// Empty for what is about the request as a whole.
    pub label: String,
    cells: [Cell; 7],
}

#[derive(Debug, Clone, Default)]
struct Cell {
    started: Option<At>,
    ended: Option<At>,
    says: String,
    stumbled: bool,
}

impl Lane {
    pub fn new(label: String) -> Self {
        Self { label, cells: Default::default() }
    }

    fn cell(&mut self, stage: Stage) -> Option<&mut Cell> {
        self.cells.get_mut(place(stage))
    }

    pub fn say(&mut self, stage: Stage, says: String) {
        if let Some(cell) = self.cell(stage) {
            cell.says = says;
        }
    }

    pub fn has_begun(&self, stage: Stage) -> bool {
        self.cells.get(place(stage)).is_some_and(|cell| cell.started.is_some())
    }

    /// The stage begins, or goes on.
    pub fn enter(&mut self, stage: Stage, at: At, says: String) {
        if let Some(cell) = self.cell(stage) {
            cell.started = cell.started.or(Some(at));
            cell.ended = None;
            cell.says = says;
        }
    }

    /// The stage is over.
    pub fn pass(&mut self, stage: Stage, at: At, says: String) {
        if let Some(cell) = self.cell(stage) {
            cell.started = cell.started.or(Some(at));
            cell.ended = Some(at);
            cell.says = says;
        }
    }

    pub fn stumble(&mut self, stage: Stage, at: At, says: String) {
        self.pass(stage, at, says);
        if let Some(cell) = self.cell(stage) {
            cell.stumbled = true;
        }
    }

    /// Ends whatever goes on.
    pub fn end(&mut self, at: At) {
        for cell in self.cells.iter_mut().filter(|cell| cell.started.is_some()) {
            cell.ended = cell.ended.or(Some(at));
        }
    }
}

fn place(stage: Stage) -> usize {
    Stage::ALL.iter().position(|known| *known == stage).unwrap_or(0)
}

/// The seven stages of all lanes together: begun with the first of them, over with the last.
pub(crate) fn join<'a>(lanes: impl Iterator<Item = &'a Lane> + Clone) -> Vec<StageView> {
    let named = lanes.clone().filter(|lane| !lane.label.is_empty()).count() > 1;
    let view = |stage: Stage| {
        let cells = lanes.clone().filter_map(|lane| Some((lane, lane.cells.get(place(stage))?)));
        let begun: Vec<_> = cells.filter(|(_, cell)| cell.started.is_some()).collect();
        let says = begun.iter().filter(|(_, cell)| !cell.says.is_empty()).map(|(lane, cell)| {
            if named && !lane.label.is_empty() {
                format!("{}: {}", lane.label, cell.says)
            } else {
                cell.says.clone()
            }
        });
        let goes_on = begun.iter().any(|(_, cell)| cell.ended.is_none());
        StageView {
            stage,
            started: begun.iter().filter_map(|(_, cell)| cell.started).min(),
            ended: begun.iter().filter_map(|(_, cell)| cell.ended).max().filter(|_| !goes_on),
            says: says.collect::<Vec<_>>().join("; "),
            stumbled: begun.iter().any(|(_, cell)| cell.stumbled),
        }
    };
    Stage::ALL.into_iter().map(view).collect()
}
