//! The dashboard's folder must exist when the daemon is compiled; a placeholder says how to build the real one.

fn main() -> std::io::Result<()> {
    let dist = std::path::Path::new("../../ui/dist");
    if !dist.join("index.html").exists() {
        std::fs::create_dir_all(dist)?;
        std::fs::write(
            dist.join("index.html"),
            "<!doctype html><title>Loopwright</title><p>Run ./dev run.\n",
        )?;
    }
    println!("cargo:rerun-if-changed=../../ui/dist");
    Ok(())
}
