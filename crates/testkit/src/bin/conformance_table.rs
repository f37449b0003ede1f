//! `conformance-table --rows FOLDER --json FILE [--docs FILE]`: what a run of the conformance suite has written, a file for
//! each agent, becomes one JSON file and one table, which is printed and, if asked for, kept as a page of the docs.

use clap::Parser;
use conformance::suite::{Row, table};
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

#[derive(Parser)]
struct Args {
    /// Folder with the rows of each agent.
    #[arg(long)]
    rows: PathBuf,
    /// Where all rows go.
    #[arg(long)]
    json: PathBuf,
    /// The page with the table.
    #[arg(long)]
    docs: Option<PathBuf>,
    /// The day of the run, for the page.
    #[arg(long, default_value = "")]
    date: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let rows = read(&args.rows)?;
    std::fs::write(&args.json, serde_json::to_vec_pretty(&rows)?)?;
    let table = table(&rows);
    writeln!(std::io::stdout(), "{table}\n{}", summary(&rows))?;
    match args.docs {
        Some(docs) => std::fs::write(docs, page(&table, &summary(&rows), &args.date)),
        None => Ok(()),
    }
}

/// In the order of the files' names.
fn read(folder: &Path) -> Result<Vec<Row>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "json"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let some: Vec<Row> = serde_json::from_slice(&std::fs::read(&file)?)
            .map_err(|error| Error::other(format!("{}: {error}", file.display())))?;
        rows.extend(some);
    }
    if rows.is_empty() {
        return Err(Error::other(format!("no row is in {}", folder.display())));
    }
    Ok(rows)
}

fn summary(rows: &[Row]) -> String {
    let right = rows.iter().filter(|row| row.ok).count();
    format!("{right} of {} as they should be.", rows.len())
}

fn page(table: &str, summary: &str, date: &str) -> String {
    format!(
        "# The conformance run\n\n\
         Every scenario with every real agent, through the product's own driver, against a scripted service on loopback. This \
         page is written by `./dev conformance --docs` from the rows of a run{}; nobody edits it.\n\n\
         *billed* is what the scripted service counted, *recorded* what the driver found out, input, cache and output \
         together; they agree class by class or not at all. *unknown*: the run did not come to the end of its turn, and its \
         program does not tell what the turn had cost until then. *left behind* counts processes and files that were still \
         there when the run had ended.\n\n{summary}\n\n{table}",
        if date.is_empty() { String::new() } else { format!(" of {date}") },
    )
}
