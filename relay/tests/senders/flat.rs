//! Flat requests: every form of body, whom it goes to, and what its sender hears.

use serde_json::json;

use tidings_relay::Config;

use crate::{
    house::House,
    support::{Relay, TOKEN, config, http},
};

#[tokio::test]
async fn every_form_of_body_arrives_as_the_same_message() {
    let mut house = House::open().await;
    let json = r#"{"title": "T", "message": "ü", "x": {"y": [1, null]}}"#;
    let latin = "title=T&body=%FC";
    for (method, kind, body, extra) in [
        (
            "POST",
            "application/json",
            json,
            json!({"x": {"y": [1, null]}}),
        ),
        (
            "PUT",
            "application/json",
            json,
            json!({"x": {"y": [1, null]}}),
        ),
        (
            "POST",
            "application/x-www-form-urlencoded",
            "subject=T&content=%C3%BC&x=1",
            json!({"x": "1"}),
        ),
        (
            "POST",
            "application/x-www-form-urlencoded; charset=iso-8859-1",
            latin,
            json!({}),
        ),
    ] {
        let headers = [("authorization", TOKEN), ("content-type", kind)];
        let answer = house.ask(method, "/ann.send?wait=0", &headers, body).await;
        answer.expect_status(json!({"ann": "wait"}));
        let expected = json!({"text": "T", "desp": "ü", "extra": extra});
        assert_eq!(house.message().await, expected);
    }
    let text = [
        ("authorization", TOKEN),
        ("content-type", "text/plain"),
        ("title", "=?utf-8?q?=C3=9C?="),
    ];
    for path in ["/ann.send?wait=0", "/home.group?wait=0"] {
        let answer = house.ask("POST", path, &text, "line\nline ü").await;
        answer.expect_status(json!({"ann": "wait"}));
        let expected = json!({"text": "Ü", "desp": "line\nline ü", "extra": {}});
        assert_eq!(house.message().await, expected);
    }
    // As `curl -T` puts a file.
    let bare = [("authorization", TOKEN)];
    let answer = house
        .ask("PUT", "/ann.send?wait=0&title=Log", &bare, "a=b&c")
        .await;
    answer.expect_status(json!({"ann": "wait"}));
    assert_eq!(
        house.message().await,
        json!({"text": "Log", "desp": "a=b&c", "extra": {}})
    );
}

#[tokio::test]
async fn a_target_may_be_a_field_or_the_tokens_own() {
    let mut house = House::open().await;
    let kind = "application/json";
    for (body, title) in [
        (json!({"target": "ann", "text": "a"}), "a"),
        (
            json!({"target": "ann", "sendType": "personal", "text": "b"}),
            "b",
        ),
        (
            json!({"target": "home", "sendType": "group", "text": "c"}),
            "c",
        ),
    ] {
        let answer = house.post("/send?wait=0", kind, &body.to_string()).await;
        answer.expect_status(json!({"ann": "wait"}));
        assert_eq!(
            house.message().await,
            json!({"text": title, "desp": "", "extra": {}})
        );
    }
    let shared = [("authorization", TOKEN)];
    let answer = house
        .ask("GET", "/send?wait=0&target=ann&text=d", &shared, "")
        .await;
    answer.expect_status(json!({"ann": "wait"}));
    assert_eq!(house.message().await["text"], "d");
    let own = format!("/send?wait=0&text=e&token={}", house.anns);
    house
        .ask("GET", &own, &[], "")
        .await
        .expect_status(json!({"ann": "wait"}));
    assert_eq!(house.message().await["text"], "e");

    let without = house.ask("GET", "/send?text=f", &shared, "").await;
    without.expect_info(400, "target is missing");
    let foreign = format!(
        "/send?text=f&target=home&sendType=group&token={}",
        house.anns
    );
    house
        .ask("GET", &foreign, &[], "")
        .await
        .expect_info(403, "may not send to");
    let odd = house
        .ask("GET", "/send?target=ann&sendType=all", &shared, "")
        .await;
    odd.expect_info(400, "personal or group");
    house.expect_nothing().await;
}

#[tokio::test]
async fn a_message_for_nobody_is_a_failure_to_senders_that_look_at_the_status_only() {
    let house = House::open().await;
    let shared = [("authorization", TOKEN)];
    // The base protocol's GET says it in its statuses.
    house
        .ask("GET", "/ghost.send?text=x", &shared, "")
        .await
        .expect_status(json!({"ghost": "no"}));
    let form = "application/x-www-form-urlencoded";
    for (path, status) in [
        ("/ghost.send", json!({"ghost": "no"})),
        ("/nobody.group", json!({})),
        ("/send?target=ghost", json!({"ghost": "no"})),
    ] {
        let answer = house.post(path, form, "text=x").await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.json()["cmd"], "MESSAGE_REPLY");
        assert_eq!(answer.json()["data"]["status"], status);
    }
}

#[tokio::test]
async fn a_pages_picture_sends_nothing_through_a_relay_without_a_token() {
    let open = Relay::with(Config {
        token: None,
        ..config()
    })
    .await;
    open.known("ann", "").await;
    let ask = async |path: &str, site: &str| {
        http(open.address, "GET", path, &[("sec-fetch-site", site)], "").await
    };
    for path in [
        "/ann.send?wait=0&text=x",
        "/ann/publish?message=x",
        "/send?wait=0&target=ann",
    ] {
        for site in ["cross-site", "same-site"] {
            ask(path, site).await.expect_info(403, "origin");
        }
        // Typed by a person, and the relay's own pages.
        for site in ["none", "same-origin"] {
            assert_eq!(ask(path, site).await.status, 200, "{path} {site}");
        }
    }
    // With a token, a page has to know it.
    let house = House::open().await;
    let headers = [("sec-fetch-site", "cross-site"), ("authorization", TOKEN)];
    let answer = house.ask("GET", "/ann.send?wait=0", &headers, "").await;
    answer.expect_status(json!({"ann": "wait"}));
}
