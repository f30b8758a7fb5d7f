//! Makes the window's context: which commands exist, and who may call them.

fn main() {
    println!("cargo::rerun-if-changed=../ui/dist/index.html");
    if !std::path::Path::new("../ui/dist/index.html").exists() {
        println!(
            "cargo::error=ui/dist is missing: run `cargo xtask setup`, or `npm ci && npm run build` in ui/"
        );
        return;
    }
    let commands = &["attach", "ask", "render", "show", "close", "start_agent"];
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
