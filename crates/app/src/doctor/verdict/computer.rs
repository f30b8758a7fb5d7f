//! Verdicts on this computer: the window program, the disk, starting at login.

use std::path::{Path, PathBuf};

use tidings_control::Check;

use super::{
    Part, Remedy, Seen, Status, Subject, Verdict, check, clean, detail, unknown, with_problem,
    words,
};
use crate::autostart::AtLogin;
use crate::doctor::probe::Disk;

const MIB: u64 = 1024 * 1024;

/// Less free space than this is a warning: a busy inbox grows by as much in a year or two.
const LITTLE: u64 = 500 * MIB;

/// Less than this is a fault: the database needs room for its journal to take anything more.
const TOO_LITTLE: u64 = 20 * MIB;

pub(in super::super) fn window(seen: &Seen<String>, status: Option<&Status>) -> Check {
    let title = words("Window", "窗口");
    let made = |verdict, found| check(Subject::Window, title.clone(), verdict, found);
    let again = words(
        "Install Tidings again; it brings the program and what it needs.",
        "请重新安装 Tidings，安装包含该程序及其依赖。",
    );
    let found = match seen {
        Seen::Found(version) => Check {
            details: vec![detail("Program", "程序", version)],
            ..made(
                Verdict::Good,
                words("The window program can start.", "窗口程序可以启动。"),
            )
        },
        Seen::Nothing => Check {
            advice: Some(again),
            ..made(
                Verdict::Fault,
                words(
                    "The window program is not there; the command line works.",
                    "找不到窗口程序；命令行仍可使用。",
                ),
            )
        },
        Seen::Failed(reason) => {
            let reason = clean::said(reason);
            Check {
                advice: Some(again),
                ..made(
                    Verdict::Fault,
                    words(
                        format!("The window program cannot start: {reason}"),
                        format!("窗口程序无法启动：{reason}"),
                    ),
                )
            }
        }
        seen => made(
            Verdict::Warning,
            unknown(seen, "The window program", "窗口程序"),
        ),
    };
    with_problem(found, status, Part::Window)
}

pub(in super::super) fn disk(seen: &Seen<Disk>, folder: &Path, status: Option<&Status>) -> Check {
    let title = words("Disk", "磁盘");
    let made = |verdict, found| check(Subject::Disk, title.clone(), verdict, found);
    let found = match seen {
        Seen::Found(disk) => measured(disk, folder, &made),
        Seen::Nothing => made(
            Verdict::Note,
            words(
                "There is no inbox yet: it is made at the first start.",
                "还没有收件箱：首次启动时会创建。",
            ),
        ),
        seen => Check {
            advice: Some(words(
                "Check the disk; where it is another computer's, the connection with it.",
                "请检查磁盘；如果是网络磁盘，请检查网络连接。",
            )),
            ..made(
                Verdict::Fault,
                unknown(seen, "The disk with the inbox", "收件箱所在磁盘"),
            )
        },
    };
    with_problem(found, status, Part::Disk)
}

fn measured(
    disk: &Disk,
    folder: &Path,
    made: &impl Fn(Verdict, tidings_control::Words) -> Check,
) -> Check {
    let inbox = size(disk.inbox);
    let free = disk.free.map(size);
    let free_of = free.clone().unwrap_or_else(|| "?".to_owned());
    let room = words(
        "Free some space, or let Tidings keep fewer messages (Settings).",
        "请释放一些空间，或在设置中减少保留的消息。",
    );
    let found = match disk.free {
        _ if !disk.writable => Check {
            advice: Some(words(
                "Make the folder writable for you. Until then messages wait at the relay.",
                "请让该文件夹可写。在此之前消息会在中继等待。",
            )),
            ..made(
                Verdict::Fault,
                words(
                    "The inbox cannot be written: no message can be taken.",
                    "收件箱不可写：无法接收任何消息。",
                ),
            )
        },
        Some(bytes) if bytes < LITTLE => Check {
            advice: Some(room),
            ..made(
                if bytes < TOO_LITTLE {
                    Verdict::Fault
                } else {
                    Verdict::Warning
                },
                words(
                    format!("The disk is nearly full: {free_of} are free."),
                    format!("磁盘将满：剩余 {free_of}。"),
                ),
            )
        },
        Some(_) => made(
            Verdict::Good,
            words(
                format!("The inbox takes {inbox}, and {free_of} are free."),
                format!("收件箱占用 {inbox}，剩余 {free_of}。"),
            ),
        ),
        None => made(
            Verdict::Good,
            words(
                format!("The inbox takes {inbox}."),
                format!("收件箱占用 {inbox}。"),
            ),
        ),
    };
    let mut details = vec![
        detail("Folder", "文件夹", folder.to_string_lossy()),
        detail("Inbox", "收件箱", inbox),
    ];
    details.extend(free.map(|free| detail("Free", "剩余", free)));
    Check {
        details,
        remedy: Some(Remedy::OpenFolder),
        ..found
    }
}

/// Bytes as people write them.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit after the point is shown"
)]
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = "kB";
    for next in UNITS {
        unit = next;
        if amount < 1000.0 {
            break;
        }
        if next != "TB" {
            amount /= 1000.0;
        }
    }
    if amount < 10.0 {
        format!("{amount:.1} {unit}")
    } else {
        format!("{amount:.0} {unit}")
    }
}

/// None where starting at login is not ours to set.
pub(in super::super) fn autostart(seen: &Seen<(AtLogin, PathBuf)>) -> Option<Check> {
    let title = words("At login", "登录时");
    let made = |verdict, found| check(Subject::Autostart, title.clone(), verdict, found);
    let start = words(
        "Let it start at login, so that no message waits for you to remember.",
        "请设为登录时启动，以免消息等待。",
    );
    let found = match seen {
        Seen::Elsewhere => return None,
        Seen::Found((AtLogin::On { hidden, other }, _)) => {
            let (en, zh) = if *hidden {
                ("in the tray", "仅显示托盘图标")
            } else {
                ("with its window", "并打开窗口")
            };
            let found = words(
                format!("Tidings starts at login, {en}."),
                format!("登录时启动 Tidings，{zh}。"),
            );
            match other {
                None => made(Verdict::Good, found),
                Some(other) => Check {
                    details: vec![detail("Program", "程序", other.to_string_lossy())],
                    advice: Some(words(
                        "It starts another program than the one that runs now. Switch it off and on again to change that.",
                        "启动的不是当前运行的程序。关闭再打开此选项即可更改。",
                    )),
                    ..made(Verdict::Note, found)
                },
            }
        }
        Seen::Found((AtLogin::Stale { program, .. }, _)) => Check {
            advice: Some(words(
                "Start Tidings once by hand: it repairs that.",
                "请手动启动一次 Tidings，它会自动修复。",
            )),
            remedy: Some(Remedy::StartAtLogin),
            details: vec![detail("Program", "程序", program)],
            ..made(
                Verdict::Warning,
                words(
                    "Tidings is to start at login, but the program is not there any more.",
                    "已设为登录时启动，但程序已不存在。",
                ),
            )
        },
        Seen::Found((AtLogin::OffElsewhere, _)) => Check {
            advice: Some(start),
            remedy: Some(Remedy::StartAtLogin),
            ..made(
                Verdict::Note,
                words(
                    "Tidings does not start at login: it was switched off in the desktop's settings.",
                    "登录时不启动 Tidings：已在桌面设置中关闭。",
                ),
            )
        },
        Seen::Found((AtLogin::Off, _)) | Seen::Nothing => Check {
            advice: Some(start),
            remedy: Some(Remedy::StartAtLogin),
            ..made(
                Verdict::Note,
                words("Tidings does not start at login.", "登录时不启动 Tidings。"),
            )
        },
        seen => made(
            Verdict::Warning,
            unknown(seen, "The folder of what starts at login", "自动启动文件夹"),
        ),
    };
    let mut found = found;
    if let Seen::Found((_, file)) = seen {
        found
            .details
            .push(detail("Entry", "条目", file.to_string_lossy()));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_people_write_them() {
        for (bytes, text) in [
            (0, "0.0 kB"),
            (1_500, "1.5 kB"),
            (73_000_000, "73 MB"),
            (2_100_000_000, "2.1 GB"),
            (5_000_000_000_000_000, "5000 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
