//! `cargo xtask icons`: the pictures that are committed, drawn anew from their two SVG sources.
//!
//! A build needs no drawing program for them. This does: `rsvg-convert` (librsvg2-bin) and `convert`
//! (imagemagick).

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::sh;

/// The application's icon, in the sizes that the bundler wants.
const SIZES: [(&str, u32); 4] = [
    ("32x32.png", 32),
    ("128x128.png", 128),
    ("256x256.png", 256),
    ("icon.png", 512),
];

/// Pixels of a side of the tray's pictures: twice a panel of 24, thrice one of 16. The agent knows it
/// as `picture::SIDE`.
const TRAY_SIDE: u32 = 48;

/// Draws all of them.
pub(crate) fn icons() -> Result<()> {
    for program in ["rsvg-convert", "convert"] {
        ensure!(
            sh::has(program),
            "{program} is missing: install librsvg2-bin and imagemagick"
        );
    }
    let from = sh::root().join("src-tauri/icons");
    for (name, side) in SIZES {
        draw(&from.join("tidings.svg"), side, None, &from.join(name))?;
    }
    let source = from.join("tray.svg");
    let text = std::fs::read_to_string(&source)?;
    let scratch = sh::target().join("icons");
    std::fs::create_dir_all(&scratch)?;
    for part in parts(&text) {
        let style = scratch.join("part.css");
        std::fs::write(&style, format!("#{part} {{ display: inline !important }}"))?;
        let png = scratch.join(format!("{part}.png"));
        draw(&source, TRAY_SIDE, Some(&style), &png)?;
        let to = sh::root().join(format!("crates/agent/icons/{part}.rgba"));
        let to = format!("rgba:{}", shown(&to)?);
        sh::sh(&["convert", shown(&png)?, "-depth", "8", &to])?;
    }
    Ok(())
}

/// The ids of the groups that are a picture each.
fn parts(svg: &str) -> Vec<&str> {
    svg.split("<g id=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once("\" class=\"part\""))
        .map(|(id, _)| id)
        .collect()
}

fn draw(svg: &Path, side: u32, style: Option<&Path>, png: &Path) -> Result<()> {
    let side = side.to_string();
    let mut words = vec!["rsvg-convert", "-w", &side, "-h", &side];
    if let Some(style) = style {
        words.extend(["--stylesheet", shown(style)?]);
    }
    words.extend([shown(svg)?, "-o", shown(png)?]);
    sh::sh(&words)
}

fn shown(path: &Path) -> Result<&str> {
    path.to_str().context("a folder whose name is no text")
}
