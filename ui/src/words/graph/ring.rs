//! One entity in the middle and what is around it in rings, each ring as many relations away. Of a branch, everything
//! stays in the branch's sector.

use super::{Point, Space, circle};

/// Room along a ring for each entity, and between rings.
const ALONG: f32 = 46.0;
const APART: f32 = 150.0;

/// Sets where everything goes.
pub fn around(space: &mut Space, focus: u32) {
    let count = space.spots.len();
    let tree = tree(space, focus);
    // How many stand at the end of each branch, leaves first.
    let mut room = vec![0.0f32; count];
    for (i, parent) in tree.order.iter().rev() {
        let own = room.get(*i as usize).copied().unwrap_or_default().max(1.0);
        if let Some(room) = room.get_mut(*i as usize) {
            *room = own;
        }
        if let Some(above) = parent.and_then(|p| room.get_mut(p as usize)) {
            *above += own;
        }
    }
    let leaves = room.get(focus as usize).copied().unwrap_or(1.0);
    let mut at_level = vec![0usize; tree.order.len() + 2];
    let mut begin = vec![0.0f32; count];
    let mut level_of = vec![0usize; count];
    let step = APART.max(leaves * ALONG / std::f32::consts::TAU);
    for (i, parent) in &tree.order {
        let own = *i as usize;
        let Some(parent) = parent.map(|p| p as usize) else { continue };
        let level = level_of.get(parent).copied().unwrap_or_default() + 1;
        let share = room.get(own).copied().unwrap_or_default() / leaves;
        let from = begin.get(parent).copied().unwrap_or_default();
        let (Some(start), Some(mine)) = (begin.get_mut(own), level_of.get_mut(own)) else { continue };
        (*start, *mine) = (from, level);
        if let Some(next) = begin.get_mut(parent) {
            *next += share;
        }
        // Every other one stands a little further out, so that names have room.
        let nth = at_level.get_mut(level).map_or(0, |n| std::mem::replace(n, *n + 1));
        let out = level as f32 * step + (nth % 2) as f32 * 44.0 - APART / 6.0;
        if let Some(spot) = space.spots.get_mut(own) {
            spot.to = circle(from + share / 2.0).times(out);
        }
    }
    if let Some(spot) = space.spots.get_mut(focus as usize) {
        spot.to = Point::default();
    }
    // What has no way to the middle stands in a row below.
    let mut lost = 0;
    for (spot, reached) in space.spots.iter_mut().zip(&tree.reached) {
        if !reached {
            spot.to = Point::new(lost as f32 * ALONG * 2.0, step * 2.5);
            lost += 1;
        }
    }
}

struct Tree {
    /// From the middle outwards, each with who it hangs on.
    order: Vec<(u32, Option<u32>)>,
    reached: Vec<bool>,
}

fn tree(space: &Space, focus: u32) -> Tree {
    let mut tree = Tree { order: vec![(focus, None)], reached: vec![false; space.spots.len()] };
    if let Some(middle) = tree.reached.get_mut(focus as usize) {
        *middle = true;
    }
    let mut done = 0;
    while let Some((here, _)) = tree.order.get(done).copied() {
        done += 1;
        let next = space.neighbours(here).into_iter().map(|i| (u64::from(space.spot(i).kind), i));
        for other in super::sorted(next.collect()) {
            if let Some(reached) = tree.reached.get_mut(other as usize)
                && !std::mem::replace(reached, true)
            {
                tree.order.push((other, Some(here)));
            }
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::super::tests::stars;
    use super::*;

    #[test]
    fn each_ring_is_as_many_relations_away() {
        let mut space = Space::of(stars(3, 12), &Space::default());
        let focus = space.find("hub0").unwrap();
        around(&mut space, focus);
        space.arrive();
        let far = |name: &str| space.spot(space.find(name).unwrap()).at.length();
        assert_eq!(far("hub0"), 0.0);
        assert!(far("leaf0") < far("leaf1") && far("leaf1") < far("leaf2"), "0, 1 and 2 hubs away");
    }

    #[test]
    fn nobody_stands_on_another() {
        for leaves in [1, 12, 100] {
            let mut space = Space::of(stars(3, leaves), &Space::default());
            around(&mut space, 0);
            for (i, one) in space.spots.iter().enumerate() {
                for other in space.spots.iter().skip(i + 1) {
                    assert!(one.to.minus(other.to).length() > 20.0, "{leaves}: {one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn who_is_not_connected_is_there_all_the_same() {
        let mut view = stars(1, 2);
        view.edges.pop();
        let mut space = Space::of(view, &Space::default());
        around(&mut space, 0);
        assert!(space.spot(2).to.y > 200.0);
    }
}
