//! The folder in which a LightRAG server keeps what it knows (`rag_storage`): its documents become notes, its graph
//! becomes changes of ours. Folders in it are its workspaces.

use super::{Brought, graphml};
use anyhow::{Context, Result, ensure};
use protocol::fact::NoteKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const DOCUMENTS: &str = "kv_store_full_docs.json";
const STATUS: &str = "kv_store_doc_status.json";
const GRAPH: &str = "graph_chunk_entity_relation.graphml";

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    content: String,
    #[serde(default)]
    file_path: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    file_path: Option<String>,
}

pub fn read(dir: &Path) -> Result<Brought> {
    let mut brought = Brought::default();
    let mut found = one(dir, "", &mut brought)?;
    let mut folders: Vec<_> = fs::read_dir(dir)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("failed to read {}", dir.display()))?;
    folders.sort_by_key(fs::DirEntry::file_name);
    for folder in folders.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let workspace = format!("{}/", folder.file_name().to_string_lossy());
        found |= one(&folder.path(), &workspace, &mut brought)?;
    }
    ensure!(found, "there is no {DOCUMENTS} in {}: name LightRAG's working folder", dir.display());
    Ok(brought)
}

/// Whether there was a workspace. `before` stands before the names of its sources.
fn one(dir: &Path, before: &str, brought: &mut Brought) -> Result<bool> {
    let Some(documents) = parsed::<Document>(&dir.join(DOCUMENTS))? else { return Ok(false) };
    let status = parsed::<Status>(&dir.join(STATUS))?.unwrap_or_default();
    for (id, document) in documents {
        let named = document.file_path.or_else(|| status.get(&id)?.file_path.clone());
        let named = named.filter(|path| !matches!(path.trim(), "" | "unknown_source" | "no-file-path"));
        let source = format!("{before}{}", named.unwrap_or_else(|| format!("lightrag:{id}")));
        brought.text(NoteKind::Document, "", &source, &document.content);
    }
    let graph = dir.join(GRAPH);
    match fs::read_to_string(&graph) {
        Ok(text) => brought.edits.extend(graphml::edits(&text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => brought.left.push(format!("{}: {e}", graph.display())),
    }
    Ok(true)
}

/// None if there is no such file.
fn parsed<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<BTreeMap<String, T>>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("failed to read {}", path.display())),
    };
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).with_context(|| format!("failed to read {}: it is cut or damaged", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_all_workspaces_are_brought_with_their_graph() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            DOCUMENTS,
            r#"{"doc-1":{"content":"Rye only","file_path":"a.md"},"doc-2":{"content":"x"},"doc-3":{"content":" "}}"#,
        );
        write(STATUS, r#"{"doc-2":{"file_path":"b.md","status":"processed"}}"#);
        write(GRAPH, r#"<graphml><graph><node id="Rye"/></graph></graphml>"#);
        write("team/kv_store_full_docs.json", r#"{"doc-9":{"content":"y","file_path":"unknown_source"}}"#);
        write("other/readme.txt", "no workspace");
        let brought = read(dir.path()).unwrap();
        let sources: Vec<_> = brought.notes.iter().map(|note| note.source.as_deref().unwrap()).collect();
        assert_eq!(sources, ["a.md", "b.md", "team/lightrag:doc-9"]);
        assert_eq!((brought.edits.len(), brought.left.len()), (1, 1));
        write(DOCUMENTS, r#"{"doc-1":{"content":"Rye"#);
        assert!(format!("{:#}", read(dir.path()).unwrap_err()).contains("damaged"));
        assert!(read(&dir.path().join("other")).is_err());
    }
}
