//! The webhook bodies of Prometheus Alertmanager (`version` 4) and of Grafana, whose body holds the
//! same and a title and a message of its own.

use serde_json::{Map, Value};

use super::{put, web_link};

/// Alerts that are written out; a group of thousands says enough with these, and the number.
const WRITTEN_OUT: usize = 20;

/// Rewrites its fields to those of a flat message; false if they are not Alertmanager's.
pub(super) fn rewrite(fields: &mut Map<String, Value>) -> bool {
    let Some(Value::Array(alerts)) = fields.get("alerts") else {
        return false;
    };
    if !fields.get("status").is_some_and(Value::is_string)
        || !fields.get("groupLabels").is_some_and(Value::is_object)
    {
        return false;
    }
    let status = fields.get("status").and_then(Value::as_str);
    let firing = status != Some("resolved");
    let title = title(fields, alerts, firing);
    let body = body(fields, alerts);
    let link = link(fields, alerts).map(str::to_owned);
    let urgency = if firing {
        urgency(fields, alerts)
    } else {
        None
    };
    let missing = |fields: &Map<String, Value>, keys: &[&str]| {
        !keys.iter().any(|key| {
            fields
                .get(*key)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        })
    };
    if missing(fields, &["title", "text", "subject"]) {
        put(fields, "title", title);
    }
    if missing(fields, &["message", "desp", "msg", "body", "content"]) {
        put(fields, "message", body);
    }
    if !fields.contains_key("click") {
        put(fields, "click", link);
    }
    if !fields.contains_key("priority") {
        put(fields, "priority", urgency);
    }
    true
}

fn title(fields: &Map<String, Value>, alerts: &[Value], firing: bool) -> String {
    let named = |labels: &str| {
        let name = fields.get(labels)?.get("alertname")?;
        name.as_str().filter(|name| !name.is_empty())
    };
    let first = || label(alerts.first()?, "labels", "alertname");
    let name = named("commonLabels")
        .or_else(|| named("groupLabels"))
        .or_else(first)
        .unwrap_or("alerts");
    let word = if firing { "Firing" } else { "Resolved" };
    match alerts.len() {
        0 | 1 => format!("{word}: {name}"),
        count => format!("{word}: {name} ({count})"),
    }
}

fn body(fields: &Map<String, Value>, alerts: &[Value]) -> String {
    let mut paragraphs: Vec<String> = alerts.iter().take(WRITTEN_OUT).map(paragraph).collect();
    if alerts.len() > WRITTEN_OUT {
        paragraphs.push(format!("and {} more", alerts.len() - WRITTEN_OUT));
    }
    let truncated = fields.get("truncatedAlerts").and_then(Value::as_u64);
    if let Some(count @ 1..) = truncated {
        paragraphs.push(format!("and {count} that were left out"));
    }
    paragraphs.join("\n\n")
}

/// One alert: what it is and where, then what it says of itself.
fn paragraph(alert: &Value) -> String {
    let summary = label(alert, "annotations", "summary")
        .or_else(|| label(alert, "annotations", "message"))
        .or_else(|| label(alert, "labels", "alertname"))
        .unwrap_or("an alert");
    let mut text = format!("**{summary}**");
    if alert.get("status").and_then(Value::as_str) == Some("resolved") {
        text.push_str(" (resolved)");
    }
    if let Some(instance) = label(alert, "labels", "instance")
        && !summary.contains(instance)
    {
        text.push_str(&format!(" on {instance}"));
    }
    if let Some(description) = label(alert, "annotations", "description") {
        text.push_str("\n\n");
        text.push_str(description);
    }
    text
}

/// Where one can read more: of one alert its own page, of several the group's.
fn link<'a>(fields: &'a Map<String, Value>, alerts: &'a [Value]) -> Option<&'a str> {
    let own = |alert: &'a Value| {
        ["panelURL", "dashboardURL", "generatorURL"]
            .iter()
            .find_map(|key| web_link(alert.get(*key)?.as_str()?))
    };
    let whole = || web_link(fields.get("externalURL")?.as_str()?);
    match alerts {
        [one] => own(one).or_else(whole),
        several => whole().or_else(|| several.iter().find_map(own)),
    }
}

/// The priority of the gravest `severity` among the alerts, by the words that people use.
fn urgency(fields: &Map<String, Value>, alerts: &[Value]) -> Option<i64> {
    let common = fields
        .get("commonLabels")
        .and_then(|labels| labels.get("severity"));
    let each = alerts
        .iter()
        .filter_map(|alert| alert.get("labels")?.get("severity"));
    each.chain(common)
        .filter_map(Value::as_str)
        .filter_map(|severity| match severity.to_ascii_lowercase().as_str() {
            "critical" | "page" | "emergency" | "disaster" | "fatal" => Some(5),
            "error" | "high" | "major" | "warning" => Some(4),
            "info" | "low" | "minor" | "none" | "notice" => Some(2),
            _ => None,
        })
        .max()
}

fn label<'a>(alert: &'a Value, of: &str, name: &str) -> Option<&'a str> {
    let text = alert.get(of)?.get(name)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alert(instance: &str, severity: &str) -> Value {
        json!({
            "status": "firing",
            "labels": {"alertname": "Down", "instance": instance, "severity": severity},
            "annotations": {"summary": "It is down", "description": "For 5 minutes."},
            "generatorURL": "http://prometheus.example/graph",
        })
    }

    fn group(status: &str, alerts: &[Value]) -> Map<String, Value> {
        let group = json!({
            "version": "4", "status": status, "alerts": alerts, "groupLabels": {},
            "commonLabels": {"alertname": "Down"}, "externalURL": "http://alerts.example",
        });
        let Value::Object(group) = group else {
            unreachable!()
        };
        group
    }

    #[test]
    fn alerts_become_title_body_link_and_priority() {
        let mut one = group("firing", &[alert("db1", "critical")]);
        assert!(rewrite(&mut one));
        assert_eq!(one["title"], "Firing: Down");
        assert_eq!(one["message"], "**It is down** on db1\n\nFor 5 minutes.");
        assert_eq!(one["click"], "http://prometheus.example/graph");
        assert_eq!(one["priority"], 5);

        let mut two = group("resolved", &[alert("db1", "x"), alert("db2", "warning")]);
        assert!(rewrite(&mut two));
        assert_eq!(two["title"], "Resolved: Down (2)");
        assert_eq!(two["click"], "http://alerts.example");
        assert!(!two.contains_key("priority"));
    }

    #[test]
    fn a_flood_of_alerts_stays_readable() {
        let alerts: Vec<_> = (0..500).map(|i| alert(&format!("h{i}"), "info")).collect();
        let mut many = group("firing", &alerts);
        assert!(rewrite(&mut many));
        let body = many["message"].as_str().unwrap();
        assert!(
            body.ends_with("and 480 more") && body.len() < 2000,
            "{body}"
        );
    }

    #[test]
    fn what_grafana_says_itself_stands() {
        let mut grafana = group("firing", &[alert("db1", "critical")]);
        grafana.insert("title".to_owned(), "[FIRING:1] Down".into());
        grafana.insert("message".to_owned(), "**Firing**".into());
        assert!(rewrite(&mut grafana));
        assert_eq!(grafana["title"], "[FIRING:1] Down");
        assert_eq!(grafana["message"], "**Firing**");
    }

    #[test]
    fn odd_shapes_are_left_alone_or_survived() {
        for other in [
            json!({}),
            json!({"alerts": []}),
            json!({"alerts": 5, "status": "x"}),
        ] {
            let Value::Object(mut other) = other else {
                unreachable!()
            };
            assert!(!rewrite(&mut other), "{other:?}");
        }
        let mut odd = group("firing", &[json!(5), json!({"labels": []}), Value::Null]);
        assert!(rewrite(&mut odd));
    }
}
