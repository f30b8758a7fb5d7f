//! A display without a screen: pictures of it, and its windows as its window manager sees them.

use std::path::Path;

use anyhow::Context;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt, CreateGCAux,
    EventMask, ImageFormat, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::home::Home;
use crate::process::{self, Process};
use crate::wait;

/// As large as a laptop's.
const SCREEN: &str = "1440x900x24";

/// Of a list of windows or a title, in units of four bytes: more than a test ever has.
const LONG: u32 = 1024;

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
            let desktop = Desktop::open(&display.name)?;
            // It says that it is there early, and which windows it has when it is ready for them.
            Ok(desktop.has(desktop.root, "_NET_CLIENT_LIST")?.then_some(()))
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

    /// The titles of the open windows, the oldest first.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn titles(&self) -> anyhow::Result<Vec<String>> {
        let windows = Desktop::open(&self.name)?.windows()?;
        Ok(windows.into_iter().map(|(_, title)| title).collect())
    }

    /// Waits until a window whose title holds `part` is open.
    ///
    /// # Errors
    /// When there is none in time; says which there are.
    pub async fn opened(&self, part: &str) -> anyhow::Result<()> {
        wait::until(&format!("the window {part:?}"), wait::START, async || {
            let titles = self.titles()?;
            let open = titles.iter().any(|title| title.contains(part));
            anyhow::ensure!(open, "open are {titles:?}");
            Ok(Some(()))
        })
        .await
    }

    /// Waits until no window is open whose title holds `part`.
    ///
    /// # Errors
    /// When one is open still.
    pub async fn closed(&self, part: &str) -> anyhow::Result<()> {
        wait::until(&format!("the end of {part:?}"), wait::START, async || {
            let open = self.titles()?.iter().any(|title| title.contains(part));
            Ok((!open).then_some(()))
        })
        .await
    }

    /// Has the window manager ask a window to close, as a click on its cross does; waits until it
    /// is gone.
    ///
    /// # Errors
    /// When there is no window whose title holds `part`, or it stays open.
    pub async fn close(&self, part: &str) -> anyhow::Result<()> {
        self.opened(part).await?;
        let desktop = Desktop::open(&self.name)?;
        let window = desktop.titled(part)?;
        let person = [0, Desktop::PERSON, 0, 0, 0];
        desktop.order(window, "_NET_CLOSE_WINDOW", person)?;
        wait::until(&format!("the end of {part:?}"), wait::START, async || {
            let open = desktop.windows()?.iter().any(|(open, _)| *open == window);
            Ok((!open).then_some(()))
        })
        .await
    }
}

/// A place on the screen, in pixels: left, top, width, height; without the window's frame.
pub type Place = [u32; 4];

/// A colour: red, green, blue.
pub type Colour = [u8; 3];

impl Display {
    /// Moves and sizes a window whose title holds `part`.
    ///
    /// # Errors
    /// When there is none.
    pub fn place(&self, part: &str, place: Place) -> anyhow::Result<()> {
        let desktop = Desktop::open(&self.name)?;
        let window = desktop.titled(part)?;
        let [left, top, width, height] = place;
        // Static gravity, all four given, on a person's behalf (EWMH).
        let flags = 10 | (0b1111 << 8) | (Desktop::PERSON << 12);
        desktop.order(
            window,
            "_NET_MOVERESIZE_WINDOW",
            [flags, left, top, width, height],
        )
    }

    /// Writes a picture of one window with its frame.
    ///
    /// # Errors
    /// When there is none whose title holds `part`, or ImageMagick's `import` fails.
    pub async fn portrait(&self, home: &Home, part: &str, path: &Path) -> anyhow::Result<()> {
        let window = Desktop::open(&self.name)?.titled(part)?.to_string();
        let mut import = home.command("import");
        import.args(["-display", &self.name, "-frame", "-window", &window]);
        import.arg(path);
        process::run(home, "import", import).await?;
        Ok(())
    }

    /// Paints the background, from one colour at the top to another at the bottom.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn paint(&self, top: Colour, bottom: Colour) -> anyhow::Result<()> {
        Desktop::open(&self.name)?.paint(top, bottom)
    }
}

/// A connection to the display, for questions to its window manager (EWMH).
struct Desktop {
    x: RustConnection,
    root: Window,
}

impl Desktop {
    fn open(name: &str) -> anyhow::Result<Self> {
        let (x, screen) = RustConnection::connect(Some(name))?;
        let screen = x.setup().roots.get(screen);
        let root = screen.context("the display has a screen")?.root;
        Ok(Self { x, root })
    }

    fn atom(&self, name: &str) -> anyhow::Result<Atom> {
        Ok(self.x.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    fn property(&self, window: Window, name: &str) -> anyhow::Result<Vec<u8>> {
        let (name, any) = (self.atom(name)?, AtomEnum::ANY);
        let asked = self.x.get_property(false, window, name, any, 0, LONG)?;
        Ok(asked.reply()?.value)
    }

    fn has(&self, window: Window, name: &str) -> anyhow::Result<bool> {
        let (name, any) = (self.atom(name)?, AtomEnum::ANY);
        let asked = self.x.get_property(false, window, name, any, 0, 0)?;
        Ok(asked.reply()?.type_ != Atom::from(AtomEnum::NONE))
    }

    fn windows(&self) -> anyhow::Result<Vec<(Window, String)>> {
        let list = self.property(self.root, "_NET_CLIENT_LIST")?;
        let ids = list.chunks_exact(4).filter_map(|id| id.try_into().ok());
        let ids = ids.map(u32::from_ne_bytes);
        // One may close while the list is walked.
        let titled = ids.filter_map(|id| {
            let title = self.property(id, "_NET_WM_VISIBLE_NAME").ok()?;
            let title = if title.is_empty() {
                self.property(id, "_NET_WM_NAME").ok()?
            } else {
                title
            };
            Some((id, String::from_utf8_lossy(&title).into_owned()))
        });
        Ok(titled.collect())
    }

    fn paint(&self, top: Colour, bottom: Colour) -> anyhow::Result<()> {
        let size = self.x.get_geometry(self.root)?.reply()?;
        let (pixmap, context) = (self.x.generate_id()?, self.x.generate_id()?);
        self.x
            .create_pixmap(size.depth, pixmap, self.root, size.width, size.height)?;
        self.x.create_gc(context, pixmap, &CreateGCAux::new())?;
        let (height, width) = (f64::from(size.height), usize::from(size.width));
        for row in 0..size.height {
            let part = f64::from(row) / height;
            let mix = |at| {
                let (a, b): (&u8, &u8) = (top.get(at)?, bottom.get(at)?);
                let mixed = f64::from(*a) + (f64::from(*b) - f64::from(*a)) * part;
                // Between two bytes, so it is one.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "above"
                )]
                Some(mixed.round() as u8)
            };
            // The server's order of bytes is this machine's: it runs on it.
            let pixel = [mix(2), mix(1), mix(0), Some(0)].map(Option::unwrap_or_default);
            let line = pixel.repeat(width);
            let y = i16::try_from(row)?;
            self.x.put_image(
                ImageFormat::Z_PIXMAP,
                pixmap,
                context,
                size.width,
                1,
                0,
                y,
                0,
                size.depth,
                &line,
            )?;
        }
        let background = ChangeWindowAttributesAux::new().background_pixmap(pixmap);
        self.x.change_window_attributes(self.root, &background)?;
        Ok(self.x.clear_area(false, self.root, 0, 0, 0, 0)?.check()?)
    }

    fn titled(&self, part: &str) -> anyhow::Result<Window> {
        let windows = self.windows()?;
        let mut titled = windows.iter().filter(|(_, title)| title.contains(part));
        let found = titled
            .next()
            .with_context(|| format!("no {part:?} in {windows:?}"));
        Ok(found?.0)
    }

    /// EWMH's word for an order that comes from the person.
    const PERSON: u32 = 2;

    fn order(&self, window: Window, order: &str, data: [u32; 5]) -> anyhow::Result<()> {
        let event = ClientMessageEvent::new(32, window, self.atom(order)?, data);
        let to_manager = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        let sent = self.x.send_event(false, self.root, to_manager, event)?;
        Ok(sent.check()?)
    }
}
