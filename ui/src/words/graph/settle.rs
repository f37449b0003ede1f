//! A layout by forces: everybody pushes everybody away, relations pull. It begins at a seed that has the hubs spread out
//! and everybody else around a hub, so that few rounds are enough; a round at 5,000 is a few milliseconds, and rounds can
//! be done between frames. Far groups push as one (Barnes and Hut). The same graph gives the same picture.

use super::{Point, Space, sunflower};

/// Room that an entity has to itself.
const GAP: f32 = 34.0;
/// A group that is seen under a smaller angle than this pushes as one.
const FAR: f32 = 0.9;

/// The pull to the middle, for each entity.
const PULL: f32 = 0.000_18;

#[derive(Debug)]
pub struct Settle {
    at: Vec<Point>,
    mass: Vec<f32>,
    heat: f32,
    rounds: u32,
    done: u32,
}

impl Settle {
    /// `warm`: everybody begins where it stands.
    pub fn begin(space: &Space, warm: bool) -> Self {
        let at = if warm { space.spots.iter().map(|s| s.at).collect() } else { seed(space) };
        let mass = (0..space.spots.len() as u32).map(|i| 1.0 + (space.near(i).len() as f32).min(60.0) / 3.0);
        let rounds = if space.spots.len() > 600 { 120 } else { 240 };
        Self { at, mass: mass.collect(), heat: GAP * 2.0, rounds, done: 0 }
    }

    pub fn is_done(&self) -> bool {
        self.done >= self.rounds
    }

    /// Per cent.
    pub fn progress(&self) -> u32 {
        self.done * 100 / self.rounds.max(1)
    }

    pub fn round(&mut self, space: &Space) {
        let tree = Tree::of(&self.at, &self.mass);
        // A pull to the middle holds together what no relation does: the more push, the more it takes.
        let middle = (self.at.len() as f32 * PULL).max(0.06);
        let mut push: Vec<Point> = Vec::with_capacity(self.at.len());
        for (at, mass) in self.at.iter().zip(&self.mass) {
            push.push(tree.push(*at).times(GAP * GAP * mass).minus(at.times(middle * mass)));
        }
        for line in &space.lines {
            let (a, b) = (line.a as usize, line.b as usize);
            let (Some(from), Some(to)) = (self.at.get(a), self.at.get(b)) else { continue };
            let way = to.minus(*from);
            let pull = way.times(way.length() / GAP * 0.7);
            let light = |i: usize| 1.0 / self.mass.get(i).copied().unwrap_or(1.0).sqrt();
            let both = light(a).min(light(b));
            for (end, sign) in [(a, both), (b, -both)] {
                if let Some(push) = push.get_mut(end) {
                    *push = push.plus(pull.times(sign));
                }
            }
        }
        for (at, push) in self.at.iter_mut().zip(push) {
            let long = push.length();
            if long > 0.001 {
                *at = at.plus(push.times(self.heat.min(long * 0.1) / long));
            }
        }
        self.done += 1;
        self.heat = GAP * 2.0 * (1.0 - self.done as f32 / self.rounds as f32) + 0.4;
    }

    /// Tells everybody where it goes.
    pub fn hand_over(&self, space: &mut Space) {
        for (spot, at) in space.spots.iter_mut().zip(&self.at) {
            spot.to = *at;
        }
    }
}

/// Hubs over the whole plane, everybody else around the neighbour that was there first.
fn seed(space: &Space) -> Vec<Point> {
    let count = space.spots.len();
    let mut at = vec![None; count];
    let mut children = vec![0usize; count];
    let hubs = (count as f32).sqrt().ceil() as usize;
    let apart = GAP * (count as f32 / hubs.max(1) as f32).sqrt() * 1.5;
    let order = space.by_degree();
    let mut placed = 0;
    let mut next = Vec::new();
    let mut gathered = 0;
    for hub in order.iter().take(hubs).chain(&order) {
        let Some(place @ None) = at.get_mut(*hub as usize) else { continue };
        *place = Some(sunflower(placed, apart));
        placed += 1;
        next.push(*hub);
        // The first hubs are all placed before the first of them gathers its own.
        if placed < hubs {
            continue;
        }
        while let Some(here) = next.get(gathered).copied() {
            gathered += 1;
            let middle = at.get(here as usize).copied().flatten().unwrap_or_default();
            for other in space.neighbours(here) {
                let Some(place @ None) = at.get_mut(other as usize) else { continue };
                let nth = children.get_mut(here as usize).map_or(0, |n| std::mem::replace(n, *n + 1));
                *place = Some(middle.plus(sunflower(nth + 1, GAP * 0.8)));
                next.push(other);
            }
        }
    }
    at.into_iter().map(Option::unwrap_or_default).collect()
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// Sum of the masses in it, and of their places by mass.
    mass: f32,
    sum: Point,
    /// The first of its four parts; 0: it has none.
    parts: u32,
}

/// A square cut into four, as often as there is more than one in it.
struct Tree {
    cells: Vec<Cell>,
    middle: Point,
    half: f32,
}

const DEEPEST: u32 = 18;

impl Tree {
    fn of(at: &[Point], mass: &[f32]) -> Tree {
        let half = at.iter().fold(1.0f32, |far, p| far.max(p.x.abs()).max(p.y.abs()));
        let cells = Vec::with_capacity(at.len() * 3);
        let mut tree = Tree { cells, middle: Point::default(), half };
        tree.cells.push(Cell::default());
        for (at, mass) in at.iter().zip(mass) {
            tree.put(*at, *mass);
        }
        tree
    }

    fn put(&mut self, at: Point, mass: f32) {
        let (mut here, mut middle, mut half) = (0usize, self.middle, self.half);
        for depth in 0..DEEPEST {
            let fresh = self.cells.len() as u32;
            let Some(cell) = self.cells.get_mut(here) else { return };
            let before = *cell;
            cell.mass += mass;
            cell.sum = cell.sum.plus(at.times(mass));
            if before.mass == 0.0 || depth + 1 == DEEPEST {
                return;
            }
            half /= 2.0;
            if before.parts == 0 {
                // Whoever was alone here moves one down.
                cell.parts = fresh;
                self.cells.extend([Cell::default(); 4]);
                let alone = before.sum.times(1.0 / before.mass);
                let (part, _) = quarter(alone, middle, half);
                if let Some(part) = self.cells.get_mut(fresh as usize + part) {
                    (part.mass, part.sum) = (before.mass, before.sum);
                }
            }
            let parts = if before.parts == 0 { fresh } else { before.parts };
            let (part, inner) = quarter(at, middle, half);
            (here, middle) = (parts as usize + part, inner);
        }
    }

    /// What all others do to somebody here, for a mass of 1 and a gap of 1.
    fn push(&self, at: Point) -> Point {
        let mut push = Point::default();
        let mut open = [(0u32, 0.0f32); 4 * DEEPEST as usize];
        let mut count = 1;
        open[0] = (0, self.half * 2.0);
        while count > 0 {
            count -= 1;
            let (here, wide) = open.get(count).copied().unwrap_or_default();
            let Some(cell) = self.cells.get(here as usize).filter(|c| c.mass > 0.0) else { continue };
            let way = at.minus(cell.sum.times(1.0 / cell.mass));
            let far = way.x * way.x + way.y * way.y;
            if cell.parts == 0 || wide * wide < FAR * FAR * far {
                if far > 0.0001 {
                    push = push.plus(way.times(cell.mass / far.max(16.0)));
                }
                continue;
            }
            for part in 0..4 {
                if let Some(slot) = open.get_mut(count) {
                    *slot = (cell.parts + part, wide / 2.0);
                    count += 1;
                }
            }
        }
        push
    }
}

fn quarter(at: Point, middle: Point, half: f32) -> (usize, Point) {
    let (right, low) = (at.x >= middle.x, at.y >= middle.y);
    let side = |yes: bool| if yes { half } else { -half };
    (usize::from(right) + 2 * usize::from(low), middle.plus(Point::new(side(right), side(low))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::stars;
    use super::*;

    fn settled(hubs: u32, leaves: u32) -> Space {
        let mut space = Space::of(stars(hubs, leaves), &Space::default());
        let mut settle = Settle::begin(&space, false);
        while !settle.is_done() {
            settle.round(&space);
        }
        settle.hand_over(&mut space);
        space.arrive();
        space
    }

    #[test]
    fn the_same_graph_gives_the_same_picture() {
        let (one, other) = (settled(5, 10), settled(5, 10));
        assert_eq!(one.spots, other.spots);
        assert!(one.spots.iter().all(|s| s.at.x.is_finite() && s.at.y.is_finite()));
    }

    #[test]
    fn what_is_related_stands_closer_than_what_is_not() {
        let space = settled(6, 12);
        let mean = |pairs: &mut dyn Iterator<Item = (u32, u32)>| {
            let all: Vec<f32> =
                pairs.map(|(a, b)| space.spot(a).at.minus(space.spot(b).at).length()).collect();
            all.iter().sum::<f32>() / all.len() as f32
        };
        let near = mean(&mut space.lines.iter().map(|l| (l.a, l.b)));
        let any = mean(&mut (0..77u32).map(|i| (i, (i + 41) % 78)));
        assert!(near * 2.0 < any, "{near} {any}");
    }

    #[test]
    fn nobody_stands_on_another() {
        let space = settled(4, 15);
        for (i, one) in space.spots.iter().enumerate() {
            for other in space.spots.iter().skip(i + 1) {
                assert!(one.at.minus(other.at).length() > 4.0, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_group_far_away_pushes_like_its_members() {
        let mut at: Vec<Point> = (0..50).map(|i| Point::new(1000.0 + i as f32 % 7.0, i as f32)).collect();
        at.push(Point::default());
        let mass = vec![1.0; at.len()];
        let push = Tree::of(&at, &mass).push(Point::default());
        let exact = at.iter().take(50).fold(Point::default(), |sum, p| {
            let way = Point::default().minus(*p);
            sum.plus(way.times(1.0 / (way.length() * way.length())))
        });
        assert!(push.minus(exact).length() < 0.05 * exact.length(), "{push:?} {exact:?}");
    }

    #[test]
    fn a_graph_without_anybody_or_with_all_in_one_place_is_no_trouble() {
        let mut nothing = Settle::begin(&Space::default(), false);
        nothing.round(&Space::default());
        let mut space = Space::of(stars(2, 5), &Space::default());
        for spot in &mut space.spots {
            spot.at = Point::new(3.0, 3.0);
        }
        let mut settle = Settle::begin(&space, true);
        for _ in 0..20 {
            settle.round(&space);
        }
        settle.hand_over(&mut space);
        assert!(space.spots.iter().all(|s| s.to.x.is_finite()));
    }

    /// Five thousand are settled in a moment even by a slow build.
    #[test]
    fn five_thousand_are_no_trouble() {
        let mut space = Space::of(stars(70, 70), &Space::default());
        let mut settle = Settle::begin(&space, false);
        for _ in 0..3 {
            settle.round(&space);
        }
        settle.hand_over(&mut space);
        assert_eq!(space.spots.len(), 4970);
        assert!(space.spots.iter().all(|s| s.to.x.is_finite() && s.to.length() < 1_000_000.0));
    }
}
