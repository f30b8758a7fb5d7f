//! What stands in a request's body, whatever its form: fields of a form, a multipart form or a JSON
//! object; or text. Pure.
//!
//! Invariants: everything is UTF-8, or in the charset that the request names, or refused; JSON is
//! refused before it is nested so deeply that a recipient could not read the message again.

use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use futures_util::{FutureExt as _, stream};
use percent_encoding::percent_decode;
use serde_json::Value;

/// Levels of a flat JSON body. Alerts have five or so; recipients read 128 in all, of which the
/// packet around the message takes a few.
const LEVELS: usize = 64;

/// Fields of one request. The longest alerts have fifty or so; it bounds what their order costs.
const FIELDS: usize = 1000;

/// What is wrong with what a request says. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("the body is no form and no JSON object: send one, with its Content-Type")]
    Object,
    #[error("the JSON is nested more than {LEVELS} levels deep: make it flatter")]
    Deep,
    #[error("there are more than {FIELDS} fields: send fewer")]
    ManyFields,
    #[error("{0} is not UTF-8: send it as UTF-8, or name its charset in the Content-Type")]
    Charset(&'static str),
    #[error("the charset {0:?} is not known: send UTF-8")]
    UnknownCharset(String),
    #[error("the multipart form is broken: {0}")]
    Multipart(String),
    #[error(
        "Unsupported Content Type: {0}: send application/json, a form, text/plain or text/markdown"
    )]
    ContentType(String),
    #[error("the header {0} is of no use: write text on one line, as UTF-8 or by RFC 2047")]
    Header(&'static str),
    #[error("{0} is of the wrong type: {1}")]
    Type(&'static str, &'static str),
    #[error("{0} is missing: {1}")]
    Missing(&'static str, &'static str),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl From<BadRequest> for String {
    fn from(error: BadRequest) -> Self {
        error.to_string()
    }
}

/// What a body holds.
#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Nothing,
    /// Fields in the order in which they came; in a form, one may come more than once.
    Fields(Vec<(String, Value)>),
    Text {
        text: String,
        markdown: bool,
    },
}

/// What a request says about its body.
#[derive(Debug, Default)]
struct Kind {
    /// `text/plain`, in lower case, without parameters.
    essence: String,
    charset: Option<String>,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Self::default();
        };
        let value = String::from_utf8_lossy(value.as_bytes());
        let mut parts = value.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            let named = key.trim().eq_ignore_ascii_case("charset");
            named.then(|| value.trim().trim_matches('"').to_owned())
        });
        Self { essence, charset }
    }

    fn encoding(&self) -> Result<&'static Encoding, BadRequest> {
        let Some(charset) = &self.charset else {
            return Ok(UTF_8);
        };
        Encoding::for_label(charset.as_bytes())
            .ok_or_else(|| BadRequest::UnknownCharset(charset.chars().take(40).collect()))
    }
}

/// The media type of a body, in lower case and without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    Kind::of(headers).essence
}

/// Reads a body.
pub(super) fn read(
    method: &Method,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Content, BadRequest> {
    let kind = Kind::of(headers);
    let begins_an_object = body.trim_ascii_start().first() == Some(&b'{');
    match kind.essence.as_str() {
        _ if body.trim_ascii().is_empty() => Ok(Content::Nothing),
        "application/json" => object(body).map(Content::Fields),
        // `curl -d '{..}'` calls everything a form, and so does `wget --post-data`.
        "application/x-www-form-urlencoded" | "" if begins_an_object => {
            object(body).map(Content::Fields)
        }
        // What a form never is: one text without a `=`, and what `curl -T` puts without a type.
        "application/x-www-form-urlencoded" if !body.contains(&b'=') => plain(&kind, body, false),
        "" if *method == Method::PUT || !body.contains(&b'=') => plain(&kind, body, false),
        "application/x-www-form-urlencoded" | "" => {
            let fields = form(body, kind.encoding()?)?;
            let fields = fields.into_iter().map(|(k, v)| (k, Value::String(v)));
            limited(fields.collect()).map(Content::Fields)
        }
        "multipart/form-data" => multipart(headers, body).map(Content::Fields),
        "text/plain" => plain(&kind, body, false),
        "text/markdown" | "text/x-markdown" => plain(&kind, body, true),
        other => Err(BadRequest::ContentType(other.chars().take(80).collect())),
    }
}

fn plain(kind: &Kind, body: &[u8], markdown: bool) -> Result<Content, BadRequest> {
    let text = decoded(body, kind.encoding()?, "the body")?;
    Ok(Content::Text { text, markdown })
}

/// Text that has to be UTF-8.
pub(super) fn utf8(body: &[u8]) -> Result<String, BadRequest> {
    decoded(body, UTF_8, "the body")
}

fn decoded(
    bytes: &[u8],
    encoding: &'static Encoding,
    what: &'static str,
) -> Result<String, BadRequest> {
    // Not by what a byte order mark says instead: what was named, or UTF-8, is what counts.
    let (text, broken) = encoding.decode_with_bom_removal(bytes);
    if broken {
        return Err(BadRequest::Charset(what));
    }
    Ok(text.into_owned())
}

/// The fields of a JSON object.
pub(super) fn object(body: &[u8]) -> Result<Vec<(String, Value)>, BadRequest> {
    match json(body)? {
        Value::Object(object) => limited(object.into_iter().collect()),
        _ => Err(BadRequest::Object),
    }
}

/// JSON, from a body or a field: wherever it stands, it is not nested too deeply.
pub(super) fn json(text: &[u8]) -> Result<Value, BadRequest> {
    let value: Value = serde_json::from_slice(text).map_err(|error| {
        if error.to_string().contains("recursion limit") {
            BadRequest::Deep
        } else if std::str::from_utf8(text).is_err() {
            BadRequest::Charset("the body")
        } else {
            BadRequest::Object
        }
    })?;
    if levels(&value) > LEVELS {
        return Err(BadRequest::Deep);
    }
    Ok(value)
}

/// How deeply a value is nested. The parser has bounded it already.
fn levels(value: &Value) -> usize {
    let inner = match value {
        Value::Array(list) => list.iter().map(levels).max(),
        Value::Object(object) => object.values().map(levels).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

fn limited(fields: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, BadRequest> {
    if fields.len() > FIELDS {
        return Err(BadRequest::ManyFields);
    }
    Ok(fields)
}

/// A query, or a form, whose text is UTF-8 or refused.
pub(super) fn query(query: &str) -> Result<Vec<(String, String)>, BadRequest> {
    form(query.as_bytes(), UTF_8)
}

fn form(form: &[u8], encoding: &'static Encoding) -> Result<Vec<(String, String)>, BadRequest> {
    let text = |part: &[u8]| {
        let spaced: Vec<u8> = part
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let bytes: Vec<u8> = percent_decode(&spaced).collect();
        decoded(&bytes, encoding, "a field")
    };
    form.trim_ascii_end()
        .split(|byte| *byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let mut parts = field.splitn(2, |byte| *byte == b'=');
            let mut next = || parts.next().unwrap_or_default();
            Ok((text(next())?, text(next())?))
        })
        .collect()
}

/// The fields of a multipart form; files are left out, as there is nowhere to keep them.
fn multipart(headers: &HeaderMap, body: &Bytes) -> Result<Vec<(String, Value)>, BadRequest> {
    let broken = |error: multer::Error| BadRequest::Multipart(error.to_string());
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(body.clone())]);
    let mut form = multer::Multipart::new(whole, boundary);
    let reading = async {
        let mut fields = Vec::new();
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().map(str::to_owned);
            let is_file = field.file_name().is_some();
            let bytes = field.bytes().await.map_err(broken)?;
            if let (Some(name), false) = (name, is_file) {
                let text = decoded(&bytes, UTF_8, "a field")?;
                fields.push((name, Value::String(text)));
            }
            if fields.len() > FIELDS {
                return Err(BadRequest::ManyFields);
            }
        }
        Ok(fields)
    };
    // All of it is here, so there is nothing to wait for.
    reading.now_or_never().unwrap_or_else(|| {
        Err(BadRequest::Multipart(
            "it ends before its last boundary".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use serde_json::json;

    fn content(kind: &str, body: &'static [u8]) -> Result<Content, BadRequest> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        read(&Method::POST, &headers, &Bytes::from_static(body))
    }

    fn text(kind: &str, body: &'static [u8]) -> String {
        match content(kind, body).unwrap() {
            Content::Text { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    fn fields(kind: &str, body: &'static [u8]) -> Value {
        match content(kind, body).unwrap() {
            Content::Fields(fields) => Value::Object(fields.into_iter().collect()),
            other => panic!("{other:?}"),
        }
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=XX";

    #[test]
    fn every_form_of_body_becomes_fields_or_text() {
        assert_eq!(
            fields(FORM, b"a=1+2&b=%C3%BC"),
            json!({"a": "1 2", "b": "ü"})
        );
        assert_eq!(fields(FORM, br#"{"a": [1]}"#), json!({"a": [1]}));
        assert_eq!(fields("", b"a=1"), json!({"a": "1"}));
        assert_eq!(fields("application/json; charset=utf-8", b"{}"), json!({}));
        let multipart = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
                          --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\xff\r\n--XX--\r\n";
        assert_eq!(fields(MULTIPART, multipart), json!({"a": "1"}));
        assert_eq!(text("text/plain", "hällo".as_bytes()), "hällo");
        assert_eq!(
            text("Text/Plain; Charset=\"ISO-8859-1\"", b"h\xe4llo"),
            "hällo"
        );
        assert_eq!(text(FORM, b"Backup done"), "Backup done");
        assert_eq!(
            fields(&format!("{FORM}; charset=latin1"), b"a=%e4"),
            json!({"a": "ä"})
        );
        assert_eq!(content("text/plain", b" \n").unwrap(), Content::Nothing);
        let markdown = content("text/markdown", b"# x").unwrap();
        assert!(matches!(markdown, Content::Text { markdown: true, .. }));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        for (kind, body, words) in [
            ("text/plain", &b"\xff"[..], "UTF-8"),
            ("text/plain", &b"\xff\xfe"[..], "UTF-8"),
            ("text/plain; charset=klingon", b"x", "klingon"),
            ("application/json", b"{\"a\":\"\xff\"}", "UTF-8"),
            ("application/json", b"[1]", "JSON object"),
            ("application/json", b"{", "JSON object"),
            (FORM, b"a=%ff", "UTF-8"),
            ("image/png", b"x", "Unsupported Content Type: image/png"),
            ("multipart/form-data", b"x", "multipart"),
            (
                MULTIPART,
                b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
                "multipart",
            ),
        ] {
            let error = content(kind, body).unwrap_err().to_string();
            assert!(error.contains(words), "{kind}: {error}");
        }
        let nested = |levels: usize| {
            let text = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
            object(text.as_bytes())
        };
        assert!(nested(LEVELS - 1).is_ok());
        assert!(matches!(nested(LEVELS), Err(BadRequest::Deep)));
        assert!(matches!(nested(5000), Err(BadRequest::Deep)));
        let many = (0..=FIELDS).map(|i| format!("f{i}=&")).collect::<String>();
        let many = read(&Method::POST, &HeaderMap::new(), &many.into());
        assert!(matches!(many, Err(BadRequest::ManyFields)));
    }
}
