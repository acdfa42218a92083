//! Countries by their ISO 3166-1 alpha-2 code.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The 249 codes that ISO has assigned.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA \
    BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU \
    CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES \
    ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM \
    GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE \
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM \
    KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY \
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT \
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU \
    NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA \
    RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM \
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL \
    TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE \
    VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Every code that ISO has assigned, in its order.
    pub fn all() -> impl Iterator<Item = &'static str> {
        ASSIGNED.split_ascii_whitespace()
    }

    /// The code, such as `US`.
    #[must_use]
    pub fn code(&self) -> &str {
        // Only assigned codes are ever stored, so this is always text; the fallback can not be reached.
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an ISO 3166-1 alpha-2 code such as US, ZA or AU");
        let code = text.trim().to_ascii_uppercase();
        if !ASSIGNED.split(' ').any(|assigned| assigned == code) {
            return Err(wrong());
        }
        code.as_bytes().try_into().map(Self).map_err(|_wrong_length| wrong())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        Self::from(country.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_assigned_code_reads_in_any_case() {
        assert_eq!(ASSIGNED.split(' ').count(), 249);
        for code in ASSIGNED.split(' ') {
            assert_eq!(code.to_lowercase().parse::<Country>().unwrap().code(), code);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "USA", "UK", "XX", "U", "AD AE"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
    }
}
