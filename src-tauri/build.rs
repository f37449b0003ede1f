//! Builds the window's configuration in: its one command needs a permission, which only the main window's capability has.
//! And the hashes of the servers' programs that will lie beside this one in a bundle.

use std::path::Path;

fn main() {
    // The pages are built by `./dev ui --desktop`; checks and tests of the shell work without them.
    let dist = Path::new("../ui/dist-desktop");
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
    println!("cargo::rerun-if-env-changed=LOOPWRIGHT_SERVER_SUMS");
    if let Some(sums) = std::env::var_os("LOOPWRIGHT_SERVER_SUMS").filter(|sums| !sums.is_empty()) {
        match trusted(Path::new(&sums)) {
            Ok(trusted) => println!("cargo::rustc-env=LOOPWRIGHT_SERVER_HASHES={trusted}"),
            Err(why) => println!("cargo::error={}: {why}", Path::new(&sums).display()),
        }
    }
    let manifest = tauri_build::AppManifest::new().commands(&["request"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        println!("cargo::error={error:#}");
    }
}

/// `ARCH=HASH` of each line of a SHA256SUMS. A list beside the programs could be exchanged together with them.
fn trusted(sums: &Path) -> Result<String, String> {
    println!("cargo::rerun-if-changed={}", sums.display());
    let text = std::fs::read_to_string(sums).map_err(|error| error.to_string())?;
    let each = text.lines().map(|line| {
        let (hash, name) = line.split_once("  ").ok_or_else(|| format!("not a hash and a name: {line}"))?;
        let arch =
            name.strip_prefix("loopwrightd-").ok_or_else(|| format!("not a server's program: {name}"))?;
        let whole = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if whole { Ok(format!("{arch}={hash}")) } else { Err(format!("not a SHA-256: {hash}")) }
    });
    let each = each.collect::<Result<Vec<_>, String>>()?;
    if each.is_empty() { Err("names no program".into()) } else { Ok(each.join(" ")) }
}
