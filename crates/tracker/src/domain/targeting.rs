//! Whom an offer is for. An empty set means everybody; what is not known of a user refuses nobody.

use super::{
    country::{Countries, Country},
    device::Device,
    live::Refusal,
    parameters::Gender,
};

/// What an offer can be done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// iPhone, iPad.
    Ios,
    /// Android.
    Android,
    /// Mac.
    MacOs,
    /// Anything that opens a web page.
    Browser,
}

/// A set of platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Platforms(u8);

/// A set of genders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Genders(u8);

/// A set of ages in years, 0 to 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ages(u128);

/// Whom an offer is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targeting {
    /// Where its users are.
    pub countries: Countries,
    /// What it is done with.
    pub platforms: Platforms,
    /// Its users' genders.
    pub genders: Genders,
    /// Its users' ages.
    pub ages: Ages,
}

/// What is known of the user who clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct User {
    /// Where they are.
    pub country: Option<Country>,
    /// What they hold in their hands.
    pub device: Option<Device>,
    /// As the publisher says.
    pub gender: Option<Gender>,
    /// As the publisher says.
    pub age: Option<u8>,
}

impl Targeting {
    /// Whether the offer is for this user.
    ///
    /// # Errors
    /// The first reason in the order: country, platform, gender, age.
    pub fn admit(&self, user: User) -> Result<(), Refusal> {
        let misses = |is_known_and_outside: Option<bool>| is_known_and_outside.unwrap_or(false);
        let Self { countries, platforms, genders, ages } = self;
        if !countries.is_empty() && misses(user.country.map(|country| !countries.contains(country))) {
            return Err(Refusal::Country);
        }
        if misses(user.device.map(|device| !platforms.admit(device))) {
            return Err(Refusal::Platform);
        }
        if misses(user.gender.map(|gender| !genders.admit(gender))) {
            return Err(Refusal::Gender);
        }
        if misses(user.age.map(|age| !ages.admit(age))) {
            return Err(Refusal::Age);
        }
        Ok(())
    }
}

impl Platform {
    const fn bit(self) -> u8 {
        match self {
            Self::Ios => 1,
            Self::Android => 2,
            Self::MacOs => 4,
            Self::Browser => 8,
        }
    }
}

impl Platforms {
    /// Whether every device will do, so that none needs to be looked at. An offer for browsers is done on a web page, and
    /// whatever followed the link opens one.
    #[must_use]
    pub const fn admit_all(self) -> bool {
        self.0 == 0 || self.0 & Platform::Browser.bit() != 0
    }

    fn admit(self, device: Device) -> bool {
        let has = |platform: Platform| self.0 & platform.bit() != 0;
        self.admit_all()
            || match device {
                Device::Is(platform) => has(platform),
                Device::MacOrIpad => has(Platform::MacOs) || has(Platform::Ios),
            }
    }

    /// As a number, for who keeps it.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From that number.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl FromIterator<Platform> for Platforms {
    fn from_iter<I: IntoIterator<Item = Platform>>(platforms: I) -> Self {
        Self(platforms.into_iter().fold(0, |bits, platform| bits | platform.bit()))
    }
}

impl Genders {
    fn admit(self, gender: Gender) -> bool {
        self.0 == 0 || self.0 & gender_bit(gender) != 0
    }

    /// As a number, for who keeps it.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From that number.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl FromIterator<Gender> for Genders {
    fn from_iter<I: IntoIterator<Item = Gender>>(genders: I) -> Self {
        Self(genders.into_iter().fold(0, |bits, gender| bits | gender_bit(gender)))
    }
}

const fn gender_bit(gender: Gender) -> u8 {
    match gender {
        Gender::Female => 1,
        Gender::Male => 2,
    }
}

impl Ages {
    fn admit(self, age: u8) -> bool {
        self.0 == 0 || self.0 & bits_from(u32::from(age)) & !bits_from(u32::from(age).saturating_add(1)) != 0
    }

    /// As a number, for who keeps it.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// From that number.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

/// Ranges of years: the first inside, and the last inside or none.
impl FromIterator<(u32, Option<u32>)> for Ages {
    fn from_iter<I: IntoIterator<Item = (u32, Option<u32>)>>(ranges: I) -> Self {
        Self(ranges.into_iter().fold(0, |bits, (from, to)| {
            let above = to.map_or(0, |to| bits_from(to.saturating_add(1)));
            bits | (bits_from(from) & !above)
        }))
    }
}

/// The years from `first` on.
fn bits_from(first: u32) -> u128 {
    u128::MAX.checked_shl(first).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn country(code: &str) -> Option<Country> {
        code.parse().ok()
    }

    /// Japan and Germany, iPhones, women, 18 to 24 and from 65.
    fn targeting() -> Targeting {
        Targeting {
            countries: ["JP", "DE"].into_iter().filter_map(country).collect(),
            platforms: [Platform::Ios].into_iter().collect(),
            genders: [Gender::Female].into_iter().collect(),
            ages: [(18, Some(24)), (65, None)].into_iter().collect(),
        }
    }

    fn on_target() -> User {
        User {
            country: country("DE"),
            device: Some(Device::Is(Platform::Ios)),
            gender: Some(Gender::Female),
            age: Some(24),
        }
    }

    #[rstest]
    #[case(on_target(), Ok(()))]
    #[case(User::default(), Ok(()))]
    #[case(User { country: country("FR"), ..on_target() }, Err(Refusal::Country))]
    #[case(User { country: None, ..on_target() }, Ok(()))]
    #[case(User { device: Some(Device::Is(Platform::Android)), ..on_target() }, Err(Refusal::Platform))]
    #[case(User { device: Some(Device::Is(Platform::MacOs)), ..on_target() }, Err(Refusal::Platform))]
    #[case(User { device: Some(Device::Is(Platform::Browser)), ..on_target() }, Err(Refusal::Platform))]
    #[case(User { device: Some(Device::MacOrIpad), ..on_target() }, Ok(()))]
    #[case(User { device: None, ..on_target() }, Ok(()))]
    #[case(User { gender: Some(Gender::Male), ..on_target() }, Err(Refusal::Gender))]
    #[case(User { gender: None, ..on_target() }, Ok(()))]
    #[case(User { age: Some(17), ..on_target() }, Err(Refusal::Age))]
    #[case(User { age: Some(25), ..on_target() }, Err(Refusal::Age))]
    #[case(User { age: Some(120), ..on_target() }, Ok(()))]
    #[case(User { age: None, ..on_target() }, Ok(()))]
    fn the_first_reason_counts(#[case] user: User, #[case] expected: Result<(), Refusal>) {
        assert_eq!(targeting().admit(user), expected);
        assert_eq!(Targeting::default().admit(user), Ok(()), "an offer for everybody refuses nobody");
    }

    #[test]
    fn a_browser_is_on_every_device() {
        let platforms: Platforms = [Platform::Browser].into_iter().collect();
        assert!(platforms.admit_all() && platforms.admit(Device::Is(Platform::Android)));
        let apps: Platforms = [Platform::Ios, Platform::Android].into_iter().collect();
        assert!(!apps.admit_all() && !apps.admit(Device::Is(Platform::Browser)));
    }

    proptest! {
        #[test]
        fn ages_are_their_ranges(
            ranges in prop::collection::vec((0_u32..130, prop::option::of(0_u32..130)), 1..4),
            age in 1_u8..=120,
        ) {
            let inside = ranges.iter().any(|(from, to)| {
                *from <= u32::from(age) && to.is_none_or(|to| u32::from(age) <= to)
            });
            let ages: Ages = ranges.into_iter().collect();
            // Ranges that hold no year at all would mean "every age"; the catalog refuses them.
            prop_assume!(ages != Ages::default());
            prop_assert_eq!(ages.admit(age), inside);
        }
    }
}
