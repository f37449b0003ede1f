//! Prepares a model, computes vectors, and measures: `measure prepare NAME WHEEL DIR`, `measure vectors NAME DIR` (a JSON
//! list of texts comes in, 32-bit floats go out), `measure speed NAME DIR`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use embed::{Catalogue, prepare};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["prepare", name, wheel, dir] => {
            prepare(name, Path::new(wheel), Path::new(dir))?;
            say(&format!("most memory {} MB", memory("VmHWM")?))?;
        }
        ["vectors", name, dir] => vectors(name, Path::new(dir))?,
        ["speed", name, dir] => speed(name, Path::new(dir))?,
        _ => return Err("measure prepare NAME WHEEL DIR | vectors NAME DIR | speed NAME DIR".into()),
    }
    Ok(())
}

fn vectors(name: &str, dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut json = String::new();
    io::stdin().read_to_string(&mut json)?;
    let texts: Vec<String> = serde_json::from_str(&json)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let model = Catalogue::open(dir, name)?;
    let mut out = io::stdout().lock();
    for texts in texts.chunks(64) {
        for vector in model.embed(texts)? {
            out.write_all(&vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
        }
    }
    Ok(())
}

fn speed(name: &str, dir: &Path) -> Result<(), Box<dyn Error>> {
    let before = memory("VmRSS")?;
    let start = Instant::now();
    let model = Catalogue::open(dir, name)?;
    say(&format!("load {:.0} ms, memory + {:.1} MB", ms(start.elapsed()), memory("VmRSS")? - before))?;
    let question = "Why did we choose SQLite for the memory?";
    say(&format!("a short question {:.2} ms", ms(best(|| model.embed(&[question]).map(drop))?)))?;
    // About 200 tokens for either tokenizer.
    let long =
        "The deployment was rolled back because the health check of the new release failed after a minute. "
            .repeat(11);
    let eight = [long.as_str(); 8];
    let took = best(|| model.embed(&eight).map(drop))?;
    say(&format!("texts of 200 tokens: {:.1} a second", 8.0 / took.as_secs_f64()))?;
    say(&format!("memory + {:.1} MB after it, most {:.1} MB", memory("VmRSS")? - before, memory("VmHWM")?))?;
    Ok(())
}

/// The shortest of some runs: what the machine can do while nobody else uses it.
fn best(mut work: impl FnMut() -> Result<(), embed::Error>) -> Result<Duration, embed::Error> {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A figure of this process in MB, where the system tells.
fn memory(key: &str) -> Result<f64, Box<dyn Error>> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(f64::NAN) };
    let line = status.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such figure")?;
    Ok(line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<f64>()? / 1024.0)
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}
