//! Texts that hold a code for one use, and texts that only look so.

use super::find;
use proptest::prelude::*;

#[test]
fn codes_are_found() {
    for (title, body, expected) in [
        ("Your code is 123456", "", "123456"),
        ("GitHub", "Your GitHub verification code: 482913", "482913"),
        ("Sign in", "Use 7731 as your login code.", "7731"),
        ("", "G-482913 is your Google verification code.", "482913"),
        (
            "",
            "Your verification code is 123-456. Do not share it.",
            "123456",
        ),
        ("", "Your code: 123 456", "123456"),
        ("Your code", "907312", "907312"),
        ("Steam Guard", "Your Steam Guard code is X7K9QP", "X7K9QP"),
        ("", "OTP 00123 for your payment at Shop", "00123"),
        ("", "Your one-time password is 55667788.", "55667788"),
        ("", "code:9921", "9921"),
        ("", "Enter this code to sign in: **4711**", "4711"),
        ("", "2FA: 199204", "199204"),
        ("", "PIN: 4821", "4821"),
        ("", "Your code is 2026.", "2026"),
        (
            "",
            "Your code is 482913. It expires in 10 minutes.",
            "482913",
        ),
        ("", "Code 482913, valid for 1000 seconds", "482913"),
        ("", "Ihr Bestätigungscode lautet 482913", "482913"),
        ("", "Votre code de vérification est 48291", "48291"),
        ("", "Tu código es 482913", "482913"),
        ("", "【银行】您的验证码是482913，五分钟内有效。", "482913"),
        ("", "验证码：482913，请勿告知他人", "482913"),
        ("", "482913（登录验证码）", "482913"),
        ("", "Your code for order #998877 is 482913", "482913"),
        ("", "Pay 12.50 EUR with TAN 482913", "482913"),
        ("", "Your recovery code is AB12-CD34", "AB12-CD34"),
        (
            "Bank",
            "Card ending in 4242: your passcode is 908172",
            "908172",
        ),
    ] {
        assert_eq!(
            find(title, body).as_deref(),
            Some(expected),
            "{title:?} {body:?}"
        );
    }
}

#[test]
fn other_numbers_are_no_codes() {
    for (title, body) in [
        ("", ""),
        ("Build 48291", "All 1234 tests passed"),
        ("", "The process ended with exit code 1337."),
        ("", "nginx: status code 5003 for /index"),
        ("", "HTTP code 4040"),
        ("", "error code 482913"),
        ("", "Return code: 482913"),
        ("", "Fehlercode 482913"),
        ("", "错误码 482913"),
        ("", "Postal code 80331"),
        ("", "Your ZIP code 90210"),
        ("", "Use promo code 482913"),
        ("", "Discount code SAVE2026"),
        ("", "Scan the QR code 482913"),
        ("", "Code review 4829 is waiting"),
        ("", "code coverage 8291"),
        ("", "Order 482913 has shipped"),
        ("", "Your order 482913. Enter your code at the door"),
        ("", "Invoice 20261124: 1200 EUR"),
        ("", "Meeting at 12:30, dial-in code follows"),
        ("", "Your code changes: 1200 lines"),
        ("", "The code has 4829 lines"),
        ("", "The source code of 482913"),
        ("", "Decode 482913"),
        ("", "encoded 482913"),
        ("", "opinion 4829"),
        ("", "spinning 4829"),
        ("", "Call +49 89 482913 for your code"),
        ("", "Your code costs $4829"),
        ("", "Code 1.4829"),
        ("", "code at https://e.example/482913/x"),
        ("", "See https://e.example/?code=482913&x=1"),
        ("", "Temperature 4829 in the room. Your code follows."),
        ("", "code 123"),
        ("", "code 123456789"),
        ("", "code v2026"),
        ("", "Your code expires in 1000 seconds"),
        ("", "code 4829 5829 6829 7829"),
        ("", "card number 4829"),
        ("", "your access code arrives by post"),
        ("", "Two-factor sign-in from 10.0.4829.1"),
    ] {
        assert_eq!(find(title, body), None, "{title:?} {body:?}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_it_is_short_and_of_the_text(title in ".{0,60}", body in "(code|pin|[0-9]{1,9}|[ .:-]|[A-Z]|验证码|ß|İ){0,40}") {
        if let Some(code) = find(&title, &body) {
            prop_assert!(code.len() <= 9);
            prop_assert!(code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
    }
}
