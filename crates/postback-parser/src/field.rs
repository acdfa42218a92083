//! The parameters we know, and the names under which they arrive.

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $canonical:literal $(| $alias:literal)*;)+) => {
        /// A parameter with a meaning. The order of the names of a field is its precedence: canonical first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $variant,)+
        }

        impl Field {
            /// Every field, in the order of its precedence in canonical form.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Our name of the parameter.
            #[must_use]
            pub const fn canonical(self) -> &'static str {
                match self { $(Self::$variant => $canonical,)+ }
            }

            /// All names of the parameter, folded, the most important first.
            #[must_use]
            pub const fn names(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$canonical $(, $alias)*],)+ }
            }

            /// Finds a folded name: the field and the rank of the name among its names, 0 for the canonical one.
            #[must_use]
            pub fn of_folded(name: &str) -> Option<(Self, usize)> {
                Self::ALL.iter().find_map(|field| {
                    field.names().iter().position(|known| *known == name).map(|rank| (*field, rank))
                })
            }
        }
    };
}

fields! {
    /// The click this postback answers to.
    ClickId = "gk_click_id" | "clickid" | "click_id";
    /// The Event ID that AppsFlyer maps its event to.
    EventId = "cnv_event_id" | "mapped_iae" | "event_id";
    /// The event's name in the app.
    EventName = "cnv_event_name" | "event_name";
    /// The amount in its own currency.
    Amount = "cnv_amount" | "event_revenue" | "orig_monetary";
    /// The currency of the amount.
    Currency = "cnv_currency" | "event_revenue_currency" | "currency";
    /// The amount in US dollars.
    AmountUsd = "cnv_amount_usd" | "event_revenue_usd" | "monetary";
    /// What tells repeats of an event apart.
    ConversionId = "cnv_conversion_id" | "transaction_id" | "order_id";
    /// When the event happened, by the device's clock.
    EventTime = "event_time" | "timestamp";
    /// When the app was installed.
    InstallTime = "install_time" | "install_ts";
    /// The user's address.
    IpAddress = "cnv_conversion_ip_address" | "ip";
    /// The user's e-mail address.
    Email = "cnv_email";
    /// The advertiser's id of the user.
    UserId = "cnv_user_id" | "customer_user_id";
    /// Free for the advertiser.
    Sub1 = "cnv_sub_1";
    /// Free for the advertiser.
    Sub2 = "cnv_sub_2";
    /// Free for the advertiser.
    Sub3 = "cnv_sub_3";
    /// Free for the advertiser.
    Sub4 = "cnv_sub_4";
    /// Free for the advertiser.
    Sub5 = "cnv_sub_5";
    /// The event's own parameters, as the app sent them.
    EventValue = "event_value";
    /// The app: a package name, or `id` and digits.
    AppId = "app_id";
    /// The app's bundle id.
    BundleId = "bundle_id";
    /// The user's country, two letters.
    CountryCode = "country_code";
    /// The device's platform.
    Platform = "platform";
    /// AppsFlyer's id of the installation.
    AppsflyerId = "appsflyer_id";
    /// Google's advertising id.
    AdvertisingId = "advertising_id";
    /// Apple's advertising id.
    Idfa = "idfa";
    /// Apple's vendor id.
    Idfv = "idfv";
    /// The publisher, as sent with the click.
    AfSiteId = "af_siteid";
    /// Whether the conversion came from retargeting.
    IsRetargeting = "is_retargeting";
    /// `re-engagement` or `re-attribution`.
    RetargetingConversionType = "retargeting_conversion_type";
    /// False on the twin that did not win the attribution.
    IsPrimaryAttribution = "is_primary_attribution";
    /// Whether AppsFlyer's fraud protection rejected it.
    IsRejected = "is_rejected";
    /// Why it was rejected.
    BlockedReason = "blocked_reason" | "reject_reason" | "rejected_reason";
    /// What the reason refers to.
    BlockedReasonValue = "blocked_reason_value" | "reject_reason_value" | "rejected_reason_value";
    /// The reason, finer.
    BlockedSubReason = "blocked_sub_reason";
    /// How AppsFlyer matched the install.
    MatchType = "match_type";
    /// Click or impression.
    AttributedTouchType = "attributed_touch_type";
    /// Who brought the user, by AppsFlyer's account.
    MediaSource = "media_source";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_things() {
        let mut seen = std::collections::BTreeSet::new();
        for field in Field::ALL {
            for name in field.names() {
                assert!(seen.insert(*name), "{name} is listed twice");
                assert_eq!(crate::text::fold_name(name), *name, "names are listed folded");
            }
        }
    }
}
