//! Who only looks at a link without following it: programs that draw a preview of it in a chat, crawlers, browsers that
//! load ahead. Nobody clicked, so there is no click.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Parts of user agents that no browser of a person has. `+http` is where a crawler names its home page. Names of apps
/// that show pages to people, too (Pinterest, Viber, LINE, Snapchat), are here only as their preview services write them.
const LOOKERS: [&str; 31] = [
    "+http",
    "facebookexternalhit",
    "facebot",
    "facebookcatalog",
    "meta-externalagent",
    "twitterbot",
    "telegrambot",
    "slackbot",
    "slack-imgproxy",
    "discordbot",
    "linkedinbot",
    "skypeuripreview",
    "microsoftpreview",
    "bingpreview",
    "bingbot",
    "googlebot",
    "google-inspectiontool",
    "google-read-aloud",
    "googleother",
    "applebot",
    "yandexbot",
    "baiduspider",
    "duckduckbot",
    "redditbot",
    "pinterestbot",
    "vkshare",
    "line-poker",
    "kakaotalk-scrap",
    "snap url preview",
    "embedly",
    "iframely",
];

/// What `WhatsApp`'s preview begins with; in the middle of a user agent it can be a person's browser.
const WHATSAPP: &str = "WhatsApp/";

/// Without an automaton (only a mistake of ours in the list would be a reason) nobody is taken for a looker.
static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(LOOKERS).ok());

/// Whether a user agent is that of a program that looks at links.
#[must_use]
pub fn is_looker(user_agent: &str) -> bool {
    user_agent.starts_with(WHATSAPP) || FINDER.as_ref().is_some_and(|finder| finder.is_match(user_agent))
}

/// Whether a header `Sec-Purpose`, `Purpose`, `X-Purpose` or `X-Moz` says that the page is loaded ahead:
/// `prefetch`, `prefetch;prerender`, `preview`.
#[must_use]
pub fn is_ahead(purpose: &str) -> bool {
    let mut words = purpose.split([';', ',']).map(str::trim);
    words
        .any(|word| ["prefetch", "prerender", "preview"].iter().any(|ahead| word.eq_ignore_ascii_case(ahead)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)")]
    #[case(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"
    )]
    #[case("WhatsApp/2.23.20.0 A")]
    #[case("TelegramBot (like TwitterBot)")]
    #[case("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)")]
    #[case("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)")]
    #[case(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/125.0 Safari/537.36"
    )]
    #[case("SomethingNew/1.0 (+https://new.example/bot)")]
    fn a_preview_is_no_person(#[case] user_agent: &str) {
        assert!(is_looker(user_agent));
    }

    #[rstest]
    #[case("")]
    #[case(
        "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537.36"
    )]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/441.0]"
    )]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [Pinterest/iOS]"
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0 Mobile Safari/537.36 WhatsApp/2.24"
    )]
    fn a_person_is_no_preview(#[case] user_agent: &str) {
        assert!(!is_looker(user_agent));
    }

    #[rstest]
    #[case("prefetch", true)]
    #[case("Prefetch;prerender", true)]
    #[case("prefetch; anonymous-client-ip", true)]
    #[case("preview", true)]
    #[case("", false)]
    #[case("navigate", false)]
    fn a_purpose_is_a_list_of_words(#[case] purpose: &str, #[case] ahead: bool) {
        assert_eq!(is_ahead(purpose), ahead);
    }
}
