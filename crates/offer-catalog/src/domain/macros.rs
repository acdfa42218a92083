//! A publisher's postback URL template. Unknown macros are refused when it is saved: found out later, they would be found
//! out by a publisher that was not paid.

use url::Url;

use super::problems::FieldProblem;

/// The longest template.
pub const TEMPLATE_BYTES_MAX: usize = 4_096;
/// How many `pub_sub_n` there are.
const PUB_SUBS: u8 = 15;
/// Every macro but those.
const MACROS: [&str; 17] = [
    "pub_click_id",
    "pub_member_id",
    "gk_click_id",
    "gk_offer_id",
    "gk_offer_name",
    "cnv_event_id",
    "cnv_event_name",
    "cnv_amount",
    "cnv_currency",
    "conversion_id",
    "status",
    "payout",
    "currency",
    "reward",
    "reason",
    "event_time",
    "delivery_id",
];

/// Every macro.
pub fn all() -> impl Iterator<Item = String> {
    let subs = (1..=PUB_SUBS).map(|number| format!("pub_sub_{number}"));
    MACROS.into_iter().map(str::to_owned).chain(subs)
}

/// Whether `name` is a macro of postback templates.
#[must_use]
pub fn is_known(name: &str) -> bool {
    let is_sub = || {
        let number = name.strip_prefix("pub_sub_").and_then(|number| number.parse::<u8>().ok());
        number.is_some_and(|number| (1..=PUB_SUBS).contains(&number) && name == format!("pub_sub_{number}"))
    };
    MACROS.contains(&name) || is_sub()
}

/// What a person should know about a template that can be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Sentences; each is worth a thought, none stops saving.
    pub warnings: Vec<String>,
}

/// Checks a template.
///
/// # Errors
/// Everything that is wrong with it, each about `field`.
pub fn check(field: &str, template: &str) -> Result<Accepted, Vec<FieldProblem>> {
    let mut wrong: Vec<String> = Vec::new();
    if template.len() > TEMPLATE_BYTES_MAX {
        wrong.push(format!("must be at most {TEMPLATE_BYTES_MAX} bytes"));
    }
    let macros = match macros_of(template) {
        Ok(macros) => macros,
        Err(sentence) => {
            wrong.push(sentence);
            Vec::new()
        }
    };
    for name in &macros {
        if !is_known(name) {
            wrong.push(format!("`{{{name}}}` is not a macro; known are {}", known_list()));
        }
    }
    wrong.extend(wrong_url(template));
    if !wrong.is_empty() {
        return Err(wrong
            .into_iter()
            .map(|detail| FieldProblem { field: field.to_owned(), detail })
            .collect());
    }
    let mut warnings = Vec::new();
    if !macros.iter().any(|name| matches!(*name, "conversion_id" | "delivery_id")) {
        warnings.push(String::from(
            "holds neither {conversion_id} nor {delivery_id}: the publisher can not tell a repeated delivery from a new \
             conversion",
        ));
    }
    Ok(Accepted { warnings })
}

/// The macros in order of appearance.
fn macros_of(template: &str) -> Result<Vec<&str>, String> {
    let mut macros = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        if before.contains('}') {
            return Err(String::from("has a `}` without its `{`"));
        }
        let (name, tail) = after.split_once('}').ok_or_else(|| String::from("has a `{` without its `}`"))?;
        macros.push(name);
        rest = tail;
    }
    if rest.contains('}') { Err(String::from("has a `}` without its `{`")) } else { Ok(macros) }
}

fn wrong_url(template: &str) -> Option<String> {
    // A value must never choose the server, so the part before the path is parsed with nothing filled in.
    let host_end = template.find("://").and_then(|at| at.checked_add(3)).unwrap_or_default();
    let authority =
        template.get(host_end..).unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['{', '}']) {
        return Some(String::from("must not have a macro in its host"));
    }
    // URL parsers pass over these, and would take the next part for the host.
    if template.chars().any(|letter| letter.is_control() || letter == '\\') {
        return Some(String::from("must not hold backslashes, tabs or line ends"));
    }
    let Ok(url) = Url::parse(template) else {
        return Some(String::from(
            "must be an absolute URL such as https://partner.example/pb?click={pub_click_id}",
        ));
    };
    // Spelled out: URL parsers read `https:host` as well, and whoever renders the template does not.
    let begins_with = |scheme: &str| {
        template.trim_start().get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    if !(begins_with("https://") || begins_with("http://"))
        || authority.is_empty()
        || url.host_str().is_none_or(str::is_empty)
    {
        return Some(String::from("must begin with https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some(String::from("must not carry a user name or password; use the custom header"));
    }
    url.fragment().map(|_fragment| String::from("must not have a fragment (#…): it is never sent"))
}

fn known_list() -> String {
    let names = MACROS.iter().map(|name| format!("{{{name}}}"));
    format!("{}, {{pub_sub_1}} to {{pub_sub_{PUB_SUBS}}}", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://p.example/pb?c={pub_click_id}&id={conversion_id}", 0)]
    #[case("https://p.example/{pub_sub_15}?d={delivery_id}", 0)]
    #[case("http://127.0.0.1:9000/pb?c={pub_click_id}", 1)]
    #[case("HTTPS://p.example/pb?c={conversion_id}", 0)]
    fn good_templates_are_saved(#[case] template: &str, #[case] warnings: usize) {
        assert_eq!(check("urlTemplate", template).unwrap().warnings.len(), warnings);
    }

    #[rstest]
    #[case("https://p.example/?c={click}", "`{click}` is not a macro")]
    #[case("https://p.example/?c={pub_sub_16}", "`{pub_sub_16}` is not a macro")]
    #[case("https://p.example/?c={pub_sub_01}", "`{pub_sub_01}` is not a macro")]
    #[case("https://p.example/?c={}", "`{}` is not a macro")]
    #[case("https://p.example/?c={Status}", "`{Status}` is not a macro")]
    #[case("https://p.example/?c={status", "without its `}`")]
    #[case("https://p.example/?c=status}", "without its `{`")]
    #[case("https://{pub_sub_1}.example/", "macro in its host")]
    #[case("https://u:p@p.example/", "user name")]
    #[case("https://p.example/#{status}", "fragment")]
    #[case("ftp://p.example/", "https://")]
    #[case("https:p.example/pb", "https://")]
    #[case("https:/p.example/pb", "https://")]
    #[case("https:///{pub_sub_1}/p.example", "https://")]
    #[case("https:\\\\{pub_sub_1}/p.example", "macro in its host")]
    #[case("https://\t/{pub_sub_1}/p.example", "backslashes")]
    #[case("p.example/pb", "absolute URL")]
    #[case("", "absolute URL")]
    fn wrong_templates_say_why(#[case] template: &str, #[case] expected: &str) {
        let problems = check("urlTemplate", template).unwrap_err();
        assert!(problems.iter().any(|problem| problem.detail.contains(expected)), "{problems:?}");
    }

    #[test]
    fn all_macros_are_known() {
        assert_eq!(all().filter(|name| is_known(name)).count(), 32);
    }

    #[test]
    fn all_unknown_macros_are_named_at_once() {
        let problems = check("urlTemplate", "https://p.example/?a={a}&b={b}&s={status}").unwrap_err();
        assert_eq!(problems.len(), 2);
    }
}
