//! Every recipe of docs/senders.md, taken out of it and run as it stands there. What cannot run here
//! (PowerShell, Home Assistant, Grafana, Alertmanager, Uptime Kuma, Proxmox, GitHub) is tested by
//! reading its configuration as that program does, and sending what it would send with it.
//!
//! A recipe that is added without a test fails here.

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio,
};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    house::{House, apprise, fixture},
    support::{Answer, http, within},
};

/// A fenced block: its language and its text.
type Block = (String, String);

/// The blocks of each section of the manual.
fn recipes() -> BTreeMap<String, Vec<Block>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/senders.md");
    let text = fs::read_to_string(path).unwrap();
    let mut recipes: BTreeMap<String, Vec<Block>> = BTreeMap::new();
    let (mut section, mut open) = (String::new(), None::<Block>);
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => {
                let block = open.take().unwrap();
                recipes.entry(section.clone()).or_default().push(block);
            }
            (Some((_, text)), _) => text.extend([line, "\n"]),
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    section = heading.to_owned();
                }
            }
        }
    }
    assert!(open.is_none());
    recipes
}

/// The blocks of a section, all of this language.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let blocks = recipes().remove(section).unwrap();
    assert!(blocks.iter().all(|(l, _)| l == language), "{section}");
    blocks.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn every_recipe_has_a_test() {
    let sections: Vec<_> = recipes().into_keys().collect();
    let tested = [
        "Anything made for gotify or ntfy",
        "Apprise",
        "GitHub Actions",
        "Grafana",
        "Home Assistant",
        "PowerShell",
        "Prometheus Alertmanager",
        "Proxmox VE",
        "Uptime Kuma",
        "cron",
        "curl",
        "systemd",
        "wget",
    ];
    assert_eq!(sections, tested);
}

/// A house, with the programs that recipes call: ours, Apprise, and what the test puts there.
struct Shell {
    house: House,
    folder: tempfile::TempDir,
}

impl Shell {
    async fn open() -> Self {
        Self {
            house: House::open().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn address(&self) -> String {
        format!("http://{}", self.house.relay.address)
    }

    /// The text with the reader's own address and token in it.
    fn filled(&self, text: &str) -> String {
        text.replace("$TIDINGS", &self.address())
            .replace("$TOKEN", &self.house.anns)
    }

    /// A program of this name for the recipes to call.
    fn program(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a shell's command, and gives it this as its input; the message that came of it.
    async fn run(&mut self, command: &str, input: &str, environment: &[(&str, &str)]) -> Value {
        let own = Path::new(env!("CARGO_BIN_EXE_tidings-relay"))
            .parent()
            .unwrap();
        let path = std::env::var("PATH").unwrap();
        let folders = [self.folder.path(), &apprise(), own].map(|p| p.to_str().unwrap().to_owned());
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", command])
            .env("PATH", format!("{}:{path}", folders.join(":")))
            .env("HOME", self.folder.path())
            .env("TIDINGS", self.address())
            .env("TOKEN", &self.house.anns)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = shell.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let house = &mut self.house;
        let ended = within(child.wait_with_output());
        tokio::pin!(ended);
        // A recipe that waits for the confirmation ends after the message was taken, others before.
        tokio::select! {
            output = &mut ended => {
                let output = output.unwrap();
                assert!(output.status.success(), "{command}: {output:?}");
                within(house.message()).await
            }
            message = house.message() => {
                let output = ended.await.unwrap();
                assert!(output.status.success(), "{command}: {output:?}");
                message
            }
        }
    }

    /// Sends a request to an address of the relay; the message that came of it.
    async fn send(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Value {
        let path = url.strip_prefix(&self.address()).unwrap();
        let house = &mut self.house;
        let asked = http(house.relay.address, method, path, headers, body);
        let (answer, packet) = tokio::join!(asked, async {
            let packet = house.ann.recv().await;
            house
                .ann
                .confirm(packet["data"]["mid"].as_str().unwrap())
                .await;
            packet
        });
        let answer: Answer = answer;
        assert_eq!(answer.status, 200, "{answer:?}");
        packet["data"]["message"].clone()
    }

    /// A configuration as the programs read it, with the reader's own values.
    async fn yaml(&self, text: &str) -> Value {
        parsed(&self.filled(text)).await
    }
}

async fn parsed(yaml: &str) -> Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let mut python = Command::new(apprise().join("python"));
    python
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(yaml.as_bytes()).await.unwrap();
    drop(stdin);
    let output = within(python.wait_with_output()).await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn expect(message: &Value, title: &str, body: &str, extra: Value) {
    let text = |key: &str| message[key].as_str().unwrap();
    assert_eq!(text("text"), title, "{message}");
    assert!(text("desp").contains(body), "{body:?}: {message}");
    assert_eq!(message["extra"], extra, "{message}");
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[tokio::test]
async fn recipes_of_the_shell() {
    let mut shell = Shell::open().await;
    let expected = [
        ("curl", "Backup", "All 42 files are safe", json!({})),
        ("curl", "Disks", "Mounted on", json!({})),
        (
            "curl",
            "Build failed",
            "3 tests fail",
            json!({"click": "https://ci.example/42", "priority": 4}),
        ),
        ("wget", "Done", "The download is here", json!({})),
        (
            "Apprise",
            "Backup",
            "All files are safe",
            json!({"priority": 4}),
        ),
        (
            "Apprise",
            "Backup",
            "All files are safe",
            json!({"click": "https://nas.example/"}),
        ),
        (
            "Apprise",
            "Backup",
            "All files are safe",
            json!({"type": "info"}),
        ),
        (
            "Anything made for gotify or ntfy",
            "Hello",
            "World",
            json!({"priority": 3}),
        ),
        (
            "Anything made for gotify or ntfy",
            "Hello",
            "World",
            json!({"priority": 4, "tags": ["tada"]}),
        ),
        (
            "Anything made for gotify or ntfy",
            "Hello",
            "**World**",
            json!({"markdown": true}),
        ),
        (
            "Anything made for gotify or ntfy",
            "Hello",
            "World",
            json!({}),
        ),
    ];
    let sections = [
        "curl",
        "wget",
        "Apprise",
        "Anything made for gotify or ntfy",
    ];
    let scripts: Vec<_> = sections
        .iter()
        .flat_map(|section| {
            blocks(section, "sh")
                .into_iter()
                .map(move |text| (*section, text))
        })
        .collect();
    assert_eq!(scripts.len(), expected.len());
    for ((section, script), (of, title, body, extra)) in scripts.into_iter().zip(expected) {
        assert_eq!(section, of);
        let mut message = shell.run(&script, "", &[]).await;
        if script.contains("ntfy://") {
            // Apprise's picture for the kind of message.
            message["extra"]
                .as_object_mut()
                .unwrap()
                .shift_remove("icon")
                .unwrap();
        }
        expect(&message, title, body, extra);
    }
}

#[tokio::test]
async fn cron_by_one_job_and_as_its_mailer() {
    let mut shell = Shell::open().await;
    let blocks = recipes().remove("cron").unwrap();
    let [(crontab, table), (sh, mailer)] = blocks.try_into().unwrap();
    assert_eq!((crontab.as_str(), sh.as_str()), ("crontab", "sh"));
    shell.program("backup", "#!/bin/sh\necho disk full; exit 1\n");
    let token = shell.program("token", &shell.house.anns);
    let (variables, job) = table.split_once("0 3 * * * ").unwrap();
    let variables = shell
        .filled(variables)
        .replace("/etc/tidings-token", &token);
    let variables: Vec<_> = variables
        .lines()
        .map(|l| l.split_once('=').unwrap())
        .collect();
    let job = format!("set +o pipefail; {job}");
    let message = shell.run(&job, "", &variables).await;
    expect(&message, "Backup", "disk full", json!({}));
    // Nothing to say, nothing sent.
    shell.program("backup", "#!/bin/sh\n");
    let nothing = format!("{job}\necho | tidings-relay mail ann --subject after");
    assert_eq!(shell.run(&nothing, "", &variables).await["text"], "after");
    shell.house.expect_nothing().await;

    // As Debian's cron calls it.
    let mailer = shell.program("sendmail", &mailer);
    let mail = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@nas> backup\n\
                MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
                Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\nFehler: Größe\n";
    let call = format!("{mailer} -FCronDaemon -i -B8BITMIME -oem root");
    let message = shell.run(&call, mail, &[]).await;
    expect(
        &message,
        "Cron <root@nas> backup",
        "Fehler: Größe",
        json!({"from": "Cron Daemon <root>"}),
    );
}

#[tokio::test]
async fn a_unit_that_failed() {
    let mut shell = Shell::open().await;
    let unit = blocks("systemd", "ini").remove(0);
    let lines = |key: &str| {
        let prefix = format!("{key}=");
        let values = unit
            .lines()
            .filter_map(move |line| line.strip_prefix(prefix.as_str()));
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let token = shell.program("token", &shell.house.anns);
    let environment: Vec<_> = lines("Environment")
        .iter()
        .map(|line| shell.filled(line).replace("/etc/tidings-token", &token))
        .collect();
    let environment: Vec<_> = environment
        .iter()
        .map(|l| l.split_once('=').unwrap())
        .collect();
    // A unit that failed makes `systemctl status` fail too.
    shell.program(
        "systemctl",
        "#!/bin/sh\necho \"$3 - code=exited, status=1\"; exit 3\n",
    );
    let start = lines("ExecStart").remove(0).replace("%i", "backup.service");
    let message = shell.run(&start, "", &environment).await;
    let title = "backup.service failed";
    expect(&message, title, "backup.service - code=exited", json!({}));
}

#[tokio::test]
async fn github_actions_step() {
    let mut shell = Shell::open().await;
    let step = blocks("GitHub Actions", "yaml").remove(0);
    let step = parsed(&step).await;
    assert_eq!(step[0]["if"], "failure()");
    let env = step[0]["env"].as_object().unwrap();
    assert!(env.keys().eq(["TIDINGS", "TOKEN"]), "{env:?}");
    let given = [
        ("GITHUB_WORKFLOW", "CI"),
        ("GITHUB_REPOSITORY", "a/b"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_RUN_ID", "7"),
    ];
    let script = words(&step[0]["run"]).to_owned();
    let message = shell.run(&script, "", &given).await;
    let click = "https://github.example/a/b/actions/runs/7";
    expect(&message, "CI failed", "in a/b", json!({"click": click}));
}

#[tokio::test]
async fn powershells_request() {
    let mut shell = Shell::open().await;
    let script = blocks("PowerShell", "powershell").remove(0);
    for said in [
        "@{ title = 'Done'; body = 'Höhe: 42 m' } | ConvertTo-Json",
        "-Method Post -Uri \"$env:TIDINGS/ann.send\"",
        "-Headers @{ Authorization = \"Bearer $env:TOKEN\" }",
        "-ContentType 'application/json; charset=utf-8'",
        "UTF8.GetBytes",
    ] {
        assert!(script.contains(said), "{said}");
    }
    let url = shell.filled("$TIDINGS/ann.send");
    let bearer = shell.filled("Bearer $TOKEN");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json; charset=utf-8"),
    ];
    // As ConvertTo-Json writes it.
    let body = "{\r\n  \"title\": \"Done\",\r\n  \"body\": \"Höhe: 42 m\"\r\n}";
    let message = shell.send("POST", &url, &headers, body).await;
    expect(&message, "Done", "Höhe: 42 m", json!({}));
}

#[tokio::test]
async fn home_assistants_configuration() {
    let mut shell = Shell::open().await;
    for block in blocks("Home Assistant", "yaml") {
        let notify = shell.yaml(&block).await["notify"][0].clone();
        assert_eq!(notify["platform"], "rest");
        let title = words(&notify["title_param_name"]);
        // The name of the message's field is `message` unless it is said.
        let mut fields = vec![("message", "The door is open"), (title, "Home Assistant")];
        if let Some(target) = notify["target_param_name"].as_str() {
            fields.push((target, "ann"));
        }
        let (kind, body) = match words(&notify["method"]) {
            "POST_JSON" => {
                let object: Value = fields.iter().map(|(k, v)| (*k, Value::from(*v))).collect();
                ("application/json", object.to_string())
            }
            method => {
                assert_eq!(method, "POST");
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields)
                    .finish();
                ("application/x-www-form-urlencoded", form)
            }
        };
        let bearer = words(&notify["headers"]["Authorization"]);
        let headers = [("Authorization", bearer), ("Content-Type", kind)];
        let message = shell
            .send("POST", words(&notify["resource"]), &headers, &body)
            .await;
        expect(&message, "Home Assistant", "The door is open", json!({}));
    }
}

/// The body of a fixture's request.
fn body(file: &str, index: usize) -> String {
    let recorded: Value = serde_json::from_str(&fixture(file)).unwrap();
    words(&recorded["requests"][index]["body"]).to_owned()
}

#[tokio::test]
async fn grafanas_and_alertmanagers_configuration() {
    let mut shell = Shell::open().await;
    let grafana = shell.yaml(&blocks("Grafana", "yaml").remove(0)).await;
    let receiver = &grafana["contactPoints"][0]["receivers"][0];
    assert_eq!(receiver["type"], "webhook");
    let settings = &receiver["settings"];
    let authorization = format!(
        "{} {}",
        words(&settings["authorization_scheme"]),
        words(&settings["authorization_credentials"])
    );
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let (method, url) = (words(&settings["httpMethod"]), words(&settings["url"]));
    let message = shell
        .send(method, url, &headers, &body("grafana.json", 0))
        .await;
    assert_eq!(
        message["text"],
        "[FIRING:1] High memory usage Servers (web1)"
    );

    let alertmanager = shell
        .yaml(&blocks("Prometheus Alertmanager", "yaml").remove(0))
        .await;
    let receiver = &alertmanager["receivers"][0];
    assert_eq!(receiver["name"], alertmanager["route"]["receiver"]);
    let webhook = &receiver["webhook_configs"][0];
    // Without a word it is Bearer.
    let credentials = &webhook["http_config"]["authorization"]["credentials"];
    let bearer = format!("Bearer {}", words(credentials));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let alerts = body("alertmanager.json", 0);
    let message = shell
        .send("POST", words(&webhook["url"]), &headers, &alerts)
        .await;
    assert_eq!(message["text"], "Firing: DiskFull");
}

#[tokio::test]
async fn uptime_kumas_and_proxmoxs_settings() {
    let mut shell = Shell::open().await;
    let [gotify, webhook] = <[String; 2]>::try_from(blocks("Uptime Kuma", "yaml")).unwrap();
    let settings = shell.yaml(&gotify).await;
    assert_eq!(settings["Notification Type"], "Gotify");
    let url = format!(
        "{}/message?token={}",
        words(&settings["Server URL"]),
        words(&settings["Application Token"])
    );
    let json = [("Content-Type", "application/json")];
    let message = shell
        .send("POST", &url, &json, &body("uptime-kuma.json", 5))
        .await;
    assert_eq!(
        (&message["text"], &message["extra"]),
        (&json!("Uptime-Kuma"), &json!({"priority": 4}))
    );

    let settings = shell.yaml(&webhook).await;
    assert_eq!(settings["Request Body"], "Preset - application/json");
    let more: Value = serde_json::from_str(words(&settings["Additional Headers"])).unwrap();
    let headers = [json[0], ("Authorization", words(&more["Authorization"]))];
    let heartbeat = body("uptime-kuma.json", 0);
    let message = shell
        .send("POST", words(&settings["Post URL"]), &headers, &heartbeat)
        .await;
    assert_eq!(message["text"], "Shop is down");

    let file = shell.filled(&blocks("Proxmox VE", "ini").remove(0));
    let setting = |name: &str| {
        let line = file.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    assert!(file.starts_with("gotify: "));
    let (url, token) = (format!("{}/message", setting("server")), setting("token"));
    let bearer = format!("Bearer {token}");
    let headers = [
        json[0],
        ("Authorization", bearer.as_str()),
        ("X-Gotify-Key", token.as_str()),
    ];
    let message = shell
        .send("POST", &url, &headers, &body("proxmox.json", 0))
        .await;
    assert!(
        words(&message["text"]).starts_with("vzdump backup status"),
        "{message}"
    );
}
