//! The tables on standard output and the files beside them.

use crate::Measure;
use crate::row::{Bound, Row, short};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::PathBuf;

pub struct Report {
    out: PathBuf,
    rows: Vec<Row>,
}

impl Report {
    pub fn new(out: PathBuf) -> Report {
        Report { out, rows: Vec::new() }
    }

    /// Takes all measures of one bench, prints them as they come, and writes its file.
    pub fn bench(&mut self, name: &str, measures: &[Measure]) -> Result<()> {
        say(&format!("\n{name}"))?;
        if measures.is_empty() {
            say("  no figures yet: they come with the rooms they measure")?;
        } else {
            say(&line(["", "", "ours", "goal", "peer"]))?;
        }
        let mut rows = Vec::new();
        for measure in measures {
            let taken = (measure.take)().unwrap_or_else(|why| vec![Row::not_measured(measure.name, &why)]);
            for row in &taken {
                say(&shown(row))?;
            }
            rows.extend(taken);
        }
        let file = self.out.join(format!("{name}.json"));
        let mut text = serde_json::to_vec_pretty(&rows)?;
        text.push(b'\n');
        std::fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()))?;
        self.rows.extend(rows);
        Ok(())
    }

    /// The last line; true if all that has a goal holds.
    pub fn close(self) -> Result<bool> {
        let held = self.rows.iter().filter(|row| row.holds == Some(true)).count();
        let failed: Vec<&str> =
            self.rows.iter().filter(|row| row.holds == Some(false)).map(|row| row.name.as_str()).collect();
        let told = self.rows.iter().filter(|row| row.holds.is_none()).count();
        let verdict = match failed.as_slice() {
            [] => format!("{held} figures hold"),
            names => format!("{held} figures hold, {} DO NOT HOLD: {}", names.len(), names.join("; ")),
        };
        say(&format!("\n{verdict} ({told} more without a goal)"))?;
        Ok(failed.is_empty())
    }
}

fn shown(row: &Row) -> String {
    let verdict = match (row.ours, row.holds) {
        (None, _) => "FAILED",
        (_, Some(true)) => "holds",
        (_, Some(false)) => "NO",
        (_, None) => "",
    };
    let ours = row.ours.map_or_else(String::new, |ours| format!("{} {}", short(ours), row.unit));
    let bound = match row.bound {
        Bound::AtMost => '≤',
        Bound::AtLeast => '≥',
    };
    let goal = row.goal.map_or_else(String::new, |goal| format!("{bound} {} {}", short(goal), row.unit));
    let peer = match (&row.peer, &row.peer_value, &row.peer_source) {
        (Some(peer), Some(value), Some(source)) => format!("{peer}: {value} ({source})"),
        _ => String::new(),
    };
    let runs = match row.runs {
        0 => String::new(),
        1 => String::new(),
        runs if row.summed => format!("sum of {runs} runs: "),
        runs => format!("median of {runs}: "),
    };
    let figures = line([verdict, &row.name, &ours, &goal, &peer]);
    format!("{figures}\n{:9}{runs}{}", "", row.how)
}

fn line([verdict, name, ours, goal, peer]: [&str; 5]) -> String {
    format!("  {verdict:<6} {name:<58} {ours:>14} {goal:>12}   {peer}").trim_end().to_owned()
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}
