//! The files of a spool. Blocks: called only where a thread may wait for a disk.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use fail::fail_point;

use super::settings::SpoolSettings;

const SUFFIX: &str = "spool";
/// Held, exclusively, by the process that owns the folder.
const LOCK: &str = "lock";
/// Written and deleted to see whether the disk takes anything again.
const PROBE: &str = "probe";
const PROBE_BYTES: [u8; 4096] = [0; 4096];

/// Why a folder can not be used or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("another process holds the spool folder")]
    InUse,
    #[error("the spool holds as much as it may")]
    Full,
    #[error("the spool folder")]
    Io(#[from] io::Error),
}

/// A file that is written no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed {
    number: u64,
    bytes: u64,
}

struct Current {
    number: u64,
    file: File,
    /// Bytes that are on disk for certain. What stands behind them belongs to nobody.
    bytes: u64,
}

/// An open folder.
pub(crate) struct Folder {
    path: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    sealed: VecDeque<Sealed>,
    current: Option<Current>,
    next_number: u64,
    bytes: u64,
    _lock: File,
}

impl Folder {
    /// Takes the folder over, with whatever files an earlier process left in it.
    pub(crate) fn open(settings: &SpoolSettings) -> Result<Self, FolderError> {
        fs::create_dir_all(&settings.folder)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(settings.folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => FolderError::InUse,
            TryLockError::Error(error) => FolderError::Io(error),
        })?;
        let mut sealed = Vec::new();
        for entry in fs::read_dir(&settings.folder)? {
            let entry = entry?;
            if let Some(number) = number_of(&entry.path()) {
                sealed.push(Sealed { number, bytes: entry.metadata()?.len() });
            }
        }
        sealed.sort_by_key(|file| file.number);
        Ok(Self {
            path: settings.folder.clone(),
            max_bytes: settings.max_bytes,
            segment_bytes: settings.segment_bytes,
            next_number: sealed.last().map_or(0, |file| file.number.saturating_add(1)),
            bytes: sealed.iter().map(|file| file.bytes).sum(),
            sealed: sealed.into(),
            current: None,
            _lock: lock,
        })
    }

    /// Bytes of all files.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Age of the oldest file, by the file system's own stamps.
    pub(crate) fn oldest_age(&self) -> Duration {
        let oldest = self
            .sealed
            .front()
            .map(|file| file.number)
            .or_else(|| self.current.as_ref().map(|current| current.number));
        oldest
            .and_then(|number| fs::metadata(self.file(number)).ok()?.created().ok()?.elapsed().ok())
            .unwrap_or_default()
    }

    /// Appends records; when this returns `Ok` the disk has them. All or nothing: what was half written is cut off again.
    pub(crate) fn append(&mut self, records: &[u8]) -> Result<(), FolderError> {
        fail_point!("bus::spool_append", |_action| Err(FolderError::Io(io::ErrorKind::StorageFull.into())));
        let length = u64::try_from(records.len()).unwrap_or(u64::MAX);
        if self.bytes.saturating_add(length) > self.max_bytes {
            return Err(FolderError::Full);
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        if let Err(error) = write_all_and_sync(&mut current.file, records) {
            // Of a file that failed once nothing more is believed than what it had kept before (after a failed fsync
            // the kernel may have dropped what was not yet written, and say so only once).
            self.give_up(&current);
            return Err(error.into());
        }
        self.bytes = self.bytes.saturating_add(length);
        current.bytes = current.bytes.saturating_add(length);
        if current.bytes >= self.segment_bytes {
            self.close(&current);
        } else {
            self.current = Some(current);
        }
        Ok(())
    }

    /// Whether the disk takes anything: writes a file and deletes it.
    pub(crate) fn probe(&self) -> Result<(), FolderError> {
        fail_point!("bus::spool_append", |_action| Err(FolderError::Io(io::ErrorKind::StorageFull.into())));
        if self.bytes >= self.max_bytes {
            return Err(FolderError::Full);
        }
        let probe = self.path.join(PROBE);
        let written = File::create(&probe).and_then(|mut file| write_all_and_sync(&mut file, &PROBE_BYTES));
        let removed = fs::remove_file(&probe);
        written?;
        removed?;
        Ok(())
    }

    /// The oldest file that can be drained. When there is only the one being written, it is closed for that.
    pub(crate) fn oldest(&mut self) -> Option<Sealed> {
        if self.sealed.is_empty()
            && let Some(current) = self.current.take()
        {
            self.close(&current);
        }
        self.sealed.front().copied()
    }

    /// All bytes of a file.
    pub(crate) fn read(&self, file: Sealed) -> io::Result<Vec<u8>> {
        fs::read(self.file(file.number))
    }

    /// Deletes a file whose records are all with the broker.
    pub(crate) fn remove(&mut self, file: Sealed) -> io::Result<()> {
        match fs::remove_file(self.file(file.number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.sealed.retain(|kept| kept.number != file.number);
        self.bytes = self.bytes.saturating_sub(file.bytes);
        Ok(())
    }

    /// Keeps what could not be read in a file beside, for people; returns its name.
    pub(crate) fn set_aside(&self, file: Sealed, bytes: &[u8], at: &Range<usize>) -> io::Result<PathBuf> {
        let beside = self.path.join(format!("{:020}-{}.damaged", file.number, at.start));
        let mut kept = File::create(&beside)?;
        write_all_and_sync(&mut kept, bytes.get(at.clone()).unwrap_or_default())?;
        sync_folder(&self.path)?;
        Ok(beside)
    }

    fn begin(&mut self) -> io::Result<Current> {
        let number = self.next_number;
        let file = OpenOptions::new().create_new(true).append(true).open(self.file(number))?;
        // Before anything in it is promised, its name must be on disk, too.
        sync_folder(&self.path)?;
        self.next_number = number.saturating_add(1);
        Ok(Current { number, file, bytes: 0 })
    }

    /// Closes a file that could not be written.
    fn give_up(&mut self, current: &Current) {
        let cut = if current.bytes == 0 {
            fs::remove_file(self.file(current.number))
        } else {
            let cut = current.file.set_len(current.bytes);
            self.close(current);
            cut
        };
        if let Err(error) = cut {
            // Harmless: a half-written record is found out by its checksum when the file is read.
            tracing::debug!(error = %error, "what was half written stays in the spool folder");
        }
    }

    fn close(&mut self, current: &Current) {
        self.sealed.push_back(Sealed { number: current.number, bytes: current.bytes });
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.{SUFFIX}"))
    }
}

fn number_of(path: &Path) -> Option<u64> {
    if path.extension()? != SUFFIX {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}

fn write_all_and_sync(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_data()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path) -> SpoolSettings {
        SpoolSettings { folder: folder.to_owned(), max_bytes: 100, segment_bytes: 30 }
    }

    fn drained(folder: &mut Folder) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| {
            let file = folder.oldest()?;
            let bytes = folder.read(file).unwrap();
            folder.remove(file).unwrap();
            Some(bytes)
        })
        .collect()
    }

    #[test]
    fn what_was_appended_is_there_after_a_restart_in_order_and_then_gone() {
        let place = tempfile::tempdir().unwrap();
        let settings = settings(&place.path().join("made/when/missing"));
        let mut folder = Folder::open(&settings).unwrap();
        for record in [[b'a'; 20], [b'b'; 20], [b'c'; 20]] {
            folder.append(&record).unwrap();
        }
        drop(folder);
        let mut folder = Folder::open(&settings).unwrap();
        assert_eq!(folder.bytes(), 60);
        folder.append(&[b'd'; 20]).unwrap();
        let files = drained(&mut folder);
        assert_eq!(files, [[[b'a'; 20], [b'b'; 20]].concat(), vec![b'c'; 20], vec![b'd'; 20]]);
        assert_eq!(folder.bytes(), 0);
        assert_eq!(fs::read_dir(&settings.folder).unwrap().count(), 1, "only the lock is left");
    }

    #[test]
    fn it_is_bounded_and_takes_again_what_was_drained() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(&settings(place.path())).unwrap();
        folder.append(&[1; 90]).unwrap();
        assert!(matches!(folder.append(&[1; 20]), Err(FolderError::Full)));
        assert_eq!(folder.bytes(), 90);
        assert_eq!(drained(&mut folder), [vec![1; 90]]);
        folder.append(&[1; 20]).unwrap();
    }

    #[test]
    fn a_folder_has_one_owner_and_the_next_one_takes_over() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&settings(place.path())).unwrap();
        assert!(matches!(Folder::open(&settings(place.path())), Err(FolderError::InUse)));
        drop(folder);
        Folder::open(&settings(place.path())).unwrap();
    }

    #[test]
    fn what_can_not_be_read_is_kept_beside() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(&settings(place.path())).unwrap();
        folder.append(b"0123456789").unwrap();
        let file = folder.oldest().unwrap();
        let bytes = folder.read(file).unwrap();
        let beside = folder.set_aside(file, &bytes, &(2..5)).unwrap();
        folder.remove(file).unwrap();
        assert_eq!(fs::read(beside).unwrap(), b"234");
        drop(folder);
        assert!(Folder::open(&settings(place.path())).unwrap().oldest().is_none(), "nobody reads it again");
    }
}
