//! Verdicts on a relay: the connection with it, its clock, a test message's way by it.

use std::time::Duration;

use tidings_control::{Check, Detail, Words};

use super::{Remedy, Seen, Subject, Verdict, check, clean, detail, words};
use crate::doctor::chart::{Greeting, Trip};
use crate::doctor::probe::relay::{Reached, Skew};
use crate::types::{Connection, Held, RelayId};

/// Clocks that differ by less (milliseconds) trouble nobody; from here on messages seem to come from
/// the future or expire too soon.
const SKEW: u64 = 30_000;

/// A relay that is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Member {
    pub(in super::super) id: RelayId,
    /// What the person calls it.
    pub(in super::super) label: String,
    pub(in super::super) address: String,
    /// This computer's name on it.
    pub(in super::super) name: String,
    /// The fingerprint of the certificate that the person agreed to trust.
    pub(in super::super) pinned: Option<String>,
    /// The session with it; none where no agent runs.
    pub(in super::super) connection: Option<Connection>,
    /// What it said of itself, if it was connected to.
    pub(in super::super) greeting: Option<Greeting>,
}

/// There is none.
pub(in super::super) fn no_relay() -> Check {
    Check {
        advice: Some(words(
            "Host one on this computer, or join one.",
            "请在这台电脑上架设一个中继，或加入一个。",
        )),
        remedy: Some(Remedy::SetUp),
        ..check(
            Subject::Relay,
            words("Relay", "中继"),
            Verdict::Warning,
            words(
                "No relay is set up, so no message can arrive.",
                "尚未设置中继，因此收不到消息。",
            ),
        )
    }
}

/// The connection with it.
pub(in super::super) fn connection(member: &Member, seen: &Seen<Reached>) -> Check {
    let host = clean::address(&member.address);
    let made = |verdict, found| about(member, Subject::Relay, ("Relay", "中继"), verdict, found);
    let reached = matches!(seen, Seen::Found(_));
    let mut found = match &member.connection {
        Some(Connection::Connected { .. }) => made(
            Verdict::Good,
            words(
                format!("Connected to {host} as {}.", clean::said(&member.name)),
                format!("已连接 {host}，名称为 {}。", clean::said(&member.name)),
            ),
        ),
        None if reached => made(
            Verdict::Note,
            words(
                format!(
                    "{host} answers. Whether it lets this computer in shows when Tidings runs."
                ),
                format!("{host} 有应答。是否允许这台电脑接入，要等 Tidings 运行后才知道。"),
            ),
        ),
        Some(Connection::Connecting) if reached => made(
            Verdict::Note,
            words(
                format!("Connecting to {host}, which answers."),
                format!("正在连接 {host}，它有应答。"),
            ),
        ),
        Some(Connection::TakenOver { .. }) => Check {
            advice: Some(words(
                "Give one of the two another name, or take the name back here.",
                "请给其中一台设备换个名称，或在这里取回名称。",
            )),
            remedy: Some(Remedy::Reconnect),
            ..made(
                Verdict::Fault,
                words(
                    format!(
                        "Another device uses the name {}.",
                        clean::said(&member.name)
                    ),
                    format!("另一台设备正在使用名称 {}。", clean::said(&member.name)),
                ),
            )
        },
        Some(Connection::Refused { reason }) => Check {
            advice: Some(words(
                "Check name and token with whoever runs the relay.",
                "请向中继的管理者核对名称和令牌。",
            )),
            ..made(Verdict::Fault, because(&host, reason))
        },
        Some(Connection::Offline { reason, .. }) => Check {
            advice: Some(words(
                "Tidings tries again by itself. What you send waits here, what others send waits at the relay.",
                "Tidings 会自动重试。你发送的消息在这里等候，别人发送的消息在中继等候。",
            )),
            remedy: Some(Remedy::Reconnect),
            ..made(Verdict::Fault, because(&host, reason))
        },
        _ => Check {
            advice: Some(words(
                "Check the network, the address, and whether the relay runs.",
                "请检查网络、地址，以及中继是否在运行。",
            )),
            remedy: member.connection.as_ref().map(|_| Remedy::Reconnect),
            ..made(Verdict::Fault, unreached(&host, seen))
        },
    };
    found.details.push(detail("Address", "地址", &host));
    if let Seen::Found(reached) = seen {
        let took = millis(reached.connected_in);
        found
            .details
            .push(detail("Connection made in", "连接耗时", took));
    }
    if let Some(greeting) = &member.greeting {
        let server = greeting.server.as_deref().unwrap_or("?");
        found.details.push(detail("Server", "服务器", server));
        let features = greeting.features.join(", ");
        found
            .details
            .push(detail("Extensions", "协议扩展", features));
    }
    found
}

fn because(host: &str, reason: &Words) -> Words {
    words(
        format!("Not connected to {host}. {}", clean::said(&reason.en)),
        format!("未连接 {host}。{}", clean::said(&reason.zh)),
    )
}

fn unreached(host: &str, seen: &Seen<Reached>) -> Words {
    match seen {
        Seen::Failed(reason) => {
            let reason = clean::said(reason);
            words(
                format!("{host} cannot be reached. {reason}"),
                format!("无法连接 {host}。{reason}"),
            )
        }
        _ => words(
            format!("{host} did not answer within a few seconds."),
            format!("{host} 在数秒内没有应答。"),
        ),
    }
}

/// Its clock against ours; none where it could not be read.
pub(in super::super) fn clock(member: &Member, skew: Option<Skew>) -> Option<Check> {
    let skew = skew?;
    let made = |verdict, found| about(member, Subject::Clock, ("Clock", "时钟"), verdict, found);
    let off = skew.ahead.unsigned_abs();
    let details = vec![detail(
        "Ahead of this computer",
        "比本机快",
        format!("{} ms ± {} ms", skew.ahead, skew.give_or_take),
    )];
    let found = if off.saturating_sub(skew.give_or_take) <= SKEW {
        made(
            Verdict::Good,
            words(
                "This computer's clock and the relay's agree.",
                "本机与中继的时钟一致。",
            ),
        )
    } else {
        let seconds = off / 1000;
        let (en, zh) = if skew.ahead > 0 {
            ("ahead of", "快")
        } else {
            ("behind", "慢")
        };
        Check {
            advice: Some(words(
                "Let both computers set their clocks by the network (NTP). Until then times of messages are off, and some expire too soon or too late.",
                "请让两台电脑通过网络（NTP）对时。在此之前消息时间会有偏差，有的会过早或过晚失效。",
            )),
            ..made(
                Verdict::Warning,
                words(
                    format!("The relay's clock is {seconds} seconds {en} this computer's."),
                    format!("中继的时钟比本机{zh} {seconds} 秒。"),
                ),
            )
        }
    };
    Some(Check { details, ..found })
}

/// A test message's way; `began` is when it was ordered, in milliseconds since 1970.
pub(in super::super) fn trip(member: &Member, trip: &Trip, began: u64) -> Check {
    let made = |verdict, found| {
        about(
            member,
            Subject::Trip,
            ("Test message", "测试消息"),
            verdict,
            found,
        )
    };
    let advice = |en: &str, zh: &str| Some(words(en, zh));
    let found = match trip {
        Trip { sent: None, .. } => Check {
            advice: advice(
                "It waits here and goes out once Tidings is connected.",
                "它在这里等候，连接后会自动发送。",
            ),
            ..made(
                Verdict::Fault,
                words("The test message did not leave.", "测试消息没有发出。"),
            )
        },
        Trip {
            delivered: None, ..
        } => Check {
            advice: advice(
                "It may be held up at the relay. Look whether other clients get messages.",
                "它可能滞留在中继。请查看其他客户端能否收到消息。",
            ),
            ..made(
                Verdict::Fault,
                words(
                    "The test message left and did not come back.",
                    "测试消息已发出，但没有送回。",
                ),
            )
        },
        Trip { stored: None, .. } => Check {
            advice: advice(
                "Look at the disk below: the relay sends it again until it is stored.",
                "请查看下方的磁盘检查：存入之前中继会不断重发。",
            ),
            ..made(
                Verdict::Fault,
                words(
                    "The test message came and could not be stored.",
                    "测试消息已到达，但无法存入收件箱。",
                ),
            )
        },
        Trip {
            held: Some(why), ..
        } => made(Verdict::Note, held(*why)),
        Trip { notified: None, .. } => Check {
            advice: advice(
                "It is in the inbox. Look at the notifications below.",
                "它在收件箱中。请查看下方的通知检查。",
            ),
            ..made(
                Verdict::Warning,
                words(
                    "The test message came, and no notification was shown.",
                    "测试消息已到达，但没有显示通知。",
                ),
            )
        },
        Trip {
            confirmed: None, ..
        } => Check {
            advice: advice(
                "Senders may be told that it waits, though it is here.",
                "发送者可能会看到“等待中”，虽然消息已经到达。",
            ),
            ..made(
                Verdict::Warning,
                words(
                    "The test message came, and the relay did not say so.",
                    "测试消息已到达，但中继没有确认。",
                ),
            )
        },
        Trip {
            confirmed: Some(confirmed),
            ..
        } => made(
            Verdict::Good,
            words(
                format!("There and back in {}.", millis(*confirmed)),
                format!("往返用时 {}。", millis(*confirmed)),
            ),
        ),
    };
    Check {
        details: hops(trip, began),
        ..found
    }
}

fn held(why: Held) -> Words {
    match why {
        Held::Paused => words(
            "The test message came; no notification, as you have paused them.",
            "测试消息已到达；你已暂停通知，所以没有显示。",
        ),
        Held::Hours => words(
            "The test message came; no notification, as these are quiet hours.",
            "测试消息已到达；现在是免打扰时段，所以没有显示通知。",
        ),
        Held::Desktop => words(
            "The test message came; no notification, as the desktop asks not to be disturbed.",
            "测试消息已到达；桌面处于勿扰状态，所以没有显示通知。",
        ),
        Held::Muted | Held::Expired => words(
            "The test message came; no notification, as this computer is muted.",
            "测试消息已到达；这台电脑已被静音，所以没有显示通知。",
        ),
    }
}

/// Each hop, in milliseconds since the order to send.
fn hops(trip: &Trip, began: u64) -> Vec<Detail> {
    // By the relay's own clock: told where it agrees with ours, as it lies between two times of ours.
    let accepted = trip
        .accepted_at
        .and_then(|at| at.checked_sub(began))
        .map(Duration::from_millis)
        .filter(|at| trip.sent.is_some_and(|sent| sent <= *at + SLACK))
        .filter(|at| trip.delivered.is_some_and(|came| *at <= came + SLACK));
    [
        ("Sent", "已发出", trip.sent),
        ("Accepted by the relay", "中继已接受", accepted),
        ("Delivered", "已送达", trip.delivered),
        ("Stored", "已存储", trip.stored),
        ("Notified", "已通知", trip.notified),
        ("Confirmed to the sender", "已向发送者确认", trip.confirmed),
    ]
    .map(|(en, zh, at)| detail(en, zh, at.map_or_else(|| "—".to_owned(), millis)))
    .into()
}

/// Two clocks of one computer round differently.
const SLACK: Duration = Duration::from_millis(2);

/// The clock as a test message told it: it was accepted between being sent and being delivered.
pub(in super::super) fn skew(trip: &Trip, began: u64) -> Option<Skew> {
    let (sent, came) = (trip.sent?, trip.delivered?);
    let middle = began.saturating_add(whole_millis((sent + came) / 2));
    let theirs = i64::try_from(trip.accepted_at?).ok()?;
    Some(Skew {
        ahead: theirs.checked_sub(i64::try_from(middle).ok()?)?,
        give_or_take: whole_millis(came.saturating_sub(sent) / 2) + 1,
    })
}

fn millis(span: Duration) -> String {
    format!("{} ms", whole_millis(span))
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn about(
    member: &Member,
    subject: Subject,
    (en, zh): (&str, &str),
    verdict: Verdict,
    found: Words,
) -> Check {
    let label = clean::said(&member.label);
    Check {
        relay: Some(member.id.clone()),
        ..check(
            subject,
            words(format!("{en}: {label}"), format!("{zh}：{label}")),
            verdict,
            found,
        )
    }
}
