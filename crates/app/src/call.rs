//! A request by HTTP that a message offers and the person agreed to.
//!
//! Owns its bounds: time, headers, bytes. Follows no redirect, sends no cookie and keeps no connection;
//! of the answer only the status is read, as nobody shows the rest. The person agreed to this sender
//! and this host before: see `extra::offers`.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use tidings_session::{Address, AddressError};
use url::Url;

use crate::extra::Said;
use crate::http;
use crate::types::Deed;
use crate::words::Wrong;

/// How long the whole may take: a door opener answers in a second; a person waits no longer.
const DEADLINE: Duration = Duration::from_secs(15);

/// Headers a sender may add, and bytes of one.
const HEADERS: usize = 16;
const HEADER_BYTES: usize = 4096;

/// Headers that are ours: how the request is framed, and to whom it goes.
const OURS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "cookie",
    "proxy-authorization",
    "proxy-connection",
    "keep-alive",
];

/// Makes it. What came of it is told by the other side's status alone.
///
/// # Errors
/// What became of it, as far as is known.
pub(crate) async fn make(deed: &Deed, said: Said) -> Result<(), Wrong> {
    let Deed::Call { method, url, place } = deed else {
        return Ok(());
    };
    match tokio::time::timeout(DEADLINE, answer(method, url, said)).await {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(Wrong::CallRefused {
            place: place.clone(),
            status: status.to_string(),
        }),
        Ok(Err(reason)) => Err(Wrong::CallFailed {
            place: place.clone(),
            reason,
        }),
        Err(_) => Err(Wrong::CallSilent {
            place: place.clone(),
            seconds: DEADLINE.as_secs(),
        }),
    }
}

async fn answer(method: &str, url: &str, said: Said) -> Result<StatusCode, String> {
    let request = request(method, url, said)?;
    let (status, _) = http::exchange(address(url)?, None, request, 0).await?;
    Ok(status)
}

/// Where the connection goes: host and port alone.
fn address(url: &str) -> Result<Address, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}://{host}:{port}/", url.scheme())
        .parse()
        .map_err(|error: AddressError| error.to_string())
}

fn request(method: &str, url: &str, said: Said) -> Result<Request<Full<Bytes>>, String> {
    let wrong = |what: &str| format!("its {what} is not one");
    let uri: Uri = url.parse().map_err(|_| wrong("address"))?;
    let authority = uri.authority().ok_or_else(|| wrong("address"))?;
    // A name and password in the address are no part of the host.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("Tidings/", env!("CARGO_PKG_VERSION")));
    for (name, value) in said.headers.into_iter().take(HEADERS) {
        let name = HeaderName::try_from(name).map_err(|_| wrong("header"))?;
        if value.len() > HEADER_BYTES || OURS.contains(&name.as_str()) {
            continue;
        }
        let value = HeaderValue::try_from(value).map_err(|_| wrong("header"))?;
        request = request.header(name, value);
    }
    request
        .body(Full::new(Bytes::from(said.body)))
        .map_err(|_| wrong("address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that answers one request so; gives what it was asked.
    async fn asked(answer: &'static str, said: Said) -> (String, Result<(), Wrong>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let accepted = tokio::time::timeout(DEADLINE, listener.accept()).await;
            let (mut stream, _) = accepted.unwrap().unwrap();
            let mut asked = String::new();
            let mut part = [0; 4096];
            while !asked.ends_with("{}") {
                let read = stream.read(&mut part).await.unwrap();
                assert!(read > 0, "it ended after {asked}");
                asked.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked
        };
        let call = Deed::Call {
            method: "PUT".into(),
            url: format!("http://me:secret@127.0.0.1:{port}/close?x=1"),
            place: "127.0.0.1".into(),
        };
        tokio::join!(serve, async { make(&call, said).await })
    }

    fn said() -> Said {
        Said {
            headers: vec![
                ("X-Door".into(), "7".into()),
                ("Host".into(), "elsewhere".into()),
                ("Cookie".into(), "a=b".into()),
            ],
            body: "{}".into(),
        }
    }

    #[tokio::test]
    async fn a_request_is_made_as_its_sender_wrote_it_and_to_nobody_else() {
        let ok = "HTTP/1.1 204 No Content\r\n\r\n";
        let (asked, result) = asked(ok, said()).await;
        assert_eq!(result, Ok(()));
        assert!(asked.starts_with("PUT /close?x=1 HTTP/1.1\r\n"), "{asked}");
        let lower = asked.to_lowercase();
        assert!(
            lower.contains("x-door: 7") && lower.contains("host: 127.0.0.1:"),
            "{asked}"
        );
        for not in ["elsewhere", "cookie", "secret"] {
            assert!(!lower.contains(not), "{asked}");
        }
    }

    #[tokio::test]
    async fn what_went_wrong_is_said_and_no_redirect_is_followed() {
        let moved =
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (_, result) = asked(moved, said()).await;
        assert!(result.unwrap_err().to_string().contains("302"));
        let nobody = Deed::Call {
            method: "POST".into(),
            url: "http://127.0.0.1:1/".into(),
            place: "127.0.0.1".into(),
        };
        let words = make(&nobody, Said::default())
            .await
            .unwrap_err()
            .to_string();
        assert!(words.contains("could not be made"), "{words}");
    }
}
