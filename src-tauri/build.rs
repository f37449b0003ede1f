//! Builds the window's configuration in: its one command needs a permission, which only the main window's capability has.

fn main() {
    // The pages are built by `./dev ui --desktop`; checks and tests of the shell work without them.
    let dist = std::path::Path::new("../ui/dist-desktop");
    if !dist.join("index.html").exists() {
        let placeholder =
            "<!doctype html><title>Loopwright</title><p>The pages are not built: ./dev desktop</p>";
        let made =
            std::fs::create_dir_all(dist).and_then(|()| std::fs::write(dist.join("index.html"), placeholder));
        if let Err(error) = made {
            println!("cargo::error=ui/dist-desktop cannot be made: {error}");
        }
    }
    for name in ["LOOPWRIGHT_UPDATE_KEY", "LOOPWRIGHT_UPDATE_URL"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let manifest = tauri_build::AppManifest::new().commands(&["request"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        println!("cargo::error={error:#}");
    }
}
