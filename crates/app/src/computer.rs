//! This computer as others see it: its name, its addresses, and the line of shell that sends it a
//! message. Owns what is left out of each; asks the system and changes nothing.

use std::net::{IpAddr, Ipv4Addr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tidings_protocol::Name;

/// The name where the computer has none that can be used.
const FALLBACK_NAME: &str = "desktop";

/// Characters of a name made from the computer's: what tools show in one column.
const NAME_CHARS: usize = 63;

/// Interfaces that lead to no other computer: containers, bridges of virtual machines, tunnels.
const NOT_THE_NETWORK: &[&str] = &[
    "docker", "veth", "br-", "tun", "tap", "virbr", "vmnet", "vboxnet", "podman", "cni", "lo",
];

/// All but what RFC 3986 leaves as it is: safe in a URL, and in double quotes of a shell.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A name for this computer on a relay: the host's, without its domain.
pub(crate) fn name() -> Name {
    named(gethostname::gethostname().to_str())
}

fn named(host: Option<&str>) -> Name {
    let label = host.and_then(|host| host.split('.').next());
    let kept: String = label
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        .take(NAME_CHARS)
        .collect();
    let kept = if kept.is_empty() {
        FALLBACK_NAME
    } else {
        &kept
    };
    #[expect(
        clippy::expect_used,
        reason = "one to 63 letters, digits, - and _ are at most 252 bytes and no control characters"
    )]
    Name::new(kept).expect("a valid name")
}

/// Addresses of a relay on this port that others of the network may reach, likely ones first.
pub(crate) fn addresses(port: u16) -> Vec<String> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the network's interfaces cannot be listed");
        Vec::new()
    });
    let found = interfaces
        .into_iter()
        .map(|interface| (interface.ip(), interface.name));
    likely(found)
        .into_iter()
        .map(|address| format!("ws://{address}:{port}"))
        .collect()
}

fn likely(interfaces: impl Iterator<Item = (IpAddr, String)>) -> Vec<Ipv4Addr> {
    let mut found: Vec<(u8, Ipv4Addr)> = interfaces
        .filter(|(_, name)| {
            !NOT_THE_NETWORK
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
        .filter_map(|(address, _)| match address {
            IpAddr::V4(address) => Some((rank(address)?, address)),
            // The relay listens on IPv4.
            IpAddr::V6(_) => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|(_, address)| address).collect()
}

/// Homes and offices use these, in this order of likelihood; none for what leads nowhere.
fn rank(address: Ipv4Addr) -> Option<u8> {
    if address.is_loopback() || address.is_link_local() || address.is_unspecified() {
        return None;
    }
    Some(match address.octets() {
        [192, 168, ..] => 0,
        [10, ..] => 1,
        _ if address.is_private() => 2,
        _ => 3,
    })
}

/// A line of shell that sends a message to a client of the relay on this computer's port. The token
/// is fetched by the line when it runs.
pub(crate) fn curl(port: u16, name: &str) -> String {
    line(&command(), port, name)
}

fn line(command: &str, port: u16, name: &str) -> String {
    let name = utf8_percent_encode(name, ENCODED);
    format!(
        "curl -H \"Authorization: $({command} token)\" \"http://127.0.0.1:{port}/{name}.send?text=Hello&desp=from%20curl\""
    )
}

/// How a shell calls this program: by its name where the PATH leads to it, else by its place.
fn command() -> String {
    let here = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    let name = format!("tidings{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path)
        .find_map(|folder| std::fs::canonicalize(folder.join(&name)).ok());
    match here {
        Some(here) if first.as_ref() != Some(&here) => quoted(&here.to_string_lossy()),
        _ => "tidings".to_owned(),
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_name_becomes_a_clients() {
        for (host, expected) in [
            (Some("desk"), "desk"),
            (Some("desk.example.org"), "desk"),
            (Some("Anns PC (2)"), "AnnsPC2"),
            (Some("书桌"), "书桌"),
            (Some(""), FALLBACK_NAME),
            (Some("..."), FALLBACK_NAME),
            (None, FALLBACK_NAME),
        ] {
            assert_eq!(named(host).as_str(), expected);
        }
        assert_eq!(
            named(Some(&"𝒳".repeat(200))).as_str().chars().count(),
            NAME_CHARS
        );
    }

    #[test]
    fn likely_addresses_come_first_and_containers_not_at_all() {
        let given = [
            ("lo", "127.0.0.1"),
            ("docker0", "172.17.0.1"),
            ("br-12ab", "172.18.0.1"),
            ("eth0", "203.0.113.9"),
            ("wlan0", "192.168.1.20"),
            ("eth1", "10.1.2.3"),
            ("eth2", "169.254.3.4"),
            ("eth0", "fe80::1"),
        ];
        let found = likely(
            given
                .into_iter()
                .map(|(name, address)| (address.parse().unwrap(), name.to_owned())),
        );
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.168.1.20", "10.1.2.3", "203.0.113.9"]);
    }

    #[test]
    fn a_place_with_spaces_and_quotes_is_one_word() {
        assert_eq!(
            quoted("/opt/Ann's apps/tidings"),
            r"'/opt/Ann'\''s apps/tidings'"
        );
    }

    #[test]
    fn the_line_of_shell_survives_any_name() {
        assert_eq!(
            line("tidings", 9093, "my \"$(desk)\"`"),
            "curl -H \"Authorization: $(tidings token)\" \
             \"http://127.0.0.1:9093/my%20%22%24%28desk%29%22%60.send?text=Hello&desp=from%20curl\""
        );
    }
}
