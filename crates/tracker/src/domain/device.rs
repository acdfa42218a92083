//! What a device says it is: by its client hint, else by its user agent.
//!
//! Only the family of the operating system is wanted, so the library is one that looks for names in the text (woothee)
//! and not one with a thousand regular expressions. It is asked only for an offer that targets platforms.

use std::sync::LazyLock;

use woothee::parser::Parser;

use super::targeting::Platform;

/// Longest user agent that is looked into, in bytes: real ones are below 300, and a search takes its time by the byte.
const USER_AGENT_BYTES_MAX: usize = 512;

static PARSER: LazyLock<Parser> = LazyLock::new(Parser::new);

/// What a click was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// A device of this platform; [`Platform::Browser`] where none of the apps' platforms runs: Windows, Linux, a console.
    Is(Platform),
    /// A Mac by its user agent, or an iPad: Safari on iPads says the same of itself, letter by letter.
    MacOrIpad,
}

impl Device {
    /// Reads the header `Sec-CH-UA-Platform` and the user agent; either may be empty. `None`: not known.
    #[must_use]
    pub fn of(platform_hint: &str, user_agent: &str) -> Option<Self> {
        by_hint(platform_hint).or_else(|| by_user_agent(user_agent))
    }

    /// The platform, where there is no doubt.
    #[must_use]
    pub const fn platform(self) -> Option<Platform> {
        match self {
            Self::Is(platform) => Some(platform),
            Self::MacOrIpad => None,
        }
    }
}

fn by_hint(hint: &str) -> Option<Device> {
    let platform = match hint.trim().trim_matches('"') {
        "Android" => Platform::Android,
        "iOS" => Platform::Ios,
        "macOS" => Platform::MacOs,
        "Windows" | "Linux" | "Chrome OS" | "Chromium OS" => Platform::Browser,
        _other => return None,
    };
    Some(Device::Is(platform))
}

fn by_user_agent(user_agent: &str) -> Option<Device> {
    let user_agent = user_agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(user_agent);
    let system = PARSER.parse(user_agent)?.os;
    match system {
        "iPhone" | "iPad" | "iPod" | "iOS" => Some(Device::Is(Platform::Ios)),
        "Android" => Some(Device::Is(Platform::Android)),
        // Neither runs on an iPad under this name: there they are CriOS and FxiOS.
        "Mac OSX" if ["Chrome/", "Firefox/"].iter().any(|mac| user_agent.contains(mac)) => {
            Some(Device::Is(Platform::MacOs))
        }
        "Mac OSX" => Some(Device::MacOrIpad),
        "" | "UNKNOWN" => None,
        _other => Some(Device::Is(Platform::Browser)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
    const IPHONE_CHROME: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1";
    const IPHONE_IN_APP: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/441.0;FBDV/iPhone14,5]";
    const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36";
    const ANDROID_WEBVIEW: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.82 Mobile Safari/537.36 Instagram 330.0";
    const ANDROID_FIREFOX: &str = "Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0";
    const SAMSUNG: &str = "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36";
    const MAC_SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
    const MAC_CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36";
    const MAC_FIREFOX: &str =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:126.0) Gecko/20100101 Firefox/126.0";
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0";
    const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0";

    #[rstest]
    #[case(IPHONE, Some(Device::Is(Platform::Ios)))]
    #[case(IPHONE_CHROME, Some(Device::Is(Platform::Ios)))]
    #[case(IPHONE_IN_APP, Some(Device::Is(Platform::Ios)))]
    #[case(IPAD, Some(Device::Is(Platform::Ios)))]
    #[case(ANDROID, Some(Device::Is(Platform::Android)))]
    #[case(ANDROID_WEBVIEW, Some(Device::Is(Platform::Android)))]
    #[case(ANDROID_FIREFOX, Some(Device::Is(Platform::Android)))]
    #[case(SAMSUNG, Some(Device::Is(Platform::Android)))]
    #[case(MAC_SAFARI, Some(Device::MacOrIpad))]
    #[case(MAC_CHROME, Some(Device::Is(Platform::MacOs)))]
    #[case(MAC_FIREFOX, Some(Device::Is(Platform::MacOs)))]
    #[case(WINDOWS, Some(Device::Is(Platform::Browser)))]
    #[case(LINUX, Some(Device::Is(Platform::Browser)))]
    #[case("", None)]
    #[case("-", None)]
    #[case("Golfin/3.1", None)]
    fn a_user_agent_tells_the_device(#[case] user_agent: &str, #[case] device: Option<Device>) {
        assert_eq!(Device::of("", user_agent), device);
        assert_eq!(Device::of("\"Unknown\"", user_agent), device, "a hint without a word says nothing");
    }

    #[rstest]
    #[case("\"Android\"", Platform::Android)]
    #[case("\"iOS\"", Platform::Ios)]
    #[case("\"macOS\"", Platform::MacOs)]
    #[case("\"Windows\"", Platform::Browser)]
    #[case("\"Chrome OS\"", Platform::Browser)]
    fn a_client_hint_counts_first(#[case] hint: &str, #[case] platform: Platform) {
        assert_eq!(Device::of(hint, MAC_SAFARI), Some(Device::Is(platform)));
    }

    proptest! {
        #[test]
        fn no_user_agent_is_too_strange(start in 0_usize..120, agent in "\\PC*", hint in "\\PC*") {
            let odd: String = IPHONE.chars().skip(start).chain(agent.chars()).collect();
            let _any = Device::of(&hint, &odd);
            let _any = Device::of("", &agent);
        }
    }
}
