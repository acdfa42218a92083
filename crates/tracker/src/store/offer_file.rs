//! The shared offers in a file: what a tracker starts with when its database does not answer.
//!
//! ```text
//! "GKOFFERS" | format, 4 bytes | offers, each with its length in 4 bytes before it | 0000 | their count, 8 bytes | CRC-32 of all before
//! ```
//!
//! Offers stand here as a click needs them, not as the catalog tells them: a start parses no link. So the format is this
//! release's own; a file of another one is refused like a torn one, and the database is waited for.
//!
//! A file is written whole beside the old one, flushed to the disk and then renamed: a crash leaves one or the other.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
    sync::Arc,
};

use kernel::{AdvertiserId, IdError, LinkId, OfferId, PublisherId, TenantId, TimeWindow, Timestamp};
use prost::Message;

use crate::domain::{
    Ages, Budget, Countries, Country, Destination, Genders, LiveOffer, OfferStatus, Platforms, Slot,
    Targeting,
};

const MARK: [u8; 8] = *b"GKOFFERS";
/// To be raised whenever [`SavedOffer`] means something else than before.
const FORMAT: u32 = 1;
/// Longest record: many times the longest link. What claims to be longer is damage, and no memory is given to it.
const RECORD_BYTES_MAX: u32 = 1 << 20;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OfferFileError {
    /// It can not be read, or ends too early.
    #[error("reading the file of offers")]
    Io(#[from] io::Error),
    /// It is something else, or of another release.
    #[error("the file is no file of offers of this release")]
    OtherFormat,
    /// A byte of it changed, or it goes on after its end.
    #[error("the file of offers is damaged")]
    Damaged,
    /// A record is not what it should be.
    #[error("an offer in the file does not decode")]
    Decode(#[from] prost::DecodeError),
    /// An id is none.
    #[error("an offer in the file has a broken id")]
    Id(#[from] IdError),
    /// A value is none of this release's.
    #[error("an offer in the file holds an unknown {0}")]
    Unknown(&'static str),
}

/// A [`LiveOffer`] as it is kept.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct SavedOffer {
    #[prost(bytes = "vec", tag = "1")]
    tenant: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    link: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    offer: Vec<u8>,
    #[prost(uint32, tag = "4")]
    version: u32,
    #[prost(bytes = "vec", tag = "5")]
    advertiser: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    publisher: Vec<u8>,
    #[prost(message, optional, tag = "7")]
    destination: Option<SavedDestination>,
    #[prost(string, optional, tag = "8")]
    fallback: Option<String>,
    /// 0 draft, 1 ready, 2 paused, 3 ended.
    #[prost(uint32, tag = "9")]
    status: u32,
    #[prost(int64, tag = "10")]
    from_micros: i64,
    #[prost(int64, optional, tag = "11")]
    until_micros: Option<i64>,
    #[prost(string, repeated, tag = "12")]
    countries: Vec<String>,
    #[prost(uint32, tag = "13")]
    platforms: u32,
    #[prost(uint32, tag = "14")]
    genders: u32,
    /// 16 bytes, big end first.
    #[prost(bytes = "vec", tag = "15")]
    ages: Vec<u8>,
    #[prost(bool, tag = "16")]
    budget_spent: bool,
    #[prost(int64, optional, tag = "17")]
    budget_resumes_micros: Option<i64>,
    #[prost(string, tag = "18")]
    headline: String,
}

/// A [`Destination`] as it is kept: each tail has its slot's digit before it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct SavedDestination {
    #[prost(string, tag = "1")]
    head: String,
    #[prost(string, repeated, tag = "2")]
    tails: Vec<String>,
}

/// Writes the offers; the file is the old one or the new one at every moment.
///
/// # Errors
/// The file system's; the old file is as it was then.
pub fn write(path: &Path, offers: &[Arc<LiveOffer>]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension("new");
    let mut out =
        Checked { inner: BufWriter::new(File::create(&beside)?), checksum: crc32fast::Hasher::new() };
    out.write_all(&MARK)?;
    out.write_all(&FORMAT.to_le_bytes())?;
    let mut record = Vec::new();
    for offer in offers {
        record.clear();
        saved(offer).encode(&mut record).map_err(io::Error::other)?;
        let length = u32::try_from(record.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&record)?;
    }
    out.write_all(&0_u32.to_le_bytes())?;
    out.write_all(&u64::try_from(offers.len()).unwrap_or(u64::MAX).to_le_bytes())?;
    let checksum = out.checksum.clone().finalize();
    out.write_all(&checksum.to_le_bytes())?;
    let file = out.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The name, too, must outlive a power cut.
    File::open(folder)?.sync_all()
}

/// Reads the offers; `None` when there is no file.
///
/// # Errors
/// [`OfferFileError`]: nothing of such a file is taken.
pub fn read(path: &Path) -> Result<Option<Vec<LiveOffer>>, OfferFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut file = Checked { inner: BufReader::new(file), checksum: crc32fast::Hasher::new() };
    if file.array()? != MARK || u32::from_le_bytes(file.array()?) != FORMAT {
        return Err(OfferFileError::OtherFormat);
    }
    let mut offers = Vec::new();
    let mut record = Vec::new();
    loop {
        let length = u32::from_le_bytes(file.array()?);
        if length == 0 {
            break;
        }
        if length > RECORD_BYTES_MAX {
            return Err(OfferFileError::Damaged);
        }
        record.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        file.read_exact(&mut record)?;
        offers.push(live(SavedOffer::decode(record.as_slice())?)?);
    }
    let count = u64::from_le_bytes(file.array()?);
    let checksum = file.checksum.clone().finalize();
    let is_whole = u32::from_le_bytes(file.array()?) == checksum
        && u64::try_from(offers.len()) == Ok(count)
        && file.read(&mut [0])? == 0;
    if is_whole { Ok(Some(offers)) } else { Err(OfferFileError::Damaged) }
}

/// Reads or writes, and sums up what went through.
struct Checked<T> {
    inner: T,
    checksum: crc32fast::Hasher,
}

impl<W: Write> Checked<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<R: Read> Checked<R> {
    fn array<const LENGTH: usize>(&mut self) -> io::Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.checksum.update(bytes);
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.inner.read(bytes)
    }
}

fn saved(offer: &LiveOffer) -> SavedOffer {
    let (budget_spent, budget_resumes) = match offer.budget {
        Budget::Open => (false, None),
        Budget::Spent => (true, None),
        Budget::SpentUntil(at) => (true, Some(at)),
    };
    SavedOffer {
        tenant: offer.tenant.to_vec(),
        link: offer.link.to_vec(),
        offer: offer.offer.to_vec(),
        version: offer.version,
        advertiser: offer.advertiser.to_vec(),
        publisher: offer.publisher.to_vec(),
        destination: offer.destination.as_ref().map(|destination| {
            let (head, tails) = destination.pieces();
            SavedDestination {
                head: head.into(),
                tails: tails.map(|(slot, tail)| [slot.digit(), tail].concat()).collect(),
            }
        }),
        fallback: offer.fallback.as_deref().map(String::from),
        status: match offer.status {
            OfferStatus::Draft => 0,
            OfferStatus::Ready => 1,
            OfferStatus::Paused => 2,
            OfferStatus::Ended => 3,
        },
        from_micros: offer.dates.from.as_micros(),
        until_micros: offer.dates.until.map(Timestamp::as_micros),
        countries: offer.targeting.countries.iter().map(|country| country.as_str().into()).collect(),
        platforms: offer.targeting.platforms.bits().into(),
        genders: offer.targeting.genders.bits().into(),
        ages: offer.targeting.ages.bits().to_be_bytes().to_vec(),
        budget_spent,
        budget_resumes_micros: budget_resumes.map(Timestamp::as_micros),
        headline: offer.headline.as_ref().into(),
    }
}

fn live(saved: SavedOffer) -> Result<LiveOffer, OfferFileError> {
    let unknown = |what: &'static str| move |_narrowed| OfferFileError::Unknown(what);
    let countries = saved.countries.iter().map(|code| code.parse::<Country>());
    let countries =
        countries.collect::<Result<Countries, _>>().map_err(|_none| OfferFileError::Unknown("country"))?;
    let ages: [u8; 16] =
        saved.ages.as_slice().try_into().map_err(|_length| OfferFileError::Unknown("set of ages"))?;
    Ok(LiveOffer {
        tenant: TenantId::from_slice(&saved.tenant)?,
        link: LinkId::from_slice(&saved.link)?,
        offer: OfferId::from_slice(&saved.offer)?,
        version: saved.version,
        advertiser: AdvertiserId::from_slice(&saved.advertiser)?,
        publisher: PublisherId::from_slice(&saved.publisher)?,
        destination: saved.destination.as_ref().map(destination).transpose()?,
        fallback: saved.fallback.map(Into::into),
        status: match saved.status {
            0 => OfferStatus::Draft,
            1 => OfferStatus::Ready,
            2 => OfferStatus::Paused,
            3 => OfferStatus::Ended,
            _other => return Err(OfferFileError::Unknown("status")),
        },
        dates: TimeWindow {
            from: Timestamp::from_micros(saved.from_micros),
            until: saved.until_micros.map(Timestamp::from_micros),
        },
        targeting: Targeting {
            countries,
            platforms: Platforms::from_bits(saved.platforms.try_into().map_err(unknown("platform"))?),
            genders: Genders::from_bits(saved.genders.try_into().map_err(unknown("gender"))?),
            ages: Ages::from_bits(u128::from_be_bytes(ages)),
        },
        budget: match (saved.budget_spent, saved.budget_resumes_micros) {
            (false, _) => Budget::Open,
            (true, None) => Budget::Spent,
            (true, Some(at)) => Budget::SpentUntil(Timestamp::from_micros(at)),
        },
        headline: saved.headline.into(),
    })
}

fn destination(saved: &SavedDestination) -> Result<Destination, OfferFileError> {
    let tails = saved.tails.iter().map(|tail| {
        let (digit, text) = tail.split_at_checked(1)?;
        Some((Slot::of(digit)?, Box::from(text)))
    });
    let tails = tails.collect::<Option<Vec<_>>>().ok_or(OfferFileError::Unknown("slot"))?;
    Ok(Destination::from_pieces(&saved.head, tails))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use uuid::Uuid;

    use super::*;
    use crate::domain::{Gender, Platform, sample_offer};

    fn offers() -> Vec<Arc<LiveOffer>> {
        let targeted = LiveOffer {
            link: LinkId::from_uuid(Uuid::from_u128(77)),
            status: OfferStatus::Paused,
            fallback: Some("https://shop.example/".into()),
            targeting: Targeting {
                countries: ["JP", "DE"].iter().filter_map(|code| code.parse().ok()).collect(),
                platforms: [Platform::Ios, Platform::Browser].into_iter().collect(),
                genders: [Gender::Male].into_iter().collect(),
                ages: [(18, None)].into_iter().collect(),
            },
            budget: Budget::SpentUntil(Timestamp::from_micros(7)),
            ..sample_offer()
        };
        let broken = LiveOffer {
            dates: TimeWindow { from: Timestamp::from_micros(-1), until: None },
            destination: None,
            budget: Budget::Spent,
            ..sample_offer()
        };
        [sample_offer(), targeted, broken].into_iter().map(Arc::new).collect()
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/offers");
        (folder, path)
    }

    #[test]
    fn what_was_written_is_read() {
        let (_folder, path) = file();
        assert!(read(&path).unwrap().is_none(), "no file is no error");
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), []);
        write(&path, &offers()).unwrap();
        let read: Vec<_> = read(&path).unwrap().unwrap().into_iter().map(Arc::new).collect();
        assert_eq!(read, offers());
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_torn_or_damaged_file_is_refused_whatever_byte_it_is() {
        let (_folder, path) = file();
        write(&path, &offers()).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path).is_err(), "torn after {length} bytes");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_err(), "byte {at} changed");
        }
        fs::write(&path, [whole.as_slice(), &[0]].concat()).unwrap();
        assert!(read(&path).is_err(), "it goes on after its end");
    }

    #[test]
    fn a_hundred_thousand_offers_are_kept_and_read() {
        let (_folder, path) = file();
        let offers: Vec<_> = (0..100_000_u128)
            .map(|number| {
                let link = LinkId::from_uuid(Uuid::from_u128(number));
                Arc::new(LiveOffer { link, ..LiveOffer::clone(&offers()[1]) })
            })
            .collect();
        write(&path, &offers).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().len(), 100_000);
    }
}
