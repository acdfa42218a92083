//! Where a click goes: the offer link with its macros replaced, and on AppsFlyer's hosts what AppsFlyer needs.
//!
//! A link is taken apart once, when its offer is loaded: everything that does not depend on the click is parsed, checked
//! and encoded then, and a click only puts its values between the pieces.
//!
//! A value can never add a parameter, a path segment or a header: every value is percent-encoded, once, so it ends where
//! it began; and a link with a macro where its server is named is no link.

use kernel::{ClickId, OfferId, PublisherId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use uuid::Uuid;

use super::parameters::ClickParameters;

/// Everything but RFC 3986's unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Room for a value that grows while it is encoded.
const SLACK_BYTES: usize = 32;

/// A link that nobody can be sent to; the catalog's linter refuses such links, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum BrokenLink {
    /// It does not parse.
    #[error("the link is not a usable URL")]
    NotUrl(#[from] url::ParseError),
    /// `javascript:` and the like.
    #[error("the link's scheme is neither https nor http")]
    NotHttp,
    /// Whoever makes the click would choose where it goes.
    #[error("the link has a macro where its server is named")]
    MacroInAuthority,
}

/// What of an offer its destination is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The link as an account manager entered it.
    pub offer_link: &'a str,
    /// The offer.
    pub offer: OfferId,
    /// Its name.
    pub name: &'a str,
    /// Whom it is shared with.
    pub publisher: PublisherId,
}

/// An offer link, taken apart: text, and what of the click stands between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    head: Box<str>,
    tails: Box<[(Slot, Box<str>)]>,
}

/// What differs from click to click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// `{gk_click_id}`.
    Click,
    /// `{pub_member_id}`.
    Member,
    /// `{pub_click_id}`.
    PubClick,
}

impl Destination {
    /// Takes an offer's link apart.
    ///
    /// # Errors
    /// [`BrokenLink`].
    pub fn of(parts: &Parts<'_>) -> Result<Self, BrokenLink> {
        let mark = mark_unlike(parts);
        let mut url = web_address(&marked(parts, &mark))?;
        let authority = [Some(url.username()), url.password(), url.host_str()];
        // Hosts are lower case, and so is the mark.
        if authority.into_iter().flatten().any(|part| part.contains(&mark)) {
            return Err(BrokenLink::MacroInAuthority);
        }
        if is_appsflyer(&url) {
            complete_for_appsflyer(&mut url, parts, &mark);
        }
        Ok(Self::cut(url.as_str(), &mark))
    }

    /// The pieces, for who keeps them.
    pub fn pieces(&self) -> (&str, impl Iterator<Item = (Slot, &str)>) {
        (&self.head, self.tails.iter().map(|(slot, tail)| (*slot, &**tail)))
    }

    /// From the pieces that [`Destination::pieces`] gave.
    #[must_use]
    pub fn from_pieces(head: &str, tails: impl IntoIterator<Item = (Slot, Box<str>)>) -> Self {
        Self { head: head.into(), tails: tails.into_iter().collect() }
    }

    /// The URL that a click is redirected to: printable ASCII.
    #[must_use]
    pub fn of_click(&self, click: ClickId, parameters: &ClickParameters<'_>) -> String {
        let mut buffer = Uuid::encode_buffer();
        let click: &str = click.as_uuid().as_hyphenated().encode_lower(&mut buffer);
        let value = |slot: &Slot| match slot {
            Slot::Click => click,
            Slot::Member => &parameters.pub_member_id,
            Slot::PubClick => &parameters.pub_click_id,
        };
        let tails = self.tails.iter().map(|(slot, tail)| value(slot).len().saturating_add(tail.len()));
        let length = tails.fold(self.head.len(), usize::saturating_add);
        let mut url = String::with_capacity(length.saturating_add(SLACK_BYTES));
        url.push_str(&self.head);
        for (slot, tail) in &self.tails {
            url.extend(utf8_percent_encode(value(slot), VALUE));
            url.push_str(tail);
        }
        url
    }

    fn cut(marked: &str, mark: &str) -> Self {
        let mut pieces = marked.split(mark);
        let head = pieces.next().unwrap_or_default();
        let tails = pieces.filter_map(|piece| {
            let (digit, tail) = piece.split_at_checked(1)?;
            Some((Slot::of(digit)?, Box::from(tail)))
        });
        Self { head: head.into(), tails: tails.collect() }
    }
}

impl Slot {
    /// Follows the mark, and stands for the slot where a destination is kept.
    #[must_use]
    pub const fn digit(self) -> &'static str {
        match self {
            Self::Click => "0",
            Self::Member => "1",
            Self::PubClick => "2",
        }
    }

    /// The slot of a digit.
    #[must_use]
    pub fn of(digit: &str) -> Option<Self> {
        [Self::Click, Self::Member, Self::PubClick].into_iter().find(|slot| slot.digit() == digit)
    }
}

/// A link that a user can be sent to as it is: a fallback link.
///
/// # Errors
/// [`BrokenLink`].
pub fn plain_link(link: &str) -> Result<Box<str>, BrokenLink> {
    Ok(String::from(web_address(link)?).into())
}

fn web_address(link: &str) -> Result<Url, BrokenLink> {
    let url = Url::parse(link)?;
    if matches!(url.scheme(), "https" | "http") { Ok(url) } else { Err(BrokenLink::NotHttp) }
}

/// Stands in the place of a value while the link is parsed: letters that no parser changes, and that the offer itself
/// does not use.
fn mark_unlike(parts: &Parts<'_>) -> String {
    let mut mark = String::from("gkslot");
    while parts.offer_link.contains(&mark) || parts.name.contains(&mark) {
        mark.push('x');
    }
    mark
}

/// The offer link with what the offer says of itself filled in, and a mark for what a click will.
fn marked(parts: &Parts<'_>, mark: &str) -> String {
    let offer = parts.offer.to_string();
    let mut link = String::with_capacity(parts.offer_link.len().saturating_add(128));
    let mut rest = parts.offer_link;
    while let Some((before, from)) = rest.find(['{', '%']).and_then(|at| rest.split_at_checked(at)) {
        link.push_str(before);
        if let Some((name, after)) = macro_at(from) {
            close_encoding(&mut link);
            match name {
                "gk_offer_id" => link.push_str(&offer),
                "gk_offer_name" => link.extend(utf8_percent_encode(parts.name, VALUE)),
                "gk_click_id" => link.extend([mark, Slot::Click.digit()]),
                "pub_member_id" => link.extend([mark, Slot::Member.digit()]),
                _ => link.extend([mark, Slot::PubClick.digit()]),
            }
            rest = after;
        } else {
            let mut characters = from.chars();
            link.extend(characters.next());
            rest = characters.as_str();
        }
    }
    link.push_str(rest);
    link
}

/// Half of an encoded byte at the end of `link`, `%` or `%4`, would be completed by what is appended. It is text.
fn close_encoding(link: &mut String) {
    let half = link.rfind('%').filter(|at| link.len().saturating_sub(*at) <= 2);
    if let Some(at) = half
        && link.bytes().skip(at.saturating_add(1)).all(|byte| byte.is_ascii_hexdigit())
    {
        link.insert_str(at.saturating_add(1), "25");
    }
}

const MACROS: [&str; 5] = ["gk_click_id", "pub_member_id", "pub_click_id", "gk_offer_id", "gk_offer_name"];
/// A macro's brackets as they are written, and as they stand where somebody pasted the link percent-encoded.
const BRACKETS: [(&str, &str); 3] = [("{", "}"), ("%7B", "%7D"), ("%7b", "%7d")];

/// The macro that `text` begins with, and what follows it.
fn macro_at(text: &str) -> Option<(&'static str, &str)> {
    BRACKETS.into_iter().find_map(|(open, close)| {
        let inside = text.strip_prefix(open)?;
        MACROS.into_iter().find_map(|name| Some((name, inside.strip_prefix(name)?.strip_prefix(close)?)))
    })
}

fn is_appsflyer(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        ["appsflyer.com", "onelink.me"].iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    })
}

/// Adds what is absent; removes `redirect=false`, which would leave the user on a blank page
/// (AppsFlyer, "S2S click", AF/360000807629), and a `redirect` that a click could make so.
fn complete_for_appsflyer(url: &mut Url, parts: &Parts<'_>, mark: &str) {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, value)| {
            !(name == "redirect" && (value.eq_ignore_ascii_case("false") || value.contains(mark)))
        })
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    for (name, value) in [
        ("clickid", format!("{mark}{}", Slot::Click.digit())),
        ("af_siteid", parts.publisher.to_string()),
        ("af_c_id", parts.offer.to_string()),
        ("c", campaign_name(parts.name)),
    ] {
        if !pairs.iter().any(|(present, _value)| present == name) {
            pairs.push((String::from(name), value));
        }
    }
    let mut query = String::with_capacity(256);
    for (name, value) in &pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, VALUE));
        query.push('=');
        query.extend(utf8_percent_encode(value, VALUE));
    }
    url.set_query(Some(&query));
}

/// AppsFlyer's cost reporting takes no spaces and no `|`, `+`, `:`, `(`, `)` in `c` (GoKart help centre, 12602563).
fn campaign_name(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_whitespace() || "|+:()".contains(letter) { '_' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests;
