//! The way from one entity to another.

use super::view::shown;
use super::whole::Whole;
use protocol::view::GraphView;
use std::collections::HashMap;

/// The fewest relations; among ways of that length the one whose relations weigh most. None when there is no way.
pub(crate) fn path(whole: &Whole, from: &str, to: &str) -> Option<GraphView> {
    let (from, to) = (whole.node(from)?, whole.node(to)?);
    // For each node that was reached: from where, and how heavy the way is.
    let mut reached: HashMap<u32, (u32, f32)> = HashMap::from([(from, (from, 0.0))]);
    let mut ring = vec![from];
    while !ring.is_empty() && !reached.contains_key(&to) {
        let mut next: HashMap<u32, (u32, f32)> = HashMap::new();
        for node in ring {
            let so_far = reached.get(&node).map_or(0.0, |(_, weight)| *weight);
            for edge in whole.of(node) {
                let (other, weight) = (edge.other(node), so_far + edge.weight);
                if reached.contains_key(&other) {
                    continue;
                }
                let best = next.entry(other).or_insert((node, weight));
                if weight > best.1 || (weight == best.1 && node < best.0) {
                    *best = (node, weight);
                }
            }
        }
        ring = next.keys().copied().collect();
        reached.extend(next);
    }
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        at = reached.get(&at)?.0;
        way.push(at);
    }
    way.reverse();
    let mut view = shown(whole, &way);
    // Only the way itself, not what else relates its stations.
    view.edges.retain(|edge| edge.a.abs_diff(edge.b) == 1);
    Some(view)
}
