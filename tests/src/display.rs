//! A display without a screen, and pictures of it.

use std::path::Path;

use anyhow::Context;

use crate::home::Home;
use crate::process::{self, Process};
use crate::wait;

/// As large as a small laptop's.
const SCREEN: &str = "1280x800x24";

/// A virtual X11 display. It ends when dropped, and its clients with it.
#[derive(Debug)]
pub struct Display {
    name: String,
    _manager: Process,
    _server: Process,
}

impl Display {
    /// Starts Xvfb on a free display number with a window manager, and tells `home`'s programs.
    ///
    /// # Errors
    /// When Xvfb or openbox does not come up.
    pub async fn start(home: &mut Home) -> anyhow::Result<Self> {
        let mut command = home.command("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", SCREEN]);
        command.args(["-nolisten", "tcp", "-noreset"]);
        let mut server = Process::start(home, "xvfb", command)?;
        let number = wait::until("the display", wait::START, async || {
            let ended = server.ended()?;
            anyhow::ensure!(ended.is_none(), "Xvfb ended: {}", server.errors());
            let number = server.output();
            Ok(number.ends_with('\n').then(|| number.trim().to_owned()))
        })
        .await?;
        let name = format!(":{number}");
        home.set("DISPLAY", &name);
        let manager = Process::start(home, "openbox", home.command("openbox"))?;
        let display = Self {
            name,
            _manager: manager,
            _server: server,
        };
        wait::until("the window manager", wait::START, async || {
            // Only a window manager knows of desktops.
            let mut desktop = home.command("xdotool");
            desktop.arg("get_desktop");
            let (_, number, error) = process::finish(home, "xdotool", desktop).await?;
            Ok((number.trim() == "0" && error.is_empty()).then_some(()))
        })
        .await?;
        Ok(display)
    }

    /// Its name, as `DISPLAY` holds it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a picture of the whole screen; the suffix says in which format.
    ///
    /// # Errors
    /// When ImageMagick's `import` fails.
    pub async fn picture(&self, home: &Home, path: &Path) -> anyhow::Result<()> {
        let mut import = home.command("import");
        import.args(["-display", &self.name, "-window", "root"]);
        import.arg(path);
        process::run(home, "import", import)
            .await
            .context("cannot take a picture of the screen")?;
        Ok(())
    }

    /// The visible windows whose title holds `title` (a regular expression): their numbers.
    ///
    /// # Errors
    /// When xdotool cannot be run.
    pub async fn windows(&self, home: &Home, title: &str) -> anyhow::Result<Vec<String>> {
        let mut search = home.command("xdotool");
        search.args(["search", "--onlyvisible", "--name", title]);
        // It fails where there are none.
        let (_, found, _) = process::finish(home, "xdotool", search).await?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// Asks a window to close, by the window manager's key, as a click on its cross would.
    ///
    /// # Errors
    /// When the window is gone already.
    pub async fn close(&self, home: &Home, window: &str) -> anyhow::Result<()> {
        let mut close = home.command("xdotool");
        close.args(["windowactivate", "--sync", window, "key", "alt+F4"]);
        process::run(home, "xdotool", close).await?;
        Ok(())
    }
}
