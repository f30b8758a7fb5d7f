//! A tray host: keeps the StatusNotifierItems that register, reads them and clicks them.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

use crate::bus::Bus;
use crate::wait;

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";

/// The host. It leaves the bus when dropped.
#[derive(Debug)]
pub struct TrayHost {
    items: Arc<watch::Sender<Vec<Registered>>>,
    connection: Option<Connection>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Registered {
    service: String,
    path: String,
}

impl TrayHost {
    /// A host that is not there yet: see [`Self::appear`].
    #[must_use]
    pub fn absent() -> Self {
        Self {
            items: Arc::default(),
            connection: None,
        }
    }

    /// A host on `bus`.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn start(bus: &Bus) -> anyhow::Result<Self> {
        let mut host = Self::absent();
        host.appear(bus).await?;
        Ok(host)
    }

    /// Comes (back) to the bus; it knows of no item until it registers (again).
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn appear(&mut self, bus: &Bus) -> anyhow::Result<()> {
        let watcher = Watcher(Arc::clone(&self.items));
        let builder = bus.builder()?.serve_at(PATH, watcher)?.name(NAME)?;
        self.connection = Some(builder.build().await?);
        Ok(())
    }

    /// Leaves the bus and forgets its items, as a panel that crashes does.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn vanish(&mut self) -> anyhow::Result<()> {
        if let Some(connection) = self.connection.take() {
            connection.close().await?;
        }
        self.items.send_replace(Vec::new());
        Ok(())
    }

    /// The newest item, once there is one.
    ///
    /// # Errors
    /// When none registers in time.
    pub async fn item(&self) -> anyhow::Result<Item> {
        let connection = self.connection.clone().context("the tray host is away")?;
        let mut items = self.items.subscribe();
        let some = items.wait_for(|items| !items.is_empty());
        let items = wait::at_most("a tray icon", wait::START, some).await?;
        let item = items.last().cloned().context("it was found")?;
        Ok(Item { connection, item })
    }
}

/// A tray icon, read anew at every question.
#[derive(Debug)]
pub struct Item {
    connection: Connection,
    item: Registered,
}

/// A line of the icon's menu.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub id: i32,
    /// Its label, without the marks of access keys; empty for a separator.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Whether it has a mark, where it can have one.
    pub checked: bool,
}

/// How an icon looks at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The title.
    pub title: String,
    /// The tooltip's title and text.
    pub tooltip: (String, String),
    /// `Passive`, `Active` or `NeedsAttention`.
    pub status: String,
    /// The name of a themed icon; empty where there is a picture.
    pub icon: String,
    /// The pictures: width, height and ARGB bytes of each.
    pub pictures: Vec<(i32, i32, Vec<u8>)>,
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Item {
    async fn proxy(&self, path: &str, interface: &str) -> anyhow::Result<Proxy<'static>> {
        let builder = zbus::proxy::Builder::<Proxy<'static>>::new(&self.connection)
            .destination(self.item.service.clone())?
            .path(path.to_owned())?
            .interface(interface.to_owned())?
            .cache_properties(CacheProperties::No);
        wait::at_most("the tray icon", wait::SOON, builder.build()).await
    }

    async fn icon(&self) -> anyhow::Result<Proxy<'static>> {
        self.proxy(&self.item.path, "org.kde.StatusNotifierItem")
            .await
    }

    async fn menu_proxy(&self) -> anyhow::Result<Proxy<'static>> {
        let menu: OwnedObjectPath = self.icon().await?.get_property("Menu").await?;
        self.proxy(menu.as_str(), "com.canonical.dbusmenu").await
    }

    /// How it looks.
    ///
    /// # Errors
    /// When its program does not answer.
    pub async fn look(&self) -> anyhow::Result<Look> {
        type ToolTip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let read = async {
            let icon = self.icon().await?;
            let tooltip: ToolTip = icon.get_property("ToolTip").await?;
            anyhow::Ok(Look {
                title: icon.get_property("Title").await?,
                tooltip: (tooltip.2, tooltip.3),
                status: icon.get_property("Status").await?,
                icon: icon.get_property("IconName").await?,
                pictures: icon.get_property("IconPixmap").await?,
            })
        };
        wait::at_most("the look of the tray icon", wait::SOON, read).await
    }

    /// The lines of its menu, from top to bottom; those of submenus after the line they open from.
    ///
    /// # Errors
    /// When its program does not answer.
    pub async fn menu(&self) -> anyhow::Result<Vec<Entry>> {
        let read = async {
            let menu = self.menu_proxy().await?;
            let none = Vec::<&str>::new();
            let (_, root): (u32, Layout) = menu.call("GetLayout", &(0, -1, none)).await?;
            let mut entries = Vec::new();
            flatten(root.2, &mut entries)?;
            anyhow::Ok(entries)
        };
        wait::at_most("the menu of the tray icon", wait::SOON, read).await
    }

    /// Clicks the line of the menu with this label, once there is one.
    ///
    /// # Errors
    /// When there is none; says which there are.
    pub async fn click(&self, label: &str) -> anyhow::Result<()> {
        let what = format!("the menu's line {label:?}");
        let entry = wait::until(&what, wait::SOON, async || {
            let menu = self.menu().await?;
            let found = menu.iter().find(|entry| entry.label == label).cloned();
            found
                .with_context(|| format!("the menu is {menu:?}"))
                .map(Some)
        })
        .await?;
        anyhow::ensure!(entry.enabled, "{label:?} cannot be clicked");
        let event = (entry.id, "clicked", Value::from(0_i32), 0_u32);
        let menu = self.menu_proxy().await?;
        wait::at_most(&what, wait::SOON, menu.call_method("Event", &event)).await?;
        Ok(())
    }

    /// Clicks the icon with the left button.
    ///
    /// # Errors
    /// When its program does not answer.
    pub async fn activate(&self) -> anyhow::Result<()> {
        let icon = self.icon().await?;
        let click = icon.call_method("Activate", &(0_i32, 0_i32));
        wait::at_most("the click on the tray icon", wait::SOON, click).await?;
        Ok(())
    }
}

fn flatten(lines: Vec<OwnedValue>, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    for line in lines {
        let (id, properties, below) = Layout::try_from(line)?;
        let text = |key| {
            let value = properties.get(key)?;
            <&str>::try_from(value).ok()
        };
        let label = text("label").unwrap_or_default();
        entries.push(Entry {
            id,
            // One underscore marks an access key, two are one.
            label: label
                .replace("__", "\0")
                .replace('_', "")
                .replace('\0', "_"),
            enabled: properties
                .get("enabled")
                .is_none_or(|v| bool::try_from(v) != Ok(false)),
            checked: properties
                .get("toggle-state")
                .is_some_and(|v| i32::try_from(v) == Ok(1)),
        });
        flatten(below, entries)?;
    }
    Ok(())
}

struct Watcher(Arc<watch::Sender<Vec<Registered>>>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        service: String,
    ) -> zbus::fdo::Result<()> {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // libayatana gives a path alone, everybody else a name.
        let item = if service.starts_with('/') {
            Registered {
                service: sender,
                path: service,
            }
        } else {
            Registered {
                service,
                path: "/StatusNotifierItem".to_owned(),
            }
        };
        let name = format!("{}{}", item.service, item.path);
        self.0.send_modify(|items| {
            items.retain(|known| *known != item);
            items.push(item);
        });
        let registered = "StatusNotifierItemRegistered";
        Ok(emitter.emit(NAME, registered, &name).await?)
    }

    async fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    async fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.0.borrow();
        let name = |item: &Registered| format!("{}{}", item.service, item.path);
        items.iter().map(name).collect()
    }

    #[zbus(property)]
    async fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    async fn protocol_version(&self) -> i32 {
        0
    }
}
