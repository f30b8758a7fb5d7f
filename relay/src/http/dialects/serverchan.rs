//! `/SENDKEY.send` of ServerChan: `title` and `desp`, by query, form or JSON. The key in the path is a
//! token of ours; the shell has compared it already.

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{Said, Sent, To};
use crate::http::{
    answer::{self, Refused},
    asked::Asked,
    body::BadRequest,
    request::Fields,
};

pub(super) fn read(asked: &Asked) -> Result<Said, BadRequest> {
    let mut fields = Fields::of_query(&asked.query);
    fields.add_content(asked)?;
    let mut flat = fields.into_flat();
    flat.to = To::Holder;
    Ok(Said {
        flat,
        echo: Map::new(),
    })
}

pub(super) fn answer(sent: &Sent<'_>) -> Response {
    let data = json!({"pushid": sent.mid, "readkey": "", "error": "SUCCESS", "errno": 0});
    let text = json!({"code": 0, "message": "", "data": data});
    answer::json(StatusCode::OK, text.to_string())
}

pub(super) fn refusal(refused: &Refused) -> Value {
    json!({
        "code": u32::from(refused.status().as_u16()) * 100,
        "message": refused.words(),
        "data": null,
    })
}
