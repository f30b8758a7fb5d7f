//! Pictures that a message names, fetched when a person asks to see them.
//!
//! Owns which a message names, the fetch and its bounds, and what counts as a picture. Windows hold no
//! connection to the network: they are handed the bytes. Nothing is fetched unasked, as a fetch tells
//! a picture's server who read the message, and when.
//!
//! Invariants: https only, through redirects too; every address that is connected to is one of the
//! public internet, so that no message reaches into the person's own network; no cookie, no referrer
//! and nothing of the message is sent; what is no raster picture by its own bytes, or one that a
//! window would need much memory to draw, is not passed on.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imagesize::ImageType;
use pulldown_cmark::{Event, Parser, Tag};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use tidings_relay::push::is_public;

/// How long a fetch may take in all: a person waits for it.
const DEADLINE: Duration = Duration::from_secs(15);

/// Bytes of a picture: what phones make; in base64 it fits into one line of the local socket.
const BYTES: u64 = 4 * 1024 * 1024;

/// Pixels of a picture: a window needs four bytes for each.
const PIXELS: usize = 40_000_000;

/// Redirects that are followed: a host for pictures has one or two.
const REDIRECTS: u32 = 4;

/// A picture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Its media type, by its own bytes.
    pub(crate) kind: &'static str,
    bytes: Vec<u8>,
}

impl Picture {
    pub(crate) fn in_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.bytes)
    }
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error(
        "The picture lies in a private network, where messages may not lead. Open its link instead."
    )]
    Private,
    #[error("The picture is larger than {} MiB. Open its link instead.", BYTES >> 20)]
    Large,
    #[error("What lies there is no picture of a kind that is shown here (PNG, JPEG, GIF, WebP).")]
    NoPicture,
    #[error("The picture has too many pixels to be shown here. Open its link instead.")]
    Pixels,
    #[error("The picture's server did not answer within {} seconds.", DEADLINE.as_secs())]
    Late,
    #[error("The picture could not be fetched: {0}.")]
    Fetch(#[source] ureq::Error),
    #[error("The picture could not be fetched: {0}.")]
    Task(#[from] tokio::task::JoinError),
}

/// The addresses of the pictures in a body.
pub(crate) fn named(body: &str) -> impl Iterator<Item = String> {
    Parser::new(body).filter_map(|event| match event {
        Event::Start(Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    })
}

/// Fetches one.
///
/// # Errors
/// [`PictureError`], in words for people.
pub(crate) async fn fetch(address: String) -> Result<Picture, PictureError> {
    // Bounded by its deadline, and few at a time: a face has few requests under way.
    tokio::task::spawn_blocking(move || {
        let agent = agent(Public::default(), true);
        read(&agent, &address)
    })
    .await?
}

fn agent(resolver: impl Resolver, https_only: bool) -> ureq::Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        // An authority that an office installed works here too.
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    let config = ureq::Agent::config_builder()
        .https_only(https_only)
        .max_redirects(REDIRECTS)
        // A proxy would look names up out of sight.
        .proxy(None)
        .timeout_global(Some(DEADLINE))
        .user_agent(concat!("Tidings/", env!("CARGO_PKG_VERSION")))
        .accept("image/png, image/jpeg, image/gif, image/webp")
        .tls_config(tls)
        .build();
    ureq::Agent::with_parts(config, DefaultConnector::default(), resolver)
}

fn read(agent: &ureq::Agent, address: &str) -> Result<Picture, PictureError> {
    let mut answer = agent.get(address).call().map_err(fault)?;
    let bytes = answer
        .body_mut()
        .with_config()
        .limit(BYTES)
        .read_to_vec()
        .map_err(fault)?;
    let kind = match imagesize::image_type(&bytes) {
        Ok(ImageType::Png) => "image/png",
        Ok(ImageType::Jpeg) => "image/jpeg",
        Ok(ImageType::Gif) => "image/gif",
        Ok(ImageType::Webp) => "image/webp",
        _ => return Err(PictureError::NoPicture),
    };
    let size = imagesize::blob_size(&bytes).map_err(|_| PictureError::NoPicture)?;
    if size.width.saturating_mul(size.height) > PIXELS {
        return Err(PictureError::Pixels);
    }
    Ok(Picture { kind, bytes })
}

fn fault(error: ureq::Error) -> PictureError {
    match error {
        ureq::Error::BodyExceedsLimit(_) => PictureError::Large,
        ureq::Error::Timeout(_) => PictureError::Late,
        ureq::Error::Other(inner) if inner.is::<Inner>() => PictureError::Private,
        error => PictureError::Fetch(error),
    }
}

/// The system's look-up, without what is not of the public internet.
#[derive(Debug, Default)]
struct Public(DefaultResolver);

/// An address of a private network.
#[derive(Debug, thiserror::Error)]
#[error("the address is one of a private network")]
struct Inner;

impl Resolver for Public {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if found.iter().all(|address| is_public(address.ip())) {
            Ok(found)
        } else {
            Err(ureq::Error::Other(Box::new(Inner)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    /// The smallest of PNGs' beginnings: so many pixels wide and high.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    /// Every name lies there.
    #[derive(Debug)]
    struct There(SocketAddr);

    impl Resolver for There {
        fn resolve(
            &self,
            _: &Uri,
            _: &ureq::config::Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut addresses = self.empty();
            addresses.push(self.0);
            Ok(addresses)
        }
    }

    /// What a server gives that answers so; and what it was asked.
    fn fetched(answers: Vec<Vec<u8>>) -> (Result<Picture, PictureError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut asked = String::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut part = [0; 4096];
                let from = asked.len();
                while !asked[from..].ends_with("\r\n\r\n") {
                    let read = stream.read(&mut part).unwrap();
                    assert!(read > 0, "it ended after {asked}");
                    asked.push_str(std::str::from_utf8(&part[..read]).unwrap());
                }
                // It may have heard enough.
                let _ = stream.write_all(&answer);
            }
            asked
        });
        let agent = agent(There(address), false);
        let picture = read(&agent, "http://pictures.example/a.png");
        (picture, server.join().unwrap())
    }

    fn answer(body: &[u8]) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        let (picture, asked) = fetched(vec![answer(&png(2, 3))]);
        let picture = picture.unwrap();
        assert_eq!(picture.kind, "image/png");
        assert_eq!(
            BASE64_STANDARD.decode(picture.in_base64()).unwrap(),
            png(2, 3)
        );
        let asked = asked.to_lowercase();
        assert!(asked.starts_with("get /a.png http/1.1\r\n"), "{asked}");
        assert!(
            !asked.contains("cookie") && !asked.contains("referer"),
            "{asked}"
        );
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"<script>",
            b"",
        ] {
            let (picture, _) = fetched(vec![answer(other)]);
            assert!(
                matches!(picture, Err(PictureError::NoPicture)),
                "{picture:?}"
            );
        }
    }

    #[test]
    fn a_picture_is_bounded_in_bytes_and_pixels() {
        let (picture, _) = fetched(vec![answer(&png(100_000, 100_000))]);
        assert!(matches!(picture, Err(PictureError::Pixels)), "{picture:?}");
        let large = vec![0; usize::try_from(BYTES).unwrap() + 1];
        let (picture, _) = fetched(vec![answer(&large)]);
        assert!(matches!(picture, Err(PictureError::Large)), "{picture:?}");
        let (picture, _) = fetched(vec![
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ]);
        let words = picture.unwrap_err().to_string();
        assert!(words.contains("404"), "{words}");
    }

    #[test]
    fn redirects_are_followed_a_few_times() {
        let moved = b"HTTP/1.1 302 Found\r\nLocation: http://cdn.example/b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec();
        let (picture, asked) = fetched(vec![moved.clone(), answer(&png(1, 1))]);
        assert!(picture.is_ok(), "{picture:?}");
        assert!(asked.contains("GET /b "), "{asked}");
        let (picture, _) = fetched(vec![moved; 5]);
        assert!(
            matches!(picture, Err(PictureError::Fetch(_))),
            "{picture:?}"
        );
    }

    #[tokio::test]
    async fn no_message_reaches_into_the_persons_own_network() {
        for address in [
            "https://127.0.0.1/a.png",
            "https://[::1]:1/",
            "https://192.168.1.1/x",
        ] {
            let picture = fetch(address.to_owned()).await;
            assert!(
                matches!(picture, Err(PictureError::Private)),
                "{address}: {picture:?}"
            );
        }
        for address in ["http://example.com/a.png", "file:///etc/passwd", "x"] {
            assert!(fetch(address.to_owned()).await.is_err(), "{address}");
        }
    }

    #[test]
    fn what_a_message_names_is_found_as_its_reader_finds_it() {
        let body = "![a](https://a.example/x_1.png) `![b](https://b.example)` [![c]][r]\n\n[c]: https://c.example/?a=1&amp;b=2\n[r]: https://r.example";
        let found: Vec<String> = named(body).collect();
        assert_eq!(
            found,
            ["https://a.example/x_1.png", "https://c.example/?a=1&b=2"]
        );
    }
}
