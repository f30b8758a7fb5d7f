//! Each dialect: a request arrives as a MESSAGE, and is answered as its own server would.

use serde_json::{Value, json};
use tidings_relay::{Config, Dialect, Dialects};

use crate::{
    house::House,
    published,
    support::{TOKEN, config, message},
};

const JSON: (&str, &str) = ("content-type", "application/json");

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[tokio::test]
async fn gotify_by_json_form_and_multipart_with_the_token_where_its_clients_put_it() {
    let mut house = House::open().await;
    let secret = house.anns.clone();
    let body = json!({
        "title": "Backup", "message": "**done**", "priority": 8,
        "extras": {
            "client::display": {"contentType": "text/markdown"},
            "client::notification": {"click": {"url": "https://nas.example/"}},
        },
    });
    let bearer = format!("Bearer {secret}");
    let by_query = format!("/message?token={secret}");
    for (path, header) in [
        ("/message", Some(("x-gotify-key", secret.as_str()))),
        ("/message", Some(("authorization", bearer.as_str()))),
        (by_query.as_str(), None),
    ] {
        let headers: Vec<_> = header.into_iter().chain([JSON]).collect();
        let answer = house.ask("POST", path, &headers, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answered = answer.json();
        published::gotify("Message", &answered);
        for field in ["title", "message", "priority", "extras"] {
            assert_eq!(answered[field], body[field]);
        }
        let message = house.message().await;
        let extra = json!({"priority": 4, "markdown": true, "click": "https://nas.example/"});
        assert_eq!(
            message,
            json!({"text": "Backup", "desp": "**done**", "extra": extra})
        );
    }
    let form = query(&[("title", "T"), ("message", "M ü"), ("priority", "0")]);
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nT\r\n\
                     --B\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nM ü\r\n\
                     --B\r\nContent-Disposition: form-data; name=\"priority\"\r\n\r\n0\r\n--B--\r\n";
    for (kind, body) in [
        ("application/x-www-form-urlencoded", form.as_str()),
        ("multipart/form-data; boundary=B", multipart),
    ] {
        let headers = [("x-gotify-key", secret.as_str()), ("content-type", kind)];
        let answer = house.ask("POST", "/message", &headers, body).await;
        published::gotify("Message", &answer.json());
        let expected = json!({"text": "T", "desp": "M ü", "extra": {"priority": 1}});
        assert_eq!(house.message().await, expected);
    }
}

#[tokio::test]
async fn gotifys_refusals_and_probes_are_as_its_clients_know_them() {
    let mut house = House::open().await;
    let ask = async |headers: &[(&str, &str)], body: &str| {
        let answer = house.ask("POST", "/message", headers, body).await;
        published::gotify("Error", &answer.json());
        assert_eq!(answer.json()["errorCode"], answer.status);
        let words = answer.json()["errorDescription"]
            .as_str()
            .unwrap()
            .to_owned();
        (answer.status, words)
    };
    let (anns, ghosts) = (house.anns.as_str(), house.ghosts.as_str());
    let body = r#"{"message": "m"}"#;
    for (key, body, status, words) in [
        ("wrong", body, 401, "Token invalid"),
        (ghosts, body, 404, "nobody is known as \"ghost\""),
        (TOKEN, body, 403, "tokens add NAME --to"),
        (anns, "{}", 400, "message is missing"),
        (anns, r#"{"message": 5}"#, 400, "wrong type"),
        (anns, "{", 400, "JSON"),
    ] {
        let (got, said) = ask(&[("x-gotify-key", key), JSON], body).await;
        assert_eq!(got, status, "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(ask(&[JSON], body).await.0, 401);
    let long = format!(r#"{{"message": "{}"}}"#, "x".repeat(1024 * 1024));
    assert_eq!(ask(&[("x-gotify-key", anns), JSON], &long).await.0, 413);

    let version = house.ask("GET", "/version", &[], "").await;
    published::gotify("VersionInfo", &version.json());
    let health = house.ask("GET", "/health", &[], "").await.json();
    assert_eq!(
        (&health["health"], &health["database"]),
        (&json!("green"), &json!("green"))
    );
    house.expect_nothing().await;
}

#[tokio::test]
async fn ntfy_by_body_headers_query_and_json() {
    let mut house = House::open().await;
    let bearer = format!("Bearer {TOKEN}");
    let auth = ("authorization", bearer.as_str());
    let headers = [
        auth,
        ("Title", "=?UTF-8?B?w5xidW5n?="),
        ("Priority", "urgent"),
        ("Tags", "warning,skull"),
        ("Click", "https://a.example/x"),
        ("Icon", "https://a.example/i.png"),
        ("Actions", "view, Open, https://a.example/"),
        ("Markdown", "yes"),
        ("Delay", "2s"),
    ];
    let asked = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let answer = house.ask("PUT", "/ann", &headers, "It *burns*").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answered = answer.json();
    published::ntfy(&answered);
    assert_eq!(answered["title"], "Übung");
    // The time is the one of the delivery, as ntfy's is.
    let due = answered["time"].as_u64().unwrap();
    assert!((asked + 2..asked + 60).contains(&due), "{answered}");
    assert!(due < answered["expires"].as_u64().unwrap());
    let expected = json!({
        "text": "Übung", "desp": "It *burns*", "extra": {
            "priority": 5, "tags": ["warning", "skull"], "click": "https://a.example/x",
            "icon": "https://a.example/i.png", "markdown": true, "delay": 2,
            "actions": [{"action": "view", "label": "Open", "url": "https://a.example/"}],
        },
    });
    assert_eq!(house.message().await, expected);
    assert!(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() >= due);

    let plain = json!({"text": "", "desp": "Backup done", "extra": {}});
    // `curl -d` calls it a form; the dialect knows better.
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = house
        .ask("POST", "/ann", &[auth, form], "Backup done")
        .await;
    published::ntfy(&answer.json());
    assert_eq!(house.message().await, plain);
    let by_get = query(&[("message", "Backup done")]);
    for word in ["publish", "send", "trigger"] {
        let path = format!("/ann/{word}?{by_get}");
        published::ntfy(&house.ask("GET", &path, &[auth], "").await.json());
        assert_eq!(house.message().await, plain);
    }
    let json = json!({
        "topic": "home", "title": "T", "message": "M", "priority": 2,
        "attach": "https://a.example/p.png", "filename": "p.png",
    });
    let answer = house
        .ask("POST", "/", &[auth, JSON], &json.to_string())
        .await;
    published::ntfy(&answer.json());
    let extra = json!({"priority": 2, "attach": "https://a.example/p.png"});
    assert_eq!(
        house.message().await,
        json!({"text": "T", "desp": "M", "extra": extra})
    );
}

#[tokio::test]
async fn ntfys_topic_is_a_group_else_a_name_else_nobody() {
    let mut house = House::open().await;
    let mut twin = house.relay.client("home", "").await;
    let auth = ("authorization", TOKEN);
    // The group home, with ann in it, and not the client of that name.
    assert_eq!(house.ask("POST", "/home", &[auth], "x").await.status, 200);
    assert_eq!(house.message().await["desp"], "x");
    twin.expect_nothing().await;

    let refused = async |path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = house.ask("POST", path, headers, body).await;
        let error = answer.json();
        assert_eq!(error["http"], answer.status, "{error}");
        assert!(
            error["code"].is_u64() && error["error"].is_string(),
            "{error}"
        );
        (answer.status, error["error"].as_str().unwrap().to_owned())
    };
    let (status, words) = refused("/nobody", &[auth], "x").await;
    assert_eq!((status, words.contains("nobody is known as")), (404, true));
    assert_eq!(
        refused("/ann", &[("authorization", "wrong")], "x").await.0,
        401
    );
    assert_eq!(refused("/ann", &[], "x").await.0, 401);
    let anns = ("authorization", house.anns.as_str());
    assert_eq!(refused("/home", &[anns], "x").await.0, 403);
    assert_eq!(
        refused("/ann", &[auth, ("Email", "a@b.example")], "x")
            .await
            .0,
        400
    );
    assert_eq!(refused("/", &[auth], r#"{"topic": "nobody"}"#).await.0, 404);
    house.expect_nothing().await;
}

#[tokio::test]
async fn ntfys_own_ways_of_giving_the_token() {
    use base64::{
        Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD,
    };
    let mut house = House::open().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("phil:{TOKEN}")));
    let auth = format!("/ann?auth={}", URL_SAFE_NO_PAD.encode(&basic));
    let answer = house
        .ask("POST", "/ann", &[("authorization", &basic)], "x")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = house.ask("POST", &auth, &[], "x").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for _ in 0..2 {
        assert_eq!(
            house.message().await,
            json!({"text": "", "desp": "x", "extra": {}})
        );
    }
    let health = house.ask("GET", "/v1/health", &[], "").await;
    assert_eq!(health.json(), json!({"healthy": true}));
}

#[tokio::test]
async fn pushdeer_and_serverchan_by_query_and_form() {
    let mut house = House::open().await;
    let (key, ghosts) = (house.anns.clone(), house.ghosts.clone());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let fields = query(&[("text", "T"), ("desp", "*D*"), ("type", "markdown")]);
    let by_query = format!("/message/push?pushkey={key}&{fields}");
    for answer in [
        house.ask("GET", &by_query, &[], "").await,
        house
            .ask(
                "POST",
                &format!("/message/push?pushkey={key}"),
                &[form],
                &fields,
            )
            .await,
        house
            .ask(
                "POST",
                "/message/push",
                &[form],
                &format!("pushkey={key}&{fields}"),
            )
            .await,
    ] {
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(0)),
            "{answer:?}"
        );
    }
    for _ in 0..3 {
        let expected = json!({"text": "T", "desp": "*D*", "extra": {"markdown": true}});
        assert_eq!(house.message().await, expected);
    }
    for (key, status) in [("wrong", 401), (ghosts.as_str(), 404), (TOKEN, 403)] {
        let path = format!("/message/push?pushkey={key}&{fields}");
        let answer = house.ask("GET", &path, &[], "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.json()["error"].is_string() && answer.json()["code"] != 0);
    }

    let title = query(&[("title", "T"), ("desp", "D"), ("short", "s")]);
    let by_get = house
        .ask("GET", &format!("/{key}.send?{title}"), &[], "")
        .await;
    let by_form = house
        .ask("POST", &format!("/{key}.send"), &[form], &title)
        .await;
    for answer in [by_get, by_form] {
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (200, &json!(0)),
            "{answer:?}"
        );
        let expected = json!({"text": "T", "desp": "D", "extra": {"short": "s"}});
        assert_eq!(house.message().await, expected);
    }
    let lost = house
        .ask("GET", &format!("/{ghosts}.send?{title}"), &[], "")
        .await;
    assert_eq!((lost.status, &lost.json()["code"]), (404, &json!(40400)));
    // A key that is none is a name, and wants a token like any other.
    let none = house
        .ask("GET", &format!("/{key}x.send?{title}"), &[], "")
        .await;
    none.expect_info(401, "wants its token");
    house.expect_nothing().await;
}

#[tokio::test]
async fn a_packet_is_a_packet_on_the_paths_of_dialects_too() {
    let mut house = House::open().await;
    for path in [
        "/message",
        "/ann",
        "/send",
        "/version",
        "/message/push",
        "/ann/publish",
    ] {
        let packet = message("personal", "ann", "packet");
        let (answer, received) = tokio::join!(house.relay.post(path, &packet), async {
            house.ann.take("packet").await
        });
        answer.expect_status(json!({"ann": "ok"}));
        assert!(!received.is_empty());
    }
    let ping = house.relay.post("/ann", &json!({"cmd": "PING"})).await;
    ping.expect_info(400, "Unknow cmd: PING");
}

#[tokio::test]
async fn dialects_that_are_off_are_not_there() {
    let only_ntfy = Config {
        dialects: Dialects::only(&[Dialect::Ntfy]),
        ..config()
    };
    let house = House::with(only_ntfy).await;
    let key = house.anns.clone();
    let gotify = [("x-gotify-key", key.as_str()), JSON];
    let answer = house
        .ask("POST", "/message", &gotify, r#"{"message":"m"}"#)
        .await;
    // To ntfy it is a topic like others.
    assert_eq!((answer.status, &answer.json()["http"]), (404, &json!(404)));
    house
        .ask("GET", "/version", &[], "")
        .await
        .expect_info(404, "/NAME.send");
    let pushdeer = house
        .ask(
            "GET",
            &format!("/message/push?pushkey={key}&text=x"),
            &[],
            "",
        )
        .await;
    pushdeer.expect_info(404, "/NAME.send");
    let serverchan = house
        .ask("GET", &format!("/{key}.send?title=x"), &[], "")
        .await;
    serverchan.expect_info(401, "wants its token");
    assert_eq!(
        house.ask("GET", "/health", &[], "").await.json(),
        json!({"status": "ok"})
    );

    let none = Config {
        dialects: Dialects::only(&[]),
        ..config()
    };
    let mut house = House::with(none).await;
    let auth = [("authorization", TOKEN)];
    house
        .ask("POST", "/ann", &auth, "x")
        .await
        .expect_info(400, "JSON");
    house
        .ask("PUT", "/", &auth, r#"{"topic":"ann"}"#)
        .await
        .expect_info(405, "POST");
    let topic = house.ask("POST", "/", &auth, r#"{"topic":"ann"}"#).await;
    topic.expect_info(400, "Unknow cmd: undefined");
    let kuma = json!({"heartbeat": null, "monitor": null, "msg": "m"}).to_string();
    let answer = house.post("/ann.send?wait=0", JSON.1, &kuma).await;
    assert_eq!(answer.status, 200);
    let extra = json!({"heartbeat": Value::Null, "monitor": Value::Null});
    assert_eq!(
        house.message().await,
        json!({"text": "", "desp": "m", "extra": extra})
    );
}
