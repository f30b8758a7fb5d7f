//! Why there is no connection, in Chinese.

use tidings_protocol::InvalidId;
use tidings_session::{
    AddressError, DialError, Distrust, NoFingerprint, Refusal, Rejected, Trouble,
};

use super::Chinese;

impl Chinese for Refusal {
    fn chinese(&self) -> String {
        match self {
            Self::Relay(words) => format!("中继拒绝了此客户端（{words}）：请检查设置中的令牌"),
            Self::Http(status) => {
                format!("中继或它前面的代理以 HTTP {status} 拒绝了连接：请检查地址以及对方的要求")
            }
        }
    }
}

impl Chinese for Trouble {
    fn chinese(&self) -> String {
        match self {
            Self::Dial(error) => error.chinese(),
            Self::AuthTimeout { notice } => {
                let said = notice
                    .as_ref()
                    .map_or_else(String::new, |text| format!("（它说：{text}）"));
                format!("中继没有及时应答身份验证{said}：请确认此地址是推送中继")
            }
            Self::NotAuthenticated(words) => format!("中继再次要求身份验证（{words}）"),
            Self::Closed { code, reason } => match (code, reason.as_str()) {
                (None, _) => "中继关闭了连接".to_owned(),
                (Some(code), "") => format!("中继关闭了连接（代码 {code}）"),
                (Some(code), reason) => format!("中继关闭了连接（代码 {code}：{reason}）"),
            },
            Self::Lost(words) => format!("与中继的连接中断（{words}）"),
            Self::Silent => "中继不再应答：网络可能已改变".to_owned(),
        }
    }
}

impl Chinese for DialError {
    fn chinese(&self) -> String {
        match self {
            Self::NameNotFound { host } => {
                format!("找不到名为 {host} 的计算机：请检查地址或网络")
            }
            Self::Refused { authority } => {
                format!("{authority} 拒绝了连接：请检查端口，并确认中继正在运行")
            }
            Self::Unreachable { authority } => format!("无法到达 {authority}：请检查网络"),
            Self::TimedOut => "中继没有及时应答：请检查地址、网络和防火墙".to_owned(),
            Self::Certificate(rejected) => rejected.chinese(),
            Self::Tls { host, reason } => {
                format!("{host} 的 TLS 不正常（{reason}）：若中继没有 TLS，请改用 ws://")
            }
            Self::Page { status, leads_to } => {
                let to = leads_to
                    .as_ref()
                    .map_or_else(String::new, |host| format!("，转到 {host}"));
                format!(
                    "应答的是网页而不是中继（HTTP {status}{to}）：可能是此网络的登录页，请打开浏览器查看；否则请检查地址和端口"
                )
            }
            Self::Http { status } => {
                format!("该地址应答 HTTP {status}，而不是 WebSocket：请检查端口和路径")
            }
            Self::NotWebSocket(words) => {
                format!("该地址不使用 WebSocket（{words}）：请检查端口和协议")
            }
            Self::Io(words) => format!("连接失败（{words}）"),
        }
    }
}

impl Chinese for Rejected {
    fn chinese(&self) -> String {
        format!("{} 的证书{}", self.host, self.why.chinese())
    }
}

impl Chinese for Distrust {
    fn chinese(&self) -> String {
        match self {
            Self::UnknownIssuer => {
                "不是由此计算机信任的机构签发：请将其指纹与中继显示的指纹比较，完全相同时才可信任"
                    .to_owned()
            }
            Self::Changed { .. } => {
                "不是之前信任的那一个：中继换了新证书，或有人冒充它；信任新证书前请询问中继的管理者"
                    .to_owned()
            }
            Self::Expired { days } => {
                let when = match days {
                    Some(days) => format!("已于 {days} 天前过期"),
                    None => "已过期".to_owned(),
                };
                format!("按此计算机的时钟{when}：请检查时钟；若时钟正确，中继的管理者须更新证书")
            }
            Self::NotYetValid { days } => {
                let until = days.map_or_else(String::new, |days| format!("（{days} 天后生效）"));
                format!("按此计算机的时钟尚未生效{until}：请检查时钟")
            }
            Self::WrongName { names } => {
                let names = if names.is_empty() {
                    "其他名称".to_owned()
                } else {
                    names.join("、")
                };
                format!("是为{names}签发的：请检查地址，也可能是网络的登录页代替中继应答")
            }
            Self::Other(words) => format!("无法接受（{words}）：请告知中继的管理者"),
        }
    }
}

impl Chinese for AddressError {
    fn chinese(&self) -> String {
        match self {
            Self::NotAUrl(error) => format!(
                "这不是地址（{error}）：请写成 ws://192.168.1.5:9093 或 wss://push.example.org 的形式"
            ),
            Self::Scheme(scheme) => format!("{scheme}:// 不是中继的协议：请用 ws:// 或 wss://"),
            Self::NoHost => "地址中没有主机：请写成 ws://192.168.1.5:9093 的形式".to_owned(),
            Self::Credentials => "地址中不能含有用户名或密码：令牌有单独的输入框".to_owned(),
        }
    }
}

impl Chinese for NoFingerprint {
    fn chinese(&self) -> String {
        "这不是 SHA-256 指纹：指纹由 64 个 0 至 F 的字符组成".to_owned()
    }
}

impl Chinese for InvalidId {
    fn chinese(&self) -> String {
        match self {
            Self::Empty { what } => format!("{}为空", named(what)),
            Self::TooLong { what, limit, unit } => {
                let unit = if *unit == "bytes" {
                    "字节"
                } else {
                    "个字符"
                };
                format!("{}超过 {limit} {unit}", named(what))
            }
            Self::Control { what } => format!("{}含有控制字符", named(what)),
        }
    }
}

fn named(what: &str) -> &str {
    match what {
        "name" => "名称",
        "group" => "群组",
        _ => "标识",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{complete, sentences};
    use super::*;
    use tidings_session::Fingerprint;

    #[test]
    fn every_reason_is_said_in_both_languages() {
        let host = || "relay.example".to_owned();
        let shown: Fingerprint = ["AB"; 32].join(":").parse().unwrap();
        let distrusts = [
            Distrust::UnknownIssuer,
            Distrust::Changed {
                pinned: shown,
                vouched: false,
            },
            Distrust::Expired { days: None },
            Distrust::Expired { days: Some(3) },
            Distrust::NotYetValid { days: None },
            Distrust::NotYetValid { days: Some(3) },
            Distrust::WrongName { names: vec![] },
            Distrust::WrongName {
                names: vec!["other.example".to_owned()],
            },
            Distrust::Other("odd".to_owned()),
        ];
        let certificates = distrusts.map(|why| {
            DialError::Certificate(Rejected {
                host: host(),
                shown,
                why,
            })
        });
        let dials = [
            DialError::NameNotFound { host: host() },
            DialError::Refused { authority: host() },
            DialError::Unreachable { authority: host() },
            DialError::TimedOut,
            DialError::Tls {
                host: host(),
                reason: "odd".to_owned(),
            },
            DialError::Page {
                status: 302,
                leads_to: Some(host()),
            },
            DialError::Page {
                status: 200,
                leads_to: None,
            },
            DialError::Http { status: 404 },
            DialError::NotWebSocket("odd".to_owned()),
            DialError::Io("odd".to_owned()),
        ];
        let troubles = [
            Trouble::AuthTimeout { notice: None },
            Trouble::AuthTimeout {
                notice: Some("hello".to_owned()),
            },
            Trouble::NotAuthenticated("odd".to_owned()),
            Trouble::Closed {
                code: None,
                reason: String::new(),
            },
            Trouble::Closed {
                code: Some(1000),
                reason: String::new(),
            },
            Trouble::Closed {
                code: Some(1000),
                reason: "bye".to_owned(),
            },
            Trouble::Lost("odd".to_owned()),
            Trouble::Silent,
        ];
        let all = certificates.into_iter().chain(dials).map(Trouble::Dial);
        for trouble in all.chain(troubles) {
            complete(&sentences(&trouble));
        }
        for refusal in [Refusal::Relay("no".to_owned()), Refusal::Http(401)] {
            complete(&sentences(&refusal));
        }
        for address in ["ws://:x", "gopher://host", "ws://a:b@host"] {
            let error = address.parse::<tidings_session::Address>().unwrap_err();
            complete(&sentences(&error));
        }
        complete(&sentences(&NoFingerprint));
        for name in ["", "a\u{7}b", &"x".repeat(300)] {
            complete(&tidings_protocol::Name::new(name).unwrap_err().words());
        }
    }
}
