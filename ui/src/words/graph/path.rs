//! The way from one entity to another, as it is drawn.

use super::{Point, Space};

/// Puts the entities of a way in a row, each as far from the next, and keeps all else where it is.
pub fn row(space: &mut Space, way: &[u32]) {
    const STEP: f32 = 170.0;
    let middle = (way.len().saturating_sub(1)) as f32 / 2.0;
    for (n, i) in way.iter().enumerate() {
        if let Some(spot) = space.spots.get_mut(*i as usize) {
            // Up and down in turn: names have more room then.
            spot.to = Point::new((n as f32 - middle) * STEP, if n % 2 == 0 { -26.0 } else { 26.0 });
        }
    }
}

/// The order of a way's entities from one end to the other; the daemon gives them with the relations between them.
pub fn order(space: &Space, from: u32, to: u32, on: &[u32]) -> Vec<u32> {
    let mut way = vec![from];
    let mut here = from;
    while here != to && way.len() <= on.len() {
        let Some(next) = space.neighbours(here).into_iter().find(|i| on.contains(i) && !way.contains(i))
        else {
            break;
        };
        way.push(next);
        here = next;
    }
    way
}

#[cfg(test)]
mod tests {
    use super::super::tests::stars;
    use super::*;

    #[test]
    fn a_way_is_in_order_from_end_to_end() {
        let mut space = Space::of(stars(4, 1), &Space::default());
        let on: Vec<u32> = ["hub3", "hub1", "hub0", "hub2"].iter().map(|n| space.find(n).unwrap()).collect();
        let way = order(&space, on[2], on[0], &on);
        assert_eq!(
            way.iter().map(|i| space.spot(*i).name.as_str()).collect::<Vec<_>>(),
            ["hub0", "hub1", "hub2", "hub3"]
        );
        row(&mut space, &way);
        assert!(way.windows(2).all(|w| space.spot(w[0]).to.x < space.spot(w[1]).to.x));
        assert_eq!(order(&space, on[0], on[0], &on), [on[0]]);
    }
}
