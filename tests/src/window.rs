//! The real window, driven by WebDriver: what is on the page, clicked and typed as a person would.

use std::time::Duration;

use anyhow::Context;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;

use crate::home::Home;
use crate::process::Process;
use crate::relay::free_port;
use crate::wait;

/// What the window process's WebKit listens on for its driver.
const INSPECTOR: &str = "WEBKIT_INSPECTOR_SERVER";

/// Lets windows that this home's programs open from now on be driven.
///
/// # Errors
/// When no port is free.
pub fn allow(home: &mut Home) -> anyhow::Result<()> {
    home.set("TAURI_WEBVIEW_AUTOMATION", "true");
    home.set(INSPECTOR, format!("127.0.0.1:{}", free_port()?));
    Ok(())
}

/// A driven window process. Dropping it lets the window go on by itself.
#[derive(Debug)]
pub struct Window {
    client: Client,
    _driver: Process,
}

impl Window {
    /// Waits until a window is open, and takes it over.
    ///
    /// # Errors
    /// When none opens in time.
    pub async fn attach(home: &Home) -> anyhow::Result<Self> {
        let target = home.variable(INSPECTOR).and_then(|v| v.to_str());
        let target = target.context("call window::allow before the agent starts")?;
        wait::until("a window", wait::START, async || {
            tokio::net::TcpStream::connect(target).await?;
            Ok(Some(()))
        })
        .await?;
        let port = free_port()?;
        let mut command = home.command("WebKitWebDriver");
        command.arg(format!("--port={port}"));
        command.arg(format!("--target={target}"));
        let driver = Process::start(home, "webdriver", command)?;
        wait::until("the WebDriver", wait::START, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
            Ok(Some(()))
        })
        .await?;
        let builder = ClientBuilder::new(HttpConnector::new());
        let url = format!("http://127.0.0.1:{port}");
        let client = wait::at_most("a WebDriver session", wait::START, builder.connect(&url));
        Ok(Self {
            client: client.await?,
            _driver: driver,
        })
    }

    /// The driver itself, for what is not below.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until an element of this test id is on one of the windows; goes to that window.
    ///
    /// # Errors
    /// When there is none in time; says what the page shows.
    pub async fn find(&self, id: &str) -> anyhow::Result<Element> {
        self.select(&format!("[data-testid='{id}']")).await
    }

    /// As [`Self::find`], by a CSS selector.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn select(&self, css: &str) -> anyhow::Result<Element> {
        let what = format!("{css} on the page");
        wait::until(&what, wait::SOON, async || {
            // The window that was looked at last may be closed.
            let mut found = self.visible(css).await.ok().flatten();
            if found.is_none() {
                for handle in self.client.windows().await? {
                    self.client.switch_to_window(handle).await?;
                    found = self.visible(css).await?;
                    if found.is_some() {
                        break;
                    }
                }
            }
            match found {
                Some(found) => Ok(Some(found)),
                None => anyhow::bail!("the page shows: {}", self.page().await?),
            }
        })
        .await
    }

    async fn visible(&self, css: &str) -> anyhow::Result<Option<Element>> {
        for element in self.client.find_all(Locator::Css(css)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// What the page shows, as text.
    ///
    /// # Errors
    /// Of the driver.
    pub async fn page(&self) -> anyhow::Result<String> {
        let script = "return document.body ? document.body.innerText : ''";
        let text = self.client.execute(script, Vec::new()).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks an element, once it is there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn click(&self, id: &str) -> anyhow::Result<()> {
        self.click_on(&format!("[data-testid='{id}']")).await
    }

    /// As [`Self::click`], by a CSS selector.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn click_on(&self, css: &str) -> anyhow::Result<()> {
        let what = format!("a click on {css}");
        wait::until(&what, wait::SOON, async || {
            // The page may be drawn anew between finding and clicking, and a menu still be moving.
            self.select(css).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Types into a field, in place of what it holds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn fill(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find(id).await?;
        field.clear().await?;
        // A line break is the key Enter: WebKit's driver drops the character.
        field.send_keys(&text.replace('\n', "\u{e007}")).await?;
        Ok(())
    }

    /// Presses keys one after the other, wherever the focus is, as a keyboard does.
    ///
    /// # Errors
    /// Of the driver.
    pub async fn press(&self, keys: &[char]) -> anyhow::Result<()> {
        let mut actions = KeyActions::new("keys".to_owned());
        for &value in keys {
            actions = actions.then(KeyAction::Down { value });
            actions = actions.then(KeyAction::Up { value });
        }
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Presses a key while `held` is down.
    ///
    /// # Errors
    /// Of the driver.
    pub async fn chord(&self, held: Key, value: char) -> anyhow::Result<()> {
        let held = char::from(held);
        let actions = KeyActions::new("keys".to_owned())
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: held });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Presses Tab until what has the focus matches a CSS selector; says in the end how often.
    ///
    /// # Errors
    /// When it does not after as many as a page has parts; says what had the focus last.
    pub async fn tab_to(&self, css: &str) -> anyhow::Result<usize> {
        const PARTS: usize = 60;
        for pressed in 1..=PARTS {
            self.press(&[char::from(Key::Tab)]).await?;
            if self.focused(css).await? {
                return Ok(pressed);
            }
        }
        let script = "return document.activeElement.outerHTML.slice(0, 300)";
        let last = self.client.execute(script, Vec::new()).await?;
        anyhow::bail!("Tab never comes to {css}; after {PARTS} of them it is at {last}")
    }

    /// Waits until what matches a CSS selector has the focus, in whichever of the windows.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn focus(&self, css: &str) -> anyhow::Result<()> {
        self.select(&format!("{css}:focus")).await?;
        Ok(())
    }

    /// Whether what has the focus matches a CSS selector.
    ///
    /// # Errors
    /// Of the driver.
    async fn focused(&self, css: &str) -> anyhow::Result<bool> {
        let script = "return document.activeElement.matches(arguments[0])";
        let focused = self.client.execute(script, vec![css.into()]).await?;
        Ok(focused.as_bool() == Some(true))
    }

    /// Waits until an element's text (or a field's value) holds `part`; gives all of it.
    ///
    /// # Errors
    /// When it does not in time; says what it holds.
    pub async fn reads(&self, id: &str, part: &str) -> anyhow::Result<String> {
        let what = format!("{part:?} in {id}");
        wait::until(&what, wait::START, async || {
            let element = self.find(id).await?;
            let mut text = element.text().await?;
            if text.is_empty() {
                text = element.prop("value").await?.unwrap_or_default();
            }
            anyhow::ensure!(text.contains(part), "it reads {text:?}");
            Ok(Some(text))
        })
        .await
    }

    /// Waits until an attribute of an element is `value`.
    ///
    /// # Errors
    /// When it is not in time; says what it is.
    pub async fn has(&self, id: &str, attribute: &str, value: &str) -> anyhow::Result<()> {
        self.select(&format!("[data-testid='{id}'][{attribute}='{value}']"))
            .await?;
        Ok(())
    }

    /// Writes a picture of the page. WebKit's first one may be stale, so two are taken.
    ///
    /// # Errors
    /// Of the driver, or of the file.
    pub async fn picture(&self, path: &std::path::Path) -> anyhow::Result<()> {
        const REPAINT: Duration = Duration::from_millis(150);
        wait::at_most("a picture", wait::SOON, self.client.screenshot()).await?;
        tokio::time::sleep(REPAINT).await;
        let picture = wait::at_most("a picture", wait::SOON, self.client.screenshot()).await?;
        Ok(std::fs::write(path, picture)?)
    }
}
