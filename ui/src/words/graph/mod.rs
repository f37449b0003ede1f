//! The graph as it is drawn: which entities are there, where they stand and who is near whom. Pure figures; the canvas is
//! the page's.

pub mod camera;
pub mod labels;
pub mod path;
pub mod ring;
pub mod settle;
pub mod shapes;

use protocol::view::GraphView;

/// The kinds that memory itself knows, and one for every word of a reader's own. Colour and shape go by the place here.
pub const KINDS: [&str; 11] =
    ["file", "symbol", "package", "route", "env", "commit", "url", "error", "term", "name", "other"];

pub fn kind_of(word: &str) -> u8 {
    let at = KINDS.iter().position(|kind| *kind == word).unwrap_or(KINDS.len() - 1);
    u8::try_from(at).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    pub fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }
    pub fn plus(self, other: Point) -> Point {
        Point::new(self.x + other.x, self.y + other.y)
    }
    pub fn minus(self, other: Point) -> Point {
        Point::new(self.x - other.x, self.y - other.y)
    }
    pub fn times(self, by: f32) -> Point {
        Point::new(self.x * by, self.y * by)
    }
    pub fn length(self) -> f32 {
        (self.x * self.x + self.y * self.y).sqrt()
    }
}

/// A point on the circle, by turns. Close enough for a layout, and a hundredth of the code of the exact functions.
pub fn circle(turns: f32) -> Point {
    fn sine(turns: f32) -> f32 {
        let t = (turns - turns.floor()) * 2.0 - 1.0;
        let y = 4.0 * t * (t.abs() - 1.0);
        y * (0.775 + 0.225 * y.abs())
    }
    Point::new(sine(turns + 0.25), sine(turns))
}

/// The angle, in turns, at which each next seed of a sunflower stands.
const GOLDEN: f32 = 0.381_966;

/// The `n`th place around a middle, each with about the same room.
pub fn sunflower(n: usize, gap: f32) -> Point {
    circle(n as f32 * GOLDEN).times(gap * (n as f32 + 0.5).sqrt())
}

/// One entity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spot {
    pub name: String,
    pub kind: u8,
    /// The kind's word, where it is a reader's own.
    pub word: String,
    pub degree: u32,
    pub notes: u32,
    pub at: Point,
    /// Where it goes to.
    pub to: Point,
}

impl Spot {
    /// Its size on the screen at a zoom of 1.
    pub fn radius(&self) -> f32 {
        (3.0 + (self.degree as f32).sqrt()).min(11.0)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    pub a: u32,
    pub b: u32,
    pub kind: String,
    pub weight: f64,
}

impl Line {
    pub fn other(&self, one: u32) -> u32 {
        if self.a == one { self.b } else { self.a }
    }
}

/// By the first of each pair, then by the second. All sorting of a graph is of this one type.
pub fn sorted(mut pairs: Vec<(u64, u32)>) -> Vec<u32> {
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, i)| i).collect()
}

/// A number that stands for a name; two names may have the same (FNV-1a).
fn mark(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[derive(Debug, Default)]
pub struct Space {
    pub spots: Vec<Spot>,
    pub lines: Vec<Line>,
    /// Of each spot, its lines.
    near: Vec<Vec<u32>>,
    /// The spots by their names' marks, to be found by name.
    names: Vec<(u64, u32)>,
}

impl Space {
    /// What is shown now. Whoever was there before stays where it stood; the new ones start at a neighbour.
    pub fn of(view: GraphView, before: &Space) -> Space {
        let mut space = Space::default();
        space.add(view, before);
        space
    }

    /// As [`Space::of`], but all that was there stays.
    pub fn add(&mut self, view: GraphView, before: &Space) {
        let mut places = Vec::with_capacity(view.nodes.len());
        let mut fresh = Vec::new();
        for node in view.nodes {
            if let Some(known) = self.find(&node.name) {
                places.push(known);
                continue;
            }
            let at = before.find(&node.name).map(|i| before.spot(i).at);
            let place = self.spots.len() as u32;
            if at.is_none() {
                fresh.push(place);
            }
            places.push(place);
            let at = at.unwrap_or_default();
            let (degree, notes) = (node.degree, node.notes);
            let kind = kind_of(&node.kind);
            self.spots.push(Spot { name: node.name, kind, word: node.kind, degree, notes, at, to: at });
        }
        for edge in view.edges {
            let end = |i: u32| places.get(i as usize).copied();
            let (Some(a), Some(b)) = (end(edge.a), end(edge.b)) else { continue };
            let same =
                |i: &u32| self.lines.get(*i as usize).is_some_and(|l| l.other(a) == b && l.kind == edge.kind);
            if a != b && !self.near(a).iter().any(same) {
                self.lines.push(Line { a, b, kind: edge.kind, weight: edge.weight });
            }
        }
        self.order();
        for place in fresh {
            let known = |i: &u32| self.spots.get(*i as usize).filter(|s| s.at != Point::default());
            let start = self.neighbours(place).iter().find_map(known).map(|s| s.at).unwrap_or_default();
            let start = start.plus(sunflower(place as usize % 64, 6.0));
            if let Some(spot) = self.spots.get_mut(place as usize) {
                (spot.at, spot.to) = (start, start);
            }
        }
    }

    fn order(&mut self) {
        self.near = vec![Vec::new(); self.spots.len()];
        for (i, line) in self.lines.iter().enumerate() {
            for end in [line.a, line.b] {
                if let Some(lines) = self.near.get_mut(end as usize) {
                    lines.push(i as u32);
                }
            }
        }
        self.names = self.spots.iter().zip(0..).map(|(spot, i)| (mark(&spot.name), i)).collect();
        self.names.sort_unstable();
    }

    pub fn find(&self, name: &str) -> Option<u32> {
        let mark = mark(name);
        let from = self.names.partition_point(|(other, _)| *other < mark);
        let alike = self.names.get(from..)?.iter().take_while(|(other, _)| *other == mark);
        alike.map(|(_, i)| *i).find(|i| self.spot(*i).name == name)
    }

    pub fn spot(&self, i: u32) -> &Spot {
        static NOBODY: Spot = Spot {
            name: String::new(),
            kind: 0,
            word: String::new(),
            degree: 0,
            notes: 0,
            at: Point { x: 0.0, y: 0.0 },
            to: Point { x: 0.0, y: 0.0 },
        };
        self.spots.get(i as usize).unwrap_or(&NOBODY)
    }

    /// The lines of a spot, by their place.
    pub fn near(&self, i: u32) -> &[u32] {
        self.near.get(i as usize).map_or(&[], Vec::as_slice)
    }

    pub fn neighbours(&self, i: u32) -> Vec<u32> {
        self.near(i).iter().filter_map(|l| self.lines.get(*l as usize)).map(|l| l.other(i)).collect()
    }

    /// Those with the most relations first.
    pub fn by_degree(&self) -> Vec<u32> {
        sorted(self.spots.iter().zip(0..).map(|(spot, i)| (u64::MAX - u64::from(spot.degree), i)).collect())
    }

    /// The spot under a point of the drawing, if one is not further away than `reach`. A look at all of them: at 5,000 it
    /// takes less than a tenth of a millisecond, and nothing has to be kept in step while they move.
    pub fn under(&self, point: Point, reach: f32) -> Option<u32> {
        let mut best = (reach, None);
        for (i, spot) in self.spots.iter().enumerate() {
            let far = spot.at.minus(point);
            if far.x.abs() < best.0 && far.y.abs() < best.0 && far.length() < best.0 {
                best = (far.length(), Some(i as u32));
            }
        }
        best.1
    }

    /// Moves everything by a part of its way; true once all are there.
    pub fn walk(&mut self, part: f32) -> bool {
        let mut there = true;
        for spot in &mut self.spots {
            let way = spot.to.minus(spot.at);
            if way.length() < 0.5 {
                spot.at = spot.to;
            } else {
                spot.at = spot.at.plus(way.times(part));
                there = false;
            }
        }
        there
    }

    pub fn arrive(&mut self) {
        for spot in &mut self.spots {
            spot.at = spot.to;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::words::memory::sample::node;
    use protocol::view::GraphEdge;

    pub fn edge(a: u32, b: u32) -> GraphEdge {
        GraphEdge { a, b, kind: "with".into(), weight: 1.0 }
    }

    /// `hubs` with as many leaves each, the hubs in a row.
    pub fn stars(hubs: u32, leaves: u32) -> GraphView {
        let mut view = GraphView::default();
        for hub in 0..hubs {
            view.nodes.push(node(&format!("hub{hub}"), "package", leaves));
            if hub > 0 {
                view.edges.push(edge(hub - 1, hub));
            }
        }
        for leaf in 0..hubs * leaves {
            view.nodes.push(node(&format!("leaf{leaf}"), "file", 1));
            view.edges.push(edge(leaf % hubs, hubs + leaf));
        }
        view.of = view.nodes.len() as u64;
        view
    }

    #[test]
    fn a_circle_is_round() {
        for i in 0..100 {
            let at = circle(i as f32 / 50.0 - 1.0);
            assert!((at.length() - 1.0).abs() < 0.01, "{i} {at:?}");
        }
        assert!((circle(0.25).y - 1.0).abs() < 0.01 && circle(0.0).x > 0.99);
    }

    #[test]
    fn what_was_there_stays_where_it_stood_and_what_is_new_begins_beside_it() {
        let mut first = Space::of(stars(2, 3), &Space::default());
        for (i, spot) in first.spots.iter_mut().enumerate() {
            spot.at = Point::new(1000.0 + i as f32, 5.0);
        }
        let mut view = stars(2, 3);
        view.nodes.push(node("new", "term", 1));
        view.edges.push(edge(0, 8));
        let second = Space::of(view, &first);
        assert_eq!(second.spot(1).at, Point::new(1001.0, 5.0));
        let new = second.find("new").unwrap();
        assert!(second.spot(new).at.minus(Point::new(1000.0, 5.0)).length() < 100.0);
        assert_eq!(second.neighbours(new), [0]);
    }

    #[test]
    fn adding_the_same_again_changes_nothing() {
        let mut space = Space::of(stars(2, 3), &Space::default());
        space.add(stars(2, 3), &Space::default());
        assert_eq!((space.spots.len(), space.lines.len()), (8, 7));
    }

    #[test]
    fn an_edge_to_nowhere_is_left_out() {
        let mut view = stars(1, 2);
        view.edges.push(edge(0, 77));
        view.edges.push(edge(1, 1));
        assert_eq!(Space::of(view, &Space::default()).lines.len(), 2);
    }

    #[test]
    fn the_nearest_one_is_under_the_pointer() {
        let mut space = Space::of(stars(1, 3), &Space::default());
        for (i, spot) in space.spots.iter_mut().enumerate() {
            spot.at = Point::new(i as f32 * 10.0, 0.0);
        }
        assert_eq!(space.under(Point::new(19.0, 1.0), 8.0), Some(2));
        assert_eq!(space.under(Point::new(200.0, 1.0), 8.0), None);
    }
}
