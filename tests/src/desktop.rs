//! A real desktop on a virtual display, to be looked at: a panel with a tray, a notification daemon,
//! a background, fonts.
//!
//! Owns how they are set up; what runs on it is the caller's. Tests use the fakes instead, which
//! misbehave on command.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::bus::Bus;
use crate::display::{Colour, Display};
use crate::home::Home;
use crate::process::Process;
use crate::wait;

/// The background's colours, at the top and at the bottom.
const SKY: Colour = [61, 106, 140];
const SEA: Colour = [28, 42, 63];

/// The desktop. It ends when dropped.
#[derive(Debug)]
pub struct Desktop {
    /// Its display.
    pub display: Display,
    /// Its session bus.
    pub bus: Bus,
    _parts: [Process; 3],
}

impl Desktop {
    /// Starts it in `home`, and waits until panel and daemon are there.
    ///
    /// # Errors
    /// When a part does not come up, or is not installed.
    pub async fn start(home: &mut Home) -> anyhow::Result<Self> {
        furnish(home)?;
        let bus = Bus::start(home).await?;
        let display = Display::start(home).await?;
        display.paint(SKY, SEA)?;
        let settings = Process::start(home, "xfconfd", home.command(settings_daemon()?))?;
        owned(&bus, "org.xfce.Xfconf").await?;
        let mut panel = home.command("xfce4-panel");
        // It asks for a window manager of Xfce's otherwise, and waits.
        panel.arg("--disable-wm-check");
        let panel = Process::start(home, "xfce4-panel", panel)?;
        let daemon = Process::start(home, "dunst", home.command("dunst"))?;
        owned(&bus, "org.freedesktop.Notifications").await?;
        owned(&bus, "org.kde.StatusNotifierWatcher").await?;
        Ok(Self {
            display,
            bus,
            _parts: [panel, daemon, settings],
        })
    }

    /// Waits until there are so many icons in the panel's tray.
    ///
    /// # Errors
    /// When there are not in time.
    pub async fn tray_icons(&self, count: usize) -> anyhow::Result<()> {
        let connection = self.bus.connect().await?;
        let what = format!("{count} icons in the tray");
        wait::until(&what, wait::START, async || {
            let (name, path) = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher");
            let properties = Some("org.freedesktop.DBus.Properties");
            let which = (name, "RegisteredStatusNotifierItems");
            let reply = connection.call_method(Some(name), path, properties, "Get", &which);
            let items: zbus::zvariant::OwnedValue = reply.await?.body().deserialize()?;
            let items = Vec::<String>::try_from(items)?;
            anyhow::ensure!(items.len() == count, "there are {items:?}");
            Ok(Some(()))
        })
        .await
    }
}

async fn owned(bus: &Bus, name: &str) -> anyhow::Result<()> {
    let connection = bus.connect().await?;
    let proxy = zbus::fdo::DBusProxy::new(&connection).await?;
    wait::until(name, wait::START, async || {
        let owned = proxy.name_has_owner(name.try_into()?).await?;
        Ok(owned.then_some(()))
    })
    .await
}

/// Xfce's settings daemon, in a folder that is named after the machine's architecture.
fn settings_daemon() -> anyhow::Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?
        .flatten()
        .map(|entry| entry.path());
    let mut places = folders
        .chain(["/usr/lib".into(), "/usr/libexec".into()])
        .map(|folder| folder.join("xfce4/xfconf/xfconfd"));
    places
        .find(|place| place.is_file())
        .context("xfconfd is not installed: its package is called xfconf")
}

/// Writes the settings of fonts, toolkit, panel and daemon, and installs the application's icon.
fn furnish(home: &Home) -> anyhow::Result<()> {
    let icons = home.path("data/icons/hicolor/128x128/apps");
    let daemon = DAEMON.replace("ICONS", &icons.to_string_lossy());
    for (path, text) in [
        ("config/fontconfig/fonts.conf", FONTS),
        ("config/gtk-3.0/settings.ini", TOOLKIT),
        (
            "config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml",
            PANEL,
        ),
        ("config/dunst/dunstrc", &daemon),
        ("config/openbox/rc.xml", MANAGER),
        ("data/themes/Plain/openbox-3/themerc", FRAMES),
    ] {
        write(&home.path(path), text)?;
    }
    fs::create_dir_all(&icons)?;
    let drawn = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/icons/128x128.png");
    // Where the sources are not, the daemon shows no icon.
    let _ = fs::copy(drawn, icons.join("tidings.png"));
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
    Ok(fs::write(path, text)?)
}

/// A bare machine falls back to a font for terminals; this one has both our languages.
const FONTS: &str = r#"<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <match target="pattern">
    <test name="family" qual="any"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Noto Sans CJK SC</string></edit>
  </match>
  <match target="pattern">
    <test name="family" qual="any"><string>system-ui</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Noto Sans CJK SC</string></edit>
  </match>
  <match target="pattern">
    <test name="family" qual="any"><string>monospace</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>DejaVu Sans Mono</string></edit>
  </match>
  <match target="font">
    <edit name="antialias" mode="assign"><bool>true</bool></edit>
    <edit name="hintstyle" mode="assign"><const>hintslight</const></edit>
    <edit name="rgba" mode="assign"><const>none</const></edit>
  </match>
</fontconfig>
"#;

const TOOLKIT: &str = "[Settings]
gtk-theme-name=Adwaita
gtk-icon-theme-name=Adwaita
gtk-font-name=Noto Sans CJK SC 10
gtk-xft-antialias=1
gtk-xft-hinting=1
gtk-xft-hintstyle=hintslight
gtk-xft-rgba=none
";

const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="icon-size" type="uint" value="20"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist">
      <property name="show-handle" type="bool" value="false"/>
    </property>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
    <property name="plugin-4" type="string" value="clock">
      <property name="mode" type="uint" value="2"/>
    </property>
  </property>
</channel>
"#;

const DAEMON: &str = r##"[global]
    width = 360
    height = 160
    origin = top-right
    offset = 16x48
    notification_limit = 5
    separator_height = 1
    separator_color = frame
    padding = 14
    horizontal_padding = 16
    frame_width = 1
    frame_color = "#3a4250"
    corner_radius = 10
    font = Noto Sans CJK SC 10
    markup = full
    format = "<b>%s</b>\n%b"
    icon_position = left
    min_icon_size = 40
    max_icon_size = 40
    icon_path = ICONS
    show_indicators = false
    ellipsize = end
[urgency_low]
    background = "#20252e"
    foreground = "#e8ebf0"
    timeout = 0
[urgency_normal]
    background = "#20252e"
    foreground = "#e8ebf0"
    timeout = 0
[urgency_critical]
    background = "#3a2023"
    foreground = "#ffffff"
    timeout = 0
"##;

const MANAGER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <theme>
    <name>Plain</name>
    <titleLayout>LC</titleLayout>
    <cornerRadius>8</cornerRadius>
    <font place="ActiveWindow"><name>Noto Sans CJK SC</name><size>10</size><weight>bold</weight></font>
    <font place="InactiveWindow"><name>Noto Sans CJK SC</name><size>10</size></font>
  </theme>
  <mouse>
    <context name="Close">
      <mousebind button="Left" action="Click"><action name="Close"/></mousebind>
    </context>
    <context name="Titlebar">
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
    </context>
    <context name="Client">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
  </mouse>
  <applications>
    <application class="*"><decor>yes</decor></application>
  </applications>
</openbox_config>
"#;

const FRAMES: &str = "border.width: 1
padding.width: 10
padding.height: 7
window.handle.width: 0
window.client.padding.width: 0
window.client.padding.height: 0
window.label.text.justify: center
window.active.border.color: #1b1f26
window.inactive.border.color: #1b1f26
window.active.title.bg: flat solid
window.active.title.bg.color: #2b313b
window.inactive.title.bg: flat solid
window.inactive.title.bg.color: #363c47
window.active.title.separator.color: #2b313b
window.inactive.title.separator.color: #363c47
window.active.label.bg: parentrelative
window.inactive.label.bg: parentrelative
window.active.label.text.color: #f1f3f6
window.inactive.label.text.color: #b4bac4
window.active.button.*.bg: parentrelative
window.inactive.button.*.bg: parentrelative
window.active.button.*.image.color: #f1f3f6
window.inactive.button.*.image.color: #b4bac4
";
